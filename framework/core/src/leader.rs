//! Leadership: one instance acts, the others wait.
//!
//! A [`LeaseStore`] is a small, atomic store of leases, one per engine. The campaign loop, which is
//! the same for all engines, owns everything that is hard: jitter, deadlines, demotion by the local
//! clock, hand-over.
//!
//! # What is promised
//! At most one holder *acts* as long as clocks run at nearly the same rate: the work of a term ends
//! before the lease is released, and is aborted before it runs out. A process that is paused past
//! the end of its lease (by a signal, a hypervisor, a long page fault) cannot know it, and may still
//! have a write under way when it wakes. This is why every term has a fencing token that only rises:
//! a resource that checks it refuses such a write. What cannot check a token can see two writers.
//! The same holds for work that blocks its thread past the end of the lease: the work and the loop
//! that renews are one task, so that neither outlives the other. Blocking calls belong into
//! [`spawn_blocking`](crate::spawner::Spawner::spawn_blocking).

mod campaign;
mod leaders;
mod local;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

pub use self::local::{LocalLeases, LocalLeasesModule};
pub(crate) use self::{campaign::Campaign, leaders::Leaders};

/// Why a term ended that nothing went wrong with.
pub(crate) const HANDED_OVER: &str = "handed over";
use crate::{config::Config, error::Result};

/// A store of leases. Each method is atomic, on the store's clock.
///
/// An implementation passes `conformance::lease_store` of `purlin-testing`.
#[async_trait]
pub trait LeaseStore: Send + Sync + 'static {
    /// Takes the lease `name` for `ttl`, unless somebody holds it: then `None`.
    ///
    /// The token of the grant is higher than that of every earlier one, also when the store has
    /// lost its last writes: the greater of the stored token + 1 and the store's clock in
    /// milliseconds.
    ///
    /// # Errors
    /// When the store could not answer. The lease may have been taken all the same.
    async fn acquire(&self, name: &str, ttl: Duration) -> Result<Option<Grant>>;

    /// Keeps a lease for another `ttl`; `None` when it is held no more.
    ///
    /// The grant that it returns takes the place of the one before. It has the same token: one with
    /// another token is another term, and ends the work of this one.
    ///
    /// # Errors
    /// When the store could not answer.
    async fn renew(&self, grant: &Grant, ttl: Duration) -> Result<Option<Grant>>;

    /// Gives a lease back. Does nothing when it is held no more.
    ///
    /// # Errors
    /// When the store could not answer; the lease runs out by itself.
    async fn release(&self, grant: Grant) -> Result<()>;
}

/// A lease that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The name of the lease.
    pub name: String,
    /// What only this holder knows: it proves the right to renew and release.
    pub holder: String,
    /// The fencing token of the term.
    pub token: u64,
}

/// One term of leadership.
#[derive(Clone, PartialEq, Eq)]
pub struct Term {
    name: Arc<str>,
    token: u64,
}

/// How leadership is kept.
#[derive(Debug, Clone, Config)]
#[config(section = "leader")]
pub struct LeaderConfig {
    /// How long a lease is valid without being renewed. It is renewed each third of it.
    #[config(default = "30s")]
    #[validate(range(
        min = "1s",
        max = "3650d",
        message = "must be from 1s to 3650d: a third of it is the pause between renewals"
    ))]
    pub ttl: Duration,
    /// Whether leaders may be elected inside of one process in profile prod, where every replica
    /// would elect itself.
    #[config(default = "deny")]
    pub local: LocalPolicy,
    /// What follows when leadership is lost.
    #[config(default = "campaign")]
    pub on_loss: OnLoss,
}

/// Whether the local lease store may be used in profile prod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocalPolicy {
    /// The application does not build with it.
    Deny,
    /// There is one replica only.
    Allow,
}

/// What follows when leadership is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLoss {
    /// The instance campaigns again.
    Campaign,
    /// The application stops with exit code 1, to be started afresh.
    Stop,
}

// === impl Term ===

impl Term {
    /// A term; for tests and for stores.
    pub fn new(name: impl Into<Arc<str>>, token: u64) -> Self {
        Self { name: name.into(), token }
    }

    /// Of what.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The fencing token: higher than in every earlier term. Pass it to the resource that is
    /// written to, and let that refuse a lower one than it has seen.
    pub fn token(&self) -> u64 {
        self.token
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.name, self.token)
    }
}
