//! The environment, behind a trait so that no test changes that of the process.

use std::{collections::BTreeMap, fmt, path::Path};

/// The variables of a process.
///
/// ```
/// use purlin_core::config::{Env, MapEnv};
///
/// let env = MapEnv::from_iter([("DB_HOST", "db.internal")]);
/// assert_eq!(env.get("DB_HOST").as_deref(), Some("db.internal"));
/// assert!(!env.in_container());
/// ```
pub trait Env: fmt::Debug + Send + Sync + 'static {
    /// The value of a variable; `None` too when it is not UTF-8.
    fn get(&self, name: &str) -> Option<String>;

    /// The names of all variables.
    fn names(&self) -> Vec<String>;

    /// Whether the process runs in a container, where a server listens on all addresses unless it
    /// is told otherwise.
    fn in_container(&self) -> bool {
        ["KUBERNETES_SERVICE_HOST", "container"].iter().any(|name| self.get(name).is_some())
    }
}

/// The environment of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnv;

/// An environment made of a map, for tests and hermetic checks.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct MapEnv(BTreeMap<String, String>);

// === impl ProcessEnv ===

impl Env for ProcessEnv {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the environment enters the program"
    )]
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn names(&self) -> Vec<String> {
        std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect()
    }

    fn in_container(&self) -> bool {
        MapEnv::from_iter(
            ["KUBERNETES_SERVICE_HOST", "container"]
                .into_iter()
                .filter_map(|name| Some((name, self.get(name)?))),
        )
        .in_container()
            || ["/.dockerenv", "/run/.containerenv"].iter().any(|path| Path::new(path).exists())
    }
}

// === impl MapEnv ===

impl MapEnv {
    /// Sets a variable.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }
}

impl Env for MapEnv {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for MapEnv {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for MapEnv {
    /// Shows the names; values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
