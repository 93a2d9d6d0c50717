//! What can go wrong before the first request.

use purlin_serve::BindError;

/// The server cannot listen where it was told to.
#[derive(Debug, thiserror::Error)]
#[error("{source}; the setting is `{section}.listen`")]
pub struct ListenError {
    pub(crate) section: String,
    pub(crate) source: BindError,
}

// === impl ListenError ===

impl ListenError {
    /// What stands in the way.
    pub fn bind_error(&self) -> &BindError {
        &self.source
    }
}
