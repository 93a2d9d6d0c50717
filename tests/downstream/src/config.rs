use purlin::prelude::*;

/// How the shop is run.
#[derive(Debug, Clone, Config)]
#[config(section = "shop")]
pub struct ShopConfig {
    /// What customers are greeted with.
    #[config(default = "hello")]
    #[validate(length(min = 1))]
    pub greeting: String,
    /// The most expensive item, in cents.
    #[config(default = 10_000)]
    #[validate(range(min = 1))]
    pub max_cents: i64,
    /// Key of the supplier.
    #[config(unset = "nothing is ordered from the supplier")]
    pub supplier_key: Option<Secret<String>>,
}
