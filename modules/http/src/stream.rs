//! Answers that go on: streams, server-sent events, WebSockets, and how they end at a stop.
//!
//! A handler takes a [`Drain`] as an argument and ends its stream when it is told to:
//!
//! ```
//! use std::{convert::Infallible, time::Duration};
//! use axum::response::sse::{Event, KeepAlive, Sse};
//! use futures_util::{Stream, stream};
//! use purlin_http::stream::Drain;
//!
//! async fn prices(drain: Drain) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
//!     let prices = stream::pending(); // from wherever they come
//!     Sse::new(drain.end(prices)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
//! }
//! ```
//!
//! # At a stop
//! 1. Readiness goes off and, after the drain delay, the server begins to drain: every [`Drain`]
//!    says so. A stream that is wrapped by [`Drain::end`] ends after the item that is under way, and
//!    its answer is complete: an `EventSource` connects again, to a replica that stays. A
//!    [`WebSocket`](crate::ws::WebSocket) is closed with the status 1001.
//! 2. Streams that go on all the same are awaited, as any answer is, for `http.drain`.
//! 3. What is left then is cut, and the stop report names the routes of it.
//!
//! # What it belongs to
//! A stream goes on in the span of its request, with its trace and its correlation id: on the lines
//! that it logs, and in the calls that it makes, to the very end of it.
//!
//! # What is measured
//! The access log and the duration of a request are about the head of its answer. A stream has a
//! line of its own at its end, with the target `purlin_http::stream`, and metrics of its own:
//! [`ACTIVE_STREAMS`](crate::metrics::ACTIVE_STREAMS) and
//! [`STREAM_DURATION`](crate::metrics::STREAM_DURATION). A stream is a body whose length is not
//! known beforehand, or a WebSocket.

mod body;
mod drain;
mod origin;
mod track;

pub use self::drain::{Drain, UntilDrain};
pub(crate) use self::{
    body::Tracked,
    origin::Origin,
    track::{End, Streams, Tracker, Tracking},
};
