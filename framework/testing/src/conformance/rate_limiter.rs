use std::time::Duration;

use futures_util::future::join_all;
use purlin_limit::{Decision, Quota, RateLimiter};

/// What every [`RateLimiter`] does: it lets a burst through at once and then one request in each
/// interval, for each key by itself; what it refuses takes nothing, and comes again when it said;
/// and many who ask at once get no more than one who asks many times.
///
/// The quota of each key is three at once and one in each `interval`. `pass` lets time pass on the
/// limiter's clock: it advances a held clock, or sleeps for a limiter that has a clock of its own,
/// and then the interval is to be long beside a call of the limiter. It is called for some eight
/// times the interval in all.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use std::time::Duration;
/// # use purlin_core::clock::Clock;
/// use purlin_limit::LocalLimiter;
/// use purlin_testing::conformance;
///
/// let (clock, hand) = Clock::held();
/// let limiter = LocalLimiter::new(clock);
/// let second = Duration::from_secs(1);
/// conformance::rate_limiter(&limiter, second, async |time| hand.advance(time)).await;
/// # });
/// ```
///
/// The keys are called `conformance-…`, and have all of their quota when it returns.
///
/// # Panics
/// When the limiter does something else, or fails.
pub async fn rate_limiter(
    limiter: &dyn RateLimiter,
    interval: Duration,
    pass: impl AsyncFn(Duration),
) {
    let quota = Quota::new(1, interval).burst(BURST);
    let trial = Trial { limiter, quota, interval, pass };
    trial.a_burst_is_let_through_and_no_more().await;
    trial.it_comes_back_one_by_one().await;
    trial.each_key_has_its_own().await;
    trial.many_who_ask_at_once_get_no_more().await;
    trial.all_of_it_comes_back().await;
}

struct Trial<'a, P> {
    limiter: &'a dyn RateLimiter,
    quota: Quota,
    interval: Duration,
    pass: P,
}

const BURST: u32 = 3;

/// Names that are hard to keep: what was written for one must not be read for another.
const KEYS: [&str; 4] =
    ["conformance-a", "conformance-A", "conformance-a b|c:{d}", "conformance-\u{e4}\0"];

// === impl Trial ===

impl<P: AsyncFn(Duration)> Trial<'_, P> {
    async fn a_burst_is_let_through_and_no_more(&self) {
        for left in (0..BURST).rev() {
            let decision = self.check("conformance-burst").await;
            assert!(decision.is_allowed(), "a key that is new has {BURST} requests at once");
            assert_eq!(decision.remaining, left, "what remains is told");
            self.is_within(decision.reset, BURST - left, "the time until all is back");
        }
        for _ in 0..5 {
            let refused = self.check("conformance-burst").await;
            assert!(!refused.is_allowed(), "one more than the burst is refused");
            assert_eq!(refused.remaining, 0, "whoever is refused has nothing left");
            self.is_within(refused.reset, BURST, "a refused request takes nothing, and the reset");
            let wait = refused.retry_after.unwrap_or_default();
            self.is_within(wait, 1, "the time to wait");
        }
    }

    async fn it_comes_back_one_by_one(&self) {
        let refused = self.check("conformance-burst").await;
        let wait = refused.retry_after.expect("its burst is used up");
        (self.pass)(wait).await;
        assert!(
            self.check("conformance-burst").await.is_allowed(),
            "after the time that it was told to wait a request is let through"
        );
        assert!(!self.check("conformance-burst").await.is_allowed(), "and only one");
    }

    async fn each_key_has_its_own(&self) {
        for key in KEYS {
            for _ in 0..BURST {
                let allowed = self.check(key).await.is_allowed();
                assert!(allowed, "{key:?} has a quota of its own");
            }
            assert!(!self.check(key).await.is_allowed(), "{key:?} has no more than its quota");
        }
        let long = format!("conformance-{}", "k".repeat(4096));
        for end in ["1", "2"] {
            let allowed = self.check(&format!("{long}{end}")).await;
            assert_eq!(allowed.remaining, BURST - 1, "a key of 4 KiB is as good as another");
        }
    }

    async fn many_who_ask_at_once_get_no_more(&self) {
        let asked = (0..50).map(|_| self.check("conformance-crowd"));
        let allowed = join_all(asked).await.iter().filter(|it| it.is_allowed()).count();
        assert_eq!(allowed, BURST as usize, "of fifty who ask at once");
    }

    async fn all_of_it_comes_back(&self) {
        (self.pass)(self.interval * (BURST + 1)).await;
        let decision = self.check("conformance-crowd").await;
        assert!(decision.is_allowed(), "a quota comes back");
        assert_eq!(decision.remaining, BURST - 1, "up to the burst, and not beyond");
        (self.pass)(self.interval * BURST).await;
    }

    /// A time of so many intervals, of which some may have passed meanwhile.
    fn is_within(&self, time: Duration, intervals: u32, what: &str) {
        let most = self.interval * intervals;
        let least = self.interval * (intervals - 1);
        assert!(least < time && time <= most, "{what} is {time:?}, not up to {most:?}");
    }

    async fn check(&self, key: &str) -> Decision {
        self.limiter.check(key, self.quota).await.expect("the limiter decides")
    }
}
