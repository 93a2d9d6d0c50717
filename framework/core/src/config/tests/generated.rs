//! Texts that are made from the types and the layers.

use super::*;

#[test]
fn explain_shows_what_won_and_what_it_overrode() {
    let settings = Setup::new()
        .file("app.yaml", "http: {}\n\norders:\n  max_amount_cents: 250000\n")
        .var("ORDERS_MAX_AMOUNT_CENTS", "500000")
        .good();
    assert_eq!(
        settings.explain("orders.max_amount_cents").unwrap().to_string(),
        "orders.max_amount_cents = 500000
  env ORDERS_MAX_AMOUNT_CENTS   500000      ← wins
  app.yaml:4:3                  250000
  default                       1000000     Largest amount that is taken without a review, in cents."
    );
    assert_eq!(
        settings.explain("orders.partner_key").unwrap().to_string(),
        "orders.partner_key is not set; set it with ORDERS_PARTNER_KEY
  default   none     Key of the partner API."
    );
    assert_eq!(settings.explain("orders.pool.idle").unwrap().value(), Some("1m30s"));
    let error = settings.explain("orders.max_amount").unwrap_err();
    assert_eq!(error.to_string(), "there is no key `orders.max_amount`");
    let error = settings.explain("order.pool.max").unwrap_err();
    assert_eq!(error.near(), Some("orders.pool.max"));
}

#[test]
fn explain_lists_what_is_below_a_key() {
    let settings = Setup::new()
        .file("app.yaml", "orders:\n  pool: {max: 3}\n")
        .var("ORDERS_PARTNER_KEY", "hunter2-hunter2")
        .good();
    assert_eq!(
        settings.tell("orders.pool").unwrap(),
        "orders.pool.max = 3          app.yaml:2:10
orders.pool.idle = 1m30s     default
orders.pool.buffer = 10MiB   default"
    );
    let orders = settings.tell("orders").unwrap();
    assert!(orders.starts_with("orders.max_amount_cents = 1000000"), "{orders}");
    assert!(orders.contains("orders.partner_key = [redacted]"), "{orders}");
    assert!(!orders.contains("hunter2") && !orders.contains("http."), "{orders}");
    assert!(!orders.contains("enabled"), "nobody set it: {orders}");
    let all = settings.tell("").unwrap();
    assert!(all.contains("orders.pool.max = 3") && all.contains("http.dir = data"), "{all}");
    assert_eq!(
        settings.tell("http.dir").unwrap(),
        settings.explain("http.dir").unwrap().to_string()
    );

    let settings = Setup::new().good();
    let unset = "orders.partner_key is not set";
    let told = settings.tell("orders").unwrap();
    let line = told.lines().find(|line| line.starts_with(unset)).unwrap();
    assert!(line.ends_with("  partner calls are off"), "{line}");
    assert_eq!(settings.tell("order").unwrap_err().near(), Some("orders"));
}

#[test]
fn the_dump_shows_what_is_not_set() {
    let settings = Setup::new().good();
    let dump = settings.dump();
    assert!(dump.contains("\n  partner_key: null  # not set: partner calls are off\n"), "{dump}");
    assert_eq!(
        settings.to_json()["orders.partner_key"],
        serde_json::json!({ "value": null, "origin": "not set" })
    );
    let again = Setup::new().file("app.yaml", &dump).good();
    assert!(orders(&again).partner_key.is_none());
    for section in sections() {
        for leaf in section.leaves().iter().filter(|leaf| leaf.path().len() > 2) {
            assert!(dump.contains(&format!("  {}: ", leaf.field().name())), "{}", leaf.key());
        }
    }
}

#[test]
fn the_dump_has_origins_and_no_secrets() {
    let settings = Setup::new()
        .file("app.yaml", "orders:\n  pool: {max: 3}\n  notify: [a@x, 'b@x # c']\n")
        .var("ORDERS_PARTNER_KEY", "hunter2-hunter2")
        .inputs(|inputs| inputs.profile = Some("prod".to_owned()))
        .good();
    assert_eq!(
        settings.dump(),
        "# profile prod · app.yaml, 2 variables
orders:
  max_amount_cents: 1000000  # default
  totals_every: 1s  # default
  partner_key: \"[redacted]\"  # env ORDERS_PARTNER_KEY
  format: json  # default
  notify: [\"a@x\",\"b@x # c\"]  # app.yaml:3:3
  dry_run: false  # default
  pool:
    max: 3  # app.yaml:2:10
    idle: 1m30s  # default
    buffer: 10MiB  # default
http:
  listen: 8080  # default
  base_url: https://example.org  # env PUBLIC_URL
  dir: data  # default
"
    );
    let json = settings.to_json();
    assert_eq!(json["orders.pool.max"]["value"], 3);
    assert_eq!(json["orders.pool.max"]["origin"], "app.yaml:2:10");
    assert_eq!(json["orders.partner_key"]["value"], "[redacted]");
}

#[test]
fn the_dump_is_a_file_that_can_be_read_again() {
    let settings = Setup::new().var("ORDERS_NOTIFY", "a@x,b: c@x").good();
    let again = Setup::new().file("app.yaml", &settings.dump()).good();
    assert_eq!(orders(&again).notify, ["a@x", "b: c@x"]);
    assert_eq!(orders(&again).pool.idle, Duration::from_secs(90));
}

#[test]
fn the_example_explains_every_key_and_changes_nothing() {
    let text = example_yaml(&sections());
    assert!(
        text.starts_with(
            "# How orders are taken.
orders:
  # Largest amount that is taken without a review, in cents. Must be at least 1.
  # Variable: ORDERS_MAX_AMOUNT_CENTS.
  # max_amount_cents: 1000000
  # How often the totals are computed. Such as 500ms, 5s or 2m. Must be from 100ms to 1h. May change while the service runs.
  # Variable: ORDERS_TOTALS_EVERY.
  # totals_every: 1s
"
        ),
        "{text}"
    );
    assert!(text.contains("  # Variable: PUBLIC_URL.\n  base_url:\n"), "{text}");
    Setup::new().file("app.yaml", &text).good();
    // With every comment sign before a key removed, each default is read as itself.
    let all: String = text
        .lines()
        .filter(|line| !line.contains("partner_key:"))
        .map(|line| match line.trim_start().strip_prefix("# ") {
            Some(key)
                if key
                    .split(':')
                    .next()
                    .is_some_and(|key| !key.contains(' ') && key != "Variable") =>
            {
                line.replacen("# ", "", 1) + "\n"
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let settings = Setup::new().file("app.yaml", &all).good();
    assert_eq!(settings.explain("orders.pool.max").unwrap().rows().len(), 2);
}

#[test]
fn the_example_has_what_a_struct_is_about_and_not_its_essay() {
    /// How mail is sent.
    ///
    /// The section is `mail`; see [RFC 5321].
    #[derive(Debug, Config)]
    #[expect(dead_code, reason = "what matters is how it is described")]
    struct Mail {
        /// The sender.
        #[config(default = "ops@example.org")]
        from: String,
    }
    let text = example_yaml(&[Section::of::<Mail>("mail", None)]);
    assert!(text.starts_with("# How mail is sent.\nmail:\n"), "{text}");
}

#[test]
fn the_example_of_dot_env_is_a_dot_env() {
    let text = example_dot_env(&sections());
    assert!(
        text.contains("# Connections at most.\n# Also: POOL_SIZE.\n# ORDERS_POOL_MAX=20\n"),
        "{text}"
    );
    assert!(text.contains("Required.\nPUBLIC_URL=\n"), "{text}");
    Setup::new().file(".env", &text).inputs(|inputs| inputs.profile = Some("dev".into())).good();
}

#[test]
fn the_json_schema_knows_types_bounds_and_secrets() {
    let schema = json_schema(&sections());
    let orders = &schema["properties"]["orders"]["properties"];
    assert_eq!(orders["max_amount_cents"]["anyOf"][0]["minimum"], 1);
    assert_eq!(orders["max_amount_cents"]["default"], 1_000_000);
    assert_eq!(orders["format"]["anyOf"][0]["enum"], serde_json::json!(["json", "console"]));
    assert_eq!(orders["partner_key"]["anyOf"][0]["writeOnly"], true);
    assert_eq!(orders["partner_key"]["anyOf"][0]["minLength"], 8);
    assert_eq!(orders["pool"]["properties"]["max"]["description"], "Connections at most.");
    assert_eq!(orders["enabled"]["default"], true);
    assert_eq!(schema["additionalProperties"], false);
}
