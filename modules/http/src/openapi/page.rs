//! The document and the page that shows it, as routes.

use axum::{
    response::IntoResponse,
    routing::{MethodRouter, get},
};
use bytes::Bytes;
use http::{
    HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};

/// Nothing from elsewhere, and no frame around it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The paths of the documentation, and what answers them.
pub(crate) fn pages(document: &serde_json::Value) -> [(&'static str, MethodRouter); 4] {
    let document = serde_json::to_vec_pretty(document).expect("a document is JSON");
    [
        ("/openapi.json", file("application/json", document)),
        ("/docs", file("text/html; charset=utf-8", include_str!("page/docs.html"))),
        ("/docs/docs.css", file("text/css; charset=utf-8", include_str!("page/docs.css"))),
        ("/docs/docs.js", file("text/javascript; charset=utf-8", include_str!("page/docs.js"))),
    ]
}

fn file(media_type: &'static str, content: impl Into<Bytes>) -> MethodRouter {
    let content = content.into();
    let headers: [(HeaderName, HeaderValue); 4] = [
        (CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    get(async move || (headers, content).into_response())
}
