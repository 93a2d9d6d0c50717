//! The service with Purlin. The harness says by `--set` which layers are off.

use std::process::ExitCode;

use purlin::{
    http::routes::{Routes, get, post},
    prelude::*,
};
use purlin_bench::{hello, json};

fn main() -> ExitCode {
    App::builder().package(purlin::package!()).module(HttpModule::new(routes)).run()
}

fn routes() -> Routes {
    Routes::new().public("/hello", get(hello)).public("/json", post(json))
}
