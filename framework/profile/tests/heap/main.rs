//! A snapshot of the heap of this process, which runs itself again with the allocator's variable.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{env, hint::black_box, process::Command};

use purlin_profile::{Jemalloc, heap};

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

const VARIABLE: &str = "_RJEM_MALLOC_CONF";

const MIB: i64 = 1024 * 1024;

#[inline(never)]
fn holds_the_memory() -> Vec<Vec<u8>> {
    (0..64).map(|n| black_box(vec![n; 256 * 1024])).collect()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the allocator is told by a variable, before `main`")]
fn a_snapshot_names_who_holds_memory() {
    if env::var_os(VARIABLE).is_none() {
        let error = heap::snapshot().unwrap_err().to_string();
        assert!(error.contains("_RJEM_MALLOC_CONF=prof:true"), "{error}");
        let again = Command::new(env::current_exe().unwrap())
            .args(["--exact", "a_snapshot_names_who_holds_memory"])
            .env(VARIABLE, "prof:true,lg_prof_sample:14")
            .output()
            .unwrap();
        let said = String::from_utf8([again.stdout, again.stderr].concat()).unwrap();
        assert!(again.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let held = |profile: purlin_profile::Profile| {
        let stacks = profile.stacks();
        let ours = stacks
            .filter(|stack| stack.functions.iter().any(|name| name.contains("holds_the_memory")));
        ours.map(|stack| stack.weight).sum::<i64>()
    };
    let memory = holds_the_memory();
    let profile = heap::snapshot().unwrap();
    let image = String::from_utf8(profile.flame_graph("heap").unwrap()).unwrap();
    assert!(image.contains("holds_the_memory") && image.contains(" bytes, "), "{image}");
    let bytes = held(profile);
    assert!((12 * MIB..24 * MIB).contains(&bytes), "{bytes} bytes of 16 MiB");
    drop(memory);
    assert_eq!(held(heap::snapshot().unwrap()), 0);
}
