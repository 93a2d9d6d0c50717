//! The repository's own commands: `cargo xtask test`, `ci`, `fuzz`, `bench` and `chaos`.
//!
//! Everything that a person or a machine does to this repository is here, in Rust, so that it runs
//! the same on a laptop and in CI and needs nothing beforehand but a Rust toolchain: the tools are
//! installed into the target directory when a command first wants them, and the servers that tests
//! talk to are looked for, then fetched.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a command speaks on the terminal, is steered by variables and times real programs"
)]

mod bench;
mod chaos;
mod ci;
mod fuzz;
mod processes;
mod servers;
mod table;
mod test;
mod tools;
mod totals;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::processes::Processes;
use crate::workspace::Workspace;

/// The repository's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = VARIABLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the tests, with the real servers that they talk to, and show which suite met which.
    Test(test::Args),
    /// Run every check that a change has to pass, and show what each took.
    Ci(ci::Args),
    /// Fuzz the parsers, led by coverage.
    Fuzz(fuzz::Args),
    /// Measure release builds, and show best, median and worst.
    Bench(bench::Args),
    /// Break what has to hold, again and again, and show what became of it.
    Chaos(chaos::Args),
}

const VARIABLES: &str = "\
Variables:
  PURLIN_CACHE          where tools and servers are kept [default: the target directory]
  PURLIN_TEST_SERVERS   `require`: a server that could not be had is a failure, not a skip
  PURLIN_TEST_<SERVER>  a server of your own, such as PURLIN_TEST_PROMTOOL=/usr/bin/promtool";

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    let processes = Processes::new()?;
    let workspace = Workspace::load(&processes)?;
    match cli.command {
        Command::Test(args) => test::run(&args, &workspace, &processes),
        Command::Ci(args) => ci::run(&args, &workspace, &processes),
        Command::Fuzz(args) => fuzz::run(&args, &workspace, &processes),
        Command::Bench(args) => bench::run(&args, &workspace, &processes),
        Command::Chaos(args) => chaos::run(&args, &workspace, &processes),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
