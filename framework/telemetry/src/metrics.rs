//! The metrics that every application has. Those of a module are declared in its own crate.
//!
//! Names are emitted as they are declared; `purlin_` says that the framework counts, `tokio_` that
//! the runtime does, and `process_` names are those of Prometheus' own client libraries.

purlin_core::metrics! {
    BUILD_INFO = Gauge "purlin_build_info" ["name", "version", "revision"] "":
        "Always 1; its labels say what is running.";
    READY = Gauge "purlin_ready" [] "":
        "Whether the application wants traffic.";
    MODULE_START = Gauge "purlin_module_start_seconds" ["module"] "s":
        "How long the module took to start.";
    START = Gauge "purlin_start_seconds" [] "s":
        "How long the application took until it was ready.";
    PANICS = Counter "purlin_panics_total" [] "":
        "Panics, wherever they were caught.";
    RUNNABLE_ENDS = Counter "purlin_runnable_ends_total" ["runnable", "end"] "":
        "Runnables that ended although nobody asked them to: finished, failed or panicked.";
    RUNNABLE_RESTARTS = Counter "purlin_runnable_restarts_total" ["runnable"] "":
        "Restarts of runnables.";
    LEADER = Gauge "purlin_leader" ["lease"] "":
        "Whether this instance leads.";
    LEADER_TERM = Gauge "purlin_leader_term" ["lease"] "":
        "The fencing token of this instance's latest term.";
    LEADER_TRANSITIONS = Counter "purlin_leader_transitions_total" ["lease", "to"] "":
        "Terms that this instance began (acquired) and ended (lost).";
    CONFIG_RELOADS = Counter "purlin_config_reloads_total" ["section"] "":
        "Changes of a section of the configuration while running.";
    LOG_RECORDS = Counter "purlin_log_records_total" ["level"] "":
        "Records that were logged.";
    LOG_RECORDS_LEFT_OUT = Counter "purlin_log_records_left_out_total" ["level"] "":
        "Records that were left out because their call site said too many in one second.";
    LOG_LINES_LOST = Counter "purlin_log_lines_lost_total" [] "":
        "Lines that were lost: too many waited, they could not be written, or nobody read them.";
    OTLP_DELIVERED = Counter "purlin_otlp_delivered_total" ["signal"] "":
        "Spans, log records and reports of metrics that the collector took.";
    OTLP_DROPPED = Counter "purlin_otlp_dropped_total" ["signal", "reason"] "":
        "Spans, log records and reports of metrics that never reached the collector.";
    OTLP_FAILURES = Counter "purlin_otlp_export_failures_total" ["signal"] "":
        "Batches that the collector did not take, reports of metrics included.";

    TOKIO_WORKERS = Gauge "tokio_workers" [] "":
        "Worker threads of the runtime.";
    TOKIO_TASKS = Gauge "tokio_alive_tasks" [] "":
        "Tasks that have not ended.";
    TOKIO_QUEUE = Gauge "tokio_global_queue_depth" [] "":
        "Tasks that wait in the global queue of the runtime.";
    TOKIO_BUSY = Counter "tokio_worker_busy_seconds_total" ["worker"] "s":
        "Time in which the worker ran tasks.";
    TOKIO_PARKS = Counter "tokio_worker_parks_total" ["worker"] "":
        "How often the worker went to sleep for want of work.";

    PROCESS_CPU = Counter "process_cpu_seconds_total" [] "s":
        "Total user and system CPU time spent in seconds.";
    PROCESS_RESIDENT = Gauge "process_resident_memory_bytes" [] "By":
        "Resident memory size in bytes.";
    PROCESS_VIRTUAL = Gauge "process_virtual_memory_bytes" [] "By":
        "Virtual memory size in bytes.";
    PROCESS_OPEN_FDS = Gauge "process_open_fds" [] "":
        "Number of open file descriptors.";
    PROCESS_MAX_FDS = Gauge "process_max_fds" [] "":
        "Maximum number of open file descriptors.";
    PROCESS_THREADS = Gauge "process_threads" [] "":
        "Number of OS threads in the process.";
    PROCESS_START_TIME = Gauge "process_start_time_seconds" [] "s":
        "Start time of the process since unix epoch in seconds.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use purlin_core::meter::Kind;

    use super::*;

    #[test]
    fn every_metric_is_declared_once_and_named_by_the_conventions() {
        let names: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
        for metric in ALL {
            assert_eq!(
                metric.name.ends_with("_total"),
                metric.kind == Kind::Counter,
                "{}",
                metric.name
            );
            assert!(metric.help.ends_with('.'), "{}", metric.name);
            let suffix = match metric.unit {
                "s" => "_seconds",
                "By" => "_bytes",
                unit => unit,
            };
            assert!(metric.name.trim_end_matches("_total").ends_with(suffix), "{}", metric.name);
        }
    }
}
