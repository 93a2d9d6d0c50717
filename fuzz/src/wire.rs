//! Bytes of connections, as the server follows them beside hyper. Both parsers are the server's own
//! and private to it, so that their files are compiled here once more.

#[path = "../../framework/serve/src/connection/frames.rs"]
mod frames;
#[path = "../../framework/serve/src/connection/tape.rs"]
mod tape;

use self::{frames::Frames, tape::Tape};

/// As many bytes of a head are kept; more is refused by hyper.
const LONGEST: usize = 512;

/// Fields that heads are asked for, beside their own.
const NAMES: [&str; 4] = ["content-length", "transfer-encoding", "host", "x"];

/// The fields of a head are those that hyper's parser finds, however the head is cut into reads; of
/// what is longer than it may be, nothing is kept.
pub fn tape(data: &[u8]) {
    let Some((seed, bytes)) = data.split_first() else { return };
    let taped = |pieces: Vec<&[u8]>| {
        let mut tape = Tape::new(LONGEST);
        pieces.into_iter().for_each(|piece| tape.record(7, piece));
        tape
    };
    let (whole, cut) = (taped(vec![bytes]), taped(pieces(*seed, bytes)));
    for name in NAMES {
        assert_eq!(cut.has_field(7, name), whole.has_field(7, name), "{name}");
        assert!(!cut.has_field(8, name), "{name} of the next request");
    }
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut head = httparse::Request::new(&mut fields);
    match head.parse(bytes) {
        Ok(httparse::Status::Complete(..=LONGEST)) => {}
        _ => return,
    }
    for field in &*head.headers {
        assert!(cut.has_field(7, field.name), "{} is hidden", field.name);
    }
    for name in NAMES {
        let is_there = head.headers.iter().any(|field| field.name.eq_ignore_ascii_case(name));
        assert_eq!(cut.has_field(7, name), is_there, "{name}");
    }
}

/// Frames are counted, and heads seen to begin and to end, as a parser of whole frames does it,
/// however they are cut into reads.
pub fn frames(data: &[u8]) {
    let Some((seed, bytes)) = data.split_first() else { return };
    let (mut frames, mut moved) = (Frames::default(), false);
    for piece in pieces(*seed, bytes) {
        moved |= frames.read(piece);
    }
    let followed = Followed { moved, ended: frames.ended(), in_head: frames.in_head() };
    assert_eq!(followed, Followed::in_whole(bytes));
}

/// What is known after some frames.
#[derive(Debug, Default, PartialEq)]
struct Followed {
    /// Something was about a request.
    moved: bool,
    ended: u64,
    in_head: bool,
}

/// Cuts bytes into pieces of sizes that the seed decides.
pub(crate) fn pieces(seed: u8, mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut state = u64::from(seed);
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        // Small and large ones: of up to 1, 2, 4, .. 128 bytes.
        let most = 1_u64 << (state >> 61);
        let size = 1 + (state >> 32) % most;
        let (piece, rest) = bytes.split_at(bytes.len().min(size as usize));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

// === impl Followed ===

impl Followed {
    /// RFC 9113, 4.1: three bytes of length, the type, the flags and the stream, then the payload.
    fn in_whole(mut bytes: &[u8]) -> Self {
        const HEADERS: u8 = 1;
        const SETTINGS: u8 = 4;
        const PING: u8 = 6;
        const CONTINUATION: u8 = 9;
        const END_HEADERS: u8 = 4;
        let mut followed = Self::default();
        let mut in_block = false;
        while let Some(([a, b, c, kind, flags, ..], rest)) = bytes.split_first_chunk::<9>() {
            let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
            let is_of_head = [HEADERS, CONTINUATION].contains(kind);
            if is_of_head {
                in_block = flags & END_HEADERS == 0;
            }
            followed.moved |= ![SETTINGS, PING].contains(kind);
            let Some((_, rest)) = rest.split_at_checked(length) else {
                return Self { in_head: in_block || is_of_head, ..followed };
            };
            followed.ended += 1;
            bytes = rest;
        }
        Self { in_head: in_block || !bytes.is_empty(), ..followed }
    }
}
