use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use purlin::error::{Code, ServiceError};

/// Why a guarded call has no value.
///
/// With an inner error that has codes it is a [`ServiceError`]; [`Error::code_or`] is for others.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E> {
    /// The call's own error, of the last attempt.
    #[error("{source}{}", Ending { attempts: *.attempts, stop: *.stop })]
    Failed {
        /// The error.
        source: E,
        /// How often it was attempted.
        attempts: u32,
        /// Why it was not attempted again.
        stop: Stop,
    },
    /// The last attempt did not return in time.
    #[error(
        "{guard} did not answer within {limit:?}{}; see its `timeout`",
        Ending { attempts: *.attempts, stop: *.stop }
    )]
    TimedOut {
        /// The name of the guard.
        guard: Arc<str>,
        /// The timeout of an attempt.
        limit: Duration,
        /// How often it was attempted.
        attempts: u32,
        /// Why it was not attempted again.
        stop: Stop,
    },
    /// The deadline of the call has passed.
    #[error("{guard}: no answer within {limit:?} and {attempts} attempt(s); see its `deadline`")]
    DeadlineExceeded {
        /// The name of the guard.
        guard: Arc<str>,
        /// The time that the call had in all.
        limit: Duration,
        /// How often it was attempted; 0 when it waited for a place in the bulkhead.
        attempts: u32,
        /// The error of the attempt before the last one.
        #[source]
        last: Option<E>,
    },
    /// The upstream is taken to be down; the call was not attempted.
    #[error(transparent)]
    Open(#[from] BreakerOpen),
    /// Too many calls are under way; this one was not attempted.
    #[error(transparent)]
    Full(#[from] BulkheadFull),
}

/// Why a call was not attempted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// The verdict on its outcome does not allow it, or the call was to be made once.
    Verdict,
    /// It was the last attempt.
    Attempts,
    /// The retry budget is empty.
    Budget,
    /// The deadline would have passed before the next attempt.
    Deadline,
    /// The breaker has opened.
    Breaker,
}

/// The upstream is taken to be down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is taken to be down; it is tried again in {retry_in:?} (see its `breaker`)")]
pub struct BreakerOpen {
    /// The name of the breaker.
    pub name: Arc<str>,
    /// When an attempt may be let through at the earliest, unless a probe brings news before.
    pub retry_in: Duration,
}

/// As many calls are under way as there may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name} is at its limit of {max_concurrent} calls{}; raise `max_concurrent` of its `bulkhead`, \
     or call it less",
    Waited(*.waited)
)]
pub struct BulkheadFull {
    /// The name of the bulkhead.
    pub name: Arc<str>,
    /// How many calls may be under way.
    pub max_concurrent: u32,
    /// How long the call waited for a place; `None` when there was no place to wait either.
    pub waited: Option<Duration>,
}

// === impl Error ===

impl<E> Error<E> {
    /// The call's own error, where there is one.
    pub fn inner(&self) -> Option<&E> {
        match self {
            Self::Failed { source, .. } => Some(source),
            Self::DeadlineExceeded { last, .. } => last.as_ref(),
            Self::TimedOut { .. } | Self::Open(_) | Self::Full(_) => None,
        }
    }

    /// The call's own error, where there is one.
    pub fn into_inner(self) -> Option<E> {
        match self {
            Self::Failed { source, .. } => Some(source),
            Self::DeadlineExceeded { last, .. } => last,
            Self::TimedOut { .. } | Self::Open(_) | Self::Full(_) => None,
        }
    }

    /// How often the call was attempted.
    pub fn attempts(&self) -> u32 {
        match self {
            Self::Failed { attempts, .. }
            | Self::TimedOut { attempts, .. }
            | Self::DeadlineExceeded { attempts, .. } => *attempts,
            Self::Open(_) | Self::Full(_) => 0,
        }
    }

    /// The code of this error, where `of` knows the code of the call's own error.
    ///
    /// ```
    /// # extern crate purlin_core as purlin;
    /// use purlin::error::{Code, ServiceError};
    /// use purlin_resilience::Error;
    ///
    /// #[derive(Debug, thiserror::Error, ServiceError)]
    /// enum RateError {
    ///     #[error(transparent)]
    ///     #[code(with = code)]
    ///     Rates(#[from] Error<std::io::Error>),
    /// }
    ///
    /// fn code(error: &Error<std::io::Error>) -> Code {
    ///     error.code_or(|_| Code::Unavailable)
    /// }
    /// ```
    /// `TimedOut` and `DeadlineExceeded` are `DeadlineExceeded`, `Open` is `Unavailable`, and `Full`
    /// is `ResourceExhausted`.
    pub fn code_or(&self, of: impl FnOnce(&E) -> Code) -> Code {
        match self {
            Self::Failed { source, .. } => of(source),
            Self::TimedOut { .. } | Self::DeadlineExceeded { .. } => Code::DeadlineExceeded,
            Self::Open(_) => Code::Unavailable,
            Self::Full(_) => Code::ResourceExhausted,
        }
    }

    /// The outcome as a label of metrics.
    pub(crate) const fn label(&self) -> &'static str {
        match self {
            Self::Failed { .. } => "failed",
            Self::TimedOut { .. } => "timed_out",
            Self::DeadlineExceeded { .. } => "deadline_exceeded",
            Self::Open(_) => "breaker_open",
            Self::Full(_) => "bulkhead_full",
        }
    }
}

impl<E: ServiceError> ServiceError for Error<E>
where
    Self: StdError,
{
    fn code(&self) -> Code {
        self.code_or(E::code)
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Failed { source, .. } => source.detail(),
            _ => None,
        }
    }
}

// === impl BreakerOpen ===

impl ServiceError for BreakerOpen {
    fn code(&self) -> Code {
        Code::Unavailable
    }

    fn detail(&self) -> Option<String> {
        None
    }
}

// === impl BulkheadFull ===

impl ServiceError for BulkheadFull {
    fn code(&self) -> Code {
        Code::ResourceExhausted
    }

    fn detail(&self) -> Option<String> {
        None
    }
}

// === impl Stop ===

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verdict => "it is not to be repeated",
            Self::Attempts => "no attempts are left",
            Self::Budget => "the retry budget is empty",
            Self::Deadline => "no time is left",
            Self::Breaker => "the breaker has opened",
        })
    }
}

/// What is said after an error that a guard did not repeat on its own account.
struct Ending {
    attempts: u32,
    stop: Stop,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { attempts: 1, stop: Stop::Verdict | Stop::Attempts } => Ok(()),
            Self { attempts, stop } => write!(f, " (attempt {attempts}; {stop})"),
        }
    }
}

struct Waited(Option<Duration>);

impl fmt::Display for Waited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(waited) => write!(f, " and had no place within {waited:?}"),
            None => f.write_str(", and no further one may wait"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("connection refused")]
    struct Refused;

    impl ServiceError for Refused {
        fn code(&self) -> Code {
            Code::Unavailable
        }
    }

    #[test]
    fn a_text_says_what_was_exceeded_and_where_to_change_it() {
        let guard = Arc::<str>::from("bank");
        let full = |waited| BulkheadFull { name: guard.clone(), max_concurrent: 64, waited };
        let second = Duration::from_secs(1);
        let all: [(Error<Refused>, &str, Code); 7] = [
            (
                Error::Failed { source: Refused, attempts: 1, stop: Stop::Verdict },
                "connection refused",
                Code::Unavailable,
            ),
            (
                Error::Failed { source: Refused, attempts: 2, stop: Stop::Budget },
                "connection refused (attempt 2; the retry budget is empty)",
                Code::Unavailable,
            ),
            (
                Error::TimedOut {
                    guard: guard.clone(),
                    limit: second,
                    attempts: 3,
                    stop: Stop::Attempts,
                },
                "bank did not answer within 1s (attempt 3; no attempts are left); \
                 see its `timeout`",
                Code::DeadlineExceeded,
            ),
            (
                Error::DeadlineExceeded {
                    guard: guard.clone(),
                    limit: second,
                    attempts: 2,
                    last: Some(Refused),
                },
                "bank: no answer within 1s and 2 attempt(s); see its `deadline`",
                Code::DeadlineExceeded,
            ),
            (
                BreakerOpen { name: guard.clone(), retry_in: second }.into(),
                "bank is taken to be down; it is tried again in 1s (see its `breaker`)",
                Code::Unavailable,
            ),
            (
                full(None).into(),
                "bank is at its limit of 64 calls, and no further one may wait; raise \
                 `max_concurrent` of its `bulkhead`, or call it less",
                Code::ResourceExhausted,
            ),
            (
                full(Some(second)).into(),
                "bank is at its limit of 64 calls and had no place within 1s; raise \
                 `max_concurrent` of its `bulkhead`, or call it less",
                Code::ResourceExhausted,
            ),
        ];
        for (error, text, code) in all {
            assert_eq!((error.to_string().as_str(), error.code()), (text, code));
        }
    }
}
