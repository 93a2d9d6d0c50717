//! The schemas of all operations.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value};

/// Where the schemas are in the document.
const PATH: &str = "/components/schemas";
const REFERENCE: &str = "#/components/schemas/";

/// Collects the schemas of what is read and of what is written. Serde may read a type otherwise than
/// it writes it: a field with a default need not be sent, and is always there in an answer.
pub(super) struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

// === impl Schemas ===

impl Schemas {
    pub(super) fn new() -> Self {
        let settings =
            || SchemaSettings::draft2020_12().with(|it| it.definitions_path = PATH.into());
        Self {
            read: settings().for_deserialize().into_generator(),
            written: settings().for_serialize().into_generator(),
        }
    }

    /// The schema of what callers send.
    pub(super) fn read<T: JsonSchema + ?Sized>(&mut self) -> Value {
        self.read.subschema_for::<T>().to_value()
    }

    /// The schema of what they get, marked until it is known whether it differs.
    pub(super) fn written<T: JsonSchema + ?Sized>(&mut self) -> Value {
        let mut schema = self.written.subschema_for::<T>().to_value();
        rename(&mut schema, &|name| format!("{name}{WRITTEN}"));
        schema
    }

    /// The schema of what callers send, with its reference followed.
    pub(super) fn resolved<T: JsonSchema + ?Sized>(&mut self) -> Value {
        let schema = self.read::<T>();
        let name = schema["$ref"].as_str().and_then(|name| name.strip_prefix(REFERENCE));
        match name.and_then(|name| self.read.definitions().get(name)) {
            Some(definition) => definition.clone(),
            None => schema,
        }
    }

    /// Moves all schemas that the document refers to into it. A type that is written otherwise than
    /// it is read is there twice.
    pub(super) fn finish(mut self, document: &mut Value) {
        let mut all = self.read.take_definitions(true);
        let mut written = self.written.take_definitions(true);
        let differs = different(&all, &written);
        let name = |name: &str| {
            let name = name.strip_suffix(WRITTEN).unwrap_or(name);
            if differs.iter().any(|it| it == name) {
                format!("{name}Output")
            } else {
                name.to_owned()
            }
        };
        rename(document, &|marked| {
            if marked.ends_with(WRITTEN) { name(marked) } else { marked.to_owned() }
        });
        for schema in written.values_mut() {
            rename(schema, &name);
        }
        all.extend(written.into_iter().map(|(key, schema)| (name(&key), schema)));
        keep_used(document, &mut all);
        all.sort_keys();
        document["components"]["schemas"] = Value::Object(all);
    }
}

/// No name of a type ends like this.
const WRITTEN: &str = "\u{1}";

/// The names whose schemas differ, and of those that refer to them.
fn different(read: &Map<String, Value>, written: &Map<String, Value>) -> Vec<String> {
    let mut differs: Vec<String> = Vec::new();
    loop {
        let refers = |schema: &Value| {
            let mut found = false;
            each_reference(&mut schema.clone(), &mut |name| {
                found |= differs.contains(name);
            });
            found
        };
        let more = written.iter().filter(|(name, schema)| {
            let other = read.get(*name);
            !differs.contains(name) && other.is_some_and(|other| other != *schema || refers(schema))
        });
        let more: Vec<_> = more.map(|(name, _)| name.clone()).collect();
        if more.is_empty() {
            return differs;
        }
        differs.extend(more);
    }
}

/// Drops schemas that nothing refers to: those whose fields became parameters.
fn keep_used(document: &Value, all: &mut Map<String, Value>) {
    let mut used = Vec::new();
    let mut waiting = vec![document.clone()];
    while let Some(mut value) = waiting.pop() {
        each_reference(&mut value, &mut |name| {
            if !used.contains(name) {
                used.push(name.clone());
                waiting.extend(all.get(name.as_str()).cloned());
            }
        });
    }
    all.retain(|name, _| used.contains(name));
}

fn rename(value: &mut Value, new: &dyn Fn(&str) -> String) {
    each_reference(value, &mut |name| *name = new(name));
}

/// Visits the name in each reference to a schema.
fn each_reference(value: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Value::String(text) if key == "$ref" && text.starts_with(REFERENCE) => {
                        let mut name = text.split_off(REFERENCE.len());
                        visit(&mut name);
                        text.push_str(&name);
                    }
                    _ => each_reference(value, visit),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_reference(item, visit)),
        _ => {}
    }
}
