//! The application as a whole, in one process: wiring, the traps of a lifecycle, leadership.

mod blocking;
mod leading;
mod settings;
mod tasks;
mod traps;
mod wiring;

use std::sync::{Arc, Mutex};

use super::{App, AppBuilder};
use crate::{config::Inputs, event::Event};

/// An application that sees no file and no variable of this machine.
fn app() -> AppBuilder {
    App::builder().package(crate::package!()).inputs(sealed())
}

fn sealed() -> Inputs {
    Inputs { base_dir: "/nonexistent".into(), ..Inputs::default() }
}

/// What has happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// A listener that keeps the events that `pick` has words for.
    fn of_events(
        &self,
        pick: impl Fn(&Event) -> Option<String> + Send + Sync + 'static,
    ) -> impl Fn(&Event) + Send + Sync + 'static {
        let log = self.clone();
        move |event| {
            if let Some(line) = pick(event) {
                log.add(line);
            }
        }
    }
}
