use std::time::Duration;

use purlin::config::Config;

use super::AllowedOrigin;

/// Which web pages of other origins may call the service, and read its answers.
///
/// It is off as long as no origin is named.
#[derive(Debug, Clone, PartialEq, Eq, Config)]
pub struct CorsConfig {
    /// The origins whose pages may: `https://shop.example`, `https://*.shop.example`, or `*` for all.
    #[config(default)]
    pub origins: Vec<AllowedOrigin>,
    /// Whether they may call with the cookies of their visitors. Not together with the origin *.
    #[config(default = false)]
    pub credentials: bool,
    /// The methods that they may use.
    #[config(default = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])]
    pub methods: Vec<String>,
    /// The headers that they may send, beside those that every page may.
    #[config(default = ["authorization", "content-type", "x-correlation-id", "x-request-id"])]
    pub headers: Vec<String>,
    /// The headers of answers that they may read, beside those that every page may.
    #[config(default = ["location", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after", "x-correlation-id"])]
    pub expose: Vec<String>,
    /// How long browsers may remember all this.
    #[config(default = "10m")]
    #[validate(range(max = "24h"))]
    pub max_age: Duration,
}

// === impl CorsConfig ===

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
