use std::{
    convert::Infallible,
    future::{Ready, pending, ready},
    net::SocketAddr,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use purlin_core::clock::Clock;
use purlin_serve::{Listener, RequestBody, Server};
use tokio::task::JoinSet;

use crate::support::{Client, eventually};

/// A service that is ready once it has been opened.
#[derive(Clone, Default)]
struct Door(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    open: bool,
    waiting: Vec<Waker>,
}

impl Door {
    /// Whether somebody waits who can be woken.
    fn is_waited_at(&self) -> bool {
        let state = self.0.lock().unwrap();
        state.waiting.iter().any(|waker| !waker.will_wake(Waker::noop()))
    }

    fn open(&self) {
        let mut state = self.0.lock().unwrap();
        state.open = true;
        state.waiting.drain(..).for_each(Waker::wake);
    }
}

impl tower::Service<Request<RequestBody>> for Door {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        let mut state = self.0.lock().unwrap();
        if state.open {
            return Poll::Ready(Ok(()));
        }
        state.waiting.push(cx.waker().clone());
        Poll::Pending
    }

    fn call(&mut self, _: Request<RequestBody>) -> Self::Future {
        assert!(self.0.lock().unwrap().open, "called before it was ready");
        ready(Ok(Response::new(Full::from("come in"))))
    }
}

#[tokio::test]
async fn a_request_waits_until_the_service_is_ready() {
    let door = Door::default();
    let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let server = Server::new(listener, door.clone(), Clock::system());
    let addr = server.local_addr();
    let mut tasks = JoinSet::new();
    tasks.spawn(server.run(pending()));

    let mut client = Client::connect(addr).await;
    client.get("/").await;
    eventually("the request waits", || door.is_waited_at()).await;
    door.open();
    assert_eq!(client.answer().await.body, "come in");
}
