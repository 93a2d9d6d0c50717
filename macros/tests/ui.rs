//! What the compiler says about code that uses the macros wrongly.
//!
//! The texts are part of the interface: whoever changes one looks at the difference. They are
//! written anew by `TRYBUILD=overwrite cargo test -p purlin-macros --test ui`.

#[test]
fn wrong_use_is_explained() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/*.rs");
}
