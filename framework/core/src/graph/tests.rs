use std::{fmt::Debug, panic::Location};

use super::*;
use crate::plan::Required;

trait Cache {}
trait Repo {}
trait Service {}

fn node(kind: Kind, name: &str, needs: &[Need], gives: &[Key]) -> Node {
    let mut node = Node::new(kind, name, Location::caller());
    node.needs = needs.to_vec();
    node.gives = gives.iter().map(|key| Gift { key: *key, group: false }).collect();
    node
}

fn module(name: &str, needs: &[Need], gives: &[Key]) -> Node {
    node(Kind::Module, name, needs, gives)
}

fn one<T: ?Sized + 'static>() -> Need {
    Need::one(Key::of::<T>())
}

fn key<T: ?Sized + 'static>() -> Key {
    Key::of::<T>()
}

/// A service over a repository over a cache, which nobody gives.
fn orders() -> Vec<Node> {
    let mut repo =
        node(Kind::Component, "CachedOrderRepo", &[one::<dyn Cache>()], &[key::<dyn Repo>()]);
    let mut service =
        node(Kind::Component, "OrderServiceImpl", &[one::<dyn Repo>()], &[key::<dyn Service>()]);
    (repo.set, service.set) = (Some(1), Some(1));
    vec![
        module("http", &[one::<dyn Service>()], &[]),
        node(Kind::Set, "orders", &[], &[]),
        repo,
        service,
    ]
}

fn problems(checks: &Checks, nodes: Vec<Node>) -> Vec<String> {
    checks.run(nodes).1.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_missing_is_named_with_its_path_and_its_fix() {
    let known = vec![
        (key::<dyn Cache>(), "MemoryCacheModule".to_owned()),
        (key::<dyn Cache>(), "RedisModule".to_owned()),
    ];
    let checks = Checks { known, ..Checks::default() };
    assert_eq!(
        problems(&checks, orders()),
        ["nothing gives `dyn Cache`\n  \
          needed by  CachedOrderRepo ← OrderServiceImpl ← http\n  \
          fix        add .module(MemoryCacheModule) or .module(RedisModule)"]
    );
}

#[test]
fn all_problems_come_at_once() {
    let mut nodes = orders();
    nodes.push(module("one", &[one::<u16>()], &[key::<u8>()]));
    nodes.push(module("other", &[one::<u8>()], &[key::<u16>()]));
    nodes.push(module("again", &[], &[key::<dyn Service>()]));
    let checks = Checks { replaced: vec![key::<dyn Debug>()], ..Checks::default() };
    let all = problems(&checks, nodes).join("\n");
    assert!(all.contains("nothing gives `dyn Cache`"), "{all}");
    assert!(all.contains("these wait for each other: one -> other -> one\n  at  "), "{all}");
    assert!(all.contains("`dyn Service` is given 2 times"), "{all}");
    assert!(all.contains("given by   again at "), "{all}");
    assert!(all.contains("`replace::<dyn Debug>` has no effect"), "{all}");
}

#[test]
fn a_cycle_inside_of_a_set_is_found_before_anything_is_constructed() {
    let mut nodes = orders();
    nodes[2].needs = vec![one::<dyn Service>()];
    let all = problems(&Checks::default(), nodes);
    assert_eq!(all.len(), 1);
    assert!(all[0].starts_with(
        "these wait for each other: CachedOrderRepo -> OrderServiceImpl -> CachedOrderRepo"
    ));
}

#[test]
fn a_disabled_giver_is_named_with_the_place_that_disables_it() {
    let mut nodes = orders();
    nodes.push(module("cache", &[], &[key::<dyn Cache>()]));
    let disabled = [(4, "app.yaml:3:12".to_owned())].into();
    let all = problems(&Checks { disabled, ..Checks::default() }, nodes);
    assert!(
        all[0].starts_with("nothing gives `dyn Cache`: its module is disabled by app.yaml:3:12")
    );
}

#[test]
fn a_replaced_component_needs_nothing() {
    let checks = Checks { replaced: vec![key::<dyn Repo>()], ..Checks::default() };
    let (graph, problems) = checks.run(orders());
    assert_eq!(problems, []);
    assert_eq!(graph.left_out.get(&2), Some(&LeftOut::Replaced));
}

#[test]
fn what_only_a_replaced_module_needed_is_not_started() {
    let nodes = vec![
        module("pool", &[], &[key::<u8>()]),
        module("repo", &[one::<u8>()], &[key::<dyn Repo>()]),
        module("http", &[one::<dyn Repo>()], &[]),
    ];
    let checks = Checks { replaced: vec![key::<dyn Repo>()], ..Checks::default() };
    let (graph, _) = checks.run(nodes);
    assert_eq!(graph.units().into_keys().collect::<Vec<_>>(), [2]);
    assert_eq!(graph.left_out.get(&0), Some(&LeftOut::Unneeded));
}

#[test]
fn an_embedded_default_gives_way_and_starts_only_where_it_is_needed() {
    let fallback = || Node { fallback: true, ..module("memory", &[], &[key::<dyn Cache>()]) };
    let needer = || module("http", &[one::<dyn Cache>()], &[]);
    let started = |nodes: Vec<Node>| {
        let (graph, problems) = Checks::default().run(nodes);
        assert_eq!(problems, []);
        graph.units().into_keys().map(|node| graph.nodes[node].name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(started(vec![fallback(), needer()]), ["memory", "http"]);
    assert_eq!(started(vec![fallback()]), Vec::<String>::new());
    let redis = module("redis", &[], &[key::<dyn Cache>()]);
    assert_eq!(started(vec![fallback(), needer(), redis]), ["http", "redis"]);
}

#[test]
fn a_need_of_a_plan_says_why() {
    let mut http = module("http", &[], &[]);
    http.plan.required.push(Required {
        key: key::<dyn Service>(),
        because: "DELETE /orders/{id} is secured".to_owned(),
    });
    let all = problems(&Checks::default(), vec![http]);
    assert!(all[0].contains("because    DELETE /orders/{id} is secured"), "{all:?}");
}

#[test]
fn givers_start_before_needers_and_free_ones_by_registration() {
    let nodes = vec![
        module("http", &[one::<u16>()], &[]),
        module("first", &[], &[key::<u8>()]),
        module("second", &[one::<u8>()], &[key::<u16>()]),
    ];
    let (graph, _) = Checks::default().run(nodes);
    assert_eq!(graph.start_order(), [1, 2, 0]);
    assert!(graph.to_dot().contains("n0 -> n2 [label=\"u16\"];"));
    assert!(graph.to_mermaid().contains("n2 -- \"u8\" --> n1"));
}

#[test]
fn what_nobody_needs_is_a_warning() {
    let (graph, problems) = Checks::default().run(vec![module("pool", &[], &[key::<u8>()])]);
    assert_eq!(problems, []);
    assert_eq!(graph.warnings, ["pool is unused: nothing needs what it gives"]);
}

#[test]
fn a_member_needs_a_taker_and_a_name_of_its_own() {
    let member = |name: &str| {
        let mut node = node(Kind::Member, name, &[], &[]);
        node.gives = vec![Gift { key: key::<dyn Service>(), group: true }];
        node.plan.taker = Some("ServiceModule");
        node
    };
    let alone = problems(&Checks::default(), vec![member("one")]);
    assert_eq!(alone.len(), 1, "{alone:?}");
    assert!(alone[0].contains("no module takes it"), "{alone:?}");
    assert!(alone[0].ends_with("fix        add .module(ServiceModule)"), "{alone:?}");

    let all = Need { key: key::<dyn Service>(), arity: Arity::Many };
    let taker = || module("services", &[all], &[key::<dyn Repo>()]);
    let (graph, none) = Checks::default().run(vec![member("one"), member("other"), taker()]);
    assert_eq!(none, []);
    assert_eq!(graph.warnings, Vec::<String>::new(), "a module that works on members is of use");

    let twice = problems(&Checks::default(), vec![member("one"), member("one"), taker()]);
    assert_eq!(twice.len(), 1, "{twice:?}");
    assert!(twice[0].contains("another `dyn Service` has this name"), "{twice:?}");
}
