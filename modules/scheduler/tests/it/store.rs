//! The store that is gone with its process.

use purlin_scheduler::MemoryJobs;
use purlin_testing::conformance;

#[tokio::test]
async fn the_memory_store_conforms() {
    conformance::job_store(&MemoryJobs::default()).await;
}
