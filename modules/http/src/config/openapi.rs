use purlin::config::Config;
use serde::{Deserialize, Serialize};

/// Where the documentation of the service is seen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Config)]
pub struct OpenApiConfig {
    /// When /openapi.json and /docs are served: dev (in that profile), always, never.
    #[config(default = "dev")]
    pub serve: ServeDocs,
}

/// When the documentation is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServeDocs {
    /// In the profile `dev`.
    #[default]
    Dev,
    /// In every profile.
    Always,
    /// Not at all.
    Never,
}

// === impl OpenApiConfig ===

impl OpenApiConfig {
    /// Whether it is served in this profile.
    pub fn is_served_in(&self, profile: &str) -> bool {
        match self.serve {
            ServeDocs::Dev => profile == "dev",
            ServeDocs::Always => true,
            ServeDocs::Never => false,
        }
    }
}
