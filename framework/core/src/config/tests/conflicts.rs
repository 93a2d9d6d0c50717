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

#[test]
fn what_is_wrong_by_itself_is_told_alone() {
    let setup = Setup::new().var("ORDERS_POOL_MAX", "many").var("ORDERS_POOL_IDLE", "0s");
    let problems = setup.problems();
    assert!(
        problems.starts_with("env ORDERS_POOL_MAX") && problems.lines().count() == 1,
        "{problems}"
    );
}
