//! The harness behind `cargo xtask bench`.
//!
//! Each measurement is a subcommand that drives real programs from outside and prints best, median
//! and worst: a single figure says nothing about a noisy machine.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it measures real programs in real time, and its output is the result"
)]

mod chart;
mod cores;
mod count;
mod graph;
mod http;
mod load;
mod probe;
mod served;
mod spread;
mod start;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures Purlin.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Time from the start of a program until it is ready, and its memory when it is idle.
    Start(start::Args),
    /// Time to build, start and stop a graph of 100 modules, in turn with its peers.
    Graph(graph::Args),
    /// Instructions and allocations of a request, which have budgets.
    Count(http::CountArgs),
    /// Processor time of a request and what a caller waits, in turn with peers.
    Http(http::Args),
    /// The same without layers, for clients that take a new connection every 25 requests.
    Churn(http::Args),
    /// One build, start and stop of such a graph, in this process.
    Once(graph::Once),
}

fn main() -> ExitCode {
    let measured = match Cli::parse().what {
        What::Start(args) => start::run(&args),
        What::Graph(args) => graph::run(&args),
        What::Count(args) => http::count(&args),
        What::Http(args) => http::compare(&args),
        What::Churn(args) => http::churn(&args),
        What::Once(args) => graph::once(&args),
    };
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
