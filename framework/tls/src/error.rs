use std::{io, path::PathBuf};

/// What stands in the way of TLS, in which file, and what to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Of a certificate and its key, one is set.
    #[error("`{set}` is set and `{unset}` is not: a certificate and its key go together")]
    Half {
        /// The key that is set.
        set: &'static str,
        /// The key that is not.
        unset: &'static str,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{} is not in PEM form: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file has no certificate.
    #[error("{} holds no certificate: it should begin with `-----BEGIN CERTIFICATE-----`", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A file has no key.
    #[error("{} holds no private key: PKCS #8, PKCS #1 and SEC 1 can be read, encrypted keys cannot", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A certificate or a key cannot be used.
    #[error("{} cannot be used", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What rustls says of it.
        source: rustls::Error,
    },
    /// A key belongs to another certificate.
    #[error("the key in {} does not belong to the certificate in {}: replace both together", key.display(), cert.display())]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// A certificate is not valid now.
    #[error("the certificate in {} is valid from {from} to {until}, and now it is {now}", path.display())]
    NotValid {
        /// The file.
        path: PathBuf,
        /// When it begins to be valid.
        from: String,
        /// When it ceases to be.
        until: String,
        /// The time of this machine.
        now: String,
    },
    /// The authorities of this machine were asked for, and it has none.
    #[error(
        "this machine has no authorities that TLS could believe ({reason}): install ca-certificates, or set `ca`"
    )]
    NoSystemRoots {
        /// What was found instead.
        reason: String,
    },
    /// No authority is believed at all.
    #[error("`system_roots` is off and `ca` is not set: no server could be believed")]
    NoRoots,
}
