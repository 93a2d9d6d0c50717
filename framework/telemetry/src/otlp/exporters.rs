//! Exporters of OTLP, over HTTP and over gRPC.

use std::{collections::HashMap, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use opentelemetry_http::{Bytes, HttpClient, HttpError, hyper::HyperClient};
use opentelemetry_otlp::{
    ExporterBuildError, LogExporter, MetricExporter, SpanExporter, WithExportConfig,
    WithHttpConfig, WithTonicConfig,
    tonic_types::{metadata::MetadataMap, transport::ClientTlsConfig},
};
use purlin_core::{
    async_trait,
    error::{Context as _, Result},
};
use tokio::runtime::Handle;
use tokio_util::context::TokioContext;

use super::{
    Signal,
    config::Target,
    text::{Compression, Protocol},
};

/// The client that the exporters over HTTP share; their threads are not tokio's.
#[derive(Debug, Clone)]
struct Client {
    inner: HyperClient<HttpsConnector<HttpConnector>>,
    runtime: Handle,
}

/// Builds an exporter of one type; the SDK has a builder for each, and no trait over them.
macro_rules! build {
    ($exporter:ident, $target:expr) => {{
        let target: &Target = $target;
        match target.protocol {
            Protocol::Http => http(target, |client, headers| {
                let builder = $exporter::builder()
                    .with_http()
                    .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
                    .with_endpoint(&target.endpoint)
                    .with_timeout(target.timeout)
                    .with_http_client(client)
                    .with_headers(headers);
                match target.compression {
                    Compression::None => builder.build(),
                    Compression::Gzip => {
                        builder.with_compression(opentelemetry_otlp::Compression::Gzip).build()
                    }
                }
            }),
            Protocol::Grpc => grpc(target, |metadata| {
                let builder = $exporter::builder()
                    .with_tonic()
                    .with_endpoint(&target.endpoint)
                    .with_timeout(target.timeout)
                    .with_metadata(metadata);
                let builder = if target.endpoint.starts_with("https:") {
                    builder.with_tls_config(ClientTlsConfig::new().with_native_roots())
                } else {
                    builder
                };
                match target.compression {
                    Compression::None => builder.build(),
                    Compression::Gzip => {
                        builder.with_compression(opentelemetry_otlp::Compression::Gzip).build()
                    }
                }
            }),
        }
    }};
}

/// The exporter of spans.
pub(super) fn spans(target: &Target) -> Result<SpanExporter> {
    build!(SpanExporter, target).with_context(|| failed(Signal::Traces, target))
}

/// The exporter of metrics.
pub(super) fn metrics(target: &Target) -> Result<MetricExporter> {
    build!(MetricExporter, target).with_context(|| failed(Signal::Metrics, target))
}

/// The exporter of log records.
pub(super) fn logs(target: &Target) -> Result<LogExporter> {
    build!(LogExporter, target).with_context(|| failed(Signal::Logs, target))
}

fn failed(signal: Signal, target: &Target) -> String {
    let (signal, protocol) = (signal.name(), target.protocol.name());
    format!("set up the exporter of {signal} to {} by {protocol}", target.endpoint)
}

fn http<E>(
    target: &Target,
    build: impl FnOnce(Client, HashMap<String, String>) -> Result<E, ExporterBuildError>,
) -> Result<E> {
    let client = Client::new(target)?;
    Ok(build(client, target.headers.iter().cloned().collect())?)
}

fn grpc<E>(
    target: &Target,
    build: impl FnOnce(MetadataMap) -> Result<E, ExporterBuildError>,
) -> Result<E> {
    let mut headers = HeaderMap::new();
    for (name, value) in &target.headers {
        // The value may be a secret, and is not shown.
        let name: HeaderName =
            name.parse().with_context(|| format!("`{name}` is no name of a header"))?;
        let value = HeaderValue::from_str(value)
            .with_context(|| format!("the value of the header `{name}` cannot be sent"))?;
        headers.insert(name, value);
    }
    Ok(build(MetadataMap::from_headers(headers))?)
}

// === impl Client ===

impl Client {
    fn new(target: &Target) -> Result<Self> {
        /// The exporter has a deadline of its own; this one is for a request that hangs.
        const LONGEST: Duration = Duration::from_secs(3600);

        let tls = HttpsConnectorBuilder::new();
        let connector = if target.endpoint.starts_with("https:") {
            let ring = rustls::crypto::ring::default_provider();
            tls.with_provider_and_native_roots(ring)
                .context("read the certificates that this machine trusts")?
                .https_only()
                .enable_http1()
                .build()
        } else {
            let nothing = rustls::ClientConfig::builder_with_provider(
                rustls::crypto::ring::default_provider().into(),
            )
            .with_safe_default_protocol_versions()?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
            tls.with_tls_config(nothing).https_or_http().enable_http1().build()
        };
        let inner = HyperClient::new(connector, target.timeout.min(LONGEST), None);
        Ok(Self { inner, runtime: Handle::current() })
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        TokioContext::new(self.inner.send_bytes(request), self.runtime.clone()).await
    }
}
