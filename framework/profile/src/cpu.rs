//! Which functions the processors are busy with.

use std::{
    collections::HashMap,
    fmt,
    time::{Duration, UNIX_EPOCH},
};

use pprof::{Frames, ProfilerGuard, ProfilerGuardBuilder, Symbol, UnresolvedReport};

use crate::{Profile, proto};

/// The samples a second that are usual: a prime number, so that they do not keep step with timers.
pub const DEFAULT_HZ: u32 = 99;

/// The most samples a second.
pub const MAX_HZ: u32 = 999;

/// A recording that goes on until it is stopped or dropped. A process has one at a time.
///
/// A timer of the process interrupts a thread that computes, in proportion to the time that it
/// computes, and its stack is noted: a thread that waits is never seen, and an idle process gives no
/// samples. Stacks are cut at 128 frames. Threads are interrupted by `SIGPROF`, and system calls that
/// it interrupts are started again.
pub struct Recording(ProfilerGuard<'static>);

/// What was recorded: addresses, which [`resolve`](Samples::resolve) gives names.
pub struct Samples(UnresolvedReport);

/// Why nothing is recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The frequency is out of bounds.
    #[error("{0} samples a second cannot be taken; ask for 1 to {MAX_HZ}")]
    Frequency(u32),
    /// Somebody else records.
    #[error("a CPU profile is being recorded; a process has one at a time")]
    Running,
    /// The recorder could not be set up.
    #[error(
        "the recorder could not be set up ({0}); it needs a directory for temporary files that can \
         be written to (TMPDIR), from the start of the process"
    )]
    Unavailable(String),
}

/// What interrupting may not look into: an unwinder that is interrupted may hold its own lock.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const NOT_INSIDE: [&str; 5] = ["libc.", "libgcc", "pthread", "vdso", "ld-linux"];

// === impl Recording ===

impl Recording {
    /// Begins to record, `hz` times a second of processor time.
    ///
    /// The first recording of a process sets the recorder up, which takes some tens of milliseconds,
    /// and some 80 MB of memory for good: leave room for it below a limit.
    ///
    /// # Errors
    /// [`RecordError`] when the frequency is out of bounds, or another recording is under way.
    pub fn start(hz: u32) -> Result<Self, RecordError> {
        let frequency = i32::try_from(hz).ok().filter(|_| (1..=MAX_HZ).contains(&hz));
        let frequency = frequency.ok_or(RecordError::Frequency(hz))?;
        let builder = ProfilerGuardBuilder::default().frequency(frequency);
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        let builder = builder.blocklist(&NOT_INSIDE);
        Ok(Self(builder.build()?))
    }

    /// Ends the recording.
    ///
    /// # Errors
    /// [`RecordError`] when what was put aside in a temporary file cannot be read.
    pub fn stop(self) -> Result<Samples, RecordError> {
        Ok(Samples(self.0.report().build_unresolved()?))
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recording")
    }
}

// === impl Samples ===

impl Samples {
    /// Looks up the names of all functions.
    ///
    /// It reads the debug information of the program, which computes for some time (a second for a
    /// large one): call it where that holds up nobody.
    pub fn resolve(self) -> Profile {
        let UnresolvedReport { data, timing } = self.0;
        let hz = i64::from(timing.frequency);
        let period = i64::try_from(Duration::from_secs(1).as_nanos()).unwrap_or(i64::MAX) / hz;
        let mut writer = Writer::default();
        writer.text("");
        let samples = writer.value_type("samples", "count");
        let cpu = writer.value_type("cpu", "nanoseconds");
        writer.profile.sample_type = vec![samples, cpu];
        writer.profile.period_type = Some(cpu);
        writer.profile.period = period;
        writer.profile.duration_nanos = nanos(timing.duration);
        writer.profile.time_nanos =
            nanos(timing.start_time.duration_since(UNIX_EPOCH).unwrap_or_default());
        for (unresolved, count) in data {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            writer.sample(&Frames::from(unresolved), vec![count, count.saturating_mul(period)]);
        }
        Profile::new(writer.finish())
    }
}

impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Samples").field("stacks", &self.0.data.len()).finish_non_exhaustive()
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

// === impl RecordError ===

impl From<pprof::Error> for RecordError {
    fn from(error: pprof::Error) -> Self {
        match error {
            pprof::Error::Running => Self::Running,
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// A profile while it is written.
#[derive(Default)]
struct Writer {
    profile: proto::Profile,
    texts: HashMap<String, i64>,
    functions: HashMap<i64, u64>,
    locations: HashMap<Vec<(u64, i64)>, u64>,
}

// === impl Writer ===

impl Writer {
    fn sample(&mut self, frames: &Frames, value: Vec<i64>) {
        let location_id = frames.frames.iter().map(|frame| self.location(frame)).collect();
        let (key, text) = (self.text("thread"), self.text(&frames.thread_name_or_id()));
        let label = vec![proto::Label { key, text }];
        self.profile.sample.push(proto::Sample { location_id, value, label });
    }

    /// A frame is a function with those that were inlined into it, the innermost first.
    fn location(&mut self, frame: &[Symbol]) -> u64 {
        let lines: Vec<_> =
            frame.iter().map(|symbol| (self.function(symbol), symbol.lineno().into())).collect();
        if let Some(id) = self.locations.get(&lines) {
            return *id;
        }
        let id = self.profile.location.len() as u64 + 1;
        let line = lines.iter().map(|&(function_id, line)| proto::Line { function_id, line });
        let location = proto::Location { id, line: line.collect(), ..Default::default() };
        self.profile.location.push(location);
        self.locations.insert(lines, id);
        id
    }

    fn function(&mut self, symbol: &Symbol) -> u64 {
        let system_name = self.text(&symbol.sys_name());
        if let Some(id) = self.functions.get(&system_name) {
            return *id;
        }
        let id = self.profile.function.len() as u64 + 1;
        let (name, filename) = (self.text(&symbol.name()), self.text(&symbol.filename()));
        self.profile.function.push(proto::Function { id, name, system_name, filename });
        self.functions.insert(system_name, id);
        id
    }

    fn value_type(&mut self, kind: &str, unit: &str) -> proto::ValueType {
        proto::ValueType { kind: self.text(kind), unit: self.text(unit) }
    }

    fn text(&mut self, text: &str) -> i64 {
        if let Some(index) = self.texts.get(text) {
            return *index;
        }
        let index = i64::try_from(self.profile.string_table.len()).unwrap_or(i64::MAX);
        self.profile.string_table.push(text.to_owned());
        self.texts.insert(text.to_owned(), index);
        index
    }

    fn finish(self) -> proto::Profile {
        self.profile
    }
}
