use std::sync::{Arc, Mutex, PoisonError};

use purlin::prelude::*;
use serde::Serialize;

use crate::{OrderService, OrdersConfig};

/// The sums over all orders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// How many there are.
    pub orders: i64,
    /// Their prices, in cents.
    pub amount_cents: i64,
}

/// The sums, and the fencing token of the leader who computed them; 0 before the first time.
#[derive(Debug, Clone, Copy, Default, Serialize)]
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

/// Computes the totals. Only the leader runs it.
pub(crate) struct TotalsLoop {
    orders: Arc<dyn OrderService>,
    totals: Arc<Totals>,
    config: Live<OrdersConfig>,
}

impl TotalsLoop {
    pub(crate) fn new(
        orders: Arc<dyn OrderService>,
        totals: Arc<Totals>,
        config: Live<OrdersConfig>,
    ) -> Self {
        Self { orders, totals, config }
    }
}

#[async_trait]
impl Runnable for TotalsLoop {
    async fn run(&self, cx: RunCx) -> Result<()> {
        let mut tick = cx.interval(self.config.get().totals_every);
        cx.ready();
        while tick.next().await.is_some() {
            let sums = self.orders.sums().await?;
            self.totals.set(sums, cx.term());
        }
        Ok(())
    }
}
