use std::sync::Arc;

use super::app;
use crate::{
    clock::Clock,
    config::{Config, NoConfig},
    error::Result,
    gives::Group,
    init::Init,
    module::Module,
    needs::Named,
};

crate::name!(Analytics);

#[derive(Debug)]
struct Pool(&'static str);

struct PoolModule;

impl Module for PoolModule {
    const NAME: &'static str = "pool";
    type Config = NoConfig;
    type Needs = ();
    type Gives = Arc<Pool>;

    async fn init(&self, _: NoConfig, (): (), cx: &mut Init) -> Result<Arc<Pool>> {
        Ok(Arc::new(Pool(if cx.section() == "pool" { "main" } else { "analytics" })))
    }
}

trait Greeting: Send + Sync {
    fn text(&self) -> String;
}

struct Plain(&'static str);

impl Greeting for Plain {
    fn text(&self) -> String {
        self.0.to_owned()
    }
}

struct Loud(Arc<dyn Greeting>);

impl Greeting for Loud {
    fn text(&self) -> String {
        self.0.text().to_uppercase()
    }
}

fn greeting(text: &'static str) -> Arc<dyn Greeting> {
    Arc::new(Plain(text))
}

#[tokio::test]
async fn two_instances_of_one_module_are_told_apart() {
    let app = app().module(PoolModule).module(PoolModule.named::<Analytics>()).provide(
        |main: Arc<Pool>, other: Named<Analytics, Pool>| async move {
            Ok(Arc::new(format!("{} {}", main.0, other.0)))
        },
    );
    let app = app.start().await.unwrap();
    assert_eq!(*app.get::<Arc<String>>(), "main analytics");
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn a_need_can_be_redirected_to_an_instance() {
    struct Reader;
    impl Module for Reader {
        const NAME: &'static str = "reader";
        type Config = NoConfig;
        type Needs = Arc<Pool>;
        type Gives = Arc<String>;

        async fn init(&self, _: NoConfig, pool: Arc<Pool>, _: &mut Init) -> Result<Arc<String>> {
            Ok(Arc::new(pool.0.to_owned()))
        }
    }
    let app =
        app().module(PoolModule.named::<Analytics>()).module(Reader.using::<Analytics, Pool>());
    let app = app.start().await.unwrap();
    assert_eq!(*app.get::<Arc<String>>(), "analytics");
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn groups_keep_the_order_of_registration_and_may_be_empty() {
    let group = |text| move || async move { Ok(Group(greeting(text))) };
    let join = |all: Vec<Arc<dyn Greeting>>| async move {
        Ok(Arc::new(all.iter().map(|one| one.text()).collect::<Vec<_>>()))
    };
    let app = app().provide(join).provide(group("b")).provide(group("a")).start().await.unwrap();
    assert_eq!(*app.get::<Arc<Vec<String>>>(), ["b", "a"]);
    assert!(app.stop().await.is_clean());

    let app = super::app().provide(join).start().await.unwrap();
    assert!(app.get::<Arc<Vec<String>>>().is_empty());
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn an_optional_need_is_met_where_it_can_be() {
    let take = |pool: Option<Arc<Pool>>| async move { Ok(Arc::new(pool.is_some())) };
    let without = app().provide(take).start().await.unwrap();
    assert!(!*without.get::<Arc<bool>>());
    let with = app().provide(take).module(PoolModule).start().await.unwrap();
    assert!(*with.get::<Arc<bool>>());
    assert!(without.stop().await.is_clean());
    assert!(with.stop().await.is_clean());
}

#[tokio::test]
async fn one_of_two_instances_can_be_replaced_or_decorated() {
    let app = || {
        app().module(PoolModule).module(PoolModule.named::<Analytics>()).provide(
            |main: Arc<Pool>, other: Named<Analytics, Pool>| async move {
                Ok(Arc::new(format!("{} {}", main.0, other.0)))
            },
        )
    };
    let replaced = app().replace_named::<Analytics, Pool>(Arc::new(Pool("fake")));
    let replaced = replaced.start().await.unwrap();
    assert_eq!(*replaced.get::<Arc<String>>(), "main fake");
    let wrapped = app().decorate_named::<Analytics, Pool>(|_| Arc::new(Pool("wrapped")));
    let wrapped = wrapped.start().await.unwrap();
    assert_eq!(*wrapped.get::<Arc<String>>(), "main wrapped");
    assert!(replaced.stop().await.is_clean() && wrapped.stop().await.is_clean());
}

#[tokio::test]
async fn what_is_given_can_be_replaced_and_decorated() {
    let give = || async { Ok(greeting("given")) };
    let take = |greeting: Arc<dyn Greeting>| async move { Ok(Arc::new(greeting.text())) };
    let loud = |inner| Arc::new(Loud(inner)) as Arc<dyn Greeting>;

    let app = app().provide(give).provide(take).decorate::<dyn Greeting>(loud);
    let app = app.start().await.unwrap();
    assert_eq!(*app.get::<Arc<String>>(), "GIVEN");
    assert!(app.stop().await.is_clean());

    let app = super::app().provide(give).provide(take).replace(greeting("replaced"));
    let app = app.decorate::<dyn Greeting>(loud).start().await.unwrap();
    assert_eq!(*app.get::<Arc<String>>(), "REPLACED");
    assert!(app.stop().await.is_clean());
}

/// It cannot work without its one setting.
struct LockModule;

#[derive(Debug, Config)]
#[config(section = "lock")]
struct LockConfig {
    #[expect(dead_code, reason = "it is there to be missing")]
    key: String,
}

impl Module for LockModule {
    const NAME: &'static str = "lock";
    type Config = LockConfig;
    type Needs = ();
    type Gives = Arc<dyn Greeting>;

    async fn init(&self, _: LockConfig, (): (), _: &mut Init) -> Result<Arc<dyn Greeting>> {
        Ok(greeting("unlocked"))
    }
}

#[tokio::test]
async fn what_is_replaced_needs_no_settings() {
    let app = || {
        let take = |greeting: Arc<dyn Greeting>| async move { Ok(Arc::new(greeting.text())) };
        app().module(LockModule).provide(take)
    };
    let said = app().build().unwrap_err().to_string();
    assert!(said.contains("`lock.key` is required"), "{said}");
    let app = app().replace(greeting("replaced")).start().await.unwrap();
    assert_eq!(*app.get::<Arc<String>>(), "replaced");
    assert!(app.stop().await.is_clean());
}

/// Trap 2: a partial replacement overwritten by the module's own output.
#[tokio::test]
async fn a_partial_replacement_is_sticky() {
    let both = || async { Ok((greeting("given"), Arc::new(Pool("given")))) };
    let take = |greeting: Arc<dyn Greeting>, pool: Arc<Pool>| async move {
        Ok(Arc::new(format!("{} {}", greeting.text(), pool.0)))
    };
    let app =
        app().provide(both).provide(take).replace(greeting("replaced")).start().await.unwrap();
    assert_eq!(*app.get::<Arc<String>>(), "replaced given");
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn built_in_givers_need_no_module() {
    let app = app().provide(|clock: Clock| async move { Ok(Arc::new(clock.now())) });
    assert!(app.start().await.unwrap().stop().await.is_clean());
}

#[test]
fn validate_shows_everything_that_is_wrong() {
    let take = |_: Arc<Pool>, _: Arc<dyn Greeting>| async move { Ok(Arc::new(1_u8)) };
    let error = app().provide(take).knows::<PoolModule>("PoolModule").validate().unwrap_err();
    assert_eq!(error.len(), 2);
    let text = format!("{error:?}");
    assert!(text.starts_with("2 problems; nothing was started\n"), "{text}");
    assert!(
        text.contains(
            "  nothing gives `Pool`\n    needed by  u8\n    fix        add .module(PoolModule)"
        ),
        "{text}"
    );
    assert!(text.contains("  nothing gives `dyn Greeting`"), "{text}");
}

#[test]
fn a_disabled_module_says_where_it_was_disabled() {
    let take = |_: Arc<Pool>| async move { Ok(Arc::new(1_u8)) };
    let error =
        app().module(PoolModule).provide(take).set("pool.enabled", "false").build().unwrap_err();
    assert!(
        error.to_string().contains("nothing gives `Pool`: its module is disabled by"),
        "{error}"
    );
}

#[test]
fn live_fields_that_are_read_once_are_warned_of() {
    #[derive(crate::config::Config)]
    #[config(section = "prices")]
    struct Prices {
        /// The discount in per cent.
        #[config(default = 5, live)]
        discount: u8,
    }
    let take = |prices: Arc<Prices>| async move { Ok(Arc::new(prices.discount)) };
    let app = app().config::<Prices>().provide(take).build().unwrap();
    let warning = "u8 takes `Arc<Prices>`, some fields of which are live";
    assert!(app.warnings.iter().any(|text| text.starts_with(warning)), "{:?}", app.warnings);
}

#[tokio::test]
async fn the_pages_tell_of_the_application() {
    let take = |pool: Arc<Pool>| async move { Ok(Arc::new(pool.0.len())) };
    let app = app().module(PoolModule).provide(take).start().await.unwrap();
    let page = async |name: &str| app.pages().get(name).unwrap().read().await.unwrap();
    let graph = page("graph").await;
    assert_eq!(graph["critical_path"].as_array().unwrap().last(), Some(&"usize".into()), "{graph}");
    assert!(graph["ready_in_ms"].as_f64().unwrap() > 0.0);
    let order = graph["start_order"].as_array().unwrap();
    let at = |name: &str| order.iter().position(|it| *it == name);
    assert!(at("pool") < at("usize"), "{order:?}");
    let modules = page("modules").await;
    let pool = modules.as_array().unwrap().iter().find(|module| module["name"] == "pool").unwrap();
    assert_eq!(pool["state"], "started");
    assert_eq!(page("version").await["name"], "purlin-core");
    assert!(page("config").await.to_string().contains("lifecycle"));
    assert!(app.stop().await.is_clean());
}

#[derive(crate::config::Config)]
#[config(section = "partner")]
struct Partner {
    /// The key of the partner.
    #[config(default = "none")]
    key: crate::config::Secret<String>,
}

struct Vault;

#[async_trait::async_trait]
impl crate::config::Secrets for Vault {
    async fn resolve(&self, reference: &str) -> Result<crate::config::Secret<String>> {
        Ok(crate::config::Secret::new(format!("what {reference} stands for")))
    }
}

#[tokio::test]
async fn a_section_with_references_waits_for_the_secrets() {
    let take = |partner: Arc<Partner>| async move { Ok(Arc::new(partner.key.expose().clone())) };
    let part =
        || app().config::<Partner>().provide(take).set("partner.key", "vault:apps/partner#key");
    let error = part().build().unwrap_err().to_string();
    assert!(
        error.contains("nothing gives `dyn Secrets`\n    needed by  partner ← String"),
        "{error}"
    );

    let app = part().provide(|| async { Ok(Arc::new(Vault) as Arc<dyn crate::config::Secrets>) });
    let app = app.start().await.unwrap();
    assert_eq!(*app.get::<Arc<String>>(), "what vault:apps/partner#key stands for");
    assert!(app.stop().await.is_clean());
}
