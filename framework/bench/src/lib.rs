//! The harness behind `cargo xtask bench`; not published.
