//! The effective configuration.

use serde_json::{Map, Value as Json, json};

use super::{Leaf, Origin, Settings, layer::Candidate, value::Value};

impl Settings {
    /// The effective configuration as YAML, with the origin of each value as a comment. Secrets are
    /// not shown. What is not set is there as `null`, so that nothing is missing.
    pub fn dump(&self) -> String {
        let mut text = format!("# profile {} · {}\n", self.profile(), self.sources());
        let mut above: Vec<String> = Vec::new();
        for (leaf, candidate) in self.effective() {
            let (name, parents) =
                leaf.path().split_last().expect("a leaf has a section and a name");
            let shared = parents.iter().zip(&above).take_while(|(a, b)| a == b).count();
            for (depth, parent) in parents.iter().enumerate().skip(shared) {
                text.push_str(&format!("{}{parent}:\n", "  ".repeat(depth)));
            }
            let indent = "  ".repeat(parents.len());
            let line = match candidate {
                Some(Candidate { origin, value }) => {
                    format!("{name}: {}  # {origin}", shown(leaf, &value))
                }
                None if leaf.field().default().is_some() => {
                    format!("# {name}: a default that cannot be shown")
                }
                None => match leaf.field().unset() {
                    Some(consequence) => format!("{name}: null  # not set: {consequence}"),
                    None => format!("{name}: null  # not set"),
                },
            };
            text.push_str(&format!("{indent}{line}\n"));
            above = parents.to_vec();
        }
        text
    }

    /// The effective configuration as `{key: {value, origin}}`. Secrets are not shown; what is not
    /// set is `null`.
    pub fn to_json(&self) -> Json {
        let mut keys = Map::new();
        for (leaf, candidate) in self.effective() {
            let entry = match candidate {
                Some(Candidate { origin, value }) => {
                    let text = Self::show(leaf, &value);
                    let shown =
                        if text == value.show() { value.to_json() } else { Json::String(text) };
                    json!({ "value": shown, "origin": origin.to_string() })
                }
                None if leaf.field().default().is_some() => {
                    json!({ "value": null, "origin": "default" })
                }
                None => json!({ "value": null, "origin": "not set" }),
            };
            keys.insert(leaf.key().to_owned(), entry);
        }
        Json::Object(keys)
    }

    /// Each field with the value that wins. Every section has `enabled`; it is worth a line where
    /// somebody set it.
    fn effective(&self) -> impl Iterator<Item = (&Leaf, Option<Candidate>)> {
        let all = self.leaves().map(|leaf| (leaf, self.candidates(leaf).pop()));
        all.filter(|(leaf, candidate)| !leaf.is_plain_enabled(candidate.as_ref()))
    }
}

fn shown(leaf: &Leaf, value: &Value) -> String {
    let text = Settings::show(leaf, value);
    if text == value.show() { to_yaml(value) } else { text_to_yaml(&text) }
}

/// A value on one line, in flow style where it is a list or a map.
pub(super) fn to_yaml(value: &Value) -> String {
    match value.to_json() {
        Json::String(text) => text_to_yaml(&text),
        json => json.to_string(),
    }
}

/// A text, in quotes where YAML would read something else.
fn text_to_yaml(text: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "_-./@+%:".contains(c);
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
        && text.chars().all(is_safe)
        && !text.ends_with(':')
        && !matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "null" | "yes" | "no")
        && Value::plain(text, Origin::Default).to_json().is_string();
    if is_plain { text.to_owned() } else { Json::from(text).to_string() }
}
