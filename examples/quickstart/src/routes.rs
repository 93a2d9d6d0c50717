use std::sync::Arc;

use axum::extract::{FromRef, Json, Path, State};
use purlin::{
    http::{api, routes::get},
    prelude::*,
};

use crate::{NewOrder, Order, OrderError, OrderId, OrderService, Totals, totals::Total};

/// What the handlers need.
#[derive(Clone, FromRef, Needs)]
pub(crate) struct Api {
    orders: Arc<dyn OrderService>,
    totals: Arc<Totals>,
}

pub(crate) fn routes() -> Routes<Api> {
    Routes::new()
        .public(
            "/orders",
            get(api(list).summary("Lists orders, the latest first."))
                .post(api(create).summary("Takes an order.")),
        )
        .public("/orders/{id}", get(api(show).summary("Shows an order.")))
        .public("/totals", get(api(totals).summary("The sums over all orders.")))
}

async fn create(
    State(orders): State<Arc<dyn OrderService>>,
    Valid(Json(new)): Valid<Json<NewOrder>>,
) -> Result<Created<Order>, OrderError> {
    let order = orders.create(new).await?;
    Ok(Created::new(format!("/orders/{}", order.id), order))
}

async fn show(
    State(orders): State<Arc<dyn OrderService>>,
    Path(id): Path<OrderId>,
) -> Result<Json<Order>, OrderError> {
    orders.get(id).await.map(Json)
}

async fn list(
    State(orders): State<Arc<dyn OrderService>>,
    page: Page,
) -> Result<Json<Paged<Order>>, OrderError> {
    orders.list(&page).await.map(Json)
}

async fn totals(State(totals): State<Arc<Totals>>) -> Json<Total> {
    Json(totals.get())
}
