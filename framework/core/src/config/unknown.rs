//! Keys that nothing reads, and the parts of a file that must not be shown.

use std::ops::Range;

use super::{
    layer::Tree,
    origin::Place,
    problem::{Problem, Snippet},
    schema::{Field, Schema},
    section::Section,
    suggest,
    value::{Data, Key, Value},
};

/// Finds every key of a layer that nothing reads.
pub(super) fn problems(tree: &Tree, sections: &[Section]) -> Vec<Problem> {
    let mut walk = Walk { tree, problems: Vec::new() };
    for (key, value) in tree.root.entries() {
        match sections.iter().find(|section| section.key() == key.name) {
            Some(section) => walk.section(section, key, value),
            // As in Compose files: a place for what anchors refer to.
            None if key.name.starts_with("x-") => {}
            None => {
                let near = suggest::nearest(&key.name, sections.iter().map(Section::key));
                walk.report(None, key, format!("unknown section `{}`", key.name), near);
            }
        }
    }
    walk.problems
}

/// The bytes of a file that must not be shown: whatever is not known to be harmless.
pub(super) fn hidden(root: &Value, sections: &[Section]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for (key, value) in root.entries() {
        match sections.iter().find(|section| section.key() == key.name) {
            Some(section) => hide_secrets(value, section.schema(), &mut ranges),
            None => hide(value, &mut ranges),
        }
    }
    ranges
}

/// Whether a text holds a password in the way of a URL. A list of URLs is one text.
pub(super) fn has_credentials(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

struct Walk<'a> {
    tree: &'a Tree,
    problems: Vec<Problem>,
}

// === impl Walk ===

impl Walk<'_> {
    fn section(&mut self, section: &Section, key: &Key, value: &Value) {
        self.map(section.schema(), &key.name, key, value, true);
    }

    fn map(&mut self, schema: &Schema, path: &str, above: &Key, value: &Value, is_section: bool) {
        match &value.data {
            Data::Null => {}
            Data::Map(entries) => {
                for (key, value) in entries {
                    self.entry(schema, path, above, (key, value), is_section);
                }
            }
            Data::Scalar(_) | Data::List(_) => {
                let message = format!("`{path}` is no single value; write its keys below it");
                self.report(None, above, message, None);
            }
        }
    }

    fn entry(
        &mut self,
        schema: &Schema,
        path: &str,
        above: &Key,
        (key, value): (&Key, &Value),
        is_section: bool,
    ) {
        let name = key.name.as_str();
        let path = format!("{path}.{name}");
        if let Some(field) = schema.field(name) {
            if let Some(nested) = field.nested() {
                self.map(nested, &path, key, value, false);
            }
        } else if let Some(field) = successor(schema, name) {
            let message = format!("`{name}` was renamed to `{}`", field.name());
            self.report(Some(above), key, message, None);
        } else if !(is_section && name == "enabled") {
            let near = suggest::nearest(name, schema.fields().iter().map(Field::name));
            self.report(Some(above), key, format!("unknown key `{name}`"), near);
        }
        if let Some(problem) = self.problems.last_mut()
            && problem.key().is_none()
        {
            *problem = problem.clone().key_is(path);
        }
    }

    fn report(&mut self, above: Option<&Key>, key: &Key, message: String, near: Option<&str>) {
        let snippet = key.origin.place().map(|place| Snippet {
            place,
            parent: above.and_then(|key| key.origin.place()),
            hidden: &self.tree.hidden,
        });
        let problem = Problem::new(message)
            .at(key.origin.clone())
            .note(near.map(|near| format!("did you mean `{near}`?")))
            .snippet(snippet);
        let problem = if above.is_none() { problem.key_is(&key.name) } else { problem };
        self.problems.push(problem);
    }
}

fn successor<'a>(schema: &'a Schema, name: &str) -> Option<&'a Field> {
    schema.fields().iter().find(|field| field.renamed_from().contains(&name))
}

fn hide_secrets(value: &Value, schema: &Schema, ranges: &mut Vec<Range<usize>>) {
    for (key, value) in value.entries() {
        let name = key.name.as_str();
        // A misspelled key is most likely meant to be the one that is suggested for it.
        let meant = || suggest::nearest(name, schema.fields().iter().map(Field::name));
        let field = schema
            .field(name)
            .or_else(|| successor(schema, name))
            .or_else(|| schema.field(meant()?));
        match field {
            Some(field) => match field.nested() {
                Some(nested) => hide_secrets(value, nested, ranges),
                None if field.is_secret() => hide(value, ranges),
                None => hide_credentials(value, ranges),
            },
            None if name == "enabled" => {}
            None => hide(value, ranges),
        }
    }
    // A scalar or a list in place of the keys is a mistake that may hold anything.
    if !matches!(value.data, Data::Map(_)) {
        hide(value, ranges);
    }
}

fn hide(value: &Value, ranges: &mut Vec<Range<usize>>) {
    each_scalar(value, &mut |_, place| ranges.push(place.range()));
}

fn hide_credentials(value: &Value, ranges: &mut Vec<Range<usize>>) {
    each_scalar(value, &mut |text, place| {
        if has_credentials(text) {
            ranges.push(place.range());
        }
    });
}

fn each_scalar(value: &Value, visit: &mut dyn FnMut(&str, &Place)) {
    match &value.data {
        Data::Null => {}
        Data::Scalar(scalar) => {
            if let Some(place) = value.origin.place() {
                visit(&scalar.text, place);
            }
        }
        Data::List(items) => items.iter().for_each(|item| each_scalar(item, visit)),
        Data::Map(entries) => entries.iter().for_each(|(_, value)| each_scalar(value, visit)),
    }
}
