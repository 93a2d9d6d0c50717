//! Parameters of a path that are not what a handler takes.

use http::StatusCode;

use super::{FieldError, Problem};

/// How axum begins a rejection of a path. What follows is one of the sentences below.
pub(super) const REJECTED: &str = "Invalid URL: ";

const NOT_UTF8: &str = "is not valid UTF-8";

/// A parameter, as far as axum names it.
enum Param<'a> {
    Named(&'a str),
    Nth(usize),
    Only,
}

/// The problem for a rejection of a path. `route` is the template of the route, from which a
/// parameter has its name where axum does not say it.
///
/// Nothing is at a path whose parameter cannot be what the route takes: such a one is not found. What
/// is no text at all is a bad request.
pub(crate) fn invalid_path(text: &str, route: Option<&str>) -> Problem {
    let text = text.strip_prefix(REJECTED).unwrap_or(text);
    let (param, message) = read(text);
    let is_text = message != NOT_UTF8;
    let status = if is_text { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST };
    let problem = Problem::new(status);
    match param.name(route) {
        Some(name) => Problem {
            errors: vec![FieldError::new(name, &*message)],
            ..problem.detail(format!("path parameter `{name}` {message}"))
        },
        None => problem.detail(format!("a path parameter {message}")),
    }
}

/// What the sentence says of which parameter.
fn read(text: &str) -> (Param<'_>, String) {
    if let Some(key) = text.strip_prefix("Invalid UTF-8 in `").and_then(|key| key.strip_suffix('`'))
    {
        return (Param::Named(key), NOT_UTF8.to_owned());
    }
    let named = || {
        let (key, rest) = text.strip_prefix("Cannot parse `")?.split_once("` with value `")?;
        Some((Param::Named(key), rest))
    };
    let nth = || {
        let rest = text.strip_prefix("Cannot parse value at index ")?;
        let (index, rest) = rest.split_once(" with value `")?;
        Some((Param::Nth(index.parse().ok()?), rest))
    };
    let only = || Some((Param::Only, text.strip_prefix("Cannot parse `")?));
    let Some((param, rest)) = named().or_else(nth).or_else(only) else {
        return (Param::Only, format!("is not valid: {text}"));
    };
    let typed = rest.strip_suffix('`').and_then(|rest| rest.rsplit_once("` to a `"));
    let message = match (typed, rest.split_once("`: ")) {
        (Some((value, kind)), _) => format!("must be {}, not `{value}`", in_words(kind)),
        (None, Some((value, why))) => format!("cannot be `{value}`: {why}"),
        (None, None) => format!("is not valid: {text}"),
    };
    (param, message)
}

/// A type of Rust for people who do not know it.
fn in_words(kind: &str) -> String {
    fn whole(min: impl ToString, max: impl ToString) -> String {
        format!("a whole number from {} to {}", min.to_string(), max.to_string())
    }
    match kind {
        "bool" => "`true` or `false`".to_owned(),
        "char" => "one character".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "u8" => whole(u8::MIN, u8::MAX),
        "u16" => whole(u16::MIN, u16::MAX),
        "u32" => whole(u32::MIN, u32::MAX),
        "u64" => whole(u64::MIN, u64::MAX),
        "u128" => whole(u128::MIN, u128::MAX),
        "i8" => whole(i8::MIN, i8::MAX),
        "i16" => whole(i16::MIN, i16::MAX),
        "i32" => whole(i32::MIN, i32::MAX),
        "i64" => whole(i64::MIN, i64::MAX),
        "i128" => whole(i128::MIN, i128::MAX),
        other => format!("a `{other}`"),
    }
}

// === impl Param ===

impl<'a> Param<'a> {
    fn name(&self, route: Option<&'a str>) -> Option<&'a str> {
        let mut params = route.into_iter().flat_map(params);
        match *self {
            Self::Named(name) => Some(name),
            Self::Nth(nth) => params.nth(nth),
            Self::Only => params.next().filter(|_| params.next().is_none()),
        }
    }
}

/// The names of the parameters of a route: `{id}`, `{*rest}`.
fn params(route: &str) -> impl Iterator<Item = &str> {
    let segments = route.split('/').filter(|segment| !segment.starts_with("{{"));
    segments.filter_map(|segment| {
        let (_, name) = segment.split_once('{')?;
        let (name, _) = name.split_once('}')?;
        Some(name.trim_start_matches('*'))
    })
}
