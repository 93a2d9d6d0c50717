//! The derive was forgotten.

use purlin::component::components;

struct PgOrderRepo;

components! { pub Orders { components: [PgOrderRepo] } }

fn main() {}
