//! Values as the specification writes them in variables.

use std::{ops::RangeInclusive, str::FromStr, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use purlin_core::config::Secret;
use serde::Deserialize;

/// A time from 1 ms to 24 h, written as `10s`, or in milliseconds as `10000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Millis(Duration);

/// The address of a collector: `http://collector:4318`. Without a scheme it is for TLS, unless
/// `insecure` is set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Endpoint(String);

/// How a collector is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Protocol {
    /// Protobuf over HTTP/1.1.
    Http,
    /// gRPC.
    Grpc,
}

/// How batches are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Compression {
    /// Not at all.
    None,
    /// By gzip.
    Gzip,
}

/// What becomes of spans: `otlp` or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TracesExporter(pub(super) Exporter);

/// What becomes of metrics: `otlp`, `prometheus`, which is `/metrics` and there in any case, both,
/// or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct MetricsExporter(pub(super) Exporter);

/// What becomes of log records: `otlp`, `console`, which is stdout and there in any case, both, or
/// `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct LogsExporter(pub(super) Exporter);

/// Whether a signal is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exporter {
    Otlp,
    None,
}

/// Which traces are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Sampler {
    pub(super) rule: Rule,
    /// Whether a caller who has decided is followed.
    pub(super) by_parent: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    All,
    None,
    Ratio,
}

/// How a trace is passed on to other services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Propagators {
    pub(super) trace: bool,
    pub(super) baggage: bool,
}

/// Names and values: `team=orders,tier=1`. Values are percent-encoded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Pairs(Vec<(String, String)>);

// === impl Millis ===

impl Millis {
    /// The time.
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Millis {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const BOUNDS: RangeInclusive<Duration> =
            Duration::from_millis(1)..=Duration::from_secs(24 * 3600);

        let text = text.trim();
        let millis = text.parse().map(Duration::from_millis).ok();
        let time = millis.or_else(|| humantime::parse_duration(text).ok());
        let time = time.ok_or("not a time; write 10s, or 10000 for milliseconds")?;
        if BOUNDS.contains(&time) { Ok(Self(time)) } else { Err("must be from 1ms to 24h") }
    }
}

// === impl Endpoint ===

impl Endpoint {
    /// Where the specification says that a collector is.
    pub(super) fn local(protocol: Protocol) -> Self {
        Self(match protocol {
            Protocol::Http => "http://localhost:4318".to_owned(),
            Protocol::Grpc => "http://localhost:4317".to_owned(),
        })
    }

    /// The address, with its scheme.
    pub(super) fn url(&self, insecure: bool) -> String {
        match (self.0.contains("://"), insecure) {
            (true, _) => self.0.clone(),
            (false, true) => format!("http://{}", self.0),
            (false, false) => format!("https://{}", self.0),
        }
    }

    /// The address of one signal, under the common one.
    pub(super) fn of(&self, signal: &str, protocol: Protocol, insecure: bool) -> String {
        let url = self.url(insecure);
        match protocol {
            Protocol::Http => format!("{}/v1/{signal}", url.trim_end_matches('/')),
            Protocol::Grpc => url,
        }
    }
}

impl FromStr for Endpoint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const NOT: &str = "no address of a collector; write http://collector:4318";
        let text = text.trim();
        // The specification lets an address for gRPC go without a scheme.
        let endpoint = Self(text.to_owned());
        let uri: http::Uri = endpoint.url(true).parse().map_err(|_| NOT)?;
        let known = matches!(uri.scheme_str(), Some("http" | "https"));
        if known && uri.host().is_some_and(|host| !host.is_empty()) {
            Ok(endpoint)
        } else {
            Err(NOT)
        }
    }
}

// === impl Protocol ===

impl Protocol {
    /// As the specification calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Http => "http/protobuf",
            Self::Grpc => "grpc",
        }
    }
}

impl FromStr for Protocol {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "http/protobuf" => Ok(Self::Http),
            "grpc" => Ok(Self::Grpc),
            _ => Err("no known protocol; write grpc or http/protobuf"),
        }
    }
}

// === impl Compression ===

impl FromStr for Compression {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "none" => Ok(Self::None),
            "gzip" => Ok(Self::Gzip),
            _ => Err("no known compression; write gzip or none"),
        }
    }
}

// === impl Exporter, and that of each signal ===

impl Exporter {
    /// Reads a list of exporters; `local` is the one that the signal has besides, always.
    fn parse(text: &str, local: Option<&str>) -> Option<Self> {
        let names: Vec<_> = text.split(',').map(str::trim).collect();
        if names == ["none"] {
            return Some(Self::None);
        }
        let known = |name: &str| name == "otlp" || Some(name) == local;
        let otlp = names.contains(&"otlp");
        names.into_iter().all(known).then_some(if otlp { Self::Otlp } else { Self::None })
    }
}

impl FromStr for TracesExporter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Exporter::parse(text, None)
            .map(Self)
            .ok_or("no exporter that spans have here; write otlp or none")
    }
}

impl FromStr for MetricsExporter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Exporter::parse(text, Some("prometheus"))
            .map(Self)
            .ok_or("no exporter that metrics have here; write otlp, prometheus, both, or none")
    }
}

impl FromStr for LogsExporter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Exporter::parse(text, Some("console"))
            .map(Self)
            .ok_or("no exporter that logs have here; write otlp, console, both, or none")
    }
}

// === impl Sampler ===

impl FromStr for Sampler {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (by_parent, rule) = match text.trim().strip_prefix("parentbased_") {
            Some(rule) => (true, rule),
            None => (false, text.trim()),
        };
        let rule = match rule {
            "always_on" => Rule::All,
            "always_off" => Rule::None,
            "traceidratio" => Rule::Ratio,
            _ => {
                return Err(
                    "no known sampler; write always_on, always_off or traceidratio, each perhaps \
                     with parentbased_ before it",
                );
            }
        };
        Ok(Self { rule, by_parent })
    }
}

// === impl Propagators ===

impl FromStr for Propagators {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut propagators = Self { trace: false, baggage: false };
        for name in text.split(',').map(str::trim) {
            match name {
                "tracecontext" => propagators.trace = true,
                "baggage" => propagators.baggage = true,
                "none" => {}
                other => {
                    return Err(format!(
                        "`{other}` is not known here; write tracecontext, baggage, or none"
                    ));
                }
            }
        }
        Ok(propagators)
    }
}

// === impl Pairs ===

impl Pairs {
    /// Each name with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn parse(text: &str) -> Option<Self> {
        let pairs = text.split(',').filter(|pair| !pair.trim().is_empty()).map(pair);
        pairs.collect::<Option<_>>().map(Self)
    }
}

/// The headers that a text stands for, if each of its pairs can be one.
pub(super) fn headers(text: &Secret<String>) -> Option<HeaderMap> {
    let pairs = Pairs::parse(text.expose())?;
    let headers = pairs.iter().map(|(name, value)| {
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::try_from(name).ok()?, value))
    });
    headers.collect()
}

impl FromStr for Pairs {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or("not a list; write name=value,name=value")
    }
}

fn pair(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let name = name.trim();
    (!name.is_empty()).then(|| (name.to_owned(), decoded(value.trim())))
}

/// Undoes percent-encoding; what is not encoded well stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Reads a type from the text of a variable or a file.
macro_rules! from_text {
    ($($type:ty),*) => {
        $(
            impl TryFrom<String> for $type {
                type Error = <Self as FromStr>::Err;

                fn try_from(text: String) -> Result<Self, Self::Error> {
                    text.parse()
                }
            }
        )*
    };
}

from_text!(
    Millis,
    Endpoint,
    Protocol,
    Compression,
    TracesExporter,
    MetricsExporter,
    LogsExporter,
    Sampler,
    Propagators,
    Pairs
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_percent_decoded() {
        for (text, meant) in
            [("a%20b", "a b"), ("100%", "100%"), ("%zz", "%zz"), ("%C3%A4", "ä"), ("%ff", "%ff")]
        {
            assert_eq!(decoded(text), meant, "{text}");
        }
    }

    #[test]
    fn an_address_for_grpc_may_go_without_a_scheme() {
        let endpoint: Endpoint = "collector:4317".parse().unwrap();
        assert_eq!(endpoint.of("traces", Protocol::Grpc, false), "https://collector:4317");
        assert_eq!(endpoint.of("traces", Protocol::Grpc, true), "http://collector:4317");
        for text in ["", "http://", "ftp://collector", "http://a b"] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}
