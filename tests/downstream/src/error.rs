use purlin::prelude::*;

/// Why the shop refuses.
#[derive(Debug, thiserror::Error, ServiceError)]
pub enum ShopError {
    /// There is no such item.
    #[error("item {0} does not exist")]
    #[code(NotFound)]
    NotFound(i64),
    /// It costs too much.
    #[error("nothing costs more than {0} cents")]
    #[code(FailedPrecondition)]
    TooExpensive(i64),
    /// The database failed.
    #[error(transparent)]
    #[code(with = purlin::sql::code)]
    Sql(#[from] sqlx::Error),
}
