//! A fixture of the tests: a service that is stopped while it is used. It says on standard output
//! where it listens, and that it is ready; its log goes where the reports go.

use std::{io::Write as _, process::ExitCode};

use purlin_core::{app::App, event::Event};
use purlin_http::{
    HttpModule,
    routes::{Routes, get},
};

fn main() -> ExitCode {
    tracing_subscriber::fmt().json().with_writer(std::io::stderr).init();
    App::builder()
        .package(purlin_core::package!())
        .module(HttpModule::new(routes))
        .on_event(|event| match event {
            Event::Listening { address, .. } => announce(&format!("listening {address}")),
            Event::Ready { .. } => announce("ready"),
            _ => {}
        })
        .run()
}

fn routes() -> Routes<()> {
    Routes::new()
        .public("/", get(async || "hello"))
        .public("/stuck", get(async || std::future::pending::<()>().await))
}

fn announce(line: &str) {
    let mut stdout = std::io::stdout().lock();
    // Nobody may be listening any more.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
