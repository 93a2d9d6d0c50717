use purlin_serve::Limits;

use super::{Load, refused};
use crate::support::Running;

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    let server = Running::start(Limits::default());
    refused(
        &server,
        &[
            ("bytes in a field name", b"GET / HTTP/1.1\r\n\xff\xfe: b\r\n\r\n".into(), 400),
            ("a NUL in a field", b"GET / HTTP/1.1\r\na: \0\r\n\r\n".into(), 400),
            ("a NUL in the target", b"GET /\0 HTTP/1.1\r\n\r\n".into(), 400),
            ("half a letter in the target", b"GET /\xc3\x28 HTTP/1.1\r\n\r\n".into(), 400),
            ("too long a letter in the target", b"GET /\xc0\xaf HTTP/1.1\r\n\r\n".into(), 400),
            ("bytes in the method", b"\x80\x81 / HTTP/1.1\r\n\r\n".into(), 400),
            ("a bare word", b"hello\r\n\r\n".into(), 400),
            ("a space in the target", b"GET /a b HTTP/1.1\r\n\r\n".into(), 400),
            ("another version", b"GET / HTTP/9.9\r\n\r\n".into(), 400),
            ("a hello of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".into(), 400),
        ],
    )
    .await;
}

/// Field values may hold any byte above 127 (RFC 9110, 5.5).
#[tokio::test]
async fn bytes_in_a_field_value_are_let_through() {
    let server = Running::start(Limits::default());
    let load = Load::beside(server.addr);
    let mut client = server.connect().await;
    client.send(b"GET / HTTP/1.1\r\nHost: test\r\na: \xff\xfe\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 200);
    load.was_served().await;
}
