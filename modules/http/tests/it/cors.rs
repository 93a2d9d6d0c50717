//! Pages of other origins.

use http::StatusCode;
use purlin_http::{
    Options, Routes,
    config::CorsConfig,
    routes::{get, options},
    service,
};

use crate::support::{Answer, Running, start_with};

fn config(origins: &[&str]) -> CorsConfig {
    let origins = origins.iter().map(|origin| origin.parse().unwrap()).collect();
    CorsConfig { origins, ..CorsConfig::default() }
}

fn routes() -> Routes {
    Routes::new()
        .public("/orders", get(async || "orders").post(async || "created"))
        .public("/refused", get(async || StatusCode::FORBIDDEN))
        .public("/asked", options(async || "my own"))
}

fn start_cors(cors: CorsConfig) -> Running {
    start_with(routes(), (), &Options { cors, ..Options::default() })
}

async fn from(app: &Running, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = app.request(method, path);
    Answer::of(headers.iter().fold(request, |it, (name, value)| it.header(*name, *value))).await
}

const PREFLIGHT: (&str, &str) = ("access-control-request-method", "POST");

#[tokio::test]
async fn a_page_that_is_named_may_call_and_read() {
    let app = start_cors(config(&["https://shop.example", "https://*.shop.example"]));
    for origin in ["https://shop.example", "https://eu.shop.example"] {
        let preflight = from(&app, "OPTIONS", "/orders", &[("origin", origin), PREFLIGHT]).await;
        assert_eq!(preflight.status, 200);
        assert_eq!(preflight.header("access-control-allow-origin"), origin);
        assert!(preflight.header("access-control-allow-methods").contains("POST"));
        assert!(preflight.header("access-control-allow-headers").contains("content-type"));
        assert_eq!(preflight.header("access-control-max-age"), "600");
        assert!(preflight.header("vary").contains("origin"));

        let answer = from(&app, "POST", "/orders", &[("origin", origin)]).await;
        assert_eq!(answer.text, "created");
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
    }
}

#[tokio::test]
async fn a_page_can_read_why_it_was_refused() {
    let app = start_cors(config(&["https://shop.example"]));
    let origin = ("origin", "https://shop.example");
    for path in ["/refused", "/nowhere"] {
        let answer = from(&app, "GET", path, &[origin]).await;
        assert_eq!(answer.header("access-control-allow-origin"), origin.1, "{path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
}

#[tokio::test]
async fn other_pages_are_told_nothing() {
    let app = start_cors(config(&["https://shop.example", "https://*.shop.example"]));
    for origin in [
        "https://evil.example",
        "https://shop.example.evil.example",
        "https://evilshop.example",
        "http://shop.example",
        "https://shop.example:8443",
        "https://shop.example/",
        "HTTPS://SHOP.EXAMPLE.",
        "null",
        "",
        "*",
    ] {
        for (method, headers) in
            [("OPTIONS", vec![("origin", origin), PREFLIGHT]), ("GET", vec![("origin", origin)])]
        {
            let answer = from(&app, method, "/orders", &headers).await;
            assert!(!answer.headers.contains_key("access-control-allow-origin"), "{origin:?}");
        }
    }
}

#[tokio::test]
async fn credentials_are_allowed_to_named_origins_only() {
    let shop = CorsConfig { credentials: true, ..config(&["https://shop.example"]) };
    let app = start_cors(shop.clone());
    let answer = from(&app, "GET", "/orders", &[("origin", "https://shop.example")]).await;
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    assert_eq!(answer.header("access-control-allow-origin"), "https://shop.example");

    let refused = |cors: CorsConfig| {
        let options = Options { cors, ..Options::default() };
        service(routes(), (), &options).unwrap_err().to_string()
    };
    let all = CorsConfig { credentials: true, ..config(&["https://shop.example", "*"]) };
    assert_eq!(
        refused(all),
        "`http.cors.origins` and `http.cors.credentials` do not go together: no browser takes the \
         origins `*` with credentials; name the origins, or set `credentials` to false"
    );
    let wild = || vec!["*".to_owned()];
    assert!(
        refused(CorsConfig { headers: wild(), ..shop.clone() }).contains("`http.cors.headers`")
    );
    assert!(
        refused(CorsConfig { methods: wild(), ..shop.clone() }).contains("`http.cors.methods`")
    );
    assert!(refused(CorsConfig { expose: wild(), ..shop }).contains("`http.cors.expose`"));
    let wrong = CorsConfig { headers: vec!["a b".to_owned()], ..config(&["*"]) };
    assert!(refused(wrong).contains("`http.cors.headers` has `a b`"));
}

#[tokio::test]
async fn every_page_may_be_allowed_without_credentials() {
    let app = start_cors(config(&["*"]));
    let answer = from(&app, "GET", "/orders", &[("origin", "https://any.example")]).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(!answer.headers.contains_key("access-control-allow-credentials"));
}

#[tokio::test]
async fn a_route_may_answer_options_itself() {
    let app = start_cors(config(&["https://shop.example"]));
    assert_eq!(from(&app, "OPTIONS", "/asked", &[]).await.text, "my own");
    let off = start_with(routes(), (), &Options::default());
    let answer =
        from(&off, "OPTIONS", "/orders", &[("origin", "https://a.example"), PREFLIGHT]).await;
    assert_eq!(answer.status, 405);
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}
