//! What `derive(Config)` names. It is no API, and changes without notice.

use std::time::Duration;

use serde::Serialize;

pub use super::{ByteSize, Config, Field, Reader, Rule, Schema, reader::Verdict, schema::Default};

/// Shows the default that an expression computes, by the best means that its type has: the method
/// that is found first when called on `&&&Show(..)`.
#[derive(Debug)]
pub struct Show<'a, T>(pub &'a T);

/// Durations are shown as they are written.
pub trait ShowDuration {
    /// The default.
    fn shown(&self) -> Default;
}

/// A type with `Serialize` shows itself.
pub trait ShowSerialize {
    /// The default.
    fn shown(&self) -> Default;
}

/// Any other type cannot be shown.
pub trait ShowNothing {
    /// The default.
    fn shown(&self) -> Default;
}

/// A value with bounds that are written as in the file: `range(min = "100ms")`.
pub trait Bounded {
    /// The type of the bounds.
    type Bound: PartialOrd;

    /// The value; an `Option` that is `None` is within all bounds.
    fn bounded(&self) -> Option<Self::Bound>;

    /// A bound. What cannot be read bounds nothing.
    fn bound(text: &str) -> Option<Self::Bound>;
}

/// Whether a value is within bounds that are written as in the file.
pub fn is_within<T: Bounded>(
    value: &T,
    min: Option<&str>,
    max: Option<&str>,
    above: Option<&str>,
    below: Option<&str>,
) -> bool {
    let Some(value) = value.bounded() else { return true };
    let holds = |bound: Option<&str>, holds: fn(&T::Bound, &T::Bound) -> bool| match bound {
        None => true,
        Some(text) => T::bound(text).is_some_and(|bound| holds(&value, &bound)),
    };
    holds(min, |value, bound| value >= bound)
        && holds(max, |value, bound| value <= bound)
        && holds(above, |value, bound| value > bound)
        && holds(below, |value, bound| value < bound)
}

// === impl Show ===

impl ShowDuration for &&Show<'_, Duration> {
    fn shown(&self) -> Default {
        Default::Computed(Some(super::duration::show(*self.0).into()))
    }
}

impl<T: Serialize> ShowSerialize for &Show<'_, T> {
    fn shown(&self) -> Default {
        Default::Computed(serde_json::to_value(self.0).ok())
    }
}

impl<T> ShowNothing for Show<'_, T> {
    fn shown(&self) -> Default {
        Default::Computed(None)
    }
}

// === impl Bounded ===

impl Bounded for Duration {
    type Bound = Self;

    fn bounded(&self) -> Option<Self> {
        Some(*self)
    }

    fn bound(text: &str) -> Option<Self> {
        super::duration::parse(text).ok()
    }
}

impl Bounded for ByteSize {
    type Bound = Self;

    fn bounded(&self) -> Option<Self> {
        Some(*self)
    }

    fn bound(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl<T: Bounded> Bounded for Option<T> {
    type Bound = T::Bound;

    fn bounded(&self) -> Option<T::Bound> {
        self.as_ref().and_then(T::bounded)
    }

    fn bound(text: &str) -> Option<T::Bound> {
        T::bound(text)
    }
}
