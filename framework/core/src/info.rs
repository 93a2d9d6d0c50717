//! What an application is called.

pub(crate) const DEV: &str = "dev";
pub(crate) const PROD: &str = "prod";

/// Name and version of the program, from [`package!`](crate::package).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The name of the crate.
    pub name: String,
    /// The version of the crate.
    pub version: String,
    /// The revision it was built from, where the build sets `GIT_REVISION`.
    pub revision: Option<String>,
    /// Whether it was built with debug assertions.
    pub debug: bool,
}

/// What a running application is.
#[derive(Debug, Clone)]
pub struct AppInfo {
    /// The program.
    pub package: Package,
    /// The profile it runs in: `dev`, `prod`, or a name of your own.
    pub profile: String,
}

/// Name, version and revision of the crate in which it is called.
///
/// ```
/// # extern crate purlin_core as purlin;
/// let package = purlin::package!();
/// assert!(package.debug);
/// ```
#[macro_export]
macro_rules! package {
    () => {
        $crate::info::Package {
            name: ::core::env!("CARGO_PKG_NAME").into(),
            version: ::core::env!("CARGO_PKG_VERSION").into(),
            revision: ::core::option_env!("GIT_REVISION").map(Into::into),
            debug: ::core::cfg!(debug_assertions),
        }
    };
}

// === impl AppInfo ===

impl AppInfo {
    /// Whether it runs in production.
    pub fn is_prod(&self) -> bool {
        self.profile == PROD
    }
}

// === impl Package ===

impl Package {
    /// The name of the executable, where no `package!()` was given. Counts as a release build.
    pub(crate) fn of_executable() -> Self {
        let exe = std::env::current_exe().ok();
        let stem = exe.as_deref().and_then(|path| path.file_stem()?.to_str());
        Self {
            name: stem.unwrap_or("app").to_owned(),
            version: "0.0.0".to_owned(),
            revision: None,
            debug: false,
        }
    }
}

impl std::fmt::Display for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.version)?;
        self.revision.as_ref().map_or(Ok(()), |revision| write!(f, " ({revision})"))
    }
}
