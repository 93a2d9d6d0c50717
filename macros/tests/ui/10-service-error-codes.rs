//! All problems of a service error are reported together.

use purlin::error::ServiceError;

#[derive(Debug, thiserror::Error, ServiceError)]
#[code(NotFound)]
enum OrderError {
    #[error("order {0} does not exist")]
    #[code(NotFund)]
    NotFound(u64),
    #[error("order {0} is confirmed already")]
    Confirmed(u64),
    #[error("too many orders")]
    #[code(ResourceExhausted, Unavailable)]
    TooMany,
    #[error("the order is broken")]
    #[code(Internal)]
    #[code(DataLoss)]
    Broken,
    #[error("the database failed")]
    #[code(from)]
    Empty,
    #[error("{0} and {1} failed")]
    #[code(with = std::convert::identity)]
    Both(std::fmt::Error, std::fmt::Error),
}

#[derive(Debug, thiserror::Error, ServiceError)]
#[error("it failed")]
struct Failed;

fn main() {}
