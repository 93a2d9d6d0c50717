//! What a configuration is read from.

use std::{path::PathBuf, sync::Arc};

use super::env::{Env, MapEnv, ProcessEnv};

/// What a configuration is read from. It is plain data: nothing has been opened yet.
///
/// ```no_run
/// use purlin_core::config::Inputs;
///
/// let inputs = Inputs { sets: vec![("http.listen".into(), "9090".into())], ..Inputs::process() };
/// ```
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The environment. By default it is empty.
    pub env: Arc<dyn Env>,
    /// Where `app.yaml`, `.env` and relative paths are looked up. By default the current directory.
    pub base_dir: PathBuf,
    /// The files of `--config`, which take the place of `app.yaml` and must exist.
    pub files: Vec<PathBuf>,
    /// The profile of `--profile`.
    pub profile: Option<String>,
    /// The profile where neither that nor `PURLIN_PROFILE` nor `ENVIRONMENT` says otherwise. By
    /// default `dev` in a debug build, and `prod` otherwise.
    pub default_profile: String,
    /// `--set key=value`, in order.
    pub sets: Vec<(String, String)>,
    /// `.set(key, value)` in code, in order.
    pub overrides: Vec<(String, serde_json::Value)>,
    /// Whether files or variables are left out. By default `PURLIN_PARSE_TYPE` decides, and without
    /// it both are read.
    pub parse_type: Option<ParseType>,
    /// Whether nothing but the defaults is read; see [`hermetic`](Self::hermetic).
    pub hermetic: bool,
}

/// Which sources are read beside the defaults, the command line and the code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ParseType {
    /// Files and variables.
    #[default]
    All,
    /// Files only (`yaml`). Placeholders still name variables.
    Yaml,
    /// Variables only (`env`), those of `.env` included.
    Env,
}

// === impl Inputs ===

impl Inputs {
    /// The environment of this process, and the current directory.
    pub fn process() -> Self {
        Self { env: Arc::new(ProcessEnv), ..Self::default() }
    }

    /// No file and no variable: the graph, the types and the defaults are what is left to check. A
    /// required field without a default is no problem then.
    pub fn hermetic() -> Self {
        Self { hermetic: true, ..Self::default() }
    }

    /// These variables, and the current directory.
    pub fn of_variables<K: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self { env: Arc::new(MapEnv::from_iter(variables)), ..Self::default() }
    }
}

impl Default for Inputs {
    fn default() -> Self {
        Self {
            env: Arc::new(MapEnv::default()),
            base_dir: PathBuf::from("."),
            files: Vec::new(),
            profile: None,
            default_profile: if cfg!(debug_assertions) { "dev" } else { "prod" }.to_owned(),
            sets: Vec::new(),
            overrides: Vec::new(),
            parse_type: None,
            hermetic: false,
        }
    }
}

// === impl ParseType ===

impl ParseType {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "all" => Some(Self::All),
            "yaml" => Some(Self::Yaml),
            "env" => Some(Self::Env),
            _ => None,
        }
    }
}
