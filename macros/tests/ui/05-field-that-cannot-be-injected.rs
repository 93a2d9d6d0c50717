//! A field is the component's own, and nothing says so.

use std::sync::atomic::AtomicU64;

use purlin::{component::Component, needs::Interface};

trait OrderService: Interface {}

#[derive(Component)]
#[shaku(interface = OrderService)]
struct OrderServiceImpl {
    seen: AtomicU64,
}

impl OrderService for OrderServiceImpl {}

fn main() {}
