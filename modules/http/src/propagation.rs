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

use std::cell::OnceCell;

use http::{HeaderMap, HeaderName, HeaderValue};
use purlin::trace::{self, Context, Extractor, Injector};

/// The headers of a request that came in.
struct Received<'a> {
    headers: &'a HeaderMap,
    /// Headers that are lists, and came in several parts.
    joined: [(&'static str, OnceCell<String>); 2],
}

/// The headers of a request that goes out.
struct Sent<'a>(&'a mut HeaderMap);

/// The context that a request brought: trace and baggage. See [`trace::extract`].
pub fn extract(headers: &HeaderMap) -> Context {
    trace::extract(&Received::new(headers))
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

impl<'a> Received<'a> {
    fn new(headers: &'a HeaderMap) -> Self {
        let joined = ["tracestate", "baggage"].map(|name| (name, OnceCell::new()));
        Self { headers, joined }
    }

    fn all(&self, key: &str) -> impl Iterator<Item = &'a str> {
        self.headers.get_all(key).iter().filter_map(|value| value.to_str().ok())
    }
}

impl Extractor for Received<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let mut values = self.headers.get_all(key).iter();
        let first = values.next()?;
        if values.next().is_none() {
            return first.to_str().ok();
        }
        // Of two that contradict each other none is believed: a `traceparent` that came twice begins
        // a new trace.
        let (_, list) = self.joined.iter().find(|(name, _)| *name == key)?;
        Some(list.get_or_init(|| self.all(key).collect::<Vec<_>>().join(",")))
    }

    fn keys(&self) -> Vec<&str> {
        self.headers.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let values: Vec<_> = self.all(key).collect();
        (!values.is_empty()).then_some(values)
    }
}

// === impl Sent ===

impl Injector for Sent<'_> {
    fn set(&mut self, key: &str, value: String) {
        // Propagators write an empty `tracestate` where there is none.
        if value.is_empty() {
            return;
        }
        let name = HeaderName::from_bytes(key.as_bytes());
        // A propagator writes nothing but tokens and printable characters.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn of_two_parents_none_is_believed() {
        let headers = headers(&[("traceparent", PARENT), ("traceparent", PARENT)]);
        let received = Received::new(&headers);
        assert_eq!(received.get("traceparent"), None);
        assert_eq!(received.get_all("traceparent"), Some(vec![PARENT, PARENT]));
    }

    #[test]
    fn a_list_may_come_in_parts() {
        let headers = headers(&[
            ("traceparent", PARENT),
            ("tracestate", "a=1,b=2"),
            ("tracestate", "c=3"),
            ("baggage", "tenant=blue"),
            ("baggage", "colour=red"),
        ]);
        let received = Received::new(&headers);
        assert_eq!(received.get("traceparent"), Some(PARENT));
        assert_eq!(received.get("tracestate"), Some("a=1,b=2,c=3"));
        assert_eq!(received.get("baggage"), Some("tenant=blue,colour=red"));
    }
}
