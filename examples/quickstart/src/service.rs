use std::sync::Arc;

use purlin::prelude::*;

use crate::{Feed, NewOrder, Order, OrderError, OrderId, OrderRepo, OrdersConfig, Status, Sums};

/// What the service does with orders, whoever asks.
#[async_trait]
pub trait OrderService: Interface {
    /// Takes an order.
    async fn create(&self, new: NewOrder) -> Result<Order, OrderError>;
    /// Finds an order.
    async fn get(&self, id: OrderId) -> Result<Order, OrderError>;
    /// Lists orders, the latest first.
    async fn list(&self, page: &Page) -> Result<Paged<Order>, OrderError>;
    /// Confirms up to `limit` new orders, and tells how many it were.
    async fn confirm_pending(&self, limit: u32) -> Result<usize, OrderError>;
    /// Adds up all orders.
    async fn sums(&self) -> Result<Sums, OrderError>;
}

#[derive(Component)]
#[shaku(interface = OrderService)]
pub(crate) struct OrderServiceImpl {
    repo: Arc<dyn OrderRepo>,
    sql: Sqlite,
    clock: Clock,
    entropy: Entropy,
    config: Live<OrdersConfig>,
    feed: Arc<Feed>,
}

#[async_trait]
impl OrderService for OrderServiceImpl {
    async fn create(&self, new: NewOrder) -> Result<Order, OrderError> {
        let limit = self.config.get().max_amount_cents;
        if new.amount_cents > limit {
            return Err(OrderError::NeedsReview { limit });
        }
        let order = Order {
            id: self.entropy.uuid_v7(&self.clock),
            customer: new.customer,
            amount_cents: new.amount_cents,
            status: Status::New,
            created_at: self.clock.system_now().into(),
        };
        self.sql
            .with_tx(async |_tx| {
                // The repository has a handle of its own, and is in the transaction all the same.
                self.repo.insert(&order).await?;
                self.repo.append_history(&order).await?;
                Ok::<_, OrderError>(())
            })
            .await?;
        self.feed.tell(&order);
        Ok(order)
    }

    async fn get(&self, id: OrderId) -> Result<Order, OrderError> {
        self.repo.get(id).await?.ok_or(OrderError::NotFound(id))
    }

    async fn list(&self, page: &Page) -> Result<Paged<Order>, OrderError> {
        Ok(self.repo.list(page).await?)
    }

    async fn confirm_pending(&self, limit: u32) -> Result<usize, OrderError> {
        let confirmed = self
            .sql
            .with_tx(async |_tx| {
                let confirmed = self.repo.confirm(limit).await?;
                for order in &confirmed {
                    self.repo.append_history(order).await?;
                }
                Ok::<_, OrderError>(confirmed)
            })
            .await?;
        confirmed.iter().for_each(|order| self.feed.tell(order));
        Ok(confirmed.len())
    }

    async fn sums(&self) -> Result<Sums, OrderError> {
        Ok(self.repo.sums().await?)
    }
}
