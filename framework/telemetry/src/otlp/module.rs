use std::sync::Arc;

use purlin_core::{error::Result, info::AppInfo, init::Init, module::Module};

use super::{OtelConfig, outlet::OtlpOutlet, resource::resource};
use crate::{log::TARGET, outlet::Outlet};

/// Sends traces, metrics and logs to an OpenTelemetry collector.
///
/// It belongs to the shell, beside [`TelemetryModule`](crate::TelemetryModule), which it gives an
/// [`Outlet`]:
/// ```
/// use purlin_core::app::App;
/// use purlin_telemetry::{TelemetryModule, otlp::OtlpModule};
///
/// let app = App::builder().shell(OtlpModule).shell(TelemetryModule::new());
/// app.validate().unwrap();
/// ```
///
/// # Lifecycle
/// It starts before telemetry and ends after it, as the very last. At start nothing is connected
/// to: a collector that is not there keeps no service from starting. An application that does not
/// own its process, in a test say, has no subscriber of its own, and sends nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct OtlpModule;

// === impl OtlpModule ===

impl Module for OtlpModule {
    const NAME: &'static str = "otel";
    type Config = OtelConfig;
    type Needs = Arc<AppInfo>;
    type Gives = Arc<dyn Outlet>;

    async fn init(
        &self,
        config: OtelConfig,
        info: Self::Needs,
        cx: &mut Init,
    ) -> Result<Arc<dyn Outlet>> {
        if !cx.owns_process() {
            cx.detail("off: the process belongs to somebody else");
            return Ok(Arc::new(OtlpOutlet::default()));
        }
        let (clock, entropy) = (cx.clock().clone(), cx.entropy());
        let resource = resource(&config, &info, entropy);
        let outlet = Arc::new(OtlpOutlet::new(&config, &resource, &clock, entropy)?);
        cx.detail(outlet.detail());
        if outlet.sends() {
            let limit = config.flush_timeout;
            cx.undo("send the telemetry that waits", &outlet, move |outlet| async move {
                // A service that did its work did not fail because a collector is away.
                if let Some(told) = outlet.flush(&clock, limit).await {
                    tracing::warn!(target: TARGET, component = "otel", "{told}");
                }
            });
        }
        Ok(outlet)
    }
}
