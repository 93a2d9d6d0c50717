//! Every mistake gets a message that says where, what and the fix.

use serde_json::json;

use super::*;

/// Each case: what is wrong, and all that is said.
#[track_caller]
fn assert_says(setup: Setup, expected: &str) {
    assert_eq!(setup.problems(), expected.trim_matches('\n'));
}

#[test]
fn an_unknown_key_is_shown_in_its_line() {
    assert_says(
        Setup::new().file("app.yaml", "# comment\norders:\n  max_amount_cent: 5000\n"),
        "
app.yaml:3:3 unknown key `max_amount_cent`
  2 │ orders:
  3 │   max_amount_cent: 5000
    │   ^^^^^^^^^^^^^^^ did you mean `max_amount_cents`?",
    );
}

#[test]
fn all_problems_of_all_sections_are_shown_at_once() {
    assert_says(
        Setup::new()
            .file("app.yaml", "orders:\n  max: 1\n  pool:\n    mx: 2\n    max: many\nordrs: {}\n")
            .var("ORDERS_TOTALS_EVERY", "soon")
            .var("PUBLIC_URL", ""),
        "
app.yaml:2:3 unknown key `max`
  1 │ orders:
  2 │   max: [redacted]
    │   ^^^
app.yaml:4:5 unknown key `mx`
  3 │   pool:
  4 │     mx: 2
    │     ^^ did you mean `max`?
app.yaml:6:1 unknown section `ordrs`
  6 │ ordrs: {}
    │ ^^^^^ did you mean `orders`?
env ORDERS_TOTALS_EVERY=\"soon\": not a duration; write 500ms, 5s or 2m
app.yaml:5:10 not a whole number from 0 to 65535
  5 │     max: many
    │          ^^^^
`http.base_url` is required; set it in app.yaml, or the variable PUBLIC_URL",
    );
}

#[test]
fn a_renamed_key_names_its_successor() {
    assert_says(
        Setup::new().file("app.yaml", "orders:\n  limit_cents: 5\n").var("ORDERS_LIMIT_CENTS", "5"),
        "
env ORDERS_LIMIT_CENTS: was renamed to ORDERS_MAX_AMOUNT_CENTS
app.yaml:2:3 `limit_cents` was renamed to `max_amount_cents`
  1 │ orders:
  2 │   limit_cents: 5
    │   ^^^^^^^^^^^",
    );
}

#[test]
fn a_file_that_is_no_yaml_is_located() {
    let cases = [
        (
            "orders:\n  dry_run: [true\nhttp:\n",
            "
app.yaml:3:5 not valid YAML: illegal placement of ':' indicator
  3 │ http:
    │     ^",
        ),
        (
            "orders: {}\norders: {}\n",
            "
app.yaml:2:1 the key `orders` is given twice; keep one of the two
  2 │ orders: [redacted]
    │ ^",
        ),
        (
            "orders: {}\n---\nhttp: {}\n",
            "app.yaml:3:1 a second document begins here; a configuration file has one
  3 │ http: [redacted]
    │ ^",
        ),
        ("- orders\n", "app.yaml:1:1 a configuration is a map of sections; begin with `section:`"),
    ];
    for (yaml, expected) in cases {
        assert_says(Setup::new().file("app.yaml", yaml), expected);
    }
}

#[test]
fn a_bomb_is_refused() {
    let mut yaml = "x-a: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        yaml.push_str(&format!("x-{level}: &a{level} [{items}]\n"));
    }
    let problems = Setup::new().file("app.yaml", &yaml).problems();
    assert!(problems.contains("expands too far"), "{problems}");
    let deep = format!("orders: {}{}", "[".repeat(10_000), "]".repeat(10_000));
    let problems = Setup::new().file("app.yaml", &deep).problems();
    assert!(problems.starts_with("app.yaml:1:"), "{problems}");
}

#[test]
fn each_type_says_what_it_expects() {
    let cases = [
        ("ORDERS_MAX_AMOUNT_CENTS", "ten", "not a whole number"),
        ("ORDERS_MAX_AMOUNT_CENTS", "0", "must be at least 1"),
        (
            "ORDERS_MAX_AMOUNT_CENTS",
            "9223372036854775808",
            "out of range; the least is -9223372036854775808, the greatest 9223372036854775807",
        ),
        ("ORDERS_TOTALS_EVERY", "5", "not a duration; write 500ms, 5s or 2m"),
        ("ORDERS_TOTALS_EVERY", "1ms", "must be from 100ms to 1h"),
        ("ORDERS_FORMAT", "jsn", "not one of json, console; did you mean json?"),
        ("ORDERS_NOTIFY", "ops", "`ops` is no address"),
        ("ORDERS_NOTIFY", "[ops", "not a list; write a,b or [a, b]"),
        ("ORDERS_DRY_RUN", "maybe", "neither true nor false"),
        ("ORDERS_POOL_MAX", "65536", "not a whole number from 0 to 65535"),
        ("ORDERS_POOL_BUFFER", "big", "not a size; write 512, 64KB or 10MiB"),
        ("WEB_LISTEN", "x", "not an address; write 8080, :8080, 127.0.0.1:8080 or [::1]:8080"),
        ("PUBLIC_URL", "here", "must be a URL such as https://example.org"),
    ];
    for (name, value, expected) in cases {
        let expected = format!("env {name}={value:?}: {expected}");
        assert_says(Setup::new().var(name, value), &expected);
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_located() {
    let cases = [
        (
            "orders: 5\n",
            "app.yaml:1:1 `orders` is no single value; write its keys below it
  1 │ orders: [redacted]
    │ ^^^^^^",
        ),
        (
            "orders:\n  format: [json]\n",
            "app.yaml:2:11 a list; expected one of json, console
  2 │   format: [json]
    │           ^",
        ),
        (
            "orders:\n  totals_every:\n",
            "app.yaml:2:15 empty; expected a duration such as 500ms, 5s or 2m
  2 │   totals_every:
    │               ^",
        ),
    ];
    for (yaml, expected) in cases {
        assert_says(Setup::new().file("app.yaml", yaml), expected);
    }
}

#[test]
fn what_is_set_by_key_is_checked_alike() {
    assert_says(
        Setup::new().set("orders.pol.max", "1").set("orders.pool.max", "many").set("orders..x", ""),
        "
--set orders..x: not a key; write section.field
--set orders.pol: unknown key `pol`; did you mean `pool`?
--set orders.pool.max=\"many\": not a whole number from 0 to 65535",
    );
    assert_says(
        Setup::new().code("http.listen", json!([1])).code("htp.listen", json!(1)),
        "
.set(\"htp\", ..): unknown section `htp`; did you mean `http`?
.set(\"http.listen\", ..)=\"[1]\": a list; expected an address",
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    assert_says(
        Setup::new().inputs(|inputs| inputs.files = vec!["missing.yaml".into()]),
        "the file `missing.yaml` does not exist",
    );
    let setup = Setup::new();
    std::fs::create_dir(setup.dir.path().join("app.yaml")).unwrap();
    assert_says(setup, "`app.yaml` is a directory, not a file");
}

#[test]
fn a_profile_cannot_leave_the_directory() {
    assert_says(
        Setup::new().var("PURLIN_PROFILE", "../x"),
        "env PURLIN_PROFILE=\"../x\": not a profile; use letters, digits, `-` and `_`",
    );
}

#[test]
fn a_placeholder_that_is_not_set_is_located() {
    assert_says(
        Setup::new()
            .file("app.yaml", "orders:\n  format: ${FORMAT}\n")
            .var("ORDERS_FORMAT", "json"),
        "app.yaml:2:11 the variable FORMAT is not set; set it, or write `${FORMAT:-default}`",
    );
}

#[test]
fn two_sections_of_one_name_and_two_fields_of_one_variable_are_refused() {
    #[derive(Config)]
    struct Other {
        #[config(default = 1, env = "ORDERS_POOL_MAX")]
        max: u8,
    }
    let mut all = sections();
    all.push(Section::of::<OrdersConfig>("orders", None));
    all.push(Section::of::<Other>("other", None));
    let (settings, problems) = Settings::defaults(&all);
    assert_eq!(settings.read::<Other>(&all[3]).unwrap().max, 1);
    assert_eq!(
        shown(&problems),
        "two parts of the application read the section `orders`; give one of them a name of its \
         own\n`orders.pool.max` and `other.max` both read the variable ORDERS_POOL_MAX; change one \
         with `env` or `env_prefix`"
    );
}

#[test]
fn a_bad_default_is_found_without_any_input() {
    #[derive(Config)]
    struct Bad {
        #[config(default = "soon")]
        every: Duration,
    }
    let section = [Section::of::<Bad>("bad", None)];
    let (settings, _) = Settings::defaults(&section);
    assert_eq!(
        shown(&settings.check()),
        "default of bad.every=\"soon\": not a duration; write 500ms, 5s or 2m"
    );
    assert!(settings.read::<Bad>(&section[0]).is_err_and(|problems| problems.len() == 1));
    let _ = |bad: Bad| bad.every;
}

#[test]
fn a_secret_is_in_no_message() {
    const MARK: &str = "hunter2";
    let yamls = [
        format!("orders:\n  partner_key: {MARK}\n"),
        format!("orders:\n  partner_kye: {MARK}\n"),
        format!("orders: {{partner_key: {MARK}, nonsense: 1}}\n"),
        format!("orders:\n  partner_key: [{MARK}, {MARK}]\n"),
        format!("orders:\n  partner_key: {{a: {MARK}}}\n"),
        format!("orders:\n  partner_key: \"{MARK}\n  x: 1\n"),
        format!("orders:\n  partner_key: {MARK}: x\n"),
        format!("orders:\n  partner_key: {MARK}${{NONE}}\n"),
        format!("secrets:\n  key: {MARK}\n"),
        format!("orders: {MARK}\n"),
        MARK.to_owned(),
        format!("orders:\n  {{partner_key: {MARK}\n"),
        format!("http:\n  base_url: x://me:{MARK}@host\n  nope: 1\n"),
    ];
    let from_files = yamls.into_iter().map(|yaml| Setup::new().file("app.yaml", &yaml));
    let others = [
        Setup::new().var("ORDERS_PARTNER_KEY", MARK),
        Setup::new().file(".env", &format!("ORDERS_PARTNER_KEY='{MARK}\n")),
        Setup::new().set("orders.partner_key", MARK),
        Setup::new().code("orders.partner_key", json!([MARK])),
        Setup::new().code("orders.partner_kye", json!(MARK)),
    ];
    for setup in from_files.chain(others) {
        let (settings, mut problems) = setup.load();
        problems.extend(settings.check());
        assert_ne!(problems, [], "each of these is wrong");
        let explained = settings.explain("orders.partner_key").unwrap();
        for text in [
            shown(&problems),
            format!("{problems:?} {settings:?}"),
            explained.to_string(),
            settings.dump(),
            settings.to_json().to_string(),
            settings.warnings().join("\n"),
        ] {
            assert!(!text.contains(MARK), "{text}");
        }
    }
}
