//! One route on Purlin.

use std::process::ExitCode;

use purlin::{
    http::routes::{Routes, get},
    prelude::*,
};

fn main() -> ExitCode {
    App::builder().package(purlin::package!()).module(HttpModule::new(routes)).run()
}

fn routes() -> Routes {
    Routes::new().public("/hello", get(hello))
}

async fn hello() -> &'static str {
    "hello"
}
