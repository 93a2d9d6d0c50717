//! Why a field has its value.

use std::fmt;

use super::{Leaf, Settings, suggest};

/// Where the value of a field comes from, and what it overrides.
///
/// Its `Display` is what `explain` prints:
/// ```text
/// orders.max_amount_cents = 500000
///   env ORDERS_MAX_AMOUNT_CENTS   500000      ← wins
///   app.yaml:7:3                  250000
///   default                       1000000     Largest amount that is taken without a review, in cents.
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    key: String,
    doc: String,
    variables: Vec<String>,
    /// What follows from the absence of a value.
    unset: Option<&'static str>,
    /// Origin and value, the one that wins first.
    rows: Vec<(String, String)>,
}

/// There is no field of this key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no key `{key}`{}", near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
pub struct UnknownKey {
    key: String,
    near: Option<String>,
}

// === impl Settings ===

impl Settings {
    /// Where the value of a field comes from, and what it overrides. Secrets are not shown.
    ///
    /// # Errors
    /// [`UnknownKey`] when no section has such a field.
    pub fn explain(&self, key: &str) -> Result<Explanation, UnknownKey> {
        let leaf = self.leaves().find(|leaf| leaf.key() == key);
        leaf.map(|leaf| self.explanation(leaf)).ok_or_else(|| self.unknown(key))
    }

    /// What `explain` prints: all about a field, or one line for each field of a section or of a
    /// struct in it, or for every field there is.
    pub(crate) fn tell(&self, key: &str) -> Result<String, UnknownKey> {
        if let Ok(explanation) = self.explain(key) {
            return Ok(explanation.to_string());
        }
        let path: Vec<_> = key.split('.').filter(|part| !part.is_empty()).collect();
        let below = |leaf: &&Leaf| leaf.path().iter().zip(&path).all(|(a, b)| a == b);
        let told = self.leaves().filter(|leaf| leaf.path().len() > path.len()).filter(below);
        let told: Vec<_> = told
            .filter(|leaf| !leaf.is_plain_enabled(self.candidates(leaf).last()))
            .map(|leaf| self.explanation(leaf))
            .collect();
        let told: Vec<_> = told.iter().map(Explanation::line).collect();
        if told.is_empty() {
            return Err(self.unknown(key));
        }
        let width = told.iter().map(|(value, _)| value.chars().count()).max().unwrap_or_default();
        let lines = told.iter().map(|(value, origin)| {
            format!("{value:width$}   {origin}", width = width.min(60)).trim_end().to_owned()
        });
        Ok(lines.collect::<Vec<_>>().join("\n"))
    }

    fn unknown(&self, key: &str) -> UnknownKey {
        let sections = self.sections().iter().map(super::Section::key);
        let near = suggest::nearest(key, self.leaves().map(Leaf::key).chain(sections));
        UnknownKey { key: key.to_owned(), near: near.map(str::to_owned) }
    }

    fn explanation(&self, leaf: &Leaf) -> Explanation {
        let candidates = self.candidates(leaf);
        let mut rows: Vec<_> = candidates
            .iter()
            .rev()
            .map(|candidate| (candidate.origin.to_string(), Self::show(leaf, &candidate.value)))
            .collect();
        if !candidates.iter().any(|candidate| candidate.origin == super::Origin::Default) {
            let none = if leaf.field().default().is_some() { "computed" } else { "none" };
            rows.push(("default".to_owned(), none.to_owned()));
        }
        let doc = leaf.field().doc().lines().next().unwrap_or_default().to_owned();
        Explanation {
            key: leaf.key().to_owned(),
            doc,
            variables: leaf.variables().to_vec(),
            unset: leaf.field().unset(),
            rows,
        }
    }
}

// === impl Explanation ===

impl Explanation {
    /// The key of the field.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value that wins, as it may be shown; `None` when nothing sets it.
    pub fn value(&self) -> Option<&str> {
        let (origin, value) = self.rows.first()?;
        (origin != "default" || value != "none").then_some(value)
    }

    /// Key and value, and where the value comes from or what its absence leads to.
    fn line(&self) -> (String, &str) {
        match (self.value(), self.rows.first()) {
            (Some(value), Some((origin, _))) => (format!("{} = {value}", self.key), origin),
            _ => (format!("{} is not set", self.key), self.unset.unwrap_or_default()),
        }
    }

    /// Origin and value of each layer that sets the field, the one that wins first.
    pub fn rows(&self) -> &[(String, String)] {
        &self.rows
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value() {
            Some(value) => write!(f, "{} = {value}", self.key)?,
            None => {
                write!(f, "{} is not set; set it with {}", self.key, self.variables[0])?;
            }
        }
        let width = |text: fn(&(String, String)) -> &str| {
            self.rows.iter().map(|row| text(row).chars().count()).max().unwrap_or_default()
        };
        let (origins, values) = (width(|row| &row.0) + 3, width(|row| &row.1) + 5);
        for (index, (origin, value)) in self.rows.iter().enumerate() {
            let mut line = format!("  {origin:<origins$}{value:<values$}");
            if index == 0 && origin != "default" {
                line.push_str("← wins");
            }
            if origin == "default" {
                line.push_str(&self.doc);
            }
            write!(f, "\n{}", line.trim_end())?;
        }
        Ok(())
    }
}

impl UnknownKey {
    /// The key that was most likely meant.
    pub fn near(&self) -> Option<&str> {
        self.near.as_deref()
    }
}
