use std::{cell::RefCell, sync::Arc};

use super::{BoxLayer, Logger, LoggerCx, Record, Records};

/// How a record becomes a line.
pub trait Format: Send + Sync + 'static {
    /// Appends the record to `line`: one line, with its line end. What waits is counted in lines.
    fn write(&self, record: &Record<'_>, line: &mut Vec<u8>);
}

/// A logger that writes each record as a line of a [`Format`].
#[derive(Debug)]
pub struct Lines<F>(Arc<F>);

thread_local! {
    /// The line being written. Kept, so that lines cost no allocation once it has grown.
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

// === impl Lines ===

impl<F: Format> Lines<F> {
    /// Writes lines of `format`.
    pub fn new(format: F) -> Self {
        Self(Arc::new(format))
    }
}

impl<F: Format> Logger for Lines<F> {
    fn layer(&self, cx: LoggerCx) -> BoxLayer {
        let (format, output) = (self.0.clone(), cx.output.clone());
        Box::new(Records::new(cx, move |record: &Record<'_>| {
            let write = |line: &mut Vec<u8>| {
                line.clear();
                format.write(record, line);
                output.write(line);
            };
            LINE.with(|line| match line.try_borrow_mut() {
                Ok(mut line) => write(&mut line),
                // Somebody logs while a value is formatted for the log.
                Err(_) => write(&mut Vec::new()),
            });
        }))
    }
}
