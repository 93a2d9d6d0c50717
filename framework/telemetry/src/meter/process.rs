use procfs::{
    WithCurrentSystemInfo as _,
    process::{LimitValue, Process, Stat},
};
use purlin_core::meter::{Meter, Metric};

use crate::metrics;

/// Observes what `/proc` says of this process. What it does not say is left out.
pub(super) fn observe(meter: &Meter) {
    meter.observe(&metrics::PROCESS_CPU, |observer| {
        if let Some(stat) = stat() {
            let ticks = (stat.utime + stat.stime) as f64;
            observer.observe(ticks / procfs::ticks_per_second() as f64, &[]);
        }
    });
    gauge(meter, &metrics::PROCESS_RESIDENT, || Some(stat()?.rss_bytes().get() as f64));
    gauge(meter, &metrics::PROCESS_VIRTUAL, || Some(stat()?.vsize as f64));
    gauge(meter, &metrics::PROCESS_THREADS, || Some(stat()?.num_threads as f64));
    gauge(meter, &metrics::PROCESS_OPEN_FDS, || {
        Some(Process::myself().ok()?.fd_count().ok()? as f64)
    });
    gauge(meter, &metrics::PROCESS_MAX_FDS, || {
        match Process::myself().ok()?.limits().ok()?.max_open_files.soft_limit {
            LimitValue::Value(limit) => Some(limit as f64),
            LimitValue::Unlimited => None,
        }
    });
    let started = started();
    gauge(meter, &metrics::PROCESS_START_TIME, move || started);
}

fn stat() -> Option<Stat> {
    Process::myself().ok()?.stat().ok()
}

fn started() -> Option<f64> {
    let boot = procfs::boot_time_secs().ok()? as f64;
    Some(boot + stat()?.starttime as f64 / procfs::ticks_per_second() as f64)
}

fn gauge(meter: &Meter, metric: &Metric, read: impl Fn() -> Option<f64> + Send + Sync + 'static) {
    meter.observe(metric, move |observer| {
        if let Some(value) = read() {
            observer.observe(value, &[]);
        }
    });
}
