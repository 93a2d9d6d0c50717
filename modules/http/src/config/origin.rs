use std::{fmt, str::FromStr};

use http::Uri;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Origins of web pages: `https://shop.example`, `https://*.shop.example`, or `*`.
///
/// ```
/// use purlin_http::config::AllowedOrigin;
///
/// let shops: AllowedOrigin = "https://*.shop.example".parse().unwrap();
/// assert!(shops.allows("https://eu.shop.example"));
/// assert!(!shops.allows("https://shop.example"));
/// assert!(!shops.allows("https://evilshop.example"));
/// ```
/// An origin is a scheme, a host and a port, and no path. Its port is left out where it is that of
/// the scheme, as browsers leave it out. `null`, which is what every sandboxed page says of itself,
/// is no origin to allow.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AllowedOrigin(Pattern);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Pattern {
    Any,
    /// The origin, in lower case.
    One(String),
    /// `https://` and `.shop.example`.
    Below {
        scheme: String,
        suffix: String,
    },
}

/// The text is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an origin; write https://shop.example, https://*.shop.example or *")]
pub struct NotAnOrigin;

// === impl AllowedOrigin ===

impl AllowedOrigin {
    /// Every origin.
    pub const ANY: Self = Self(Pattern::Any);

    /// Whether it is every origin.
    pub fn is_any(&self) -> bool {
        self.0 == Pattern::Any
    }

    /// Whether the origin is one of these, written as browsers write it.
    pub fn allows(&self, origin: &str) -> bool {
        match &self.0 {
            Pattern::Any => true,
            Pattern::One(one) => one == origin,
            Pattern::Below { scheme, suffix } => {
                let host = origin.strip_prefix(scheme.as_str());
                let below = host.and_then(|host| host.strip_suffix(suffix.as_str()));
                below.is_some_and(|name| !name.is_empty() && name.bytes().all(is_of_a_name))
            }
        }
    }
}

/// What stands before the suffix is labels of a host name: nothing that ends the host.
fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

impl FromStr for AllowedOrigin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        if text == "*" {
            return Ok(Self::ANY);
        }
        let text = text.to_ascii_lowercase();
        let (scheme, host) = text.split_once("://").ok_or(NotAnOrigin)?;
        let below = host.strip_prefix("*.");
        let uri: Uri =
            format!("{scheme}://{}", below.unwrap_or(host)).parse().map_err(|_| NotAnOrigin)?;
        let authority = uri.authority().ok_or(NotAnOrigin)?;
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none() && !text.ends_with('/');
        if !bare || authority.as_str().contains(['@', '*']) || authority.host().is_empty() {
            return Err(NotAnOrigin);
        }
        // What follows the host is a port, or it would be lost without a word.
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => None,
            rest => {
                let port = rest.and_then(|rest| rest.strip_prefix(':')?.parse::<u16>().ok());
                Some(port.ok_or(NotAnOrigin)?)
            }
        };
        let port = match (scheme, port) {
            ("http", Some(80)) | ("https", Some(443)) | (_, None) => String::new(),
            (_, Some(port)) => format!(":{port}"),
        };
        let (scheme, host) = (format!("{scheme}://"), authority.host());
        Ok(Self(match below {
            Some(_) => Pattern::Below { scheme, suffix: format!(".{host}{port}") },
            None => Pattern::One(format!("{scheme}{host}{port}")),
        }))
    }
}

impl fmt::Display for AllowedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Pattern::Any => f.write_str("*"),
            Pattern::One(one) => f.write_str(one),
            Pattern::Below { scheme, suffix } => write!(f, "{scheme}*{suffix}"),
        }
    }
}

impl<'de> Deserialize<'de> for AllowedOrigin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for AllowedOrigin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> AllowedOrigin {
        text.parse().unwrap_or_else(|_| panic!("{text} is an origin"))
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (written, origin) in [
            ("https://Shop.Example", "https://shop.example"),
            ("https://shop.example:443", "https://shop.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:80", "http://[::1]"),
            ("*", "*"),
            ("https://*.shop.example:8443", "https://*.shop.example:8443"),
        ] {
            assert_eq!(parse(written).to_string(), origin);
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "null",
            "shop.example",
            "https://",
            "https://shop.example/",
            "https://a:99999",
            "https://a[:;:1]28n",
            "https://a/b",
            "https://a?b",
            "https://ada@shop.example",
            "https://*",
            "https://a.*.b",
            "https://*.",
            "*.shop.example",
        ] {
            assert_eq!(text.parse::<AllowedOrigin>(), Err(NotAnOrigin), "{text}");
        }
    }

    #[test]
    fn nothing_but_a_host_below_it_matches_a_pattern() {
        let shops = parse("https://*.shop.example");
        assert!(shops.allows("https://a.b.shop.example"));
        for origin in [
            "https://.shop.example",
            "http://a.shop.example",
            "https://a.shop.example:8443",
            "https://a.shop.example.evil",
            "https://evil/.shop.example",
            "https://evil#.shop.example",
            "https://evil@.shop.example",
            "https://evil:1.shop.example",
            "null",
            "",
        ] {
            assert!(!shops.allows(origin), "{origin}");
        }
    }
}
