use purlin::{prelude::*, sql::SqliteTx};

use crate::{Order, OrderId, Status, Sums};

/// The table of orders.
#[async_trait]
pub trait OrderRepo: Interface {
    /// Writes a new order.
    async fn insert(&self, order: &Order) -> sqlx::Result<()>;
    /// Writes a line of the history of an order.
    async fn append_history(&self, order: &Order) -> sqlx::Result<()>;
    /// Reads an order.
    async fn get(&self, id: OrderId) -> sqlx::Result<Option<Order>>;
    /// Reads a page of orders, the latest first, and how many there are.
    async fn list(&self, page: &Page) -> sqlx::Result<Paged<Order>>;
    /// Confirms up to `limit` new orders, and returns them.
    async fn confirm(&self, limit: u32) -> sqlx::Result<Vec<Order>>;
    /// Adds up all orders.
    async fn sums(&self) -> sqlx::Result<Sums>;
}

#[derive(Component)]
#[shaku(interface = OrderRepo)]
pub(crate) struct SqliteOrderRepo {
    sql: Sqlite,
    clock: Clock,
}

#[async_trait]
impl OrderRepo for SqliteOrderRepo {
    async fn insert(&self, order: &Order) -> sqlx::Result<()> {
        sqlx::query("INSERT INTO orders (id, customer, amount_cents, status, created_at) VALUES (?, ?, ?, ?, ?)")
            .bind(order.id.hyphenated())
            .bind(&order.customer)
            .bind(order.amount_cents)
            .bind(order.status)
            .bind(order.created_at)
            .execute(&self.sql)
            .await?;
        Ok(())
    }

    async fn append_history(&self, order: &Order) -> sqlx::Result<()> {
        let now = chrono::DateTime::<chrono::Utc>::from(self.clock.system_now());
        sqlx::query("INSERT INTO order_history (order_id, status, at) VALUES (?, ?, ?)")
            .bind(order.id.hyphenated())
            .bind(order.status)
            .bind(now)
            .execute(&self.sql)
            .await?;
        Ok(())
    }

    async fn get(&self, id: OrderId) -> sqlx::Result<Option<Order>> {
        let order = sqlx::query_as::<_, Row>("SELECT * FROM orders WHERE id = ?")
            .bind(id.hyphenated())
            .fetch_optional(&self.sql)
            .await?;
        Ok(order.map(Order::from))
    }

    async fn list(&self, page: &Page) -> sqlx::Result<Paged<Order>> {
        // The items and their number are of one moment, whatever is written meanwhile.
        self.sql
            .with_tx_options(SqliteTx::ReadOnly, async |_tx| {
                let items = "SELECT * FROM orders ORDER BY id DESC LIMIT ? OFFSET ?";
                let items = sqlx::query_as::<_, Row>(items)
                    .bind(page.limit())
                    .bind(page.offset())
                    .fetch_all(&self.sql)
                    .await?;
                let total = "SELECT COUNT(*) FROM orders";
                let total: i64 = sqlx::query_scalar(total).fetch_one(&self.sql).await?;
                let items = items.into_iter().map(Order::from).collect();
                Ok(Paged::new(items, total.unsigned_abs()))
            })
            .await
    }

    async fn confirm(&self, limit: u32) -> sqlx::Result<Vec<Order>> {
        let confirmed = sqlx::query_as::<_, Row>(
            "UPDATE orders SET status = 'confirmed' \
             WHERE id IN (SELECT id FROM orders WHERE status = 'new' ORDER BY id LIMIT ?) RETURNING *",
        )
        .bind(limit)
        .fetch_all(&self.sql)
        .await?;
        Ok(confirmed.into_iter().map(Order::from).collect())
    }

    async fn sums(&self) -> sqlx::Result<Sums> {
        let sums = "SELECT COUNT(*), COALESCE(SUM(amount_cents), 0) FROM orders";
        let (orders, amount_cents) = sqlx::query_as(sums).fetch_one(&self.sql).await?;
        Ok(Sums { orders, amount_cents })
    }
}

/// A row as SQLite holds it: it has no type for identifiers.
#[derive(sqlx::FromRow)]
struct Row {
    id: uuid::fmt::Hyphenated,
    customer: String,
    amount_cents: i64,
    status: Status,
    created_at: chrono::DateTime<chrono::Utc>,
}

impl From<Row> for Order {
    fn from(row: Row) -> Self {
        let Row { id, customer, amount_cents, status, created_at } = row;
        Self { id: id.into_uuid(), customer, amount_cents, status, created_at }
    }
}
