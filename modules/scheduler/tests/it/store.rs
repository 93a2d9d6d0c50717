//! What every store does.

use std::time::Duration;

use purlin::entropy::Entropy;
use purlin_scheduler::{JobRun, JobStore, MemoryJobs, Outcome, Trigger};

use crate::support::{MINUTE, at};

pub(crate) async fn conforms(store: &dyn JobStore) {
    let start = at("2030-01-01T00:00:00.123Z");
    assert_eq!(store.mark("job").await.unwrap(), None);
    assert!(store.claim("job", start, start).await.unwrap());
    assert!(!store.claim("job", start, start).await.unwrap(), "one time is claimed once");
    assert_eq!(store.mark("job").await.unwrap(), Some(start));
    let next = start + MINUTE;
    assert!(!store.claim("job", next, start).await.unwrap(), "the mark is as far as that");
    assert!(store.claim("job", next, next).await.unwrap());
    assert!(!store.claim("job", start, start).await.unwrap(), "a mark never goes back");
    assert_eq!(store.mark("job").await.unwrap(), Some(next));
    assert_eq!(store.mark("other").await.unwrap(), None);

    let entropy = Entropy::seeded(3);
    let outcomes = [
        Outcome::Succeeded,
        Outcome::Failed,
        Outcome::Panicked,
        Outcome::TimedOut,
        Outcome::Stopped,
    ];
    let triggers = [Trigger::Schedule, Trigger::Missed, Trigger::Start, Trigger::Manual];
    let runs: Vec<_> = (0..12_u32)
        .map(|nth| JobRun {
            id: entropy.uuid_v4(),
            job: "job".to_owned(),
            trigger: triggers[nth as usize % triggers.len()],
            due: start + MINUTE * nth,
            started: start + MINUTE * nth + Duration::from_millis(7),
            took: Duration::from_micros(1_234),
            attempts: nth + 1,
            outcome: outcomes[nth as usize % outcomes.len()],
            error: (nth % 2 == 0).then(|| format!("error {nth}, with 'quotes' and \u{1f980}")),
            token: (nth % 3 == 0).then_some(1_893_456_000_000 + u64::from(nth)),
        })
        .collect();
    for run in &runs {
        store.record(run, 10).await.unwrap();
    }
    let other = JobRun { id: entropy.uuid_v4(), job: "other".to_owned(), ..runs[0].clone() };
    store.record(&other, 10).await.unwrap();

    let mut expected = runs[2..].to_vec();
    expected.reverse();
    assert_eq!(store.runs("job", 100).await.unwrap(), expected, "the last ten, the latest first");
    assert_eq!(store.runs("job", 3).await.unwrap(), expected[..3]);
    assert_eq!(store.runs("other", 3).await.unwrap(), [other]);
    assert_eq!(store.runs("nobody", 3).await.unwrap(), []);
}

#[tokio::test]
async fn the_memory_store_conforms() {
    conforms(&MemoryJobs::default()).await;
}
