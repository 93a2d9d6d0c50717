use std::{collections::BTreeMap, fmt};

use http::StatusCode;
use purlin::error::Code;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::schemas::Schemas;

/// What is known of one operation; extractors and responses add to it.
pub struct Operation<'a> {
    pub(super) schemas: &'a mut Schemas,
    pub(super) parameters: Vec<Value>,
    /// The schema of what the extractor of the path reads.
    pub(super) path: Option<Value>,
    pub(super) body: Option<Value>,
    pub(super) responses: BTreeMap<String, Value>,
    pub(super) problems: BTreeMap<u16, Vec<String>>,
}

/// Where a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum In {
    /// In the query.
    Query,
    /// In the headers.
    Header,
    /// In the cookies.
    Cookie,
}

// === impl Operation ===

impl<'a> Operation<'a> {
    pub(super) fn new(schemas: &'a mut Schemas) -> Self {
        Self {
            schemas,
            parameters: Vec::new(),
            path: None,
            body: None,
            responses: BTreeMap::new(),
            problems: BTreeMap::new(),
        }
    }

    /// Adds a parameter with the schema of `T`.
    pub fn parameter<T: JsonSchema>(&mut self, place: In, name: &str, required: bool) {
        let schema = self.schemas.read::<T>();
        self.parameter_of(place, name, required, schema);
    }

    /// Adds a parameter with a schema that is written out.
    pub fn parameter_of(&mut self, place: In, name: &str, required: bool, schema: Value) {
        self.parameters.push(parameter(place.name(), name, required, schema));
    }

    /// Adds a parameter for each field of `T`.
    pub fn parameters<T: JsonSchema>(&mut self, place: In) {
        let schema = self.schemas.resolved::<T>();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, field) in schema["properties"].as_object().cloned().unwrap_or_default() {
            let is_required = required.iter().any(|it| *it == *name);
            self.parameter_of(place, &name, is_required, field);
        }
    }

    /// Sets the body of the request.
    pub fn body<T: JsonSchema + ?Sized>(&mut self, media_type: &str) {
        let schema = self.schemas.read::<T>();
        self.body_of(media_type, schema);
    }

    /// Sets the body of the request, with a schema that is written out.
    pub fn body_of(&mut self, media_type: &str, schema: Value) {
        self.body = Some(json!({ "required": true, "content": content(media_type, schema) }));
    }

    /// Says that the body of the request may be left out.
    pub(super) fn optional(&mut self) {
        if let Some(body) = &mut self.body {
            body["required"] = false.into();
        }
    }

    /// Adds a response with a body.
    pub fn response<T: JsonSchema + ?Sized>(&mut self, status: StatusCode, media_type: &str) {
        let schema = self.schemas.written::<T>();
        self.response_of(status, Some((media_type, schema)));
    }

    /// Adds a response, with the media type and the schema of its body where it has one.
    pub fn response_of(&mut self, status: StatusCode, body: Option<(&str, Value)>) {
        let mut response = Map::new();
        let reason = status.canonical_reason().unwrap_or("The answer");
        response.insert("description".to_owned(), reason.into());
        if let Some((media_type, schema)) = body {
            response.insert("content".to_owned(), content(media_type, schema));
        }
        self.responses.insert(status.as_str().to_owned(), response.into());
    }

    /// Adds a header to the responses so far.
    pub(super) fn response_header(&mut self, name: &str, schema: &Value, description: &str) {
        for response in self.responses.values_mut() {
            response["headers"][name] = json!({ "description": description, "schema": schema });
        }
    }

    /// What was described by `inner` becomes the answer with another status, which is not known
    /// beforehand.
    pub(super) fn with_any_status(&mut self, inner: impl FnOnce(&mut Self)) {
        let before = std::mem::take(&mut self.responses);
        inner(self);
        let described = std::mem::replace(&mut self.responses, before);
        let mut response = described.into_values().next().unwrap_or_else(|| json!({}));
        response["description"] = "The answer".into();
        self.responses.entry("2XX".to_owned()).or_insert(response);
    }

    /// Adds a problem: an error with problem details.
    pub fn problem(&mut self, code: Code) {
        self.refusal(code.http_status(), code.name());
    }

    pub(super) fn refusal(&mut self, status: u16, code: &str) {
        let codes = self.problems.entry(status).or_default();
        if !codes.iter().any(|known| known == code) {
            codes.push(code.to_owned());
        }
    }

    /// All responses, with the problems.
    pub(super) fn take_responses(&mut self) -> Value {
        let mut responses: Map<_, _> = std::mem::take(&mut self.responses).into_iter().collect();
        if responses.is_empty() {
            responses.insert("2XX".to_owned(), json!({ "description": "The answer" }));
        }
        for (status, codes) in std::mem::take(&mut self.problems) {
            let reason = StatusCode::from_u16(status).ok().and_then(|it| it.canonical_reason());
            let codes: Vec<_> = codes.iter().map(|code| format!("`{code}`")).collect();
            let response = json!({
                "description": format!("{}: {}", reason.unwrap_or("Error"), codes.join(", ")),
                "content": content("application/problem+json", json!({ "$ref": PROBLEM })),
            });
            responses.entry(status.to_string()).or_insert(response);
        }
        let any = json!({ "$ref": "#/components/responses/Problem" });
        responses.entry("default").or_insert(any);
        responses.into()
    }
}

pub(super) const PROBLEM: &str = "#/components/schemas/Problem";

pub(super) fn content(media_type: &str, schema: Value) -> Value {
    json!({ media_type: { "schema": schema } })
}

pub(super) fn parameter(place: &str, name: &str, required: bool, mut schema: Value) -> Value {
    let mut parameter = json!({ "name": name, "in": place, "required": required });
    if let Some(description) = schema.as_object_mut().and_then(|it| it.shift_remove("description"))
    {
        parameter["description"] = description;
    }
    parameter["schema"] = schema;
    parameter
}

impl fmt::Debug for Operation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("parameters", &self.parameters)
            .field("body", &self.body)
            .field("responses", &self.responses)
            .finish_non_exhaustive()
    }
}

// === impl In ===

impl In {
    fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}
