//! A value that cannot be printed.

use std::{fmt, str::FromStr};

use serde::de::{Deserialize, Deserializer};
use validator::{ValidateContains, ValidateEmail, ValidateLength, ValidateUrl};
use zeroize::{Zeroize, Zeroizing};

/// The name under which a `Secret` announces itself to a deserializer.
pub(super) const NAME: &str = "purlin::Secret";

/// A value that cannot be printed by accident: a password, a token, a key.
///
/// ```
/// use purlin_core::config::Secret;
///
/// let token = Secret::new("hunter2".to_owned());
/// assert_eq!(format!("{token} {token:?}"), "[redacted] [redacted]");
/// assert_eq!(token.expose(), "hunter2");
/// ```
///
/// It has no `Serialize`, and its memory is overwritten when it is dropped. No error, explanation,
/// dump or page shows a field of this type.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

// === impl Secret ===

impl<T: Zeroize> Secret<T> {
    /// Keeps `value` from being printed.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value. Where this is called, the secret leaves its protection.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Zeroize + FromStr> FromStr for Secret<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.parse().map(Self::new)
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T: Zeroize> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<'de, T: Zeroize + Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::de::newtype(NAME, deserializer).map(Self::new)
    }
}

impl<T: Zeroize + ValidateLength<u64>> ValidateLength<u64> for Secret<T> {
    fn length(&self) -> Option<u64> {
        self.0.length()
    }
}

impl<T: Zeroize + ValidateContains> ValidateContains for Secret<T> {
    fn validate_contains(&self, needle: &str) -> bool {
        self.0.validate_contains(needle)
    }
}

impl<T: Zeroize + ValidateEmail> ValidateEmail for Secret<T> {
    fn as_email_string(&self) -> Option<std::borrow::Cow<'_, str>> {
        self.0.as_email_string()
    }
}

impl<T: Zeroize + ValidateUrl> ValidateUrl for Secret<T> {
    fn as_url_string(&self) -> Option<std::borrow::Cow<'_, str>> {
        self.0.as_url_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed_wherever_it_lies() {
        let secret = Some(vec![Secret::new("hunter2".to_owned())]);
        assert_eq!(format!("{secret:?}"), "Some([[redacted]])");
        assert_eq!(format!("{secret:#?}").matches("hunter2").count(), 0);
    }

    #[test]
    fn a_secret_is_read_from_any_format() {
        let secret: Secret<String> = serde_json::from_str("\"hunter2\"").unwrap();
        assert_eq!(secret.expose(), "hunter2");
    }
}
