//! Who holds the memory, for a program on jemalloc.
//!
//! The allocator notes the stack of one allocation in so many bytes, as long as it lives. It does so
//! only when it was told at its start, before `main`, by a variable of the process:
//!
//! ```text
//! _RJEM_MALLOC_CONF=prof:true,lg_prof_sample:19
//! ```
//!
//! One sample in 512 KiB (2^19 bytes), the usual rate, costs next to nothing. And the program must
//! allocate by it:
//!
//! ```
//! use purlin_profile::Jemalloc;
//!
//! #[global_allocator]
//! static ALLOCATOR: Jemalloc = Jemalloc;
//! # fn main() {}
//! ```

use std::hint::black_box;

use jemalloc_pprof::PROF_CTL;

use crate::{DecodeError, Profile};

pub use tikv_jemallocator::Jemalloc;

/// Why there is no profile of the heap.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The allocator was not told to sample.
    #[error(
        "the allocator does not sample: start the process with the variable \
         _RJEM_MALLOC_CONF=prof:true,lg_prof_sample:19"
    )]
    NotSampling,
    /// The program uses another allocator.
    #[error(
        "the program does not allocate by jemalloc: write `#[global_allocator] static ALLOCATOR: \
         Jemalloc = Jemalloc;` beside its `main`"
    )]
    NotInUse,
    /// Another snapshot is being taken.
    #[error("another snapshot of the heap is being taken")]
    Busy,
    /// The allocator could not write it down.
    #[error(
        "the snapshot could not be written ({0}); it needs a directory for temporary files (TMPDIR)"
    )]
    Dump(String),
    /// What the allocator wrote is not understood.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// What is allocated now, by the stack that allocated it, in bytes.
///
/// It writes a temporary file and looks up the names of all functions, which computes for some time:
/// call it where that holds up nobody.
///
/// # Errors
/// [`SnapshotError`] when the process was not started for it.
pub fn snapshot() -> Result<Profile, SnapshotError> {
    if !is_in_use() {
        return Err(SnapshotError::NotInUse);
    }
    let control = PROF_CTL.as_ref().ok_or(SnapshotError::NotSampling)?;
    let mut control = control.try_lock().map_err(|_| SnapshotError::Busy)?;
    if !control.activated() {
        return Err(SnapshotError::NotSampling);
    }
    let file = control.dump_pprof().map_err(|error| SnapshotError::Dump(format!("{error:#}")))?;
    Ok(Profile::decode(&file)?)
}

/// Whether an allocation of the program is one of jemalloc.
fn is_in_use() -> bool {
    let Ok(allocated) = tikv_jemalloc_ctl::thread::allocatedp::read() else { return false };
    let before = allocated.get();
    drop(black_box(Box::new([0_u8; 64])));
    allocated.get() > before
}
