//! Who calls: what stands behind a secured route.
//!
//! The types are those of `purlin-auth`, which other transports use as well. Its `JwtModule` gives
//! an authenticator that checks JSON Web Tokens.

pub use purlin_auth::{AuthError, Authenticator, NoPrincipal, Principal};
