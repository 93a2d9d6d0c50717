use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use purlin::{prelude::*, scheduler::JobCx};
use schemars::JsonSchema;
use serde::Serialize;

use crate::OrderService;

/// The sums over all orders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Sums {
    /// How many there are.
    pub orders: i64,
    /// Their prices, in cents.
    pub amount_cents: i64,
}

/// The sums, and the fencing token of the leader who computed them; 0 before the first time.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
pub(crate) struct Total {
    #[serde(flatten)]
    sums: Sums,
    term: u64,
}

/// The latest totals.
#[derive(Debug, Default)]
pub struct Totals(Mutex<Total>);

impl Totals {
    pub(crate) fn get(&self) -> Total {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes new totals, unless a later leader has written already.
    fn set(&self, sums: Sums, term: &Term) {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.term <= term.token() {
            *latest = Total { sums, term: term.token() };
        }
    }
}

/// The job that computes the totals. Only the leader runs it.
pub(crate) fn job() -> Job {
    Job::every("totals", Duration::from_secs(1), compute).leader_only().run_on_start()
}

async fn compute(cx: JobCx, orders: Arc<dyn OrderService>, totals: Arc<Totals>) -> Result<()> {
    let sums = orders.sums().await?;
    totals.set(sums, cx.term());
    Ok(())
}
