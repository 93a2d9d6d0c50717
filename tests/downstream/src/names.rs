use std::sync::Arc;

use purlin::prelude::*;

use crate::{Analytics, ShopConfig, metrics::Counts};

/// The databases that a set was given.
#[async_trait]
pub trait Names: Interface {
    /// The files behind the plain handle and behind the named one.
    async fn files(&self) -> sqlx::Result<(String, String)>;
}

#[derive(Component)]
#[shaku(interface = Names)]
pub(crate) struct SqliteNames {
    redirected: Sqlite,
    named: Named<Analytics, Sqlite>,
}

#[async_trait]
impl Names for SqliteNames {
    async fn files(&self) -> sqlx::Result<(String, String)> {
        let file = "SELECT file FROM pragma_database_list WHERE name = 'main'";
        let one = sqlx::query_scalar(file).fetch_one(&self.redirected).await?;
        let other = sqlx::query_scalar(file).fetch_one(&*self.named).await?;
        Ok((one, other))
    }
}

/// A way to spell a name; a group.
pub trait Spelling: Interface {
    /// Spells it.
    fn spell(&self, name: &str) -> String;
}

pub(crate) struct Upper;

impl Spelling for Upper {
    fn spell(&self, name: &str) -> String {
        name.to_uppercase()
    }
}

pub(crate) struct Reversed;

impl Spelling for Reversed {
    fn spell(&self, name: &str) -> String {
        name.chars().rev().collect()
    }
}

/// What the shop is known for; nobody has to say.
pub trait Motto: Interface {
    /// It.
    fn motto(&self) -> String;
}

/// What is said to customers.
pub trait Greeting: Interface {
    /// Says it.
    fn greet(&self, name: &str) -> String;
}

struct Polite {
    config: Arc<ShopConfig>,
    spellings: Vec<Arc<dyn Spelling>>,
    motto: Option<Arc<dyn Motto>>,
    counts: Counts,
}

impl Greeting for Polite {
    fn greet(&self, name: &str) -> String {
        self.counts.greeted(name);
        let spelt =
            self.spellings.iter().fold(name.to_owned(), |name, spelling| spelling.spell(&name));
        let motto = self.motto.as_ref().map(|motto| format!(" · {}", motto.motto()));
        format!("{}, {spelt}{}", self.config.greeting, motto.unwrap_or_default())
    }
}

/// A closure module, as a function: its arguments are its needs.
pub(crate) async fn greeting(
    config: Arc<ShopConfig>,
    spellings: Vec<Arc<dyn Spelling>>,
    motto: Option<Arc<dyn Motto>>,
    meter: Meter,
) -> Result<Arc<dyn Greeting>> {
    Ok(Arc::new(Polite { config, spellings, motto, counts: Counts::new(&meter) }))
}
