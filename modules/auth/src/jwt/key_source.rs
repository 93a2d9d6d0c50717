//! Where the keys come from, by the configuration.

use jsonwebtoken::Algorithm;
use purlin::config::{Conflict, Secret};
use purlin_http_client::{HttpClientConfig, config::Propagate};
use url::Url;

use super::{
    config::JwtConfig,
    key::{Key, secret_bytes},
    key_set::KeySet,
};

/// Where the keys come from.
pub(super) enum KeySource<'a> {
    /// The configuration has them.
    Here(KeySet),
    /// They are fetched from an address.
    At(&'a Url),
}

// === impl KeySource ===

impl<'a> KeySource<'a> {
    /// Reads what the configuration says of keys; what it says wrongly, it says before the start.
    pub(super) fn of(config: &'a JwtConfig) -> Result<Self, Conflict> {
        let JwtConfig { secret, public_key, jwks, jwks_url, algorithms, .. } = config;
        let (field, source) = match (secret, public_key, jwks, jwks_url) {
            (Some(secret), None, None, None) => ("secret", of_secret(secret, algorithms)?),
            (None, Some(pem), None, None) => ("public_key", of_pem(pem, algorithms)?),
            (None, None, Some(json), None) => ("jwks", of_set(json, algorithms)?),
            (None, None, None, Some(url)) => {
                callable(url, config)?;
                ("jwks_url", Self::At(url))
            }
            _ => return Err(one_of(config)),
        };
        match algorithms.iter().find(|algorithm| !source.may_verify(**algorithm)) {
            None => Ok(source),
            Some(algorithm) => {
                let why = format!("the second does not verify {algorithm:?}");
                let fix = "remove it from the algorithms, or set the key that it needs";
                let conflict = Conflict::between(["algorithms", field], why, fix);
                // An address is worth to be shown, and a key is long.
                Err(match source {
                    Self::At(url) => shown(conflict, url),
                    Self::Here(_) => conflict.hiding(field),
                })
            }
        }
    }

    fn may_verify(&self, algorithm: Algorithm) -> bool {
        match self {
            Self::Here(keys) => keys.allows(algorithm),
            // A set of public keys has no secrets.
            Self::At(_) => secret_bytes(algorithm).is_none(),
        }
    }
}

/// How the keys at an address are fetched.
pub(super) fn client_config(url: &Url, config: &JwtConfig) -> HttpClientConfig {
    // What is asked for may have a query, and an address of a client has none.
    let mut origin = url.clone();
    origin.set_path("/");
    origin.set_query(None);
    origin.set_fragment(None);
    let mut client = HttpClientConfig::new(origin);
    client.connect_timeout = config.jwks_timeout;
    // What the keys are fetched for is not the issuer's to know: it may be a stranger.
    client.propagate = Propagate::None;
    #[cfg(feature = "tls")]
    client.tls.clone_from(&config.jwks_tls);
    client
}

fn of_secret<'a>(
    secret: &Secret<String>,
    allowed: &[Algorithm],
) -> Result<KeySource<'a>, Conflict> {
    let secret = secret.expose().as_bytes();
    let has = secret.len();
    for &algorithm in if allowed.is_empty() { &[Algorithm::HS256] } else { allowed } {
        if let Some(needs) = secret_bytes(algorithm)
            && has < needs
        {
            let why = format!("it has {has} bytes, and {algorithm:?} needs {needs}");
            let fix =
                format!("set a longer one, such as the output of `openssl rand -base64 {needs}`");
            return Err(Conflict::between(["secret"], why, fix));
        }
    }
    Ok(KeySource::Here(KeySet::one(Key::secret(secret), allowed)))
}

fn of_pem<'a>(pem: &str, allowed: &[Algorithm]) -> Result<KeySource<'a>, Conflict> {
    let key = Key::pem(pem).map_err(|why| {
        let fix = "set the public key that your issuer signs with; `file:/path` reads a file";
        // It may be a private one.
        Conflict::between(["public_key"], why, fix).hiding("public_key")
    })?;
    Ok(KeySource::Here(KeySet::one(key, allowed)))
}

fn of_set<'a>(json: &str, allowed: &[Algorithm]) -> Result<KeySource<'a>, Conflict> {
    let keys = KeySet::read(json.as_bytes(), allowed).map_err(|error| {
        let fix = "set the public keys of your issuer, or `jwks_url` to where it publishes them";
        // It may have a secret in it.
        Conflict::between(["jwks"], error.to_string(), fix).hiding("jwks")
    })?;
    Ok(KeySource::Here(keys))
}

fn callable(url: &Url, config: &JwtConfig) -> Result<(), Conflict> {
    if !url.username().is_empty() || url.password().is_some() {
        let why = "it has a user or a password, and addresses are in logs";
        let fix = "remove them: a set of public keys needs none";
        return Err(Conflict::between(["jwks_url"], why, fix).hiding("jwks_url"));
    }
    let client = client_config(url, config).check();
    client.map_err(|it| shown(Conflict::between(["jwks_url"], it.why(), it.fix()), url))
}

/// What is wrong where not exactly one setting says where the keys are.
fn one_of(config: &JwtConfig) -> Conflict {
    let set = [
        ("secret", config.secret.is_some()),
        ("public_key", config.public_key.is_some()),
        ("jwks", config.jwks.is_some()),
        ("jwks_url", config.jwks_url.is_some()),
    ];
    let set: Vec<_> =
        set.into_iter().filter(|(_, is_set)| *is_set).map(|(field, _)| field).collect();
    if set.is_empty() {
        let why = "it is not set, and neither is `jwks`, `public_key` or `secret`: nothing says which keys sign";
        return Conflict::between(
            ["jwks_url"],
            why,
            "set the one of the four that your issuer offers",
        );
    }
    let fix = "keep the one that your issuer signs with, and remove the others";
    let conflict = Conflict::between(set, "each of them says which keys sign", fix);
    let conflict = conflict.hiding("public_key").hiding("jwks");
    config.jwks_url.iter().fold(conflict, shown)
}

/// A query may have a secret in it.
fn shown(conflict: Conflict, url: &Url) -> Conflict {
    if url.query().is_some() { conflict.hiding("jwks_url") } else { conflict }
}
