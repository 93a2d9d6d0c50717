//! A complete service on embedded defaults: an HTTP API, a database, a worker, and a job that only
//! the leader runs.
//!
//! [`app`] names its parts. `main`, the tests and `quickstart check` share it.

mod config;
mod feed;
mod order;
mod repo;
mod routes;
mod service;
mod totals;
mod worker;

use std::sync::Arc;

use purlin::prelude::*;
use sqlx::migrate;

pub use self::{
    config::OrdersConfig,
    feed::Feed,
    order::{NewOrder, Order, OrderError, OrderId, Status},
    repo::OrderRepo,
    service::OrderService,
    totals::{Sums, Totals},
};

components! {
    /// Orders, from the table to the service.
    pub Orders {
        needs: [Sqlite, Clock, Entropy, Live<OrdersConfig>, Arc<Feed>],
        components: [repo::SqliteOrderRepo, service::OrderServiceImpl],
    }
}

/// The application.
pub fn app() -> AppBuilder {
    App::builder()
        .package(purlin::package!())
        .config::<OrdersConfig>()
        .module(SqliteModule.migrations(migrate!()))
        .supply(Arc::new(Feed::default()))
        .supply(Arc::new(Totals::default()))
        .components::<Orders>()
        .module(HttpModule::new(routes::routes))
        .module(SchedulerModule)
        .job(totals::job())
        .runnable(Run::new("confirmer", worker::Confirmer::new))
}
