use axum::{
    Form, Json,
    extract::{FromRequest, FromRequestParts, MatchedPath, Path, Query, Request},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE, request::Parts};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use validator::Validate;

use super::fields::{invalid, rejected};
use crate::problem::{FieldError, Problem, invalid_path};

/// An extractor whose value has been validated.
///
/// ```
/// use axum::Json;
/// use purlin_http::extract::Valid;
/// use serde::Deserialize;
/// use validator::Validate;
///
/// #[derive(Deserialize, Validate)]
/// struct NewOrder {
///     #[validate(length(min = 1, message = "must not be empty"))]
///     customer: String,
///     #[validate(range(min = 1))]
///     amount_cents: i64,
/// }
///
/// async fn create(Valid(Json(new)): Valid<Json<NewOrder>>) -> String {
///     new.customer
/// }
/// ```
/// It goes around `Json`, `Form`, `Query` and `Path`. A body that is not JSON at all is answered
/// with 400; a value of a wrong type, a missing field and a value that its rules refuse with 422,
/// naming the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Valid<E>(pub E);

impl<T, S> FromRequest<S> for Valid<Json<T>>
where
    T: DeserializeOwned + Validate,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .detail("send JSON, with `Content-Type: application/json`"));
        }
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|error| {
            let text = error.body_text();
            rejected(error, text)
        })?;
        validated(json(&body)?).map(|value| Self(Json(value)))
    }
}

impl<T, S> FromRequest<S> for Valid<Form<T>>
where
    T: DeserializeOwned + Validate,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let form = Form::from_request(request, state).await;
        let Form(value) = form.map_err(|error| {
            let text = error.body_text();
            rejected(error, text)
        })?;
        validated(value).map(|value| Self(Form(value)))
    }
}

impl<T, S> FromRequestParts<S> for Valid<Query<T>>
where
    T: DeserializeOwned + Validate,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::from_request_parts(parts, state).await;
        let Query(value) = query.map_err(|error| {
            let text = error.body_text();
            rejected(error, text)
        })?;
        validated(value).map(|value| Self(Query(value)))
    }
}

impl<T, S> FromRequestParts<S> for Valid<Path<T>>
where
    T: DeserializeOwned + Validate + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::from_request_parts(parts, state).await;
        let Path(value) = path.map_err(|error| {
            let (text, route) = (error.body_text(), parts.extensions.get::<MatchedPath>());
            match rejected(error, text.clone()) {
                problem if problem.status.is_server_error() => problem,
                _ => invalid_path(&text, route.map(MatchedPath::as_str)),
            }
        })?;
        validated(value).map(|value| Self(Path(value)))
    }
}

fn validated<T: Validate>(value: T) -> Result<T, Problem> {
    value.validate().map_err(|errors| invalid(&errors))?;
    Ok(value)
}

/// `application/json`, and whatever is JSON underneath: `application/merge-patch+json`.
fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media_type.and_then(|text| text.parse::<mime::Mime>().ok()).is_some_and(|mime| {
        mime.type_() == mime::APPLICATION
            && (mime.subtype() == mime::JSON || mime.suffix() == Some(mime::JSON))
    })
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        read_problem(&path, error.inner())
    })?;
    reader.end().map_err(|error| read_problem(".", &error))?;
    Ok(value)
}

fn read_problem(path: &str, error: &serde_json::Error) -> Problem {
    match error.classify() {
        Category::Data => Problem::invalid([field(path, &error.to_string())]),
        Category::Syntax | Category::Eof | Category::Io => {
            Problem::new(StatusCode::BAD_REQUEST).detail(format!("the body is not JSON: {error}"))
        }
    }
}

/// The field that serde means: a missing one is reported at the object that lacks it, an unknown
/// one at itself.
fn field(path: &str, message: &str) -> FieldError {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let path = if path == "." { "" } else { path };
    let below =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if let Some(name) = quoted("missing field `", message) {
        return FieldError::new(below(name), "is missing");
    }
    if let Some(name) = quoted("unknown field `", message) {
        let at_itself = path.rsplit('.').next() == Some(name);
        return FieldError::new(
            if at_itself { path.to_owned() } else { below(name) },
            "is not known",
        );
    }
    FieldError::new(path, message)
}

fn quoted<'a>(beginning: &str, message: &'a str) -> Option<&'a str> {
    message.strip_prefix(beginning)?.split('`').next()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the errors matter here")]
    struct Order {
        customer: String,
        lines: Vec<Line>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only the errors matter here")]
    #[serde(deny_unknown_fields)]
    struct Line {
        amount: i64,
        #[serde(default)]
        data: Option<Data>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only the errors matter here")]
    struct Data {
        a: i64,
    }

    fn fields(body: &str) -> (u16, Vec<(String, String)>) {
        let problem = json::<Order>(body.as_bytes()).unwrap_err();
        let errors = problem.errors.into_iter().map(|error| (error.field, error.message));
        (problem.status.as_u16(), errors.collect())
    }

    #[test]
    fn a_wrong_field_is_named_with_its_path() {
        let cases = [
            (r#"{"lines":[]}"#, "customer", "is missing"),
            (r#"{"customer":"a","lines":[{}]}"#, "lines[0].amount", "is missing"),
            (
                r#"{"customer":"a","lines":[{"amount":1,"data":{}}]}"#,
                "lines[0].data.a",
                "is missing",
            ),
            (r#"{"customer":"a","lines":[],"x":1}"#, "x", "is not known"),
            (r#"{"customer":"a","lines":[{"amount":1,"x":1}]}"#, "lines[0].x", "is not known"),
            ("[]", "", "invalid length 0, expected struct Order with 2 elements"),
            (
                r#"{"customer":"a","lines":[{"amount":"b"}]}"#,
                "lines[0].amount",
                "invalid type: string \"b\", expected i64",
            ),
        ];
        for (body, field, message) in cases {
            assert_eq!(fields(body), (422, vec![(field.to_owned(), message.to_owned())]), "{body}");
        }
    }

    #[test]
    fn what_is_no_json_is_a_syntax_error() {
        for body in ["", "{", "not json", r#"{"customer":"a","lines":[]} x"#] {
            assert_eq!(fields(body), (400, Vec::new()), "{body}");
        }
    }
}
