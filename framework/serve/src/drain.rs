use std::fmt;

/// How the connections of a server ended when it was stopped.
///
/// It prints as a line of the stop report: `34 connections closed, 2 requests finished`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DrainReport {
    /// Connections that ended by themselves, idle ones included.
    pub closed: u64,
    /// Requests that were answered in full during the drain.
    pub finished: u64,
    /// Connections that were still open at the deadline and were cut.
    pub cut: u64,
}

// === impl DrainReport ===

impl DrainReport {
    /// Whether nothing had to be cut.
    pub fn is_clean(&self) -> bool {
        self.cut == 0
    }
}

impl fmt::Display for DrainReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count| if count == 1 { "" } else { "s" };
        let Self { closed, finished, cut } = *self;
        write!(f, "{closed} connection{} closed, ", plural(closed))?;
        write!(f, "{finished} request{} finished", plural(finished))?;
        if cut > 0 {
            write!(f, ", {cut} connection{} cut at the deadline", plural(cut))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_a_line_of_the_stop_report() {
        let report = DrainReport { closed: 34, finished: 2, cut: 0 };
        assert_eq!(report.to_string(), "34 connections closed, 2 requests finished");
        let report = DrainReport { closed: 1, finished: 1, cut: 1 };
        assert_eq!(
            report.to_string(),
            "1 connection closed, 1 request finished, 1 connection cut at the deadline"
        );
    }
}
