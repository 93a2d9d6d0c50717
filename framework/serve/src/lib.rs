//! Accept loops, limits and drain over hyper, under the admin server and purlin-http.
//!
//! A [`Server`] serves any cloneable tower service on a [`Listener`] until it is told to stop. It
//! hurries nobody then: its future ends with a [`DrainReport`] once the last connection has ended.
//!
//! ```
//! use std::{convert::Infallible, net::SocketAddr, time::Duration};
//!
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use purlin_core::clock::Clock;
//! use purlin_serve::{Listener, RequestBody, Server};
//! use tokio_util::sync::CancellationToken;
//!
//! async fn greet(_: Request<RequestBody>) -> Result<Response<Full<Bytes>>, Infallible> {
//!     Ok(Response::new(Full::from("hello")))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
//! let clock = Clock::system();
//! let stopping = CancellationToken::new();
//! # stopping.cancel();
//! let report = Server::new(listener, tower::service_fn(greet), clock.clone())
//!     .run(async {
//!         stopping.cancelled().await;
//!         clock.now() + Duration::from_secs(5) // the drain may take until then
//!     })
//!     .await?;
//! assert_eq!(report.to_string(), "0 connections closed, 0 requests finished");
//! # Ok(())
//! # }
//! ```
//!
//! # Who watches a connection
//! Every connection is one task, owned by the future of [`Server::run`]: whoever drops that future
//! ends them all. The task drives hyper and asks after each step which phase the connection is in:
//! fresh, in the middle of a request head, busy, or idle between two requests. Each phase has its
//! own patience ([`Limits`]), measured by the injected clock with one timer per connection. Hyper's
//! own header timeout is not used, since it also runs between two requests and so cannot be told
//! from an idle timeout; for the drain hyper cannot tell a fresh connection, which it cuts.
//!
//! The first bytes of a connection say whether it speaks HTTP/2. Then its requests are tasks of
//! their own, which the connection's task owns, and its frames are followed as far as it takes to
//! know when a head has begun and not ended: hyper has no timeout for that.
//!
//! # What is not here
//! Requests have no timeout here, and no error gets a problem document: both belong to the HTTP
//! layer above, which knows routes. A head that hyper cannot read is answered by hyper with an
//! empty 400, 414 or 431, and the connection is closed; one that comes too slowly or has two lengths
//! is answered here in the same way, with 408 and 400.

mod accept;
mod alarm;
mod body;
mod connection;
mod drain;
mod limits;
mod listener;
pub mod metrics;
mod server;
mod service;
mod stats;
mod tally;

#[cfg(feature = "tls")]
pub use self::service::PeerCertificates;
pub use self::{
    body::{ReadBodyError, RequestBody, SlowBodyError},
    drain::DrainReport,
    limits::{Http2Limits, Limits},
    listener::{BindError, ListenError, Listener, Listening},
    server::Server,
    service::{OverTls, PeerAddr},
    stats::{Cut, Stats},
    tally::Tally,
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
