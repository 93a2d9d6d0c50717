use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderName, HeaderValue, header::AUTHORIZATION};

use crate::{
    config::{AuthConfig, AuthKind},
    error::SetupError,
};

/// The header that says who the service is.
pub(crate) fn header(config: &AuthConfig) -> Result<Option<(HeaderName, HeaderValue)>, SetupError> {
    let missing = |what| SetupError::Auth { what, kind: config.kind };
    if config.kind == AuthKind::None {
        return match config.secret {
            Some(_) => Err(missing("`auth.secret` is set")),
            None => Ok(None),
        };
    }
    let secret = config.secret.as_ref().ok_or_else(|| missing("`auth.secret` is not set"))?;
    let secret = secret.expose();
    let (name, value) = match config.kind {
        AuthKind::None => return Ok(None),
        AuthKind::Bearer => (AUTHORIZATION, HeaderValue::try_from(format!("Bearer {secret}"))),
        AuthKind::Basic if config.user.is_empty() => {
            return Err(missing("`auth.user` is not set"));
        }
        AuthKind::Basic => (AUTHORIZATION, {
            let pair = BASE64_STANDARD.encode(format!("{}:{secret}", config.user));
            HeaderValue::try_from(format!("Basic {pair}"))
        }),
        AuthKind::ApiKey => {
            let name = HeaderName::try_from(&config.header);
            let name = name.map_err(|_| missing("`auth.header` is no name of a header"))?;
            (name, HeaderValue::try_from(secret.as_str()))
        }
    };
    let mut value = value.map_err(|_| missing("`auth.secret` cannot be in a header"))?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}
