//! Who calls, whatever the transport.
//!
//! A server that has secured routes or methods needs an [`Authenticator`], which finds out who sent
//! a request. [`JwtModule`] gives one that checks JSON Web Tokens:
//!
//! ```
//! # extern crate purlin_core as purlin;
//! use purlin::app::App;
//! use purlin_auth::JwtModule;
//! use purlin_http::{HttpModule, Principal, Routes, get};
//!
//! fn routes() -> Routes {
//!     Routes::new().secured("/me", get(whoami).requires("profile:read"))
//! }
//!
//! async fn whoami(caller: Principal) -> String {
//!     caller.subject
//! }
//!
//! # fn main() {
//! let app = App::builder()
//!     .set("jwt.jwks_url", "https://id.internal/.well-known/jwks.json")
//!     .set("jwt.issuer", "https://id.example")
//!     .set("jwt.audience", ["orders"])
//!     .module(JwtModule)
//!     .module(HttpModule::new(routes));
//! # app.validate().unwrap();
//! # }
//! ```
//!
//! # Where to find what
//! - [`Authenticator`], [`Principal`], [`AuthError`]: what servers and ways to authenticate share;
//! - [`jwt`]: JSON Web Tokens, and all that is refused.
//!
//! # Features
//! - `jwt` (default): the module for tokens;
//! - `tls`: keys that are fetched from `https` addresses;
//! - `axum`: a handler takes a [`Principal`] as an argument. `purlin-http` turns it on.

extern crate purlin_core as purlin;

mod authenticator;
#[cfg(feature = "axum")]
mod extract;
#[cfg(feature = "jwt")]
pub mod jwt;
mod principal;

#[cfg(feature = "axum")]
pub use self::extract::NoPrincipal;
#[cfg(feature = "jwt")]
pub use self::jwt::{JwtConfig, JwtModule};
pub use self::{
    authenticator::{AuthError, Authenticator},
    principal::Principal,
};
