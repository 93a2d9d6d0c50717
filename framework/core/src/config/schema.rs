//! What a section consists of.

use serde::de::DeserializeOwned;

use super::{
    Config,
    origin::Origin,
    rule::Rule,
    shape::Shape,
    value::{Data, Value},
};

/// What a struct with `derive(Config)` consists of.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    section: Option<&'static str>,
    env_prefix: Option<&'static str>,
    doc: &'static str,
    fields: Vec<Field>,
}

/// A field of a [`Schema`].
#[derive(Debug, Clone)]
pub struct Field {
    name: &'static str,
    doc: &'static str,
    kind: Kind,
    default: Option<Default>,
    env: Option<&'static str>,
    aliases: Vec<&'static str>,
    live: bool,
    unset: Option<&'static str>,
    renamed_from: Vec<&'static str>,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Value(Shape),
    Nested(Schema),
}

/// The default of a field, made by the derive.
#[doc(hidden)]
#[derive(Clone)]
pub enum Default {
    /// Written as in the file, and read like a value of it.
    Text(String),
    /// A list of such values.
    List(Vec<String>),
    /// Computed by an expression; this is how it is shown, where it can be.
    Computed(Option<serde_json::Value>),
}

// === impl Schema ===

impl Schema {
    /// A schema without fields. The derive adds to it.
    pub fn new() -> Self {
        <Self as std::default::Default>::default()
    }

    /// Sets the name of the section.
    #[doc(hidden)]
    #[must_use]
    pub fn with_section(mut self, name: &'static str) -> Self {
        self.section = Some(name);
        self
    }

    /// Sets what the variables begin with.
    #[doc(hidden)]
    #[must_use]
    pub fn with_env_prefix(mut self, prefix: &'static str) -> Self {
        self.env_prefix = Some(prefix);
        self
    }

    /// Sets the description.
    #[doc(hidden)]
    #[must_use]
    pub fn with_doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// Adds a field.
    #[doc(hidden)]
    #[must_use]
    pub fn with(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// The name of the section; a nested struct has none.
    pub fn section(&self) -> Option<&'static str> {
        self.section
    }

    /// What the variables begin with, where it is not the name of the section.
    pub fn env_prefix(&self) -> Option<&'static str> {
        self.env_prefix
    }

    /// The doc comment of the struct.
    pub fn doc(&self) -> &'static str {
        self.doc
    }

    /// The fields, in the order of their declaration.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether a field may change while the service runs.
    pub fn is_live(&self) -> bool {
        self.fields.iter().any(|field| field.live || field.nested().is_some_and(Self::is_live))
    }
}

// === impl Field ===

impl Field {
    /// A field of type `T`.
    #[doc(hidden)]
    pub fn of<T: DeserializeOwned>(name: &'static str) -> Self {
        Self::new(name, Kind::Value(Shape::of::<T>()))
    }

    /// A field that is a struct with `derive(Config)`.
    #[doc(hidden)]
    pub fn nested_of<C: Config>(name: &'static str) -> Self {
        Self::new(name, Kind::Nested(C::schema()))
    }

    fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            doc: "",
            kind,
            default: None,
            env: None,
            aliases: Vec::new(),
            live: false,
            unset: None,
            renamed_from: Vec::new(),
            rules: Vec::new(),
        }
    }

    /// The key that every section has without declaring it.
    pub(super) fn enabled() -> Self {
        Self::of::<bool>("enabled")
            .with_doc("Whether this part of the application is there at all.")
            .with_default(Default::Text("true".to_owned()))
    }

    /// Sets the description.
    #[doc(hidden)]
    #[must_use]
    pub fn with_doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// Sets the default.
    #[doc(hidden)]
    #[must_use]
    pub fn with_default(mut self, default: Default) -> Self {
        self.default = Some(default);
        self
    }

    /// Sets the variable.
    #[doc(hidden)]
    #[must_use]
    pub fn with_env(mut self, name: &'static str) -> Self {
        self.env = Some(name);
        self
    }

    /// Adds a variable.
    #[doc(hidden)]
    #[must_use]
    pub fn with_alias(mut self, name: &'static str) -> Self {
        self.aliases.push(name);
        self
    }

    /// Lets the field change while the service runs.
    #[doc(hidden)]
    #[must_use]
    pub fn with_live(mut self) -> Self {
        self.live = true;
        self
    }

    /// Sets what follows from the absence of a value.
    #[doc(hidden)]
    #[must_use]
    pub fn with_unset(mut self, consequence: &'static str) -> Self {
        self.unset = Some(consequence);
        self
    }

    /// Adds a former name.
    #[doc(hidden)]
    #[must_use]
    pub fn with_renamed_from(mut self, name: &'static str) -> Self {
        self.renamed_from.push(name);
        self
    }

    /// Adds a rule.
    #[doc(hidden)]
    #[must_use]
    pub fn with_rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// The key in the file.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The doc comment.
    pub fn doc(&self) -> &'static str {
        self.doc
    }

    /// What the field looks like; a nested struct has a schema instead.
    pub fn shape(&self) -> Option<&Shape> {
        match &self.kind {
            Kind::Value(shape) => Some(shape),
            Kind::Nested(_) => None,
        }
    }

    /// The schema of a nested struct.
    pub fn nested(&self) -> Option<&Schema> {
        match &self.kind {
            Kind::Value(_) => None,
            Kind::Nested(schema) => Some(schema),
        }
    }

    /// Whether the field may change while the service runs.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Whether a secret is in it, so that it is never shown.
    pub fn is_secret(&self) -> bool {
        match &self.kind {
            Kind::Value(shape) => shape.is_secret(),
            Kind::Nested(schema) => schema.fields.iter().any(Self::is_secret),
        }
    }

    /// Whether a value must be given.
    pub fn is_required(&self) -> bool {
        self.default.is_none() && self.shape().is_some_and(|shape| !shape.is_optional())
    }

    /// What follows from the absence of a value.
    pub fn unset(&self) -> Option<&'static str> {
        self.unset
    }

    /// What the value must satisfy.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The names that this field had before.
    pub fn renamed_from(&self) -> &[&'static str] {
        &self.renamed_from
    }

    pub(super) fn env(&self) -> Option<&'static str> {
        self.env
    }

    pub(super) fn aliases(&self) -> &[&'static str] {
        &self.aliases
    }

    pub(super) fn default(&self) -> Option<&Default> {
        self.default.as_ref()
    }
}

// === impl Default ===

impl Default {
    /// The default as a value, where there is a text of it.
    pub(super) fn value(&self) -> Option<Value> {
        match self {
            Self::Text(text) => Some(Value::plain(text, Origin::Default)),
            Self::List(items) => {
                let items = items.iter().map(|item| Value::plain(item, Origin::Default)).collect();
                Some(Value { data: Data::List(items), origin: Origin::Default })
            }
            Self::Computed(shown) => {
                shown.as_ref().map(|json| Value::from_json(json.clone(), &Origin::Default))
            }
        }
    }
}

impl std::fmt::Debug for Default {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.value().map_or_else(|| "computed".to_owned(), |value| value.show()))
    }
}
