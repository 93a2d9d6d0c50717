//! What a field looks like, found out by asking its `Deserialize`.
//!
//! A type says what it wants by the method it calls on a deserializer. The probe answers each call
//! with a harmless value and notes the call, so that the JSON Schema, the examples and the messages
//! know the type of a field without a further trait on it.

use std::{cell::RefCell, collections::BTreeMap, fmt};

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

/// What a field looks like in the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Shape {
    /// Whatever the type takes.
    #[default]
    Any,
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds.
    Integer {
        /// The smallest.
        min: i128,
        /// The largest.
        max: u128,
    },
    /// A number.
    Float,
    /// Text.
    Text,
    /// A duration such as `5s`.
    Duration,
    /// A size such as `10MiB`.
    ByteSize,
    /// An address to listen on.
    Listen,
    /// A directory for data.
    DataDir,
    /// One of these names.
    Enum(&'static [&'static str]),
    /// A list.
    List(Box<Shape>),
    /// A map with keys of the user's choice.
    Map(Box<Shape>),
    /// A map with these keys.
    Struct(Vec<(&'static str, Shape)>),
    /// A value that may be absent.
    Optional(Box<Shape>),
    /// A value that is never shown.
    Secret(Box<Shape>),
}

// A type that contains itself has no finite shape.
const MAX_DEPTH: usize = 6;

// === impl Shape ===

impl Shape {
    /// The shape of `T`.
    ///
    /// ```
    /// use purlin_core::config::Shape;
    ///
    /// assert_eq!(Shape::of::<Option<bool>>(), Shape::Optional(Box::new(Shape::Bool)));
    /// ```
    pub fn of<T: de::DeserializeOwned>() -> Self {
        let seen = Seen::default();
        loop {
            let before = seen.len();
            let (shape, _) = Spot { seen: &seen, path: String::new(), depth: 0 }
                .ask(|probe| T::deserialize(probe));
            if seen.len() == before {
                return shape;
            }
        }
    }

    /// The shape without `Optional` and `Secret` around it.
    pub fn inner(&self) -> &Self {
        match self {
            Self::Optional(inner) | Self::Secret(inner) => inner.inner(),
            shape => shape,
        }
    }

    /// Whether a value may be absent.
    pub fn is_optional(&self) -> bool {
        matches!(self, Self::Optional(_))
    }

    /// Whether a secret is anywhere in it.
    pub fn is_secret(&self) -> bool {
        match self {
            Self::Secret(_) => true,
            Self::Optional(inner) | Self::List(inner) | Self::Map(inner) => inner.is_secret(),
            Self::Struct(fields) => fields.iter().any(|(_, shape)| shape.is_secret()),
            _ => false,
        }
    }

    fn integer<T: TryInto<i128>, U: TryInto<u128>>(min: T, max: U) -> Self {
        Self::Integer {
            min: min.try_into().unwrap_or(i128::MIN),
            max: max.try_into().unwrap_or(u128::MAX),
        }
    }
}

/// Fields whose type refused the answer, by path.
///
/// A struct that is being read gives up at its first bad field, so what follows would stay unknown.
/// Such a field is noted and left out of another run, which gets further.
#[derive(Default)]
struct Seen(RefCell<BTreeMap<String, Shape>>);

/// Where in a type the probe is.
struct Spot<'a> {
    seen: &'a Seen,
    path: String,
    depth: usize,
}

struct Probe<'a> {
    spot: Spot<'a>,
    shape: &'a mut Shape,
}

/// The type did not like the answer; what it asked for is noted all the same.
#[derive(Debug)]
struct Refused;

// === impl Seen ===

impl Seen {
    fn len(&self) -> usize {
        self.0.borrow().len()
    }

    fn get(&self, path: &str) -> Option<Shape> {
        self.0.borrow().get(path).cloned()
    }
}

// === impl Spot ===

impl Spot<'_> {
    fn inside(&self, name: &str) -> Self {
        Self { seen: self.seen, path: format!("{}.{name}", self.path), depth: self.depth + 1 }
    }

    fn ask<T>(
        self,
        ask: impl FnOnce(Probe<'_>) -> Result<T, Refused>,
    ) -> (Shape, Result<T, Refused>) {
        let mut shape = Shape::Any;
        if self.depth >= MAX_DEPTH {
            return (shape, Err(Refused));
        }
        let answer = ask(Probe { spot: self, shape: &mut shape });
        (shape, answer)
    }
}

// === impl Probe ===

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
            *self.shape = Shape::integer(<$type>::MIN, <$type>::MAX);
            visitor.$visit(1)
        }
    )*};
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Refused;

    integers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64,
        deserialize_i128 visit_i128 i128,
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
        deserialize_u128 visit_u128 u128,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_str("")
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        *self.shape = Shape::Bool;
        visitor.visit_bool(true)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        *self.shape = Shape::Float;
        visitor.visit_f32(1.0)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        *self.shape = Shape::Float;
        visitor.visit_f64(1.0)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        *self.shape = Shape::Text;
        visitor.visit_char('a')
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        *self.shape = Shape::Text;
        visitor.visit_str("1")
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        *self.shape = Shape::Text;
        visitor.visit_bytes(&[])
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        let (shape, answer) = self.spot.inside("?").ask(|probe| visitor.visit_some(probe));
        *self.shape = Shape::Optional(Box::new(shape));
        answer
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let (shape, answer) =
            self.spot.inside(name).ask(|probe| visitor.visit_newtype_struct(probe));
        *self.shape = match name {
            super::secret::NAME => Shape::Secret(Box::new(shape)),
            super::size::NAME => Shape::ByteSize,
            super::listen::LISTEN => Shape::Listen,
            super::listen::DATA_DIR => Shape::DataDir,
            _ => shape,
        };
        answer
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        let mut one = One { spot: self.spot.inside("[]"), shape: Shape::Any, done: false };
        let answer = visitor.visit_seq(&mut one);
        *self.shape = Shape::List(Box::new(one.shape));
        answer
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        let mut one = One { spot: self.spot.inside("[]"), shape: Shape::Any, done: false };
        let answer = visitor.visit_map(&mut one);
        *self.shape = Shape::Map(Box::new(one.shape));
        answer
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        if super::de::is_duration(name, fields) {
            *self.shape = Shape::Duration;
            return visitor.visit_map(&mut One { spot: self.spot, shape: Shape::Any, done: true });
        }
        let mut all = Fields { spot: &self.spot, names: fields, next: 0, found: BTreeMap::new() };
        let answer = visitor.visit_map(&mut all);
        let mut found = std::mem::take(&mut all.found);
        let shape = |name: &&'static str| {
            let refused = self.spot.seen.get(&self.spot.inside(name).path);
            (*name, refused.or_else(|| found.remove(name)).unwrap_or_default())
        };
        *self.shape = Shape::Struct(fields.iter().map(shape).collect());
        answer
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        *self.shape = Shape::Enum(variants);
        visitor.visit_enum(First(variants))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_unit()
    }
}

/// A list or a map of one entry.
struct One<'a> {
    spot: Spot<'a>,
    shape: Shape,
    done: bool,
}

impl One<'_> {
    fn ask<'de, S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refused> {
        let spot = Spot { path: self.spot.path.clone(), ..self.spot };
        let (shape, answer) = spot.ask(|probe| seed.deserialize(probe));
        self.shape = shape;
        answer
    }
}

impl<'de> SeqAccess<'de> for &mut One<'_> {
    type Error = Refused;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refused> {
        if std::mem::replace(&mut self.done, true) { Ok(None) } else { self.ask(seed).map(Some) }
    }
}

impl<'de> MapAccess<'de> for &mut One<'_> {
    type Error = Refused;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refused> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        seed.deserialize(IntoDeserializer::<Refused>::into_deserializer("1")).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refused> {
        self.ask(seed)
    }
}

/// A struct with all of its fields.
struct Fields<'a> {
    spot: &'a Spot<'a>,
    names: &'static [&'static str],
    next: usize,
    found: BTreeMap<&'static str, Shape>,
}

impl<'de> MapAccess<'de> for &mut Fields<'_> {
    type Error = Refused;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refused> {
        while let Some(name) = self.names.get(self.next) {
            if self.spot.seen.get(&self.spot.inside(name).path).is_none() {
                let name = IntoDeserializer::<Refused>::into_deserializer(*name);
                return seed.deserialize(name).map(Some);
            }
            self.next += 1;
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refused> {
        let name = self.names.get(self.next).ok_or(Refused)?;
        self.next += 1;
        let spot = self.spot.inside(name);
        let (path, before) = (spot.path.clone(), spot.seen.len());
        let (shape, answer) = spot.ask(|probe| seed.deserialize(probe));
        if answer.is_err() && self.spot.seen.len() == before {
            self.spot.seen.0.borrow_mut().insert(path, shape);
        } else {
            self.found.insert(name, shape);
        }
        answer
    }
}

/// An enum at its first variant.
struct First(&'static [&'static str]);

impl<'de> EnumAccess<'de> for First {
    type Error = Refused;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Refused> {
        let name = self.0.first().ok_or(Refused)?;
        let variant = seed.deserialize(IntoDeserializer::<Refused>::into_deserializer(*name))?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for First {
    type Error = Refused;

    fn unit_variant(self) -> Result<(), Refused> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Refused> {
        Err(Refused)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Refused> {
        Err(Refused)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Refused> {
        Err(Refused)
    }
}

// === impl Refused ===

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the probe's answer was refused")
    }
}

impl std::error::Error for Refused {}

impl de::Error for Refused {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, net::SocketAddr, path::PathBuf, time::Duration};

    use serde::Deserialize;

    use super::*;
    use crate::config::{ByteSize, DataDir, Listen, Secret};

    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Format {
        Json,
        Console,
    }

    #[derive(Deserialize)]
    struct Target {
        url: SocketAddr,
        weight: u8,
        next: Option<Box<Target>>,
    }

    fn optional(shape: Shape) -> Shape {
        Shape::Optional(Box::new(shape))
    }

    #[test]
    fn the_shape_of_a_type_is_found_out() {
        let byte = Shape::Integer { min: 0, max: 255 };
        assert_eq!(Shape::of::<bool>(), Shape::Bool);
        assert_eq!(Shape::of::<u8>(), byte);
        assert_eq!(Shape::of::<i8>(), Shape::Integer { min: -128, max: 127 });
        assert_eq!(Shape::of::<std::num::NonZeroU8>(), byte);
        assert_eq!(Shape::of::<f32>(), Shape::Float);
        assert_eq!(Shape::of::<PathBuf>(), Shape::Text);
        assert_eq!(Shape::of::<SocketAddr>(), Shape::Text);
        assert_eq!(Shape::of::<Duration>(), Shape::Duration);
        assert_eq!(Shape::of::<ByteSize>(), Shape::ByteSize);
        assert_eq!(Shape::of::<Listen>(), Shape::Listen);
        assert_eq!(Shape::of::<Option<DataDir>>(), optional(Shape::DataDir));
        assert_eq!(Shape::of::<Format>(), Shape::Enum(&["json", "console"]));
        assert_eq!(Shape::of::<Vec<u8>>(), Shape::List(Box::new(byte.clone())));
        assert_eq!(Shape::of::<HashMap<String, u8>>(), Shape::Map(Box::new(byte)));
        assert_eq!(Shape::of::<serde_json::Value>(), Shape::Any);
        let _ = (Format::Json, Format::Console);
    }

    #[test]
    fn a_secret_is_seen_at_any_depth() {
        assert_eq!(
            Shape::of::<Option<Secret<String>>>(),
            optional(Shape::Secret(Box::new(Shape::Text)))
        );
        assert!(Shape::of::<Vec<HashMap<String, Secret<String>>>>().is_secret());
        assert!(!Shape::of::<Vec<String>>().is_secret());
    }

    #[test]
    fn a_type_that_contains_itself_ends() {
        let Shape::Struct(fields) = Shape::of::<Target>() else { panic!("not a struct") };
        assert_eq!(fields[0], ("url", Shape::Text));
        assert_eq!(fields[1], ("weight", Shape::Integer { min: 0, max: 255 }));
        assert!(fields[2].1.is_optional());
        let _ = |target: Target| (target.url, target.weight, target.next);
    }
}
