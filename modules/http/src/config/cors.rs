use std::{str::FromStr, time::Duration};

use http::{HeaderName, Method};
use purlin::config::{Config, Conflict};

use super::AllowedOrigin;

/// Which web pages of other origins may call the service, and read its answers.
///
/// It is off as long as no origin is named.
#[derive(Debug, Clone, PartialEq, Eq, Config)]
#[config(check = CorsConfig::check)]
pub struct CorsConfig {
    /// The origins whose pages may: `https://shop.example`, `https://*.shop.example`, or `*` for all.
    #[config(default)]
    pub origins: Vec<AllowedOrigin>,
    /// Whether they may call with the cookies of their visitors. Not together with `*`.
    #[config(default = false)]
    pub credentials: bool,
    /// The methods that they may use.
    #[config(default = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])]
    #[validate(custom(function = are_methods))]
    pub methods: Vec<String>,
    /// The headers that they may send, beside those that every page may.
    #[config(default = ["authorization", "content-type", "x-correlation-id", "x-request-id"])]
    #[validate(custom(function = are_headers))]
    pub headers: Vec<String>,
    /// The headers of answers that they may read, beside those that every page may.
    #[config(default = ["location", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after", "x-correlation-id"])]
    #[validate(custom(function = are_headers))]
    pub expose: Vec<String>,
    /// How long browsers may remember all this.
    #[config(default = "10m")]
    #[validate(range(max = "24h"))]
    pub max_age: Duration,
}

// === impl CorsConfig ===

impl CorsConfig {
    /// What browsers never take: to them a wildcard means nothing where credentials are involved, so
    /// that such settings would not do what they say.
    pub(crate) fn check(&self) -> Result<(), Conflict> {
        let lists = [
            ("origins", self.origins.iter().any(AllowedOrigin::is_any)),
            ("methods", is_wild(&self.methods)),
            ("headers", is_wild(&self.headers)),
            ("expose", is_wild(&self.expose)),
        ];
        let is_on = self.credentials && !self.origins.is_empty();
        let wild = lists.into_iter().find(|(_, wild)| *wild && is_on);
        wild.map_or(Ok(()), |(list, _)| {
            let why = format!("no browser takes the {list} `*` with credentials");
            let fix = format!("name the {list}, or set `credentials` to false");
            Err(Conflict::between([list, "credentials"], why, fix))
        })
    }
}

fn are_methods(names: &[String]) -> Result<(), String> {
    are::<Method>("method", names)
}

fn are_headers(names: &[String]) -> Result<(), String> {
    are::<HeaderName>("header", names)
}

fn are<T: FromStr>(what: &str, names: &[String]) -> Result<(), String> {
    match names.iter().find(|name| name.parse::<T>().is_err()) {
        None => Ok(()),
        Some(name) => {
            Err(format!("`{name}` is no name of a {what}; write one for each element of the list"))
        }
    }
}

/// Whether all names are meant.
pub(crate) fn is_wild(names: &[String]) -> bool {
    names.iter().any(|name| name == "*")
}

impl Default for CorsConfig {
    fn default() -> Self {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self {
            origins: Vec::new(),
            credentials: false,
            methods: owned(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
            headers: owned(&["authorization", "content-type", "x-correlation-id", "x-request-id"]),
            expose: owned(&[
                "location",
                "ratelimit-limit",
                "ratelimit-remaining",
                "ratelimit-reset",
                "retry-after",
                "x-correlation-id",
            ]),
            max_age: Duration::from_secs(600),
        }
    }
}
