//! Signals, injected: a process has them from the operating system, a test sends them itself.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::exit::Exit;

/// One signal, by name and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signal {
    pub(crate) name: &'static str,
    pub(crate) number: u8,
}

/// Where an application receives its signals from.
#[derive(Debug)]
pub(crate) struct Signals {
    received: UnboundedReceiver<Signal>,
    /// Whether there is an application that would stop.
    heeded: Arc<AtomicBool>,
}

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
        (SignalSender(sender), Self { received: receiver, heeded: Arc::default() })
    }

    /// The signals of this process, from now on.
    ///
    /// A thread of its own counts them, so that the third ends the process even when no worker of
    /// the runtime gets to run. Before they are [heeded](Self::heed) the first one does: nothing has
    /// been started yet, and the first process of a container has no default action to rely on.
    #[cfg(unix)]
    pub(crate) fn of_process() -> std::io::Result<Self> {
        let all = [Signal::INTERRUPT, Signal::QUIT, Signal::TERMINATE];
        let numbers = all.map(|signal| i32::from(signal.number));
        let mut incoming = signal_hook::iterator::Signals::new(numbers)?;
        let (sender, signals) = Self::channel();
        let heeded = signals.heeded.clone();
        std::thread::Builder::new().name("purlin-signals".to_owned()).spawn(move || {
            for (earlier, number) in incoming.forever().enumerate() {
                let Some(signal) = all.into_iter().find(|all| i32::from(all.number) == number)
                else {
                    continue;
                };
                if !heeded.load(Ordering::Acquire) {
                    leave("before anything was started", signal, Exit::CLEAN);
                }
                if earlier >= 2 {
                    leave("for the third time", signal, 128 + signal.number);
                }
                sender.send(signal);
            }
        })?;
        Ok(signals)
    }

    /// From now on there is an application that stops when a signal comes.
    pub(crate) fn heed(&self) {
        self.heeded.store(true, Ordering::Release);
    }

    /// The next signal; pending for ever when nobody can send one.
    pub(crate) async fn next(&mut self) -> Signal {
        match self.received.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }
}

/// Ends the process at once.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "nothing can be stopped, or nobody wants to wait")]
fn leave(when: &str, signal: Signal, code: u8) -> ! {
    use std::io::Write as _;
    let _ = std::io::stderr()
        .write_all(format!("{} {when} · exit code {code}\n", signal.name).as_bytes());
    std::process::exit(code.into())
}

// === impl SignalSender ===

impl SignalSender {
    pub(crate) fn send(&self, signal: Signal) {
        // An application that is gone needs no signal.
        let _ = self.0.send(signal);
    }
}
