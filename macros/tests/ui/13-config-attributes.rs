//! All mistakes of one struct are reported at once.

use std::time::Duration;

use purlin::config::Config;

#[derive(Config)]
#[config(section = "my orders", prefix = "X", section = "orders")]
struct OrdersConfig {
    #[config(defualt = 1)]
    max: u16,
    #[config(default = "1s", default = "2s")]
    every: Duration,
    #[config(unset = "nothing happens")]
    key: String,
    #[config(env = "MY-KEY", alias = "1ST")]
    other_key: String,
    #[config(nested)]
    pool: Option<PoolConfig>,
    #[config(nested, default)]
    second_pool: PoolConfig,
    #[serde(rename = "kind")]
    kind: String,
    #[validate(range())]
    #[validate(range(min = "1s", max = 5))]
    wait: Duration,
    #[validate(lenght(min = 1), required, nested, must_match(other = "key"))]
    name: String,
    #[validate(length(minimum = 1), contains, custom(function = 5))]
    title: String,
}

#[derive(Config)]
struct PoolConfig {
    #[config(default = 1)]
    max: u16,
}

fn main() {}
