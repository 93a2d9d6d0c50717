//! JSON Web Tokens ([RFC 7519]) as bearer tokens ([RFC 6750]).
//!
//! [`JwtModule`] gives an `Arc<dyn Authenticator>` that takes `Authorization: Bearer <token>`. One
//! of four settings says which keys sign:
//!
//! | setting | keys | algorithms |
//! |---|---|---|
//! | `jwt.secret` | one that is shared with whoever signs | HS256, HS384, HS512 |
//! | `jwt.public_key` | one public key in PEM | RS\*, PS\*, ES256, ES384, EdDSA, as the key allows |
//! | `jwt.jwks` | a set of public keys ([RFC 7517]) | as each key allows |
//! | `jwt.jwks_url` | the same, fetched and kept up to date | as each key allows |
//!
//! ```yaml
//! jwt:
//!   jwks_url: https://id.internal/.well-known/jwks.json
//!   jwks_tls: { ca: /etc/tls/ca.crt }   # believed besides what this machine believes
//!   issuer: https://id.example
//!   audience: [orders]
//!   permissions: scope                  # `.requires("orders:write")` looks here
//! ```
//! A key may lie in a file: `public_key: file:/run/secrets/jwt.pem`.
//!
//! # What is refused
//! Each of these is answered with the same 401, unless its key [may be a new one](#rotation). The reason is in the log at level debug, and in
//! [`metrics::TOKENS`].
//!
//! | token | `outcome` |
//! |---|---|
//! | longer than `jwt.max_token_size` | `too_large` |
//! | not three parts of base64url and JSON, two `Authorization` headers, a `crit` header | `malformed` |
//! | `alg: none`, an unknown algorithm, one outside of `jwt.algorithms` or of what the key allows | `algorithm` |
//! | a key id that no key has, or none where several keys suit | `unknown_key` |
//! | another key's signature, a changed token, an HMAC made with the public key | `signature` |
//! | expired, or without `exp` | `expired`, `claim` |
//! | not valid yet | `not_yet_valid` |
//! | of another issuer, for another audience | `issuer`, `audience` |
//! | without a required claim, or with one of the wrong type | `claim` |
//!
//! The algorithm is never the token's choice alone: each key is bound to the algorithms of its type,
//! so that a public key is never taken for a shared secret. Keys and addresses *in* a token (`jwk`,
//! `jku`, `x5u`, `x5c`) are ignored.
//!
//! # Time
//! `exp` and `nbf` are compared with the wall clock of the application's
//! [`Clock`](purlin::clock::Clock). `jwt.leeway` is the difference between clocks that is borne: a
//! token is taken for so long after its `exp`, and so long before its `nbf`.
//!
//! # Rotation
//! The set at `jwt.jwks_url` is fetched at start, which fails when it cannot be had; then every
//! `jwt.jwks_refresh`; and at once for a token of none of its keys, which is one that names another,
//! or that names none and was signed with none. That is at most once per `jwt.jwks_cooldown`, however
//! many such tokens come, and not for a token that no key could make good: one that has expired, say,
//! or is for others. Requests with such a token wait for the fetch that is under way; others go on
//! meanwhile.
//!
//! When a fetch fails, the old keys stay, the health check fails, and the log has one line, at warn.
//! A token of none of the keys is then answered with 503, with the rest of the cool-down as its
//! `Retry-After`, and not with 401: it may be good, and a client that is told that it is not throws it
//! away, and has its user log in anew. It counts as `unavailable`.
//!
//! A fetch is a call of `purlin-http-client`: an issuer that is unavailable is asked up to three times
//! within `jwt.jwks_timeout`, and it is in the client's metrics under the name of the section, `jwt`
//! or `jwt@partner`. The issuer is told nothing of the request that made it necessary, not even its
//! trace: it may be a stranger. An `https` address takes the feature `tls`; `jwt.jwks_tls` says whom is
//! believed.
//!
//! [RFC 7519]: https://www.rfc-editor.org/rfc/rfc7519
//! [RFC 7517]: https://www.rfc-editor.org/rfc/rfc7517
//! [RFC 6750]: https://www.rfc-editor.org/rfc/rfc6750

mod authenticator;
mod bearer;
mod claims;
mod config;
mod error;
mod health;
mod key;
mod key_set;
mod key_source;
pub mod metrics;
mod module;
mod remote;
mod signature;

pub use jsonwebtoken::Algorithm;

pub use self::{
    authenticator::JwtAuthenticator,
    config::JwtConfig,
    error::{SetupError, TokenError},
    module::JwtModule,
    remote::Refresher,
};
