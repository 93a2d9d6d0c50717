use tokio::runtime::{Builder, Runtime};

use crate::config::{ByteSize, Config};

/// The threads that the application runs on.
#[derive(Debug, Clone, Config)]
#[config(section = "runtime")]
pub struct RuntimeConfig {
    /// Threads that run tasks. As many as the process has processors, if it is not set.
    #[validate(range(min = 1, max = 1024))]
    pub worker_threads: Option<usize>,
    /// The most threads for blocking work.
    #[config(default = 512)]
    #[validate(range(min = 1, max = 10_000))]
    pub blocking_threads: usize,
    /// The stack of each thread.
    #[config(default = "2MiB")]
    #[validate(range(min = "256KiB", max = "1GiB"))]
    pub stack_size: ByteSize,
}

// === impl RuntimeConfig ===

impl RuntimeConfig {
    pub(crate) fn build(&self) -> std::io::Result<Runtime> {
        let stack = usize::try_from(self.stack_size.bytes()).unwrap_or(usize::MAX);
        let mut builder = Builder::new_multi_thread();
        builder.enable_all().thread_name("purlin").thread_stack_size(stack);
        builder.max_blocking_threads(self.blocking_threads);
        if let Some(workers) = self.worker_threads {
            builder.worker_threads(workers);
        }
        builder.build()
    }
}
