//! The inner error has no codes of its own, or its function takes something else.

use purlin::error::{Code, ServiceError};

#[derive(Debug, thiserror::Error, ServiceError)]
enum OrderError {
    #[error(transparent)]
    #[code(from)]
    Format(#[from] std::fmt::Error),
    #[error(transparent)]
    #[code(with = code)]
    Parse(#[from] std::num::ParseIntError),
}

fn code(_: &std::io::Error) -> Code {
    Code::Internal
}

fn main() {}
