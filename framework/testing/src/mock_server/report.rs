use std::{fmt, sync::Arc};

use super::{Received, expectation::Expectation, when::Mismatch};

/// A request that matched nothing, and why.
#[derive(Debug, Clone)]
pub(super) struct Unmatched {
    request: Received,
    nearest: Option<(String, Vec<String>)>,
}

// === impl Unmatched ===

impl Unmatched {
    pub(super) fn new(request: Received, nearest: Option<(&Expectation, Mismatch)>) -> Self {
        let nearest =
            nearest.map(|(expectation, mismatch)| (expectation.when().to_string(), mismatch.wrong));
        Self { request, nearest }
    }
}

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nmatches nothing", self.request)?;
        match &self.nearest {
            None => f.write_str(": no request is expected"),
            Some((when, why)) => {
                write!(f, "; nearest is {when}, but")?;
                why.iter().try_for_each(|line| write!(f, "\n  {line}"))
            }
        }
    }
}

/// What is wrong with how a server was used, if anything is.
pub(super) fn report(
    url: &str,
    expectations: &[Arc<Expectation>],
    unmatched: &[Unmatched],
) -> Option<String> {
    let missing = expectations.iter().filter_map(|expectation| expectation.shortfall());
    let wrong: Vec<_> = missing.chain(unmatched.iter().map(ToString::to_string)).collect();
    if wrong.is_empty() {
        return None;
    }
    let mut text = format!("the mock server at {url} was not used as expected\n");
    for wrong in wrong {
        text.push('\n');
        for line in wrong.lines() {
            text.push_str(&format!("  {line}\n"));
        }
    }
    Some(text)
}
