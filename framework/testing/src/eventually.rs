use std::time::Duration;

use purlin_core::clock::Clock;

const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);

/// Waits until `holds` is true, by real time.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let mut tries = 0;
/// purlin_testing::eventually(async || {
///     tries += 1;
///     tries == 3
/// })
/// .await;
/// # });
/// ```
///
/// # Panics
/// When it is not within 10 s.
#[track_caller]
pub fn eventually(mut holds: impl AsyncFnMut() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let clock = Clock::system();
        let begun = clock.now();
        while !holds().await {
            assert!(clock.now() - begun < PATIENCE, "what {caller} waits for did not come within {PATIENCE:?}");
            clock.sleep(PAUSE).await;
        }
    }
}
