//! Configuration: typed sections, read from layers that are kept side by side.
//!
//! A section is a struct with `derive(Config)`. Its values come from layers, each of which
//! overrides those before it: defaults, `app.yaml`, `app.{profile}.yaml`, `.env` (in the profile
//! `dev`), the environment, `--set key=value`, and `.set(key, value)` in code. No layer is merged
//! away: each value keeps its origin, so that [`Settings::explain`] can show what it overrode and an
//! error can point at the line or the variable that is wrong.
//!
//! ```
//! # extern crate purlin_core as purlin;
//! use std::time::Duration;
//! use purlin::config::{Config, Inputs, Section, Settings};
//!
//! /// How orders are taken.
//! #[derive(Debug, Config)]
//! #[config(section = "orders")]
//! struct OrdersConfig {
//!     /// Largest amount that is taken without a review, in cents.
//!     #[config(default = 1_000_000)]
//!     #[validate(range(min = 1))]
//!     max_amount_cents: i64,
//!     /// How often the totals are computed.
//!     #[config(default = "1s")]
//!     totals_every: Duration,
//! }
//!
//! let section = Section::of::<OrdersConfig>("orders", None);
//! let inputs = Inputs::of_variables([("ORDERS_TOTALS_EVERY", "5s")]);
//! let (settings, problems) = Settings::load(inputs, std::slice::from_ref(&section));
//! assert!(problems.is_empty());
//!
//! let config: OrdersConfig = settings.read(&section).unwrap();
//! assert_eq!(config.totals_every, Duration::from_secs(5));
//! assert_eq!(config.max_amount_cents, 1_000_000);
//! ```
//!
//! Nothing here panics on bad input, and nothing stops at the first problem: every field of every
//! section is read, and all [`Problem`]s are shown together.

mod conflict;
mod de;
mod dotenv;
mod dump;
mod duration;
mod env;
mod example;
mod explain;
mod inputs;
mod json_schema;
mod layer;
mod listen;
mod live;
mod load;
mod origin;
mod placeholder;
mod problem;
mod reader;
mod reference;
mod rule;
mod schema;
mod secret;
mod section;
mod settings;
mod shape;
mod size;
mod suggest;
mod unknown;
mod value;
mod warning;
mod yaml;

#[doc(hidden)]
pub mod __private;

#[cfg(test)]
mod tests;

pub use purlin_macros::Config;

pub(crate) use self::{duration::show as show_duration, settings::Setting};

pub use self::{
    conflict::Conflict,
    env::{Env, MapEnv, ProcessEnv},
    example::{dot_env as example_dot_env, yaml as example_yaml},
    explain::{Explanation, UnknownKey},
    inputs::{Inputs, ParseType},
    json_schema::json_schema,
    listen::{DataDir, Listen},
    live::{Live, Subscription},
    origin::{Origin, Place, Source},
    problem::Problem,
    reader::Reader,
    reference::{Reference, Secrets},
    rule::Rule,
    schema::{Field, Schema},
    secret::Secret,
    section::{Leaf, Section},
    settings::Settings,
    shape::Shape,
    size::ByteSize,
};

/// A section of the configuration, or a struct nested in one.
///
/// It is derived; see the [module](self) for an example.
///
/// # Attributes of the struct
/// - `#[config(section = "orders")]`: the key in the YAML file. A nested struct has none.
/// - `#[config(env_prefix = "DB")]`: the variables begin with `DB_` instead of the section's name.
/// - `#[config(check = PoolConfig::check)]`: a function of the struct that finds what its fields say
///   together and cannot; see [`Conflict`]. It is asked when each of them is right by itself.
///
/// # Attributes of a field
/// - `default = 10`, `default = "5s"` (parsed like a value of the file), `default = ["a", "b"]`,
///   `default = path::to::constant()`, or `default` alone for `Default::default()`. A field without
///   a default is required, unless it is an `Option`.
/// - `env = "DATABASE_URL"`: the variable, in place of prefix and name; `alias = ".."`: further ones.
/// - `live`: the field may change while the service runs.
/// - `unset = "what follows"`: a warning in the start report while this `Option` is not set.
/// - `nested`: the field is a struct that derives `Config` as well.
/// - `renamed_from = "old"`: the old key is refused with the name of the new one.
///
/// `#[validate(..)]` takes the grammar of the `validator` crate, which need not be a dependency:
/// `range`, `length`, `email`, `url`, `contains`, `does_not_contain`, `regex`, `ip`,
/// `non_control_character` and `custom(function = ..)`.
///
/// Doc comments become descriptions in `explain`, in the example files and in the JSON Schema.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a section of the configuration",
    note = "add `#[derive(purlin::Config)]`, or use `NoConfig` where there is none"
)]
pub trait Config: Sized + Send + Sync + 'static {
    /// What the section consists of.
    fn schema() -> Schema;

    /// Reads the fields, one by one; problems are collected in the reader, and `None` means that
    /// there were some.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;
}

/// The configuration of a module that has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoConfig;

// === impl NoConfig ===

impl Config for NoConfig {
    fn schema() -> Schema {
        Schema::new()
    }

    fn read(_: &mut Reader<'_>) -> Option<Self> {
        Some(Self)
    }
}
