//! A component injects what its set neither builds nor needs.

use std::sync::Arc;

use purlin::{
    component::{Component, components},
    needs::Interface,
};

trait Cache: Interface {}
trait OrderRepo: Interface {}
trait OrderService: Interface {}

#[derive(Component)]
#[shaku(interface = OrderRepo)]
struct PgOrderRepo {
    cache: Arc<dyn Cache>,
}

impl OrderRepo for PgOrderRepo {}

#[derive(Component)]
#[shaku(interface = OrderService)]
struct OrderServiceImpl {
    repo: Arc<dyn OrderRepo>,
}

impl OrderService for OrderServiceImpl {}

components! {
    pub Orders {
        needs: [],
        components: [PgOrderRepo, OrderServiceImpl],
    }
}

fn main() {}
