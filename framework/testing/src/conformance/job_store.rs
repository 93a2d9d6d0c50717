use std::time::{Duration, SystemTime};

use purlin_core::entropy::Entropy;
use purlin_scheduler::{JobRun, JobStore, Outcome, Trigger};

/// 2030-01-01T00:00:00.123Z: times are kept to the millisecond.
const START: Duration = Duration::from_millis(1_893_456_000_123);
const MINUTE: Duration = Duration::from_secs(60);

/// What every [`JobStore`] does: a time is claimed once and a mark goes back only when
/// that is asked for; runs are kept
/// with all that they say, the last ones of each job.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use purlin_scheduler::MemoryJobs;
/// use purlin_testing::conformance;
///
/// conformance::job_store(&MemoryJobs::default()).await;
/// # });
/// ```
///
/// The store is empty before. Afterwards it has ten runs of a job called `job`, and one of `other`.
///
/// # Panics
/// When the store does something else, or fails.
pub async fn job_store(store: &dyn JobStore) {
    marks(store).await;
    history(store).await;
}

async fn marks(store: &dyn JobStore) {
    let start = SystemTime::UNIX_EPOCH + START;
    assert_eq!(mark(store, "job").await, None, "what was never claimed has no mark");
    assert!(claim(store, start, start).await, "the first to ask gets a time");
    assert!(!claim(store, start, start).await, "one time is claimed once");
    assert_eq!(mark(store, "job").await, Some(start));
    let next = start + MINUTE;
    assert!(!claim(store, next, start).await, "the mark is as far as that");
    assert!(claim(store, next, next).await, "a later time is free");
    assert!(!claim(store, start, start).await, "a mark does not go back");
    assert_eq!(mark(store, "job").await, Some(next));
    let after = next + Duration::from_millis(1);
    assert!(claim(store, start, after).await, "unless whoever claims has seen the later mark");
    assert_eq!(mark(store, "job").await, Some(start));
    assert_eq!(mark(store, "other").await, None, "each job has a mark of its own");
}

async fn history(store: &dyn JobStore) {
    let (entropy, start) = (Entropy::seeded(3), SystemTime::UNIX_EPOCH + START);
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
        record(store, run).await;
    }
    let other = JobRun { id: entropy.uuid_v4(), job: "other".to_owned(), ..runs[0].clone() };
    record(store, &other).await;

    let mut expected = runs[2..].to_vec();
    expected.reverse();
    assert_eq!(read(store, "job", 100).await, expected, "the last ten, the latest first");
    assert_eq!(read(store, "job", 3).await, expected[..3], "no more than asked for");
    assert_eq!(read(store, "other", 3).await, [other], "each job has a history of its own");
    assert_eq!(read(store, "nobody", 3).await, []);
}

async fn claim(store: &dyn JobStore, due: SystemTime, since: SystemTime) -> bool {
    store.claim("job", due, since).await.expect("the store answers")
}

async fn mark(store: &dyn JobStore, job: &str) -> Option<SystemTime> {
    store.mark(job).await.expect("the store answers")
}

async fn record(store: &dyn JobStore, run: &JobRun) {
    store.record(run, 10).await.expect("the store answers");
}

async fn read(store: &dyn JobStore, job: &str, limit: usize) -> Vec<JobRun> {
    store.runs(job, limit).await.expect("the store answers")
}
