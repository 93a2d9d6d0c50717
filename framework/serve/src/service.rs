use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Request, Response, StatusCode, Version, header::CONNECTION};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower::{ServiceExt, util::Oneshot};

use crate::{
    RequestBody,
    connection::{InFlight, Track},
};

/// The address of the client, an extension of every request.
///
/// Behind a proxy it is the proxy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PeerAddr(pub SocketAddr);

/// The user's service as hyper calls it: requests are counted while they are in flight, and their
/// responses close the connection while the server drains.
pub(crate) struct Counting<S> {
    pub(crate) service: S,
    pub(crate) peer: PeerAddr,
    pub(crate) max_body_bytes: usize,
    pub(crate) track: Arc<Track>,
}

pin_project! {
    pub(crate) struct Answer<S: tower::Service<Request<RequestBody>>> {
        #[pin]
        response: Oneshot<S, Request<RequestBody>>,
        version: Version,
        in_flight: Option<InFlight>,
    }
}

pin_project! {
    // A response body that keeps its request in flight; hyper drops it at its end.
    pub(crate) struct Counted<B> {
        #[pin]
        body: B,
        _in_flight: InFlight,
    }
}

// === impl Counting ===

impl<S, B> hyper::service::Service<Request<Incoming>> for Counting<S>
where
    S: tower::Service<Request<RequestBody>, Response = Response<B>, Error = Infallible> + Clone,
{
    type Response = Response<Counted<B>>;
    type Error = Infallible;
    type Future = Answer<S>;

    fn call(&self, request: Request<Incoming>) -> Answer<S> {
        let in_flight = Some(self.track.begin_request());
        let version = request.version();
        let mut request =
            request.map(|body| RequestBody::new(body, self.max_body_bytes, &self.track));
        request.extensions_mut().insert(self.peer);
        Answer { response: self.service.clone().oneshot(request), version, in_flight }
    }
}

// === impl Answer ===

impl<S, B> Future for Answer<S>
where
    S: tower::Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
{
    type Output = Result<Response<Counted<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.response.poll(cx))?;
        let mut in_flight = this.in_flight.take().expect("an answer is polled until it is ready");
        // HTTP/2 has no such header, and an upgraded connection says `upgrade` in it.
        if in_flight.answer().is_draining()
            && *this.version < Version::HTTP_2
            && response.status() != StatusCode::SWITCHING_PROTOCOLS
        {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(response.map(|body| Counted { body, _in_flight: in_flight })))
    }
}

// === impl Counted ===

impl<B: Body> Body for Counted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
