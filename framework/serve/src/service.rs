use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use bytes::{Buf, Bytes};
use http::{
    Extensions, HeaderValue, Request, Response, StatusCode, Version,
    header::{CONNECTION, TRANSFER_ENCODING},
};
use http_body::{Body, Frame, SizeHint};
use hyper::{body::Incoming, upgrade::OnUpgrade};
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

/// Marks a request that came over TLS; an extension of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OverTls;

/// The certificates that the client showed, its own first; an extension of every request where the
/// server asks for them and the client has some.
///
/// They are of an authority that the server believes: others do not get as far as a request.
#[cfg(feature = "tls")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificates(pub Arc<[purlin_tls::CertificateDer<'static>]>);

/// The user's service as hyper calls it: requests are counted while they are in flight, and their
/// responses close the connection while the server drains. What hyper lets through and should not
/// reach anybody is refused.
pub(crate) struct Counting<S> {
    pub(crate) service: S,
    /// What each request gets: who the client is.
    pub(crate) extensions: Extensions,
    pub(crate) track: Arc<Track>,
}

pin_project! {
    pub(crate) struct Answer<S: tower::Service<Request<RequestBody>>> {
        #[pin]
        call: Call<S>,
        version: Version,
        in_flight: Option<InFlight>,
    }
}

pin_project! {
    #[project = CallProjection]
    enum Call<S: tower::Service<Request<RequestBody>>> {
        Begun { #[pin] response: S::Future },
        // When the service is ready.
        Due { #[pin] response: Oneshot<S, Request<RequestBody>> },
        Refused { status: StatusCode },
    }
}

pin_project! {
    // A response body that keeps its request in flight; hyper drops it at its end. A refusal has
    // none.
    pub(crate) struct Counted<B> {
        #[pin]
        body: Option<B>,
        // What is still to be handed out of a large piece.
        rest: Bytes,
        in_flight: InFlight,
    }
}

/// The most that is handed out at a time in HTTP/2. Hyper takes a piece of any size while there is
/// room for a byte of it, and only with the next is it seen that the client has taken this one.
const PIECE: usize = 16 * 1024;

// === impl Counting ===

impl<S, B> hyper::service::Service<Request<Incoming>> for Counting<S>
where
    S: tower::Service<Request<RequestBody>, Response = Response<B>, Error = Infallible> + Clone,
{
    type Response = Response<Counted<B>>;
    type Error = Infallible;
    type Future = Answer<S>;

    fn call(&self, mut request: Request<Incoming>) -> Answer<S> {
        let refusal = self.refusal(&request);
        let in_flight = Some(self.track.begin_request());
        let version = request.version();
        if request.extensions().get::<OnUpgrade>().is_some() {
            self.track.offer_upgrade();
        }
        request.extensions_mut().extend(self.extensions.clone());
        let (head, body) = request.into_parts();
        let request = Request::from_parts(head, RequestBody::new(body, &self.track));
        let call = match refusal {
            None => Call::new(self.service.clone(), request),
            Some(status) => Call::Refused { status },
        };
        Answer { call, version, in_flight }
    }
}

impl<S> Counting<S> {
    fn refusal(&self, request: &Request<Incoming>) -> Option<StatusCode> {
        let headers = request.headers();
        if request.version() >= Version::HTTP_2 {
            let too_many = headers.len() > self.track.terms.limits.max_headers;
            return too_many.then_some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        }
        let is_of_unknown_length = request.body().size_hint().exact().is_none();
        // Two lengths: whoever passed the request on may have believed the other one (RFC 9112, 6.1).
        let two_lengths =
            || headers.contains_key(TRANSFER_ENCODING) && self.track.declares_length();
        (is_of_unknown_length && two_lengths()).then_some(StatusCode::BAD_REQUEST)
    }
}

// === impl Call ===

impl<S: tower::Service<Request<RequestBody>, Error = Infallible>> Call<S> {
    /// Most services are always ready, and a request that is handed over at once need not be kept.
    ///
    /// In HTTP/2 it is kept until its own task calls the service, since a panic there is that of one
    /// request, and here of the connection.
    fn new(mut service: S, request: Request<RequestBody>) -> Self {
        if request.version() < Version::HTTP_2
            && service.poll_ready(&mut Context::from_waker(Waker::noop())).is_ready()
        {
            Self::Begun { response: service.call(request) }
        } else {
            Self::Due { response: service.oneshot(request) }
        }
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
        let mut response = match this.call.project() {
            CallProjection::Begun { response } => ready!(response.poll(cx))?.map(Some),
            CallProjection::Due { response } => ready!(response.poll(cx))?.map(Some),
            CallProjection::Refused { status } => {
                let mut response = Response::new(None);
                *response.status_mut() = *status;
                response
            }
        };
        let mut in_flight = this.in_flight.take().expect("an answer is polled until it is ready");
        // HTTP/2 has no such header, and an upgraded connection says `upgrade` in it.
        if in_flight.answer()
            && *this.version < Version::HTTP_2
            && response.status() != StatusCode::SWITCHING_PROTOCOLS
        {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(response.map(|body| Counted { body, rest: Bytes::new(), in_flight })))
    }
}

// === impl Counted ===

impl<B: Body> Body for Counted<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let in_flight = this.in_flight;
        if !this.rest.is_empty() {
            in_flight.offer(true);
            let piece = this.rest.split_to(this.rest.len().min(PIECE));
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let frame = match this.body.as_pin_mut() {
            Some(body) => body.poll_frame(cx),
            None => Poll::Ready(None),
        };
        in_flight.offer(frame.is_ready());
        frame.map_ok(|frame| {
            frame.map_data(|mut data| {
                let mut piece = data.copy_to_bytes(data.remaining());
                if piece.len() > PIECE && in_flight.is_http2() {
                    *this.rest = piece.split_off(PIECE);
                }
                piece
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        let rest = self.rest.len() as u64;
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}
