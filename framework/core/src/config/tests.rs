//! What bad input gets, in the exact words; and the layers as a whole.

mod bad_input;
mod conflicts;
mod generated;
mod layers;
mod references;

use std::{path::Path, sync::Arc, time::Duration};

use serde::Deserialize;
use tempfile::TempDir;

use super::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Json,
    Console,
}

/// How orders are taken.
#[derive(Debug, Clone, Config)]
#[config(section = "orders")]
struct OrdersConfig {
    /// Largest amount that is taken without a review, in cents.
    #[config(default = 1_000_000, renamed_from = "limit_cents")]
    #[validate(range(min = 1))]
    max_amount_cents: i64,
    /// How often the totals are computed.
    #[config(default = "1s", live)]
    #[validate(range(min = "100ms", max = "1h"))]
    totals_every: Duration,
    /// Key of the partner API.
    #[config(unset = "partner calls are off")]
    #[validate(length(min = 8))]
    partner_key: Option<Secret<String>>,
    /// How the receipts look.
    #[config(default = "json")]
    format: Format,
    /// Who is told of large orders.
    #[config(default = ["ops@example.org"])]
    #[validate(custom(function = all_are_addresses))]
    notify: Vec<String>,
    #[config(default)]
    dry_run: bool,
    #[config(nested)]
    pool: PoolConfig,
}

/// Connections to the store.
#[derive(Debug, Clone, Config)]
#[config(check = PoolConfig::check)]
struct PoolConfig {
    /// Connections at most.
    #[config(default = 20, alias = "POOL_SIZE")]
    max: u16,
    #[config(default = Duration::from_secs(90))]
    idle: Duration,
    #[config(default = "10MiB")]
    buffer: ByteSize,
}

impl PoolConfig {
    fn check(&self) -> Result<(), Conflict> {
        if self.max <= 50 || !self.idle.is_zero() {
            return Ok(());
        }
        let why = "so many are not made anew for each query";
        Err(Conflict::between(["max", "idle"], why, "raise `idle`"))
    }
}

/// The public API.
#[derive(Debug, Clone, Config)]
#[config(env_prefix = "WEB")]
struct HttpConfig {
    /// Where the server listens.
    #[config(default = "8080")]
    listen: Listen,
    /// The name that callers use.
    #[config(env = "PUBLIC_URL")]
    #[validate(url)]
    base_url: String,
    #[config(default = "data")]
    dir: DataDir,
}

fn all_are_addresses(notify: &[String]) -> Result<(), String> {
    match notify.iter().find(|address| !address.contains('@')) {
        Some(address) => Err(format!("`{address}` is no address")),
        None => Ok(()),
    }
}

fn sections() -> Vec<Section> {
    vec![Section::of::<OrdersConfig>("orders", None), Section::of::<HttpConfig>("http", None)]
}

/// A directory with files, and variables; `PUBLIC_URL` is set unless a test says otherwise.
struct Setup {
    dir: TempDir,
    env: MapEnv,
    inputs: Inputs,
}

/// Settings, and the directory that they were read from.
struct Good {
    settings: Settings,
    _dir: TempDir,
}

impl std::ops::Deref for Good {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}

impl Setup {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let env = MapEnv::from_iter([("PUBLIC_URL", "https://example.org")]);
        let inputs = Inputs { base_dir: dir.path().to_owned(), ..Inputs::default() };
        Self { dir, env, inputs }
    }

    fn file(self, name: impl AsRef<Path>, text: &str) -> Self {
        std::fs::write(self.dir.path().join(name), text).unwrap();
        self
    }

    fn var(mut self, name: &str, value: &str) -> Self {
        self.env.set(name, value);
        self
    }

    fn set(mut self, key: &str, value: &str) -> Self {
        self.inputs.sets.push((key.to_owned(), value.to_owned()));
        self
    }

    fn code(mut self, key: &str, value: serde_json::Value) -> Self {
        self.inputs.overrides.push((key.to_owned(), value));
        self
    }

    fn inputs(mut self, change: impl FnOnce(&mut Inputs)) -> Self {
        change(&mut self.inputs);
        self
    }

    fn load(&self) -> (Settings, Vec<Problem>) {
        let inputs = Inputs { env: Arc::new(self.env.clone()), ..self.inputs.clone() };
        Settings::load(inputs, &sections())
    }

    /// The settings of a setup in which nothing is wrong.
    fn good(self) -> Good {
        let (settings, problems) = self.load();
        assert_eq!(shown(&problems), "");
        assert_eq!(shown(&settings.check()), "");
        Good { settings, _dir: self.dir }
    }

    /// All problems, as they are shown.
    fn problems(self) -> String {
        let (settings, mut problems) = self.load();
        problems.extend(settings.check());
        shown(&problems)
    }
}

fn shown(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn orders(settings: &Settings) -> OrdersConfig {
    settings.read(&sections()[0]).unwrap()
}

fn http(settings: &Settings) -> HttpConfig {
    settings.read(&sections()[1]).unwrap()
}
