//! What a server answers to those who mean it ill, each with others being served beside it.
//!
//! `docs/attacks.md` is the table of these tests: a test of a new attack is a row there.

mod connections;
mod http2;
mod load;
mod sizes;
mod slow;
mod smuggling;
mod text;

use self::load::Load;
use crate::support::{Answer, Running};

/// One answer to everything in a table: bytes as they are sent, and the status that they get.
///
/// The connection ends after each, and the load beside it is served throughout.
async fn refused(server: &Running, attacks: &[(&str, Vec<u8>, u16)]) {
    let load = Load::beside(server);
    for (what, bytes, status) in attacks {
        let mut client = server.connect().await;
        client.send(bytes).await;
        let Answer { status: got, .. } = client.answer().await;
        assert_eq!(got, *status, "{what}");
        client.ended().await;
    }
    load.was_served().await;
}

/// The table in the documentation names tests that exist.
#[test]
fn the_table_is_of_these_tests() {
    let table = include_str!("../../../../docs/attacks.md");
    let sources = [
        include_str!("attacks/connections.rs"),
        include_str!("attacks/http2.rs"),
        include_str!("attacks/sizes.rs"),
        include_str!("attacks/slow.rs"),
        include_str!("attacks/smuggling.rs"),
        include_str!("attacks/text.rs"),
        include_str!("../../../../modules/http/tests/it/paths.rs"),
    ];
    let mut rows = 0;
    for source in sources {
        let tests = source.split("#[tokio::test]").skip(1);
        for name in tests.filter_map(|test| test.split("async fn ").nth(1)?.split('(').next()) {
            assert!(table.contains(&format!("`{name}`")), "{name} is no row of docs/attacks.md");
            rows += 1;
        }
    }
    assert_eq!(rows, 24);
}
