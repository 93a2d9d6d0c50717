//! What the book quotes of messages is what an application says.

#![cfg(all(feature = "auth", feature = "http", feature = "sqlite"))]

use std::{fs, path::Path, sync::Arc};

use purlin::{
    config::{Inputs, MapEnv},
    http::routes::get,
    prelude::*,
};
use tempfile::TempDir;

const PAGE: &str = include_str!("../../../docs/book/when-it-does-not-start.md");

/// How orders are taken.
#[derive(Debug, Clone, Config)]
#[config(section = "orders")]
#[expect(dead_code, reason = "what matters is how it is read")]
struct OrdersConfig {
    /// Largest amount that is taken without a review, in cents.
    #[config(default = 1_000_000, renamed_from = "limit_cents")]
    #[validate(range(min = 1))]
    max_amount_cents: i64,
    /// How often the totals are computed.
    #[config(default = "1s")]
    totals_every: std::time::Duration,
}

trait OrderRepo: Interface {}
trait OrderService: Interface {}
trait Mailer: Interface {}

#[derive(Component)]
#[shaku(interface = OrderRepo)]
struct SqliteOrderRepo {
    #[expect(dead_code, reason = "what matters is that it is needed")]
    sql: Sqlite,
}
impl OrderRepo for SqliteOrderRepo {}

#[derive(Component)]
#[shaku(interface = OrderService)]
struct OrderServiceImpl {
    #[expect(dead_code, reason = "what matters is that it is needed")]
    repo: Arc<dyn OrderRepo>,
}
impl OrderService for OrderServiceImpl {}

components! {
    Orders { needs: [Sqlite], components: [SqliteOrderRepo, OrderServiceImpl] }
}

struct Smtp;
impl Mailer for Smtp {}
impl OrderService for Smtp {}

struct SmtpModule;

impl Module for SmtpModule {
    const NAME: &'static str = "smtp";
    type Config = NoConfig;
    type Needs = ();
    type Gives = Arc<dyn Mailer>;

    async fn init(&self, _: NoConfig, (): (), _: &mut Init) -> Result<Arc<dyn Mailer>> {
        Ok(Arc::new(Smtp))
    }
}

fn app() -> AppBuilder {
    App::builder().package(purlin::package!()).config::<OrdersConfig>()
}

fn routes() -> Routes<Arc<dyn OrderService>> {
    Routes::new().public("/orders", get(async || "orders"))
}

/// With routes, and something behind them.
fn served() -> AppBuilder {
    let app = app().provide(|| async { Ok(Arc::new(Smtp) as Arc<dyn OrderService>) });
    app.module(HttpModule::new(routes))
}

fn wiring(app: AppBuilder) -> String {
    app.validate().expect_err("it is wrong").to_string()
}

/// What is said of a directory with these files, and of these variables.
fn configured(files: &[(&str, &str)], variables: &[(&str, &str)]) -> String {
    configured_by(files, variables, |_| {})
}

fn configured_by(
    files: &[(&str, &str)],
    variables: &[(&str, &str)],
    change: impl FnOnce(&mut Inputs),
) -> String {
    let dir = directory(files);
    let mut inputs = inputs(&dir, variables);
    change(&mut inputs);
    app().inputs(inputs).build().expect_err("it is wrong").to_string()
}

fn directory(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    for (name, text) in files {
        fs::write(dir.path().join(name), text).expect("a file can be written there");
    }
    dir
}

fn inputs(dir: &TempDir, variables: &[(&str, &str)]) -> Inputs {
    let env = Arc::new(MapEnv::from_iter(variables.iter().copied()));
    Inputs { env, base_dir: dir.path().to_owned(), ..Inputs::default() }
}

/// Whether the page quotes `said`, without its heading and its warnings, in one of its blocks.
#[track_caller]
fn assert_quoted(said: &str) {
    let body = said.split_once('\n').map_or(said, |(_, body)| body);
    let body = body.split("\n\n  ! ").next().unwrap_or(body).trim_matches('\n');
    assert!(PAGE.contains(body), "the book does not say this:\n{body}\n");
}

#[test]
fn an_unknown_key() {
    assert_quoted(&configured(&[("app.yaml", "orders:\n  max_amount_cent: 5000\n")], &[]));
}

#[test]
fn a_wrong_type() {
    assert_quoted(&configured(
        &[("app.yaml", "orders:\n  max_amount_cents: many\n")],
        &[("ORDERS_TOTALS_EVERY", "soon")],
    ));
}

#[test]
fn a_value_out_of_bounds() {
    assert_quoted(&configured(&[], &[("ORDERS_MAX_AMOUNT_CENTS", "0")]));
}

#[test]
fn one_address_for_two_servers() {
    let dir = directory(&[("app.yaml", "http:\n  listen: 8081\n")]);
    let app = served().inputs(inputs(&dir, &[]));
    assert_quoted(&app.build().expect_err("the admin server is there").to_string());
}

#[test]
fn a_stop_that_is_too_short() {
    let production = ("PURLIN_PROFILE", "prod");
    assert_quoted(&configured(&[], &[production, ("LIFECYCLE_STOP_TIMEOUT", "8s")]));
    let dir = directory(&[]);
    let app = served().inputs(inputs(&dir, &[production, ("HTTP_DRAIN", "30s")]));
    let app = app.build().expect("it is a warning");
    assert_eq!(app.warnings().len(), 1, "{:?}", app.warnings());
    assert_quoted(&app.warnings()[0]);
}

#[test]
fn warnings_below_the_problems() {
    let variables = [("ORDERS_TOTALS_EVERY", "soon"), ("ORDERS_MAX_AMOUNT_CENT", "5000")];
    let said = configured(&[], &variables);
    assert!(PAGE.contains(&format!("error: {said}")), "the book does not say this:\n{said}");
}

#[tokio::test]
async fn a_port_in_use() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let app = served().inputs(inputs(&directory(&[]), &[])).set("admin.listen", ":0");
    let error = app.set("http.listen", &*port).start().await.expect_err("it is taken");
    let error = error.to_string().replace(&port, "8080").replace("(.set(..))", "(default)");
    let (_, cause) = error.split_once(": ").unwrap();
    let (cause, _) = cause.split_once("; what had been started").unwrap();
    for line in cause.lines() {
        assert_quoted(line);
    }
}

#[test]
fn an_old_key_and_an_old_variable() {
    assert_quoted(&configured(
        &[("app.yaml", "orders:\n  limit_cents: 5000\n")],
        &[("ORDERS_LIMIT_CENTS", "5000")],
    ));
}

#[test]
fn a_file_that_cannot_be_read() {
    assert_quoted(&configured_by(&[], &[], |inputs| inputs.files = vec!["orders.yaml".into()]));
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("app.yaml")).unwrap();
    let error = app().inputs(inputs(&dir, &[])).build().expect_err("it is a directory");
    assert_quoted(&error.to_string());
    assert_quoted(&configured(&[("app.yaml", "orders:\n  max_amount_cents: [1\nhttp:\n")], &[]));
}

#[test]
fn a_service_link_is_ignored_with_a_word() {
    let dir = directory(&[]);
    let variables = [("ADMIN_PORT", "tcp://10.0.0.1:9000"), ("HTTP_PORT", "tcp://10.0.0.2:9000")];
    let app = served().inputs(inputs(&dir, &variables));
    let app = app.build().expect("a service link is no problem");
    let warnings = app.warnings();
    assert!(!warnings.is_empty());
    for warning in warnings {
        assert_quoted(warning);
    }
}

#[test]
fn a_missing_module() {
    assert_quoted(&wiring(app().components::<Orders>().module(HttpModule::new(routes))));
}

#[test]
fn a_missing_type_that_no_module_is_known_for() {
    assert_quoted(&wiring(app().module(HttpModule::new(routes))));
}

#[test]
fn a_module_that_is_disabled() {
    let dir = directory(&[("app.yaml", "sqlite:\n  enabled: false\n")]);
    let app = app().module(SqliteModule).components::<Orders>().inputs(inputs(&dir, &[]));
    assert_quoted(&app.build().expect_err("it is disabled").to_string());
}

#[test]
fn a_cycle() {
    struct One;
    struct Other;
    let app = app()
        .provide(|_: Arc<Other>| async { Ok(Arc::new(One)) })
        .provide(|_: Arc<One>| async { Ok(Arc::new(Other)) });
    assert_quoted(&without_places(&wiring(app)));
}

#[test]
fn two_givers() {
    let app = app().module(SmtpModule).provide(|| async { Ok(Arc::new(Smtp) as Arc<dyn Mailer>) });
    assert_quoted(&without_places(&wiring(app)));
}

#[test]
fn routes_that_clash() {
    mod routes {
        use super::{Routes, get};

        async fn list() {}
        async fn search() {}
        async fn show() {}
        async fn by_name() {}

        pub(super) fn clashing() -> Routes {
            Routes::new()
                .public("/orders", get(list))
                .public("/orders", get(search))
                .public("/orders/{id}", get(show))
                .public("/orders/{name}", get(by_name))
        }
    }
    let said = wiring(app().module(HttpModule::new(routes::clashing)));
    assert_quoted(&said.replace("book::routes_that_clash::", "orders::"));
}

#[test]
fn a_secured_route_without_an_authenticator() {
    fn secured() -> Routes {
        Routes::new().secured("/orders", get(async || "orders"))
    }
    assert_quoted(&wiring(app().module(HttpModule::new(secured))));
}

#[test]
fn a_replacement_of_what_nobody_gives() {
    assert_quoted(&wiring(app().replace::<dyn Mailer>(Arc::new(Smtp))));
}

#[test]
fn a_local_leader_in_production() {
    struct Idle;
    #[async_trait]
    impl Runnable for Idle {
        async fn run(&self, cx: RunCx) -> Result<()> {
            cx.ready();
            cx.stopping().await;
            Ok(())
        }
    }
    let dir = directory(&[]);
    let app = app().runnable(Run::new("totals", || Idle).leader_only("totals"));
    let app = app.inputs(inputs(&dir, &[("PURLIN_PROFILE", "prod")]));
    assert_quoted(&app.build().expect_err("each replica would lead").to_string());
}

/// The page stands for every service: it shows `src/lib.rs`, and no line of this file.
fn without_places(said: &str) -> String {
    let here = Path::new(file!()).display().to_string();
    let lines = said.lines().map(|line| match line.find(&here) {
        Some(at) => {
            let place: String =
                line[at..].chars().take_while(|c| !matches!(c, ')' | ' ' | ',')).collect();
            line.replace(&place, "src/lib.rs:12:10")
        }
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}
