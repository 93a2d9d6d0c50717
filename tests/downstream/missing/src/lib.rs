//! A set of components in which one is missing.

use std::sync::Arc;

use purlin::prelude::*;

pub trait Cache: Interface {}

pub trait Repo: Interface {}

#[derive(Component)]
#[shaku(interface = Repo)]
pub struct CachedRepo {
    pub cache: Arc<dyn Cache>,
}

impl Repo for CachedRepo {}

components! { pub Orders { needs: [], components: [CachedRepo] } }
