use std::{path::PathBuf, time::Duration};

use purlin::config::Config;

/// The part `tls` of a server's section.
#[derive(Debug, Clone, PartialEq, Eq, Config)]
pub struct ServerTlsConfig {
    /// File with the certificate, in PEM form, followed by those between it and its authority.
    /// Without it TLS is off.
    pub cert: Option<PathBuf>,
    /// File with the key of the certificate, in PEM form.
    pub key: Option<PathBuf>,
    /// File with authorities, in PEM form: a client has to show a certificate of one of them.
    pub client_ca: Option<PathBuf>,
    /// Whether a client without a certificate is refused, where `client_ca` is set.
    #[config(default = true)]
    pub client_required: bool,
    /// How often the files are looked at, to take what is new in them.
    #[config(default = "10s")]
    #[validate(range(min = "10ms", max = "24h"))]
    pub reload_every: Duration,
    /// How long before its end the log warns of a certificate.
    #[config(default = "14d")]
    #[validate(range(max = "365d"))]
    pub warn_before: Duration,
}

/// The part `tls` of a client's section.
#[derive(Debug, Clone, PartialEq, Eq, Config)]
pub struct ClientTlsConfig {
    /// Whether the authorities are believed that this machine believes.
    #[config(default = true)]
    pub system_roots: bool,
    /// File with authorities, in PEM form, that are believed too.
    pub ca: Option<PathBuf>,
    /// File with a certificate to show to servers that ask for one, in PEM form.
    pub cert: Option<PathBuf>,
    /// File with its key, in PEM form.
    pub key: Option<PathBuf>,
}

// === impl ServerTlsConfig ===

impl Default for ServerTlsConfig {
    fn default() -> Self {
        Self {
            cert: None,
            key: None,
            client_ca: None,
            client_required: true,
            reload_every: Duration::from_secs(10),
            warn_before: Duration::from_secs(14 * 24 * 3600),
        }
    }
}

// === impl ClientTlsConfig ===

impl Default for ClientTlsConfig {
    fn default() -> Self {
        Self { system_roots: true, ca: None, cert: None, key: None }
    }
}

#[cfg(test)]
mod tests {
    use purlin::config::{Inputs, Section, Settings};

    use super::*;

    /// A section of a server that has the part.
    #[derive(Debug, Config)]
    #[config(section = "shop")]
    struct Shop {
        #[config(nested)]
        tls: ServerTlsConfig,
        #[config(nested)]
        upstream: ClientTlsConfig,
    }

    #[test]
    fn the_defaults_are_those_of_the_types() {
        let section = Section::of::<Shop>("shop", None);
        let inputs = Inputs::of_variables([("SHOP_TLS_CERT", "/tls.crt")]);
        let (settings, problems) = Settings::load(inputs, std::slice::from_ref(&section));
        assert!(problems.is_empty(), "{problems:?}");
        let shop: Shop = settings.read(&section).unwrap();
        let cert = Some(PathBuf::from("/tls.crt"));
        assert_eq!(shop.tls, ServerTlsConfig { cert, ..ServerTlsConfig::default() });
        assert_eq!(shop.upstream, ClientTlsConfig::default());
    }
}
