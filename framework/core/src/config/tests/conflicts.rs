//! Settings that are right one by one, and wrong together.

use super::*;

#[test]
fn settings_that_do_not_go_together_are_named_with_their_places() {
    let setup = Setup::new()
        .file("app.yaml", "orders:\n  pool:\n    max: 51\n")
        .var("ORDERS_POOL_IDLE", "0s");
    assert_eq!(
        setup.problems(),
        "\
`orders.pool.max` and `orders.pool.idle` do not go together: so many are not made anew for each query
  set        orders.pool.max = 51 (app.yaml:3:5)
  set        orders.pool.idle = 0s (env ORDERS_POOL_IDLE)
  fix        raise `idle`"
    );
}

#[test]
fn a_default_may_be_part_of_it() {
    let problems = Setup::new().set("orders.pool.max", "20").var("ORDERS_POOL_IDLE", "0s");
    assert_eq!(problems.problems(), "");
    let one = Conflict::between(["max"], "it is odd", "make it even");
    assert_eq!(one.what("pool"), "`pool.max` cannot be as it is: it is odd");
    assert_eq!(one.to_string(), "`max`: it is odd; make it even");
}

/// Whose key is in a struct of its own.
#[derive(Debug, Config)]
#[config(section = "lock", check = Lock::check)]
struct Lock {
    /// Where the key comes from.
    from: Option<String>,
    #[config(nested)]
    key: LockKey,
}

#[derive(Debug, Config)]
struct LockKey {
    pin: Option<String>,
}

impl Lock {
    fn check(&self) -> Result<(), Conflict> {
        match (&self.from, &self.key.pin) {
            (Some(_), Some(_)) => {
                Err(Conflict::between(["from", "key.pin"], "one is enough", "keep one")
                    .hiding("key.pin"))
            }
            (None, None) => Err(Conflict::between(["from"], "there is no key", "set one")),
            _ => Ok(()),
        }
    }
}

fn lock(inputs: Inputs) -> String {
    let section = Section::of::<Lock>("lock", None);
    let (settings, _) = Settings::load(inputs, std::slice::from_ref(&section));
    settings.check().iter().map(ToString::to_string).collect()
}

#[test]
fn a_nested_field_is_named_by_its_path_and_shown_only_if_it_may_be() {
    let variables = [("LOCK_FROM", "here"), ("LOCK_KEY_PIN", "1234")];
    assert_eq!(
        lock(Inputs::of_variables(variables)),
        "\
`lock.from` and `lock.key.pin` do not go together: one is enough
  set        lock.from = here (env LOCK_FROM)
  set        lock.key.pin = [redacted] (env LOCK_KEY_PIN)
  fix        keep one"
    );
}

#[test]
fn what_is_missing_is_not_told_where_nothing_is_read() {
    let missing = "`lock.from` cannot be as it is: there is no key\n  fix        set one";
    assert_eq!(lock(Inputs::default()), missing);
    assert_eq!(lock(Inputs::hermetic()), "");
}

#[test]
fn what_is_wrong_by_itself_is_told_alone() {
    let setup = Setup::new().var("ORDERS_POOL_MAX", "many").var("ORDERS_POOL_IDLE", "0s");
    let problems = setup.problems();
    assert!(
        problems.starts_with("env ORDERS_POOL_MAX") && problems.lines().count() == 1,
        "{problems}"
    );
}
