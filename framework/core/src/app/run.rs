//! What a process does with an application.

use std::{
    io::{IsTerminal as _, Write as _},
    time::Duration,
};

use super::{
    App, AppBuilder,
    cli::{Cli, ConfigForm, NotRun, Verb},
    launch::{Launch, Process},
    pages,
    report::Report,
};
use crate::{
    config::{example_dot_env, example_yaml, json_schema},
    exit::Exit,
    graph::Kind,
    info::Package,
    signal::Signals,
    watchdog::Watchdog,
};

/// Runs an application as its process, or does what its command line asks for instead.
pub(super) fn run(mut builder: AppBuilder) -> Exit {
    let package = builder.package.get_or_insert_with(Package::of_executable).clone();
    let cli = match Cli::parse(&package, std::env::args_os()) {
        Ok(cli) => cli,
        Err(NotRun { text, exit }) if exit.is_clean() => {
            print(&text);
            return exit;
        }
        Err(NotRun { text, exit }) => {
            complain(&text);
            return exit;
        }
    };
    let Cli { files, profile, sets, verb } = cli;
    let inputs = builder.inputs_mut();
    inputs.files.extend(files);
    inputs.profile = profile.or(inputs.profile.take());
    inputs.sets.extend(sets);

    // What tells about settings must not need them to be valid.
    if let Verb::Config(form @ (ConfigForm::Schema | ConfigForm::Example | ConfigForm::Env)) = verb
    {
        return describe(&builder, form);
    }
    let signals = match verb {
        Verb::Run => Signals::of_process().map(Some),
        _ => Ok(None),
    };
    let app = match builder.build() {
        Ok(app) => app,
        Err(error) => {
            let exit = Exit::new(Exit::CONFIGURATION, "configuration");
            complain(&format!("error: {error}\n{exit}"));
            return exit;
        }
    };
    match signals {
        Ok(Some(signals)) => serve(app, signals),
        Ok(None) => inspect(&app, &verb),
        Err(error) => cannot_be_set_up(&error),
    }
}

/// Runs the service from start to stop.
///
/// What decides runs on a thread of its own, with timers of its own: code that blocks all workers
/// takes neither the deadlines nor the signals from it.
fn serve(app: App, signals: Signals) -> Exit {
    let set_up = Watchdog::start().and_then(|watchdog| {
        let control = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        Ok((watchdog, control, app.runtime.build()?))
    });
    let (watchdog, control, runtime) = match set_up {
        Ok(set_up) => set_up,
        Err(error) => return cannot_be_set_up(&error),
    };
    let report = if tells_people(&app) { report(&app) } else { Report::terse() };
    let hard_stop = app.lifecycle.hard_stop;
    signals.heed();
    let process = Process { signals, watchdog: watchdog.clone() };
    let Launch { driver, shared, .. } = match app.prepare(runtime.handle().clone(), Some(process)) {
        Ok(launch) => launch,
        Err(error) => {
            let exit = Exit::new(Exit::START_FAILED, error.to_string());
            complain(&format!("error: {error}\n{exit}"));
            return exit;
        }
    };
    shared.events.listen(move |event| report.write(event));
    let exit = control.block_on(driver.run());
    drop(shared);
    // A blocking thread that never returns must not keep the process.
    runtime.shutdown_timeout(hard_stop.min(Duration::from_secs(1)));
    watchdog.disarm();
    exit
}

fn cannot_be_set_up(error: &std::io::Error) -> Exit {
    complain(&format!("error: the process cannot be set up: {error}"));
    Exit::new(Exit::START_FAILED, "the process cannot be set up")
}

/// Whether reports go to a person at a terminal or in development; a collector reads the log.
fn tells_people(app: &App) -> bool {
    !app.info.is_prod() || std::io::stderr().is_terminal()
}

fn report(app: &App) -> Report {
    let sources = app.settings.sources();
    let header = format!("{} · profile {} · {sources}", app.info.package, app.info.profile);
    let told =
        app.graph.nodes.iter().filter(|node| node.kind.starts() && node.kind != Kind::Section);
    let width = told.map(|node| node.name.chars().count()).max().unwrap_or_default();
    Report::new(header, width)
}

fn describe(builder: &AppBuilder, form: ConfigForm) -> Exit {
    let sections: Vec<_> =
        builder.parts.iter().filter_map(|part| part.node.section.clone()).collect();
    match form {
        ConfigForm::Schema => print(&format!("{:#}\n", json_schema(&sections))),
        ConfigForm::Env => print(&example_dot_env(&sections)),
        ConfigForm::Example | ConfigForm::Dump => print(&example_yaml(&sections)),
    }
    Exit::new(Exit::CLEAN, "printed")
}

fn inspect(app: &App, verb: &Verb) -> Exit {
    match verb {
        Verb::Check { strict } => return check(app, *strict),
        Verb::Graph { format } => print(&match format.as_str() {
            "dot" => app.graph.to_dot(),
            "json" => format!("{:#}\n", app.graph.to_json()),
            _ => app.graph.to_mermaid(),
        }),
        Verb::Explain { key } => match app.settings.tell(key) {
            Ok(explanation) => print(&format!("{explanation}\n")),
            Err(unknown) => {
                complain(&format!("error: {unknown}"));
                return Exit::new(Exit::USAGE, "there is no such key");
            }
        },
        Verb::Routes => print(&routes(app)),
        Verb::OpenApi => {
            let documents = pages::openapi(&app.graph, &app.info);
            print(&documents.iter().map(|it| format!("{it:#}\n")).collect::<String>());
        }
        Verb::Config(_) | Verb::Run => print(&app.settings.dump()),
    }
    Exit::new(Exit::CLEAN, "printed")
}

fn check(app: &App, strict: bool) -> Exit {
    for warning in &app.warnings {
        print(&format!("! {warning}\n"));
    }
    let units = app.graph.units().len();
    let warnings = app.warnings.len();
    if strict && warnings > 0 {
        complain(&format!("error: {warnings} warnings, and --strict makes them errors"));
        return Exit::new(Exit::CONFIGURATION, "warnings with --strict");
    }
    print(&format!("ok: {units} parts, {} sections, {warnings} warnings\n", app.sections.len()));
    Exit::new(Exit::CLEAN, "checked")
}

/// The rows of all `routes` facts, in columns.
fn routes(app: &App) -> String {
    let columns = ["method", "path", "posture", "requires", "handler"];
    let rows = app.graph.facts("routes").filter_map(serde_json::Value::as_array).flatten();
    let cell = |row: &serde_json::Value, column: &str| match &row[column] {
        serde_json::Value::String(text) => text.clone(),
        _ => "-".to_owned(),
    };
    let mut table: Vec<Vec<String>> =
        vec![columns.iter().map(|column| column.to_uppercase()).collect()];
    table.extend(rows.map(|row| columns.iter().map(|column| cell(row, column)).collect()));
    let widths: Vec<_> = (0..columns.len())
        .map(|at| table.iter().map(|row| row[at].chars().count()).max().unwrap_or_default())
        .collect();
    let lines = table.iter().map(|row| {
        let cells: Vec<_> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    });
    lines.collect()
}

/// What was asked for goes to standard output. A reader that has left, such as `head`, is no error.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn complain(text: &str) {
    let _ = std::io::stderr().write_all(format!("{}\n", text.trim_end()).as_bytes());
}
