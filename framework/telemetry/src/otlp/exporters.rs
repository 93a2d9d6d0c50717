//! Exporters of OTLP, over HTTP and over gRPC.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use http::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use opentelemetry_http::{Bytes, HttpClient, HttpError, hyper::HyperClient};
use opentelemetry_otlp::{
    ExporterBuildError, LogExporter, MetricExporter, SpanExporter, WithExportConfig,
    WithHttpConfig, WithTonicConfig,
    tonic_types::{
        metadata::MetadataMap,
        transport::{Certificate, ClientTlsConfig, Identity},
    },
};
use purlin_core::{
    async_trait,
    error::{Context as _, Result},
};
use purlin_tls::tokio_rustls::rustls::{ClientConfig, RootCertStore};
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
    ($exporter:ident, $target:expr, $now:expr) => {{
        let target: &Target = $target;
        match target.protocol {
            Protocol::Http => http(target, $now, |client, headers| {
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
            Protocol::Grpc => grpc(target, $now, |metadata, tls| {
                let builder = $exporter::builder()
                    .with_tonic()
                    .with_endpoint(&target.endpoint)
                    .with_timeout(target.timeout)
                    .with_metadata(metadata);
                let builder = match tls {
                    Some(tls) => builder.with_tls_config(tls),
                    None => builder,
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
pub(super) fn spans(target: &Target, now: SystemTime) -> Result<SpanExporter> {
    build!(SpanExporter, target, now).with_context(|| failed(Signal::Traces, target))
}

/// The exporter of metrics.
pub(super) fn metrics(target: &Target, now: SystemTime) -> Result<MetricExporter> {
    build!(MetricExporter, target, now).with_context(|| failed(Signal::Metrics, target))
}

/// The exporter of log records.
pub(super) fn logs(target: &Target, now: SystemTime) -> Result<LogExporter> {
    build!(LogExporter, target, now).with_context(|| failed(Signal::Logs, target))
}

fn failed(signal: Signal, target: &Target) -> String {
    let (signal, protocol) = (signal.name(), target.protocol.name());
    format!("set up the exporter of {signal} to {} by {protocol}", target.endpoint)
}

fn http<E>(
    target: &Target,
    now: SystemTime,
    build: impl FnOnce(Client, HashMap<String, String>) -> Result<E, ExporterBuildError>,
) -> Result<E> {
    let client = Client::new(target, now)?;
    let headers = target.headers.iter();
    let headers = headers.map(|(name, value)| Ok((name.to_string(), value.to_str()?.to_owned())));
    Ok(build(client, headers.collect::<Result<_>>()?)?)
}

fn grpc<E>(
    target: &Target,
    now: SystemTime,
    build: impl FnOnce(MetadataMap, Option<ClientTlsConfig>) -> Result<E, ExporterBuildError>,
) -> Result<E> {
    let tls = target.tls.as_ref().map(|files| for_tonic(files, now)).transpose()?;
    Ok(build(MetadataMap::from_headers(target.headers.clone()), tls)?)
}

/// What rustls is told of the files, once they are known to be sound.
fn for_rustls(files: &purlin_tls::ClientTlsConfig, now: SystemTime) -> Result<ClientConfig> {
    purlin_tls::client_config(files, now).context(
        "take `certificate` (`ca`), `client_certificate` (`cert`) and `client_key` (`key`) of \
         `otel.exporter.otlp`",
    )
}

/// What tonic is told of the files: it takes no configuration of rustls.
fn for_tonic(files: &purlin_tls::ClientTlsConfig, now: SystemTime) -> Result<ClientTlsConfig> {
    for_rustls(files, now)?;
    let mut tls = ClientTlsConfig::new();
    if files.system_roots {
        tls = tls.with_native_roots();
    }
    if let Some(ca) = &files.ca {
        tls = tls.ca_certificate(Certificate::from_pem(read(ca)?));
    }
    if let (Some(cert), Some(key)) = (&files.cert, &files.key) {
        tls = tls.identity(Identity::from_pem(read(cert)?, read(key)?));
    }
    Ok(tls)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

// === impl Client ===

impl Client {
    fn new(target: &Target, now: SystemTime) -> Result<Self> {
        /// The exporter has a deadline of its own; this one is for a request that hangs.
        const LONGEST: Duration = Duration::from_secs(3600);

        let tls = match &target.tls {
            Some(files) => for_rustls(files, now)?,
            // Nothing is read, and nobody is believed, where nobody is asked.
            None => ClientConfig::builder_with_provider(purlin_tls::provider())
                .with_safe_default_protocol_versions()?
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth(),
        };
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .build();
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
