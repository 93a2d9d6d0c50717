//! What is said of a need that nobody meets: by the compiler inside of a set, by the report
//! between modules.

use std::{path::Path, process::Command};

use downstream::Shop;
use purlin::prelude::*;

#[test]
fn the_compiler_names_the_component_that_a_set_lacks() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    // The one in which this very test was compiled: what both use is there already.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--offline", "--package", "missing", "--target-dir"])
        .arg(target)
        .current_dir(directory)
        .env("CARGO_TERM_COLOR", "never")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = "\
error[E0277]: `Orders` has nothing that provides `(dyn Cache + 'static)`
  --> missing/src/lib.rs:19:52
   |
19 | components! { pub Orders { needs: [], components: [CachedRepo] } }
   |                                                    ^^^^^^^^^^ \
`(dyn Cache + 'static)` is injected here, but `Orders` neither builds nor needs it
   |
   = note: add the component that implements it to `components: [..]`, or `(dyn Cache + 'static)` \
to `needs: [..]` when a module of the app provides it
";
    assert!(said.starts_with(expected), "the compiler said:\n{said}");
    assert_eq!(said.matches("error[").count(), 1, "the compiler said:\n{said}");
}

#[test]
fn the_report_names_what_is_missing_its_path_and_its_fix() {
    let app = App::builder().package(purlin::package!()).components::<Shop>();
    let error = app.validate().unwrap_err();
    let expected = "\
1 problem; nothing was started

  nothing gives `Sql<Sqlite>`
    needed by  SqliteItems
    fix        add .module(SqliteModule)

  ! shop is unused: nothing needs what it gives
";
    assert_eq!(error.to_string(), expected);
    assert_eq!(format!("{error:?}"), expected, "unwrap shows the report, too");
}

#[test]
fn the_whole_application_is_sound() {
    downstream::app().validate().unwrap();
}
