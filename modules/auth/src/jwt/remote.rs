//! A set of keys that is fetched, and fetched again.
//!
//! One task owns all fetches after the first: the [`Refresher`]. A request with a token of none of the
//! keys asks it and waits for its next attempt. So there is never more than one fetch at a time, no caller can
//! cancel one by hanging up, and the cool-down has one place.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use jsonwebtoken::Algorithm;
use purlin::{
    async_trait,
    clock::{Clock, Instant},
    config::ByteSize,
    error::{Context as _, Error, Result, anyhow},
    meter::Meter,
    runnable::{RunCx, Runnable},
};
use purlin_http_client::{Broken, ErrorKind, HttpClient, Response};
use tokio::sync::{Notify, watch};
use url::{Position, Url};

use super::{
    bearer::Token,
    config::JwtConfig,
    error::{SetupError, TokenError},
    key::secret_bytes,
    key_set::KeySet,
    key_source::client_config,
    metrics::{KEY_FETCHES, Outcomes},
};

/// Keeps the keys of a [`JwtAuthenticator`](super::JwtAuthenticator) up to date.
#[derive(Debug, Clone)]
pub struct Refresher(Arc<RemoteKeys>);

/// A set of keys that is fetched.
#[derive(Debug)]
pub(super) struct RemoteKeys {
    source: Source,
    every: Duration,
    cooldown: Duration,
    clock: Clock,
    keys: ArcSwap<KeySet>,
    attempts: watch::Sender<Attempt>,
    demand: Notify,
    fetches: Outcomes,
}

/// Where keys come from, and which are taken.
#[derive(Debug)]
struct Source {
    http: HttpClient,
    /// What is asked for, which may have a secret in its query.
    path: String,
    /// The address without what may be secret in it.
    shown: Url,
    timeout: Duration,
    clock: Clock,
    allowed: Vec<Algorithm>,
}

/// The latest attempt to fetch.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    /// When it ended.
    pub(super) at: Instant,
    /// When one last succeeded.
    pub(super) fetched: Instant,
    /// Why this one did not.
    pub(super) error: Option<Arc<str>>,
}

/// A set of keys is some kilobytes; whoever sends this much is not the issuer.
const LONGEST: ByteSize = ByteSize::mib(1);

// === impl RemoteKeys ===

impl RemoteKeys {
    /// Fetches the keys for the first time.
    pub(super) async fn fetch(
        section: &str,
        url: &Url,
        config: &JwtConfig,
        clock: &Clock,
        meter: &Meter,
    ) -> Result<Self, SetupError> {
        let source = Source::new(section, url, config, clock, meter)?;
        let fetches = Outcomes::new(meter, &KEY_FETCHES);
        let keys = source.fetch().await;
        fetches.count(outcome(&keys));
        let failed = |error| SetupError::Fetch { url: source.shown.clone(), source: error };
        let (keys, now) = (keys.map_err(failed)?, clock.now());
        Ok(Self {
            source,
            every: config.jwks_refresh,
            cooldown: config.jwks_cooldown,
            clock: clock.clone(),
            keys: ArcSwap::from_pointee(keys),
            attempts: watch::Sender::new(Attempt { at: now, fetched: now, error: None }),
            demand: Notify::new(),
            fetches,
        })
    }

    /// Verifies that `token` was signed with one of the keys.
    pub(super) fn verify(&self, token: &Token<'_>) -> Result<(), TokenError> {
        self.keys.load().verify(token)
    }

    /// Whether the key of a token that was refused may be in a newer set. A token that names its key
    /// is not that of a newer one where there is one of that name.
    pub(super) fn may_know_better(&self, token: &Token<'_>, refused: &TokenError) -> bool {
        let is_open = token.key_id.is_none() || matches!(refused, TokenError::UnknownKey(_));
        is_open && self.source.takes(token.algorithm)
    }

    /// The same as [`verify`](Self::verify), after a fetch where one is due.
    pub(super) async fn verify_anew(&self, token: &Token<'_>) -> Result<(), TokenError> {
        let mut attempts = self.attempts.subscribe();
        if self.until_due().is_zero() {
            self.demand.notify_one();
            // The refresher keeps to its own limit; the time on top is for a service that stops.
            let limit = self.source.timeout + Duration::from_secs(1);
            let _ = self.clock.timeout(limit, attempts.changed()).await;
        }
        let error = attempts.borrow().error.clone();
        match (self.verify(token), error) {
            (Err(_), Some(error)) => {
                let retry_after = self.until_due();
                Err(TokenError::Unavailable { reason: error.to_string(), retry_after })
            }
            (verified, _) => verified,
        }
    }

    /// How long the cool-down still lasts.
    fn until_due(&self) -> Duration {
        self.cooldown.saturating_sub(self.clock.now() - self.attempts.borrow().at)
    }

    async fn refresh(&self) {
        let keys = self.source.fetch().await;
        self.fetches.count(outcome(&keys));
        let error = match keys {
            Ok(keys) => {
                self.keys.store(Arc::new(keys));
                None
            }
            Err(error) => {
                let error: Arc<str> = format!("{error:#}").into();
                tracing::warn!(url = %self.source.shown, error = &*error, "the keys could not be fetched anew; the old ones stay");
                Some(error)
            }
        };
        let at = self.clock.now();
        // The keys come first: whoever is woken by the attempt finds them.
        self.attempts.send_modify(|attempt| {
            let fetched = if error.is_none() { at } else { attempt.fetched };
            *attempt = Attempt { at, fetched, error };
        });
    }

    /// The latest attempt to fetch.
    pub(super) fn attempt(&self) -> Attempt {
        self.attempts.borrow().clone()
    }

    /// How long ago the keys were fetched.
    pub(super) fn age(&self) -> Duration {
        self.clock.now() - self.attempts.borrow().fetched
    }

    pub(super) fn len(&self) -> usize {
        self.keys.load().len()
    }

    /// The address, without what may be secret in it.
    pub(super) fn address(&self) -> &Url {
        &self.source.shown
    }
}

// === impl Source ===

impl Source {
    fn new(
        section: &str,
        url: &Url,
        config: &JwtConfig,
        clock: &Clock,
        meter: &Meter,
    ) -> Result<Self, SetupError> {
        let mut shown = url.clone();
        shown.set_query(None);
        shown.set_fragment(None);
        let mut client = client_config(url, config);
        client.max_response = LONGEST;
        // One limit is around all of it, whose message names the setting of this section.
        (client.guard.timeout, client.guard.deadline) = (Duration::ZERO, Duration::ZERO);
        // The cool-down says how often an issuer is asked that is down.
        client.guard.breaker.enabled = false;
        let http = HttpClient::builder(section).clock(clock.clone()).meter(meter.clone());
        let http = http.build(&client);
        Ok(Self {
            http: http
                .map_err(|error| SetupError::Client { url: shown.clone(), source: error.into() })?,
            path: url[Position::BeforePath..Position::AfterQuery].to_owned(),
            shown,
            timeout: config.jwks_timeout,
            clock: clock.clone(),
            allowed: config.algorithms.clone(),
        })
    }

    /// Whether a key of such a set can be for `algorithm`.
    fn takes(&self, algorithm: Algorithm) -> bool {
        secret_bytes(algorithm).is_none()
            && (self.allowed.is_empty() || self.allowed.contains(&algorithm))
    }

    async fn fetch(&self) -> Result<KeySet> {
        // A redirect is not followed: whoever can redirect could also replace the keys.
        let answer = self.clock.timeout(self.timeout, self.http.get(&self.path).send()).await;
        let answer = answer.context("no answer within `jwt.jwks_timeout`")?;
        let answer = answer.and_then(Response::success).map_err(said)?;
        Ok(KeySet::read(answer.body(), &self.allowed)?)
    }
}

// === impl Refresher ===

impl Refresher {
    pub(super) fn new(keys: Arc<RemoteKeys>) -> Self {
        Self(keys)
    }
}

#[async_trait]
impl Runnable for Refresher {
    async fn run(&self, cx: RunCx) -> Result<()> {
        let keys = &self.0;
        let mut tick = cx.interval(keys.every);
        cx.ready();
        loop {
            tokio::select! {
                next = tick.next() => if next.is_none() { return Ok(()) },
                // Who asked while the last fetch was under way has been served by it.
                () = keys.demand.notified() => if !keys.until_due().is_zero() { continue },
            }
            tokio::select! {
                () = cx.stopping() => return Ok(()),
                () = keys.refresh() => {}
            }
        }
    }
}

/// Why there is no answer, without the address, which is told beside it.
fn said(error: purlin_http_client::Error) -> Error {
    match &error.kind {
        ErrorKind::Guard(guard) if matches!(guard.inner(), Some(Broken::TooLarge { .. })) => {
            anyhow!("the answer is longer than {LONGEST}")
        }
        _ => anyhow!(error.kind),
    }
}

fn outcome<T>(outcome: &Result<T>) -> &'static str {
    if outcome.is_ok() { "ok" } else { "error" }
}
