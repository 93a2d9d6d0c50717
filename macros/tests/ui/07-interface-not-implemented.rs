//! A component does not implement the interface that it is given as.

use purlin::{component::Component, needs::Interface};

trait OrderService: Interface {}

#[derive(Component)]
#[shaku(interface = OrderService)]
struct OrderServiceImpl;

fn main() {}
