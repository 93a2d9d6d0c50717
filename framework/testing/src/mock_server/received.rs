use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A request as it came to a [`MockServer`](super::MockServer), read to its end.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Received {
    /// The method.
    pub method: Method,
    /// Path and query, as they were sent.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// How much of a body a report shows.
const SHOWN: usize = 2000;

// === impl Received ===

impl Received {
    /// A header, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The path, as it was sent.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// The first value of a parameter of the query, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        let query = self.uri.query().unwrap_or_default();
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// With the body, when it is none.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{} {}: {error} in {}", self.method, self.uri, self.text())
        })
    }

    pub(super) fn value(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// As on the wire, without the headers that every client sends.
impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.uri)?;
        for (name, value) in &self.headers {
            if !["host", "accept", "content-length", "user-agent"].contains(&name.as_str()) {
                write!(f, "\n  {name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
            }
        }
        if !self.body.is_empty() {
            let shown: String = self.text().chars().take(SHOWN).collect();
            write!(f, "\n  {shown}")?;
        }
        Ok(())
    }
}
