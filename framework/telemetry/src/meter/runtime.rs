use purlin_core::meter::{Meter, label};
use tokio::runtime::RuntimeMetrics;

use crate::metrics;

/// Observes what tokio counts without `tokio_unstable`.
pub(super) fn observe(meter: &Meter, runtime: RuntimeMetrics) {
    gauge(meter, &metrics::TOKIO_WORKERS, &runtime, RuntimeMetrics::num_workers);
    gauge(meter, &metrics::TOKIO_TASKS, &runtime, RuntimeMetrics::num_alive_tasks);
    gauge(meter, &metrics::TOKIO_QUEUE, &runtime, RuntimeMetrics::global_queue_depth);
    let of_busy = runtime.clone();
    meter.observe(&metrics::TOKIO_BUSY, move |observer| {
        for worker in 0..of_busy.num_workers() {
            let busy = of_busy.worker_total_busy_duration(worker).as_secs_f64();
            observer.observe(busy, &[label("worker", worker.to_string())]);
        }
    });
    meter.observe(&metrics::TOKIO_PARKS, move |observer| {
        for worker in 0..runtime.num_workers() {
            let parks = runtime.worker_park_count(worker) as f64;
            observer.observe(parks, &[label("worker", worker.to_string())]);
        }
    });
}

fn gauge(
    meter: &Meter,
    metric: &purlin_core::meter::Metric,
    runtime: &RuntimeMetrics,
    read: fn(&RuntimeMetrics) -> usize,
) {
    let runtime = runtime.clone();
    meter.observe(metric, move |observer| observer.observe(read(&runtime) as f64, &[]));
}
