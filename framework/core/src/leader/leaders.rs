use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::{error::Result, page::Page};

/// Who leads what, for the page `leaders`.
#[derive(Debug, Default)]
pub(crate) struct Leaders(Mutex<BTreeMap<String, Status>>);

#[derive(Debug, Default, Clone)]
struct Status {
    token: Option<u64>,
    terms: u64,
    last_end: Option<String>,
    store_error: Option<String>,
}

// === impl Leaders ===

impl Leaders {
    pub(super) fn campaigns(&self, name: &str) {
        self.change(name, |_| {});
    }

    pub(super) fn acquired(&self, name: &str, token: u64) {
        self.change(name, |status| {
            status.token = Some(token);
            status.terms += 1;
        });
    }

    pub(super) fn lost(&self, name: &str, reason: &str) {
        self.change(name, |status| {
            status.token = None;
            status.last_end = Some(reason.to_owned());
        });
    }

    pub(super) fn store_answers(&self, name: &str) {
        self.change(name, |status| status.store_error = None);
    }

    /// Logs the first failure in a row; the page shows the latest.
    pub(super) fn store_fails(&self, name: &str, error: String) {
        self.change(name, |status| {
            if status.store_error.is_none() {
                tracing::warn!(leader = name, error, "the lease store does not answer");
            }
            status.store_error = Some(error);
        });
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Status)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(name.to_owned()).or_default());
    }
}

#[async_trait]
impl Page for Leaders {
    async fn read(&self) -> Result<Value> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(all
            .iter()
            .map(|(name, status)| {
                json!({
                    "name": name,
                    "leading": status.token.is_some(),
                    "token": status.token,
                    "terms": status.terms,
                    "last_end": status.last_end,
                    "store_error": status.store_error,
                })
            })
            .collect())
    }
}
