//! From the errors of a service to problems.

use std::error::Error;

use axum::response::{IntoResponse, Response};
use purlin::error::ServiceError;

use super::Problem;

/// Implements axum's `IntoResponse` for an error that derives `ServiceError`: the derive calls it
/// with its generics, its type and its bounds. Nobody else needs to.
#[doc(hidden)]
#[macro_export]
macro_rules! service_error_transports {
    ([$($generics:tt)*] [$($error:tt)*] [$($bounds:tt)*]) => {
        impl $($generics)* ::purlin::__private::axum::response::IntoResponse for $($error)* $($bounds)* {
            fn into_response(self) -> ::purlin::__private::axum::response::Response {
                ::purlin::__private::http_respond(&self)
            }
        }
    };
}

/// Answers with the [`Problem`] of an error.
///
/// An [internal](purlin::error::Code::is_internal) error is logged here, once and with its causes,
/// and its text is not shown.
pub fn respond(error: &dyn ServiceError) -> Response {
    problem(error).into_response()
}

pub(super) fn problem(error: &dyn ServiceError) -> Problem {
    let code = error.code();
    if code.is_internal() {
        tracing::error!(code = code.name(), error = chain(error), "a request failed");
        return Problem::from_code(code);
    }
    Problem::from_code(code).detail(error.to_string())
}

/// An error and its causes on one line, without the causes that the text before names already: a
/// transparent error says what its source says.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use purlin::error::Code;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error(transparent)]
    struct Middle(#[from] std::num::ParseIntError);

    #[derive(Debug, thiserror::Error)]
    #[error("secret detail")]
    struct Coded(Code);

    impl ServiceError for Coded {
        fn code(&self) -> Code {
            self.0
        }
    }

    #[test]
    fn a_chain_names_each_cause_once() {
        let error = Outer(Middle("x".parse::<u8>().unwrap_err()));
        assert_eq!(chain(&error), "outer: invalid digit found in string");
    }

    #[test]
    fn an_internal_error_shows_nothing_of_itself() {
        for code in [Code::Internal, Code::Unknown, Code::DataLoss] {
            let problem = problem(&Coded(code));
            assert_eq!((problem.status.as_u16(), problem.detail), (500, None));
        }
        let problem = problem(&Coded(Code::Aborted));
        assert_eq!((problem.status.as_u16(), &*problem.code), (409, "aborted"));
        assert_eq!(problem.detail.as_deref(), Some("secret detail"));
    }
}
