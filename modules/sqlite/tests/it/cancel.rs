//! Random work, cancelled at random await points.

use std::{
    collections::BTreeSet,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::{FutureExt as _, TryStreamExt as _};
use purlin::entropy::Entropy;
use purlin_sqlite::Sqlite;
use sqlx::SqlitePool;
use tokio::task::JoinSet;

use crate::support::{Failure, database};

const TASKS: u64 = 4;

/// Drops a future after it was pending for a number of times.
struct Cancelled<F> {
    future: Pin<Box<F>>,
    polls_left: u64,
}

impl<F: Future> Future for Cancelled<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if self.polls_left == 0 => Poll::Ready(None),
            Poll::Pending => {
                self.polls_left -= 1;
                Poll::Pending
            }
        }
    }
}

fn cancelled<F: Future>(future: F, after: u64) -> Cancelled<F> {
    Cancelled { future: Box::pin(future), polls_left: after }
}

/// What one seed did, and what it was told.
#[derive(Default)]
struct Ledger {
    next: AtomicI64,
    operations: AtomicU64,
    cancellations: AtomicU64,
    checkouts: AtomicU64,
    in_transaction: AtomicU64,
    kept: Mutex<BTreeSet<i64>>,
    lost: Mutex<BTreeSet<i64>>,
}

struct Worker {
    sqlite: Sqlite,
    entropy: Entropy,
    ledger: Arc<Ledger>,
}

impl Worker {
    /// A unit is kept as a whole: each of its groups has a left and a right side.
    async fn put(&self, unit: i64, group: &'static str, side: &'static str) -> sqlx::Result<()> {
        let insert = sqlx::query("INSERT INTO part (unit, grp, side) VALUES (?, ?, ?)");
        insert.bind(unit).bind(group).bind(side).execute(&self.sqlite).await.map(drop)
    }

    fn below(&self, bound: u64) -> u64 {
        self.entropy.u64() % bound
    }

    async fn nested(&self, unit: i64, group: &'static str, fails: bool) -> Result<(), Failure> {
        self.sqlite
            .with_tx(async |_tx| {
                self.put(unit, group, "left").await?;
                if fails {
                    return Err(Failure::OnPurpose);
                }
                self.put(unit, group, "right").await?;
                Ok(())
            })
            .await
    }

    async fn unit(&self, unit: i64) -> Result<(), Failure> {
        let plan = self.below(7);
        self.sqlite
            .with_tx(async |tx| {
                self.put(unit, "outer", "left").await?;
                match plan {
                    0 => return Err(Failure::OnPurpose),
                    1 => self.nested(unit, "inner", false).await?,
                    2 => assert!(self.nested(unit, "inner", true).await.is_err()),
                    3 => drop(cancelled(self.nested(unit, "inner", false), self.below(8)).await),
                    4 => {
                        let mut rows = sqlx::query("SELECT * FROM part").fetch(&mut *tx);
                        rows.try_next().await?;
                    }
                    5 => drop(cancelled(self.put(unit, "other", "none"), self.below(3)).await),
                    _ => {
                        let (one, other) = tokio::join!(
                            self.nested(unit, "inner", false),
                            self.nested(unit, "third", false)
                        );
                        one.and(other)?;
                    }
                }
                if plan == 1 && self.below(3) == 0 {
                    std::panic::panic_any("on purpose");
                }
                self.put(unit, "outer", "right").await?;
                Ok(())
            })
            .await
    }

    async fn by_hand(&self, unit: i64) -> Result<(), Failure> {
        let mut tx = self.sqlite.begin().await?;
        for side in ["left", "right"] {
            let insert = sqlx::query("INSERT INTO part (unit, grp, side) VALUES (?, 'outer', ?)");
            insert.bind(unit).bind(side).execute(&mut *tx).await?;
        }
        match self.below(3) {
            0 => drop(tx),
            1 => tx.rollback().await?,
            _ => return Ok(tx.commit().await?),
        }
        Err(Failure::OnPurpose)
    }

    async fn operation(&self) {
        let unit = self.ledger.next.fetch_add(1, Ordering::Relaxed);
        let after = if self.below(2) == 0 { self.below(9) } else { u64::MAX };
        let work = async {
            match self.below(4) {
                0 => self.by_hand(unit).await,
                _ => self.unit(unit).await,
            }
        };
        self.ledger.operations.fetch_add(1, Ordering::Relaxed);
        match AssertUnwindSafe(cancelled(work, after)).catch_unwind().await {
            Ok(Some(Ok(()))) => assert!(self.ledger.kept.lock().unwrap().insert(unit)),
            Ok(Some(Err(Failure::OnPurpose))) | Err(_) => {
                assert!(self.ledger.lost.lock().unwrap().insert(unit));
            }
            Ok(Some(Err(Failure::Sql(error)))) => panic!("{error}"),
            Ok(None) => {
                self.ledger.cancellations.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.check_out().await;
    }

    async fn check_out(&self) {
        for pool in [self.sqlite.pool(), self.sqlite.readers().unwrap()] {
            self.ledger.checkouts.fetch_add(1, Ordering::Relaxed);
            if is_in_transaction(pool).await {
                self.ledger.in_transaction.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Takes a connection as the next user would, and asks it.
async fn is_in_transaction(pool: &SqlitePool) -> bool {
    let mut connection = pool.acquire().await.unwrap();
    match sqlx::query("BEGIN").execute(&mut *connection).await {
        Ok(_) => {
            sqlx::query("ROLLBACK").execute(&mut *connection).await.unwrap();
            false
        }
        Err(_) => true,
    }
}

async fn run(seed: u64, operations: u64) -> (Arc<Ledger>, i64, i64) {
    let db = database().await;
    let table =
        "CREATE TABLE part (unit INTEGER, grp TEXT, side TEXT, PRIMARY KEY (unit, grp, side))";
    sqlx::query(table).execute(&db.sqlite).await.unwrap();
    let ledger = Arc::new(Ledger::default());
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (sqlite, ledger) = (db.sqlite.clone(), ledger.clone());
        let worker = Worker { sqlite, ledger, entropy: Entropy::seeded(seed * TASKS + task) };
        tasks.spawn(async move {
            for _ in 0..operations {
                worker.operation().await;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }

    // A single statement in a cancelled future ("other") may be there or not; it has one side.
    let halves = "SELECT count(*) FROM (SELECT 1 FROM part WHERE grp <> 'other' GROUP BY unit, grp HAVING count(*) <> 2)";
    let half: i64 = sqlx::query_scalar(halves).fetch_one(&db.sqlite).await.unwrap();
    let outer = "SELECT unit FROM part WHERE grp = 'outer' GROUP BY unit";
    let there: Vec<i64> = sqlx::query_scalar(outer).fetch_all(&db.sqlite).await.unwrap();
    let there = BTreeSet::from_iter(there);
    let inner = "SELECT DISTINCT unit FROM part";
    let any: Vec<i64> = sqlx::query_scalar(inner).fetch_all(&db.sqlite).await.unwrap();
    let missing = ledger.kept.lock().unwrap().difference(&there).count();
    let escaped = any
        .iter()
        .filter(|unit| !there.contains(unit) || ledger.lost.lock().unwrap().contains(unit))
        .count();
    db.sqlite.close().await;
    (ledger, half, i64::try_from(missing + escaped).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connection_is_handed_out_in_a_transaction_and_no_unit_is_half_committed() {
    run_all(4, 500).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a million operations, some ten minutes: part of the long suite"]
async fn no_connection_is_handed_out_in_a_transaction_in_a_million_operations() {
    run_all(250, 1_000).await;
}

async fn run_all(seeds: u64, operations_of_task: u64) {
    // The panics are part of the work.
    std::panic::set_hook(Box::new(|info| {
        if info.payload().downcast_ref() != Some(&"on purpose") {
            eprintln!("{info}");
        }
    }));
    let (mut operations, mut cancellations, mut checkouts, mut in_transaction) = (0, 0, 0, 0);
    let (mut half, mut wrong) = (0, 0);
    for seed in 0..seeds {
        let (ledger, seed_half, seed_wrong) = run(seed, operations_of_task).await;
        operations += ledger.operations.load(Ordering::Relaxed);
        cancellations += ledger.cancellations.load(Ordering::Relaxed);
        checkouts += ledger.checkouts.load(Ordering::Relaxed);
        in_transaction += ledger.in_transaction.load(Ordering::Relaxed);
        half += seed_half;
        wrong += seed_wrong;
    }
    println!(
        "{operations} operations · {cancellations} cancelled · {checkouts} checkouts · in a transaction {in_transaction} \
         · half committed {half} · lost or escaped {wrong}"
    );
    assert_eq!(operations, seeds * TASKS * operations_of_task);
    assert!(cancellations > operations / 10, "{cancellations}");
    assert_eq!((in_transaction, half, wrong), (0, 0, 0));
}

/// sqlx 0.9.0 loses count of a transaction whose `begin` is cancelled (its issues 4385 and 4393).
#[tokio::test]
async fn a_begin_that_is_cancelled_leaves_nothing_open() {
    let db = database().await;
    let (mut cancellations, mut open) = (0, 0);
    for round in 0..2_000 {
        match cancelled(db.sqlite.begin(), round % 3).await {
            Some(begun) => begun.unwrap().rollback().await.unwrap(),
            None => cancellations += 1,
        }
        open += usize::from(is_in_transaction(db.sqlite.pool()).await);
    }
    println!("{cancellations} of 2000 begins cancelled · left open {open}");
    assert!(cancellations > 500, "{cancellations}");
    assert_eq!(open, 0);
}
