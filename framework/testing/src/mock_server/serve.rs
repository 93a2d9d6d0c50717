use std::{convert::Infallible, future::pending, net::TcpListener, sync::Arc};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use purlin_core::clock::Clock;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinSet,
};

use super::{Received, Reply, Site, answer::Ending};

/// The connection is closed in place of an answer.
#[derive(Debug, thiserror::Error)]
#[error("no answer, as expected")]
struct NoAnswer;

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>;

/// What lies between TCP and HTTP.
#[derive(Clone)]
pub(super) enum Channel {
    Plain,
    #[cfg(feature = "tls")]
    Tls(purlin_tls::tokio_rustls::TlsAcceptor),
}

pub(super) async fn run(site: Arc<Site>, listener: TcpListener, channel: Channel) {
    let listener = tokio::net::TcpListener::from_std(listener);
    let listener = listener.expect("a bound socket can be listened on");
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            // An error here is that of a connection which has gone already.
            Ok((stream, _)) = listener.accept() => {
                connections.spawn(accept(site.clone(), stream, channel.clone()));
            }
        }
    }
}

async fn accept(site: Arc<Site>, stream: TcpStream, channel: Channel) {
    match channel {
        Channel::Plain => connection(site, stream).await,
        #[cfg(feature = "tls")]
        Channel::Tls(tls) => {
            // A client that does not believe us is what a test looks at on its side.
            if let Ok(stream) = tls.accept(stream).await {
                connection(site, stream).await;
            }
        }
    }
}

async fn connection(site: Arc<Site>, stream: impl AsyncRead + AsyncWrite + Unpin) {
    let service = service_fn(|request| answer(&site, request));
    // How a connection ends is the client's business, and what a test looks at there.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(site: &Site, request: Request<Incoming>) -> Result<Response<Body>, NoAnswer> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| NoAnswer)?.to_bytes();
    let request = Received { method: parts.method, uri: parts.uri, headers: parts.headers, body };
    let Reply { after, ending, status, headers, body, pieces, gate } = site.answer(request);
    if let Some(mut gate) = gate {
        // It fails when the expectation is gone, and nobody can hold it any more.
        let _ = gate.wait_for(|open| *open).await;
    }
    site.clock.sleep(after).await;
    match ending {
        Ending::Answer => {}
        Ending::Cut => return Err(NoAnswer),
        Ending::Silence => pending().await,
    }
    let body = match pieces {
        None => http_body_util::Full::new(body).boxed_unsync(),
        Some((bytes, pause)) => slow(body, bytes, pause, site.clock.clone()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().extend(headers);
    Ok(response)
}

fn slow(body: Bytes, bytes: usize, pause: std::time::Duration, clock: Clock) -> Body {
    let pieces = stream::unfold((body, clock), move |(mut left, clock)| async move {
        if left.is_empty() {
            return None;
        }
        clock.sleep(pause).await;
        let piece = left.split_to(bytes.min(left.len()));
        Some((Ok(Frame::data(piece)), (left, clock)))
    });
    StreamBody::new(pieces).boxed_unsync()
}
