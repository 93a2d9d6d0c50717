//! Two components of a set are given as the same interface.

use purlin::{
    component::{Component, components},
    needs::Interface,
};

trait OrderRepo: Interface {}

#[derive(Component)]
#[shaku(interface = OrderRepo)]
struct PgOrderRepo;

impl OrderRepo for PgOrderRepo {}

#[derive(Component)]
#[shaku(interface = OrderRepo)]
struct MemoryOrderRepo;

impl OrderRepo for MemoryOrderRepo {}

components! { pub Orders { components: [PgOrderRepo, MemoryOrderRepo] } }

fn main() {}
