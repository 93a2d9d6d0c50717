//! The application runs as it was wired, and as a test changes it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use downstream::{Analytics, Item, Items, Motto, Names, NewItem, ShopError, app};
use purlin::{
    config::Inputs,
    error::{Code, ServiceError as _},
    prelude::*,
    testing::TestApp,
};
use serde_json::{Value, json};

/// Both databases would be in the one directory that a test is given.
async fn start(builder: AppBuilder) -> TestApp {
    TestApp::start(builder.set("sqlite@analytics.file", "analytics.db")).await
}

#[tokio::test]
async fn two_instances_of_one_type_are_two_databases() {
    let app = start(app()).await;
    let names: Arc<dyn Names> = app.get();
    let (redirected, named) = names.files().await.unwrap();
    assert!(named.ends_with("/analytics.db"), "{named}");
    assert_eq!(redirected, named, "`using` redirects the plain need of the set");
    let (main, other): (Sqlite, Named<Analytics, Sqlite>) = app.get();
    let count = "SELECT COUNT(*) FROM items";
    app.http().post("/items").json(&json!({ "name": "pen", "cents": 150 })).await.expect(201);
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(&main).await.unwrap(), 1);
    let missing = sqlx::query_scalar::<_, i64>(count).fetch_one(&*other).await.unwrap_err();
    assert!(missing.to_string().contains("no such table"), "{missing}");
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn handlers_answer_with_what_the_service_says() {
    let app = start(app()).await;
    let http = app.http();
    let created =
        http.post("/items").json(&json!({ "name": "pen", "cents": 150 })).await.expect(201);
    let item: Item = created.json();
    let path = created.header("location").unwrap().to_owned();
    assert_eq!(path, format!("/items/{}", item.id));
    assert_eq!(http.get(&path).await.expect(200).json::<Item>(), item);

    http.get("/items/999").await.expect(404).problem("not_found");
    let dear = json!({ "name": "car", "cents": 2_000_000 });
    http.post("/items").json(&dear).await.expect(409).problem("failed_precondition");
    let nameless = http.post("/items").json(&json!({ "name": "", "cents": 1 })).await.expect(422);
    assert_eq!(nameless.problem("invalid_argument")["errors"][0]["field"], "name");
}

#[test]
fn callers_are_told_in_the_words_of_the_service_alone() {
    let own = ShopError::TooExpensive(7);
    assert_eq!(own.detail().as_deref(), Some("nothing costs more than 7 cents"));
    let of_the_database = ShopError::Sql(sqlx::Error::PoolTimedOut);
    assert_eq!(of_the_database.code(), Code::Unavailable);
    assert_eq!(of_the_database.detail(), None);
}

#[tokio::test]
async fn a_group_comes_in_the_order_of_registration_and_an_optional_need_may_be_met() {
    let greeted = async |builder: AppBuilder| {
        let app = start(builder).await;
        app.http().get("/old/greet/ada").await.expect(200).text()
    };
    assert_eq!(greeted(app()).await, "hello, ADA");
    struct Cheap;
    impl Motto for Cheap {
        fn motto(&self) -> String {
            "never knowingly undersold".to_owned()
        }
    }
    let with_motto = app().supply::<dyn Motto>(Arc::new(Cheap)).set("shop.greeting", "welcome");
    assert_eq!(greeted(with_motto).await, "welcome, ADA · never knowingly undersold");
}

#[tokio::test]
async fn what_the_shop_counts_is_at_metrics() {
    let app = start(app()).await;
    app.http().get("/old/greet/ada").await.expect(200);
    let metrics = app.admin().get("/metrics").await.expect(200).text();
    assert!(metrics.contains("shop_greetings_total{whom=\"customer\"} 1"), "{metrics}");
}

#[test]
fn prices_that_exclude_each_other_are_found_before_the_start() {
    let app = app().inputs(Inputs::hermetic()).set("shop.min_cents", 20_000);
    let told = app.build().err().unwrap().to_string();
    for line in [
        "`shop.min_cents` and `shop.max_cents` do not go together: ",
        "shop.min_cents = 20000 (.set(..))",
        "shop.max_cents = 10000 (default)",
    ] {
        assert!(told.contains(line), "{told}");
    }
}

/// Counts what passes through.
struct Counting {
    inner: Arc<dyn Items>,
    calls: Arc<AtomicUsize>,
}

#[async_trait]
impl Items for Counting {
    async fn add(&self, new: &NewItem) -> sqlx::Result<Item> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.inner.add(new).await
    }

    async fn get(&self, id: i64) -> sqlx::Result<Option<Item>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.inner.get(id).await
    }
}

#[tokio::test]
async fn a_decorated_component_is_what_everybody_gets() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let app =
        start(app().decorate::<dyn Items>(move |inner| {
            Arc::new(Counting { inner, calls: counter.clone() })
        }))
        .await;
    app.http().post("/items").json(&json!({ "name": "pen", "cents": 150 })).await.expect(201);
    app.http().get("/items/1").await.expect(200);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

/// A database that is down.
struct Broken;

#[async_trait]
impl Items for Broken {
    async fn add(&self, _: &NewItem) -> sqlx::Result<Item> {
        Err(sqlx::Error::PoolTimedOut)
    }

    async fn get(&self, _: i64) -> sqlx::Result<Option<Item>> {
        Err(sqlx::Error::PoolTimedOut)
    }
}

#[tokio::test]
async fn a_replaced_component_fails_as_a_test_wants_and_needs_nothing() {
    let app = start(app().replace::<dyn Items>(Arc::new(Broken))).await;
    app.http().get("/items/1").await.expect(503).problem("unavailable");
    let graph: Value = app.admin().get("/graph").await.expect(200).json();
    let node = |name: &str| {
        graph["nodes"].as_array().unwrap().iter().find(|node| node["name"] == name).cloned()
    };
    assert_eq!(node("SqliteItems").unwrap()["left_out"], "replaced");
}
