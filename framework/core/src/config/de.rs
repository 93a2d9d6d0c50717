//! Reading a type from a located value.
//!
//! Scalars are text until a type is asked for, so that a variable, a quoted number and a plain one
//! are read alike. Messages say what was expected and never what was there: the value is shown, or
//! hidden, by whoever knows whether it is a secret.

use std::{fmt, marker::PhantomData, net::IpAddr, time::Duration};

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};

use super::{
    duration, listen,
    listen::Listen,
    origin::Origin,
    size, suggest,
    value::{Data, Key, Value},
    yaml,
};

/// Reads a `T`; an address without a host gets `host`.
pub(super) fn read<T: de::DeserializeOwned>(value: &Value, host: IpAddr) -> Result<T, Fault> {
    T::deserialize(ValueDeserializer { value, host }).map_err(|fault| fault.at(&value.origin))
}

/// Deserializes what is inside of a newtype that announces itself by `name`.
pub(super) fn newtype<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    name: &'static str,
    deserializer: D,
) -> Result<T, D::Error> {
    struct Inside<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Inside<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a value")
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, inside: D) -> Result<T, D::Error> {
            T::deserialize(inside)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            T::deserialize(text.into_deserializer())
        }
    }

    deserializer.deserialize_newtype_struct(name, Inside(PhantomData))
}

/// Whether a struct that is asked for is `std::time::Duration`.
pub(super) fn is_duration(name: &str, fields: &[&str]) -> bool {
    name == "Duration" && fields == ["secs", "nanos"]
}

/// Why a value cannot be read.
#[derive(Debug)]
pub(super) struct Fault {
    message: String,
    /// Set when the message comes from the type and may quote the value.
    foreign: bool,
    origin: Option<Origin>,
}

struct ValueDeserializer<'a> {
    value: &'a Value,
    host: IpAddr,
}

// === impl Fault ===

impl Fault {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), foreign: false, origin: None }
    }

    fn at(mut self, origin: &Origin) -> Self {
        self.origin.get_or_insert_with(|| origin.clone());
        self
    }

    /// The place of the innermost value that is wrong.
    pub(super) fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// What was expected. For a secret nothing that the type itself said.
    pub(super) fn message(&self, secret: bool) -> &str {
        if secret && self.foreign { "not a valid value for this field" } else { &self.message }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), foreign: true, origin: None }
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(format!("expected {expected}"))
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(format!("expected {expected}"))
    }

    fn invalid_length(length: usize, expected: &dyn de::Expected) -> Self {
        Self::new(format!("has {length} items, expected {expected}"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let mut message = match expected {
            [one] => format!("not {one}"),
            all => format!("not one of {}", all.join(", ")),
        };
        if let Some(near) = suggest::nearest(variant, expected.iter().copied()) {
            message.push_str(&format!("; did you mean {near}?"));
        }
        Self::new(message)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("`{field}` is missing"))
    }
}

// === impl ValueDeserializer ===

impl<'a> ValueDeserializer<'a> {
    fn inside(&self, value: &'a Value) -> Self {
        Self { value, host: self.host }
    }

    fn scalar(&self, expected: &str) -> Result<&'a str, Fault> {
        match &self.value.data {
            Data::Scalar(scalar) => Ok(scalar.text.trim()),
            Data::Null => Err(Fault::new(format!("empty; expected {expected}"))),
            Data::List(_) => Err(Fault::new(format!("a list; expected {expected}"))),
            Data::Map(_) => Err(Fault::new(format!("a map; expected {expected}"))),
        }
    }

    fn text(&self) -> Result<&'a str, Fault> {
        self.scalar("text")?;
        Ok(self.value.text().unwrap_or_default())
    }

    fn integer(&self, min: i128, max: u128) -> Result<Integer, Fault> {
        let text = self.scalar("a whole number")?.replace('_', "");
        Integer::parse(&text).filter(|number| number.is_within(min, max)).ok_or_else(|| {
            let digits = text.trim_start_matches(['-', '+']);
            let is_number = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
            Fault::new(match (min, max) {
                (min, max) if is_number && max > u128::from(u32::MAX) => {
                    format!("out of range; the least is {min}, the greatest {max}")
                }
                (i128::MIN, _) | (_, u128::MAX) => "not a whole number".to_owned(),
                (0, max) if max > u128::from(u32::MAX) => {
                    "not a whole number of 0 or more".to_owned()
                }
                (_, max) if max > u128::from(u32::MAX) => "not a whole number".to_owned(),
                (min, max) => format!("not a whole number from {min} to {max}"),
            })
        })
    }

    /// The items of a list. A scalar is one in short form: `a, b` or `[a, b]`.
    fn items(&self) -> Result<Vec<Value>, Fault> {
        match &self.value.data {
            Data::List(items) => Ok(items.clone()),
            Data::Scalar(scalar) => {
                let text = scalar.text.trim();
                if text.starts_with('[') {
                    return match yaml::parse_flow(text, &self.value.origin) {
                        Some(Value { data: Data::List(items), .. }) => Ok(items),
                        _ => Err(Fault::new("not a list; write a,b or [a, b]")),
                    };
                }
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Ok(items.map(|item| Value::plain(item, self.value.origin.clone())).collect())
            }
            Data::Null | Data::Map(_) => Err(Fault::new("not a list; write a,b or [a, b]")),
        }
    }

    /// The entries of a map. A scalar is one in short form: `a=1,b=2` or `{a: 1, b: 2}`.
    fn entries(&self) -> Result<Vec<(Key, Value)>, Fault> {
        const NOT_A_MAP: &str = "not a map; write a=1,b=2 or {a: 1, b: 2}";
        let origin = &self.value.origin;
        match &self.value.data {
            Data::Map(entries) => Ok(entries.clone()),
            Data::Scalar(scalar) => {
                let text = scalar.text.trim();
                if text.starts_with('{') {
                    return match yaml::parse_flow(text, origin) {
                        Some(Value { data: Data::Map(entries), .. }) => Ok(entries),
                        _ => Err(Fault::new(NOT_A_MAP)),
                    };
                }
                text.split(',')
                    .filter(|entry| !entry.trim().is_empty())
                    .map(|entry| {
                        let (name, value) = entry.split_once('=').ok_or(Fault::new(NOT_A_MAP))?;
                        let key = Key { name: name.trim().to_owned(), origin: origin.clone() };
                        Ok((key, Value::plain(value.trim(), origin.clone())))
                    })
                    .collect()
            }
            Data::Null | Data::List(_) => Err(Fault::new(NOT_A_MAP)),
        }
    }

    fn visit_list<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let items = self.items()?;
        let mut rest = Items { items: items.iter(), host: self.host };
        let value = visitor.visit_seq(&mut rest)?;
        match rest.items.len() {
            0 => Ok(value),
            more => Err(Fault::new(format!("{more} items too many"))),
        }
    }

    fn visit_map<'de, V: Visitor<'de>>(
        self,
        visitor: V,
        known: Option<&'static [&'static str]>,
    ) -> Result<V::Value, Fault> {
        let entries = self.entries()?;
        visitor.visit_map(Entries {
            entries: entries.iter(),
            current: None,
            host: self.host,
            known,
        })
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            #[allow(clippy::cast_lossless, reason = "the macro serves types of all widths")]
            let number = self.integer(<$type>::MIN as i128, <$type>::MAX as u128)?;
            let number = number.to::<$type>().ok_or(Fault::new("not a whole number"))?;
            visitor.$visit(number)
        }
    )*};
}

impl<'de> Deserializer<'de> for ValueDeserializer<'_> {
    type Error = Fault;

    integers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64,
        deserialize_i128 visit_i128 i128,
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
        deserialize_u128 visit_u128 u128,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value.data {
            Data::Null => visitor.visit_unit(),
            Data::List(_) => self.visit_list(visitor),
            Data::Map(_) => self.visit_map(visitor, None),
            Data::Scalar(scalar) => match scalar.to_json() {
                serde_json::Value::Bool(value) => visitor.visit_bool(value),
                serde_json::Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                    (Some(number), _) => visitor.visit_u64(number),
                    (_, Some(number)) => visitor.visit_i64(number),
                    _ => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
                },
                _ => visitor.visit_str(&scalar.text),
            },
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.scalar("true or false")?.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => visitor.visit_bool(true),
            "false" | "0" | "no" | "off" => visitor.visit_bool(false),
            _ => Err(Fault::new("neither true nor false")),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let text = self.scalar("a number")?.replace('_', "");
        // `inf` and `NaN` are numbers to Rust, and no bound keeps the latter out.
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => visitor.visit_f64(number),
            _ => Err(Fault::new("not a number")),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let mut chars = self.text()?.chars();
        match (chars.next(), chars.next()) {
            (Some(one), None) => visitor.visit_char(one),
            _ => Err(Fault::new("not a single character")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_bytes(self.text()?.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value.data {
            Data::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value.data {
            Data::Null => visitor.visit_unit(),
            _ => Err(Fault::new("expected nothing")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match name {
            listen::LISTEN => {
                let listen = Listen::parse(self.scalar("an address")?, self.host)
                    .map_err(|error| Fault::new(error.to_string()))?;
                visitor.visit_str(&listen.to_string())
            }
            size::NAME => {
                let size: size::ByteSize = self
                    .scalar("a size")?
                    .parse()
                    .map_err(|error: size::NotASize| Fault::new(error.to_string()))?;
                visitor.visit_str(&size.to_string())
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_list(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.visit_list(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.visit_list(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.visit_map(visitor, None)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if is_duration(name, fields) {
            let text = self.scalar("a duration such as 500ms, 5s or 2m")?;
            let duration: Duration = duration::parse(text).map_err(Fault::new)?;
            let parts = [("secs", duration.as_secs()), ("nanos", duration.subsec_nanos().into())];
            return visitor.visit_map(de::value::MapDeserializer::new(parts.into_iter()));
        }
        self.visit_map(visitor, Some(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.value.data {
            Data::Map(entries) if entries.len() == 1 => {
                let (key, value) = &entries[0];
                visitor.visit_enum(Variant { name: &key.name, content: Some(self.inside(value)) })
            }
            _ => {
                let name = self.scalar(&format!("one of {}", variants.join(", ")))?;
                visitor.visit_enum(Variant { name, content: None })
            }
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}

enum Integer {
    Negative(i128),
    Positive(u128),
}

impl Integer {
    fn parse(text: &str) -> Option<Self> {
        for (prefix, radix) in [("0x", 16), ("0o", 8)] {
            if let Some(digits) = text.strip_prefix(prefix) {
                let digits = Some(digits).filter(|digits| !digits.starts_with('+'))?;
                return u128::from_str_radix(digits, radix).ok().map(Self::Positive);
            }
        }
        if text.starts_with('-') {
            return text.parse().ok().map(Self::Negative);
        }
        text.parse().ok().map(Self::Positive)
    }

    fn is_within(&self, min: i128, max: u128) -> bool {
        match *self {
            Self::Negative(number) => number >= min,
            Self::Positive(number) => number <= max,
        }
    }

    fn to<T: TryFrom<i128> + TryFrom<u128>>(&self) -> Option<T> {
        match *self {
            Self::Negative(number) => T::try_from(number).ok(),
            Self::Positive(number) => T::try_from(number).ok(),
        }
    }
}

struct Items<'a> {
    items: std::slice::Iter<'a, Value>,
    host: IpAddr,
}

impl<'de> SeqAccess<'de> for &mut Items<'_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some(value) = self.items.next() else { return Ok(None) };
        let item = seed.deserialize(ValueDeserializer { value, host: self.host });
        item.map(Some).map_err(|fault| fault.at(&value.origin))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'a> {
    entries: std::slice::Iter<'a, (Key, Value)>,
    current: Option<&'a (Key, Value)>,
    host: IpAddr,
    /// The keys of a struct; any other is a mistake.
    known: Option<&'static [&'static str]>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        self.current = self.entries.next();
        let Some((key, _)) = self.current else { return Ok(None) };
        let name = Value::plain(&key.name, key.origin.clone());
        let name = seed.deserialize(ValueDeserializer { value: &name, host: self.host });
        name.map(Some).map_err(|fault| fault.at(&key.origin))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let Some((key, value)) = self.current else { return Err(Fault::new("no value")) };
        let inside = ValueDeserializer { value, host: self.host };
        let read = match self.known {
            Some(known) => seed.deserialize(Known { inside, key, known }),
            None => seed.deserialize(inside),
        };
        read.map_err(|fault| fault.at(&value.origin))
    }
}

/// A value of a struct: one that the struct would ignore is an unknown key.
struct Known<'a> {
    inside: ValueDeserializer<'a>,
    key: &'a Key,
    known: &'static [&'static str],
}

macro_rules! forward {
    ($($method:ident($($arg:ident: $type:ty),*)),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $type,)* visitor: V) -> Result<V::Value, Fault> {
            self.inside.$method($($arg,)* visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Known<'_> {
    type Error = Fault;

    forward! {
        deserialize_any(), deserialize_bool(), deserialize_i8(), deserialize_i16(),
        deserialize_i32(), deserialize_i64(), deserialize_i128(), deserialize_u8(),
        deserialize_u16(), deserialize_u32(), deserialize_u64(), deserialize_u128(),
        deserialize_f32(), deserialize_f64(), deserialize_char(), deserialize_str(),
        deserialize_string(), deserialize_bytes(), deserialize_byte_buf(), deserialize_option(),
        deserialize_unit(), deserialize_unit_struct(name: &'static str),
        deserialize_newtype_struct(name: &'static str), deserialize_seq(),
        deserialize_tuple(len: usize),
        deserialize_tuple_struct(name: &'static str, len: usize), deserialize_map(),
        deserialize_struct(name: &'static str, fields: &'static [&'static str]),
        deserialize_enum(name: &'static str, variants: &'static [&'static str]),
        deserialize_identifier(),
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        let name = &self.key.name;
        let mut message = format!("unknown key `{name}`");
        if let Some(near) = suggest::nearest(name, self.known.iter().copied()) {
            message.push_str(&format!("; did you mean `{near}`?"));
        }
        Err(Fault::new(message).at(&self.key.origin))
    }
}

struct Variant<'a> {
    name: &'a str,
    content: Option<ValueDeserializer<'a>>,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Fault> {
        let name = seed.deserialize(IntoDeserializer::<Fault>::into_deserializer(self.name))?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.content {
            None => Ok(()),
            Some(_) => Err(Fault::new("this choice takes no value")),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(self.content.ok_or(Fault::new("this choice needs a value"))?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        let content = self.content.ok_or(Fault::new("this choice needs a list"))?;
        content.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let content = self.content.ok_or(Fault::new("this choice needs a map"))?;
        content.visit_map(visitor, Some(fields))
    }
}
