//! Where a server listens, and where a module keeps its data.
//!
//! Both are types of their own, so that a test harness finds every field of them and gives each a
//! free port and a throw-away directory.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The name under which a `Listen` announces itself to a deserializer.
pub(super) const LISTEN: &str = "purlin::Listen";

/// The name under which a `DataDir` announces itself to a deserializer.
pub(super) const DATA_DIR: &str = "purlin::DataDir";

/// The address a server binds: `8080`, `:8080`, `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`.
///
/// ```
/// use purlin_core::config::Listen;
///
/// let listen: Listen = "8080".parse().unwrap();
/// assert_eq!(listen.addr().to_string(), "127.0.0.1:8080");
/// ```
///
/// Without a host it is `127.0.0.1`, so that a service on a laptop is not offered to the network;
/// read from the configuration in a container, where nothing could reach that, it is `0.0.0.0`.
/// Port 0 asks the system for a free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Listen(SocketAddr);

/// The directory in which a module keeps its data.
///
/// ```
/// use purlin_core::config::DataDir;
///
/// let dir = DataDir::from("data");
/// assert_eq!(dir.join("orders.db").to_str(), Some("data/orders.db"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DataDir(PathBuf);

/// The text is not an address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address; write 8080, :8080, 127.0.0.1:8080 or [::1]:8080")]
pub struct NotAnAddress;

// === impl Listen ===

impl Listen {
    /// The address to bind.
    pub fn addr(&self) -> SocketAddr {
        self.0
    }

    /// Whether a server on one address keeps another from binding the other.
    ///
    /// Port 0 is never taken. A host of all zeros is every address of its family, and `[::]` those
    /// of IPv4 as well, as Linux has it unless `net.ipv6.bindv6only` is set.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let (one, two) = (self.0.ip().to_canonical(), other.0.ip().to_canonical());
        let covers = |all: IpAddr, one: IpAddr| match all {
            IpAddr::V4(all) => all.is_unspecified() && one.is_ipv4(),
            IpAddr::V6(all) => all.is_unspecified(),
        };
        self.0.port() == other.0.port()
            && self.0.port() != 0
            && (one == two || covers(one, two) || covers(two, one))
    }

    /// Reads an address; one without a host means `host`.
    pub(super) fn parse(text: &str, host: IpAddr) -> Result<Self, NotAnAddress> {
        let text = text.trim();
        if let Ok(addr) = text.parse() {
            return Ok(Self(addr));
        }
        let (host, port) = match text.rsplit_once(':') {
            None | Some(("", _)) => (host, text.trim_start_matches(':')),
            Some(("localhost", port)) => (Ipv4Addr::LOCALHOST.into(), port),
            Some(_) => return Err(NotAnAddress),
        };
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotAnAddress);
        }
        port.parse().map(|port| Self(SocketAddr::new(host, port))).map_err(|_| NotAnAddress)
    }
}

/// The host of an address that names none.
pub(super) fn default_host(in_container: bool) -> IpAddr {
    if in_container { Ipv4Addr::UNSPECIFIED.into() } else { Ipv4Addr::LOCALHOST.into() }
}

impl FromStr for Listen {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        Self::parse(text, default_host(false))
    }
}

impl From<SocketAddr> for Listen {
    fn from(addr: SocketAddr) -> Self {
        Self(addr)
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: String = super::de::newtype(LISTEN, deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Listen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

// === impl DataDir ===

impl DataDir {
    /// The directory.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A path below the directory.
    pub fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.0.join(path)
    }
}

impl<T: Into<PathBuf>> From<T> for DataDir {
    fn from(path: T) -> Self {
        Self(path.into())
    }
}

impl AsRef<Path> for DataDir {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for DataDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl<'de> Deserialize<'de> for DataDir {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::de::newtype::<PathBuf, _>(DATA_DIR, deserializer).map(Self)
    }
}

impl Serialize for DataDir {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_may_leave_out_the_host() {
        let cases = [
            ("8080", "127.0.0.1:8080"),
            (":8080", "127.0.0.1:8080"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:80", "[::1]:80"),
            ("localhost:80", "127.0.0.1:80"),
            ("127.0.0.1:0", "127.0.0.1:0"),
        ];
        for (text, addr) in cases {
            assert_eq!(
                text.parse::<Listen>().map(|listen| listen.to_string()),
                Ok(addr.to_owned())
            );
        }
        let all = Listen::parse("8080", default_host(true)).unwrap();
        assert_eq!(all.to_string(), "0.0.0.0:8080");
    }

    #[test]
    fn addresses_overlap_where_one_of_them_is_every_host() {
        let cases = [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("0.0.0.0:80", "127.0.0.1:80", true),
            ("0.0.0.0:80", "[::1]:80", false),
            ("[::]:80", "[::1]:80", true),
            ("[::]:80", "127.0.0.1:80", true),
            ("[::ffff:127.0.0.1]:80", "127.0.0.1:80", true),
        ];
        for (one, other, overlap) in cases {
            let [one, other]: [Listen; 2] = [one, other].map(|text| text.parse().unwrap());
            assert_eq!(one.overlaps(&other), overlap, "{one} {other}");
            assert_eq!(other.overlaps(&one), overlap, "{other} {one}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", ":", "http://x:80", "db.internal:80", "65536", "1.2.3.4", "-1", "+80", "::"]
        {
            assert_eq!(text.parse::<Listen>(), Err(NotAnAddress), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC*") {
            let _ = text.parse::<Listen>();
        }
    }
}
