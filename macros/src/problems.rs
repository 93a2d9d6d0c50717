//! All problems of one input, each at its place.

use std::fmt::Display;

use quote::ToTokens;
use syn::Error;

/// Collects problems, so that they are reported together.
#[derive(Default)]
pub(crate) struct Problems(Option<Error>);

/// `; did you mean ..?` when one of `known` resembles `word`.
pub(crate) fn did_you_mean(word: &str, known: &[&str]) -> String {
    known
        .iter()
        .map(|candidate| {
            (strsim::jaro_winkler(&word.to_lowercase(), &candidate.to_lowercase()), candidate)
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map_or_else(String::new, |(_, candidate)| format!("; did you mean `{candidate}`?"))
}

// === impl Problems ===

impl Problems {
    pub(crate) fn add(&mut self, problem: Error) {
        match &mut self.0 {
            Some(first) => first.combine(problem),
            None => self.0 = Some(problem),
        }
    }

    pub(crate) fn at(&mut self, place: impl ToTokens, problem: impl Display) {
        self.add(Error::new_spanned(place, problem));
    }

    /// The value of `result`, whose error is kept for later.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|problem| self.add(problem)).ok()
    }

    /// All problems, as one error.
    pub(crate) fn check(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}
