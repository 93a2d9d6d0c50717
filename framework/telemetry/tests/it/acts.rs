use std::{
    env,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::example;

/// The example `acts`.
fn command(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(example("acts"));
    // Neither the surroundings nor a file nearby may have a say.
    command.env_clear().current_dir(env::temp_dir()).envs(variables.iter().copied());
    command.args(arguments).args(["--set", "lifecycle.drain_delay=0s"]);
    command
}

/// Runs it to its end; returns also the lines that it wrote.
pub(crate) fn act(arguments: &[&str], variables: &[(&str, &str)]) -> (Output, Vec<Value>) {
    let output = command(arguments, variables).output().unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or(Value::String(line.to_owned())));
    let lines = lines.collect();
    (output, lines)
}

fn find<'a>(lines: &'a [Value], message: &str) -> &'a Value {
    let found: Vec<_> = lines.iter().filter(|line| line["message"] == message).collect();
    assert_eq!(found.len(), 1, "{message} in {lines:#?}");
    found[0]
}

#[test]
fn a_service_in_production_logs_json_from_start_to_stop() {
    let (output, lines) = act(&["--profile", "prod"], &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = find(&lines, "said");
    assert_eq!(said["service"], "purlin-telemetry");
    assert_eq!(said["component"], "actor");
    assert_eq!(said["method"], "talk");
    assert_eq!(said["correlation_id"], "c-1");
    let bridged = find(&lines, "said through log");
    assert_eq!(
        (bridged["component"].as_str(), bridged["level"].as_str()),
        (Some("old_library"), Some("warn"))
    );
    assert_eq!(bridged["correlation_id"], "c-1");
    assert_eq!(bridged.get("log.target"), None);
    assert_eq!(find(&lines, "ready")["level"], "info");
    let stopped = lines.last().unwrap();
    assert_eq!((stopped["message"].as_str(), stopped["code"].as_u64()), (Some("stopped"), Some(0)));
}

/// Without the feature `otlp`, and whatever it sends where to.
#[test]
fn the_trace_of_a_caller_goes_on() {
    let (output, lines) = act(&["--profile", "prod", "--set", "act.act=pass_on"], &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let passed_on = find(&lines, "passed on");
    assert_eq!(passed_on["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    let asked = find(&lines, "asked");
    assert_eq!(asked["traceparent"], "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    assert_eq!(asked.get("trace_id"), None);
}

#[test]
fn the_variables_of_the_seeds_count() {
    let (output, lines) = act(
        &["--profile", "prod"],
        &[
            ("LOGGER_SERVICE_NAME", "billing"),
            ("LOGGER_SERVICE_VERSION", "7"),
            ("LOGGER_DEVELOPMENT", "true"),
            ("LOGGER_ENCODING", "json"),
            ("LOGGER_LEVEL", "warn,acts=info,old_library=off"),
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = find(&lines, "said");
    assert_eq!((said["service"].as_str(), said["version"].as_str()), (Some("billing"), Some("7")));
    assert!(said["place"].as_str().unwrap().contains("acts.rs:"));
    let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["said", "counted"]);

    let (_, lines) = act(&["--profile", "prod"], &[("LOGGER_ENCODING", "console")]);
    assert!(
        lines
            .iter()
            .any(|line| line.as_str().is_some_and(|line| line.contains("INFO  actor talk: said")))
    );

    let (output, _) = act(&[], &[("LOGGER_LEVEL", "loud")]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains("LOGGER_LEVEL") && said.contains("`loud` is no level"), "{said}");
}

#[test]
fn nothing_that_was_logged_is_lost_at_the_stop() {
    let (output, lines) = act(&["--profile", "prod", "--set", "act.lines=20000"], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(lines.iter().filter(|line| line["message"] == "said").count(), 20_000);
}

#[test]
fn a_log_that_nobody_reads_does_not_hold_up_the_stop() {
    let flush = ["--set", "act.lines=20000", "--set", "logger.flush_timeout=300ms"];
    let mut command = command(&[["--profile", "prod"].as_slice(), &flush].concat(), &[]);
    let mut acting = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A pipe that is open, and that nobody takes anything from.
    let stdout = acting.stdout.take();
    let output = acting.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let lost = said.lines().find_map(|line| {
        let (lines, rest) = line.strip_prefix("warning: ")?.split_once(' ')?;
        rest.starts_with("log lines are lost: whoever reads").then(|| lines.parse::<u64>().unwrap())
    });
    assert!(lost.is_some_and(|lost| lost > 10_000), "{said}");
    drop(stdout);
}

#[test]
fn a_pipe_that_nobody_reads_holds_up_no_stop_though_it_is_stderr_as_well() {
    let flush = ["--set", "act.lines=20000", "--set", "logger.flush_timeout=300ms"];
    let mut command = command(&[["--profile", "prod"].as_slice(), &flush].concat(), &[]);
    let (unread, pipe) = std::io::pipe().unwrap();
    let mut acting = command.stdout(pipe.try_clone().unwrap()).stderr(pipe).spawn().unwrap();
    assert_eq!(acting.wait().unwrap().code(), Some(0));
    drop(unread);
}

#[test]
fn a_fatal_record_stops_the_service() {
    let (output, lines) = act(&["--profile", "prod", "--set", "act.act=fatal"], &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(find(&lines, "the signing key was revoked")["fatal"], true);
    let stopping = find(&lines, "stopping");
    assert_eq!(stopping["reason"], "fatal: the signing key was revoked");
}

#[test]
fn a_panic_is_logged_once_with_its_place() {
    let (output, lines) = act(&["--profile", "prod", "--set", "act.act=panic"], &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let panicked = find(&lines, "out of ideas");
    assert_eq!(
        (panicked["level"].as_str(), panicked["component"].as_str()),
        (Some("error"), Some("panic"))
    );
    assert!(panicked["location"].as_str().unwrap().contains("acts.rs:"), "{panicked}");
    assert_eq!(find(&lines, "runnable ended")["end"], "panicked");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("out of ideas"), "the hook that was there before is called: {said}");
}

#[test]
fn a_failure_is_told_in_one_place() {
    for (act_, told) in [("refuse", "nobody may act"), ("sing", "there is no act `sing`")] {
        let setting = format!("act.act={act_}");
        let json = [("LOGGER_ENCODING", "json")];
        let (output, lines) = act(&["--profile", "dev", "--set", &setting], &json);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(told), "the report tells it: {said}");
        assert!(lines.is_empty(), "and the log does not: {lines:?}");

        let debug = [("LOGGER_ENCODING", "json"), ("LOGGER_LEVEL", "debug")];
        let (_, lines) = act(&["--profile", "dev", "--set", &setting], &debug);
        let all = serde_json::to_string(&lines).unwrap();
        assert!(all.contains(told), "unless all is asked for: {all}");

        let (_, lines) = act(&["--profile", "prod", "--set", &setting], &[]);
        let errors = lines.iter().filter(|line| line["level"] == "error");
        let errors: Vec<_> = errors.map(ToString::to_string).collect();
        assert!(errors.iter().any(|line| line.contains(told)), "in prod it does: {errors:?}");
    }
}

#[test]
fn a_start_that_fails_is_logged_to_its_end() {
    let (output, lines) = act(&["--profile", "prod", "--set", "act.act=refuse"], &[]);
    assert_eq!(output.status.code(), Some(70), "{output:?}");
    let failed = find(&lines, "module failed to start");
    assert_eq!(
        (failed["level"].as_str(), failed["error"].as_str()),
        (Some("error"), Some("nobody may act"))
    );
    let stopped = lines.last().unwrap();
    assert_eq!(
        (stopped["message"].as_str(), stopped["code"].as_u64()),
        (Some("stopped"), Some(70))
    );
}
