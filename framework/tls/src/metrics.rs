//! What is measured of certificates.

purlin::metrics! {
    /// `server` is the section of the server that shows it.
    EXPIRY = Gauge "tls_certificate_expiry_seconds" ["server"] "s":
        "When the certificate of a server expires, in seconds since 1970.";
    /// `outcome` is `changed` or `refused`.
    RELOADS = Counter "tls_certificate_reloads_total" ["server", "outcome"] "":
        "New certificates that were found in their files, by what came of them.";
}
