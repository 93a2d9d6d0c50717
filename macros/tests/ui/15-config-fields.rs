//! The rules and the default of a field must fit its type.

use purlin::config::Config;

#[derive(Config)]
struct Second {
    #[validate(email)]
    port: u16,
}

#[derive(Config)]
struct Third {
    #[config(default = Vec::<u8>::new())]
    port: u16,
}

fn main() {}
