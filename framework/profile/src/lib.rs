//! Profiles of a running process, for pprof and as flame graphs.
//!
//! [`cpu`] samples the stacks of the threads that compute; [`heap`], with the feature `jemalloc`,
//! asks the allocator who holds the memory. Both make a [`Profile`]: what [pprof] reads, or a flame
//! graph for a browser. Nothing here knows of an application; the admin server of Purlin offers it
//! at `/debug/pprof`.
//!
//! ```
//! use purlin_profile::cpu;
//!
//! # #[inline(never)]
//! # fn the_work_that_is_slow() -> u64 {
//! #     (0..20_000_000_u64).map(|n| std::hint::black_box(n).count_ones() as u64).sum()
//! # }
//! let recording = cpu::Recording::start(cpu::DEFAULT_HZ)?;
//! the_work_that_is_slow();
//! let profile = recording.stop()?.resolve();
//! std::fs::write(std::env::temp_dir().join("cpu.pb.gz"), profile.encode())?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! [pprof]: https://github.com/google/pprof

pub mod cpu;
#[cfg(feature = "jemalloc")]
pub mod heap;
mod profile;
mod proto;

pub use self::profile::{DecodeError, DrawError, Profile, Stack};

#[cfg(feature = "jemalloc")]
pub use self::heap::Jemalloc;
