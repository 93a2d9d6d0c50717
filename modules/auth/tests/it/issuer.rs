//! An issuer that publishes its keys.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use purlin_testing::{Mock, MockServer, Received, Reply, When};
use serde_json::{Value, json};

use crate::signer::Signer;

/// An issuer on a socket of its own.
pub(crate) struct Issuer {
    server: MockServer,
    keys: Mock,
    answer: Arc<Mutex<Reply>>,
}

// === impl Issuer ===

impl Issuer {
    pub(crate) fn start(keys: &[&Signer]) -> Self {
        Self::on(MockServer::start(), keys)
    }

    pub(crate) fn on(server: MockServer, keys: &[&Signer]) -> Self {
        let answer = Arc::new(Mutex::new(Reply::status(404)));
        let published = answer.clone();
        let keys_of = move |_: &Received| published.lock().unwrap().clone();
        let issuer = Self { keys: server.mock(When::get("/jwks.json"), keys_of), server, answer };
        issuer.publish(keys);
        issuer
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/jwks.json", self.server.url())
    }

    pub(crate) fn publish(&self, keys: &[&Signer]) {
        let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
        self.answer(StatusCode::OK, &json!({ "keys": keys }));
    }

    pub(crate) fn answer(&self, status: StatusCode, body: &Value) {
        *self.answer.lock().unwrap() = Reply::status(status.as_u16()).json(body);
    }

    /// How often it was asked for its keys.
    pub(crate) fn asked(&self) -> usize {
        self.keys.calls()
    }

    /// What it was asked.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.keys.received()
    }

    /// Lets whoever asks wait, until [`open`](Self::open).
    pub(crate) fn close(&self) {
        self.keys.hold();
    }

    pub(crate) fn open(&self) {
        self.keys.release();
    }
}
