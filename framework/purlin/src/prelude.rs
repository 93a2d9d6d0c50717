//! What most files of a service use: `use purlin::prelude::*;`.

pub use crate::{
    App, AppBuilder, Component, Config, Needs, ServiceError, async_trait,
    clock::Clock,
    components,
    config::{ByteSize, DataDir, Listen, Live, NoConfig, Secret},
    entropy::Entropy,
    error::{Code, Result},
    gives::{Gives, Group},
    health::{HealthCheck, Stats},
    init::Init,
    leader::Term,
    meter::Meter,
    module::Module,
    needs::{Interface, Named},
    readiness::Readiness,
    runnable::{OnEnd, Restart, Run, RunCx, Runnable, Tier},
    shutdown::ShutdownHandle,
    spawner::Spawner,
};

#[cfg(feature = "auth")]
pub use crate::auth::{JwtModule, Principal};
#[cfg(feature = "http")]
pub use crate::http::{
    HttpModule,
    extract::{Created, Page, Paged, Valid},
    routes::{Posture, Routes},
};
#[cfg(feature = "http-client")]
pub use crate::http_client::{HttpClient, HttpClientModule};
#[cfg(feature = "scheduler")]
pub use crate::scheduler::{Job, Jobs, SchedulerModule};
#[cfg(feature = "sqlite")]
pub use crate::sqlite::{Sqlite, SqliteModule};
