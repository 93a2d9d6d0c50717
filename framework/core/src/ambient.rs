//! What a task carries without saying so, such as the open transaction of a database.
//!
//! A value [entered](Key::enter) for a future is [found](Key::find) by everything that is called
//! inside, and by nothing else. Task-locals do not cross a spawn, so a spawned task would silently
//! work outside of the scope that it was started in. The supervised spawn therefore passes each
//! future through [`carry`]: in there such a scope is [left behind](Found::LeftBehind), and whoever
//! looks for it can refuse.

use std::{any::Any, future::Future, sync::Arc};

/// The identity of a kind of scope: one per database, say.
///
/// ```
/// # use std::sync::Arc;
/// # use purlin_core::ambient::{Found, Key, carry};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let tenant = Key::new("the tenant");
/// let (inside, spawned) = tenant
///     .enter(Arc::new("ada"), async { (tenant.find::<&str>(), tokio::spawn(carry(find(tenant.clone())))) })
///     .await;
/// assert!(matches!(inside, Found::Here(name) if *name == "ada"));
/// assert!(matches!(spawned.await.unwrap(), Found::LeftBehind));
/// assert!(matches!(tenant.find::<&str>(), Found::Nothing));
/// # });
/// # async fn find(key: Key) -> Found<&'static str> { key.find() }
/// ```
///
/// Clones are equal, two keys of one name are not.
#[derive(Debug, Clone)]
pub struct Key(Arc<Named>);

/// Two keys of one name are two keys: what counts is where this lies.
#[derive(Debug)]
struct Named(&'static str);

/// What [`Key::find`] found.
#[derive(Debug)]
pub enum Found<T> {
    /// No scope of this key is open.
    Nothing,
    /// The value of the innermost scope.
    Here(Arc<T>),
    /// The scope is open in the task that spawned this one.
    LeftBehind,
}

/// The open scopes of a task, innermost first.
struct Scope {
    key: Key,
    value: Option<Arc<dyn Any + Send + Sync>>,
    outer: Option<Arc<Scope>>,
}

tokio::task_local! {
    static INNERMOST: Option<Arc<Scope>>;
}

/// Marks the scopes that are open now as left behind, for a future that is about to be spawned.
pub fn carry<F: Future>(future: F) -> impl Future<Output = F::Output> {
    INNERMOST.scope(innermost().as_deref().map(Scope::left_behind), future)
}

fn innermost() -> Option<Arc<Scope>> {
    INNERMOST.try_with(Clone::clone).ok().flatten()
}

// === impl Key ===

impl Key {
    /// A key like no other; `what` names it in messages.
    pub fn new(what: &'static str) -> Self {
        Self(Arc::new(Named(what)))
    }

    /// The name given to [`new`](Self::new).
    pub fn what(&self) -> &'static str {
        self.0.0
    }

    /// Runs `future` with `value` in scope.
    pub async fn enter<T, F>(&self, value: Arc<T>, future: F) -> F::Output
    where
        T: Send + Sync + 'static,
        F: Future,
    {
        let scope = Scope { key: self.clone(), value: Some(value), outer: innermost() };
        INNERMOST.scope(Some(Arc::new(scope)), future).await
    }

    /// The value in scope here.
    pub fn find<T: Send + Sync + 'static>(&self) -> Found<T> {
        let mut next = innermost();
        while let Some(scope) = next {
            if scope.key == *self {
                return match scope.value.clone().map(Arc::downcast) {
                    Some(Ok(value)) => Found::Here(value),
                    Some(Err(_)) => Found::Nothing,
                    None => Found::LeftBehind,
                };
            }
            next = scope.outer.clone();
        }
        Found::Nothing
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Key {}

// === impl Scope ===

impl Scope {
    /// The keys without the values, which end with the task that they belong to.
    fn left_behind(&self) -> Arc<Self> {
        let outer = self.outer.as_deref().map(Self::left_behind);
        Arc::new(Self { key: self.key.clone(), value: None, outer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn scopes_nest_and_keys_do_not_mix() {
        let (one, other) = (Key::new("one"), Key::new("other"));
        let found = one.enter(
            Arc::new(1),
            other.enter(
                Arc::new(2),
                one.enter(Arc::new(3), async { (one.find::<i32>(), other.find::<i32>()) }),
            ),
        );
        let (Found::Here(in_one), Found::Here(in_other)) = found.await else {
            panic!("both are open")
        };
        assert_eq!((*in_one, *in_other), (3, 2));
    }

    #[tokio::test]
    #[expect(
        clippy::async_yields_async,
        reason = "the task outlives the scope that it was made in"
    )]
    async fn a_scope_opened_after_the_spawn_is_found() {
        let key = Key::new("key");
        let inner = key.clone();
        let spawned = key.enter(Arc::new(1), async move {
            carry(async move {
                let before = inner.find::<i32>();
                (before, inner.enter(Arc::new(2), async { inner.find::<i32>() }).await)
            })
        });
        let (before, inside) = spawned.await.await;
        assert!(matches!(before, Found::LeftBehind));
        assert!(matches!(inside, Found::Here(value) if *value == 2));
    }
}
