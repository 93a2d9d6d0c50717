//! The command line that every binary has.

use std::{
    io::{IsTerminal as _, stderr, stdout},
    path::PathBuf,
};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::{exit::Exit, info::Package};

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cli {
    pub(super) files: Vec<PathBuf>,
    pub(super) profile: Option<String>,
    pub(super) sets: Vec<(String, String)>,
    pub(super) verb: Verb,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Verb {
    /// Run the service.
    #[default]
    Run,
    /// Check graph and configuration.
    Check { strict: bool },
    /// Print the graph.
    Graph { format: String },
    /// Tell where a value comes from, or those of a section; of all, where the key is empty.
    Explain { key: String },
    /// Print the configuration in some form.
    Config(ConfigForm),
    /// Print the table of routes.
    Routes,
    /// Print what the service offers over HTTP.
    OpenApi,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConfigForm {
    Dump,
    Schema,
    Example,
    Env,
}

/// A command line that is not to be run: what to print, and the code to exit with.
#[derive(Debug)]
pub(super) struct NotRun {
    pub(super) text: String,
    pub(super) exit: Exit,
}

// === impl Cli ===

impl Cli {
    /// Parses `args`, the name of the program included.
    pub(super) fn parse<I>(package: &Package, args: I) -> Result<Self, NotRun>
    where
        I: IntoIterator<Item = std::ffi::OsString>,
    {
        let matches = command(package).try_get_matches_from(args).map_err(|error| {
            let rendered = error.render();
            let is_error = error.use_stderr();
            let is_terminal =
                if is_error { stderr().is_terminal() } else { stdout().is_terminal() };
            let text = if is_terminal { rendered.ansi().to_string() } else { rendered.to_string() };
            let exit = if is_error {
                Exit::new(Exit::USAGE, "the command line is wrong")
            } else {
                Exit::new(Exit::CLEAN, "help was printed")
            };
            NotRun { text, exit }
        })?;
        Ok(Self {
            files: matches.get_many("config").into_iter().flatten().cloned().collect(),
            profile: matches.get_one("profile").cloned(),
            sets: matches.get_many("set").into_iter().flatten().cloned().collect(),
            verb: verb(&matches),
        })
    }
}

fn verb(matches: &ArgMatches) -> Verb {
    match matches.subcommand() {
        Some(("check", sub)) => Verb::Check { strict: sub.get_flag("strict") },
        Some(("graph", sub)) => {
            Verb::Graph { format: sub.get_one("format").cloned().unwrap_or_default() }
        }
        Some(("explain", sub)) => {
            Verb::Explain { key: sub.get_one("key").cloned().unwrap_or_default() }
        }
        Some(("routes", _)) => Verb::Routes,
        Some(("openapi", _)) => Verb::OpenApi,
        Some(("config", sub)) => Verb::Config(match sub.subcommand_name() {
            Some("schema") => ConfigForm::Schema,
            Some("example") => ConfigForm::Example,
            Some("env") => ConfigForm::Env,
            _ => ConfigForm::Dump,
        }),
        _ => Verb::Run,
    }
}

fn command(package: &Package) -> Command {
    let version = match &package.revision {
        Some(revision) => format!("{} ({revision})", package.version),
        None => package.version.clone(),
    };
    Command::new(package.name.clone())
        .version(version)
        .about(
            "Runs the service. With a command it inspects the service instead, and starts nothing.",
        )
        .after_help(
            "Exit codes: 0 clean, 1 a part failed, 64 usage, 70 the start failed, 74 the stop \
             overran, 78 wiring or configuration, 130/143 third signal.",
        )
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .help("Reads this file instead of app.yaml; repeatable, the later wins")
                .action(ArgAction::Append)
                .global(true)
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(
            Arg::new("profile").long("profile").value_name("NAME").global(true).help(
                "The profile: dev, prod, or one of your own [also: PURLIN_PROFILE, ENVIRONMENT]",
            ),
        )
        .arg(
            Arg::new("set")
                .long("set")
                .value_name("KEY=VALUE")
                .help("Sets a key of the configuration; repeatable")
                .action(ArgAction::Append)
                .global(true)
                .value_parser(key_value),
        )
        .subcommand(
            Command::new("check")
                .about("Checks wiring and configuration, all problems at once")
                .arg(
                    Arg::new("strict")
                        .long("strict")
                        .action(ArgAction::SetTrue)
                        .help("Makes warnings errors"),
                ),
        )
        .subcommand(
            Command::new("graph").about("Prints the graph").arg(
                Arg::new("format")
                    .long("format")
                    .default_value("mermaid")
                    .value_parser(["mermaid", "dot", "json"])
                    .help("The language of the graph"),
            ),
        )
        .subcommand(
            Command::new("explain")
                .about("Tells where a value comes from, and what it overrides")
                .arg(Arg::new("key").value_name("KEY").help(
                    "A key such as http.listen; a section such as http lists its keys, and nothing \
                     lists all",
                )),
        )
        .subcommand(
            Command::new("config")
                .about("Prints the configuration")
                .subcommand(
                    Command::new("dump")
                        .about("The effective values, with their origins [default]"),
                )
                .subcommand(
                    Command::new("schema").about("The JSON Schema of app.yaml, for editors"),
                )
                .subcommand(Command::new("example").about("A commented app.yaml with all defaults"))
                .subcommand(Command::new("env").about("A .env.example with all variables")),
        )
        .subcommand(
            Command::new("routes").about("Prints the table of routes, each with its posture"),
        )
        .subcommand(
            Command::new("openapi").about("Prints what the service offers, as OpenAPI 3.1 in JSON"),
        )
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as key=value")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Cli, NotRun> {
        let args = line.split(' ').map(std::ffi::OsString::from);
        Cli::parse(&crate::package!(), args)
    }

    #[test]
    fn options_may_stand_on_both_sides_of_a_verb() {
        let before = parse("app --set a.b=1=2 explain http.listen").unwrap();
        let after = parse("app explain http.listen --set a.b=1=2").unwrap();
        assert_eq!(before, after);
        assert_eq!(before.sets, [("a.b".to_owned(), "1=2".to_owned())]);
        assert_eq!(before.verb, Verb::Explain { key: "http.listen".to_owned() });
        assert_eq!(parse("app explain").unwrap().verb, Verb::Explain { key: String::new() });
    }

    #[test]
    fn a_wrong_command_line_is_a_usage_error_and_help_is_not() {
        assert_eq!(parse("app frobnicate").unwrap_err().exit.code(), Exit::USAGE);
        assert_eq!(parse("app --set novalue").unwrap_err().exit.code(), Exit::USAGE);
        assert_eq!(parse("app --help").unwrap_err().exit.code(), Exit::CLEAN);
        assert_eq!(parse("app --version").unwrap_err().exit.code(), Exit::CLEAN);
    }
}
