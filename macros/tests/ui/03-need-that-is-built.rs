//! A set needs what one of its components is given as.

use purlin::{
    component::{Component, components},
    needs::Interface,
};

trait OrderRepo: Interface {}

#[derive(Component)]
#[shaku(interface = OrderRepo)]
struct PgOrderRepo;

impl OrderRepo for PgOrderRepo {}

components! { pub Orders { needs: [dyn OrderRepo], components: [PgOrderRepo] } }

fn main() {}
