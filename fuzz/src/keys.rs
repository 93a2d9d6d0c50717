//! Sets of keys, as an issuer publishes them.

use std::{str, sync::LazyLock};

use purlin_auth::jwt::{JwtAuthenticator, JwtConfig};
use purlin_core::{clock::Clock, meter::Meter};
use tokio::runtime::Runtime;

use crate::runtime;

/// Most that may be said of a set, however many keys it has.
const LONGEST: usize = 8 * 1024;

/// Tokens with a signature of zeros (`{"alg":"RS256"}` and so on), which are of no key.
const UNSIGNED: [&str; 4] = [
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEiLCJleHAiOjk5OTk5OTk5OTl9.AAAA",
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEiLCJleHAiOjk5OTk5OTk5OTl9.AAAA",
    "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhZGEiLCJleHAiOjk5OTk5OTk5OTl9.AAAA",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEiLCJleHAiOjk5OTk5OTk5OTl9.AAAA",
];

/// A set of keys is read or refused, in a few words; none of its keys lets in what it has not signed.
pub fn jwks(data: &[u8]) {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(runtime);
    let Ok(text) = str::from_utf8(data) else { return };
    let config = JwtConfig { jwks: Some(text.to_owned()), ..JwtConfig::default() };
    let meter = Meter::noop();
    RUNTIME.block_on(async {
        match JwtAuthenticator::connect("jwt", &config, Clock::system(), &meter).await {
            Ok(keys) => {
                for token in UNSIGNED {
                    keys.verify(token).await.expect_err("nobody signed it");
                }
            }
            Err(error) => {
                let said = error.to_string();
                assert!(said.len() <= LONGEST, "{} bytes are said of it", said.len());
            }
        }
    });
}
