//! Compressed requests that are up to no good.

use bytes::Bytes;
use futures_util::stream;

use crate::{
    compression::{gzip, send, start_compressing},
    load::Load,
    support::Answer,
};

#[tokio::test]
async fn a_bomb_does_not_go_off() {
    // It takes this thread longer to make them than others may wait.
    let bomb = gzip(&vec![0; 64 << 20]);
    assert!(bomb.len() < 100_000, "{}", bomb.len());
    let (twice, just) = (gzip(&bomb), gzip(&vec![0; 1 << 20]));
    let empty = gzip(b"").repeat(100_000);
    assert!(empty.len() > 1 << 20);

    let app = start_compressing();
    let load = Load::beside(app.addr);
    for _ in 0..10 {
        let answer = send(&app, "/length", "gzip", bomb.clone()).await;
        answer.problem(413, "payload_too_large");
    }
    // A bomb in a bomb, in both ways of writing that: one coding at a time is taken.
    for coding in ["gzip, gzip", "gzip,gzip"] {
        let answer = send(&app, "/length", coding, twice.clone()).await;
        answer.problem(415, "unsupported_media_type");
    }
    assert_eq!(send(&app, "/length", "gzip", twice).await.text, bomb.len().to_string());
    for coding in ["zstd", "deflate", "compress", "nonsense"] {
        send(&app, "/length", coding, vec![0]).await.problem(415, "unsupported_media_type");
    }
    // Empty members without end: all of it goes in, and nothing comes out.
    send(&app, "/length", "gzip", empty).await.problem(413, "payload_too_large");
    assert_eq!(send(&app, "/length", "gzip", just).await.text, (1 << 20).to_string());
    load.was_served().await;
}

#[tokio::test]
async fn a_compressed_stream_that_yields_nothing_comes_to_an_end() {
    let members = gzip(b"").repeat(1_000);
    let app = start_compressing();
    let load = Load::beside(app.addr);
    let send = async |first: Vec<u8>, then: Vec<u8>| {
        let (first, then) = (Bytes::from(first), Bytes::from(then));
        let parts = std::iter::once(first).chain(std::iter::repeat_n(then, 100));
        let parts = stream::iter(parts.map(Ok::<_, std::io::Error>));
        let request = app.request("POST", "/length").header("content-encoding", "gzip");
        Answer::of(request.body(reqwest::Body::wrap_stream(parts))).await
    };
    // Nothing may follow the first member.
    let members = send(gzip(b""), members).await.problem(400, "invalid_argument");
    assert!(members["detail"].as_str().unwrap().contains("extra bytes"), "{members}");
    // The name of the file in the head of the first member has no end.
    let head = vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3];
    send(head, vec![b'a'; 20_000]).await.problem(413, "payload_too_large");
    load.was_served().await;
}
