use std::fmt::Write as _;

use axum::{extract::State, response::Html};

use crate::router::Admin;

/// The way to everything else, for whoever opens the port in a browser.
pub(crate) async fn index(State(admin): State<Admin>) -> Html<String> {
    let package = escape(&admin.info.package.to_string());
    let profile = escape(&admin.info.profile.to_string());
    let state = match admin.readiness.reasons() {
        reasons if reasons.is_empty() => "ready".to_owned(),
        reasons => format!("not ready: {}", escape(&reasons.join(", "))),
    };
    let mut items = String::new();
    for path in admin.paths() {
        let path = escape(&path);
        let about = about(&path).map_or_else(String::new, |about| format!(" — {about}"));
        let _ = writeln!(items, "    <li><a href=\"{path}\">{path}</a>{about}</li>");
    }
    Html(format!(
        "<!DOCTYPE html>\n\
         <html lang=\"en\">\n\
         <head>\n  \
           <meta charset=\"utf-8\">\n  \
           <meta name=\"viewport\" content=\"width=device-width\">\n  \
           <meta name=\"color-scheme\" content=\"light dark\">\n  \
           <title>{package}</title>\n\
         </head>\n\
         <body>\n\
         <main>\n  \
           <h1>{package}</h1>\n  \
           <p>Profile {profile}, {state}.</p>\n  \
           <ul>\n{items}  </ul>\n\
         </main>\n\
         </body>\n\
         </html>\n"
    ))
}

fn about(path: &str) -> Option<&'static str> {
    Some(match path {
        "/healthz" | "/live" => "whether the process lives",
        "/readyz" | "/ready" => "whether it wants traffic",
        "/health" => "every health check",
        "/metrics" => "metrics for Prometheus",
        "/graph" => "modules and what they need",
        "/config" => "the effective configuration and where it comes from",
        "/modules" => "modules and runnables with their state",
        "/loggers" => "levels of the log",
        "/leaders" => "leases and who holds them",
        "/routes" => "the routes of the service",
        "/openapi" => "the API of the service, as OpenAPI 3.1",
        "/jobs" => "scheduled jobs",
        "/debug/pprof" => "profiles of processors, heap and tasks",
        "/version" => "what is running",
        _ => return None,
    })
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}
