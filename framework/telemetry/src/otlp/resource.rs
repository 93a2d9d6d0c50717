use opentelemetry::KeyValue;
use opentelemetry_sdk::{Resource, resource::TelemetryResourceDetector};
use purlin_core::{entropy::Entropy, info::AppInfo};

use super::OtelConfig;

/// What the collector is told about the service.
pub(super) fn resource(config: &OtelConfig, info: &AppInfo, entropy: &Entropy) -> Resource {
    let instance = entropy.uuid_v4().to_string();
    let own = [
        KeyValue::new("service.name", info.package.name.clone()),
        KeyValue::new("service.version", info.package.version.clone()),
        KeyValue::new("service.instance.id", instance),
        KeyValue::new("deployment.environment.name", info.profile.clone()),
        KeyValue::new("process.pid", i64::from(std::process::id())),
    ];
    let given = config
        .resource_attributes
        .iter()
        .map(|(name, value)| KeyValue::new(name.to_owned(), value.to_owned()));
    let name = config.service_name.clone().map(|name| KeyValue::new("service.name", name));
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        // Of two with one name the later one counts.
        .with_attributes(own.into_iter().chain(given).chain(name))
        .build()
}
