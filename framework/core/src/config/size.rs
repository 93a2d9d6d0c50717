//! Sizes in bytes, such as `10MiB`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The name under which a `ByteSize` announces itself to a deserializer.
pub(super) const NAME: &str = "purlin::ByteSize";

/// A number of bytes, written as `10MiB`, `64KB` or `512`.
///
/// ```
/// use purlin_core::config::ByteSize;
///
/// let size: ByteSize = "10MiB".parse().unwrap();
/// assert_eq!(size.bytes(), 10 * 1024 * 1024);
/// assert_eq!(size.to_string(), "10MiB");
/// assert_eq!("64KB".parse::<ByteSize>().unwrap().bytes(), 64_000);
/// ```
///
/// `KiB`, `MiB`, `GiB` and `TiB` are powers of 1024, `KB`, `MB`, `GB` and `TB` of 1000 (IEC 80000-13).
/// Case does not matter, `B` may be left out (`10Mi`, `10M`), and a fraction is allowed (`1.5GiB`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

/// The text is not a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a size; write 512, 64KB or 10MiB")]
pub struct NotASize;

const UNITS: [(&str, u64); 8] = [
    ("ti", 1 << 40),
    ("gi", 1 << 30),
    ("mi", 1 << 20),
    ("ki", 1 << 10),
    ("t", 1_000_000_000_000),
    ("g", 1_000_000_000),
    ("m", 1_000_000),
    ("k", 1_000),
];

// === impl ByteSize ===

impl ByteSize {
    /// A number of bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// A number of KiB.
    ///
    /// # Panics
    /// When the product exceeds `u64`.
    pub const fn kib(number: u64) -> Self {
        Self(number * (1 << 10))
    }

    /// A number of MiB.
    ///
    /// # Panics
    /// When the product exceeds `u64`.
    pub const fn mib(number: u64) -> Self {
        Self(number * (1 << 20))
    }

    /// The number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The number of bytes, for lengths in memory.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for ByteSize {
    type Err = NotASize;

    fn from_str(text: &str) -> Result<Self, NotASize> {
        let text = text.trim();
        let digits = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '_')).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let number = number.replace('_', "");
        let unit = unit.trim().to_ascii_lowercase();
        let unit = unit.strip_suffix('b').unwrap_or(&unit);
        let factor = match unit {
            "" => 1,
            unit => UNITS.iter().find(|(name, _)| *name == unit).ok_or(NotASize)?.1,
        };
        match number.split_once('.') {
            None => number.parse().ok().and_then(|number: u64| number.checked_mul(factor)),
            Some((whole, fraction)) => decimal(whole, fraction, factor),
        }
        .map(Self)
        .ok_or(NotASize)
    }
}

/// `whole.fraction` × `factor`, exactly, or `None` when it is no whole number of bytes.
fn decimal(whole: &str, fraction: &str, factor: u64) -> Option<u64> {
    let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let fraction: u128 = if fraction.is_empty() { return None } else { fraction.parse().ok()? };
    let number =
        u128::from(whole.parse::<u64>().ok()?).checked_mul(scale)?.checked_add(fraction)?;
    let bytes = number.checked_mul(u128::from(factor))?;
    (bytes % scale == 0).then(|| u64::try_from(bytes / scale).ok())?
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = [("TiB", 1_u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
            .into_iter()
            .find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor));
        match exact {
            Some((unit, factor)) => write!(f, "{}{unit}", self.0 / factor),
            None => write!(f, "{}", self.0),
        }
    }
}

impl From<ByteSize> for u64 {
    fn from(size: ByteSize) -> Self {
        size.0
    }
}

impl validator::ValidateRange<ByteSize> for ByteSize {
    fn greater_than(&self, max: ByteSize) -> Option<bool> {
        Some(*self > max)
    }

    fn less_than(&self, min: ByteSize) -> Option<bool> {
        Some(*self < min)
    }
}

impl validator::ValidateRange<ByteSize> for Option<ByteSize> {
    fn greater_than(&self, max: ByteSize) -> Option<bool> {
        self.map(|size| size > max)
    }

    fn less_than(&self, min: ByteSize) -> Option<bool> {
        self.map(|size| size < min)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: String = super::de::newtype(NAME, deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_are_read_as_the_standard_says() {
        let cases = [
            ("0", 0),
            ("512", 512),
            ("512B", 512),
            ("1k", 1_000),
            ("64KB", 64_000),
            ("64 KiB", 65_536),
            ("1.5GiB", 1_610_612_736),
            ("10Mi", 10 << 20),
            ("1_000", 1_000),
            ("2tib", 2 << 40),
        ];
        for (text, bytes) in cases {
            assert_eq!(text.parse::<ByteSize>().map(ByteSize::bytes), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in
            ["", "MiB", "-1", "ten", "1.5", "1.", "10MB/s", "99999999999TiB", "1e3", "1.1.1"]
        {
            assert_eq!(text.parse::<ByteSize>(), Err(NotASize), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC*") {
            let _ = text.parse::<ByteSize>();
        }

        #[test]
        fn what_is_shown_is_read_again(bytes: u64) {
            let size = ByteSize::new(bytes);
            prop_assert_eq!(size.to_string().parse(), Ok(size));
        }
    }
}
