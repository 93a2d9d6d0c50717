//! What can go wrong while a set is put together.

use crate::needs::Missing;

/// The constructor of a component panicked; a decorator's panic counts as that of the component.
#[derive(Debug, Clone, thiserror::Error)]
#[error("component `{component}` panicked while it was constructed: {message}")]
pub struct ComponentPanicked {
    /// The type, without its path.
    pub component: String,
    /// What the panic said.
    pub message: String,
}

/// Components that need each other, so that none can be constructed first.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the components of `{set}` need each other: {}", .path.join(" → "))]
pub struct ComponentCycle {
    /// The set.
    pub set: String,
    /// The components, from one of them back to itself.
    pub path: Vec<String>,
}

/// Nobody gives what the components of a set need.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{set}` cannot be built: {}", lines(.unmet))]
pub struct UnmetNeeds {
    /// The set.
    pub set: String,
    /// What is missing, and the components that need it.
    pub unmet: Vec<(Missing, Vec<String>)>,
}

fn lines(unmet: &[(Missing, Vec<String>)]) -> String {
    let line = |(missing, needers): &(Missing, Vec<String>)| {
        format!("{missing}, needed by {}", needers.join(", "))
    };
    unmet.iter().map(line).collect::<Vec<_>>().join("; ")
}
