//! Whoever calls.

use std::{collections::BTreeSet, fmt};

use serde_json::{Map, Value};

/// Whoever sent a request. A handler of a secured route takes it as an argument:
/// ```
/// # use purlin_auth::Principal;
/// async fn whoami(caller: Principal) -> String {
///     caller.subject
/// }
/// ```
/// It is an extension of the request, too.
#[derive(Clone, Default, PartialEq)]
pub struct Principal {
    /// Who it is.
    pub subject: String,
    /// What it may do.
    pub permissions: BTreeSet<String>,
    /// What else is known of it, such as the claims of a token.
    pub claims: Map<String, Value>,
}

// === impl Principal ===

impl Principal {
    /// Somebody without permissions.
    pub fn new(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), ..Self::default() }
    }

    /// Adds a permission.
    #[must_use]
    pub fn permission(mut self, permission: impl Into<String>) -> Self {
        self.permissions.insert(permission.into());
        self
    }

    /// Whether it has a permission.
    pub fn has(&self, permission: &str) -> bool {
        self.permissions.contains(permission)
    }
}

/// Claims may be personal, and a principal is easily logged by accident.
impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("subject", &self.subject)
            .field("permissions", &self.permissions)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_not_logged_by_accident() {
        let mut caller = Principal::new("ada").permission("orders:write");
        caller.claims.insert("email".to_owned(), "ada@example.org".into());
        assert!(caller.has("orders:write") && !caller.has("orders"));
        let debug = format!("{caller:?}");
        assert!(debug.contains("ada") && !debug.contains("example.org"), "{debug}");
    }
}
