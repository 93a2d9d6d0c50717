//! An interface must be shareable: it extends `Interface`.

use purlin::component::Component;

trait OrderService {}

#[derive(Component)]
#[shaku(interface = OrderService)]
struct OrderServiceImpl;

impl OrderService for OrderServiceImpl {}

fn main() {}
