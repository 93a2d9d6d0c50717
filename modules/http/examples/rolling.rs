//! A fixture of the tests: a service that is restarted while it is used. It says on standard output
//! where it listens, and that it is ready; its log goes where the reports go.

use std::{convert::Infallible, io::Write as _, process::ExitCode, sync::Arc, time::Duration};

use axum::{body::Body, extract::State};
use futures_util::stream;
use purlin_core::{app::App, clock::Clock, event::Event};
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

fn routes() -> Routes<Arc<Clock>> {
    Routes::new()
        .public("/", get(async || "hello"))
        .public("/stream", get(pieces))
        .public("/stuck", get(async || std::future::pending::<()>().await))
}

/// Twenty pieces, one every twenty milliseconds.
async fn pieces(State(clock): State<Arc<Clock>>) -> Body {
    Body::from_stream(stream::unfold(0, move |number| {
        let clock = clock.clone();
        async move {
            if number == 20 {
                return None;
            }
            clock.sleep(Duration::from_millis(20)).await;
            Some((Ok::<_, Infallible>(format!("piece {number}\n")), number + 1))
        }
    }))
}

fn announce(line: &str) {
    let mut stdout = std::io::stdout().lock();
    // Nobody may be listening any more.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
