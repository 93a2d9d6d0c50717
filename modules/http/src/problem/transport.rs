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
/// What is not [shown to callers](ServiceError::detail) is logged here, once and with its causes: an
/// [internal](purlin::error::Code::is_internal) error as an error, what else the service could not do
/// as a warning, the rest in detail only.
pub fn respond(error: &dyn ServiceError) -> Response {
    problem(error).into_response()
}

pub(super) fn problem(error: &dyn ServiceError) -> Problem {
    let code = error.code();
    let detail = error.detail();
    if code.is_internal() {
        tracing::error!(code = code.name(), error = chain(error), "a request failed");
    } else if code.http_status() >= 500 {
        tracing::warn!(code = code.name(), error = chain(error), "a request could not be served");
    } else if detail.is_none() {
        tracing::debug!(code = code.name(), error = chain(error), "a request was refused");
    }
    match detail {
        Some(detail) => Problem::from_code(code).detail(detail),
        None => Problem::from_code(code),
    }
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

    #[test]
    fn the_words_of_a_library_are_not_shown() {
        #[derive(Debug, thiserror::Error)]
        #[error(transparent)]
        struct Database(#[from] std::io::Error);

        impl ServiceError for Database {
            fn code(&self) -> Code {
                Code::Unavailable
            }

            fn detail(&self) -> Option<String> {
                None
            }
        }

        let problem = problem(&Database(std::io::Error::other("no route to 10.0.0.7")));
        assert_eq!((problem.status.as_u16(), problem.detail), (503, None));
    }
}
