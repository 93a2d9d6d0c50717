//! One file per group of routes. A console page and profiles find their place beside them.

mod graph;
mod health;
mod index;
mod metrics;
mod pages;
mod probes;

pub use self::health::{HealthAnswer, health};
pub(crate) use self::{
    graph::graph,
    index::index,
    metrics::metrics,
    pages::{act, read},
    probes::{live, ready},
};
