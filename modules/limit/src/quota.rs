use std::{num::NonZeroU32, time::Duration};

/// How many requests a key has, and how fast they come back.
///
/// ```
/// # use purlin_limit::Quota;
/// use std::time::Duration;
///
/// let quota = Quota::per_second(10).burst(50);
/// assert_eq!(quota.interval(), Duration::from_millis(100));
/// ```
/// A key that was not used for long may send `burst` requests at once, which is `requests` where
/// nothing else is said. After that one comes back every `per / requests`. In any time `T` no more
/// than `burst + T × requests / per` are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    requests: NonZeroU32,
    per: Duration,
    burst: NonZeroU32,
}

// === impl Quota ===

impl Quota {
    /// So many requests in so much time.
    ///
    /// # Panics
    /// When either is zero, or so small that a request would come back in less than a nanosecond.
    pub const fn new(requests: u32, per: Duration) -> Self {
        let requests = NonZeroU32::new(requests).expect("a quota has at least one request");
        let per_request = per.as_nanos() / requests.get() as u128;
        assert!(per_request > 0, "a quota gives a request back in no less than a nanosecond");
        Self { requests, per, burst: requests }
    }

    /// So many requests in each second.
    ///
    /// # Panics
    /// When it is zero.
    pub const fn per_second(requests: u32) -> Self {
        Self::new(requests, Duration::from_secs(1))
    }

    /// So many requests in each minute.
    ///
    /// # Panics
    /// When it is zero.
    pub const fn per_minute(requests: u32) -> Self {
        Self::new(requests, Duration::from_secs(60))
    }

    /// Sets how many may come at once.
    ///
    /// # Panics
    /// When it is zero.
    #[must_use]
    pub const fn burst(mut self, burst: u32) -> Self {
        self.burst = NonZeroU32::new(burst).expect("a burst has at least one request");
        self
    }

    /// The most requests that may come at once.
    pub const fn burst_size(&self) -> NonZeroU32 {
        self.burst
    }

    /// The time after which one request comes back.
    pub fn interval(&self) -> Duration {
        self.per / self.requests.get()
    }
}
