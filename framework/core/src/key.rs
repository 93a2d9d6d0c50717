//! The names of things in the graph: a type, and an instance where there are several.

use std::{
    any::{TypeId, type_name},
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

/// The name of one of several instances of a type; declared with [`name!`](crate::name).
///
/// ```
/// # extern crate purlin_core as purlin;
/// purlin::name!(
///     /// The database of the analysts.
///     pub Analytics
/// );
/// # fn main() { assert_eq!(<Analytics as purlin::key::Name>::NAME, "analytics"); }
/// ```
pub trait Name: Send + Sync + 'static {
    /// In snake case, as it appears in section names and messages.
    const NAME: &'static str;
}

/// What one node gives and another needs: a type, and the name of its instance if it has one.
///
/// ```
/// # use purlin_core::key::Key;
/// assert_eq!(Key::of::<dyn std::fmt::Debug>().to_string(), "dyn Debug");
/// ```
#[derive(Clone, Copy)]
pub struct Key {
    id: TypeId,
    type_name: &'static str,
    instance: Option<Instance>,
}

#[derive(Clone, Copy)]
pub(crate) struct Instance {
    id: TypeId,
    pub(crate) name: &'static str,
}

/// Declares a type that names an instance: `purlin::name!(pub Analytics)`.
#[macro_export]
macro_rules! name {
    ($(#[$meta:meta])* $vis:vis $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy)]
        $vis struct $name;

        impl $crate::key::Name for $name {
            const NAME: &'static str = {
                const UPPER: &str = stringify!($name);
                const SNAKE: [u8; $crate::key::snake_len(UPPER)] = $crate::key::snake(UPPER);
                match ::core::str::from_utf8(&SNAKE) {
                    Ok(name) => name,
                    Err(_) => panic!("an identifier is UTF-8"),
                }
            };
        }
    };
}

// === impl Key ===

impl Key {
    /// The key of the only instance of `T`.
    pub fn of<T: ?Sized + 'static>() -> Self {
        Self { id: TypeId::of::<T>(), type_name: type_name::<T>(), instance: None }
    }

    /// The key of the instance `N` of `T`.
    pub fn named<N: Name, T: ?Sized + 'static>() -> Self {
        Self { instance: Some(Instance::of::<N>()), ..Self::of::<T>() }
    }

    pub(crate) fn at(self, instance: Option<Instance>) -> Self {
        Self { instance: self.instance.or(instance), ..self }
    }

    pub(crate) fn is_same_type(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// The type without its path, as people say it: `dyn Cache`.
    pub fn short_type(&self) -> String {
        short(self.type_name)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.instance.map(|i| i.id) == other.instance.map(|i| i.id)
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let instance = |key: &Self| key.instance.map(|i| i.id);
        self.id.cmp(&other.id).then_with(|| instance(self).cmp(&instance(other)))
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
        self.instance.map(|i| i.id).hash(state);
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&short(self.type_name))?;
        self.instance.map_or(Ok(()), |instance| write!(f, "@{}", instance.name))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

// === impl Instance ===

impl Instance {
    pub(crate) fn of<N: Name>() -> Self {
        Self { id: TypeId::of::<N>(), name: N::NAME }
    }
}

/// `alloc::vec::Vec<dyn app::Cache>` → `Vec<dyn Cache>`.
pub(crate) fn short(type_name: &str) -> String {
    let mut out = String::with_capacity(type_name.len());
    for part in type_name.split_inclusive(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
    {
        let (path, end) = part
            .split_at(part.trim_end_matches(|c: char| !(c.is_alphanumeric() || c == '_')).len());
        out.push_str(path.rsplit("::").next().unwrap_or(path));
        out.push_str(end);
    }
    out
}

/// `OrderReports` → `order_reports`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[doc(hidden)]
pub const fn snake_len(name: &str) -> usize {
    let (bytes, mut len, mut i) = (name.as_bytes(), 0, 0);
    while i < bytes.len() {
        len += if i > 0 && bytes[i].is_ascii_uppercase() { 2 } else { 1 };
        i += 1;
    }
    len
}

#[doc(hidden)]
pub const fn snake<const N: usize>(name: &str) -> [u8; N] {
    let (bytes, mut out, mut at, mut i) = (name.as_bytes(), [0; N], 0, 0);
    while i < bytes.len() {
        if i > 0 && bytes[i].is_ascii_uppercase() {
            out[at] = b'_';
            at += 1;
        }
        out[at] = bytes[i].to_ascii_lowercase();
        at += 1;
        i += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::name!(ReadReplica);

    #[test]
    fn types_are_named_without_their_paths() {
        assert_eq!(short("alloc::vec::Vec<dyn app::store::Cache>"), "Vec<dyn Cache>");
        assert_eq!(short("(a::B, c::D<e::F>)"), "(B, D<F>)");
        assert_eq!(short("dyn app::Cache + core::marker::Send"), "dyn Cache + Send");
    }

    #[test]
    fn an_instance_is_a_key_of_its_own() {
        let (plain, named) = (Key::of::<u8>(), Key::named::<ReadReplica, u8>());
        assert_ne!(plain, named);
        assert!(plain.is_same_type(&named));
        assert_eq!(named.to_string(), "u8@read_replica");
    }
}
