use purlin::testing::{Ended, Program};

/// The built binary in a directory of its own, on free ports.
pub(crate) fn quickstart() -> Program {
    Program::new(env!("CARGO_BIN_EXE_quickstart"))
}

/// The same as a service, which has an HTTP server.
pub(crate) fn service() -> Program {
    quickstart().set("http.listen", "127.0.0.1:0")
}

/// Runs the binary to its end: exit code, and all that it printed.
pub(crate) fn run(args: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let program = variables.iter().fold(quickstart(), |it, (name, value)| it.env(name, value));
    let Ended { code, output } = program.run(args);
    (code.expect("nobody killed it"), output)
}
