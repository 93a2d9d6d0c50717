//! Who is at the other end, behind proxies that are trusted to say so.

use std::{net::IpAddr, sync::Arc};

use axum::extract::Request;
use http::{HeaderMap, HeaderName};
use purlin_serve::PeerAddr;

use crate::config::Network;

/// Finds the address of a client.
#[derive(Clone)]
pub(super) struct Clients {
    trusted: Arc<[Network]>,
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

// === impl Clients ===

impl Clients {
    pub(super) fn new(trusted: &[Network]) -> Self {
        Self { trusted: trusted.into() }
    }

    /// The address from which the request comes, if it is known.
    pub(super) fn of(&self, request: &Request) -> Option<IpAddr> {
        let PeerAddr(peer) = request.extensions().get()?;
        Some(self.behind(peer.ip().to_canonical(), request.headers()))
    }

    /// Walks back along the proxies, as far as they are trusted: what lies beyond, a client may have
    /// made up.
    fn behind(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        if self.trusted.is_empty() {
            return client;
        }
        let values = headers.get_all(X_FORWARDED_FOR).iter().collect::<Vec<_>>();
        let hops =
            values.iter().rev().flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        for hop in hops {
            if !self.trusted.iter().any(|network| network.contains(client)) {
                break;
            }
            match address(hop) {
                Some(address) => client = address,
                None => break,
            }
        }
        client
    }
}

/// An address as proxies write it: with a port or without.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok();
    address
        .or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip()))
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(trusted: &[&str], peer: &str, forwarded: &[&'static str]) -> String {
        let trusted: Vec<_> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_static(value));
        }
        Clients::new(&trusted).behind(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let cases: &[(&[&str], &str, &[&str], &str)] = &[
            (&[], "9.9.9.9", &["1.1.1.1"], "9.9.9.9"),
            (&["10.0.0.0/8"], "9.9.9.9", &["1.1.1.1"], "9.9.9.9"),
            (&["10.0.0.0/8"], "10.0.0.1", &["1.1.1.1"], "1.1.1.1"),
            // What the client wrote itself stands to the left of what the proxy saw.
            (&["10.0.0.0/8"], "10.0.0.1", &["6.6.6.6, 1.1.1.1"], "1.1.1.1"),
            (&["10.0.0.0/8"], "10.0.0.1", &["6.6.6.6", "1.1.1.1, 10.0.0.2"], "1.1.1.1"),
            (&["10.0.0.0/8"], "10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&["10.0.0.0/8"], "10.0.0.1", &["1.1.1.1, nonsense"], "10.0.0.1"),
            (&["10.0.0.0/8"], "10.0.0.1", &["1.1.1.1:80"], "1.1.1.1"),
            (&["10.0.0.1"], "10.0.0.1", &["[2001:db8::1]:80"], "2001:db8::1"),
            (&["10.0.0.1"], "10.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
            (&["10.0.0.1"], "10.0.0.1", &["::ffff:1.1.1.1"], "1.1.1.1"),
        ];
        for (trusted, peer, forwarded, expected) in cases {
            assert_eq!(client(trusted, peer, forwarded), *expected, "{peer} {forwarded:?}");
        }
    }
}
