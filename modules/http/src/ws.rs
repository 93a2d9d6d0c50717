//! WebSockets that end well when the service stops.
//!
//! The types have the names and the shape of axum's, so that a handler changes its import:
//!
//! ```
//! use axum::response::Response;
//! use purlin_http::ws::{WebSocket, WebSocketUpgrade};
//!
//! async fn chat(upgrade: WebSocketUpgrade) -> Response {
//!     upgrade.on_upgrade(async |mut socket: WebSocket| {
//!         while let Some(Ok(message)) = socket.recv().await {
//!             if socket.send(message).await.is_err() {
//!                 break;
//!             }
//!         }
//!     })
//! }
//! ```
//!
//! # At a stop
//! When the server begins to drain, the [`recv`](WebSocket::recv)
//! that is under way, or the next one, or the next [`send`](WebSocket::send) closes the socket with the status 1001:
//! the client is to connect again, to a replica that stays. What the client has sent before it
//! answers that is still received; then `recv` returns `None`. A handler that waits for something
//! else meanwhile selects between that and `recv`. What is open after `http.drain` is cut, and named
//! in the stop report.
//!
//! # Who may connect
//! Browsers apply no CORS to WebSockets, and send cookies with the handshake. Pages of other origins
//! are refused by `http.csrf`.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use axum::{
    extract::{FromRequestParts, ws},
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

pub use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, close_code};

use crate::{
    openapi::{Input, Operation},
    stream::{Drain, End, Origin, Tracker},
};

/// A request that asks for a WebSocket; an extractor.
#[derive(Debug)]
pub struct WebSocketUpgrade {
    inner: ws::WebSocketUpgrade,
    tracker: Option<Tracker>,
}

/// A WebSocket, from [`WebSocketUpgrade::on_upgrade`].
pub struct WebSocket {
    inner: ws::WebSocket,
    drain: Drain,
    begun: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_closing: bool,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    failed: AtomicBool,
}

// === impl WebSocketUpgrade ===

impl WebSocketUpgrade {
    /// Changes the settings of axum's: sizes of messages and buffers, protocols.
    /// ```
    /// # use axum::response::Response;
    /// # use purlin_http::ws::WebSocketUpgrade;
    /// async fn chat(upgrade: WebSocketUpgrade) -> Response {
    ///     let upgrade = upgrade.configure(|it| it.max_message_size(64 * 1024).protocols(["chat"]));
    ///     upgrade.on_upgrade(async |_socket| {})
    /// }
    /// ```
    #[must_use]
    pub fn configure(
        self,
        change: impl FnOnce(ws::WebSocketUpgrade) -> ws::WebSocketUpgrade,
    ) -> Self {
        Self { inner: change(self.inner), ..self }
    }

    /// Answers with the handshake, and calls `callback` with the socket.
    ///
    /// The socket is open for as long as the callback runs. It ends with the server at the latest.
    pub fn on_upgrade<C, F>(self, callback: C) -> Response
    where
        C: FnOnce(WebSocket) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let drain = self.tracker.as_ref().map(|it| it.streams.drain().clone()).unwrap_or_default();
        let mut tracking = self.tracker.as_ref().map(Tracker::track);
        let origin = Origin::current();
        self.inner.on_upgrade(move |inner| {
            let follow = async move {
                let counts = Arc::<Counts>::default();
                let socket = WebSocket::new(inner, &drain, counts.clone());
                let is_over = tokio::select! {
                    () = callback(socket) => true,
                    () = drain.cut() => false,
                };
                if let Some(tracking) = &mut tracking {
                    tracking.bytes = counts.sent.load(Ordering::Relaxed);
                    if is_over && !counts.failed.load(Ordering::Relaxed) {
                        tracking.end = End::Complete;
                    }
                }
            };
            origin.follow(follow)
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let inner = ws::WebSocketUpgrade::from_request_parts(parts, state).await;
        let inner = inner.map_err(IntoResponse::into_response)?;
        Ok(Self { inner, tracker: parts.extensions.get().cloned() })
    }
}

impl Input for WebSocketUpgrade {
    fn describe(operation: &mut Operation<'_>) {
        operation.response_of(StatusCode::SWITCHING_PROTOCOLS, None);
    }
}

// === impl WebSocket ===

impl WebSocket {
    fn new(inner: ws::WebSocket, drain: &Drain, counts: Arc<Counts>) -> Self {
        let begun = Box::pin(drain.begun());
        Self { inner, drain: drain.clone(), begun, is_closing: false, counts }
    }

    /// Waits for a message. `None` means that the socket is closed.
    ///
    /// It may be dropped and called again: no message is lost.
    ///
    /// # Errors
    /// When the connection fails, or what came over it is no WebSocket.
    pub async fn recv(&mut self) -> Option<Result<Message, axum::Error>> {
        if !self.is_closing {
            tokio::select! {
                biased;
                () = &mut self.begun => self.go_away().await,
                message = self.inner.recv() => return self.note(message),
            }
        }
        let message = self.inner.recv().await;
        self.note(message)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When the connection fails, or the socket is closed, which it is once the server drains.
    pub async fn send(&mut self, message: Message) -> Result<(), axum::Error> {
        let length = match &message {
            Message::Text(text) => text.as_str().len(),
            Message::Binary(data) | Message::Ping(data) | Message::Pong(data) => data.len(),
            Message::Close(_) => {
                self.is_closing = true;
                0
            }
        };
        self.counts.sent.fetch_add(length as u64, Ordering::Relaxed);
        if !self.is_closing && self.drain.has_begun() {
            self.go_away().await;
        }
        // Once it is closed it says so.
        self.inner.send(message).await
    }

    /// The protocol that was agreed on.
    pub fn protocol(&self) -> Option<&http::HeaderValue> {
        self.inner.protocol()
    }

    /// The socket of axum, which knows nothing of the drain: for `split`, beside a [`Drain`].
    pub fn into_inner(self) -> ws::WebSocket {
        self.inner
    }

    async fn go_away(&mut self) {
        self.is_closing = true;
        let reason = Utf8Bytes::from_static("the service is stopping");
        let close = Message::Close(Some(CloseFrame { code: close_code::AWAY, reason }));
        // If it cannot be sent, there is nobody to whom it would matter.
        let _ = self.inner.send(close).await;
    }

    fn note(
        &self,
        message: Option<Result<Message, axum::Error>>,
    ) -> Option<Result<Message, axum::Error>> {
        if matches!(message, Some(Err(_))) {
            self.counts.failed.store(true, Ordering::Relaxed);
        }
        message
    }
}

impl std::fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebSocket").field("is_closing", &self.is_closing).finish_non_exhaustive()
    }
}
