/// Follows the frames of an HTTP/2 connection (RFC 9113, 4.1), to know when a request head is under
/// way: it may be spread over frames that come as slowly as a client likes.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The head of the current frame, as far as it has come.
    head: [u8; HEAD],
    filled: usize,
    /// Bytes of the payload that are still to come.
    left: usize,
    /// A header block has begun and its last frame has not.
    in_block: bool,
    /// Frames that have come in full.
    ended: u64,
}

const HEAD: usize = 9;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

// === impl Frames ===

impl Frames {
    /// Takes what the client has sent. Returns whether anything in it was about a request, and not
    /// about the connection, such as the answer to a ping.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> bool {
        let mut moved = false;
        while !bytes.is_empty() {
            if self.filled < HEAD {
                let taken = bytes.len().min(HEAD - self.filled);
                self.head[self.filled..self.filled + taken].copy_from_slice(&bytes[..taken]);
                self.filled += taken;
                bytes = &bytes[taken..];
                if self.filled < HEAD {
                    break;
                }
                self.begin();
            }
            moved |= !matches!(self.kind(), SETTINGS | PING);
            let taken = bytes.len().min(self.left);
            self.left -= taken;
            bytes = &bytes[taken..];
            if self.left == 0 {
                self.filled = 0;
                self.ended += 1;
            }
        }
        moved
    }

    /// Whether the head of a request, or of a frame, has begun and not ended.
    pub(super) fn in_head(&self) -> bool {
        match self.filled {
            0 => self.in_block,
            HEAD => self.in_block || matches!(self.kind(), HEADERS | CONTINUATION),
            _ => true,
        }
    }

    /// How many frames have come in full.
    pub(super) fn ended(&self) -> u64 {
        self.ended
    }

    fn begin(&mut self) {
        let [a, b, c, kind, flags, ..] = self.head;
        self.left = u32::from_be_bytes([0, a, b, c]) as usize;
        if matches!(kind, HEADERS | CONTINUATION) {
            self.in_block = flags & END_HEADERS == 0;
        }
    }

    fn kind(&self) -> u8 {
        self.head[3]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let [_, a, b, c] = u32::try_from(payload).unwrap().to_be_bytes();
        [vec![a, b, c, kind, flags, 0, 0, 0, 1], vec![0; payload]].concat()
    }

    #[test]
    fn a_head_lasts_from_its_first_byte_to_its_last() {
        let head = [frame(HEADERS, 0, 20), frame(CONTINUATION, 0, 0), frame(CONTINUATION, 4, 5)];
        let bytes = head.concat();
        let mut frames = Frames::default();
        frames.read(&frame(SETTINGS, 0, 6));
        for (at, byte) in bytes.iter().enumerate() {
            frames.read(&[*byte]);
            assert_eq!(frames.in_head(), at + 1 < bytes.len(), "after byte {at}");
        }
        assert_eq!(frames.ended(), 4);
    }

    #[test]
    fn it_is_the_same_however_the_bytes_are_cut() {
        let bytes = [frame(SETTINGS, 0, 18), frame(HEADERS, 5, 40), frame(0, 1, 700)].concat();
        for size in 1..bytes.len() {
            let mut frames = Frames::default();
            bytes.chunks(size).for_each(|chunk| _ = frames.read(chunk));
            assert_eq!((frames.ended(), frames.in_head()), (3, false), "in chunks of {size}");
        }
    }

    #[test]
    fn pings_and_settings_move_nothing() {
        let mut frames = Frames::default();
        assert!(!frames.read(&[frame(PING, 1, 8), frame(SETTINGS, 1, 0)].concat()));
        assert!(frames.read(&frame(8, 0, 4)), "a window update does");
    }

    #[test]
    fn a_body_that_comes_slowly_is_no_head() {
        let mut frames = Frames::default();
        frames.read(&frame(0, 0, 100)[..50]);
        assert!(!frames.in_head());
        frames.read(&[0; 59 + 4]);
        assert!(frames.in_head(), "a frame's own nine bytes are");
    }
}
