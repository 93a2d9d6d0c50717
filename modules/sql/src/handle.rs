//! The handle on a database.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use futures_util::{future::BoxFuture, stream::BoxStream};
use purlin::{ambient::Key, clock::Clock, entropy::Entropy, needs::Handle};
use sqlx::{Describe, Either, Execute, Executor, Pool, SqlStr};
use tokio_util::task::TaskTracker;

use crate::{
    call::Call,
    engine::Engine,
    metrics::{Connections, Metrics, Pools, Role},
    target::{Target, executor},
};

/// A database: a cheap handle, all clones of which are the same thing.
///
/// `&Sql` is an [`Executor`] of sqlx. Inside [`with_tx`](Self::with_tx) it runs queries in the
/// transaction, outside of it each on a connection of the pool.
///
/// ```
/// # async fn example(sql: purlin_sql::Sql<sqlx::Sqlite>) -> sqlx::Result<()> {
/// let total: i64 = sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(&sql).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Besides the errors of sqlx, a query can be [refused](crate::Refused).
pub struct Sql<DB: Engine>(pub(crate) Arc<Inner<DB>>);

pub(crate) struct Inner<DB: Engine> {
    pub(crate) key: Key,
    pub(crate) pool: Pool<DB>,
    pub(crate) readers: Option<Pool<DB>>,
    pub(crate) settings: Settings,
    /// The tasks that clean up after a cancelled transaction; [`Sql::close`] awaits them.
    pub(crate) cleaners: TaskTracker,
}

/// How a [`Sql`] behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The time that queries of one transaction wait for each other.
    pub clock: Clock,
    /// The jitter between attempts.
    pub entropy: Entropy,
    /// What is counted, and where it is shown. It is that of one database.
    pub metrics: Metrics,
    /// How long a query waits for another one of its transaction; 30 s.
    pub turn_timeout: Duration,
    /// How often [`Sql::with_tx_retrying`] tries; 5.
    pub attempts: u32,
    /// The longest pause before the second attempt; 10 ms. It doubles with each further one.
    pub pause: Duration,
}

/// Something that a database can be opened from, such as the configuration of an engine.
pub trait Connect {
    /// The engine.
    type Engine: Engine;
    /// Why it could not be opened.
    type Error;

    /// Opens the database.
    fn connect(self) -> impl Future<Output = Result<Sql<Self::Engine>, Self::Error>> + Send;
}

// === impl Sql ===

impl<DB: Engine> Sql<DB> {
    /// Opens a database.
    ///
    /// # Errors
    /// Those of the engine.
    pub async fn connect<C: Connect<Engine = DB>>(config: C) -> Result<Self, C::Error> {
        config.connect().await
    }

    /// A handle on `pool`. With `readers`, queries that only read go there unless they are in a
    /// transaction.
    pub fn new(pool: Pool<DB>, readers: Option<Pool<DB>>, settings: Settings) -> Self {
        let (key, cleaners) = (Key::new(DB::NAME), TaskTracker::new());
        let inner = Arc::new(Inner { key, pool, readers, settings, cleaners });
        inner.settings.metrics.watch(inner.clone());
        Self(inner)
    }

    /// The pool of sqlx, for what this crate does not do. Its connections are outside of every
    /// transaction of this handle; where there are readers, this is the pool of the writers.
    pub fn pool(&self) -> &Pool<DB> {
        &self.0.pool
    }

    /// The pool of the connections that only read, where there is one.
    pub fn readers(&self) -> Option<&Pool<DB>> {
        self.0.readers.as_ref()
    }

    /// How this handle behaves.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What is measured of it.
    pub fn metrics(&self) -> &Metrics {
        &self.0.settings.metrics
    }

    /// Counts `check` among the checks of the health: as failed, also when it is not awaited to its
    /// end.
    ///
    /// # Errors
    /// That of `check`.
    pub async fn checked<T, E>(&self, check: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        self.metrics().checked(&self.settings().clock, check).await
    }

    /// Closes all connections, once what runs on them has ended. Whoever asks for one from now on
    /// gets [`sqlx::Error::PoolClosed`].
    pub async fn close(&self) {
        if let Some(readers) = &self.0.readers {
            readers.close().await;
        }
        self.0.pool.close().await;
        self.0.cleaners.close();
        self.0.cleaners.wait().await;
    }

    pub(crate) fn pool_for(&self, reads: bool) -> (&Pool<DB>, Role) {
        match &self.0.readers {
            Some(readers) if reads => (readers, Role::Readers),
            _ => (&self.0.pool, Role::Writer),
        }
    }
}

executor!(&'c Sql<DB>, Target::of);

impl<DB: Engine> Clone for Sql<DB> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<DB: Engine> Handle for Sql<DB> {}

impl<DB: Engine> fmt::Debug for Sql<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = self.0.pool.size() + self.0.readers.as_ref().map_or(0, Pool::size);
        f.debug_struct("Sql").field("engine", &DB::NAME).field("connections", &connections).finish()
    }
}

// === impl Inner ===

impl<DB: Engine> Pools for Inner<DB> {
    fn connections(&self, role: Role) -> Option<Connections> {
        let pool = match role {
            Role::Writer => &self.pool,
            Role::Readers => self.readers.as_ref()?,
        };
        let idle = pool.num_idle() as u64;
        Some(Connections { active: u64::from(pool.size()).saturating_sub(idle), idle })
    }
}

// === impl Settings ===

impl Settings {
    /// The defaults, with the time and the chance of an application. What is measured is shown by
    /// [`Metrics::snapshot`] alone.
    pub fn new(clock: Clock, entropy: Entropy) -> Self {
        let (turn_timeout, pause) = (Duration::from_secs(30), Duration::from_millis(10));
        Self { clock, entropy, metrics: Metrics::default(), turn_timeout, attempts: 5, pause }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new(Clock::system(), Entropy::system())
    }
}
