//! Reading a section field by field, so that all of its problems are found at once.

use std::fmt;

use serde::de::DeserializeOwned;

use super::{
    Config, Conflict, Problem, Settings, de,
    layer::Candidate,
    origin::Origin,
    problem::Snippet,
    section::{Leaf, Section},
    settings::Found,
    value::{Data, Value},
};

/// Reads the fields of a section; `derive(Config)` calls it.
#[derive(Debug)]
pub struct Reader<'a> {
    settings: &'a Settings,
    section: &'a Section,
    path: Vec<&'a str>,
    /// References that are still open are passed over.
    checking: bool,
    problems: Vec<Problem>,
}

/// What the checks of a field found.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Verdict {
    broken: Vec<(usize, Option<String>)>,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    pub(super) fn new(settings: &'a Settings, section: &'a Section, checking: bool) -> Self {
        Self { settings, section, path: Vec::new(), checking, problems: Vec::new() }
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// Reads a field and checks it.
    #[doc(hidden)]
    pub fn field<T: DeserializeOwned>(
        &mut self,
        name: &'a str,
        check: impl FnOnce(&T, &mut Verdict),
    ) -> Option<T> {
        self.take(name, None, check)
    }

    /// Reads a field whose default is an expression, and checks it.
    #[doc(hidden)]
    pub fn field_or<T: DeserializeOwned>(
        &mut self,
        name: &'a str,
        default: fn() -> T,
        check: impl FnOnce(&T, &mut Verdict),
    ) -> Option<T> {
        self.take(name, Some(default), check)
    }

    /// Reads a nested struct.
    #[doc(hidden)]
    pub fn nested<C: Config>(&mut self, name: &'a str) -> Option<C> {
        self.path.push(name);
        let value = C::read(self);
        self.path.pop();
        value
    }

    /// Notes what the fields of the struct say together and cannot.
    #[doc(hidden)]
    pub fn together(&mut self, checked: Result<(), Conflict>) -> Option<()> {
        let Err(conflict) = checked else { return Some(()) };
        let mut path = vec![self.section.key()];
        path.extend(&self.path);
        let mut message = conflict.what(&path.join("."));
        for &field in &conflict.fields {
            let depth = self.path.len();
            self.path.extend(field.split('.'));
            let leaf = self.section.leaf(&self.path);
            self.path.truncate(depth);
            let Some(leaf) = leaf else { continue };
            let Some(Candidate { origin, value }) = self.settings.candidates(leaf).pop() else {
                // What is not set here may be set where the application runs.
                if self.settings.is_hermetic() {
                    return None;
                }
                continue;
            };
            let is_open = matches!(self.settings.find(leaf), Found::Value { hidden: true, .. });
            let is_hidden = leaf.field().is_secret() || conflict.hidden.contains(&field);
            let value = match is_hidden || is_open {
                true => "[redacted]".to_owned(),
                false => shown(&value),
            };
            message.push_str(&format!("\n  set        {} = {value} ({origin})", leaf.key()));
        }
        message.push_str(&format!("\n  fix        {}", conflict.fix));
        self.problems.push(Problem::new(message));
        None
    }

    fn take<T: DeserializeOwned>(
        &mut self,
        name: &'a str,
        default: Option<fn() -> T>,
        check: impl FnOnce(&T, &mut Verdict),
    ) -> Option<T> {
        self.path.push(name);
        let leaf = self.section.leaf(&self.path);
        self.path.pop();
        let Some(leaf) = leaf else {
            self.problems.push(Problem::new(format!(
                "`{name}` is no field of the section `{}`; derive `Config` instead of writing it",
                self.section.key()
            )));
            return None;
        };
        let (found, read) = match (self.settings.find(leaf), default) {
            (Found::Absent, Some(default)) => (None, Ok(default())),
            (Found::Absent, None) if leaf.field().is_required() => {
                self.missing(leaf);
                return None;
            }
            (Found::Absent, None) => {
                let nothing = Value { data: Data::Null, origin: Origin::Default };
                (None, de::read(&nothing, self.settings.default_host()))
            }
            (Found::Value { value, hidden }, _) => {
                let read = de::read(&value, self.settings.default_host());
                (Some((value, hidden)), read)
            }
            (Found::Open(reference), _) => {
                if !self.checking {
                    let message = format!("{} is not resolved yet", reference.text());
                    self.problems
                        .push(Problem::new(message).key_is(leaf.key()).at(reference.origin));
                }
                return None;
            }
            (Found::Bad(problem), _) => {
                self.problems.push(problem);
                return None;
            }
        };
        // A message may quote the value: one with a password in it is a secret in any field.
        let hidden = leaf.field().is_secret()
            || found.as_ref().is_some_and(|(value, hidden)| {
                *hidden || super::unknown::has_credentials(&value.show())
            });
        let value = found.map(|(value, _)| value);
        match read {
            Ok(read) => {
                let mut verdict = Verdict::default();
                check(&read, &mut verdict);
                if verdict.broken.is_empty() {
                    return Some(read);
                }
                for (rule, said) in verdict.broken {
                    let text = leaf.field().rules().get(rule).map(ToString::to_string);
                    // What a function of the user says may quote the value.
                    let said = said.filter(|_| !hidden).or(text).unwrap_or_default();
                    self.wrong(leaf, value.as_ref(), hidden, None, &said);
                }
                None
            }
            Err(fault) => {
                self.wrong(leaf, value.as_ref(), hidden, fault.origin(), fault.message(hidden));
                None
            }
        }
    }

    fn missing(&mut self, leaf: &Leaf) {
        if !self.settings.is_hermetic() {
            let message = self.settings.how_to_set(leaf);
            self.problems.push(Problem::new(message).key_is(leaf.key()));
        }
    }

    fn wrong(
        &mut self,
        leaf: &Leaf,
        value: Option<&Value>,
        hidden: bool,
        origin: Option<&Origin>,
        message: &str,
    ) {
        let origin = origin.or(value.map(|value| &value.origin)).unwrap_or(&Origin::Default);
        let ranges = self.settings.hidden_in(origin);
        let snippet = origin
            .place()
            .filter(|_| matches!(origin, Origin::File(_)))
            .map(|place| Snippet { place, parent: None, hidden: &ranges });
        let problem = Problem::new(message).key_is(leaf.key()).at(origin.clone()).snippet(snippet);
        self.problems.push(match value {
            Some(value) if !hidden => problem.value_is(shown(value)),
            _ => problem,
        });
    }
}

/// A value as it is shown in a message.
pub(super) fn shown(value: &Value) -> String {
    const MAX_CHARS: usize = 60;
    let text = value.show();
    if super::unknown::has_credentials(&text) {
        return "[redacted]".to_owned();
    }
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

// === impl Verdict ===

impl Verdict {
    /// Notes whether a rule holds.
    pub fn rule(&mut self, index: usize, holds: bool) {
        if !holds {
            self.broken.push((index, None));
        }
    }

    /// Notes what a function of the user said.
    pub fn custom<E: fmt::Display>(&mut self, index: usize, result: Result<(), E>) {
        if let Err(error) = result {
            self.broken.push((index, Some(error.to_string())));
        }
    }
}
