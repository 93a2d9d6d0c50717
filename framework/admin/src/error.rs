use purlin_serve::BindError;

/// The admin server cannot listen where it should.
#[derive(Debug, thiserror::Error)]
#[error(
    "the admin server needs a port of its own; set `admin.listen` (ADMIN_LISTEN or HEALTHCHECK_PORT)"
)]
pub struct ListenError(#[from] BindError);
