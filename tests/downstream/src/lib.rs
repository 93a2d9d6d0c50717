//! A shop as a user writes it: everything of ours comes through `purlin`.
//!
//! It has two databases of one type, a group, an optional need, a closure that is a module, and
//! handlers in both forms: its own routes, and a router that it had before.

mod config;
mod error;
mod items;
mod metrics;
mod names;
mod routes;

use std::sync::Arc;

use purlin::prelude::*;

pub use self::{
    config::ShopConfig,
    error::ShopError,
    items::{Item, Items, NewItem},
    names::{Greeting, Motto, Names, Spelling},
};

purlin::name!(
    /// The database of the analysts.
    pub Analytics
);

components! {
    /// Items, in the main database.
    pub Shop { needs: [Sqlite], components: [items::SqliteItems] }
}

components! {
    /// How often what was asked for, in the database of the analysts.
    pub Analysis {
        needs: [Sqlite, Named<Analytics, Sqlite>],
        components: [names::SqliteNames],
    }
}

pub fn app() -> AppBuilder {
    App::builder()
        .package(purlin::package!())
        .config::<ShopConfig>()
        .module(SqliteModule)
        .module(SqliteModule.named::<Analytics>())
        .components::<Shop>()
        .components::<Analysis>()
        .using::<Analysis, Analytics, Sqlite>()
        .provide(|| async { Ok(Group::<dyn Spelling>(Arc::new(names::Upper))) })
        .provide(|_: Clock| async { Ok(Group::<dyn Spelling>(Arc::new(names::Reversed))) })
        .provide(names::greeting)
        .module(HttpModule::new(routes::routes))
}
