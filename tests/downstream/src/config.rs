use purlin::{config::Conflict, prelude::*};

/// How the shop is run.
#[derive(Debug, Clone, Config)]
#[config(section = "shop", check = ShopConfig::check)]
pub struct ShopConfig {
    /// What customers are greeted with.
    #[config(default = "hello")]
    #[validate(length(min = 1))]
    pub greeting: String,
    /// The cheapest item, in cents.
    #[config(default = 1)]
    #[validate(range(min = 1))]
    pub min_cents: i64,
    /// The most expensive item, in cents.
    #[config(default = 10_000)]
    #[validate(range(min = 1))]
    pub max_cents: i64,
    /// Key of the supplier.
    #[config(unset = "nothing is ordered from the supplier")]
    pub supplier_key: Option<Secret<String>>,
}

impl ShopConfig {
    fn check(&self) -> Result<(), Conflict> {
        if self.min_cents <= self.max_cents {
            return Ok(());
        }
        let why = "there is nothing that costs less than the least";
        Err(Conflict::between(["min_cents", "max_cents"], why, "raise `max_cents`"))
    }
}
