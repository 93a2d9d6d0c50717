//! Connections, and what is exchanged over one.

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use crate::{
    config::HttpClientConfig,
    error::{Broken, SetupError},
};

#[cfg(feature = "tls")]
type Connector = hyper_rustls::HttpsConnector<HttpConnector>;
#[cfg(not(feature = "tls"))]
type Connector = HttpConnector;

/// The connections to an upstream: those in use, and those that are kept.
pub(crate) struct Transport {
    client: Client<Connector, Full<Bytes>>,
    max_response: usize,
}

/// The schemes that can be called.
pub(crate) const SCHEMES: &[&str] =
    if cfg!(feature = "tls") { &["http", "https"] } else { &["http"] };

// === impl Transport ===

impl Transport {
    pub(crate) fn new(
        config: &HttpClientConfig,
        now: std::time::SystemTime,
    ) -> Result<Self, SetupError> {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(config.connect_timeout));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(config.pool.idle_timeout)
            .pool_max_idle_per_host(config.pool.max_idle)
            .build(secured(connector, config, now)?);
        Ok(Self { client, max_response: config.max_response.as_usize() })
    }

    /// Sends a request, and reads the answer to its end.
    pub(crate) async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, Broken> {
        let answer = self.client.request(request).await.map_err(Broken::of)?;
        let (parts, body) = answer.into_parts();
        Ok(Response::from_parts(parts, self.read(body).await?))
    }

    async fn read(&self, mut body: Incoming) -> Result<Bytes, Broken> {
        let limit = self.max_response;
        let fits = |length: u64| usize::try_from(length).is_ok_and(|length| length <= limit);
        if !fits(body.size_hint().lower()) {
            return Err(Broken::TooLarge { limit });
        }
        let mut read = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Broken::Body(error.into()))?;
            let Ok(piece) = frame.into_data() else { continue };
            if read.len() + piece.len() > limit {
                return Err(Broken::TooLarge { limit });
            }
            read.extend_from_slice(&piece);
        }
        Ok(read.into())
    }
}

#[cfg(not(feature = "tls"))]
fn secured(
    connector: HttpConnector,
    _: &HttpClientConfig,
    _: std::time::SystemTime,
) -> Result<Connector, SetupError> {
    Ok(connector)
}

/// The connector, with TLS for addresses that ask for it.
#[cfg(feature = "tls")]
fn secured(
    mut connector: HttpConnector,
    config: &HttpClientConfig,
    now: std::time::SystemTime,
) -> Result<Connector, SetupError> {
    use purlin_tls::{provider, tokio_rustls::rustls};

    connector.enforce_http(false);
    let tls = match config.url.scheme() {
        "https" => purlin_tls::client_config(&config.tls, now)?,
        // Nothing is read, and nobody is believed, where nobody is asked.
        _ => rustls::ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring has both versions")
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth(),
    };
    let builder = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls);
    Ok(builder.https_or_http().enable_http1().wrap_connector(connector))
}

/// An address as the library wants it.
pub(crate) fn uri(url: &url::Url) -> Result<Uri, Box<str>> {
    Uri::try_from(url.as_str()).map_err(|error| format!("`{url}` is no address: {error}").into())
}
