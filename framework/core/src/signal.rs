//! Signals, injected: a process has them from the operating system, a test sends them itself.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// One signal, by name and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signal {
    pub(crate) name: &'static str,
    pub(crate) number: u8,
}

/// Where an application receives its signals from.
#[derive(Debug)]
pub(crate) struct Signals(UnboundedReceiver<Signal>);

/// Sends signals to an application in the same process.
#[derive(Debug, Clone)]
pub(crate) struct SignalSender(UnboundedSender<Signal>);

// === impl Signal ===

impl Signal {
    pub(crate) const INTERRUPT: Self = Self { name: "SIGINT", number: 2 };
    pub(crate) const QUIT: Self = Self { name: "SIGQUIT", number: 3 };
    pub(crate) const TERMINATE: Self = Self { name: "SIGTERM", number: 15 };
}

// === impl Signals ===

impl Signals {
    pub(crate) fn channel() -> (SignalSender, Self) {
        let (sender, receiver) = unbounded_channel();
        (SignalSender(sender), Self(receiver))
    }

    /// The signals of this process, from now on.
    ///
    /// A thread of its own counts them, so that the third ends the process even when no worker of
    /// the runtime gets to run.
    #[cfg(unix)]
    pub(crate) fn of_process() -> std::io::Result<Self> {
        let all = [Signal::INTERRUPT, Signal::QUIT, Signal::TERMINATE];
        let numbers = all.map(|signal| i32::from(signal.number));
        let mut incoming = signal_hook::iterator::Signals::new(numbers)?;
        let (sender, receiver) = Self::channel();
        std::thread::Builder::new().name("purlin-signals".to_owned()).spawn(move || {
            for (earlier, number) in incoming.forever().enumerate() {
                let Some(signal) = all.into_iter().find(|all| i32::from(all.number) == number)
                else {
                    continue;
                };
                if earlier >= 2 {
                    leave(signal);
                }
                sender.send(signal);
            }
        })?;
        Ok(receiver)
    }

    /// The next signal; pending for ever when nobody can send one.
    pub(crate) async fn next(&mut self) -> Signal {
        match self.0.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }
}

/// Ends the process at the third signal.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "the third signal ends the process at once")]
fn leave(signal: Signal) -> ! {
    use std::io::Write as _;
    let code = 128 + i32::from(signal.number);
    let _ = writeln!(std::io::stderr(), "{} for the third time · exit code {code}", signal.name);
    std::process::exit(code)
}

// === impl SignalSender ===

impl SignalSender {
    pub(crate) fn send(&self, signal: Signal) {
        // An application that is gone needs no signal.
        let _ = self.0.send(signal);
    }
}
