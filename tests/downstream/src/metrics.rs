use purlin::meter::{Counter, Meter, label};

purlin::metrics! {
    /// `whom` is `customer` or `nobody`.
    GREETINGS = Counter "shop_greetings_total" ["whom"] "":
        "How often the shop greeted.";
}

/// What the shop counts.
#[derive(Clone)]
pub(crate) struct Counts {
    greetings: Counter<u64>,
}

impl Counts {
    pub(crate) fn new(meter: &Meter) -> Self {
        Self { greetings: meter.counter(&GREETINGS) }
    }

    pub(crate) fn greeted(&self, name: &str) {
        let whom = if name.is_empty() { "nobody" } else { "customer" };
        self.greetings.add(1, &[label("whom", whom)]);
    }
}
