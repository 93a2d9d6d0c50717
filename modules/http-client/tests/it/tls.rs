//! Upstreams that speak TLS.

use std::path::PathBuf;

use purlin::{clock::Clock, error::ServiceError as _};
use purlin_http_client::HttpClient;
use purlin_testing::{Authority, MockServer, Reply, When};
use purlin_tls::ClientTlsConfig;
use serde_json::json;

use crate::support::config;

fn client(url: &str, ca: PathBuf) -> Result<HttpClient, String> {
    let mut config = config(url);
    config.tls =
        ClientTlsConfig { system_roots: false, ca: Some(ca), ..ClientTlsConfig::default() };
    let client = HttpClient::builder("bank").clock(Clock::system()).build(&config);
    client.map_err(|error| format!("{:#}", purlin::error::Error::from(error)))
}

#[tokio::test]
async fn who_is_believed_is_called() {
    let authority = Authority::new();
    let bank = MockServer::start_tls(&authority);
    bank.mock(When::get("/rates"), Reply::ok(&json!(7))).times(1);
    let client = client(&bank.url(), authority.ca()).unwrap();
    assert_eq!(client.get("/rates").fetch::<u64>().await.unwrap(), 7);
}

#[tokio::test]
async fn who_is_not_believed_is_sent_nothing() {
    let (authority, other) = (Authority::new(), Authority::new());
    let bank = MockServer::start_tls(&authority);
    let by_another_name = bank.url().replace("localhost", "127.0.0.1");
    for (url, ca) in [(bank.url(), other.ca()), (by_another_name, authority.ca())] {
        let error = client(&url, ca).unwrap().get("/rates").send().await.unwrap_err();
        let text = error.to_string();
        let told = "the connection could not be made: invalid peer certificate";
        assert!(text.contains(told), "{text}");
        assert_eq!(error.code(), purlin::error::Code::Unavailable);
    }
    assert_eq!(bank.received().len(), 0);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_found_at_start() {
    let error = client("https://localhost:9", "/nowhere/ca.pem".into()).unwrap_err();
    assert!(error.contains("/nowhere/ca.pem"), "{error}");
}
