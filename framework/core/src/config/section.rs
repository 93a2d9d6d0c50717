//! A schema at its place in the configuration.

use std::sync::Arc;

use super::{
    Config, Origin, Problem, Shape,
    layer::Candidate,
    reader::Reader,
    schema::{Field, Schema},
};

/// A schema at its place: the key of the section, and the variables of its fields.
///
/// ```
/// # extern crate purlin_core as purlin;
/// use purlin::config::{Config, Listen, Section, Shape};
///
/// #[derive(Config)]
/// struct HttpConfig {
///     /// Where the server listens.
///     #[config(default = "8080")]
///     listen: Listen,
/// }
///
/// let section = Section::of::<HttpConfig>("http", None);
/// assert_eq!(section.keys_of(&Shape::Listen), ["http.listen"]);
/// assert_eq!(section.leaves()[0].variables(), ["HTTP_LISTEN"]);
/// ```
#[derive(Debug, Clone)]
pub struct Section {
    key: Arc<str>,
    schema: Arc<Schema>,
    leaves: Arc<[Leaf]>,
    check: fn(&mut Reader<'_>),
}

/// A field at its place: `orders.max_amount_cents`.
#[derive(Debug, Clone)]
pub struct Leaf {
    key: String,
    path: Vec<String>,
    variables: Vec<String>,
    former_variables: Vec<String>,
    field: Field,
}

// === impl Section ===

impl Section {
    /// The section of a `C`, called `name` unless the struct says otherwise.
    ///
    /// That of an instance is `postgres@analytics`, and its variables begin with `ANALYTICS_`.
    pub fn of<C: Config>(name: &str, instance: Option<&str>) -> Self {
        let schema = C::schema();
        let name = schema.section().unwrap_or(name);
        let (key, before) = match instance {
            Some(instance) => (format!("{name}@{instance}"), format!("{}_", upper(instance))),
            None => (name.to_owned(), String::new()),
        };
        let prefix =
            schema.env_prefix().map_or_else(|| format!("{}_", upper(name)), with_underscore);
        let mut leaves = Vec::new();
        let place = Place { path: vec![key.clone()], before: &before, prefix };
        place.leaves(&schema, &mut leaves);
        if schema.field("enabled").is_none() {
            leaves.push(place.leaf(&Field::enabled()));
        }
        Self {
            key: key.into(),
            schema: schema.into(),
            leaves: leaves.into(),
            check: |reader| drop(C::read(reader)),
        }
    }

    /// The key in the file: `orders`, `postgres@analytics`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// All fields, those of nested structs included; the last is `enabled`, which every section has.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The keys of the fields of a shape, optional ones included. It is how a test harness finds
    /// what is to get a free port or a throw-away directory.
    pub fn keys_of(&self, shape: &Shape) -> Vec<&str> {
        self.leaves
            .iter()
            .filter(|leaf| leaf.field.shape().is_some_and(|found| found.inner() == shape))
            .map(Leaf::key)
            .collect()
    }

    pub(super) fn leaf(&self, path: &[&str]) -> Option<&Leaf> {
        self.leaves.iter().find(|leaf| leaf.path[1..].iter().eq(path.iter()))
    }

    pub(super) fn check(&self, mut reader: Reader<'_>) -> Vec<Problem> {
        (self.check)(&mut reader);
        reader.into_problems()
    }
}

// === impl Leaf ===

impl Leaf {
    /// The key, from the section on: `orders.max_amount_cents`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The variables that are read, the first of which is the usual one.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// The field.
    pub fn field(&self) -> &Field {
        &self.field
    }

    pub(super) fn path(&self) -> &[String] {
        &self.path
    }

    /// Whether it is the `enabled` that every section has, and nobody set it.
    pub(super) fn is_plain_enabled(&self, candidate: Option<&Candidate>) -> bool {
        self.path.len() == 2
            && self.field.name() == "enabled"
            && candidate.is_some_and(|candidate| candidate.origin == Origin::Default)
    }

    pub(super) fn former_variables(&self) -> &[String] {
        &self.former_variables
    }
}

struct Place<'a> {
    path: Vec<String>,
    /// What comes before every variable of an instance.
    before: &'a str,
    prefix: String,
}

impl Place<'_> {
    fn leaves(&self, schema: &Schema, found: &mut Vec<Leaf>) {
        for field in schema.fields() {
            match field.nested() {
                None => found.push(self.leaf(field)),
                Some(schema) => {
                    let mut path = self.path.clone();
                    path.push(field.name().to_owned());
                    let own = schema
                        .env_prefix()
                        .map_or_else(|| format!("{}_", upper(field.name())), with_underscore);
                    let prefix = format!("{}{own}", self.prefix);
                    Place { path, before: self.before, prefix }.leaves(schema, found);
                }
            }
        }
    }

    fn leaf(&self, field: &Field) -> Leaf {
        let mut path = self.path.clone();
        path.push(field.name().to_owned());
        let usual = |name: &str| format!("{}{}{}", self.before, self.prefix, upper(name));
        let first = field
            .env()
            .map_or_else(|| usual(field.name()), |name| format!("{}{name}", self.before));
        let aliases = field.aliases().iter().map(|name| format!("{}{name}", self.before));
        Leaf {
            key: path.join("."),
            path,
            variables: std::iter::once(first).chain(aliases).collect(),
            former_variables: field.renamed_from().iter().map(|name| usual(name)).collect(),
            field: field.clone(),
        }
    }
}

fn upper(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "_").to_ascii_uppercase()
}

fn with_underscore(prefix: &str) -> String {
    match prefix.trim_end_matches('_') {
        "" => String::new(),
        prefix => format!("{prefix}_"),
    }
}
