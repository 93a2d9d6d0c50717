use std::{
    future::{Future, IntoFuture},
    net::SocketAddr,
    pin::Pin,
    time::Duration,
};

use http::{
    HeaderMap, HeaderName, Method, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde::{Serialize, Serializer, de::DeserializeOwned, ser::SerializeStruct as _};
use serde_json::Value;

use crate::Problem;

/// An HTTP client of one server under test. It follows no redirect.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    headers: HeaderMap,
}

/// A request; awaiting it sends it.
#[derive(Debug)]
#[must_use = "a request is sent by awaiting it"]
pub struct Request {
    what: String,
    builder: reqwest::RequestBuilder,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Response {
    what: String,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

// === impl Client ===

impl Client {
    /// A client of the server at `address`.
    ///
    /// # Panics
    /// When the client cannot be set up.
    pub fn new(address: SocketAddr) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            // A kept connection would be waited for when the application stops.
            .pool_max_idle_per_host(0)
            .no_proxy()
            .build();
        let http = http.expect("a client without TLS needs nothing of the machine");
        Self { base: format!("http://{address}"), http, headers: HeaderMap::new() }
    }

    /// A client whose requests have this header, too.
    ///
    /// # Panics
    /// When name or value is none.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::try_from(name).expect("a header has a valid name");
        self.headers.insert(name, value.parse().expect("a header has a valid value"));
        self
    }

    /// A client of a caller with this token: `app.http().as_bearer(&token).get("/orders")`.
    ///
    /// # Panics
    /// When the token cannot be in a header.
    pub fn as_bearer(self, token: &str) -> Self {
        self.with_header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    /// The address in front of each path: `http://127.0.0.1:41234`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A `GET`.
    pub fn get(&self, path: impl AsRef<str>) -> Request {
        self.request(Method::GET, path)
    }

    /// A `POST`.
    pub fn post(&self, path: impl AsRef<str>) -> Request {
        self.request(Method::POST, path)
    }

    /// A `PUT`.
    pub fn put(&self, path: impl AsRef<str>) -> Request {
        self.request(Method::PUT, path)
    }

    /// A `PATCH`.
    pub fn patch(&self, path: impl AsRef<str>) -> Request {
        self.request(Method::PATCH, path)
    }

    /// A `DELETE`.
    pub fn delete(&self, path: impl AsRef<str>) -> Request {
        self.request(Method::DELETE, path)
    }

    /// A request of any method.
    pub fn request(&self, method: Method, path: impl AsRef<str>) -> Request {
        let path = path.as_ref();
        let what = format!("{method} {path}");
        let builder = self.http.request(method, format!("{}{path}", self.base));
        Request { what, builder: builder.headers(self.headers.clone()) }
    }
}

// === impl Request ===

impl Request {
    /// Sets the body, as JSON.
    pub fn json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        Self { builder: self.builder.json(body), ..self }
    }

    /// Sets the body.
    pub fn body(self, body: impl Into<reqwest::Body>) -> Self {
        Self { builder: self.builder.body(body), ..self }
    }

    /// Adds a header.
    pub fn header(self, name: &str, value: &str) -> Self {
        Self { builder: self.builder.header(name, value), ..self }
    }

    /// Sets `Authorization: Bearer ..`.
    pub fn bearer(self, token: &str) -> Self {
        Self { builder: self.builder.bearer_auth(token), ..self }
    }

    /// Sends the request.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub async fn send(self) -> Result<Response, reqwest::Error> {
        let answer = self.builder.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await?.to_vec();
        Ok(Response { what: self.what, status, headers, body })
    }
}

impl IntoFuture for Request {
    type Output = Response;
    type IntoFuture = Pin<Box<dyn Future<Output = Response> + Send>>;

    /// Sends the request. Panics when there is no whole answer.
    fn into_future(self) -> Self::IntoFuture {
        let what = self.what.clone();
        Box::pin(
            async move { self.send().await.unwrap_or_else(|error| panic!("{what}: {error:?}")) },
        )
    }
}

// === impl Response ===

impl Response {
    /// Asserts the status.
    ///
    /// # Panics
    /// With the body, when it is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        let Self { what, status: was, .. } = &self;
        assert_eq!(was.as_u16(), status, "{what}: {}", self.text());
        self
    }

    /// Asserts a problem ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) with this status.
    ///
    /// ```no_run
    /// # async fn example(app: purlin_testing::TestApp) {
    /// let order = serde_json::json!({ "customer": "" });
    /// let answer = app.http().post("/orders").json(&order).await;
    /// answer.expect_problem(422).code("invalid_argument").field("customer");
    /// # }
    /// ```
    ///
    /// # Panics
    /// With the body, when the answer is none, or has another status.
    #[track_caller]
    pub fn expect_problem(self, status: u16) -> Problem {
        let answer = self.expect(status);
        let content_type = answer.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        assert_eq!(content_type, "application/problem+json", "{}: {}", answer.what, answer.text());
        let body = answer.json();
        Problem::new(answer.what, body)
    }

    /// Asserts a problem with this code, and returns it.
    ///
    /// # Panics
    /// When the answer is none, or has another code.
    #[track_caller]
    pub fn problem(self, code: &str) -> Value {
        let status = self.status.as_u16();
        self.expect_problem(status).code(code).into()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// With the body, when it is none.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error} in {}", self.what, self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Status, media type and body, for a [`snapshot!`](crate::snapshot).
impl Serialize for Response {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let body = serde_json::from_slice(&self.body).unwrap_or_else(|_| Value::from(self.text()));
        let mut shown = serializer.serialize_struct("Response", 3)?;
        shown.serialize_field("status", &self.status.as_u16())?;
        shown.serialize_field("content_type", &self.header(CONTENT_TYPE.as_str()))?;
        shown.serialize_field("body", &body)?;
        shown.end()
    }
}
