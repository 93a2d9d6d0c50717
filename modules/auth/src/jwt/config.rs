//! Configuration.

use std::time::Duration;

use jsonwebtoken::Algorithm;
use purlin::config::{ByteSize, Config, Conflict, Secret};
use url::Url;

use super::key_source::KeySource;

/// Which tokens are taken. Exactly one of `secret`, `public_key`, `jwks` and `jwks_url` is set.
///
/// The section is `jwt`.
#[derive(Debug, Clone, Config)]
#[config(section = "jwt", check = JwtConfig::check)]
pub struct JwtConfig {
    /// Key that is shared with whoever signs, for HS256 (32 bytes or more), HS384 (48) and HS512
    /// (64).
    pub secret: Option<Secret<String>>,
    /// Public key in PEM: RSA of at least 2048 bits, EC on P-256 or P-384, or Ed25519.
    pub public_key: Option<String>,
    /// Public keys as a JSON Web Key Set, in JSON.
    pub jwks: Option<String>,
    /// Address of a JSON Web Key Set that is fetched and kept up to date.
    pub jwks_url: Option<Url>,
    /// Algorithms that are accepted; none means all that suit the key.
    #[config(default)]
    pub algorithms: Vec<Algorithm>,
    /// The only issuer (`iss`) whose tokens are taken.
    #[config(unset = "tokens of any issuer are taken, if the key is right")]
    pub issuer: Option<String>,
    /// A token's audience (`aud`) has to name one of these; with none, it must not name any.
    #[config(default)]
    pub audience: Vec<String>,
    /// Claims without which a token is refused.
    #[config(default = ["exp", "sub"])]
    pub required_claims: Vec<String>,
    /// The claim that lists the permissions: a list, or a text with spaces in between. One that
    /// begins with `/` is a JSON pointer: `/realm_access/roles`.
    #[config(default = "scope")]
    pub permissions: String,
    /// The difference between clocks that is borne in `exp` and `nbf`.
    #[config(default = "30s")]
    #[validate(range(max = "10m"))]
    pub leeway: Duration,
    /// The longest token that is looked at.
    #[config(default = "8KiB")]
    #[validate(range(min = "128B", max = "1MiB"))]
    pub max_token_size: ByteSize,
    /// How often the set at `jwks_url` is fetched anew.
    #[config(default = "10m")]
    #[validate(range(min = "1s", max = "30d"))]
    pub jwks_refresh: Duration,
    /// The least time between two fetches for the sake of an unknown key; 0 is none.
    #[config(default = "10s")]
    #[validate(range(max = "24h"))]
    pub jwks_cooldown: Duration,
    /// How long a fetch may take, with all of its attempts.
    #[config(default = "5s")]
    #[validate(range(min = "1ms", max = "10m"))]
    pub jwks_timeout: Duration,
    /// Whom is believed, and what is shown, where `jwks_url` is `https`.
    #[cfg(feature = "tls")]
    #[config(nested)]
    pub jwks_tls: purlin_tls::ClientTlsConfig,
}

// === impl JwtConfig ===

impl JwtConfig {
    /// Finds out whether one setting says which keys sign, whether these can be used, and whether
    /// they suit the algorithms. It fetches nothing.
    ///
    /// # Errors
    /// When not, with what to change.
    pub fn check(&self) -> Result<(), Conflict> {
        KeySource::of(self).map(drop)
    }
}

impl Default for JwtConfig {
    fn default() -> Self {
        Self {
            secret: None,
            public_key: None,
            jwks: None,
            jwks_url: None,
            algorithms: Vec::new(),
            issuer: None,
            audience: Vec::new(),
            required_claims: vec!["exp".to_owned(), "sub".to_owned()],
            permissions: "scope".to_owned(),
            leeway: Duration::from_secs(30),
            max_token_size: ByteSize::kib(8),
            jwks_refresh: Duration::from_secs(600),
            jwks_cooldown: Duration::from_secs(10),
            jwks_timeout: Duration::from_secs(5),
            #[cfg(feature = "tls")]
            jwks_tls: purlin_tls::ClientTlsConfig::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use purlin::config::{Inputs, Section, Settings};

    use super::*;

    #[test]
    fn the_defaults_are_the_same_with_and_without_an_application() {
        let section = Section::of::<JwtConfig>("jwt", None);
        let url = "http://id.internal/jwks.json";
        let inputs = Inputs::of_variables([("JWT_JWKS_URL", url)]);
        let (settings, problems) = Settings::load(inputs, std::slice::from_ref(&section));
        assert!(problems.is_empty(), "{problems:?}");
        let read: JwtConfig = settings.read(&section).unwrap();
        let made = JwtConfig { jwks_url: Some(url.parse().unwrap()), ..JwtConfig::default() };
        assert_eq!(format!("{read:?}"), format!("{made:?}"));
    }

    #[test]
    fn every_setting_has_a_variable() {
        let section = Section::of::<JwtConfig>("jwt", None);
        let inputs = Inputs::of_variables([
            ("JWT_ALGORITHMS", "RS256,EdDSA"),
            ("JWT_AUDIENCE", "orders,billing"),
            ("JWT_JWKS_URL", "http://id.internal/jwks.json"),
        ]);
        let (settings, problems) = Settings::load(inputs, std::slice::from_ref(&section));
        assert!(problems.is_empty(), "{problems:?}");
        let read: JwtConfig = settings.read(&section).unwrap();
        assert_eq!(read.algorithms, [Algorithm::RS256, Algorithm::EdDSA]);
        assert_eq!(read.audience, ["orders", "billing"]);
        assert_eq!(read.jwks_url.unwrap().path(), "/jwks.json");
    }
}
