//! Metrics.

use purlin::meter::{Meter, Metric, label};

use crate::client::Sqlite;

purlin::metrics! {
    CONNECTIONS_ACTIVE = Gauge "database_connections_active" ["database", "pool"] "":
        "Connections that run something.";
    CONNECTIONS_IDLE = Gauge "database_connections_idle" ["database", "pool"] "":
        "Connections that are open and free.";
}

/// Observes the pools of `sqlite`, which is called `database` there.
pub(crate) fn observe(meter: &Meter, database: &str, sqlite: &Sqlite) {
    let idle = |pool: &sqlx::SqlitePool| pool.num_idle() as f64;
    let active = move |pool: &sqlx::SqlitePool| f64::from(pool.size()) - idle(pool);
    gauge(meter, &CONNECTIONS_ACTIVE, database, sqlite, active);
    gauge(meter, &CONNECTIONS_IDLE, database, sqlite, idle);
}

fn gauge(
    meter: &Meter,
    metric: &Metric,
    database: &str,
    sqlite: &Sqlite,
    figure: impl Fn(&sqlx::SqlitePool) -> f64 + Send + Sync + 'static,
) {
    let (database, sqlite) = (database.to_owned(), sqlite.clone());
    meter.observe(metric, move |observer| {
        for (name, pool) in [("writer", Some(sqlite.pool())), ("readers", sqlite.readers())] {
            let labels = [label("database", database.clone()), label("pool", name)];
            if let Some(pool) = pool {
                observer.observe(figure(pool), &labels);
            }
        }
    });
}
