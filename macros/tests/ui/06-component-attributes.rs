//! All problems of a component are reported together.

use std::sync::Arc;

use purlin::{component::Component, needs::Interface};

trait OrderService: Interface {}
trait OrderAudit: Interface {}

#[derive(Component)]
#[shaku(interfaces = OrderService)]
struct Misspelt {
    #[component(defualt)]
    seen: u64,
    #[shaku(provide)]
    connection: Box<dyn OrderAudit>,
    #[shaku(no_default)]
    limit: u32,
    #[shaku(inject, default)]
    audit: Arc<dyn OrderAudit>,
    #[shaku(keyed)]
    audits: Vec<Arc<dyn OrderAudit>>,
}

#[derive(Component)]
#[shaku(interface = OrderService)]
#[shaku(interface = OrderAudit)]
struct Two;

#[derive(Component)]
struct Unnamed;

#[derive(Component)]
#[shaku(interface = OrderService)]
struct Borrowing<'a> {
    name: &'a str,
}

#[derive(Component)]
#[shaku(interface = OrderService)]
enum Either {
    This,
    That,
}

fn main() {}
