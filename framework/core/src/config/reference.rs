//! Values that lie elsewhere: `file:/run/secrets/key`, `vault:secret/data/orders#key`.

use std::{
    fmt, fs,
    io::{self, Read as _},
    path::Path,
};

use super::{Origin, Secret};

/// A value that lies elsewhere and is not there yet.
///
/// A `file:` reference is followed when the field is read. Every other scheme is for the secrets
/// module of the application, which starts before the modules whose sections refer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub(super) key: String,
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// Where secrets are looked up.
///
/// # Errors
/// Say what was looked up and where. The text is shown, so it must not hold the secret.
#[async_trait::async_trait]
pub trait Secrets: Send + Sync {
    /// The secret that a reference such as `vault:secret/data/orders#key` names.
    async fn resolve(&self, reference: &str) -> anyhow::Result<Secret<String>>;
}

// === impl Reference ===

impl Reference {
    /// The key of the field.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What comes before the colon: `vault`.
    pub fn scheme(&self) -> &str {
        self.text.split(':').next().unwrap_or_default()
    }

    /// The whole reference.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it is written.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether a value is a reference. `file://` is a URL, and so it is not.
pub(super) fn is_reference(text: &str) -> bool {
    is_open(text) || file(text).is_some()
}

/// Whether a value has to wait for the secrets module.
pub(super) fn is_open(text: &str) -> bool {
    text.strip_prefix("vault:").is_some_and(|rest| !rest.is_empty() && !rest.starts_with("//"))
}

/// The path of a `file:` reference.
pub(super) fn file(text: &str) -> Option<&str> {
    text.strip_prefix("file:").filter(|path| !path.is_empty() && !path.starts_with("//"))
}

/// No value is longer than this; `/dev/zero` would be.
const LARGEST: u64 = 1 << 20;

/// Reads a file that is referred to. One newline at its end belongs to the editor.
pub(super) fn read_file(base: &Path, path: &str) -> Result<String, String> {
    let read = || -> io::Result<String> {
        let mut text = String::new();
        fs::File::open(base.join(path))?.take(LARGEST + 1).read_to_string(&mut text)?;
        Ok(text)
    };
    let mut text = read().map_err(|error| format!("cannot read the file `{path}`: {error}"))?;
    if text.len() as u64 > LARGEST {
        return Err(format!("the file `{path}` is larger than 1 MiB, which no value is"));
    }
    if text.ends_with('\n') {
        text.pop();
    }
    if text.ends_with('\r') {
        text.pop();
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_refused() {
        let error = read_file(Path::new("/"), "dev/zero").unwrap_err();
        assert_eq!(error, "the file `dev/zero` is larger than 1 MiB, which no value is");
    }
}
