//! Only a struct with named fields and without type parameters is a section.

use purlin::config::Config;

#[derive(Config)]
enum Choice {
    A,
}

#[derive(Config)]
struct Tuple(u16);

#[derive(Config)]
struct Generic<T> {
    value: T,
}

fn main() {}
