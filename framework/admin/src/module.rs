use std::sync::Arc;

use purlin_core::{
    error::Result, health::HealthRegistry, info::AppInfo, init::Init, meter::Exposition,
    module::Module, page::Pages, readiness::Readiness,
};
use purlin_serve::{Listener, Listening};

use crate::{
    AdminConfig,
    router::{Admin, router},
    routes::Profiles,
    serving::Serving,
};

/// The admin server, as a module of the shell.
///
/// The facade adds it: first up, last down. See the [crate](crate) for what it answers. It needs no
/// telemetry; without it there is no `/metrics`.
///
/// ```
/// use purlin_admin::AdminModule;
/// use purlin_core::app::App;
///
/// let app = App::builder().shell(AdminModule);
/// app.validate().unwrap();
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct AdminModule;

// === impl AdminModule ===

impl Module for AdminModule {
    const NAME: &'static str = "admin";
    type Config = AdminConfig;
    type Needs = (HealthRegistry, Readiness, Pages, Arc<AppInfo>, Option<Arc<dyn Exposition>>);
    type Gives = ();

    async fn init(
        &self,
        config: AdminConfig,
        (health, readiness, pages, info, metrics): Self::Needs,
        cx: &mut Init,
    ) -> Result<()> {
        let listener = Listener::of_setting(cx, "listen", config.listen, &Listening::default())?;
        let addr = listener.local_addr();
        let AdminConfig { health_path, token, profiles, .. } = config;
        let profiles = Profiles::new(&profiles, readiness.clone(), cx);
        let admin = Admin { info, health, readiness, pages, metrics, health_path, token, profiles };
        let serving = Arc::new(Serving::start(listener, router(admin), cx));
        cx.undo("close the admin server", &serving, |serving| async move { serving.stop().await });
        cx.listening(addr);
        cx.detail(format!("http://{addr} · /health /metrics /graph …"));
        Ok(())
    }
}
