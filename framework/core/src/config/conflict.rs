use std::fmt;

/// What several settings of one struct say together, and cannot, each of them being right by itself.
///
/// A function that `#[config(check = ..)]` names returns it:
///
/// ```
/// # extern crate purlin_core as purlin;
/// use purlin::config::{Config, Conflict};
///
/// #[derive(Config)]
/// #[config(section = "pool", check = PoolConfig::check)]
/// struct PoolConfig {
///     #[config(default = 5)]
///     min: u32,
///     #[config(default = 20)]
///     max: u32,
/// }
///
/// impl PoolConfig {
///     fn check(&self) -> Result<(), Conflict> {
///         if self.min <= self.max {
///             return Ok(());
///         }
///         Err(Conflict::between(["min", "max"], "the least is above the most", "raise `max`"))
///     }
/// }
/// ```
/// It is told as a problem of the configuration, with the keys, what each is set to, and where:
/// ```text
/// `pool.min` and `pool.max` do not go together: the least is above the most
///   set        pool.min = 30 (app.yaml:2:8)
///   set        pool.max = 20 (default)
///   fix        raise `max`
/// ```
/// A field of a nested struct is `pool.max`. Where one of the fields is not set, the conflict is not
/// told by `validate()`, which reads nothing that could set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub(super) fields: Vec<&'static str>,
    pub(super) hidden: Vec<&'static str>,
    pub(super) why: String,
    pub(super) fix: String,
}

// === impl Conflict ===

impl Conflict {
    /// These fields do not go together, why, and what to change. Values of secrets belong in none of
    /// the texts.
    pub fn between(
        fields: impl IntoIterator<Item = &'static str>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        let fields = fields.into_iter().collect();
        Self { fields, hidden: Vec::new(), why: why.into(), fix: fix.into() }
    }

    /// Does not show the value of `field`: it is long, or may be a secret that is in the wrong place.
    #[must_use]
    pub fn hiding(mut self, field: &'static str) -> Self {
        self.hidden.push(field);
        self
    }

    /// Why they do not go together.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// What to change.
    pub fn fix(&self) -> &str {
        &self.fix
    }

    /// The first line, with keys below `section`.
    pub fn what(&self, section: &str) -> String {
        let keys: Vec<_> = self.fields.iter().map(|field| format!("`{section}.{field}`")).collect();
        let keys = match keys.split_last() {
            Some((last, others)) if !others.is_empty() => {
                format!("{} and {last} do not go together", others.join(", "))
            }
            _ => format!("{} cannot be as it is", keys.concat()),
        };
        format!("{keys}: {}", self.why)
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}; {}", self.fields.join("`, `"), self.why, self.fix)
    }
}

impl std::error::Error for Conflict {}
