use std::{error::Error, io, net::SocketAddr};

use purlin_serve::Listener;

#[test]
fn a_port_in_use_is_explained() {
    let first = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let addr = first.local_addr();
    let error = Listener::bind(addr).unwrap_err();
    assert_eq!(error.addr(), addr);
    assert_eq!(error.io().kind(), io::ErrorKind::AddrInUse);
    assert!(error.source().is_some());
    let port = addr.port();
    assert_eq!(
        error.to_string(),
        format!("address {addr} is in use, perhaps by another instance of this service")
    );
    assert_eq!(
        error.fix(),
        format!("stop its holder (`ss -ltnp 'sport = :{port}'` shows it), or choose another port")
    );
}

#[test]
fn a_foreign_address_is_explained() {
    // TEST-NET-1 (RFC 5737) belongs to no machine.
    let error = Listener::bind(SocketAddr::from(([192, 0, 2, 1], 0))).unwrap_err();
    assert!(error.to_string().contains("no interface of this machine has the address 192.0.2.1"));
}
