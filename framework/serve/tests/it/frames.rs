//! HTTP/2 by its bytes, for what no client does (RFC 9113, 4.1 and 6).

use std::time::Duration;

use crate::support::{Client, Running};

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// The setting that nothing of an answer is taken before it is asked for.
pub(crate) const NO_WINDOW: &[u8] = &[0, 4, 0, 0, 0, 0];

/// A frame as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![a, b, c, kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The header block of a GET, by the static table (RFC 7541, appendix A).
pub(crate) fn get(path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x86];
    literal(&mut block, 0x04, path);
    literal(&mut block, 0x01, "test");
    block
}

/// A field whose name nobody has indexed.
pub(crate) fn field(name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![0x00, u8::try_from(name.len()).unwrap()];
    block.extend(name.as_bytes());
    text(&mut block, value);
    block
}

/// Room for this many bytes more, of a request or with number 0 of all of them together.
pub(crate) fn window_update(stream: u32, bytes: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes())
}

fn literal(block: &mut Vec<u8>, index: u8, value: &str) {
    block.push(index);
    text(block, value);
}

fn text(block: &mut Vec<u8>, value: &str) {
    // A length is at most 126 + 127 here, so that its second byte is the last one.
    match value.len() {
        len @ 0..127 => block.push(u8::try_from(len).unwrap()),
        len => block.extend([127, u8::try_from(len - 127).unwrap()]),
    }
    block.extend(value.as_bytes());
}

// === impl Running ===

impl Running {
    /// A connection that speaks HTTP/2, with the settings exchanged.
    pub(crate) async fn connect_http2_by_hand(&self) -> Client {
        self.connect_http2_with(&[]).await
    }

    /// The same with these settings.
    pub(crate) async fn connect_http2_with(&self, settings: &[u8]) -> Client {
        self.connect().await.into_http2(settings).await
    }
}

// === impl Client ===

impl Client {
    /// Says that it speaks HTTP/2, and exchanges settings.
    pub(crate) async fn into_http2(mut self, settings: &[u8]) -> Self {
        self.send(PREFACE).await;
        self.send(frame(SETTINGS, 0, 0, settings)).await;
        self.frame_of(SETTINGS).await;
        self.send(frame(SETTINGS, ACK, 0, &[])).await;
        self
    }

    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        let head = self.exactly(9).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let payload = self.exactly(length as usize).await?;
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// Reads until a frame of this kind has come.
    pub(crate) async fn frame_of(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.frame().await.expect("the connection is open");
            if frame.kind == kind {
                return frame;
            }
        }
    }

    /// Reads to the end, whichever it is, and returns the last GOAWAY's reason.
    pub(crate) async fn reason(&mut self) -> Option<u32> {
        let mut reason = None;
        while let Some(frame) = self.frame().await {
            if frame.kind == GOAWAY {
                reason = Some(u32::from_be_bytes(frame.payload[4..8].try_into().unwrap()));
            }
        }
        reason
    }
}

pub(crate) const LONG: Duration = Duration::from_secs(3600);
