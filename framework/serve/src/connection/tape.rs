/// The head of a request of HTTP/1 as its bytes came.
///
/// Hyper hides one thing that has to be known: of a request with a `Content-Length` beside its
/// `Transfer-Encoding` it shows the latter alone.
#[derive(Debug)]
pub(super) struct Tape {
    bytes: Vec<u8>,
    /// The number of the request that the bytes belong to.
    request: u64,
    limit: usize,
}

// === impl Tape ===

impl Tape {
    /// A tape that keeps `limit` bytes of a head.
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), request: 0, limit }
    }

    /// Adds bytes to the head of a request, and forgets the one before it.
    pub(super) fn record(&mut self, request: u64, bytes: &[u8]) {
        if self.request != request {
            self.bytes.clear();
            self.request = request;
        }
        let room = self.limit.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Whether the head of a request has a field of this name.
    ///
    /// Of a request that came in one piece with the end of another, as in a pipeline, nothing is
    /// known and the answer is no.
    pub(super) fn has_field(&self, request: u64, name: &str) -> bool {
        self.request == request
            && self
                .bytes
                .split(|byte| *byte == b'\n')
                .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
                // Hyper passes over empty lines before a request, as RFC 9112 asks (section 2.2).
                .skip_while(|line| line.is_empty())
                .take_while(|line| !line.is_empty())
                .any(|line| {
                    line.iter()
                        .position(|byte| *byte == b':')
                        .is_some_and(|colon| line[..colon].eq_ignore_ascii_case(name.as_bytes()))
                })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_however_the_head_came() {
        let head = b"POST / HTTP/1.1\r\nHost: a\r\ncontent-LENGTH: 3\r\n\r\n";
        for size in 1..=head.len() {
            let mut tape = Tape::new(1000);
            head.chunks(size).for_each(|chunk| tape.record(4, chunk));
            assert!(tape.has_field(4, "content-length"), "in pieces of {size}");
            assert!(!tape.has_field(4, "length") && !tape.has_field(5, "content-length"));
        }
    }

    #[test]
    fn what_follows_the_head_is_no_part_of_it() {
        let mut tape = Tape::new(1000);
        tape.record(0, b"POST / HTTP/1.1\nHost: a\n\nContent-Length: 3\n\n");
        assert!(tape.has_field(0, "host") && !tape.has_field(0, "content-length"));
        tape.record(1, b"GET / HTTP/1.1\n\n");
        assert!(!tape.has_field(1, "host"));
    }

    #[test]
    fn empty_lines_before_the_head_do_not_end_it() {
        for before in ["\r\n", "\n", "\r\n\n\r\n"] {
            let mut tape = Tape::new(1000);
            tape.record(0, format!("{before}POST / HTTP/1.1\r\nHost: a\r\n\r\nb: c").as_bytes());
            assert!(tape.has_field(0, "host") && !tape.has_field(0, "b"), "{before:?}");
        }
    }

    #[test]
    fn it_keeps_no_more_than_a_head_may_have() {
        let mut tape = Tape::new(10);
        tape.record(0, &[b'x'; 8]);
        tape.record(0, &[b'x'; 8]);
        assert_eq!(tape.bytes.len(), 10);
    }
}
