//! What went wrong, in terms that every transport understands.
//!
//! Start-up and background work return [`Error`], which carries context. A service has one enum of
//! its own with a canonical [`Code`] for each variant (`derive(ServiceError)`), which HTTP turns
//! into a problem, gRPC into a status and a consumer into an action.

pub use anyhow::{Context, Error, Result, anyhow, bail, ensure};

/// The canonical codes of an error, as gRPC defines them.
///
/// ```
/// # use purlin_core::error::Code;
/// assert_eq!(Code::NotFound.http_status(), 404);
/// assert_eq!(Code::InvalidArgument.name(), "invalid_argument");
/// assert!(Code::Internal.is_internal());
/// ```
///
/// Source: [gRPC status codes](https://grpc.io/docs/guides/status-codes/); the numbers are theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Code {
    /// The caller gave up.
    Cancelled = 1,
    /// An error that nothing is known about.
    Unknown = 2,
    /// The request is wrong, whatever the state of the system.
    InvalidArgument = 3,
    /// The time for the operation has passed.
    DeadlineExceeded = 4,
    /// What was asked for does not exist.
    NotFound = 5,
    /// What was to be created exists.
    AlreadyExists = 6,
    /// The caller is known and may not do this.
    PermissionDenied = 7,
    /// A quota or a limit is used up.
    ResourceExhausted = 8,
    /// The system is not in the state that the operation needs; repeating will not help.
    FailedPrecondition = 9,
    /// The operation lost against a concurrent one; the caller may repeat it from the start.
    Aborted = 10,
    /// The request reaches past the end of a range.
    OutOfRange = 11,
    /// There is no such operation.
    Unimplemented = 12,
    /// A fault of the service itself.
    Internal = 13,
    /// Not now; repeating may help.
    Unavailable = 14,
    /// Data is lost or corrupt beyond repair.
    DataLoss = 15,
    /// The caller did not say who it is, or could not prove it.
    Unauthenticated = 16,
}

/// An error of a service whose meaning callers may rely on.
///
/// ```
/// # extern crate purlin_core as purlin;
/// use purlin::error::{Code, ServiceError};
///
/// #[derive(Debug, thiserror::Error, ServiceError)]
/// enum OrderError {
///     #[error("order {0} does not exist")]
///     #[code(NotFound)]
///     NotFound(u64),
/// }
///
/// assert_eq!(OrderError::NotFound(7).code(), Code::NotFound);
/// ```
///
/// The text of an error is shown to callers, unless its code [is internal](Code::is_internal) or the
/// words are not its own: a variant that is `#[error(transparent)]` over the error of a library would
/// tell callers of hosts, tables and constraints. What callers do not see is logged, once and with its
/// causes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no codes",
    note = "add `#[derive(purlin::ServiceError)]` and a `#[code(..)]` to each of its variants"
)]
pub trait ServiceError: std::error::Error + Send + Sync + 'static {
    /// The code of this error.
    fn code(&self) -> Code;

    /// What callers are told besides the code: the text of the error by default, and nothing where it
    /// [is internal](Code::is_internal) or speaks of what is behind the service.
    fn detail(&self) -> Option<String> {
        (!self.code().is_internal()).then(|| self.to_string())
    }

    /// The codes that errors of this type may have, for documentation. A code that is only known
    /// from a value is not among them.
    fn codes() -> Vec<Code>
    where
        Self: Sized,
    {
        Vec::new()
    }
}

pub use purlin_macros::ServiceError;

// === impl Code ===

impl Code {
    /// The name in snake case, as callers see it: `not_found`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
            Self::InvalidArgument => "invalid_argument",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::PermissionDenied => "permission_denied",
            Self::ResourceExhausted => "resource_exhausted",
            Self::FailedPrecondition => "failed_precondition",
            Self::Aborted => "aborted",
            Self::OutOfRange => "out_of_range",
            Self::Unimplemented => "unimplemented",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::DataLoss => "data_loss",
            Self::Unauthenticated => "unauthenticated",
        }
    }

    /// The status of an HTTP answer with this code.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::InvalidArgument | Self::OutOfRange => 422,
            Self::Unauthenticated => 401,
            Self::PermissionDenied => 403,
            Self::NotFound => 404,
            Self::AlreadyExists | Self::FailedPrecondition | Self::Aborted => 409,
            Self::ResourceExhausted => 429,
            Self::Cancelled => 499,
            Self::Unknown | Self::Internal | Self::DataLoss => 500,
            Self::Unimplemented => 501,
            Self::Unavailable => 503,
            Self::DeadlineExceeded => 504,
        }
    }

    /// Whether the text of such an error must not reach callers.
    pub const fn is_internal(self) -> bool {
        matches!(self, Self::Unknown | Self::Internal | Self::DataLoss)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

// === impl ServiceError ===

impl ServiceError for std::convert::Infallible {
    fn code(&self) -> Code {
        match *self {}
    }
}

/// An error with its causes, each said once: what wraps another often quotes it already.
pub(crate) fn told(error: &Error) -> String {
    let mut told = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !told.contains(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_was_quoted_is_not_told_again() {
        let error =
            anyhow!("address in use").context("port 80: address in use").context("cannot listen");
        assert_eq!(told(&error), "cannot listen: port 80: address in use");
        assert_eq!(told(&anyhow!("address in use")), "address in use");
    }
}
