use purlin::config::Config;

use super::AllowedOrigin;

/// How requests are refused that a browser sends on behalf of another site's page.
#[derive(Debug, Clone, PartialEq, Eq, Config)]
pub struct CsrfConfig {
    /// Whether such requests are refused.
    #[config(default = true)]
    pub enabled: bool,
    /// Origins whose pages may send them all the same, beside those named in `http.cors.origins`.
    #[config(default)]
    pub trusted_origins: Vec<AllowedOrigin>,
}

// === impl CsrfConfig ===

impl Default for CsrfConfig {
    fn default() -> Self {
        Self { enabled: true, trusted_origins: Vec::new() }
    }
}
