use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    panic::{self, PanicHookInfo},
    thread,
};

use opentelemetry::metrics::Counter;

use super::TARGET;

/// Logs and counts every panic of the process, wherever it is caught, and then calls the hook that
/// was there before.
///
/// It is the only one that logs a panic's message, since it alone knows thread and place; what the
/// engine says of the runnable or the task that panicked names those instead.
pub(crate) fn install(panics: Counter<u64>) {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        panics.add(1, &[]);
        log(info);
        before(info);
    }));
}

fn log(info: &PanicHookInfo<'_>) {
    let thread = thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let message = message(info.payload());
    // It is captured where `RUST_BACKTRACE` asks for it.
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        tracing::error!(target: TARGET, component = "panic", thread, location, %backtrace, "{message}");
    } else {
        tracing::error!(target: TARGET, component = "panic", thread, location, "{message}");
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}
