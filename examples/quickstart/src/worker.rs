use std::sync::Arc;

use purlin::prelude::*;

use crate::{OrderService, OrdersConfig};

/// Confirms new orders in the background.
pub(crate) struct Confirmer {
    orders: Arc<dyn OrderService>,
    config: Live<OrdersConfig>,
}

impl Confirmer {
    pub(crate) fn new(orders: Arc<dyn OrderService>, config: Live<OrdersConfig>) -> Self {
        Self { orders, config }
    }
}

#[async_trait]
impl Runnable for Confirmer {
    async fn run(&self, cx: RunCx) -> Result<()> {
        let mut tick = cx.interval(self.config.get().confirm_every);
        cx.ready();
        while tick.next().await.is_some() {
            self.orders.confirm_pending(100).await?;
        }
        Ok(())
    }
}
