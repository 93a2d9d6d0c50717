//! An issuer that publishes its keys.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Json, extract::State, http::StatusCode};
use purlin::app::App;
use purlin_http::{HttpModule, Routes, get};
use purlin_testing::TestApp;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::signer::Signer;

/// An issuer on a socket of its own.
pub(crate) struct Issuer {
    app: TestApp,
    site: Arc<Site>,
}

struct Site {
    answer: Mutex<(StatusCode, Value)>,
    asked: AtomicUsize,
    /// Each answer takes a permit, and gives it back.
    gate: Semaphore,
}

fn routes() -> Routes<Arc<Site>> {
    Routes::new().public("/jwks.json", get(jwks))
}

async fn jwks(State(site): State<Arc<Site>>) -> (StatusCode, Json<Value>) {
    site.asked.fetch_add(1, Ordering::SeqCst);
    let _open = site.gate.acquire().await.unwrap();
    let (status, body) = site.answer.lock().unwrap().clone();
    (status, Json(body))
}

// === impl Issuer ===

impl Issuer {
    pub(crate) async fn start(keys: &[&Signer]) -> Self {
        let site = Arc::new(Site {
            answer: Mutex::default(),
            asked: AtomicUsize::new(0),
            gate: Semaphore::new(1),
        });
        let module = HttpModule::new(routes);
        let app = TestApp::start(App::builder().supply(site.clone()).module(module)).await;
        let issuer = Self { app, site };
        issuer.publish(keys);
        issuer
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/jwks.json", self.app.http().base())
    }

    pub(crate) fn publish(&self, keys: &[&Signer]) {
        let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
        self.answer(StatusCode::OK, json!({ "keys": keys }));
    }

    pub(crate) fn answer(&self, status: StatusCode, body: Value) {
        *self.site.answer.lock().unwrap() = (status, body);
    }

    /// How often it was asked for its keys.
    pub(crate) fn asked(&self) -> usize {
        self.site.asked.load(Ordering::SeqCst)
    }

    /// Lets whoever asks wait, until [`open`](Self::open).
    pub(crate) async fn close(&self) {
        self.site.gate.acquire().await.unwrap().forget();
    }

    pub(crate) fn open(&self) {
        self.site.gate.add_permits(1);
    }
}
