//! Which layer wins, and what is said of it.

use serde_json::json;

use super::*;

#[test]
fn without_any_layer_the_defaults_hold() {
    let settings = Setup::new().good();
    let orders = orders(&settings);
    assert_eq!(orders.max_amount_cents, 1_000_000);
    assert_eq!(orders.totals_every, Duration::from_secs(1));
    assert!(orders.partner_key.is_none());
    assert_eq!(orders.format, Format::Json);
    assert_eq!(orders.notify, ["ops@example.org"]);
    assert!(!orders.dry_run);
    assert_eq!((orders.pool.max, orders.pool.idle), (20, Duration::from_secs(90)));
    assert_eq!(orders.pool.buffer, ByteSize::mib(10));
    let http = http(&settings);
    assert_eq!(http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!((http.base_url.as_str(), http.dir), ("https://example.org", DataDir::from("data")));
    assert_eq!(settings.sources(), "1 variable");
}

#[test]
fn each_layer_overrides_those_before_it() {
    type Step = (&'static str, fn(Setup) -> Setup);
    let steps: [Step; 6] = [
        ("1", |setup| setup.file("app.yaml", "orders: {pool: {max: 1}}")),
        ("2", |setup| setup.file("app.dev.yaml", "orders:\n  pool:\n    max: 2\n")),
        ("3", |setup| setup.file(".env", "ORDERS_POOL_MAX=3\n")),
        ("4", |setup| setup.var("ORDERS_POOL_MAX", "4")),
        ("5", |setup| setup.set("orders.pool.max", "5")),
        ("6", |setup| setup.code("orders.pool.max", json!(6))),
    ];
    for count in 1..=steps.len() {
        let setup = steps[..count].iter().fold(Setup::new(), |setup, (_, step)| step(setup));
        let settings = setup.inputs(|inputs| inputs.profile = Some("dev".to_owned())).good();
        assert_eq!(orders(&settings).pool.max.to_string(), steps[count - 1].0);
        let explained = settings.explain("orders.pool.max").unwrap();
        assert_eq!(explained.rows().len(), count + 1);
    }
}

#[test]
fn a_key_below_a_map_changes_one_entry() {
    use std::collections::BTreeMap;

    #[derive(Debug, Config)]
    struct Jobs {
        #[config(default)]
        jobs: BTreeMap<String, BTreeMap<String, String>>,
    }
    let section = [Section::of::<Jobs>("scheduler", None)];
    let dir = TempDir::new().unwrap();
    let yaml = "scheduler:\n  jobs:\n    report: {zone: UTC, schedule: 5m}\n";
    std::fs::write(dir.path().join("app.yaml"), yaml).unwrap();
    let set = |key: &str, value: &str| (format!("scheduler.jobs.{key}"), value.to_owned());
    let inputs = Inputs {
        base_dir: dir.path().to_owned(),
        sets: vec![set("report.schedule", "1h"), set("cleanup.schedule", "2h")],
        overrides: vec![("scheduler.jobs.cleanup.zone".to_owned(), json!("CET"))],
        ..Inputs::default()
    };
    let read = |inputs: Inputs| {
        let (settings, problems) = Settings::load(inputs, &section);
        assert_eq!(problems, []);
        settings.read::<Jobs>(&section[0]).unwrap().jobs
    };
    let entry = |zone: &str, schedule: &str| {
        BTreeMap::from([("zone", zone), ("schedule", schedule)].map(|(k, v)| (k.into(), v.into())))
    };
    assert_eq!(
        read(inputs.clone()),
        BTreeMap::from([
            ("report".to_owned(), entry("UTC", "1h")),
            ("cleanup".to_owned(), entry("CET", "2h")),
        ])
    );
    // The map itself is replaced as a whole.
    let whole = ("scheduler.jobs".to_owned(), json!({ "only": { "zone": "UTC" } }));
    let jobs = read(Inputs { overrides: vec![whole], ..inputs });
    assert_eq!(jobs.into_keys().collect::<Vec<_>>(), ["only"]);
}

#[test]
fn an_alias_is_read_and_the_usual_name_wins() {
    let settings = Setup::new().var("ORDERS_POOL_MAX", "7").var("POOL_SIZE", "8").good();
    assert_eq!(orders(&settings).pool.max, 7);
    assert_eq!(orders(&Setup::new().var("POOL_SIZE", "8").good()).pool.max, 8);
}

#[test]
fn scalars_are_read_alike_from_all_layers() {
    let from_file = Setup::new().file(
        "app.yaml",
        "orders:\n  dry_run: \"true\"\n  notify: a@x, b@x\n  max_amount_cents: 0x10\n",
    );
    let from_env = Setup::new()
        .var("ORDERS_DRY_RUN", "1")
        .var("ORDERS_NOTIFY", "[a@x, \"b@x\"]")
        .var("ORDERS_MAX_AMOUNT_CENTS", "16");
    for setup in [from_file, from_env] {
        let orders = orders(&setup.good());
        assert!(orders.dry_run);
        assert_eq!(orders.notify, ["a@x", "b@x"]);
        assert_eq!(orders.max_amount_cents, 16);
    }
}

#[test]
fn anchors_and_merge_keys_work() {
    let yaml =
        "x-pool: &pool\n  max: 3\n  buffer: 1KiB\norders:\n  pool:\n    <<: *pool\n    max: 4\n";
    let settings = Setup::new().file("app.yaml", yaml).good();
    let pool = orders(&settings).pool;
    assert_eq!((pool.max, pool.buffer.bytes()), (4, 1024));
}

#[test]
fn placeholders_are_filled_in_before_the_type_is_asked_for() {
    let yaml = "orders:\n  pool: {max: \"${SIZE}\"}\n  totals_every: ${EVERY:-2s}\n";
    let settings = Setup::new().file("app.yaml", yaml).var("SIZE", "9").good();
    assert_eq!(orders(&settings).pool.max, 9);
    assert_eq!(orders(&settings).totals_every, Duration::from_secs(2));
}

#[test]
fn the_profile_is_chosen_and_its_spellings_are_one() {
    let profile = |setup: Setup| setup.good().profile().to_owned();
    let prod = |inputs: &mut Inputs| inputs.default_profile = "prod".to_owned();
    assert_eq!(profile(Setup::new().inputs(prod)), "prod");
    assert_eq!(profile(Setup::new().var("ENVIRONMENT", "Development").inputs(prod)), "dev");
    let both = || Setup::new().var("ENVIRONMENT", "dev").var("PURLIN_PROFILE", "production");
    assert_eq!(profile(both()), "prod");
    let flag = |inputs: &mut Inputs| inputs.profile = Some("staging".to_owned());
    assert_eq!(profile(both().inputs(flag)), "staging");
}

#[test]
fn dot_env_is_for_the_profile_dev_only() {
    let setup = || Setup::new().file(".env", "ORDERS_POOL_MAX=3\n");
    assert_eq!(orders(&setup().var("ENVIRONMENT", "dev").good()).pool.max, 3);
    assert_eq!(orders(&setup().var("ENVIRONMENT", "prod").good()).pool.max, 20);
}

#[test]
fn files_or_variables_can_be_left_out() {
    let setup = || {
        Setup::new()
            .file("app.yaml", "orders: {pool: {max: 1}}\nhttp: {base_url: https://file.example}")
            .var("ORDERS_POOL_MAX", "2")
    };
    let max = |setup: Setup| orders(&setup.good()).pool.max;
    assert_eq!(max(setup()), 2);
    assert_eq!(max(setup().inputs(|inputs| inputs.parse_type = Some(ParseType::Yaml))), 1);
    assert_eq!(max(setup().var("PURLIN_PARSE_TYPE", "yaml")), 1);
    let env_only = setup().var("PURLIN_PARSE_TYPE", "env").good();
    assert_eq!(env_only.explain("orders.pool.max").unwrap().rows().len(), 2);
}

#[test]
fn explicit_files_take_the_place_of_the_usual_one() {
    let settings = Setup::new()
        .file("app.yaml", "orders: {pool: {max: 1}}")
        .file("other.yaml", "orders: {dry_run: true}")
        .file("other.dev.yaml", "orders: {pool: {max: 3}}")
        .inputs(|inputs| inputs.files = vec!["other.yaml".into()])
        .good();
    assert_eq!((orders(&settings).pool.max, orders(&settings).dry_run), (3, true));
    assert_eq!(settings.sources(), "other.yaml, other.dev.yaml, 1 variable");
}

#[test]
fn an_instance_has_a_section_and_variables_of_its_own() {
    let both = [
        Section::of::<PoolConfig>("postgres", None),
        Section::of::<PoolConfig>("postgres", Some("analytics")),
    ];
    let env =
        [("POSTGRES_MAX", "1"), ("ANALYTICS_POSTGRES_MAX", "2"), ("ANALYTICS_POOL_SIZE", "9")];
    let (settings, problems) = Settings::load(Inputs::of_variables(env), &both);
    assert_eq!(problems, []);
    assert_eq!(both[1].key(), "postgres@analytics");
    let max = |section| settings.read::<PoolConfig>(section).unwrap().max;
    assert_eq!((max(&both[0]), max(&both[1])), (1, 2));
}

#[test]
fn a_section_can_be_disabled_and_is_not_checked_then() {
    let yaml = "http:\n  enabled: false\n";
    let (settings, problems) =
        Setup::new().file("app.yaml", yaml).var("PUBLIC_URL", "not a url").load();
    assert_eq!(problems, []);
    assert_eq!(settings.check(), []);
    let origin = settings.disabled(&sections()[1]).unwrap();
    assert_eq!(origin.to_string(), "app.yaml:2:3");
    assert!(settings.disabled(&sections()[0]).is_none());
}

#[test]
fn an_address_without_a_host_is_open_in_a_container() {
    let settings = Setup::new().var("KUBERNETES_SERVICE_HOST", "10.0.0.1").good();
    assert_eq!(http(&settings).listen.to_string(), "0.0.0.0:8080");
}

#[test]
fn what_has_a_consequence_is_warned_of() {
    let settings = Setup::new()
        .var("ORDERS_MAX_AMOUNT_CENT", "1")
        .var("WEB_LISTEN", "9090")
        .var("ORDERS_POOL_MAX", "")
        .good();
    assert_eq!(
        settings.warnings(),
        [
            "env ORDERS_MAX_AMOUNT_CENT is read by nobody; did you mean ORDERS_MAX_AMOUNT_CENTS?",
            "orders.partner_key is not set: partner calls are off",
        ]
    );
}

#[test]
fn a_service_link_is_ignored_and_warned_of() {
    #[derive(Debug, Config)]
    struct Db {
        #[config(default = 5432)]
        port: u16,
    }
    let section = [Section::of::<Db>("db", None)];
    let env = [("DB_PORT", "tcp://10.0.0.1:9000")];
    let (settings, problems) = Settings::load(Inputs::of_variables(env), &section);
    assert_eq!(problems, []);
    assert_eq!(settings.read::<Db>(&section[0]).unwrap().port, 5432);
    assert_eq!(
        settings.warnings(),
        ["env DB_PORT=tcp://10.0.0.1:9000 is a service link of Kubernetes and was ignored; set \
          `enableServiceLinks: false` in the pod"]
    );
}

#[test]
fn the_defaults_alone_need_no_required_value() {
    let (settings, problems) = Settings::defaults(&sections());
    assert_eq!(problems, []);
    assert_eq!(settings.check(), []);
    assert_eq!(settings.warnings(), Vec::<String>::new());
}

#[test]
fn the_fields_of_a_shape_are_found() {
    let http = &sections()[1];
    assert_eq!(http.keys_of(&Shape::Listen), ["http.listen"]);
    assert_eq!(http.keys_of(&Shape::DataDir), ["http.dir"]);
}
