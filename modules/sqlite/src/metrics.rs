//! Metrics.

use purlin::meter::{Kind, Meter, Metric, label};

use crate::client::Sqlite;

/// All metrics of this crate.
pub const ALL: &[Metric] = &[CONNECTIONS_ACTIVE, CONNECTIONS_IDLE];

/// Connections that run something.
pub const CONNECTIONS_ACTIVE: Metric = Metric {
    name: "database_connections_active",
    help: "Connections that run something.",
    kind: Kind::Gauge,
    unit: "",
    labels: &["database", "pool"],
};

/// Connections that are open and free.
pub const CONNECTIONS_IDLE: Metric = Metric {
    name: "database_connections_idle",
    help: "Connections that are open and free.",
    kind: Kind::Gauge,
    unit: "",
    labels: &["database", "pool"],
};

/// Observes the pools of `sqlite`, which is called `database` there.
pub(crate) fn observe(meter: &Meter, database: &str, sqlite: &Sqlite) {
    let idle = |pool: &sqlx::SqlitePool| i64::try_from(pool.num_idle()).unwrap_or(i64::MAX);
    let active = move |pool: &sqlx::SqlitePool| i64::from(pool.size()) - idle(pool);
    gauge(meter, &CONNECTIONS_ACTIVE, database, sqlite, active);
    gauge(meter, &CONNECTIONS_IDLE, database, sqlite, idle);
}

fn gauge(
    meter: &Meter,
    metric: &Metric,
    database: &str,
    sqlite: &Sqlite,
    figure: impl Fn(&sqlx::SqlitePool) -> i64 + Send + Sync + 'static,
) {
    let (database, sqlite) = (database.to_owned(), sqlite.clone());
    let builder = meter.otel().i64_observable_gauge(metric.name).with_description(metric.help);
    builder
        .with_callback(move |observer| {
            for (name, pool) in [("writer", Some(sqlite.pool())), ("readers", sqlite.readers())] {
                let labels = [label("database", database.clone()), label("pool", name)];
                if let Some(pool) = pool {
                    observer.observe(figure(pool), &labels);
                }
            }
        })
        .build();
}
