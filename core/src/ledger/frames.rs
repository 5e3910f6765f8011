//! Frames: u16 big-endian length, then as many bytes; the form of entry bundles and of `checkpoints.log`.

use super::store::ReadFile;
use crate::Result;

/// Bytes that can be read at offsets.
pub(super) trait ReadAt {
    /// Fills `out` from `offset` as far as there is something.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<usize>;
}

impl ReadAt for ReadFile {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<usize> {
        self.read(offset, out)
    }
}

/// The bytes of a frame's length.
pub(super) const PREFIX: usize = 2;
/// How much of a file is in memory at a time.
const WINDOW: usize = 1 << 20;

/// A window that moves over [start, end) of a file. It holds at least half a mebibyte, or all that is left. A file that
/// becomes shorter meanwhile (a writer cuts what was never acknowledged) simply ends there.
pub(super) struct Window<'f> {
    file: &'f dyn ReadAt,
    end: u64,
    /// The offset in the file of `buffer[0]`.
    base: u64,
    buffer: Vec<u8>,
    /// Bytes of the buffer that the window has left behind.
    passed: usize,
}

impl<'f> Window<'f> {
    /// A window at `start`, filled.
    pub(super) fn new(file: &'f dyn ReadAt, start: u64, end: u64) -> Result<Self> {
        let mut window = Window { file, end, base: start, buffer: Vec::new(), passed: 0 };
        window.advance(0)?;
        Ok(window)
    }

    /// The offset in the file of the first byte of the window.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.passed as u64
    }

    /// The bytes in the window.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.passed..]
    }

    /// Whether the window reaches the end.
    pub(super) fn is_last(&self) -> bool {
        self.base + self.buffer.len() as u64 >= self.end
    }

    /// Leaves the first `count` bytes behind, and reads on when little is left.
    pub(super) fn advance(&mut self, count: usize) -> Result<()> {
        self.passed += count;
        let held = self.buffer.len() - self.passed;
        if held >= WINDOW / 2 || self.is_last() {
            return Ok(());
        }
        self.buffer.drain(..self.passed);
        self.base += self.passed as u64;
        self.passed = 0;
        let from = self.base + held as u64;
        let more = usize::try_from(self.end - from).unwrap_or(usize::MAX).min(WINDOW - held);
        self.buffer.resize(held + more, 0);
        let read = self.file.read_at(from, &mut self.buffer[held..])?;
        self.buffer.truncate(held + read);
        if read < more {
            self.end = from + read as u64;
        }
        Ok(())
    }
}

/// The ranges of the payloads of the whole frames at the start of `bytes`, at most `limit`, and where they end.
pub(super) fn cut(bytes: &[u8], limit: usize) -> (Vec<core::ops::Range<usize>>, usize) {
    let mut frames = Vec::new();
    let end = cut_into(bytes, limit, &mut frames);
    (frames, end)
}

/// [`cut`] into a list that is used again.
pub(super) fn cut_into(bytes: &[u8], limit: usize, frames: &mut Vec<core::ops::Range<usize>>) -> usize {
    frames.clear();
    let mut at = 0;
    while frames.len() < limit
        && let Some(payload) = frame(&bytes[at..])
    {
        frames.push(at + PREFIX..at + PREFIX + payload.len());
        at += PREFIX + payload.len();
    }
    at
}

/// Where the whole frames at the start of `bytes` end.
pub(super) fn frames_end(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(payload) = frame(&bytes[at..]) {
        at += PREFIX + payload.len();
    }
    at
}

/// The payload of the frame at the start of `bytes`, when it is whole.
pub(super) fn frame(bytes: &[u8]) -> Option<&[u8]> {
    let (prefix, rest) = bytes.split_first_chunk::<PREFIX>()?;
    rest.get(..usize::from(u16::from_be_bytes(*prefix)))
}

/// Appends a frame; the payload is at most 65,535 bytes (checked by the caller).
pub(super) fn push(out: &mut Vec<u8>, payload: &[u8]) {
    out.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    out.extend_from_slice(payload);
}
