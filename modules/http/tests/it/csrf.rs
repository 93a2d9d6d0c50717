//! Requests that a browser sends on behalf of another site's page.

use purlin_http::{
    Options, Routes,
    config::{CorsConfig, CsrfConfig},
    routes::any,
};

use crate::support::{Answer, Running, start_with};

fn start_csrf(csrf: CsrfConfig, cors: CorsConfig) -> Running {
    let routes = Routes::new().public("/orders", any(async || "done"));
    start_with(routes, (), &Options { csrf, cors, ..Options::default() })
}

async fn status(app: &Running, method: &str, headers: &[(&str, &str)]) -> u16 {
    let request = app.request(method, "/orders");
    let request = headers.iter().fold(request, |it, (name, value)| it.header(*name, *value));
    let answer = Answer::of(request).await;
    if answer.status == 403 {
        let problem = answer.problem(403, "cross_origin");
        assert_eq!(problem["detail"], "the request comes from a page of another origin");
    }
    answer.status
}

#[tokio::test]
async fn pages_of_other_origins_cannot_change_anything() {
    let app = start_csrf(CsrfConfig::default(), CorsConfig::default());
    let own = format!("http://{}", app.addr);
    let same = app.addr.to_string();
    for method in ["POST", "PUT", "PATCH", "DELETE", "BREW"] {
        for (headers, expected) in [
            // A browser of today.
            (vec![("sec-fetch-site", "same-origin")], 200),
            (vec![("sec-fetch-site", "none")], 200),
            (vec![("sec-fetch-site", "cross-site")], 403),
            (vec![("sec-fetch-site", "same-site")], 403),
            (vec![("sec-fetch-site", "cross-site"), ("origin", &own)], 403),
            (vec![("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], 200),
            // What no browser says.
            (vec![("sec-fetch-site", "SAME-ORIGIN")], 403),
            (vec![("sec-fetch-site", "")], 403),
            (vec![("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], 403),
            // A browser of yesterday.
            (vec![("origin", &own)], 200),
            (vec![("origin", &format!("https://{same}"))], 200),
            (vec![("origin", "https://evil.example")], 403),
            (vec![("origin", "null")], 403),
            (vec![("origin", "")], 403),
            (vec![("origin", &format!("https://{same}.evil.example"))], 403),
            (vec![("origin", &format!("https://evil.example/{same}"))], 403),
            (vec![("origin", &same)], 403),
            (vec![("origin", &own), ("origin", "https://evil.example")], 403),
            // No browser at all.
            (vec![], 200),
        ] {
            assert_eq!(status(&app, method, &headers).await, expected, "{method} {headers:?}");
        }
    }
}

#[tokio::test]
async fn reading_is_left_alone_but_for_the_handshake_of_a_websocket() {
    let app = start_csrf(CsrfConfig::default(), CorsConfig::default());
    let foreign = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    for method in ["GET", "HEAD", "OPTIONS"] {
        assert_eq!(status(&app, method, &foreign).await, 200, "{method}");
    }
    for upgrade in ["websocket", "WebSocket"] {
        let handshake = [("connection", "upgrade"), ("upgrade", upgrade), foreign[0], foreign[1]];
        assert_eq!(status(&app, "GET", &handshake).await, 403);
        assert_eq!(status(&app, "GET", &handshake[..3]).await, 403);
    }
}

#[tokio::test]
async fn origins_that_are_named_are_trusted() {
    let shop = || vec!["https://shop.example".parse().unwrap()];
    let any = || vec!["*".parse().unwrap()];
    let (csrf, cors) = (CsrfConfig::default, CorsConfig::default);
    for (app, expected) in [
        (start_csrf(CsrfConfig { trusted_origins: shop(), ..csrf() }, cors()), 200),
        (start_csrf(csrf(), CorsConfig { origins: shop(), ..cors() }), 200),
        // Whom all may read from, not all may write to.
        (start_csrf(csrf(), CorsConfig { origins: any(), ..cors() }), 403),
        (start_csrf(CsrfConfig { enabled: false, ..csrf() }, cors()), 200),
    ] {
        let origin = ("origin", "https://shop.example");
        assert_eq!(status(&app, "POST", &[origin]).await, expected);
        assert_eq!(
            status(&app, "POST", &[origin, ("sec-fetch-site", "cross-site")]).await,
            expected
        );
    }
    let app = start_csrf(CsrfConfig { trusted_origins: shop(), ..csrf() }, cors());
    for origin in ["https://shop.example.evil.example", "http://shop.example", "null"] {
        assert_eq!(status(&app, "POST", &[("origin", origin)]).await, 403, "{origin}");
    }
    let two = [("origin", "https://shop.example"), ("origin", "https://evil.example")];
    assert_eq!(status(&app, "POST", &two).await, 403);
}
