use std::{fmt, sync::Arc};

use http::Method;
use serde::Serialize;
use serde_json::Value;

use super::{
    Received,
    difference::{Extent, differences},
};

/// Which requests an expectation is for.
///
/// ```
/// # use purlin_testing::When;
/// # use serde_json::json;
/// let charge = When::post("/accounts/{id}/charges")
///     .query("currency", "eur")
///     .header("idempotency-key", "k-7")
///     .json_with(&json!({ "cents": 1250 }));
/// ```
/// A segment of the path in braces matches any segment.
#[derive(Clone)]
#[must_use = "it matches nothing until it is given to `MockServer::mock`"]
pub struct When {
    method: Option<Method>,
    path: String,
    checks: Vec<Check>,
}

/// What of a request is not as it should be.
#[derive(Debug, Default)]
pub(super) struct Mismatch {
    /// Whether it is for something else altogether: 1 for the method, 2 for the path.
    target: u8,
    /// One line for each thing that is wrong.
    pub(super) wrong: Vec<String>,
}

#[derive(Clone)]
enum Check {
    Header(String, String),
    Query(String, String),
    Json(Value, Extent),
    Text(String),
    Holds(String, Arc<dyn Fn(&Received) -> bool + Send + Sync>),
}

// === impl When ===

impl When {
    /// A `GET` of this path.
    pub fn get(path: impl Into<String>) -> Self {
        Self::method(Method::GET, path)
    }

    /// A `POST` to this path.
    pub fn post(path: impl Into<String>) -> Self {
        Self::method(Method::POST, path)
    }

    /// A `PUT` of this path.
    pub fn put(path: impl Into<String>) -> Self {
        Self::method(Method::PUT, path)
    }

    /// A `PATCH` of this path.
    pub fn patch(path: impl Into<String>) -> Self {
        Self::method(Method::PATCH, path)
    }

    /// A `DELETE` of this path.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::method(Method::DELETE, path)
    }

    /// A request of this method and path.
    pub fn method(method: Method, path: impl Into<String>) -> Self {
        Self { method: Some(method), ..Self::any(path) }
    }

    /// A request of any method.
    pub fn any(path: impl Into<String>) -> Self {
        Self { method: None, path: path.into(), checks: Vec::new() }
    }

    /// It has this header.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.check(Check::Header(name.to_owned(), value.to_owned()))
    }

    /// It has `Authorization: Bearer ..`.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Its query has this parameter.
    pub fn query(self, name: &str, value: &str) -> Self {
        self.check(Check::Query(name.to_owned(), value.to_owned()))
    }

    /// Its body is this JSON.
    ///
    /// # Panics
    /// When `body` cannot be written as JSON.
    pub fn json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        self.check(Check::Json(value(body), Extent::Whole))
    }

    /// Its body is JSON that has all of this, and maybe more.
    ///
    /// # Panics
    /// When `part` cannot be written as JSON.
    pub fn json_with<T: Serialize + ?Sized>(self, part: &T) -> Self {
        self.check(Check::Json(value(part), Extent::Part))
    }

    /// Its body is this text.
    pub fn text(self, body: impl Into<String>) -> Self {
        self.check(Check::Text(body.into()))
    }

    /// `holds` is true; `what` says so in a report.
    pub fn matching(
        self,
        what: impl Into<String>,
        holds: impl Fn(&Received) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.check(Check::Holds(what.into(), Arc::new(holds)))
    }

    fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// What of the request is not as it should be.
    pub(super) fn compare(&self, request: &Received) -> Mismatch {
        let (method, path) = (&request.method, request.path());
        let is_method = self.method.as_ref().is_none_or(|wanted| wanted == method);
        let is_path = is_path(&self.path, path);
        let mut mismatch = Mismatch {
            target: 2 * u8::from(!is_path) + u8::from(!is_method),
            ..Mismatch::default()
        };
        let wrong = &mut mismatch.wrong;
        if !is_method {
            wrong.push(format!("the method is {method}"));
        }
        if !is_path {
            wrong.push(format!("the path is {path}"));
        }
        if is_method && is_path {
            self.checks.iter().for_each(|check| check.compare(request, wrong));
        }
        mismatch
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.method {
            Some(method) => write!(f, "{method} {}", self.path),
            None => write!(f, "any method {}", self.path),
        }
    }
}

impl fmt::Debug for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("When").field(&self.to_string()).field(&self.checks.len()).finish()
    }
}

// === impl Mismatch ===

impl Mismatch {
    /// Whether the request is nearer to what this is about than to what `other` is about.
    pub(super) fn is_nearer_than(&self, other: &Self) -> bool {
        (self.target, self.wrong.len()) < (other.target, other.wrong.len())
    }
}

// === impl Check ===

impl Check {
    fn compare(&self, request: &Received, wrong: &mut Vec<String>) {
        match self {
            Self::Header(name, wanted) => {
                compare(&format!("header {name}"), request.header(name), wanted, wrong);
            }
            Self::Query(name, wanted) => {
                let value = request.query(name);
                compare(&format!("parameter {name}"), value.as_deref(), wanted, wrong);
            }
            Self::Json(wanted, extent) => match request.value() {
                Some(body) => differences("body", wanted, &body, *extent, wrong),
                None => wrong.push("the body is no JSON".to_owned()),
            },
            Self::Text(wanted) => compare("body", Some(&request.text()), wanted, wrong),
            Self::Holds(what, holds) if !holds(request) => wrong.push(format!("not so: {what}")),
            Self::Holds(..) => {}
        }
    }
}

fn compare(what: &str, value: Option<&str>, wanted: &str, wrong: &mut Vec<String>) {
    match value {
        Some(value) if value == wanted => {}
        Some(value) => wrong.push(format!("{what} is `{value}`, not `{wanted}`")),
        None => wrong.push(format!("{what} is missing; it should be `{wanted}`")),
    }
}

fn is_path(template: &str, path: &str) -> bool {
    let any = |segment: &str| segment.starts_with('{') && segment.ends_with('}');
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given || any(wanted) => {}
            _ => return false,
        }
    }
}

fn value<T: Serialize + ?Sized>(body: &T) -> Value {
    serde_json::to_value(body).expect("what is expected can be written as JSON")
}
