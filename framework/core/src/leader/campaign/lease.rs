use std::sync::Arc;

use super::{Campaign, Present};
use crate::{
    event::Event,
    leader::{Grant, Term},
};

/// A lease from its grant to the end of its term, which is told whatever becomes of the campaign.
pub(super) struct Lease<'a> {
    campaign: &'a Campaign,
    grant: Grant,
    /// The token that the work of the term knows.
    token: u64,
    /// Whether it is to be given back.
    held: bool,
    told: bool,
    pub(super) present: Present,
}

// === impl Lease ===

impl<'a> Lease<'a> {
    pub(super) fn taken(campaign: &'a Campaign, grant: Grant) -> Self {
        let (name, token, present) = (&campaign.name, grant.token, Present::default());
        campaign.set_present(Some(present.clone()));
        campaign.shared.leaders.acquired(name, token);
        campaign.shared.events.emit(Event::LeadershipAcquired { name: name.clone(), token });
        Self { campaign, grant, token, held: true, told: false, present }
    }

    pub(super) fn term(&self) -> Term {
        Term::new(self.campaign.name.as_str(), self.token)
    }

    pub(super) fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Takes what the store gave for a renewal; from here on this is what is renewed and given back.
    /// Returns whether it is of another term.
    pub(super) fn renewed(&mut self, grant: Grant) -> bool {
        self.grant = grant;
        self.grant.token != self.token
    }

    /// Leaves it to run out: somebody else has it, or the store does not answer.
    pub(super) fn keep(&mut self) {
        self.held = false;
    }

    /// Gives the lease back, and tells that the term is over.
    pub(super) async fn end(mut self, reason: String) {
        if self.held {
            self.campaign.release(self.grant.clone()).await;
            self.held = false;
        }
        self.tell(reason);
    }

    fn tell(&mut self, reason: String) {
        let Campaign { name, shared, .. } = self.campaign;
        self.told = true;
        shared.leaders.lost(name, &reason);
        shared.events.emit(Event::LeadershipLost { name: name.clone(), token: self.token, reason });
    }
}

impl Drop for Lease<'_> {
    /// Ends a term whose campaign was aborted, or has panicked with its store. Nothing can be awaited
    /// here, so a task gives the lease back; where there is none to be had any more, it runs out.
    fn drop(&mut self) {
        let campaign = self.campaign;
        campaign.set_present(None);
        self.present.over.cancel();
        if !self.told {
            let panicked = std::thread::panicking();
            let reason = if panicked { "the lease store panicked" } else { "stopped hard" };
            self.tell(reason.to_owned());
        }
        if self.held {
            let (shared, store) = (&campaign.shared, Arc::clone(&campaign.store));
            let (clock, patience) = (shared.clock.clone(), campaign.patience());
            let grant = self.grant.clone();
            let name = format!("release the lease of `{}`", campaign.name);
            shared.spawner.spawn(name, async move {
                // What is not released runs out by itself.
                let _ = clock.timeout(patience, store.release(grant)).await;
            });
        }
    }
}
