use std::{
    future::{Future, IntoFuture},
    net::SocketAddr,
    pin::Pin,
    time::Duration,
};

use http::{HeaderMap, Method, StatusCode, header::CONTENT_TYPE};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// An HTTP client of one server under test. It follows no redirect.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
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
        Self { base: format!("http://{address}"), http }
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

    /// A `DELETE`.
    pub fn delete(&self, path: impl AsRef<str>) -> Request {
        self.request(Method::DELETE, path)
    }

    /// A request of any method.
    pub fn request(&self, method: Method, path: impl AsRef<str>) -> Request {
        let path = path.as_ref();
        let what = format!("{method} {path}");
        Request { what, builder: self.http.request(method, format!("{}{path}", self.base)) }
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

    /// Asserts a problem ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) with this code, and
    /// returns it.
    ///
    /// # Panics
    /// When the answer is none, or has another code.
    #[track_caller]
    pub fn problem(self, code: &str) -> Value {
        let content_type = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        assert_eq!(content_type, "application/problem+json", "{}: {}", self.what, self.text());
        let problem: Value = self.json();
        assert_eq!(problem["code"], code, "{}: {problem}", self.what);
        problem
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
