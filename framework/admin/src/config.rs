use std::fmt;

use purlin_core::config::{Config, Listen, Secret};
use serde::{Deserialize, Serialize};

/// The server of probes, metrics and pages, for operators.
///
/// The section is `admin`.
#[derive(Debug, Clone, Config)]
#[config(section = "admin")]
pub struct AdminConfig {
    /// Where it listens. A port alone is on the loopback interface, and in a container on all.
    #[config(default = "8081", alias = "HEALTHCHECK_PORT")]
    pub listen: Listen,
    /// The path of the liveness probe.
    #[config(default = "/healthz", alias = "HEALTHCHECK_PATH")]
    pub health_path: HealthPath,
    /// What `POST` needs as `Authorization: Bearer ..`, at least 16 characters. Without it nothing
    /// can be changed on this port.
    #[validate(length(min = 16))]
    pub token: Option<Secret<String>>,
    /// Profiles at `/debug/pprof`.
    #[config(nested)]
    pub profiles: ProfilesConfig,
}

/// Profiles at `/debug/pprof`.
#[derive(Debug, Clone, Config)]
pub struct ProfilesConfig {
    /// Whether profiles may be taken, by whoever has `admin.token`. They show names of functions and
    /// tasks, and taking one costs some of the service's time.
    #[config(default = false)]
    pub enabled: bool,
}

/// The path of the liveness probe, such as `/healthz`.
///
/// ```
/// use purlin_admin::HealthPath;
///
/// assert!("/probes/live".parse::<HealthPath>().is_ok());
/// assert!("healthz".parse::<HealthPath>().is_err());
/// assert!("/metrics".parse::<HealthPath>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HealthPath(String);

/// The text is not a path that the liveness probe may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAHealthPath {
    /// It is no plain path.
    #[error("`{0}` is not a plain path; write one such as /healthz")]
    Malformed(String),
    /// Something else is there.
    #[error("`{0}` shows something else on the admin port; choose another path, such as /healthz")]
    Taken(String),
}

/// Where something other than liveness is, whatever the modules register.
const TAKEN: [&str; 13] = [
    "/", "/ready", "/readyz", "/health", "/metrics", "/graph", "/version", "/config", "/modules",
    "/loggers", "/leaders", "/routes", "/jobs",
];

// === impl HealthPath ===

impl HealthPath {
    /// The path, from its first slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for HealthPath {
    type Err = NotAHealthPath;

    fn from_str(text: &str) -> Result<Self, NotAHealthPath> {
        let plain = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && segment
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        if TAKEN.contains(&text) || text.starts_with("/debug/pprof") {
            return Err(NotAHealthPath::Taken(text.to_owned()));
        }
        match text.strip_prefix('/') {
            Some(path) if path.split('/').all(plain) => Ok(Self(text.to_owned())),
            _ => Err(NotAHealthPath::Malformed(text.to_owned())),
        }
    }
}

impl TryFrom<String> for HealthPath {
    type Error = NotAHealthPath;

    fn try_from(text: String) -> Result<Self, NotAHealthPath> {
        text.parse()
    }
}

impl From<HealthPath> for String {
    fn from(path: HealthPath) -> Self {
        path.0
    }
}

impl fmt::Display for HealthPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_free_path_is_taken() {
        for text in ["", "healthz", "/a//b", "/a/", "/{page}", "/a?b", "/../a", "/a b", "/*rest"] {
            assert_eq!(text.parse::<HealthPath>(), Err(NotAHealthPath::Malformed(text.to_owned())));
        }
        assert_eq!(
            "/health".parse::<HealthPath>(),
            Err(NotAHealthPath::Taken("/health".to_owned()))
        );
        assert!("/debug/pprof/heap".parse::<HealthPath>().is_err());
        assert_eq!("/live".parse::<HealthPath>().unwrap().as_str(), "/live");
    }
}
