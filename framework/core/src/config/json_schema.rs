//! JSON Schema, for completion and checks in an editor.

use serde_json::{Map, Value as Json, json};

use super::{
    Section, Shape,
    schema::{Field, Schema},
};

/// The JSON Schema (draft 2020-12) of `app.yaml`.
///
/// With `# yaml-language-server: $schema=app.schema.json` in its first line, editors complete and
/// check the file.
pub fn json_schema(sections: &[Section]) -> Json {
    let mut properties = Map::new();
    for section in sections {
        let mut schema = object(section.schema());
        schema["properties"]
            .as_object_mut()
            .expect("an object has properties")
            .entry("enabled")
            .or_insert_with(|| with_about(value(&Shape::Bool), &Field::enabled()));
        properties.insert(section.key().to_owned(), nullable(schema));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "patternProperties": { "^x-": {} },
        "additionalProperties": false,
        "$defs": {
            "placeholder": {
                "description": "Filled in from the environment, or read from elsewhere.",
                "type": "string",
                "pattern": "\\$\\{|^(file|vault):",
            },
        },
    })
}

fn object(schema: &Schema) -> Json {
    let mut properties = Map::new();
    for field in schema.fields() {
        let property = match (field.nested(), field.shape()) {
            (Some(nested), _) => nullable(object(nested)),
            (None, Some(shape)) => with_rules(value(shape), field),
            (None, None) => json!({}),
        };
        properties.insert(field.name().to_owned(), with_about(property, field));
    }
    let mut object = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !schema.doc().is_empty() {
        object["description"] = schema.doc().into();
    }
    // A required value may come from a variable, so a file without it is no mistake.
    object
}

/// A section whose keys are all commented out is null.
fn nullable(mut object: Json) -> Json {
    object["type"] = json!(["object", "null"]);
    object
}

fn value(shape: &Shape) -> Json {
    match shape {
        Shape::Any => json!({}),
        Shape::Bool => or_placeholder(json!({ "type": "boolean" })),
        Shape::Integer { min, max } => {
            let mut integer = json!({ "type": "integer" });
            // Bounds beyond what JSON's numbers hold exactly would be wrong in most editors.
            if let Ok(min) = i32::try_from(*min) {
                integer["minimum"] = min.into();
            }
            if let Ok(max) = u32::try_from(*max) {
                integer["maximum"] = max.into();
            }
            or_placeholder(integer)
        }
        Shape::Float => or_placeholder(json!({ "type": "number" })),
        Shape::Text | Shape::DataDir => json!({ "type": "string" }),
        Shape::Duration => json!({ "type": "string", "examples": ["500ms", "5s", "2m"] }),
        Shape::ByteSize => json!({ "type": ["string", "integer"], "examples": ["64KB", "10MiB"] }),
        Shape::Listen => json!({
            "type": ["string", "integer"],
            "examples": [8080, "127.0.0.1:8080", "[::1]:8080"],
        }),
        Shape::Enum(names) => or_placeholder(json!({ "enum": names })),
        Shape::List(item) => or_placeholder(json!({ "type": "array", "items": value(item) })),
        Shape::Map(item) => {
            or_placeholder(json!({ "type": "object", "additionalProperties": value(item) }))
        }
        Shape::Struct(fields) => {
            let properties: Map<_, _> =
                fields.iter().map(|(name, shape)| ((*name).to_owned(), value(shape))).collect();
            json!({ "type": "object", "properties": properties, "additionalProperties": false })
        }
        Shape::Optional(inner) => json!({ "anyOf": [value(inner), { "type": "null" }] }),
        Shape::Secret(inner) => {
            let mut secret = value(inner);
            secret["writeOnly"] = true.into();
            secret
        }
    }
}

fn or_placeholder(schema: Json) -> Json {
    json!({ "anyOf": [schema, { "$ref": "#/$defs/placeholder" }] })
}

/// Adds the rules to the value itself, which lies inside of the alternatives.
fn with_rules(mut schema: Json, field: &Field) -> Json {
    let mut target = &mut schema;
    while target.get("anyOf").is_some() {
        target = &mut target["anyOf"][0];
    }
    if let Some(object) = target.as_object_mut() {
        for rule in field.rules() {
            for (key, value) in rule.schema() {
                // A list is measured in items, a text in characters.
                let is_list = object.get("type").is_some_and(|kind| kind == "array");
                if !(key.ends_with("Length") && is_list || key.ends_with("Items") && !is_list) {
                    object.insert(key.clone(), value.clone());
                }
            }
        }
    }
    schema
}

fn with_about(mut schema: Json, field: &Field) -> Json {
    if !field.doc().is_empty() {
        schema["description"] = field.doc().into();
    }
    if let Some(default) =
        field.default().filter(|_| !field.is_secret()).and_then(|default| default.value())
    {
        schema["default"] = match field.shape().map(Shape::inner) {
            Some(Shape::Text) => default.show().into(),
            _ => default.to_json(),
        };
    }
    schema
}
