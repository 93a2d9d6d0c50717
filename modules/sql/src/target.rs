//! Where a query runs. Every query passes through [`Target::run`] or [`Target::rows`]: hooks around
//! queries belong there.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{
    future::BoxFuture,
    stream::{BoxStream, Stream, StreamExt as _},
};
use purlin::ambient::Found;
use sqlx::{Either, Executor};
use tracing::Instrument as _;

use crate::{
    call::Call,
    engine::Engine,
    error::Refused,
    handle::{Settings, Sql},
    lease::Lease,
    metrics::Running,
    slot::{Slot, Turn},
    span,
};

/// Where a query runs.
pub(crate) enum Target<DB: Engine> {
    Pool(Sql<DB>),
    Slot(Arc<Slot<DB>>),
    Refused(Sql<DB>, Refused),
}

/// What a query may do, as far as its text tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
    /// Several statements, among which there may be some that begin or end a transaction.
    Script,
}

/// A connection, for the time of one query.
enum Hold<DB: Engine> {
    Lease(Lease<DB>),
    Turn(Turn<DB>, Access),
}

/// One step of a stream: the end of a statement, or a row.
pub(crate) type Step<DB> =
    sqlx::Result<Either<<DB as sqlx::Database>::QueryResult, <DB as sqlx::Database>::Row>>;

/// A row stream that parks its transaction while nobody asks for the next row.
struct Rows<DB: Engine> {
    inner: Option<BoxStream<'static, Step<DB>>>,
    slot: Arc<Slot<DB>>,
    parked: bool,
}

/// Implements [`Executor`] by way of a [`Target`].
macro_rules! executor {
    ($for:ty, $target:expr) => {
        impl<'c, DB: Engine> Executor<'c> for $for
        where
            for<'x> &'x mut DB::Connection: Executor<'x, Database = DB>,
        {
            type Database = DB;

            fn execute<'e, 'q: 'e, E>(
                self,
                query: E,
            ) -> BoxFuture<'e, sqlx::Result<DB::QueryResult>>
            where
                'c: 'e,
                E: 'q + Execute<'q, DB>,
            {
                Box::pin(
                    $target(self)
                        .run(Call::new(query), |connection, call| connection.execute(call)),
                )
            }

            fn fetch_many<'e, 'q: 'e, E>(
                self,
                query: E,
            ) -> BoxStream<'e, sqlx::Result<Either<DB::QueryResult, DB::Row>>>
            where
                'c: 'e,
                E: 'q + Execute<'q, DB>,
            {
                $target(self).rows(Call::new(query))
            }

            fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Vec<DB::Row>>>
            where
                'c: 'e,
                E: 'q + Execute<'q, DB>,
            {
                Box::pin(
                    $target(self)
                        .run(Call::new(query), |connection, call| connection.fetch_all(call)),
                )
            }

            fn fetch_optional<'e, 'q: 'e, E>(
                self,
                query: E,
            ) -> BoxFuture<'e, sqlx::Result<Option<DB::Row>>>
            where
                'c: 'e,
                E: 'q + Execute<'q, DB>,
            {
                Box::pin(
                    $target(self)
                        .run(Call::new(query), |connection, call| connection.fetch_optional(call)),
                )
            }

            fn prepare_with<'e>(
                self,
                sql: SqlStr,
                parameters: &'e [DB::TypeInfo],
            ) -> BoxFuture<'e, sqlx::Result<DB::Statement>>
            where
                'c: 'e,
            {
                let parameters = parameters.to_vec();
                Box::pin($target(self).run(Call::bare(sql), |connection, call| {
                    Box::pin(
                        async move { connection.prepare_with(call.into_sql(), &parameters).await },
                    )
                }))
            }

            fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<DB>>>
            where
                'c: 'e,
            {
                Box::pin(
                    $target(self).run(Call::bare(sql), |connection, call| {
                        connection.describe(call.into_sql())
                    }),
                )
            }
        }
    };
}

pub(crate) use executor;

// === impl Target ===

impl<DB: Engine> Target<DB> {
    /// The transaction of this database that is open around the caller, or else its pool.
    pub(crate) fn of(sql: &Sql<DB>) -> Self {
        match sql.0.key.find() {
            Found::Here(slot) => Self::Slot(slot),
            Found::LeftBehind => Self::Refused(sql.clone(), Refused::Spawned),
            Found::Nothing => Self::Pool(sql.clone()),
        }
    }

    /// `slot`, or the savepoint inside of it that is open around the caller.
    pub(crate) fn within(sql: &Sql<DB>, slot: &Arc<Slot<DB>>) -> Self {
        match Self::of(sql) {
            Self::Slot(inner) if inner.is_within(slot) => Self::Slot(inner),
            _ => Self::Slot(slot.clone()),
        }
    }

    /// Runs a query whose outcome arrives as a whole.
    pub(crate) async fn run<T>(
        self,
        call: sqlx::Result<Call<DB>>,
        operation: impl for<'x> FnOnce(
            &'x mut DB::Connection,
            Call<DB>,
        ) -> BoxFuture<'x, sqlx::Result<T>>,
    ) -> sqlx::Result<T> {
        let span = span::of(&call);
        let mut measured = Running::begin(self.settings(), &call);
        let running = async {
            let call = call?;
            let mut hold = self.hold(Access::of(&call)).await?;
            let outcome = operation(hold.connection()?, call).await;
            hold.note(&outcome);
            outcome
        };
        let noted = async {
            let outcome = running.await;
            span::note(&outcome);
            measured.note::<DB, _>(&outcome);
            outcome
        };
        noted.instrument(span).await
    }

    /// Runs a query whose rows arrive one by one. Nothing happens before the first is asked for.
    pub(crate) fn rows(self, call: sqlx::Result<Call<DB>>) -> BoxStream<'static, Step<DB>>
    where
        for<'x> &'x mut DB::Connection: Executor<'x, Database = DB>,
    {
        let slot = match &self {
            Self::Slot(slot) => Some(slot.clone()),
            Self::Pool(_) | Self::Refused(..) => None,
        };
        let span = span::of(&call);
        let rows = async_stream::try_stream! {
            let mut measured = Running::begin(self.settings(), &call);
            let call = measured.check::<DB, _>(call)?;
            let mut hold = measured.check::<DB, _>(self.hold(Access::of(&call)).await)?;
            let mut outcome = Ok(());
            let mut rows = measured.check::<DB, _>(hold.connection())?.fetch_many(call);
            while let Some(step) = rows.next().await {
                measured.note::<DB, _>(&step);
                match step {
                    Ok(step) => yield step,
                    Err(error) => {
                        outcome = Err(error);
                        break;
                    }
                }
            }
            drop(rows);
            hold.note(&outcome);
            drop(hold);
            outcome?;
        };
        let rows = span::around(rows.boxed(), span);
        match slot {
            Some(slot) => Rows { inner: Some(rows), slot, parked: false }.boxed(),
            None => rows,
        }
    }

    fn settings(&self) -> &Settings {
        match self {
            Self::Pool(sql) | Self::Refused(sql, _) => sql.settings(),
            Self::Slot(slot) => slot.settings(),
        }
    }

    async fn hold(&self, access: Access) -> sqlx::Result<Hold<DB>> {
        match self {
            Self::Refused(_, refused) => Err((*refused).into()),
            Self::Slot(slot) => slot.turn().await.map(|turn| Hold::Turn(turn, access)),
            Self::Pool(sql) => {
                let mut lease = Lease::take(sql, access == Access::Read).await?;
                // A script may begin a transaction and fail half-way.
                lease.open = access == Access::Script;
                Ok(Hold::Lease(lease))
            }
        }
    }
}

// === impl Access ===

impl Access {
    fn of<DB: Engine>(call: &Call<DB>) -> Self {
        match call.is_script() {
            true => Self::Script,
            false if DB::reads(call.sql()) => Self::Read,
            false => Self::Write,
        }
    }
}

// === impl Hold ===

impl<DB: Engine> Hold<DB> {
    fn connection(&mut self) -> sqlx::Result<&mut DB::Connection> {
        match self {
            Self::Lease(lease) => Ok(lease.connection()),
            Self::Turn(turn, _) => turn.connection(),
        }
    }

    fn note<T>(&mut self, outcome: &sqlx::Result<T>) {
        match self {
            Self::Turn(turn, Access::Read | Access::Write) => turn.note(outcome),
            Self::Turn(_, Access::Script) | Self::Lease(_) => {}
        }
    }
}

// === impl Rows ===

impl<DB: Engine> Stream for Rows<DB> {
    type Item = Step<DB>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { inner, slot, parked } = &mut *self;
        let Some(rows) = inner else { return Poll::Ready(None) };
        if slot.has_ended() {
            *inner = None;
            return Poll::Ready(Some(Err(Refused::Ended.into())));
        }
        if std::mem::take(parked) {
            slot.unpark();
        }
        let step = rows.poll_next_unpin(cx);
        if let Poll::Ready(Some(Ok(_))) = &step {
            slot.park(Refused::StreamOpen);
            *parked = true;
        }
        step
    }
}
