use purlin::prelude::*;
use serde::{Deserialize, Serialize};
use validator::Validate;

/// What is to be sold.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
pub struct NewItem {
    /// Its name.
    #[validate(length(min = 1, message = "must not be empty"))]
    pub name: String,
    /// Its price.
    pub cents: i64,
}

/// What is sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Item {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its price.
    pub cents: i64,
}

/// The items of the shop.
#[async_trait]
pub trait Items: Interface {
    /// Adds one.
    async fn add(&self, new: &NewItem) -> sqlx::Result<Item>;
    /// Finds one.
    async fn get(&self, id: i64) -> sqlx::Result<Option<Item>>;
}

#[derive(Component)]
#[shaku(interface = Items)]
pub(crate) struct SqliteItems {
    sql: Sqlite,
}

#[async_trait]
impl Items for SqliteItems {
    async fn add(&self, new: &NewItem) -> sqlx::Result<Item> {
        let create =
            "CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, name TEXT, cents INTEGER)";
        self.sql
            .with_tx(async |tx| {
                sqlx::query(create).execute(&mut *tx).await?;
                sqlx::query_as("INSERT INTO items (name, cents) VALUES (?, ?) RETURNING *")
                    .bind(&new.name)
                    .bind(new.cents)
                    .fetch_one(&self.sql)
                    .await
            })
            .await
    }

    async fn get(&self, id: i64) -> sqlx::Result<Option<Item>> {
        let one = sqlx::query_as("SELECT * FROM items WHERE id = ?").bind(id);
        one.fetch_optional(&self.sql).await
    }
}
