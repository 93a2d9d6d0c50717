//! What it lets an operator do.

use std::sync::Arc;

use purlin_admin::AdminModule;
use purlin_core::{
    app::{App, AppBuilder},
    async_trait,
    config::NoConfig,
    error::{Result, anyhow},
    init::Init,
    module::Module,
    page::{ActError, Page},
};
use purlin_testing::TestApp;
use serde_json::{Value, json};

/// A module with a page that can be acted on.
struct Queue;

#[async_trait]
impl Page for Queue {
    async fn read(&self) -> Result<Value> {
        Ok(json!({ "length": 3 }))
    }

    async fn act(&self, action: &str, input: Value) -> Result<Value, ActError> {
        match action {
            "echo" => Ok(json!({ "input": input })),
            "check" => Err(ActError::Invalid("`length` is missing".to_owned())),
            "fail" => Err(ActError::Failed(anyhow!("disk full").context("empty the queue"))),
            other => Err(ActError::Unknown(other.to_owned())),
        }
    }
}

impl Module for Queue {
    const NAME: &'static str = "queue";
    type Config = NoConfig;
    type Needs = ();
    type Gives = ();

    async fn init(&self, _: NoConfig, (): (), cx: &mut Init) -> Result<()> {
        cx.page("queue", Arc::new(Queue));
        Ok(())
    }
}

const TOKEN: &str = "0123456789abcdef";

fn app() -> AppBuilder {
    App::builder().package(purlin_core::package!()).shell(AdminModule).module(Queue)
}

#[tokio::test]
async fn without_a_configured_token_nothing_can_be_changed() {
    let app = TestApp::start(app()).await;
    let admin = app.admin();
    for request in [admin.post("/queue/echo"), admin.post("/queue/echo").bearer(TOKEN)] {
        let problem = request.await.expect(403).problem("permission_denied");
        assert!(
            problem["detail"].as_str().unwrap().contains("set `admin.token` (ADMIN_TOKEN)"),
            "{problem}"
        );
    }
    assert_eq!(admin.get("/queue").await.expect(200).json::<Value>(), json!({ "length": 3 }));
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn only_who_has_the_token_acts() {
    let app = TestApp::start(app().set("admin.token", TOKEN)).await;
    let admin = app.admin();
    let missing = admin.post("/queue/echo").await.expect(401);
    assert_eq!(missing.header("www-authenticate"), Some("Bearer realm=\"admin\""));
    for token in ["0123456789abcdeX", "0123456789abcdef0", ""] {
        let problem =
            admin.post("/queue/echo").bearer(token).await.expect(401).problem("unauthenticated");
        assert!(!problem.to_string().contains(TOKEN));
    }
    let basic = admin.post("/queue/echo").header("authorization", &format!("Basic {TOKEN}"));
    let _ = basic.await.expect(401);
    // Whoever has no token learns of nothing that is there.
    let _ = admin.post("/nothing/at").await.expect(401);

    let answer = admin.post("/queue/echo").bearer(TOKEN).json(&json!({ "n": 1 })).await.expect(200);
    assert_eq!(answer.json::<Value>(), json!({ "input": { "n": 1 } }));
    let answer = admin.post("/queue/echo").bearer(TOKEN).await.expect(200);
    assert_eq!(answer.json::<Value>(), json!({ "input": null }));
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn an_action_that_does_not_work_is_a_problem() {
    let app = TestApp::start(app().set("admin.token", TOKEN)).await;
    let admin = app.admin();
    let post = |path: &str| admin.post(path).bearer(TOKEN);
    let problem = post("/queue/check").await.expect(422).problem("invalid_argument");
    assert_eq!(problem["detail"], "`length` is missing");
    let problem = post("/queue/fail").await.expect(500).problem("internal");
    assert_eq!(problem["detail"], "empty the queue: disk full");
    let problem = post("/queue/explode").await.expect(404).problem("not_found");
    assert_eq!(problem["detail"], "`queue` has no action `explode`");
    let _ = post("/nothing/echo").await.expect(404).problem("not_found");
    let _ = post("/queue/echo").body("{").await.expect(400).problem("invalid_argument");
    let _ = post("/queue").await.expect(405).problem("method_not_allowed");
    let too_much = post("/queue/echo").body("x".repeat(65 * 1024)).await.expect(413);
    let _ = too_much.problem("payload_too_large");
    assert!(app.stop().await.is_clean());
}
