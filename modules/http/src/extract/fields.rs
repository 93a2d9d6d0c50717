//! Fields, and what is wrong with them.

use std::{borrow::Cow, collections::HashMap, fmt::Display, str::FromStr};

use axum::{
    extract::{Query, rejection::QueryRejection},
    response::IntoResponse,
};
use http::{StatusCode, request::Parts};
use serde_json::Value;
use validator::{ValidationError, ValidationErrors, ValidationErrorsKind};

use crate::problem::{FieldError, Problem};

/// The parameters of a query, read one by one, so that all errors are found.
pub(super) struct QueryFields {
    given: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

// === impl QueryFields ===

impl QueryFields {
    pub(super) fn of(parts: &Parts) -> Result<Self, Problem> {
        let Query(given) = Query::try_from_uri(&parts.uri).map_err(|error: QueryRejection| {
            Problem::new(StatusCode::BAD_REQUEST).detail(error.body_text())
        })?;
        Ok(Self { given, errors: Vec::new() })
    }

    /// A whole number within bounds, or its default where it is not given.
    pub(super) fn number(&mut self, name: &str, min: i64, max: i64, default: i64) -> i64 {
        let Some(text) = self.get(name) else { return default };
        match text.parse() {
            Ok(number) if (min..=max).contains(&number) => number,
            _ => {
                let bounds = match max {
                    i64::MAX => format!("of at least {min}"),
                    _ => format!("from {min} to {max}"),
                };
                self.errors.push(FieldError::new(name, format!("must be a whole number {bounds}")));
                default
            }
        }
    }

    /// A parameter that may be left out.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        match self.get(name)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.errors.push(FieldError::new(name, error.to_string()));
                None
            }
        }
    }

    /// The errors, if there were some.
    pub(super) fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::invalid(self.errors)) }
    }

    fn get(&self, name: &str) -> Option<String> {
        self.given.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone())
    }
}

/// The problem for a value that its own rules refuse.
pub(super) fn invalid(errors: &ValidationErrors) -> Problem {
    let mut fields = Vec::new();
    collect("", errors, &mut fields);
    Problem::invalid(fields)
}

fn collect(prefix: &str, errors: &ValidationErrors, out: &mut Vec<FieldError>) {
    for (name, kind) in errors.errors() {
        // What a rule of the whole struct says has this name; it is no field that a caller sent.
        let field = match (prefix, &**name) {
            (prefix, "__all__") => prefix.to_owned(),
            ("", name) => name.to_owned(),
            (prefix, name) => format!("{prefix}.{name}"),
        };
        match kind {
            ValidationErrorsKind::Struct(inner) => collect(&field, inner, out),
            ValidationErrorsKind::List(items) => {
                for (index, inner) in items {
                    collect(&format!("{field}[{index}]"), inner, out);
                }
            }
            ValidationErrorsKind::Field(errors) => {
                out.extend(errors.iter().map(|error| FieldError::new(&field, message(error))));
            }
        }
    }
}

/// The message that the author of a rule wrote, or else one made from the rule.
fn message(error: &ValidationError) -> String {
    if let Some(message) = &error.message {
        return message.clone().into_owned();
    }
    let bounds = |what: &str| bounds(&error.params, what);
    match &*error.code {
        "length" => bounds("have a length of"),
        "range" => bounds("be"),
        "email" => "must be an e-mail address".to_owned(),
        "url" => "must be a URL".to_owned(),
        "ip" | "ipv4" | "ipv6" => "must be an IP address".to_owned(),
        "required" | "required_nested" => "must be given".to_owned(),
        "contains" => with_param(error, "must contain", "needle"),
        "does_not_contain" => with_param(error, "must not contain", "needle"),
        "must_match" => "must be the same as the other field".to_owned(),
        "non_control_character" => "must not contain control characters".to_owned(),
        "regex" => "does not have the right form".to_owned(),
        code => format!("is not valid: {code}"),
    }
}

fn bounds(params: &HashMap<Cow<'static, str>, Value>, what: &str) -> String {
    let get = |name: &str| params.get(name).filter(|value| !value.is_null());
    let range =
        match (get("equal"), get("min"), get("max"), get("exclusive_min"), get("exclusive_max")) {
            (Some(equal), ..) => format!("exactly {equal}"),
            (_, Some(min), Some(max), ..) => format!("from {min} to {max}"),
            (_, Some(min), None, _, None) => format!("at least {min}"),
            (_, None, Some(max), None, _) => format!("at most {max}"),
            (_, None, None, Some(min), Some(max)) => format!("more than {min} and less than {max}"),
            (_, None, None, Some(min), None) => format!("more than {min}"),
            (_, None, None, None, Some(max)) => format!("less than {max}"),
            (_, Some(min), None, _, Some(max)) => format!("at least {min} and less than {max}"),
            (_, None, Some(max), Some(min), _) => format!("more than {min} and at most {max}"),
            (_, None, None, None, None) => "within its bounds".to_owned(),
        };
    format!("must {what} {range}")
}

fn with_param(error: &ValidationError, what: &str, name: &str) -> String {
    error.params.get(name).map_or_else(|| what.to_owned(), |value| format!("{what} {value}"))
}

/// A rejection of axum as a problem: it is one of an extractor for sure.
pub(super) fn rejected(rejection: impl IntoResponse, text: String) -> Problem {
    let status = rejection.into_response().status();
    if status.is_server_error() {
        tracing::error!(rejection = text, "a handler does not fit its route");
        return Problem::internal();
    }
    Problem::new(status).detail(text)
}
