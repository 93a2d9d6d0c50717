//! Chance, injected.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use rand::{Rng as _, RngExt as _, SeedableRng, rngs::StdRng};
use uuid::Uuid;

use crate::{clock::Clock, needs::Handle};

/// The source of chance of an application: identifiers, jitter, sampling.
///
/// ```
/// # use purlin_core::{clock::Clock, entropy::Entropy};
/// let (one, other) = (Entropy::seeded(7), Entropy::seeded(7));
/// assert_eq!(one.u64(), other.u64());
/// ```
///
/// It is a built-in need. Keys and tokens are not its job: what must be secret comes from the
/// operating system, through the library that needs it.
#[derive(Clone)]
pub struct Entropy(Arc<Mutex<StdRng>>);

// === impl Entropy ===

impl Entropy {
    /// Seeded by the operating system.
    pub fn system() -> Self {
        Self::from_rng(rand::make_rng())
    }

    /// The same numbers for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self::from_rng(StdRng::seed_from_u64(seed))
    }

    fn from_rng(rng: StdRng) -> Self {
        Self(Arc::new(Mutex::new(rng)))
    }

    /// A uniform number.
    pub fn u64(&self) -> u64 {
        self.rng().next_u64()
    }

    /// A uniform number in `[0, 1)`.
    pub fn fraction(&self) -> f64 {
        self.rng().random()
    }

    /// `duration`, varied by at most `by` (0.1 is ten per cent) in either direction.
    pub fn jitter(&self, duration: Duration, by: f64) -> Duration {
        let by = by.clamp(0.0, 1.0);
        duration.mul_f64(1.0 - by + 2.0 * by * self.fraction())
    }

    /// A random identifier ([RFC 9562], version 4).
    ///
    /// [RFC 9562]: https://www.rfc-editor.org/rfc/rfc9562
    pub fn uuid_v4(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// An identifier that sorts by the millisecond of its creation ([RFC 9562], version 7).
    ///
    /// [RFC 9562]: https://www.rfc-editor.org/rfc/rfc9562
    pub fn uuid_v7(&self, clock: &Clock) -> Uuid {
        let since = clock.system_now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let [.., a, b, c, d, e, f, g, h, i, j] = self.bytes::<16>();
        uuid::Builder::from_unix_timestamp_millis(millis, &[a, b, c, d, e, f, g, h, i, j])
            .into_uuid()
    }

    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng().fill_bytes(&mut bytes);
        bytes
    }

    fn rng(&self) -> MutexGuard<'_, StdRng> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handle for Entropy {}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_sort_by_their_time() {
        let (clock, hand) = Clock::held();
        let entropy = Entropy::seeded(1);
        let first = entropy.uuid_v7(&clock);
        hand.advance(Duration::from_millis(1));
        let second = entropy.uuid_v7(&clock);
        assert!(first < second);
        assert_eq!((first.get_version_num(), entropy.uuid_v4().get_version_num()), (7, 4));
    }

    #[test]
    fn jitter_stays_within_its_bounds() {
        let entropy = Entropy::seeded(1);
        let base = Duration::from_secs(10);
        let all: Vec<_> = (0..1000).map(|_| entropy.jitter(base, 0.2)).collect();
        assert!(all.iter().all(|d| (8..=12).contains(&d.as_secs())));
        assert!(all.iter().any(|d| *d < base) && all.iter().any(|d| *d > base));
    }
}
