//! TLS for servers and clients: rustls, on ring, from files in PEM form.
//!
//! A [`ServerTls`] offers the certificate that a file holds, and takes a new one when the file
//! changes: nothing is restarted, and connections that are open keep what they were made with. What
//! it reads has to be sound as a whole (a certificate that is valid now, the key that belongs to it,
//! authorities that can be read), or the one before stays.
//!
//! ```no_run
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use purlin_core::clock::Clock;
//! use purlin_tls::{ServerTls, ServerTlsConfig};
//!
//! let config = ServerTlsConfig {
//!     cert: Some("/etc/tls/tls.crt".into()),
//!     key: Some("/etc/tls/tls.key".into()),
//!     ..ServerTlsConfig::default()
//! };
//! let tls = ServerTls::load(&config, &["h2", "http/1.1"], Clock::system())?.expect("it is on");
//! # let tcp: tokio::net::TcpStream = unimplemented!();
//! let stream = tls.acceptor().accept(tcp).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Where to find what
//! - [`ServerTls`], its section [`ServerTlsConfig`], and [`CertificateWatch`], which reloads it;
//! - [`client_config`] and its section [`ClientTlsConfig`]: whom a client believes, and what it shows;
//! - [`TlsError`]: what can be wrong with the files, each naming the file and what to change;
//! - [`provider`]: ring, handed to rustls by name, so that no other crate's choice matters;
//! - [`metrics`]: when a certificate expires, and what came of reloading it.

extern crate purlin_core as purlin;

mod authorities;
mod client;
mod config;
mod error;
mod identity;
pub mod metrics;
mod provider;
mod server;
mod watch;

pub use rustls::pki_types::CertificateDer;
pub use tokio_rustls;

pub use self::{
    client::client_config,
    config::{ClientTlsConfig, ServerTlsConfig},
    error::TlsError,
    provider::{install_provider, provider},
    server::{Reload, ServerTls},
    watch::CertificateWatch,
};
