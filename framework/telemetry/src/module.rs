use std::{
    fmt,
    io::{self, Write as _},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use purlin_core::{
    error::Result,
    event::Events,
    exit::Exit,
    info::AppInfo,
    init::Init,
    meter::{Exposition, Meter, label},
    module::Module,
    readiness::Readiness,
};

use crate::{
    config::{Encoding, LoggerConfig},
    log::{
        self, Console, Counts, Json, Lines, Logger, LoggerCx, LoggersPage, Output, Sampler,
        Service, Stack, Waiter,
    },
    meter::{Lifecycle, Metrics},
    metrics,
    outlet::Outlet,
    propagation,
};

/// Logs and metrics of an application.
///
/// The facade adds it to the shell, so that it starts before all other modules and stops after them.
/// It gives the [`Meter`] that they record with, and the text that `/metrics` shows.
///
/// # Lifecycle
/// Where the application owns its process, because it was started by `run()`, it installs the
/// subscriber, the bridge from `log`, the panic hook and the propagator; a process that has a subscriber already
/// keeps it. Elsewhere, in a test say, it installs nothing, and records go to whatever subscriber
/// there is. Its last act at stop is to write the log lines that still wait.
#[derive(Default)]
pub struct TelemetryModule {
    logger: Option<Box<dyn Logger>>,
}

// === impl TelemetryModule ===

impl TelemetryModule {
    /// JSON or text, as the section `logger` says.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces what becomes of records; see [`Logger`].
    #[must_use]
    pub fn logger(mut self, logger: impl Logger) -> Self {
        self.logger = Some(Box::new(logger));
        self
    }

    fn stack(
        &self,
        config: LoggerConfig,
        info: &AppInfo,
        counts: Counts,
        left_out: Counts,
        outlet: Option<&dyn Outlet>,
        cx: &Init,
    ) -> (Stack, Output) {
        let development = development(&config, info);
        let encoding =
            config.encoding.unwrap_or(if development { Encoding::Console } else { Encoding::Json });
        let output = Output::stdout(config.buffered_lines);
        let cx_of_logger = LoggerCx {
            service: Service {
                name: config.service_name.unwrap_or_else(|| info.package.name.clone()),
                version: config.service_version.unwrap_or_else(|| info.package.version.clone()),
            },
            development,
            output: output.clone(),
            clock: cx.clock().clone(),
        };
        let sent = outlet.and_then(|outlet| outlet.logs(cx_of_logger.clone()));
        let logger = match (&self.logger, encoding) {
            (Some(logger), _) => logger.layer(cx_of_logger),
            (None, Encoding::Json) => Lines::new(Json).layer(cx_of_logger),
            (None, Encoding::Console) => Lines::new(Console::of_stdout()).layer(cx_of_logger),
        };
        let shutdown = cx.shutdown().clone();
        let on_fatal = move |message: &str| {
            shutdown.request(format!("fatal: {message}"), Exit::RUNNABLE_FAILED);
        };
        let loggers = [Some(logger), sent].into_iter().flatten().collect();
        let spans = outlet.and_then(Outlet::spans);
        let sampler = Sampler::new(config.sampling, cx.clock().clone(), left_out);
        (Stack::new(loggers, spans, sampler, config.level, counts, on_fatal), output)
    }
}

impl Module for TelemetryModule {
    const NAME: &'static str = "telemetry";
    type Config = LoggerConfig;
    type Needs = (Events, Readiness, Arc<AppInfo>, Option<Arc<dyn Outlet>>);
    type Gives = (Meter, Arc<dyn Exposition>);

    async fn init(
        &self,
        config: LoggerConfig,
        (events, readiness, info, outlet): Self::Needs,
        cx: &mut Init,
    ) -> Result<Self::Gives> {
        let outlet = outlet.as_deref();
        let metrics = Metrics::with(|builder| match outlet {
            Some(outlet) => outlet.metrics(builder),
            None => builder.build(),
        })?;
        let meter = metrics.meter();
        if let Some(outlet) = outlet {
            outlet.observe(&meter);
        }
        metrics.observe_process();
        let development = development(&config, &info);
        if cx.owns_process() {
            propagation::install(
                outlet.map_or_else(|| propagation::propagator(true, true), Outlet::propagator),
            );
            let (counts, left_out) = (Counts::default(), Counts::default());
            let limit = config.flush_timeout;
            let (stack, output) =
                self.stack(config, &info, counts.clone(), left_out.clone(), outlet, cx);
            let (levels, output) = (stack.levels(), Arc::new(output));
            cx.undo("write the log that waits", &output, move |output| async move {
                // It waits for a thread that may wait for a pipe.
                let flushing = tokio::task::spawn_blocking(move || output.flush(limit));
                // A service that did its work did not fail because nobody reads its log.
                flushing.await.map(|flushed| {
                    if let Err(unwritten) = flushed {
                        tell(format!("warning: {unwritten}\n"));
                    }
                })
            });
            let shown = format!("level {}", levels.configured());
            if stack.install().is_ok() {
                let waiter = Waiter { clock: cx.clock().clone(), spawner: cx.spawner().clone() };
                cx.page("loggers", Arc::new(LoggersPage::new(levels, waiter)));
                observe_log(&meter, counts, left_out, &output);
                cx.detail(shown);
            } else {
                cx.detail("logs go to the subscriber that this process has already");
            }
            log::install_panic_hook(meter.counter(&metrics::PANICS));
        }
        // Then `run()` reports to a person what goes wrong, whatever becomes of the log.
        let reported = cx.owns_process() && !info.is_prod();
        let lifecycle = Lifecycle::new(&meter, &info, readiness, cx.owns_process());
        events.listen(move |event| {
            lifecycle.see(event);
            log::log_event(event, development, reported);
        });
        Ok((meter, Arc::new(metrics)))
    }
}

impl fmt::Debug for TelemetryModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemetryModule").field("replaced", &self.logger.is_some()).finish()
    }
}

fn development(config: &LoggerConfig, info: &AppInfo) -> bool {
    config.development.unwrap_or(info.profile == "dev")
}

/// Tells on stderr what the log cannot. It may be the same pipe, and nobody reads that.
fn tell(text: String) {
    let (told, end) = mpsc::channel();
    let telling = thread::Builder::new().name("purlin-tell".to_owned()).spawn(move || {
        let _ = io::stderr().write_all(text.as_bytes());
        let _ = told.send(());
    });
    if telling.is_ok() {
        let _ = end.recv_timeout(Duration::from_millis(100));
    }
}

fn observe_log(meter: &Meter, counts: Counts, left_out: Counts, output: &Output) {
    for (metric, counts) in
        [(&metrics::LOG_RECORDS, counts), (&metrics::LOG_RECORDS_LEFT_OUT, left_out)]
    {
        meter.observe(metric, move |observer| {
            counts.read().for_each(|(level, count)| {
                observer.observe(count as f64, &[label("level", level)]);
            });
        });
    }
    let output = output.clone();
    meter.observe(&metrics::LOG_LINES_LOST, move |observer| {
        observer.observe(output.lost() as f64, &[]);
    });
}
