//! The admin server of a Purlin application: health, metrics, graph, configuration.
//!
//! [`AdminModule`] belongs to the shell: the facade adds it, and it answers before the first module
//! starts until after the last one has stopped. It listens on a port of its own, on the loopback
//! interface unless it runs in a container, and it is never part of the public API.
//!
//! | path | what it shows |
//! |---|---|
//! | `/healthz`, `/live` | 200 while the process lives. The first path is `admin.health_path`. |
//! | `/readyz`, `/ready` | 200 while traffic is wanted, else 503 with the reasons |
//! | `/health` | every health check; 503 when one fails |
//! | `/metrics` | the metrics, for Prometheus; `?format=json` for one number each |
//! | `/graph` | modules and what they need; `?format=dot` and `?format=mermaid` |
//! | `/version`, `/config`, `/modules`, `/loggers`, `/leaders`, `/routes`, `/jobs` | the [pages](purlin_core::page) of the core |
//! | `/debug/pprof/profile`, `heap`, `tasks` | [profiles](#profiles); need the token `admin.token` |
//! | `/{page}` | every other page that a module registers |
//! | `POST /{page}/{action}` | acts on a page; needs the token `admin.token` |
//!
//! Answers are JSON, and errors are problem documents ([RFC 9457]). Nothing here can be cached, and
//! no secret is shown: pages get the configuration redacted.
//!
//! # Loopback by default
//! Whoever reaches the port sees the graph, the configuration and the figures of the service, and
//! that is by design: an orchestrator and a scraper have no tokens. In a container the port must be
//! reachable for them; keep it out of the ingress and behind a network policy.
//!
//! # Profiles
//! Off unless `admin.profiles.enabled` is true, and only for who shows the token. One is taken at a
//! time (409 for the others), and a stop ends it at once (503): it never holds up a drain.
//!
//! | path | what it gives | needs |
//! |---|---|---|
//! | `/debug/pprof` | what can be had here | |
//! | `/debug/pprof/profile?seconds=30&hz=99` | which functions compute | feature `profiles` |
//! | `/debug/pprof/heap` | which functions hold the memory | feature `jemalloc` |
//! | `/debug/pprof/tasks` | the runtime, its workers, runnables and spawned tasks, as JSON | |
//!
//! The first two answer with a file for [pprof], and with a flame graph (SVG) for
//! `?format=flamegraph` or `Accept: image/svg+xml`.
//!
//! [pprof]: https://github.com/google/pprof
//! [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457

extern crate purlin_core as purlin;

mod auth;
mod config;
mod module;
mod problem;
mod router;
mod routes;
mod serving;

/// The metrics of its connections; `server` is `admin`.
pub use purlin_serve::metrics;

pub use purlin_serve::ListenError;

pub use self::{
    config::{AdminConfig, HealthPath, NotAHealthPath, ProfilesConfig},
    module::AdminModule,
    routes::{HealthAnswer, health},
};
