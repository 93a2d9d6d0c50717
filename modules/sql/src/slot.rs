//! The connection of one open transaction, which its queries share one after the other.

use std::{
    mem,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};
use tokio::sync::{Mutex as TurnMutex, Notify, OwnedMutexGuard};

use crate::{engine::Engine, error::Refused, handle::Settings, lease::Lease};

/// An open transaction or savepoint.
///
/// Whoever wants to run a query takes a [`Turn`]. Waiting for one is safe as long as its holder is
/// being polled, and would never end if the holder is *parked*: a row stream that yielded a row and
/// has not been asked for the next one may belong to the very task that waits here. So a parked
/// turn is a refusal and a busy one is a queue.
pub(crate) struct Slot<DB: Engine> {
    source: Arc<TurnMutex<Source<DB>>>,
    state: Mutex<State>,
    parked: Notify,
    settings: Settings,
    options: DB::TxOptions,
    outer: Option<Arc<Slot<DB>>>,
    depth: usize,
}

/// What is known about a slot without having the turn.
#[derive(Default)]
struct State {
    /// Why the holder of the turn is not going to give it back by itself.
    parked: Option<Refused>,
    /// The transaction ended; a stream that escaped from it must not go on.
    ended: bool,
    /// The transaction cannot be committed any more.
    doomed: Option<Refused>,
    /// A statement failed or was cut off: ask the database whether the transaction is still there.
    suspect: bool,
    /// The savepoint inside of this transaction that was dropped and is to be rolled back.
    rewind: Option<usize>,
    /// A query was lost to concurrency, so that repeating the transaction may help.
    transient: bool,
}

enum Source<DB: Engine> {
    Connection(Lease<DB>),
    Savepoint(Savepoint<DB>),
    Ended,
}

/// A savepoint holds the turn of the transaction around it until it ends.
struct Savepoint<DB: Engine> {
    outer: Turn<DB>,
    depth: usize,
    open: bool,
}

/// The right to run one query.
pub(crate) struct Turn<DB: Engine> {
    source: OwnedMutexGuard<Source<DB>>,
    slot: Arc<Slot<DB>>,
    settled: bool,
}

/// Ends a slot when it is dropped, which rolls back what has not been committed.
pub(crate) struct Ending<DB: Engine>(pub(crate) Arc<Slot<DB>>);

// === impl Slot ===

impl<DB: Engine> Slot<DB> {
    pub(crate) fn root(
        lease: Lease<DB>,
        settings: &Settings,
        options: DB::TxOptions,
    ) -> Ending<DB> {
        Self::ending(Source::Connection(lease), settings.clone(), options, None)
    }

    /// Sets a savepoint inside of this transaction.
    pub(crate) async fn savepoint(self: &Arc<Self>) -> sqlx::Result<Ending<DB>> {
        let mut outer = self.turn().await?;
        outer.settled = true;
        let mut savepoint = Savepoint { outer, depth: self.depth + 1, open: true };
        savepoint.run("SAVEPOINT").await?;
        let (settings, options) = (self.settings.clone(), self.options.clone());
        Ok(Self::ending(Source::Savepoint(savepoint), settings, options, Some(self.clone())))
    }

    fn ending(
        source: Source<DB>,
        settings: Settings,
        options: DB::TxOptions,
        outer: Option<Arc<Self>>,
    ) -> Ending<DB> {
        let depth = outer.as_ref().map_or(0, |outer| outer.depth + 1);
        let (source, state, parked) =
            (Arc::new(TurnMutex::new(source)), Mutex::default(), Notify::new());
        Ending(Arc::new(Self { source, state, parked, settings, options, outer, depth }))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn options(&self) -> &DB::TxOptions {
        &self.options
    }

    /// Whether this is `other` or a savepoint inside of it.
    pub(crate) fn is_within(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        Arc::ptr_eq(self, other) || self.outer.as_ref().is_some_and(|outer| outer.is_within(other))
    }

    pub(crate) fn is_nested(&self) -> bool {
        self.outer.is_some()
    }

    pub(crate) fn is_transient(&self) -> bool {
        self.state().transient
    }

    pub(crate) fn note_transient(&self) {
        self.state().transient = true;
        if let Some(outer) = &self.outer {
            outer.note_transient();
        }
    }

    /// Waits until no other query of this transaction runs.
    pub(crate) async fn turn(self: &Arc<Self>) -> sqlx::Result<Turn<DB>> {
        let mut turn = self.lock().await?;
        turn.repair().await?;
        turn.settled = false;
        Ok(turn)
    }

    async fn lock(self: &Arc<Self>) -> Result<Turn<DB>, Refused> {
        let source = match self.source.clone().try_lock_owned() {
            Ok(source) => source,
            Err(_) => {
                let limit = self.settings.turn_timeout;
                let waited = self.settings.clock.timeout(limit, self.queue()).await;
                waited.unwrap_or(Err(Refused::Busy(limit)))?
            }
        };
        Ok(Turn { source, slot: self.clone(), settled: true })
    }

    async fn queue(&self) -> Result<OwnedMutexGuard<Source<DB>>, Refused> {
        let mut next = pin!(self.source.clone().lock_owned());
        loop {
            let parked = self.parked.notified();
            if let Some(refused) = self.state().parked {
                return Err(refused);
            }
            tokio::select! {
                biased;
                source = &mut next => return Ok(source),
                () = parked => {}
            }
        }
    }

    /// Commits what succeeded and rolls back what failed.
    pub(crate) async fn finish<T, E: From<sqlx::Error>>(
        self: &Arc<Self>,
        outcome: Result<T, E>,
    ) -> Result<T, E> {
        match outcome {
            Ok(value) => {
                self.commit().await?;
                Ok(value)
            }
            Err(error) => {
                if let Err(rollback) = self.rollback().await {
                    tracing::debug!(error = %rollback, engine = DB::NAME, "a rollback failed; it is repeated in the background");
                }
                Err(error)
            }
        }
    }

    /// Makes the work durable, or part of the transaction around it.
    pub(crate) async fn commit(self: &Arc<Self>) -> sqlx::Result<()> {
        let mut turn = self.turn().await?;
        let outcome = match &mut *turn.source {
            Source::Connection(lease) => lease.commit().await,
            Source::Savepoint(savepoint) => savepoint.release().await,
            Source::Ended => Err(Refused::Ended.into()),
        };
        turn.note(&outcome);
        if outcome.is_ok() {
            turn.end();
        }
        outcome
    }

    /// Throws the work away. What cannot be rolled back here is rolled back or closed when the slot
    /// ends.
    pub(crate) async fn rollback(self: &Arc<Self>) -> sqlx::Result<()> {
        let mut turn = self.lock().await?;
        let outcome = match &mut *turn.source {
            Source::Connection(lease) => lease.rollback().await,
            Source::Savepoint(savepoint) => savepoint.rewind().await,
            Source::Ended => Ok(()),
        };
        if outcome.is_ok() {
            turn.end();
        }
        outcome
    }

    /// Makes everyone fail with `refused` who would wait for the turn that the caller has.
    pub(crate) fn park(&self, refused: Refused) {
        self.state().parked = Some(refused);
        self.parked.notify_waiters();
    }

    /// Does the same for the transaction around this savepoint, whose turn it has.
    pub(crate) fn park_outer(&self, refused: Refused) {
        if let Some(outer) = &self.outer {
            outer.park(refused);
        }
    }

    pub(crate) fn unpark(&self) {
        self.state().parked = None;
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state().ended
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Turn ===

impl<DB: Engine> Turn<DB> {
    pub(crate) fn connection(&mut self) -> sqlx::Result<&mut DB::Connection> {
        match &mut *self.source {
            Source::Connection(lease) => Ok(lease.connection()),
            Source::Savepoint(savepoint) => savepoint.outer.connection(),
            Source::Ended => Err(Refused::Ended.into()),
        }
    }

    /// Takes down how a query ended. A turn that is dropped without is taken for cut off.
    pub(crate) fn note<T>(&mut self, outcome: &sqlx::Result<T>) {
        self.settled = outcome.is_ok();
        if let Err(sqlx::Error::Database(error)) = outcome
            && DB::is_transient(&**error)
        {
            self.slot.note_transient();
        }
    }

    /// Settles what earlier queries left behind.
    async fn repair(&mut self) -> sqlx::Result<()> {
        let (ended, doomed, rewind, suspect) = {
            let state = self.slot.state();
            (state.ended, state.doomed, state.rewind, state.suspect)
        };
        if ended {
            return Err(Refused::Ended.into());
        }
        if let Some(refused) = doomed {
            return Err(refused.into());
        }
        if let Some(depth) = rewind {
            // There is none when the future was dropped while the savepoint was being set, or while
            // it was being released: then all of its work is there, as after a cancelled commit.
            match rewind_to::<DB>(self.connection()?, depth).await {
                Err(sqlx::Error::Database(error)) if DB::is_unknown_savepoint(&*error) => {}
                Err(_) => return Err(self.doom(Refused::Broken)),
                Ok(()) => {}
            }
            self.slot.state().rewind = None;
        }
        if suspect {
            // A second question would be answered by what the first one did, so that being cut off
            // in between is final.
            self.slot.state().doomed = Some(Refused::Broken);
            if !DB::is_usable(self.connection()?).await? {
                return Err(self.doom(Refused::Lost));
            }
            let mut state = self.slot.state();
            (state.suspect, state.doomed) = (false, None);
        }
        Ok(())
    }

    fn doom(&self, refused: Refused) -> sqlx::Error {
        self.slot.state().doomed = Some(refused);
        refused.into()
    }

    fn end(&mut self) {
        self.settled = true;
        self.slot.state().ended = true;
        *self.source = Source::Ended;
    }
}

impl<DB: Engine> Drop for Turn<DB> {
    fn drop(&mut self) {
        let ended = {
            let mut state = self.slot.state();
            state.parked = None;
            state.suspect |= !self.settled;
            state.ended
        };
        if ended {
            *self.source = Source::Ended;
        }
    }
}

// === impl Savepoint ===

impl<DB: Engine> Savepoint<DB> {
    async fn run(&mut self, statement: &str) -> sqlx::Result<()> {
        let depth = self.depth;
        run_at::<DB>(self.outer.connection()?, statement, depth).await
    }

    async fn release(&mut self) -> sqlx::Result<()> {
        self.run("RELEASE SAVEPOINT").await?;
        self.open = false;
        Ok(())
    }

    async fn rewind(&mut self) -> sqlx::Result<()> {
        let depth = self.depth;
        rewind_to::<DB>(self.outer.connection()?, depth).await?;
        self.open = false;
        Ok(())
    }
}

impl<DB: Engine> Drop for Savepoint<DB> {
    fn drop(&mut self) {
        if self.open {
            let mut outer = self.outer.slot.state();
            outer.rewind = Some(self.depth);
            outer.suspect = true;
        }
    }
}

// === impl Ending ===

impl<DB: Engine> Drop for Ending<DB> {
    fn drop(&mut self) {
        self.0.state().ended = true;
        // When a stream has escaped with the turn, the turn does this.
        if let Ok(mut source) = self.0.source.try_lock() {
            drop(mem::replace(&mut *source, Source::Ended));
        }
    }
}

async fn rewind_to<DB: Engine>(connection: &mut DB::Connection, depth: usize) -> sqlx::Result<()> {
    run_at::<DB>(connection, "ROLLBACK TO SAVEPOINT", depth).await?;
    run_at::<DB>(connection, "RELEASE SAVEPOINT", depth).await
}

async fn run_at<DB: Engine>(
    connection: &mut DB::Connection,
    statement: &str,
    depth: usize,
) -> sqlx::Result<()> {
    let sql: SqlStr = AssertSqlSafe(format!("{statement} purlin_{depth}")).into_sql_str();
    DB::run(connection, sql).await
}
