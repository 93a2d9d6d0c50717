use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use purlin_resilience::{Error, GuardLayer, Stop, by_code};
use tower::{ServiceBuilder, ServiceExt as _};

use crate::support::{DOWN, Upstream, guard, retry, run};

#[test]
fn a_service_is_called_again_with_the_same_request() {
    let (builder, _, hand) = guard("doubler");
    let attempts = Arc::new(AtomicU32::new(0));
    let counter = attempts.clone();
    let service = ServiceBuilder::new()
        .layer(GuardLayer::new(builder.retry(&retry(3)).build(), by_code))
        .service_fn(move |n: u32| {
            let attempt = counter.fetch_add(1, Ordering::Relaxed);
            async move { if attempt < n { Err::<u32, Upstream>(DOWN) } else { Ok(2 * n) } }
        });
    assert_eq!(run(&hand, service.clone().oneshot(2)).unwrap(), 4);
    assert_eq!(attempts.swap(0, Ordering::Relaxed), 3);

    let error = run(&hand, service.oneshot(9)).unwrap_err();
    assert!(matches!(error, Error::Failed { attempts: 3, stop: Stop::Attempts, .. }), "{error}");
}
