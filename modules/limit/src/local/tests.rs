use proptest::prelude::*;
use purlin_core::clock::Hand;

use super::*;

const QUOTA: Quota = Quota::per_second(10).burst(3);

fn held() -> (LocalLimiter, Hand) {
    let (clock, hand) = Clock::held();
    (LocalLimiter::new(clock), hand)
}

async fn check(limiter: &LocalLimiter, key: &str, quota: Quota) -> Decision {
    limiter.check(key, quota).await.unwrap()
}

#[tokio::test]
async fn a_burst_is_taken_and_comes_back_one_by_one() {
    let (limiter, hand) = held();
    let ms = Duration::from_millis;
    for remaining in [2, 1, 0] {
        let decision = check(&limiter, "ada", QUOTA).await;
        let reset = ms(100) * (3 - remaining);
        assert_eq!(decision, Decision { remaining, reset, retry_after: None });
    }
    let refused = Decision { remaining: 0, reset: ms(300), retry_after: Some(ms(100)) };
    assert_eq!(check(&limiter, "ada", QUOTA).await, refused);
    assert_eq!(check(&limiter, "ada", QUOTA).await, refused, "a refused request takes nothing");
    assert!(check(&limiter, "ben", QUOTA).await.is_allowed(), "another key has its own quota");
    let other = Quota::per_second(1);
    assert!(check(&limiter, "ada", other).await.is_allowed(), "and so has another quota");

    hand.advance(ms(99));
    assert_eq!(check(&limiter, "ada", QUOTA).await.retry_after, Some(ms(1)));
    hand.advance(ms(1));
    assert!(check(&limiter, "ada", QUOTA).await.is_allowed());
    assert!(!check(&limiter, "ada", QUOTA).await.is_allowed());
}

#[tokio::test]
async fn keys_are_forgotten_once_their_quota_is_back() {
    let (limiter, hand) = held();
    for key in 0..2_000 {
        check(&limiter, &key.to_string(), QUOTA).await;
    }
    assert_eq!(limiter.keys(), Some(2_000));
    hand.advance(Duration::from_secs(1));
    for _ in 0..SWEEP_EVERY {
        check(&limiter, "ada", QUOTA).await;
    }
    assert_eq!(limiter.keys(), Some(1));
}

#[tokio::test]
async fn a_flood_of_keys_takes_no_more_memory_and_does_not_get_around_the_limit() {
    let (limiter, _hand) = held();
    let limiter = limiter.max_keys(1_000);
    let mut allowed = 0;
    for key in 0..200_000 {
        allowed += u32::from(check(&limiter, &format!("flood {key}"), QUOTA).await.is_allowed());
    }
    let most = 1_000 + SWEEP_EVERY + u32::try_from(SHARED).unwrap();
    assert!(limiter.keys().unwrap() <= most as usize, "{limiter:?}");
    // Each counter lets its burst through, and there are no more counters than keys that are kept.
    assert!(allowed <= most * QUOTA.burst_size().get(), "{allowed} of 200000");
    assert!(allowed >= 1_000, "{allowed}: keys are counted one by one until there are too many");
}

proptest! {
    /// The promise of a limit: in any time no more than the burst and what came back meanwhile.
    #[test]
    fn no_window_lets_more_through_than_the_quota(
        steps in prop::collection::vec(0_u64..200, 1..200),
        requests in 1_u32..50,
        burst in 1_u32..20,
    ) {
        let (limiter, hand) = held();
        let quota = Quota::per_second(requests).burst(burst);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut now = Duration::ZERO;
        let mut allowed = Vec::new();
        for step in steps {
            let step = Duration::from_millis(step);
            hand.advance(step);
            now += step;
            if runtime.block_on(check(&limiter, "ada", quota)).is_allowed() {
                allowed.push(now);
            }
        }
        for (first, since) in allowed.iter().enumerate() {
            for (last, until) in allowed.iter().enumerate().skip(first) {
                let back = (*until - *since).as_nanos() / quota.interval().as_nanos();
                let most = u128::from(burst) + back;
                prop_assert!((last - first + 1) as u128 <= most);
            }
        }
    }
}
