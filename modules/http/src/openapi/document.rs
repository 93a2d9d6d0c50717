//! The document, made from the table of routes.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{
    Described, Operation,
    operation::{PROBLEM, content, parameter},
    schemas::Schemas,
};
use crate::routes::{Posture, RouteRow};

/// A route with what its handler says of itself.
pub(crate) struct Documented<'a> {
    pub(crate) row: RouteRow,
    pub(crate) described: &'a Described,
    pub(crate) is_limited: bool,
}

/// The methods that OpenAPI knows.
const METHODS: [&str; 8] = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"];

pub(crate) fn document(routes: &[Documented<'_>], title: &str, version: &str) -> Value {
    let mut document = json!({
        "openapi": "3.1.0",
        "info": { "title": title, "version": version },
        "paths": {},
        "components": {
            "responses": {
                "Problem": {
                    "description": "An error, as problem details (RFC 9457).",
                    "content": content("application/problem+json", json!({ "$ref": PROBLEM })),
                },
            },
        },
    });
    let mut schemas = Schemas::new();
    let known = || routes.iter().filter(|it| METHODS.contains(&it.row.method));
    let ids = identifiers(known());
    for (route, id) in known().zip(ids) {
        let path = template(&route.row.path);
        let method = route.row.method.to_ascii_lowercase();
        document["paths"][path][method] = operation(route, id, &mut schemas);
    }
    if known().any(|route| route.row.posture == Posture::Secured) {
        document["components"]["securitySchemes"] =
            json!({ "bearer": { "type": "http", "scheme": "bearer" } });
    }
    schemas.finish(&mut document);
    document["components"]["schemas"]["Problem"] = problem();
    document
}

fn operation(route: &Documented<'_>, id: String, schemas: &mut Schemas) -> Value {
    let Documented { row, described, is_limited } = route;
    let mut operation = Operation::new(schemas);
    if let Some(describe) = described.describe {
        describe(&mut operation);
    }
    if row.posture == Posture::Secured {
        operation.refusal(401, "unauthenticated");
        operation.refusal(403, "permission_denied");
    }
    if *is_limited {
        operation.refusal(429, "resource_exhausted");
    }
    let mut parameters = in_path(&row.path, operation.path.take());
    parameters.append(&mut operation.parameters);

    let mut out = Map::new();
    let tag = described.tag.clone().or_else(|| tag(&row.path));
    let set = |out: &mut Map<_, _>, key: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(key.to_owned(), value);
        }
    };
    set(&mut out, "tags", tag.map(|tag| json!([tag])));
    set(&mut out, "summary", described.summary.clone().map(Value::from));
    set(&mut out, "description", described.description.clone().map(Value::from));
    set(&mut out, "operationId", Some(id.into()));
    set(&mut out, "deprecated", described.deprecated.then_some(true.into()));
    set(&mut out, "parameters", (!parameters.is_empty()).then_some(parameters.into()));
    set(&mut out, "requestBody", operation.body.take());
    set(&mut out, "responses", Some(operation.take_responses()));
    if row.posture == Posture::Secured {
        let roles: Vec<_> = row.requires.iter().collect();
        out.insert("security".to_owned(), json!([{ "bearer": roles }]));
    }
    out.into()
}

/// The names of the functions, made unique by their modules, and by numbers where that does not do.
fn identifiers<'a>(routes: impl Iterator<Item = &'a Documented<'a>>) -> Vec<String> {
    let mut names: Vec<(String, String)> = routes
        .map(|route| {
            let RouteRow { method, path, handler, .. } = &route.row;
            if let Some(id) = &route.described.id {
                return (id.clone(), id.clone());
            }
            let mut segments = handler.rsplit("::");
            match (segments.next(), segments.next()) {
                (Some(name), module) if !name.contains(['{', '<']) => {
                    (name.to_owned(), format!("{}_{name}", module.unwrap_or("route")))
                }
                _ => {
                    let words = path.split(|c: char| !c.is_ascii_alphanumeric());
                    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
                    let id = format!("{}_{}", method.to_ascii_lowercase(), words.join("_"));
                    let id = id.trim_end_matches('_').to_owned();
                    (id.clone(), id)
                }
            }
        })
        .collect();
    let count = |names: &[(String, String)]| {
        let mut seen = HashMap::<String, usize>::new();
        for (name, _) in names {
            *seen.entry(name.clone()).or_default() += 1;
        }
        seen
    };
    let seen = count(&names);
    for (name, longer) in &mut names {
        if seen[name] > 1 {
            name.clone_from(longer);
        }
    }
    let mut taken = HashMap::<String, usize>::new();
    let numbered = names.into_iter().map(|(name, _)| {
        let times = taken.entry(name.clone()).or_default();
        *times += 1;
        if *times == 1 { name } else { format!("{name}_{times}") }
    });
    numbered.collect()
}

/// The first segment of a path that is no parameter.
fn tag(path: &str) -> Option<String> {
    path.split('/')
        .find(|segment| !segment.is_empty() && !segment.starts_with('{'))
        .map(str::to_owned)
}

/// The path in the syntax of OpenAPI, which has no wildcards.
fn template(path: &str) -> String {
    path.replace("{*", "{")
}

/// The parameters in the path, with what the handler reads them as: a struct by name, a tuple by
/// place, and anything else as the only one.
fn in_path(path: &str, schema: Option<Value>) -> Vec<Value> {
    let schema = schema.unwrap_or_default();
    let names = path.split('/').filter_map(|segment| {
        let at = segment.find('{')?;
        let name = segment[at..].strip_prefix('{')?.strip_suffix('}')?;
        Some(name.trim_start_matches('*'))
    });
    let of = |place: usize, name: &str| match (&schema["properties"], &schema["prefixItems"]) {
        (Value::Object(fields), _) => fields.get(name).cloned(),
        (_, Value::Array(items)) => items.get(place).cloned(),
        _ if place == 0 && schema.is_object() => Some(schema.clone()),
        _ => None,
    };
    let schema = |place, name: &str| of(place, name).unwrap_or_else(|| json!({ "type": "string" }));
    names
        .enumerate()
        .map(|(place, name)| parameter("path", name, true, schema(place, name)))
        .collect()
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference", "default": "about:blank", "description": "What kind of problem it is." },
            "title": { "type": "string", "description": "The kind in words." },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string", "description": "What happened this time." },
            "instance": { "type": "string", "format": "uri-reference", "description": "The path that was asked for." },
            "code": { "type": "string", "description": "The kind for programs." },
            "correlation_id": { "type": "string", "description": "The identifier of the request in the logs." },
            "trace_id": { "type": "string", "pattern": "^[0-9a-f]{32}$", "description": "The trace that the request is part of." },
            "errors": {
                "type": "array",
                "description": "The fields that are wrong.",
                "items": {
                    "type": "object",
                    "required": ["field", "message"],
                    "properties": {
                        "field": { "type": "string" },
                        "message": { "type": "string" },
                    },
                },
            },
        },
    })
}
