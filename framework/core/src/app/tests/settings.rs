//! What settings of several sections say together.

use std::{sync::Arc, time::Duration};

use super::{app, sealed};
use crate::{
    app::{App, AppBuilder},
    config::{Config, Inputs, Listen, MapEnv},
    error::{Result, bail},
    init::Init,
    module::Module,
    plan::Plan,
};

/// A server.
#[derive(Debug, Config)]
struct ServerConfig {
    /// Where it listens.
    #[config(default = "8080")]
    listen: Listen,
    /// How long it drains.
    #[config(default = "5s")]
    drain: Duration,
}

struct Public;
struct Private;

impl Module for Public {
    const NAME: &'static str = "public";
    type Config = ServerConfig;
    type Needs = ();
    type Gives = ();

    fn plan(&self, plan: &mut Plan) {
        plan.stop_takes("drain");
    }

    async fn init(&self, config: ServerConfig, (): (), cx: &mut Init) -> Result<()> {
        let origin = cx.origin("listen").expect("it has a default");
        bail!("{}, which {}.listen sets ({origin}), is in use", config.listen, cx.section());
    }
}

impl Module for Private {
    const NAME: &'static str = "private";
    type Config = ServerConfig;
    type Needs = ();
    type Gives = ();

    async fn init(&self, config: ServerConfig, (): (), cx: &mut Init) -> Result<()> {
        cx.detail(format!("drains for {:?}", config.drain));
        Ok(())
    }
}

crate::name!(Second);

fn variables<const N: usize>(variables: [(&str, &str); N]) -> Inputs {
    Inputs { env: Arc::new(MapEnv::from_iter(variables)), ..sealed() }
}

fn said(app: AppBuilder) -> String {
    app.build().expect_err("these settings exclude each other").to_string()
}

fn warned(app: AppBuilder) -> Vec<String> {
    app.build().expect("it is no problem").warnings().to_vec()
}

#[test]
fn servers_that_want_one_address_are_told_before_anything_is_bound() {
    let app = || app().module(Public).module(Private);
    let both = app().inputs(variables([("PRIVATE_LISTEN", "0.0.0.0:8080")]));
    assert_eq!(
        said(both),
        "1 problem; nothing was started

  `public.listen` and `private.listen` cannot both be bound
    set        public.listen = 127.0.0.1:8080 (default)
    set        private.listen = 0.0.0.0:8080 (env PRIVATE_LISTEN)
    fix        give each a port of its own; port 0 takes a free one
"
    );
    let three = app().module(Public.named::<Second>()).set("private.listen", ":8080");
    let said = said(three);
    assert!(
        said.contains("`public.listen`, `private.listen` and `public@second.listen` cannot all be"),
        "{said}"
    );
    assert!(said.starts_with("1 problem;"), "{said}");
    app().set("private.listen", "8081").build().unwrap();
    app().set("private.listen", "0").set("public.listen", "0").build().unwrap();
}

/// `validate()` reads no file, and finds two defaults that clash.
#[test]
fn defaults_that_clash_are_not_sound() {
    let error = app().module(Public).module(Private).validate().unwrap_err();
    assert!(error.to_string().contains("cannot both be bound"), "{error}");
}

#[test]
fn a_server_that_is_not_there_wants_no_address() {
    let app = || app().module(Public).module(Private);
    app().set("private.enabled", "false").build().unwrap();
    let both = App::builder().inputs(sealed()).module(Public).fallback(Private);
    both.build().unwrap();
}

#[test]
fn a_stop_that_is_too_short_for_its_parts_is_told_with_all_three() {
    let app = app()
        .inputs(Inputs { profile: Some("prod".to_owned()), ..variables([]) })
        .set("lifecycle.stop_timeout", "8s");
    assert_eq!(
        said(app),
        "1 problem; nothing was started

  `lifecycle.stop_timeout` leaves no time for the work: the drain delay and three hard stops take 8s
    set        lifecycle.stop_timeout = 8s (.set(..))
    set        lifecycle.drain_delay = 5s (default in profile prod)
    set        lifecycle.hard_stop = 1s (default)
    fix        raise the first above 8s, and the grace period of the platform with it; or lower one of the others
"
    );
    let app = |stop| super::app().module(Public).set("lifecycle.stop_timeout", stop);
    let error = app("3s").build().unwrap_err();
    assert_eq!(error.warnings(), [""; 0], "a drain that is cut as well is no news");
    app("3001ms").build().unwrap();
}

#[test]
fn a_drain_that_a_stop_cuts_is_warned_of() {
    let app = || app().module(Public);
    let longer = variables([("PUBLIC_DRAIN", "21s"), ("LIFECYCLE_DRAIN_DELAY", "2s")]);
    let longer = app().inputs(longer);
    assert_eq!(
        warned(longer),
        ["public.drain = 21s (env PUBLIC_DRAIN) is cut: a stop leaves it 20s, which is \
          lifecycle.stop_timeout = 25s (default) less the drain delay and three hard stops"]
    );
    assert_eq!(warned(app().set("public.drain", "22s")), [""; 0]);
    // The module that does not plan it is not asked.
    assert_eq!(warned(super::app().module(Private).set("private.drain", "1h")), [""; 0]);
}

#[test]
fn warnings_are_told_beside_problems() {
    let app =
        app().module(Public).inputs(variables([("PUBLIC_LISTENS", "1"), ("PUBLIC_DRAIN", "soon")]));
    let error = app.build().unwrap_err();
    assert_eq!((error.len(), error.warnings().len()), (1, 1));
    assert_eq!(
        error.to_string(),
        "1 problem; nothing was started

  env PUBLIC_DRAIN=\"soon\": not a duration; write 500ms, 5s or 2m

  ! env PUBLIC_LISTENS is read by nobody; did you mean PUBLIC_LISTEN?
"
    );
}

#[tokio::test]
async fn a_module_can_say_where_a_setting_comes_from() {
    let start = async |app: AppBuilder| app.start().await.unwrap_err().to_string();
    let error = start(app().module(Public)).await;
    assert!(error.contains("127.0.0.1:8080, which public.listen sets (default)"), "{error}");
    let inputs = variables([("SECOND_PUBLIC_LISTEN", "8082")]);
    let error = start(app().module(Public.named::<Second>()).inputs(inputs)).await;
    let said = "127.0.0.1:8082, which public@second.listen sets (env SECOND_PUBLIC_LISTEN)";
    assert!(error.contains(said), "{error}");
}
