use std::time::Duration;

use purlin::error::{Code, ServiceError};

/// What came of one attempt.
#[derive(Debug)]
pub enum Outcome<'a, T, E> {
    /// It returned a value. An answer such as HTTP's 503 is a failure all the same, if the judge
    /// says so.
    Done(&'a T),
    /// It returned an error.
    Failed(&'a E),
    /// It had not returned after this time, and was dropped. Whether it had an effect is unknown.
    TimedOut(Duration),
}

/// What an outcome means: for the breaker, and for the retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The upstream works. So it does when it refuses a request that is wrong.
    Fine,
    /// The upstream is at fault; the attempt is not repeated.
    Fault,
    /// The upstream is at fault; the attempt may be repeated.
    Transient,
    /// As [`Transient`](Self::Transient), but not before this time has passed: the upstream's
    /// `Retry-After`. It is not capped; where it reaches past the deadline, nothing is repeated.
    TransientAfter(Duration),
}

/// The verdict of [`Guard::call`](crate::Guard::call), by the code of the error.
///
/// | code | verdict |
/// |---|---|
/// | `Unavailable`, and no answer in time | transient |
/// | `Internal`, `Unknown`, `DataLoss`, `DeadlineExceeded`, `ResourceExhausted` | fault |
/// | the others, which are about the request; every value | fine |
pub fn by_code<T, E: ServiceError>(outcome: Outcome<'_, T, E>) -> Verdict {
    match outcome {
        Outcome::Done(_) => Verdict::Fine,
        Outcome::TimedOut(_) => Verdict::Transient,
        Outcome::Failed(error) => match error.code() {
            Code::Unavailable => Verdict::Transient,
            Code::Internal
            | Code::Unknown
            | Code::DataLoss
            | Code::DeadlineExceeded
            | Code::ResourceExhausted => Verdict::Fault,
            Code::Cancelled
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Unauthenticated => Verdict::Fine,
        },
    }
}

/// The verdict that every error is transient, for work such as connecting at start.
pub fn any_error<T, E>(outcome: Outcome<'_, T, E>) -> Verdict {
    match outcome {
        Outcome::Done(_) => Verdict::Fine,
        Outcome::Failed(_) | Outcome::TimedOut(_) => Verdict::Transient,
    }
}

// === impl Verdict ===

impl Verdict {
    /// Whether it counts against the upstream.
    pub const fn is_fault(self) -> bool {
        !matches!(self, Self::Fine)
    }
}
