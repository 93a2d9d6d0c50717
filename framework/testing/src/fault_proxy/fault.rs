use std::{cmp::min, time::Duration};

use purlin_core::clock::Instant;

/// What a [`FaultProxy`](crate::FaultProxy) does to the connections through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Connections are refused, as by a machine where nothing listens; open ones are closed.
    Refuse,
    /// Connections are closed, new ones as soon as they are accepted.
    Cut,
    /// As [`Cut`](Self::Cut), with a reset in place of an orderly end.
    Reset,
    /// Each connection is closed once so many bytes have gone through it.
    CutAfter(u64),
    /// Connections are accepted and kept, and nothing is read from them: a host that has lost its
    /// power, or a firewall that has forgotten the connection.
    HalfOpen,
    /// Each piece arrives so much later; what follows is not held up beyond that.
    Delay(Duration),
    /// So many bytes a second, for each connection.
    Limit(u32),
    /// Pieces of so many bytes, with a pause before each.
    Slice {
        /// The most bytes of a piece; 0 is taken for 1.
        bytes: usize,
        /// The time between two pieces.
        pause: Duration,
    },
}

/// A direction through a [`FaultProxy`](crate::FaultProxy).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// The faults of the moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Faults {
    pub(super) up: Option<Fault>,
    pub(super) down: Option<Fault>,
    /// How often all open connections were closed.
    pub(super) severed: u64,
}

/// How the next bytes of a connection go on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// So many of them, not before this moment.
    Pass { bytes: usize, due: Instant },
    /// Not at all.
    Close,
}

/// What has happened to a connection so far, one way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Past {
    /// When the bytes at hand were read.
    pub(super) arrived: Instant,
    /// When the bytes before them were written.
    pub(super) written: Instant,
    /// How many bytes there were.
    pub(super) passed: u64,
}

/// How long the pieces are into which a limited stream is cut.
const STEPS_PER_SECOND: u32 = 20;

// === impl Fault ===

impl Fault {
    fn closes(self) -> bool {
        matches!(self, Self::Refuse | Self::Cut | Self::Reset)
    }

    /// How the next of `ready` bytes go on.
    pub(super) fn pace(fault: Option<Self>, ready: usize, past: Past) -> Pace {
        let Past { arrived, written, passed } = past;
        match fault {
            None | Some(Self::Refuse | Self::Cut | Self::Reset) => {
                Pace::Pass { bytes: ready, due: arrived }
            }
            Some(Self::HalfOpen) => Pace::Pass { bytes: ready, due: Instant::NEVER },
            Some(Self::CutAfter(limit)) => match limit.saturating_sub(passed) {
                0 => Pace::Close,
                left => {
                    let left = usize::try_from(left).unwrap_or(usize::MAX);
                    Pace::Pass { bytes: min(ready, left), due: arrived }
                }
            },
            Some(Self::Delay(by)) => Pace::Pass { bytes: ready, due: arrived + by },
            Some(Self::Limit(per_second)) => {
                let step = u32::max(per_second / STEPS_PER_SECOND, 1);
                let bytes = min(ready, usize::try_from(step).unwrap_or(usize::MAX));
                let share = f64::from(u32::try_from(bytes).unwrap_or(step));
                let takes = share / f64::from(per_second.max(1));
                Pace::Pass { bytes, due: arrived.max(written) + Duration::from_secs_f64(takes) }
            }
            Some(Self::Slice { bytes, pause }) => {
                Pace::Pass { bytes: min(ready, bytes.max(1)), due: arrived.max(written) + pause }
            }
        }
    }
}

// === impl Faults ===

impl Faults {
    pub(super) fn of(&self, way: Way) -> Option<Fault> {
        match way {
            Way::Up => self.up,
            Way::Down => self.down,
        }
    }

    pub(super) fn of_mut(&mut self, way: Way) -> &mut Option<Fault> {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }

    /// Whether `fault` holds, either way.
    pub(super) fn any(&self, fault: Fault) -> bool {
        self.up == Some(fault) || self.down == Some(fault)
    }

    /// Whether nothing goes through, either way.
    pub(super) fn is_silent(&self) -> bool {
        [self.up, self.down] == [Some(Fault::HalfOpen); 2]
    }

    pub(super) fn closes(&self) -> bool {
        [self.up, self.down].into_iter().flatten().any(Fault::closes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pace(fault: Fault, ready: usize, passed: u64) -> (usize, Duration) {
        let arrived = Instant::START + SECOND;
        let past = Past { arrived, written: arrived + SECOND, passed };
        match Fault::pace(Some(fault), ready, past) {
            Pace::Pass { bytes, due } => (bytes, due - arrived),
            Pace::Close => (0, Duration::ZERO),
        }
    }

    #[test]
    fn a_fault_says_how_many_bytes_go_on_and_when() {
        let slice = Fault::Slice { bytes: 3, pause: SECOND };
        assert_eq!(pace(Fault::Delay(SECOND), 900, 0), (900, SECOND));
        assert_eq!(pace(Fault::Limit(2000), 900, 0), (100, SECOND + SECOND / 20));
        assert_eq!(pace(Fault::Limit(1), 900, 0), (1, SECOND * 2));
        assert_eq!(pace(slice, 900, 0), (3, SECOND * 2));
        assert_eq!(pace(slice, 2, 0), (2, SECOND * 2));
        assert_eq!(pace(Fault::CutAfter(10), 900, 7), (3, Duration::ZERO));
        assert_eq!(pace(Fault::CutAfter(10), 900, 10), (0, Duration::ZERO));
        assert_eq!(pace(Fault::Slice { bytes: 0, pause: SECOND }, 2, 0).0, 1);
        assert_eq!(pace(Fault::Limit(0), 2, 0).0, 1);
    }
}
