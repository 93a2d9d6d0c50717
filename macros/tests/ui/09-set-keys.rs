//! All problems of a set are reported together.

use purlin::component::components;

components! {
    pub Misspelt {
        need: [Clock],
        components: [OrderServiceImpl, OrderServiceImpl, dyn OrderRepo],
        components: [PgOrderRepo],
        needs: [Clock, Arc<Clock>],
    }
}

components! { pub Empty { components: [] } }

components! { pub NoComponents { needs: [Clock] } }

components! { pub NoList { components: OrderServiceImpl } }

components! { pub Equals { components = [OrderServiceImpl] } }

components! { pub struct Struct { components: [OrderServiceImpl] } }

components! { pub }

fn main() {}
