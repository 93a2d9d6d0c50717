use std::time::Duration;

use purlin::prelude::*;

/// How orders are taken.
#[derive(Debug, Clone, Config)]
#[config(section = "orders")]
pub struct OrdersConfig {
    /// Largest amount that is taken without a review, in cents.
    #[config(default = 1_000_000, live)]
    #[validate(range(min = 1, max = 100_000_000_000))]
    pub max_amount_cents: i64,
    /// How often new orders are looked for.
    #[config(default = "200ms")]
    #[validate(range(min = "10ms", max = "1h"))]
    pub confirm_every: Duration,
}
