//! Codes of all kinds, on an enum and on structs, with generics.

#![deny(warnings)]

use std::fmt;

use purlin::error::{Code, ServiceError};

#[derive(Debug, thiserror::Error, ServiceError)]
enum OrderError<T: fmt::Debug + fmt::Display + Send + Sync + 'static> {
    #[error("order {0} does not exist")]
    #[code(NotFound)]
    NotFound(T),
    #[error("line {line} is wrong")]
    #[code(InvalidArgument)]
    Line { line: u32 },
    #[error(transparent)]
    #[code(with = io)]
    Io(#[from] std::io::Error),
    #[error("{path} is unreadable")]
    #[code(with = |_: &fmt::Error| Code::DataLoss)]
    Unreadable { path: String, source: fmt::Error },
    #[error(transparent)]
    #[code(from)]
    Stock(#[from] OutOfStock),
}

#[derive(Debug, thiserror::Error, ServiceError)]
#[error("none is left")]
#[code(FailedPrecondition)]
struct OutOfStock;

#[derive(Debug, thiserror::Error, ServiceError)]
#[error(transparent)]
#[code(from)]
struct Wrapped(#[from] OutOfStock);

#[derive(Debug, thiserror::Error, ServiceError)]
enum Never {}

fn io(error: &std::io::Error) -> Code {
    match error.kind() {
        std::io::ErrorKind::NotFound => Code::Unavailable,
        _ => Code::Internal,
    }
}

fn main() {
    let io = |kind: std::io::ErrorKind| OrderError::<u64>::from(std::io::Error::from(kind)).code();
    assert_eq!(OrderError::NotFound(7).code(), Code::NotFound);
    assert_eq!(OrderError::<u64>::Line { line: 3 }.code(), Code::InvalidArgument);
    assert_eq!(io(std::io::ErrorKind::NotFound), Code::Unavailable);
    assert_eq!(io(std::io::ErrorKind::Other), Code::Internal);
    let unreadable = OrderError::<u64>::Unreadable { path: "a".to_owned(), source: fmt::Error };
    assert_eq!(unreadable.code(), Code::DataLoss);
    assert_eq!(OrderError::<u64>::from(OutOfStock).code(), Code::FailedPrecondition);
    assert_eq!(Wrapped::from(OutOfStock).code(), Code::FailedPrecondition);
    assert!(None::<Never>.is_none());
}
