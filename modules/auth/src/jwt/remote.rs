//! A set of keys that is fetched, and fetched again.
//!
//! One task owns all fetches after the first: the [`Refresher`]. A request with an unknown key asks
//! it and waits for its next attempt. So there is never more than one fetch at a time, no caller can
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
use purlin_http_client::{Broken, ErrorKind, HttpClient, HttpClientConfig, Response};
use tokio::sync::{Notify, watch};
use url::{Position, Url};

use super::{
    bearer::Token,
    config::JwtConfig,
    error::{SetupError, TokenError},
    key::Key,
    key_set::KeySet,
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
        url: &Url,
        config: &JwtConfig,
        clock: &Clock,
        meter: &Meter,
    ) -> Result<Self, SetupError> {
        let source = Source::new(url, config, clock, meter)?;
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

    /// The key that `token` was signed with, if it tells the truth; fetches anew where it names one
    /// that is not known.
    pub(super) async fn find(&self, token: &Token<'_>) -> Result<Arc<Key>, TokenError> {
        match self.keys.load().find(token) {
            Err(TokenError::UnknownKey(_)) if token.key_id.is_some() => {}
            found => return found,
        }
        let mut attempts = self.attempts.subscribe();
        if self.is_due() {
            self.demand.notify_one();
            // The refresher keeps to its own limit; the time on top is for a service that stops.
            let limit = self.source.timeout + Duration::from_secs(1);
            let _ = self.clock.timeout(limit, attempts.changed()).await;
        }
        let error = attempts.borrow().error.clone();
        match (self.keys.load().find(token), error) {
            (Err(TokenError::UnknownKey(_)), Some(error)) => {
                Err(TokenError::Unavailable(error.to_string()))
            }
            (found, _) => found,
        }
    }

    /// Whether the cool-down is over.
    fn is_due(&self) -> bool {
        self.clock.now() - self.attempts.borrow().at >= self.cooldown
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
        url: &Url,
        config: &JwtConfig,
        clock: &Clock,
        meter: &Meter,
    ) -> Result<Self, SetupError> {
        let mut shown = url.clone();
        // These fail for addresses that cannot have what they remove.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        shown.set_query(None);
        shown.set_fragment(None);
        if !url.username().is_empty() || url.password().is_some() {
            return Err(SetupError::Credentials(shown));
        }
        let mut origin = shown.clone();
        origin.set_path("/");
        let mut client = HttpClientConfig::new(origin);
        client.max_response = LONGEST;
        client.connect_timeout = config.jwks_timeout;
        // One limit is around all of it, whose message names the setting of this section.
        (client.guard.timeout, client.guard.deadline) = (Duration::ZERO, Duration::ZERO);
        // The cool-down says how often an issuer is asked that is down.
        client.guard.breaker.enabled = false;
        #[cfg(feature = "tls")]
        client.tls.clone_from(&config.jwks_tls);
        let http = HttpClient::builder("jwt").clock(clock.clone()).meter(meter.clone());
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
                () = keys.demand.notified() => if !keys.is_due() { continue },
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
