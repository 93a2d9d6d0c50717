use axum::{
    extract::FromRequestParts,
    http::{StatusCode, header, request::Parts},
};
use subtle::ConstantTimeEq as _;

use crate::{problem::Problem, router::Admin};

/// Proof that the caller has shown the token. A handler that changes something asks for it.
#[derive(Debug)]
pub(crate) struct Operator(());

// === impl Operator ===

impl FromRequestParts<Admin> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, admin: &Admin) -> Result<Self, Problem> {
        let Some(token) = &admin.token else {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "nothing can be changed here, because no token is configured: set `admin.token` \
                 (ADMIN_TOKEN) and send it as `Authorization: Bearer ..`",
            ));
        };
        let shown = parts.headers.get(header::AUTHORIZATION).map(|value| bearer(value.as_bytes()));
        match shown.flatten() {
            Some(shown) if bool::from(shown.ct_eq(token.expose().as_bytes())) => Ok(Self(())),
            Some(_) => Err(Problem::new(StatusCode::UNAUTHORIZED, "the token is wrong")),
            None => Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "send the token `admin.token` as `Authorization: Bearer ..`",
            )),
        }
    }
}

/// The token in an `Authorization` header; the scheme may be written in any case.
fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn a_bearer_token_is_found() {
        assert_eq!(bearer(b"bearer  abc "), Some(&b"abc"[..]));
        assert_eq!(bearer(b"Basic abc"), None);
        assert_eq!(bearer(b"Bearer"), None);
    }
}
