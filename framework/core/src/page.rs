//! Pages: what a module shows, and lets an operator do, on the admin port.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use serde_json::Value;

use crate::{error::Result, needs::Handle};

/// Data about a running application, and actions on it, without a transport.
///
/// A module registers one with [`Init::page`](crate::init::Init::page); the admin server answers
/// `GET /{name}` with what it reads, and `POST /{name}/{action}` with what it did.
#[async_trait]
pub trait Page: Send + Sync + 'static {
    /// What is to be seen now.
    ///
    /// # Errors
    /// When it cannot be found out.
    async fn read(&self) -> Result<Value>;

    /// Does something. Callers have been authorised.
    ///
    /// # Errors
    /// [`ActError`] when there is no such action, the input is wrong, or it failed.
    async fn act(&self, action: &str, _input: Value) -> Result<Value, ActError> {
        Err(ActError::Unknown(action.to_owned()))
    }
}

/// Why a page did not act.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The page has no such action.
    #[error("there is no action `{0}`")]
    Unknown(String),
    /// The input is wrong.
    #[error("{0}")]
    Invalid(String),
    /// It was tried and did not work.
    #[error(transparent)]
    Failed(#[from] crate::error::Error),
}

/// The pages of one application. A built-in need; cheap to clone.
#[derive(Clone, Default)]
pub struct Pages(Arc<Mutex<BTreeMap<String, Arc<dyn Page>>>>);

// === impl Pages ===

impl Pages {
    /// Adds a page; the later of two with one name wins.
    pub fn register(&self, name: impl Into<String>, page: Arc<dyn Page>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.into(), page);
    }

    /// The page of that name.
    pub fn get(&self, name: &str) -> Option<Arc<dyn Page>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Takes all pages out, to drop them where that may take its time.
    pub(crate) fn take_all(&self) -> BTreeMap<String, Arc<dyn Page>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All names, sorted.
    pub fn names(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }
}

impl Handle for Pages {}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pages").field(&self.names()).finish()
    }
}
