use futures_util::{Stream, stream};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::Order;

/// Orders as this process takes and confirms them, for whoever listens.
#[derive(Debug)]
pub struct Feed(broadcast::Sender<Order>);

/// How many orders a listener may lag behind.
const BACKLOG: usize = 1024;

impl Feed {
    /// Tells of an order that is in the database.
    pub(crate) fn tell(&self, order: &Order) {
        // It is an error that nobody listens, to others than us.
        self.0.send(order.clone()).ok();
    }

    /// What is told from now on, but for what a listener is too slow for.
    pub(crate) fn listen(&self) -> impl Stream<Item = Order> + use<> {
        stream::unfold(self.0.subscribe(), async |mut orders| {
            loop {
                match orders.recv().await {
                    Ok(order) => return Some((order, orders)),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        })
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}
