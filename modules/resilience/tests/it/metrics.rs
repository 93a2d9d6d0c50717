use purlin_resilience::{BudgetConfig, RetryConfig, metrics::ALL};
use purlin_testing::TestMeter;

use crate::support::{DOWN, Script, breaker, bulkhead, guard, retry, run};

#[test]
fn what_a_guard_did_is_measured() {
    let meter = TestMeter::new();
    let (builder, _, hand) = guard("bank");
    let budget = BudgetConfig { ratio: 0.0, per_second: 0.0, burst: 1, enabled: true };
    let guard = builder
        .meter(meter.meter())
        .retry(&RetryConfig { budget, ..retry(2) })
        .breaker(&breaker())
        .bulkhead(&bulkhead(8, 0))
        .build();
    let script = Script::new(&[Ok(1), Err(DOWN), Ok(1), Err(DOWN), Err(DOWN)]);
    for _ in 0..5 {
        drop(run(&hand, guard.call(|| script.call())));
    }
    let mut held =
        Box::pin(guard.once(std::future::pending::<Result<(), crate::support::Upstream>>));
    hand.advance(std::time::Duration::from_secs(1));
    assert!(futures_util::FutureExt::now_or_never(held.as_mut()).is_none());

    let text = meter.text();
    for line in [
        r#"resilience_calls_total{guard="bank",outcome="ok"} 2"#,
        r#"resilience_calls_total{guard="bank",outcome="failed"} 2"#,
        r#"resilience_calls_total{guard="bank",outcome="breaker_open"} 1"#,
        r#"resilience_retries_total{guard="bank",outcome="made"} 1"#,
        r#"resilience_retries_total{guard="bank",outcome="no_budget"} 2"#,
        r#"resilience_breaker_state{guard="bank"} 1"#,
        r#"resilience_breaker_transitions_total{guard="bank",state="open"} 1"#,
        r#"resilience_bulkhead_active{guard="bank"} 1"#,
        r#"resilience_bulkhead_waiting{guard="bank"} 0"#,
    ] {
        assert!(text.contains(line), "{line} is missing in:\n{text}");
    }
    for metric in ALL {
        assert!(text.contains(metric.name), "{} is declared and not measured", metric.name);
    }
    drop(held);
    assert!(meter.text().contains(r#"outcome="dropped"} 1"#));
}
