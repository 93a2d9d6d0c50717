//! YAML, with the place of each value.
//!
//! serde-saphyr gives spans to whatever is wrapped in its `Spanned`; a tree of those is all that is
//! needed. Anchors, aliases and merge keys are resolved by the parser, which also bounds depth,
//! size and the number of replayed nodes, and refuses duplicate keys.

use std::{fmt, path::PathBuf, sync::Arc};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Error, Spanned};

use super::{
    origin::{Origin, Place, Source},
    problem::Problem,
    value::{Data, Key, Scalar, Value},
};

/// Larger files are refused: a configuration of this size is a mistake.
pub(super) const MAX_BYTES: u64 = 4 * 1024 * 1024;

const MAX_DEPTH: usize = 64;

/// Parses a file.
pub(super) fn parse(source: &Arc<Source>) -> Result<Value, Box<Problem>> {
    match parse_text(source.text()) {
        Ok(Some(node)) => Ok(locate(node, source)),
        Ok(None) => {
            let origin = Origin::File(Place::new(source, 1, 1, 0..0));
            Ok(Value { data: Data::Map(Vec::new()), origin })
        }
        Err(error) => Err(Box::new(syntax_error(&error, source))),
    }
}

/// Parses a value in flow style, such as `[a, b]`, that was found at `origin`.
pub(super) fn parse_flow(text: &str, origin: &Origin) -> Option<Value> {
    // Places inside of the text mean nothing to the reader of a message.
    let source = Source::new("", PathBuf::new(), text.to_owned());
    let mut value = locate(parse_text(text).ok()??, &source);
    relocate(&mut value, origin);
    Some(value)
}

enum Node {
    Null,
    Plain,
    Text(String),
    List(Vec<Spanned<Node>>),
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
}

fn parse_text(text: &str) -> Result<Option<Spanned<Node>>, Error> {
    let mut budget = serde_saphyr::Budget::default();
    budget.max_depth = MAX_DEPTH;
    budget.max_nodes = 100_000;
    let options = serde_saphyr::options! {
        budget: Some(budget),
        with_snippet: false,
        strict_booleans: true,
        emit_comments: false,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::PassThrough,
    };
    serde_saphyr::from_str_with_options(text, options)
}

fn locate(node: Spanned<Node>, source: &Arc<Source>) -> Value {
    let place = place(node.defined, source);
    let range = place.range();
    let data = match node.value {
        Node::Null => Data::Null,
        Node::Plain => Data::Scalar(Scalar {
            text: source.text().get(range).unwrap_or_default().to_owned(),
            quoted: false,
        }),
        Node::Text(text) => {
            let quoted = source.text().get(range).is_none_or(|written| written != text);
            Data::Scalar(Scalar { text, quoted })
        }
        Node::List(items) => {
            Data::List(items.into_iter().map(|item| locate(item, source)).collect())
        }
        Node::Map(entries) => Data::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let origin = Origin::File(self::place(key.defined, source));
                    (Key { name: key.value, origin }, locate(value, source))
                })
                .collect(),
        ),
    };
    Value { data, origin: Origin::File(place) }
}

fn relocate(value: &mut Value, origin: &Origin) {
    value.origin = origin.clone();
    match &mut value.data {
        Data::Null | Data::Scalar(_) => {}
        Data::List(items) => items.iter_mut().for_each(|item| relocate(item, origin)),
        Data::Map(entries) => {
            for (key, value) in entries {
                key.origin = origin.clone();
                relocate(value, origin);
            }
        }
    }
}

fn place(location: serde_saphyr::Location, source: &Arc<Source>) -> Place {
    let to_usize = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let span = location.span();
    let start = span.byte_offset().map_or(0, to_usize);
    let end = start.saturating_add(span.byte_len().map_or(0, to_usize));
    Place::new(
        source,
        to_usize(location.line()).max(1),
        to_usize(location.column()).max(1),
        start..end,
    )
}

/// The parser's own words never hold a value, except for those kinds that are put differently here.
fn syntax_error(error: &Error, source: &Arc<Source>) -> Problem {
    let message = match error.without_snippet() {
        Error::DuplicateMappingKey { key, .. } => match key {
            Some(key) => format!("the key `{key}` is given twice; keep one of the two"),
            None => "a key is given twice; keep one of the two".to_owned(),
        },
        Error::MultipleDocuments { .. } => {
            "a second document begins here; a configuration file has one".to_owned()
        }
        error => {
            let text = error.to_string();
            let text = text.split(" at line ").next().unwrap_or_default();
            if text.starts_with("budget breached") {
                "the file is too deep, too large or expands too far for a configuration".to_owned()
            } else {
                format!("not valid YAML: {text}")
            }
        }
    };
    let location = error.location().unwrap_or(serde_saphyr::Location::UNKNOWN);
    Problem::syntax(place(location, source), message)
}

// === impl Node ===

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NodeVisitor;

        impl<'de> Visitor<'de> for NodeVisitor {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Node, E> {
                Ok(Node::Null)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
                Ok(Node::Plain)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
                Ok(Node::Plain)
            }

            fn visit_i128<E>(self, _: i128) -> Result<Node, E> {
                Ok(Node::Plain)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
                Ok(Node::Plain)
            }

            fn visit_u128<E>(self, _: u128) -> Result<Node, E> {
                Ok(Node::Plain)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
                Ok(Node::Plain)
            }

            fn visit_str<E>(self, text: &str) -> Result<Node, E> {
                Ok(Node::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Node::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
                let mut map = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    map.push(entry);
                }
                Ok(Node::Map(map))
            }
        }

        deserializer.deserialize_any(NodeVisitor)
    }
}
