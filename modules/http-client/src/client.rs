use std::{fmt, sync::Arc};

use http::{HeaderName, HeaderValue, Method};
use purlin::{clock::Clock, entropy::Entropy, meter::Meter, needs::Handle};
use purlin_resilience::Guard;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::{
    auth,
    config::{HttpClientConfig, Propagate},
    error::SetupError,
    metrics::Instruments,
    request::Request,
    transport::Transport,
};

/// A client of one upstream.
///
/// ```no_run
/// # use serde::Deserialize;
/// # use purlin_http_client::{Error, HttpClient, HttpClientConfig};
/// # #[derive(Deserialize)] struct Rate { cents: u64 }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let config = HttpClientConfig::new("http://rates:8080".parse()?);
/// let rates = HttpClient::builder("rates").build(&config)?;
/// let rate: Rate = rates.get("/rates/eur").query(&[("on", "2026-11-21")]).fetch().await?;
/// # Ok(())
/// # }
/// ```
/// It is a handle; all clones share connections, guard and metrics. See the [crate] for what is
/// repeated, and what a request goes through.
#[derive(Clone)]
pub struct HttpClient(pub(crate) Arc<Inner>);

/// Makes an [`HttpClient`] without the framework; from [`HttpClient::builder`].
///
/// Clock and entropy are the system's unless they are given, and without a meter nothing is
/// measured.
#[derive(Debug, Clone)]
#[must_use = "it calls nothing until it is built"]
pub struct HttpClientBuilder {
    name: Arc<str>,
    clock: Clock,
    entropy: Entropy,
    meter: Meter,
}

pub(crate) struct Inner {
    pub(crate) name: Arc<str>,
    pub(crate) base: Url,
    pub(crate) transport: Transport,
    pub(crate) agent: HeaderValue,
    pub(crate) auth: Option<(HeaderName, HeaderValue)>,
    pub(crate) propagate: Propagate,
    pub(crate) clock: Clock,
    pub(crate) guard: Guard,
    pub(crate) instruments: Instruments,
    /// The requests in flight; closed when no further ones are taken.
    pub(crate) calls: TaskTracker,
}

// === impl HttpClient ===

impl HttpClient {
    /// Begins a client whose errors and metrics say `name`: the upstream, as operators call it.
    pub fn builder(name: impl Into<Arc<str>>) -> HttpClientBuilder {
        HttpClientBuilder {
            name: name.into(),
            clock: Clock::system(),
            entropy: Entropy::system(),
            meter: Meter::noop(),
        }
    }

    /// A `GET` of a path below the configured address.
    pub fn get(&self, path: impl AsRef<str>) -> Request {
        self.request(Method::GET, path)
    }

    /// A `POST`.
    pub fn post(&self, path: impl AsRef<str>) -> Request {
        self.request(Method::POST, path)
    }

    /// A `PUT`.
    pub fn put(&self, path: impl AsRef<str>) -> Request {
        self.request(Method::PUT, path)
    }

    /// A `PATCH`.
    pub fn patch(&self, path: impl AsRef<str>) -> Request {
        self.request(Method::PATCH, path)
    }

    /// A `DELETE`.
    pub fn delete(&self, path: impl AsRef<str>) -> Request {
        self.request(Method::DELETE, path)
    }

    /// A request of any method.
    pub fn request(&self, method: Method, path: impl AsRef<str>) -> Request {
        Request::new(self.clone(), method, path.as_ref())
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The configured address.
    pub fn url(&self) -> &Url {
        &self.0.base
    }

    /// What every request goes through.
    pub fn guard(&self) -> &Guard {
        &self.0.guard
    }

    /// How many requests are in flight.
    pub fn in_flight(&self) -> usize {
        self.0.calls.len()
    }

    /// Refuses further requests, and waits for those in flight.
    pub async fn close(&self) {
        self.0.calls.close();
        self.0.calls.wait().await;
    }
}

impl Handle for HttpClient {}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("name", &self.0.name)
            .field("url", &self.0.base.as_str())
            .field("guard", &self.0.guard)
            .finish_non_exhaustive()
    }
}

// === impl HttpClientBuilder ===

impl HttpClientBuilder {
    /// The time that guard and `Retry-After` go by. Sockets keep to real time.
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The chance in pauses.
    pub fn entropy(self, entropy: Entropy) -> Self {
        Self { entropy, ..self }
    }

    /// Where the [metrics](crate::metrics) go.
    pub fn meter(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// The client. It connects with the first request.
    ///
    /// # Errors
    /// [`SetupError`] when address or `auth` make no sense.
    pub fn build(self, config: &HttpClientConfig) -> Result<HttpClient, SetupError> {
        let Self { name, clock, entropy, meter } = self;
        config.check()?;
        let agent = config.user_agent.as_deref().unwrap_or(&name);
        let agent = HeaderValue::try_from(agent).map_err(|_| SetupError::UserAgent)?;
        let transport = Transport::new(config, clock.system_now())?;
        let calls = TaskTracker::new();
        let guard = Guard::builder(name.clone())
            .clock(clock.clone())
            .entropy(entropy)
            .meter(meter.clone())
            .config(&config.guard)
            .build();
        Ok(HttpClient(Arc::new(Inner {
            base: config.url.clone(),
            transport,
            agent,
            auth: auth::header(&config.auth)?,
            propagate: config.propagate,
            clock,
            guard,
            instruments: Instruments::new(&meter, name.clone(), &calls),
            name,
            calls,
        })))
    }
}
