//! The trace of a request, in the headers of HTTP.
//!
//! The server reads them by itself, and so does the client write them. For another client, [inject]
//! what is to be passed on:
//!
//! ```
//! use http::HeaderMap;
//! use purlin_http::propagation;
//!
//! let mut headers = HeaderMap::new();
//! propagation::inject(&mut headers);
//! ```

use http::{HeaderMap, HeaderName, HeaderValue};
use purlin::trace::{self, Context, Extractor, Injector};

/// The headers of a request that came in.
struct Received<'a>(&'a HeaderMap);

/// The headers of a request that goes out.
struct Sent<'a>(&'a mut HeaderMap);

/// The context that a request brought: trace and baggage. See [`trace::extract`].
pub fn extract(headers: &HeaderMap) -> Context {
    trace::extract(&Received(headers))
}

/// The same, if the request brought any: most do not, and are to pay nothing for it.
pub(crate) fn brought(headers: &HeaderMap) -> Option<Context> {
    // To glance at the names costs less than to look one up.
    let is_there = |name: &str| headers.keys().any(|key| key.as_str() == name);
    trace::is_brought(is_there).then(|| extract(headers))
}

/// Writes the context of the current span into the headers of a request. See [`trace::inject`].
pub fn inject(headers: &mut HeaderMap) {
    trace::inject(&mut Sent(headers));
}

// === impl Received ===

impl Extractor for Received<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let values: Vec<_> = self.0.get_all(key).iter().filter_map(|it| it.to_str().ok()).collect();
        (!values.is_empty()).then_some(values)
    }
}

// === impl Sent ===

impl Injector for Sent<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = HeaderName::from_bytes(key.as_bytes());
        // A propagator writes nothing but tokens and printable characters.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            self.0.insert(name, value);
        }
    }
}
