use std::ops::Deref;

use serde_json::Value;

/// A problem ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) that a server answered with; made
/// by [`Response::expect_problem`](crate::Response::expect_problem).
///
/// Each assertion returns it, and fails with the whole problem. It dereferences to its JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    what: String,
    body: Value,
}

// === impl Problem ===

impl Problem {
    pub(crate) fn new(what: String, body: Value) -> Self {
        Self { what, body }
    }

    /// Asserts the code.
    ///
    /// # Panics
    /// With the problem, when it has another.
    #[track_caller]
    pub fn code(self, code: &str) -> Self {
        assert_eq!(self.body["code"], code, "{}: {}", self.what, self.body);
        self
    }

    /// Asserts that its detail contains this text.
    ///
    /// # Panics
    /// With the problem, when it does not.
    #[track_caller]
    pub fn detail(self, text: &str) -> Self {
        let detail = self.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(text), "{}: no `{text}` in the detail of {}", self.what, self.body);
        self
    }

    /// Asserts that this field is among those that are wrong.
    ///
    /// # Panics
    /// With the problem, when it is not.
    #[track_caller]
    pub fn field(self, field: &str) -> Self {
        let is_wrong = self.fields().any(|(name, _)| name == field);
        assert!(is_wrong, "{}: nothing is wrong with `{field}` in {}", self.what, self.body);
        self
    }

    /// Asserts that these fields are wrong, in any order, and no others.
    ///
    /// # Panics
    /// With the problem, when it has others.
    #[track_caller]
    pub fn fields_are<const N: usize>(self, mut fields: [&str; N]) -> Self {
        let mut wrong: Vec<_> = self.fields().map(|(name, _)| name).collect();
        wrong.sort_unstable();
        fields.sort_unstable();
        assert_eq!(wrong, fields, "{}: {}", self.what, self.body);
        self
    }

    /// What is wrong with a field.
    pub fn message(&self, field: &str) -> Option<&str> {
        self.fields().find(|(name, _)| *name == field).map(|(_, message)| message)
    }

    fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors
            .iter()
            .filter_map(|error| Some((error["field"].as_str()?, error["message"].as_str()?)))
    }
}

impl Deref for Problem {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.body
    }
}

impl From<Problem> for Value {
    fn from(problem: Problem) -> Self {
        problem.body
    }
}
