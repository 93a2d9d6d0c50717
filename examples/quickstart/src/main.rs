//! The quickstart service: `cargo run -p quickstart`.

use std::process::ExitCode;

fn main() -> ExitCode {
    quickstart::app().run()
}
