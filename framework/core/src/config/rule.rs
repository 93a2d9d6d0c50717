//! What a value must satisfy, in words and in JSON Schema.

use std::fmt;

use serde_json::{Map, Value as Json, json};

/// One `#[validate(..)]` of a field.
///
/// The derive makes the check; this is what it says of itself: "must be at least 1".
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    text: String,
    schema: Map<String, Json>,
}

// === impl Rule ===

impl Rule {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), schema: Map::new() }
    }

    fn with(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.schema.insert(key.to_owned(), value.into());
        self
    }

    fn with_bound(self, key: &str, bound: Option<String>) -> Self {
        match bound.and_then(|bound| bound.parse::<serde_json::Number>().ok()) {
            Some(number) => self.with(key, number),
            None => self,
        }
    }

    /// A number, a duration or a size between bounds.
    #[doc(hidden)]
    pub fn range(
        min: Option<String>,
        max: Option<String>,
        above: Option<String>,
        below: Option<String>,
    ) -> Self {
        let text = match (&min, &max) {
            (Some(min), Some(max)) => vec![format!("from {min} to {max}")],
            _ => [("at least", &min), ("at most", &max)].into_iter().filter_map(bound).collect(),
        };
        let strict = [("more than", &above), ("less than", &below)].into_iter().filter_map(bound);
        let text: Vec<_> = text.into_iter().chain(strict).collect();
        Self::new(format!("must be {}", text.join(" and ")))
            .with_bound("minimum", min)
            .with_bound("maximum", max)
            .with_bound("exclusiveMinimum", above)
            .with_bound("exclusiveMaximum", below)
    }

    /// A text or a list of a length between bounds.
    #[doc(hidden)]
    pub fn length(min: Option<u64>, max: Option<u64>, equal: Option<u64>) -> Self {
        let text = match (min, max, equal) {
            (_, _, Some(equal)) => format!("exactly {equal}"),
            (Some(min), Some(max), _) => format!("from {min} to {max}"),
            (Some(min), None, _) => format!("at least {min}"),
            (None, Some(max), _) => format!("at most {max}"),
            (None, None, None) => "any".to_owned(),
        };
        let mut rule = Self::new(format!("must have a length of {text}"));
        for (key, bound) in [("min", min.or(equal)), ("max", max.or(equal))] {
            if let Some(bound) = bound {
                rule =
                    rule.with(&format!("{key}Length"), bound).with(&format!("{key}Items"), bound);
            }
        }
        rule
    }

    /// An address of electronic mail.
    #[doc(hidden)]
    pub fn email() -> Self {
        Self::new("must be an e-mail address").with("format", "email")
    }

    /// A URL.
    #[doc(hidden)]
    pub fn url() -> Self {
        Self::new("must be a URL such as https://example.org").with("format", "uri")
    }

    /// An IP address, of version 4, 6 or any.
    #[doc(hidden)]
    pub fn ip(version: Option<u8>) -> Self {
        match version {
            Some(version) => Self::new(format!("must be an IPv{version} address"))
                .with("format", format!("ipv{version}")),
            None => Self::new("must be an IP address")
                .with("anyOf", json!([{ "format": "ipv4" }, { "format": "ipv6" }])),
        }
    }

    /// A text or a map that contains something.
    #[doc(hidden)]
    pub fn contains(needle: &str) -> Self {
        Self::new(format!("must contain `{needle}`"))
    }

    /// A text or a map that does not contain something.
    #[doc(hidden)]
    pub fn does_not_contain(needle: &str) -> Self {
        Self::new(format!("must not contain `{needle}`"))
    }

    /// A text that matches a pattern.
    #[doc(hidden)]
    pub fn regex(pattern: &str) -> Self {
        Self::new(format!("must match `{pattern}`")).with("pattern", pattern)
    }

    /// A text without control characters.
    #[doc(hidden)]
    pub fn non_control_character() -> Self {
        Self::new("must not contain control characters")
    }

    /// A value that passes a function of the user.
    #[doc(hidden)]
    pub fn custom(function: &str) -> Self {
        Self::new(format!("must pass `{function}`"))
    }

    /// The same rule in the user's words.
    #[doc(hidden)]
    #[must_use]
    pub fn message(mut self, text: &str) -> Self {
        text.clone_into(&mut self.text);
        self
    }

    pub(super) fn schema(&self) -> &Map<String, Json> {
        &self.schema
    }
}

fn bound((words, bound): (&str, &Option<String>)) -> Option<String> {
    bound.as_ref().map(|bound| format!("{words} {bound}"))
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_range_names_its_bounds() {
        assert_eq!(Rule::range(some("1"), None, None, None).to_string(), "must be at least 1");
        assert_eq!(
            Rule::range(some("1"), some("9"), None, None).to_string(),
            "must be from 1 to 9"
        );
        let open = Rule::range(None, some("9"), some("0"), None);
        assert_eq!(open.to_string(), "must be at most 9 and more than 0");
        assert_eq!(Json::Object(open.schema), json!({ "maximum": 9, "exclusiveMinimum": 0 }));
    }
}
