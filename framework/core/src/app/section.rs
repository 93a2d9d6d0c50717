use std::sync::Arc;

use crate::{
    config::{Config, Secrets, Section, Settings},
    error::{Result, anyhow},
    key::Key,
};

/// Where a node reads its section from, when it starts.
pub(crate) struct Source {
    pub(crate) section: Option<Section>,
    pub(crate) settings: Arc<Settings>,
    /// Present when the section has references that a secrets module resolves.
    pub(crate) secrets: Option<Arc<dyn Secrets>>,
    pub(crate) redirects: Vec<(Key, Key)>,
}

// === impl Source ===

impl Source {
    pub(crate) fn redirects(&self) -> &[(Key, Key)] {
        &self.redirects
    }

    /// Reads the section, its secrets resolved.
    pub(crate) async fn read<C: Config>(&self) -> Result<C> {
        let Some(section) = &self.section else {
            return Err(anyhow!("there is no section to read"));
        };
        let read = match &self.secrets {
            Some(secrets) => self
                .settings
                .resolve(section, &**secrets)
                .await
                .and_then(|resolved| resolved.read(section)),
            None => self.settings.read(section),
        };
        read.map_err(joined)
    }
}

fn joined(problems: Vec<crate::config::Problem>) -> crate::error::Error {
    let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
    anyhow!("{}", all.join("\n"))
}
