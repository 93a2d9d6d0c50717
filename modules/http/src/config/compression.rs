use purlin::config::{ByteSize, Config};
use serde::{Deserialize, Serialize};

/// What is compressed.
#[derive(Debug, Clone, PartialEq, Eq, Config)]
pub struct CompressionConfig {
    /// Whether answers are compressed with zstd, br or gzip, whichever of them the caller likes best.
    #[config(default = false)]
    pub responses: bool,
    /// The smallest answer that is compressed.
    #[config(default = "1KiB")]
    #[validate(range(max = "1GiB"))]
    pub min_size: ByteSize,
    /// How much time is spent on it: fastest, default, best.
    #[config(default = "default")]
    pub level: Level,
    /// Whether bodies of requests may be compressed with gzip or br. `http.body_limit` holds for what
    /// they are once they are decompressed.
    #[config(default = false)]
    pub requests: bool,
}

/// How much time is spent on compressing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As little as possible.
    Fastest,
    /// What the algorithm's authors recommend.
    #[default]
    Default,
    /// As much as it takes.
    Best,
}

// === impl CompressionConfig ===

impl Default for CompressionConfig {
    fn default() -> Self {
        Self {
            responses: false,
            min_size: ByteSize::kib(1),
            level: Level::Default,
            requests: false,
        }
    }
}
