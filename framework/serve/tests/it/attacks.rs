//! What a server answers to those who mean it ill, each with others being served beside it.
//!
//! `docs/attacks.md` is the table of these tests: a test of a new attack is a row there.

mod connections;
mod http2;
pub(crate) mod load;
mod sizes;
mod slow;
mod smuggling;
mod text;

use std::collections::BTreeSet;

use self::load::Load;
use crate::support::{Answer, Running};

/// One answer to everything in a table: bytes as they are sent, and the status that they get.
///
/// The connection ends after each, and the load beside it is served throughout.
async fn refused(server: &Running, attacks: &[(&str, Vec<u8>, u16)]) {
    let load = Load::beside(server.addr);
    for (what, bytes, status) in attacks {
        let mut client = server.connect().await;
        client.send(bytes).await;
        let Answer { status: got, .. } = client.answer().await;
        assert_eq!(got, *status, "{what}");
        client.ended().await;
    }
    load.was_served().await;
}

/// The table in the documentation names the tests of attacks and no others, and each of them has a
/// load beside it.
#[test]
fn the_table_is_of_these_tests() {
    // Files of attacks alone, and files that have other tests, too.
    let attacks = [
        include_str!("attacks/connections.rs"),
        include_str!("attacks/http2.rs"),
        include_str!("attacks/sizes.rs"),
        include_str!("attacks/slow.rs"),
        include_str!("attacks/smuggling.rs"),
        include_str!("attacks/text.rs"),
        include_str!("../../../../modules/http/tests/it/bombs.rs"),
        include_str!("../../../../modules/http/tests/it/paths.rs"),
        include_str!("../../../../modules/http/tests/it/slow_body.rs"),
    ];
    let mixed =
        [include_str!("tls.rs"), include_str!("../../../../modules/auth/tests/it/forgeries.rs")];
    let has_load = |test: &str| test.contains(".was_served().await") || test.contains(" refused(");
    let mut tests = BTreeSet::new();
    for test in attacks.iter().flat_map(tests_of) {
        assert!(has_load(test), "{} has no load beside it", name_of(test));
        tests.insert(name_of(test));
    }
    let loaded = mixed.iter().flat_map(tests_of).filter(|test| has_load(test));
    tests.extend(loaded.map(name_of));

    let table = include_str!("../../../../docs/attacks.md");
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| attack |");
    let named = table.lines().filter(is_row).map(|row| {
        let name = row.strip_suffix("` |").and_then(|row| row.rsplit_once("| `"));
        name.unwrap_or_else(|| panic!("this row names no test: {row}")).1
    });
    assert_eq!(named.collect::<BTreeSet<_>>(), tests);
}

fn tests_of<'a>(source: &&'a str) -> impl Iterator<Item = &'a str> + use<'a> {
    source.split("#[tokio::test]").skip(1)
}

fn name_of(test: &str) -> &str {
    let name = test.split_once("async fn ").and_then(|(_, test)| test.split_once('('));
    name.expect("a test is a function").0
}
