//! A tree of values, each of which knows where it comes from.

use super::origin::Origin;

/// A value and its origin.
#[derive(Clone)]
pub(super) struct Value {
    pub(super) data: Data,
    pub(super) origin: Origin,
}

/// What a value is.
///
/// Scalars stay text until a field asks for a type: a quoted `"8080"`, a variable and a placeholder
/// that was filled in are then all read alike, and a version `1.10` stays what was written.
#[derive(Clone)]
pub(super) enum Data {
    Null,
    Scalar(Scalar),
    List(Vec<Value>),
    Map(Vec<(Key, Value)>),
}

/// A scalar as it was written.
#[derive(Clone)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// It was in quotes, so it is text where no type is asked for.
    pub(super) quoted: bool,
}

/// A key of a map.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) origin: Origin,
}

// === impl Value ===

impl Value {
    pub(super) fn plain(text: impl Into<String>, origin: Origin) -> Self {
        Self { data: Data::Scalar(Scalar { text: text.into(), quoted: false }), origin }
    }

    pub(super) fn from_json(json: serde_json::Value, origin: &Origin) -> Self {
        let data = match json {
            serde_json::Value::Null => Data::Null,
            serde_json::Value::Bool(value) => Data::plain(value.to_string()),
            serde_json::Value::Number(value) => Data::plain(value.to_string()),
            serde_json::Value::String(text) => Data::Scalar(Scalar { text, quoted: true }),
            serde_json::Value::Array(items) => {
                Data::List(items.into_iter().map(|item| Self::from_json(item, origin)).collect())
            }
            serde_json::Value::Object(entries) => Data::Map(
                entries
                    .into_iter()
                    .map(|(name, value)| {
                        (Key { name, origin: origin.clone() }, Self::from_json(value, origin))
                    })
                    .collect(),
            ),
        };
        Self { data, origin: origin.clone() }
    }

    /// A tree with `value` at `path`.
    pub(super) fn at_path(path: &[&str], value: Value) -> Self {
        path.iter().rev().fold(value, |value, name| {
            let origin = value.origin.clone();
            let key = Key { name: (*name).to_owned(), origin: origin.clone() };
            Self { data: Data::Map(vec![(key, value)]), origin }
        })
    }

    /// This value, and beside it the entries of a `weaker` map that it says nothing of.
    pub(super) fn over(self, weaker: &Value) -> Self {
        let Self { data: Data::Map(entries), origin } = self else { return self };
        let mut merged = weaker.entries().to_vec();
        for (key, value) in entries {
            match merged.iter_mut().find(|(other, _)| other.name == key.name) {
                Some((_, other)) => *other = value.over(other),
                None => merged.push((key, value)),
            }
        }
        Self { data: Data::Map(merged), origin }
    }

    pub(super) fn entries(&self) -> &[(Key, Value)] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<(&Key, &Value)> {
        self.entries().iter().find(|(key, _)| key.name == name).map(|(key, value)| (key, value))
    }

    /// What lies at a path of keys, with the last of them.
    pub(super) fn find<'a>(&'a self, path: &[impl AsRef<str>]) -> Option<(&'a Key, &'a Value)> {
        let (first, rest) = path.split_first()?;
        let (key, value) = self.get(first.as_ref())?;
        if rest.is_empty() { Some((key, value)) } else { value.find(rest) }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// Calls `visit` for each scalar of the tree.
    pub(super) fn each_scalar(&mut self, visit: &mut dyn FnMut(&mut Scalar, &Origin)) {
        match &mut self.data {
            Data::Null => {}
            Data::Scalar(scalar) => visit(scalar, &self.origin),
            Data::List(items) => items.iter_mut().for_each(|item| item.each_scalar(visit)),
            Data::Map(entries) => {
                entries.iter_mut().for_each(|(_, value)| value.each_scalar(visit));
            }
        }
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        match &self.data {
            Data::Null => serde_json::Value::Null,
            Data::Scalar(scalar) => scalar.to_json(),
            Data::List(items) => items.iter().map(Self::to_json).collect(),
            Data::Map(entries) => serde_json::Value::Object(
                entries.iter().map(|(key, value)| (key.name.clone(), value.to_json())).collect(),
            ),
        }
    }

    /// The value on one line, as a person would write it in the file.
    pub(super) fn show(&self) -> String {
        match &self.data {
            Data::Null => "null".to_owned(),
            Data::Scalar(scalar) => scalar.text.clone(),
            Data::List(items) => {
                format!("[{}]", items.iter().map(Self::show).collect::<Vec<_>>().join(", "))
            }
            Data::Map(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|(key, value)| format!("{}: {}", key.name, value.show()))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }
}

// === impl Data ===

impl Data {
    fn plain(text: String) -> Self {
        Self::Scalar(Scalar { text, quoted: false })
    }

    /// The same scalar, as text.
    pub(super) fn quoted(self) -> Self {
        match self {
            Self::Scalar(scalar) => Self::Scalar(Scalar { quoted: true, ..scalar }),
            data => data,
        }
    }
}

// === impl Scalar ===

impl Scalar {
    /// The value by the rules of YAML 1.2's core schema.
    pub(super) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        if self.quoted {
            return Json::String(self.text.clone());
        }
        match self.text.as_str() {
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            text => match text.parse::<i64>() {
                Ok(number) => number.into(),
                Err(_) => match text.parse::<u64>() {
                    Ok(number) => number.into(),
                    Err(_) => text
                        .parse::<f64>()
                        .ok()
                        .filter(|_| {
                            text.starts_with([
                                '-', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
                            ])
                        })
                        .and_then(serde_json::Number::from_f64)
                        .map_or_else(|| Json::String(text.to_owned()), Json::Number),
                },
            },
        }
    }
}
