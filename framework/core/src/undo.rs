//! What has been acquired and must be given back.

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::future::BoxFuture;

use crate::error::{Error, Result};

/// What an undo may return: nothing, or a result.
pub trait Outcome {
    /// The outcome as a result.
    ///
    /// # Errors
    /// What went wrong.
    fn into_result(self) -> Result<()>;
}

/// The undos of an application, in the order of their registration.
///
/// The list belongs to the engine and not to the module's future, so that what an `init` acquired
/// before it was aborted, or panicked, is in it.
#[derive(Clone, Default)]
pub(crate) struct Undos(Arc<Mutex<Vec<Undo>>>);

pub(crate) struct Undo {
    pub(crate) owner: String,
    pub(crate) what: String,
    /// Whether it belongs to the shell, which is undone last.
    pub(crate) shell: bool,
    pub(crate) run: Box<dyn FnOnce() -> BoxFuture<'static, Result<()>> + Send>,
}

// === impl Outcome ===

impl Outcome for () {
    fn into_result(self) -> Result<()> {
        Ok(())
    }
}

impl<E: Into<Error>> Outcome for Result<(), E> {
    fn into_result(self) -> Result<()> {
        self.map_err(Into::into)
    }
}

// === impl Undo ===

impl Undo {
    pub(crate) fn new<T, F>(
        owner: &str,
        what: impl Into<String>,
        shell: bool,
        of: &Arc<T>,
        undo: impl FnOnce(Arc<T>) -> F + Send + 'static,
    ) -> Self
    where
        T: ?Sized + Send + Sync + 'static,
        F: Future<Output: Outcome> + Send + 'static,
    {
        let of = of.clone();
        Self {
            owner: owner.to_owned(),
            what: what.into(),
            shell,
            run: Box::new(move || Box::pin(async move { undo(of).await.into_result() })),
        }
    }
}

// === impl Undos ===

impl Undos {
    pub(crate) fn push(&self, undo: Undo) {
        self.list().push(undo);
    }

    /// Takes the last one, of the shell or of the others.
    pub(crate) fn pop(&self, shell: bool) -> Option<Undo> {
        let mut list = self.list();
        let last = list.iter().rposition(|undo| undo.shell == shell)?;
        Some(list.remove(last))
    }

    /// What has not been undone.
    pub(crate) fn left(&self) -> Vec<String> {
        self.list().iter().map(|undo| format!("{}: {}", undo.owner, undo.what)).collect()
    }

    fn list(&self) -> MutexGuard<'_, Vec<Undo>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Undos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Undos").field(&self.left()).finish()
    }
}
