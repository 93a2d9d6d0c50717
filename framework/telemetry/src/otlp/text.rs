//! Values as the specification writes them in variables.

use std::{str::FromStr, time::Duration};

use serde::Deserialize;

/// A time, written as `10s`, or in milliseconds as `10000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Millis(Duration);

/// The address of a collector.
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

/// What becomes of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Exporter {
    /// It is sent.
    Otlp,
    /// It is not.
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
        let text = text.trim();
        let millis = text.parse().map(Duration::from_millis).ok();
        millis
            .or_else(|| humantime::parse_duration(text).ok())
            .map(Self)
            .ok_or("not a time; write 10s, or 10000 for milliseconds")
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

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of one signal, under the common one.
    pub(super) fn of(&self, signal: &str, protocol: Protocol) -> String {
        match protocol {
            Protocol::Http => format!("{}/v1/{signal}", self.0.trim_end_matches('/')),
            Protocol::Grpc => self.0.clone(),
        }
    }
}

impl FromStr for Endpoint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const NOT: &str = "no address of a collector; write http://collector:4318";
        let text = text.trim();
        // The specification lets an address for gRPC go without a scheme.
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: http::Uri = text.parse().map_err(|_| NOT)?;
        let known = matches!(uri.scheme_str(), Some("http" | "https"));
        if known && uri.host().is_some_and(|host| !host.is_empty()) {
            Ok(Self(text))
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

// === impl Exporter ===

impl FromStr for Exporter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "otlp" => Ok(Self::Otlp),
            "none" => Ok(Self::None),
            _ => Err("no known exporter; write otlp or none"),
        }
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

    /// The pairs of a text that must not be shown, without those that are none.
    pub(super) fn of_headers(text: &str) -> Vec<(String, String)> {
        text.split(',').filter_map(pair).collect()
    }
}

impl FromStr for Pairs {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let pairs = text.split(',').filter(|pair| !pair.trim().is_empty()).map(pair);
        pairs.collect::<Option<_>>().map(Self).ok_or("not a list; write name=value,name=value")
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

from_text!(Millis, Endpoint, Protocol, Compression, Exporter, Sampler, Propagators, Pairs);

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
        assert_eq!(endpoint.of("traces", Protocol::Grpc), "http://collector:4317");
        for text in ["", "http://", "ftp://collector", "http://a b"] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}
