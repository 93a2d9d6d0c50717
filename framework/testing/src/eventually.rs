use std::{panic::Location, time::Duration};

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
pub fn eventually(holds: impl AsyncFnMut() -> bool) -> impl Future<Output = ()> {
    wait(Clock::system(), holds, Location::caller())
}

async fn wait(clock: Clock, mut holds: impl AsyncFnMut() -> bool, caller: &Location<'_>) {
    let begun = clock.now();
    while !holds().await {
        assert!(
            clock.now() - begun < PATIENCE,
            "what {caller} waits for did not come within {PATIENCE:?}"
        );
        clock.sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    #[should_panic(expected = "src/eventually.rs")]
    async fn patience_ends_and_names_the_caller() {
        let (clock, hand) = Clock::held();
        let waiting = wait(clock, async || false, Location::caller());
        let time = async {
            loop {
                hand.sleepers(1).await;
                hand.advance(PAUSE);
            }
        };
        tokio::select! {
            () = waiting => {}
            () = time => {}
        }
    }
}
