use std::sync::Arc;

use axum::{
    extract::{FromRef, Json, Path, State},
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, StreamExt};
use purlin::{
    http::{api, routes::get, stream::Drain},
    prelude::*,
};

use crate::{Feed, NewOrder, Order, OrderError, OrderId, OrderService, Totals, totals::Total};

/// What the handlers need.
#[derive(Clone, FromRef, Needs)]
pub(crate) struct Api {
    orders: Arc<dyn OrderService>,
    feed: Arc<Feed>,
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
        .public("/orders/events", get(api(events).summary("Tells of orders as they come.")))
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

async fn events(
    State(feed): State<Arc<Feed>>,
    drain: Drain,
) -> Sse<impl Stream<Item = Result<Event, axum::Error>>> {
    let events = feed.listen().map(|order| Event::default().event("order").json_data(order));
    Sse::new(drain.end(events)).keep_alive(KeepAlive::default())
}

async fn totals(State(totals): State<Arc<Totals>>) -> Json<Total> {
    Json(totals.get())
}
