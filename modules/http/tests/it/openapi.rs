//! The OpenAPI document is found out from the handlers, and is valid.

use axum::{
    Json,
    extract::{Path, Query, State},
    response::{
        IntoResponse, NoContent, Response,
        sse::{Event, Sse},
    },
};
use purlin::error::{Code, ServiceError};
use purlin_http::{
    Created, CursorPage, CursorPaged, Options, Page, Paged, Principal, Problem, Routes, Valid, api,
    limit::Quota,
    openapi::{In, Input, Operation},
    problem::respond,
    routes::{any, delete, get, post, put},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use validator::Validate;

use crate::support::{self, PARENT, start, start_with};

/// What a customer asks for.
#[derive(Deserialize, Validate, JsonSchema)]
struct NewOrder {
    /// Who orders.
    #[validate(length(min = 1, max = 200))]
    customer: String,
    /// The price, in cents.
    #[validate(range(min = 1))]
    amount_cents: i64,
    /// A word about it.
    #[serde(default)]
    #[expect(dead_code, reason = "what matters is its schema")]
    note: String,
}

/// An order.
#[derive(Serialize, JsonSchema)]
struct Order {
    id: u64,
    customer: String,
    amount_cents: i64,
    lines: Vec<Line>,
}

/// A line is read and written, and not alike.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Line {
    #[serde(default)]
    count: u32,
    item: Item,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Item {
    Book,
    Pen { colour: String },
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "what matters is its schema")]
struct Place {
    order: u64,
    line: u32,
}

#[derive(Deserialize, Validate, JsonSchema)]
#[expect(dead_code, reason = "what matters is its schema")]
struct Filter {
    /// Only those of this customer.
    #[validate(length(min = 1))]
    customer: Option<String>,
    status: String,
}

#[derive(Debug, thiserror::Error)]
#[error("no")]
struct OrderError;

impl ServiceError for OrderError {
    fn code(&self) -> Code {
        Code::NotFound
    }

    fn codes() -> Vec<Code> {
        vec![Code::NotFound, Code::FailedPrecondition, Code::Aborted]
    }
}

impl IntoResponse for OrderError {
    fn into_response(self) -> Response {
        respond(&self)
    }
}

/// An extractor of the service's own.
struct Tenant;

impl<S: Sync> axum::extract::FromRequestParts<S> for Tenant {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut http::request::Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self)
    }
}

impl Input for Tenant {
    fn describe(operation: &mut Operation<'_>) {
        operation.parameter::<String>(In::Header, "x-tenant", true);
        operation.problem(Code::PermissionDenied);
    }
}

async fn create(
    State(()): State<()>,
    Valid(Json(new)): Valid<Json<NewOrder>>,
) -> Result<Created<Order>, OrderError> {
    let NewOrder { customer, amount_cents, .. } = new;
    Ok(Created::new("/orders/7", Order { id: 7, customer, amount_cents, lines: Vec::new() }))
}

async fn list(_: Page, _: Valid<Query<Filter>>) -> Result<Json<Paged<Order>>, OrderError> {
    Err(OrderError)
}

async fn feed(_: CursorPage) -> Result<Json<CursorPaged<Order>>, Problem> {
    Err(Problem::internal())
}

async fn show(Path(_): Path<u64>) -> Result<Json<Order>, OrderError> {
    Err(OrderError)
}

async fn remove(_: Principal, _: Tenant, Path(_): Path<u64>) -> Result<NoContent, OrderError> {
    Ok(NoContent)
}

async fn set_line(Path(_): Path<Place>, Json(line): Json<Line>) -> Json<Line> {
    Json(line)
}

async fn file(Path((_, _)): Path<(u64, String)>) -> String {
    String::new()
}

async fn events() -> Sse<futures_util::stream::Empty<Result<Event, axum::Error>>> {
    Sse::new(futures_util::stream::empty())
}

async fn plain(_: http::HeaderMap) {}

mod other {
    pub(super) async fn list() {}
}

fn routes() -> Routes {
    Routes::new()
        .public("/orders", get(api(list)).post(api(create).summary("Takes an order.").tag("trade")))
        .public("/orders/{id}", get(api(show).id("showOrder")))
        .secured("/orders/{id}", delete(api(remove).deprecated()).requires("orders:write"))
        .public("/orders/{order}/lines/{line}", put(api(set_line)))
        .public("/files/{id}/{*path}", get(api(file).description("A file of an order.")))
        .public("/feed", get(api(feed)).rate_limit(Quota::per_second(1)))
        .public("/events", get(api(events)))
        .public("/plain/{name}", post(plain))
        .public("/closure", get(async || "closure"))
        .public("/others", get(other::list))
        .public("/any", any(plain))
}

fn document() -> Value {
    routes().openapi("orders", "1.2.3")
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[test]
fn what_a_handler_reads_is_in_it() {
    let document = document();
    let create = &document["paths"]["/orders"]["post"];
    assert_eq!(create["operationId"], "create");
    assert_eq!(create["summary"], "Takes an order.");
    assert_eq!(create["tags"], json!(["trade"]));
    assert_eq!(create["requestBody"]["required"], true);
    assert_eq!(
        create["requestBody"]["content"]["application/json"]["schema"],
        reference("NewOrder")
    );
    let new = &document["components"]["schemas"]["NewOrder"];
    assert_eq!(new["description"], "What a customer asks for.");
    assert_eq!(new["required"], json!(["customer", "amount_cents"]));
    assert_eq!(new["properties"]["customer"]["maxLength"], 200);
    assert_eq!(new["properties"]["amount_cents"]["minimum"], 1);

    let parameters = |path: &str, method: &str| -> Vec<Value> {
        document["paths"][path][method]["parameters"].as_array().cloned().unwrap_or_default()
    };
    let names = |parameters: &[Value]| -> Vec<String> {
        let name = |it: &Value| format!("{} {} {}", it["in"], it["name"], it["required"]);
        parameters.iter().map(name).collect::<Vec<_>>()
    };
    let list = parameters("/orders", "get");
    assert_eq!(
        names(&list),
        [
            r#""query" "limit" false"#,
            r#""query" "offset" false"#,
            r#""query" "customer" false"#,
            r#""query" "status" true"#
        ]
    );
    assert_eq!(
        (&list[0]["schema"]["minimum"], &list[0]["schema"]["maximum"]),
        (&json!(1), &json!(100))
    );
    assert_eq!(list[2]["description"], "Only those of this customer.");
    assert_eq!(list[2]["schema"]["minLength"], 1);
    let place = parameters("/orders/{order}/lines/{line}", "put");
    assert_eq!(names(&place), [r#""path" "order" true"#, r#""path" "line" true"#]);
    assert_eq!(place[1]["schema"]["format"], "uint32");
    let file = parameters("/files/{id}/{path}", "get");
    assert_eq!(file[0]["schema"]["type"], "integer");
    assert_eq!(file[1]["schema"]["type"], "string");
    let remove = parameters("/orders/{id}", "delete");
    assert_eq!(names(&remove), [r#""path" "id" true"#, r#""header" "x-tenant" true"#]);
    assert_eq!(names(&parameters("/plain/{name}", "post")), [r#""path" "name" true"#]);
}

#[test]
fn what_a_handler_answers_is_in_it() {
    let document = document();
    let responses = |path: &str, method: &str| -> Vec<String> {
        let all = document["paths"][path][method]["responses"].as_object().unwrap();
        all.keys().cloned().collect()
    };
    assert_eq!(
        responses("/orders", "post"),
        ["201", "400", "404", "409", "413", "415", "422", "default"]
    );
    let created = &document["paths"]["/orders"]["post"]["responses"];
    assert_eq!(created["201"]["content"]["application/json"]["schema"], reference("Order"));
    assert!(created["201"]["headers"]["Location"].is_object());
    assert_eq!(created["409"]["description"], "Conflict: `failed_precondition`, `aborted`");
    assert_eq!(
        created["409"]["content"]["application/problem+json"]["schema"],
        reference("Problem")
    );
    assert_eq!(
        responses("/orders/{id}", "delete"),
        ["204", "400", "401", "403", "404", "409", "default"]
    );
    assert_eq!(responses("/feed", "get"), ["200", "422", "429", "default"]);
    let events = &document["paths"]["/events"]["get"]["responses"]["200"]["content"];
    assert!(events["text/event-stream"].is_object());
    assert_eq!(responses("/closure", "get"), ["2XX", "default"]);
    // Serde writes a line otherwise than it reads it, and so what has lines.
    let line = &document["paths"]["/orders/{order}/lines/{line}"]["put"];
    assert_eq!(line["requestBody"]["content"]["application/json"]["schema"], reference("Line"));
    let written = &line["responses"]["200"]["content"]["application/json"]["schema"];
    assert_eq!(*written, reference("LineOutput"));
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["Line"]["required"], json!(["item"]));
    assert_eq!(schemas["LineOutput"]["required"], json!(["count", "item"]));
    assert_eq!(schemas["Order"]["properties"]["lines"]["items"], reference("LineOutput"));
    assert!(schemas.get("Filter").is_none(), "its fields are parameters");
}

#[test]
fn who_may_call_and_what_it_is_called_is_in_it() {
    let document = document();
    let remove = &document["paths"]["/orders/{id}"]["delete"];
    assert_eq!(remove["security"], json!([{ "bearer": ["orders:write"] }]));
    assert_eq!(remove["deprecated"], true);
    assert!(document["paths"]["/orders/{id}"]["get"].get("security").is_none());
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let id = |path: &str, method: &str| document["paths"][path][method]["operationId"].clone();
    assert_eq!(id("/orders/{id}", "get"), "showOrder");
    assert_eq!(id("/closure", "get"), "get_closure");
    // Two functions of one name are told apart by their modules.
    assert_eq!(
        (id("/orders", "get"), id("/others", "get")),
        (json!("openapi_list"), json!("other_list"))
    );
    assert!(document["paths"].get("/any").is_none());
}

#[test]
fn it_is_valid() {
    let document = document();
    // A reader of its own knows every object of the specification, and what each requires.
    let spec: oas3::OpenApiV3Spec = serde_json::from_value(document.clone()).unwrap();
    assert_eq!(spec.operations().count(), 11);
    let ids: Vec<_> =
        spec.operations().map(|(_, _, it)| it.operation_id.clone().unwrap()).collect();
    let mut unique = ids.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), ids.len(), "{ids:?}");

    // Every schema is a schema of the dialect of OpenAPI 3.1.
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|it| panic!("{name}: {it}"));
    }
    // Every reference leads somewhere.
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 20);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    // Every parameter of a path is declared.
    for (path, _, operation) in spec.operations() {
        for name in path.split(['{', '}']).skip(1).step_by(2) {
            let declared = operation.parameters.iter().any(|it| {
                serde_json::to_value(it).is_ok_and(|it| it["name"] == name && it["in"] == "path")
            });
            assert!(declared, "{path}: {name}");
        }
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            references.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|it| collect(it, references));
        }
        Value::Array(items) => items.iter().for_each(|it| collect(it, references)),
        _ => {}
    }
}

/// What is described is what happens: the bodies of real answers fit their schemas.
#[tokio::test]
async fn answers_are_as_they_are_described() {
    let app = start(routes(), ());
    let document = document();
    let fits = |reference: &str, value: &Value| {
        let mut schema = document.clone();
        schema["$ref"] = format!("#/components/schemas/{reference}").into();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        validator.validate(value).unwrap_or_else(|error| panic!("{value}: {error}"));
    };
    let send =
        async |body: Value| support::Answer::of(app.request("POST", "/orders").json(&body)).await;
    fits("Order", &send(json!({ "customer": "ada", "amount_cents": 5 })).await.json());
    fits(
        "Problem",
        &send(json!({ "customer": "", "amount_cents": 0 })).await.problem(422, "invalid_argument"),
    );
    fits("Problem", &app.get("/orders/1").await.problem(404, "not_found"));
    fits("Problem", &app.get("/nowhere").await.problem(404, "not_found"));

    // All that a problem can say is described.
    support::read_traces();
    let wrong = app.request("POST", "/orders").header("traceparent", PARENT);
    let wrong = wrong.json(&json!({ "customer": "", "amount_cents": 0 }));
    let problem = support::Answer::of(wrong).await.problem(422, "invalid_argument");
    assert_eq!(problem["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    fits("Problem", &problem);
    let described = &document["components"]["schemas"]["Problem"]["properties"];
    for member in problem.as_object().unwrap().keys() {
        assert!(described.get(member).is_some(), "{member} is not described");
    }
}

#[tokio::test]
async fn it_is_served_with_a_page_that_needs_nothing_from_elsewhere() {
    let options = Options { openapi: Some(purlin::package!()), ..Options::default() };
    let app = start_with(routes(), (), &options);
    let answer = app.get("/openapi.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(answer.json(), routes().openapi("purlin-http", version));

    let page = app.get("/docs").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    for asset in ["/docs/docs.css", "/docs/docs.js", "/openapi.json"] {
        assert!(page.text.contains(&format!("\"{asset}\"")), "{asset}");
    }
    for path in ["/docs", "/docs/docs.css", "/docs/docs.js"] {
        let asset = app.get(path).await;
        assert_eq!(asset.status, 200);
        for elsewhere in ["http://", "https://", "//cdn", "@import", "innerHTML"] {
            assert!(!asset.text.contains(elsewhere), "{path} has {elsewhere}");
        }
        assert!(
            asset
                .header("content-security-policy")
                .starts_with("default-src 'none'; script-src 'self'")
        );
    }
}

#[tokio::test]
async fn it_is_not_served_unless_it_is_asked_for_and_gives_way() {
    let app = start(routes(), ());
    assert_eq!(app.get("/openapi.json").await.status, 404);
    assert_eq!(app.get("/docs").await.status, 404);

    let own = Routes::new().public("/docs", get(async || "my own"));
    let options = Options { openapi: Some(purlin::package!()), ..Options::default() };
    let app = start_with(own, (), &options);
    assert_eq!(app.get("/docs").await.text, "my own");
    assert_eq!(app.get("/openapi.json").await.status, 200);
}
