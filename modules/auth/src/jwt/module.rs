//! The module.

use std::sync::Arc;

use purlin::{error::Result, init::Init, module::Module, runnable::Tier};

use super::{authenticator::JwtAuthenticator, config::JwtConfig, health::KeysHealth};
use crate::Authenticator;

/// Gives an `Arc<dyn Authenticator>` that checks JSON Web Tokens.
///
/// ```
/// # extern crate purlin_core as purlin;
/// use purlin::app::App;
/// use purlin_auth::JwtModule;
///
/// let app = App::builder().set("jwt.secret", "file:/run/secrets/jwt").module(JwtModule);
/// ```
/// What it takes and what it refuses is in [`jwt`](super).
///
/// # Lifecycle
/// The keys are read, or fetched, at start; what cannot be used is an error of the start that says
/// which setting to change. Keys at an address are kept up to date while the application runs, from
/// before the servers start until after they have stopped, and have a health check.
#[derive(Debug, Clone, Copy, Default)]
pub struct JwtModule;

// === impl JwtModule ===

impl Module for JwtModule {
    const NAME: &'static str = "jwt";
    type Config = JwtConfig;
    type Needs = ();
    type Gives = Arc<dyn Authenticator>;

    async fn init(
        &self,
        config: JwtConfig,
        (): (),
        cx: &mut Init,
    ) -> Result<Arc<dyn Authenticator>> {
        let (clock, meter) = (cx.clock().clone(), cx.meter());
        let tokens = JwtAuthenticator::connect(cx.section(), &config, clock, &meter).await?;
        if let (Some(keys), Some(refresher)) = (tokens.remote(), tokens.refresher()) {
            cx.health(cx.section().to_owned(), &Arc::new(KeysHealth::new(keys.clone())));
            cx.run(format!("{} keys", cx.section()), move || refresher.clone()).tier(Tier::CLIENTS);
        }
        let (count, plural) = (tokens.keys(), if tokens.keys() == 1 { "" } else { "s" });
        cx.detail(match tokens.remote() {
            Some(keys) => format!("{count} key{plural} from {}", keys.address()),
            None => format!("{count} key{plural}"),
        });
        Ok(Arc::new(tokens))
    }
}
