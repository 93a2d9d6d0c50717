//! One file per group of routes. A console page finds its place beside them.

mod graph;
mod health;
mod index;
mod metrics;
mod pages;
mod probes;
mod profiles;

pub use self::health::{HealthAnswer, health};
pub(crate) use self::{
    graph::graph,
    index::index,
    metrics::metrics,
    pages::{act, read},
    probes::{live, ready},
    profiles::{Profiles, cpu, heap, index as profiles, tasks},
};
