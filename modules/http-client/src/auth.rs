use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderName, HeaderValue, header::AUTHORIZATION};

use crate::{
    config::{AuthConfig, AuthKind},
    error::SetupError,
};

/// The header that says who the service is.
pub(crate) fn header(config: &AuthConfig) -> Result<Option<(HeaderName, HeaderValue)>, SetupError> {
    config.check().map_err(SetupError::Auth)?;
    let Some(secret) = &config.secret else { return Ok(None) };
    let secret = secret.expose();
    let (name, value) = match config.kind {
        AuthKind::None => return Ok(None),
        AuthKind::Bearer => (AUTHORIZATION, format!("Bearer {secret}")),
        AuthKind::Basic => {
            let pair = BASE64_STANDARD.encode(format!("{}:{secret}", config.user));
            (AUTHORIZATION, format!("Basic {pair}"))
        }
        AuthKind::ApiKey => {
            let name = HeaderName::try_from(&config.header).map_err(|_| SetupError::Header)?;
            (name, secret.clone())
        }
    };
    let mut value = HeaderValue::try_from(value).expect("what is sent was checked above");
    value.set_sensitive(true);
    Ok(Some((name, value)))
}
