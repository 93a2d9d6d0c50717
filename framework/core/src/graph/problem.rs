use std::fmt;

use crate::key::Key;

/// Why an application cannot be wired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WiringProblem {
    /// Nobody gives what somebody needs.
    Missing {
        key: Key,
        /// The needers, each with those that need it in turn.
        needed_by: Vec<String>,
        /// What makes it necessary, where the type alone does not.
        because: Vec<String>,
        /// Where the giver was disabled, if it was.
        disabled: Option<String>,
        fix: String,
    },
    /// Several give one key.
    Duplicate { key: Key, givers: Vec<String> },
    /// Nodes wait for each other; where each is named.
    Cycle { path: Vec<String>, places: Vec<String> },
    /// `replace` or `decorate` of what nobody gives.
    NotGiven { verb: &'static str, key: Key, similar: Option<String> },
    /// Two runnables have one name.
    SameName { name: String, places: Vec<String> },
    /// A module found it in its plan.
    Plan { node: String, what: String, fix: String },
}

impl fmt::Display for WiringProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { key, needed_by, because, disabled, fix } => {
                write!(f, "nothing gives `{key}`")?;
                if let Some(place) = disabled {
                    write!(f, ": its module is disabled by {place}")?;
                }
                for path in needed_by {
                    write!(f, "\n  needed by  {path}")?;
                }
                for reason in because {
                    write!(f, "\n  because    {reason}")?;
                }
                write!(f, "\n  fix        {fix}")
            }
            Self::Duplicate { key, givers } => {
                write!(f, "`{key}` is given {} times", givers.len())?;
                for giver in givers {
                    write!(f, "\n  given by   {giver}")?;
                }
                let short = key.short_type();
                write!(
                    f,
                    "\n  fix        remove one, make one a named instance (`.named::<Name>()`), "
                )?;
                write!(f, "or in a test use `.replace::<{short}>(..)`")
            }
            Self::Cycle { path, places } => {
                write!(f, "these wait for each other: {}", path.join(" -> "))?;
                for place in places {
                    write!(f, "\n  at         {place}")?;
                }
                write!(f, "\n  fix        split one of them, so that what both need is a third")
            }
            Self::NotGiven { verb, key, similar } => {
                write!(f, "`{verb}::<{}>` has no effect: nothing gives it", key.short_type())?;
                match similar {
                    Some(similar) => write!(f, "\n  fix        did you mean `{similar}`?"),
                    None => write!(f, "\n  fix        add it with `.supply(..)`"),
                }
            }
            Self::SameName { name, places } => {
                write!(f, "{} runnables are called `{name}`", places.len())?;
                for place in places {
                    write!(f, "\n  at         {place}")?;
                }
                write!(f, "\n  fix        give each a name of its own: reports and leases go by it")
            }
            Self::Plan { node, what, fix } => write!(f, "{node}: {what}\n  fix        {fix}"),
        }
    }
}
