//! Paths that mean to be another path.

use std::sync::Arc;

use axum::extract::Path;
use http::request::Parts;
use purlin::async_trait;
use purlin_http::{
    AuthError, Authenticator, Options, Principal,
    routes::{Routes, get},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    load::Load,
    support::{Running, start_with},
};

struct Nobody;

#[async_trait]
impl Authenticator for Nobody {
    async fn authenticate(&self, _: &Parts) -> Result<Principal, AuthError> {
        Err(AuthError::Missing)
    }
}

/// What the server answers to a target as it is: clients make another one of most of these.
async fn ask(server: &Running, target: &str) -> (u16, String) {
    let mut tcp = TcpStream::connect(server.addr).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Nothing is resolved, joined, folded or decoded before a route is looked for: what is not written
/// like a route is none, so that whoever stood before the service and looked at the same bytes has
/// seen the same path.
#[tokio::test]
async fn a_path_is_what_is_written() {
    let routes = Routes::new()
        .public("/", get(async || "hello"))
        .public("/files/{name}", get(async |Path(name): Path<String>| format!("file {name}")))
        .secured("/secret", get(async || "secret"));
    let options = Options { authenticator: Some(Arc::new(Nobody)), ..Options::default() };
    let server = start_with(routes, (), &options);
    let load = Load::beside(server.addr);
    assert_eq!(ask(&server, "/secret").await.0, 401);
    assert_eq!(ask(&server, "/files/a").await, (200, "file a".to_owned()));

    for target in [
        "//secret",
        "/./secret",
        "/files/../secret",
        "/files/%2e%2e/secret",
        "/files//../secret",
        "/%2fsecret",
        "/%73ecret",
        "/secret/",
        "/secret%00",
        "/secret%20",
        "/secret;a=b",
        "/SECRET",
        "/files/",
        "/files/a/",
        "\\secret",
    ] {
        let (status, body) = ask(&server, target).await;
        assert!(matches!(status, 400 | 404), "{target}: {status} {body}");
    }
    // The part of a path that a handler asks for is decoded, once, and stays one part: a handler
    // that makes the name of a file of it has to look at it first.
    for (target, name) in [
        ("/files/%2e%2e%2fsecret", "../secret"),
        ("/files/..", ".."),
        ("/files/%252e", "%2e"),
        ("/files/a%00b", "a\0b"),
    ] {
        assert_eq!(ask(&server, target).await, (200, format!("file {name}")), "{target}");
    }
    assert_eq!(ask(&server, "/files/%ff").await.0, 400, "no text");
    // The form for proxies names a host and the same path.
    assert_eq!(ask(&server, "http://other/secret").await.0, 401);
    load.was_served().await;
}
