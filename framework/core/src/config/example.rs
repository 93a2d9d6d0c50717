//! Example files, made from the types.

use super::{
    Leaf, Section, Shape,
    dump::to_yaml,
    schema::{Field, Schema},
};

/// A commented `app.yaml` with every key. Defaults are commented out, so that the file changes
/// nothing until somebody edits it; a required value is left empty.
pub fn yaml(sections: &[Section]) -> String {
    let mut text = String::new();
    for section in sections.iter().filter(|section| !section.schema().fields().is_empty()) {
        if !text.is_empty() {
            text.push('\n');
        }
        comment(&mut text, "", first_paragraph(section.schema().doc()));
        text.push_str(&format!("{}:\n", section.key()));
        fields(&mut text, section, section.schema(), &mut Vec::new());
    }
    text
}

/// A commented `.env.example` with every variable.
pub fn dot_env(sections: &[Section]) -> String {
    let mut text = String::new();
    for leaf in sections.iter().flat_map(own_leaves) {
        if !text.is_empty() {
            text.push('\n');
        }
        comment(&mut text, "", &about(leaf.field()));
        if let [_, aliases @ ..] = leaf.variables()
            && !aliases.is_empty()
        {
            comment(&mut text, "", &format!("Also: {}.", aliases.join(", ")));
        }
        let sign = if leaf.field().is_required() { "" } else { "# " };
        let default = default_of(leaf.field()).map(|value| value.1).unwrap_or_default();
        text.push_str(&format!("{sign}{}={default}\n", leaf.variables()[0]));
    }
    text
}

/// The leaves without the `enabled` that every section has.
fn own_leaves(section: &Section) -> impl Iterator<Item = &Leaf> {
    let declared = section.schema().field("enabled").is_some();
    section
        .leaves()
        .iter()
        .filter(move |leaf| declared || leaf.path().len() > 2 || leaf.field().name() != "enabled")
}

fn fields<'a>(text: &mut String, section: &Section, schema: &'a Schema, path: &mut Vec<&'a str>) {
    let indent = "  ".repeat(path.len() + 1);
    for field in schema.fields() {
        path.push(field.name());
        if let Some(nested) = field.nested() {
            let doc = if field.doc().is_empty() { nested.doc() } else { field.doc() };
            comment(text, &indent, first_paragraph(doc));
            text.push_str(&format!("{indent}{}:\n", field.name()));
            fields(text, section, nested, path);
        } else {
            comment(text, &indent, &about(field));
            if let Some(leaf) = section.leaf(path) {
                comment(text, &indent, &format!("Variable: {}.", leaf.variables().join(", ")));
            }
            let sign = if field.is_required() { "" } else { "# " };
            let value = default_of(field).map(|value| format!(" {}", value.0)).unwrap_or_default();
            text.push_str(&format!("{indent}{sign}{}:{value}\n", field.name()));
        }
        path.pop();
    }
}

/// The default as YAML, and as a variable.
fn default_of(field: &Field) -> Option<(String, String)> {
    let value = field.default()?.value().filter(|_| !field.is_secret())?;
    let yaml = match field.shape().map(Shape::inner) {
        // Text that looks like a number stays text.
        Some(Shape::Text) => {
            super::value::Value { data: value.data.clone().quoted(), ..value.clone() }
        }
        _ => value.clone(),
    };
    let items: Vec<_> = match &value.data {
        super::value::Data::List(items) => items.iter().map(super::value::Value::show).collect(),
        _ => vec![value.show()],
    };
    Some((to_yaml(&yaml), items.join(",")))
}

/// What is to be known of a field, as sentences.
fn about(field: &Field) -> String {
    let mut parts = vec![field.doc().to_owned()];
    let shape = field.shape().map(Shape::inner);
    match shape {
        Some(Shape::Enum(names)) => parts.push(format!("One of {}.", names.join(", "))),
        Some(Shape::Duration) => parts.push("Such as 500ms, 5s or 2m.".to_owned()),
        Some(Shape::ByteSize) => parts.push("Such as 64KB or 10MiB.".to_owned()),
        _ => {}
    }
    parts.extend(field.rules().iter().map(|rule| sentence(&rule.to_string())));
    if let Some(consequence) = field.unset() {
        parts.push(format!("Without it, {consequence}."));
    }
    for (holds, text) in [
        (field.is_required(), "Required."),
        (field.is_secret(), "A secret."),
        (field.is_live(), "May change while the service runs."),
    ] {
        if holds {
            parts.push(text.to_owned());
        }
    }
    parts.retain(|part| !part.is_empty());
    match parts.split_first() {
        Some((doc, rest)) if doc.contains('\n') && !rest.is_empty() => {
            format!("{doc}\n{}", rest.join(" "))
        }
        _ => parts.join(" "),
    }
}

/// What a struct is about. What follows is for readers of its code: examples, links, sources.
fn first_paragraph(doc: &str) -> &str {
    doc.split("\n\n").next().unwrap_or(doc)
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| format!("{}{}.", first.to_uppercase(), chars.as_str()))
        .unwrap_or_default()
}

fn comment(text: &mut String, indent: &str, comment: &str) {
    for line in comment.lines() {
        text.push_str(format!("{indent}# {line}").trim_end());
        text.push('\n');
    }
}
