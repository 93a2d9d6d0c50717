use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRef, Json, Path, State},
};
use purlin::{http::routes::get, prelude::*};

use crate::{Greeting, Item, Items, NewItem, ShopConfig, ShopError};

/// What the handlers need.
#[derive(Clone, FromRef, Needs)]
pub(crate) struct Api {
    items: Arc<dyn Items>,
    greeting: Arc<dyn Greeting>,
    config: Arc<ShopConfig>,
}

pub(crate) fn routes() -> Routes<Api> {
    Routes::new()
        .public("/items", purlin::http::routes::post(add))
        .public("/items/{id}", get(show))
        .nest("/old", Routes::from_axum(Posture::Public, old))
}

/// A router that was there before the framework.
fn old() -> Router<Api> {
    Router::new().route("/greet/{name}", axum::routing::get(greet))
}

async fn add(
    State(items): State<Arc<dyn Items>>,
    State(config): State<Arc<ShopConfig>>,
    Valid(Json(new)): Valid<Json<NewItem>>,
) -> Result<Created<Item>, ShopError> {
    if new.cents > config.max_cents {
        return Err(ShopError::TooExpensive(config.max_cents));
    }
    let item = items.add(&new).await?;
    Ok(Created::new(format!("/items/{}", item.id), item))
}

async fn show(
    State(items): State<Arc<dyn Items>>,
    Path(id): Path<i64>,
) -> Result<Json<Item>, ShopError> {
    items.get(id).await?.map(Json).ok_or(ShopError::NotFound(id))
}

async fn greet(State(greeting): State<Arc<dyn Greeting>>, Path(name): Path<String>) -> String {
    greeting.greet(&name)
}
