//! The section of a client.

use std::{fmt, time::Duration};

use http::{HeaderName, HeaderValue};
use purlin::config::{ByteSize, Config, Conflict, Secret};
use purlin_resilience::GuardConfig;
use serde::Deserialize;
use url::Url;

use crate::transport::SCHEMES;

/// How an upstream is called.
#[derive(Debug, Clone, Config)]
#[config(section = "http_client", check = HttpClientConfig::check)]
pub struct HttpClientConfig {
    /// The address in front of every path: `http://payments:8080/v1`.
    pub url: Url,
    /// How long a connection may take to be made, TLS not included.
    #[config(default = "2s")]
    #[validate(range(min = "1ms", max = "10m"))]
    pub connect_timeout: Duration,
    /// The largest answer that is read into memory.
    #[config(default = "8MiB")]
    #[validate(range(min = "1B", max = "1GiB"))]
    pub max_response: ByteSize,
    /// The `User-Agent`; by default the name of the section.
    #[validate(custom(function = is_header_value))]
    pub user_agent: Option<String>,
    /// Whether the service is unhealthy while the breaker is open.
    #[config(default = false)]
    pub health: bool,
    /// What the upstream is told of the request that is being answered: its `trace`, with the
    /// identifier of correlation; `all` of it, baggage included, for services that are trusted with
    /// what callers wrote into it; or `none`.
    #[config(default = "trace")]
    pub propagate: Propagate,
    /// How the service says who it is.
    #[config(nested)]
    pub auth: AuthConfig,
    /// The connections that are kept.
    #[config(nested)]
    pub pool: PoolConfig,
    /// Whom the client believes, and what it shows, where the address is `https`.
    #[cfg(feature = "tls")]
    #[config(nested)]
    pub tls: purlin_tls::ClientTlsConfig,
    /// Timeouts, retries, breaker and bulkhead.
    #[config(nested)]
    pub guard: GuardConfig,
}

/// What an upstream is told of the request that is being answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Propagate {
    /// Trace context, baggage and the identifier of correlation.
    All,
    /// The same without the baggage.
    #[default]
    Trace,
    /// Nothing.
    None,
}

/// How a service says who it is.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(check = AuthConfig::check)]
pub struct AuthConfig {
    /// What is sent: `none`, `bearer` (`secret`), `basic` (`user` and `secret`) or `api_key`
    /// (`secret`, in `header`).
    #[config(default = "none")]
    pub kind: AuthKind,
    /// The token, the password or the key.
    pub secret: Option<Secret<String>>,
    /// The user of `basic`.
    #[config(default)]
    pub user: String,
    /// The header of `api_key`.
    #[config(default = "x-api-key")]
    #[validate(custom(function = is_header_name))]
    pub header: String,
}

/// What a service sends to say who it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthKind {
    /// Nothing.
    #[default]
    None,
    /// `Authorization: Bearer` and a token.
    Bearer,
    /// `Authorization: Basic` with user and password.
    Basic,
    /// A key in a header of its own.
    #[serde(alias = "apikey")]
    ApiKey,
}

/// The connections that are kept.
#[derive(Debug, Clone, PartialEq, Eq, Config)]
pub struct PoolConfig {
    /// Most connections that are kept without a request; 0 keeps none.
    #[config(default = 32)]
    #[validate(range(max = 100_000))]
    pub max_idle: usize,
    /// How long a connection is kept without a request. Shorter than the upstream's own limit, a
    /// request does not meet a connection that is just being closed.
    #[config(default = "30s")]
    #[validate(range(min = "1ms", max = "24h"))]
    pub idle_timeout: Duration,
}

// === impl HttpClientConfig ===

impl HttpClientConfig {
    /// The configuration of a client of `url`, with every default.
    pub fn new(url: Url) -> Self {
        Self {
            url,
            connect_timeout: Duration::from_secs(2),
            max_response: ByteSize::mib(8),
            user_agent: None,
            propagate: Propagate::Trace,
            auth: AuthConfig::default(),
            health: false,
            pool: PoolConfig::default(),
            #[cfg(feature = "tls")]
            tls: purlin_tls::ClientTlsConfig::default(),
            guard: GuardConfig::default(),
        }
    }

    /// Finds out whether the address is one that can be called, with all of what else is set.
    ///
    /// # Errors
    /// When it is not, with what to change.
    pub fn check(&self) -> Result<(), Conflict> {
        const NO_TLS: &str =
            if cfg!(feature = "tls") { "" } else { "; https takes the feature `tls`" };
        let of_url = |why: &str, fix: &str| Err(Conflict::between(["url"], why, fix));
        if !self.url.username().is_empty() || self.url.password().is_some() {
            let why = "it has a user or a password, and addresses are in logs";
            return of_url(why, "say them in `auth`").map_err(|it| it.hiding("url"));
        }
        if self.url.query().is_some() || self.url.fragment().is_some() {
            let why = "it has a query or a fragment, and paths are appended to it";
            return of_url(why, "remove it").map_err(|it| it.hiding("url"));
        }
        if !SCHEMES.contains(&self.url.scheme()) || !self.url.has_host() {
            let fix = format!("write {}://host:port/path{NO_TLS}", SCHEMES.join(" or "));
            return of_url(&format!("nothing can be called at `{}`", self.url), &fix);
        }
        #[cfg(feature = "tls")]
        for (field, file) in
            [("tls.ca", &self.tls.ca), ("tls.cert", &self.tls.cert), ("tls.key", &self.tls.key)]
        {
            if file.is_some() && self.url.scheme() == "http" {
                let why = "files for TLS are set, and the address is spoken to without";
                let fix = "write https://, or remove the files";
                return Err(Conflict::between(["url", field], why, fix));
            }
        }
        Ok(())
    }
}

// === impl AuthConfig ===

impl AuthConfig {
    /// Finds out whether there is what `kind` sends.
    ///
    /// # Errors
    /// When there is not, with what to change.
    pub fn check(&self) -> Result<(), Conflict> {
        let Self { kind, secret, user, .. } = self;
        let (other, why, fix) = match (kind, secret) {
            (AuthKind::None, None) => return Ok(()),
            (AuthKind::None, Some(_)) => (
                "secret",
                "a secret is set, and nothing says how it is sent".to_owned(),
                "set `kind` to bearer, basic or api_key, or remove the secret",
            ),
            (kind, None) => (
                "secret",
                format!("{kind} sends a secret, and none is set"),
                "set the secret, or `kind` to none",
            ),
            (AuthKind::Basic, Some(_)) if user.is_empty() => {
                ("user", "basic sends a user, and none is set".to_owned(), "set the user")
            }
            (AuthKind::Basic, Some(_)) => return Ok(()),
            (kind, Some(secret)) if is_header_value(secret.expose()).is_err() => (
                "secret",
                format!("{kind} sends it in a header, which cannot have all of its characters"),
                "set it without the end of a line, for one",
            ),
            _ => return Ok(()),
        };
        Err(Conflict::between(["kind", other], why, fix))
    }
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            kind: AuthKind::None,
            secret: None,
            user: String::new(),
            header: "x-api-key".to_owned(),
        }
    }
}

// === impl Propagate ===

impl fmt::Display for Propagate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Trace => "trace",
            Self::None => "none",
        })
    }
}

// === impl AuthKind ===

impl fmt::Display for AuthKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Bearer => "bearer",
            Self::Basic => "basic",
            Self::ApiKey => "api_key",
        })
    }
}

// === impl PoolConfig ===

impl Default for PoolConfig {
    fn default() -> Self {
        Self { max_idle: 32, idle_timeout: Duration::from_secs(30) }
    }
}

fn is_header_name(name: &str) -> Result<(), &'static str> {
    HeaderName::try_from(name).map(drop).map_err(|_| "must be the name of a header")
}

fn is_header_value(value: &str) -> Result<(), &'static str> {
    HeaderValue::try_from(value).map(drop).map_err(|_| "must be what a header can have")
}

#[cfg(test)]
mod tests {
    use purlin::config::{Inputs, Problem, Section, Settings};

    use super::*;

    fn read(inputs: Inputs) -> Result<HttpClientConfig, String> {
        let section = Section::of::<HttpClientConfig>("http_client", None);
        let (settings, problems) = Settings::load(inputs, std::slice::from_ref(&section));
        if !problems.is_empty() {
            return Err(format!("{problems:?}"));
        }
        let said = |problems: Vec<Problem>| problems.iter().map(|it| format!("{it}\n")).collect();
        settings.read(&section).map_err(said)
    }

    #[test]
    fn the_defaults_are_the_same_with_and_without_an_application() {
        let url = "http://payments:8080/v1";
        let read = read(Inputs::of_variables([("HTTP_CLIENT_URL", url)])).unwrap();
        let made = HttpClientConfig::new(url.parse().unwrap());
        assert_eq!(format!("{read:?}"), format!("{made:?}"));
    }

    #[test]
    fn an_upstream_has_an_address() {
        assert!(read(Inputs::default()).is_err());
    }

    #[test]
    fn a_key_can_be_sent_in_a_header_of_its_own() {
        let config = read(Inputs::of_variables([
            ("HTTP_CLIENT_URL", "http://payments"),
            ("HTTP_CLIENT_AUTH_KIND", "apikey"),
            ("HTTP_CLIENT_AUTH_SECRET", "hunter2"),
            ("HTTP_CLIENT_AUTH_HEADER", "x-token"),
        ]));
        let auth = config.unwrap().auth;
        assert_eq!((auth.kind, auth.header.as_str()), (AuthKind::ApiKey, "x-token"));
    }

    /// What is said of a client of an upstream, with these set too.
    fn said(variables: &[(&'static str, &'static str)]) -> String {
        let url = ("HTTP_CLIENT_URL", "http://payments");
        let mut all = vec![url];
        all.extend(variables);
        read(Inputs::of_variables(all)).expect_err("it is not right")
    }

    #[test]
    fn what_is_sent_needs_its_secret() {
        assert_eq!(
            said(&[("HTTP_CLIENT_AUTH_KIND", "bearer")]),
            "\
`http_client.auth.kind` and `http_client.auth.secret` do not go together: bearer sends a secret, and none is set
  set        http_client.auth.kind = bearer (env HTTP_CLIENT_AUTH_KIND)
  fix        set the secret, or `kind` to none
"
        );
        assert_eq!(
            said(&[("HTTP_CLIENT_AUTH_SECRET", "hunter2")]),
            "\
`http_client.auth.kind` and `http_client.auth.secret` do not go together: a secret is set, and nothing says how it is sent
  set        http_client.auth.kind = none (default)
  set        http_client.auth.secret = [redacted] (env HTTP_CLIENT_AUTH_SECRET)
  fix        set `kind` to bearer, basic or api_key, or remove the secret
"
        );
        let secret = ("HTTP_CLIENT_AUTH_SECRET", "hunter2");
        let basic = said(&[("HTTP_CLIENT_AUTH_KIND", "basic"), secret]);
        assert!(basic.contains("`http_client.auth.user` do not go together"), "{basic}");
        let broken = ("HTTP_CLIENT_AUTH_SECRET", "hunter2\n");
        for kind in ["bearer", "api_key"] {
            let said = said(&[("HTTP_CLIENT_AUTH_KIND", kind), broken]);
            assert!(said.contains(&format!("{kind} sends it in a header")), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn what_no_header_can_have_is_told_with_its_place() {
        let said = said(&[
            ("HTTP_CLIENT_AUTH_HEADER", "x api key"),
            ("HTTP_CLIENT_USER_AGENT", "orders\n"),
        ]);
        for text in [
            "env HTTP_CLIENT_AUTH_HEADER",
            "must be the name of a header",
            "env HTTP_CLIENT_USER_AGENT",
            "must be what a header can have",
        ] {
            assert!(said.contains(text), "no {text:?} in {said}");
        }
    }

    #[test]
    fn an_address_is_one_that_can_be_called() {
        for (url, why, fix) in [
            ("http://ada:hunter2@bank", "it has a user or a password", "say them in `auth`"),
            ("http://ada@bank", "it has a user or a password", "say them in `auth`"),
            ("http://bank/v1?key=hunter2", "it has a query or a fragment", "remove it"),
            ("ftp://bank", "nothing can be called at `ftp://bank/`", "write http"),
        ] {
            let said = read(Inputs::of_variables([("HTTP_CLIENT_URL", url)])).unwrap_err();
            let what = format!("`http_client.url` cannot be as it is: {why}");
            for text in [&*what, "env HTTP_CLIENT_URL", fix] {
                assert!(said.contains(text), "no {text:?} in {said}");
            }
            assert!(!said.contains("hunter2") && !said.contains("ada"), "{said}");
        }
    }

    #[cfg(feature = "tls")]
    #[test]
    fn files_for_tls_go_with_https() {
        assert_eq!(
            said(&[("HTTP_CLIENT_TLS_CA", "/etc/ca.pem")]),
            "\
`http_client.url` and `http_client.tls.ca` do not go together: files for TLS are set, and the address is spoken to without
  set        http_client.url = http://payments (env HTTP_CLIENT_URL)
  set        http_client.tls.ca = /etc/ca.pem (env HTTP_CLIENT_TLS_CA)
  fix        write https://, or remove the files
"
        );
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn https_takes_a_feature() {
        let said = read(Inputs::of_variables([("HTTP_CLIENT_URL", "https://bank")])).unwrap_err();
        assert!(said.contains("https takes the feature `tls`"), "{said}");
    }
}
