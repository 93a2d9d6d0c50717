//! A struct of needs has a field that is none; other types have no fields to inject.

use purlin::{clock::Clock, needs::Needs};

#[derive(Needs)]
struct State {
    clock: Clock,
    name: String,
}

#[derive(Needs)]
enum Either {
    Clock(Clock),
}

#[derive(Needs)]
struct Borrowing<'a>(&'a Clock);

fn main() {}
