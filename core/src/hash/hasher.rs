//! Block buffering and padding, the same for both functions.

use super::{HashAlgorithm, Stream};
use zeroize::Zeroize;

/// Streaming digest: any number of `update`, then `finalize`.
///
/// # Examples
/// ```
/// use sealcore::hash::{HashAlgorithm, sm3};
/// let mut hasher = HashAlgorithm::Sm3.hasher();
/// hasher.update(b"a");
/// hasher.update(b"bc");
/// assert_eq!(hasher.finalize(), sm3(b"abc"));
/// ```
#[derive(Clone)]
pub struct Hasher {
    stream: Stream,
    state: [u32; 8],
    /// The unfinished block; its first `length % 64` bytes count.
    block: [u8; 64],
    /// Bytes so far.
    length: u64,
}

impl Hasher {
    pub(super) fn new(stream: Stream) -> Self {
        Hasher { stream, state: stream.initial(), block: [0; 64], length: 0 }
    }

    /// The hasher after `length` bytes, whole blocks, that led to `state`, words in big-endian bytes.
    pub(super) fn resume(stream: Stream, state: &[u8; 32], length: u64) -> Self {
        let mut hasher = Hasher::new(stream);
        for (word, bytes) in hasher.state.iter_mut().zip(state.as_chunks::<4>().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        hasher.length = length;
        hasher
    }

    /// The function that this computes.
    pub fn algorithm(&self) -> HashAlgorithm {
        self.stream.algorithm()
    }

    /// Appends `data` to the message.
    pub fn update(&mut self, mut data: &[u8]) {
        let filled = self.filled();
        self.length = self.length.wrapping_add(data.len() as u64);
        if filled > 0 {
            let taken = data.len().min(64 - filled);
            self.block[filled..filled + taken].copy_from_slice(&data[..taken]);
            data = &data[taken..];
            if filled + taken < 64 {
                return;
            }
            self.stream.compress(&mut self.state, core::slice::from_ref(&self.block));
        }
        let (blocks, rest) = data.as_chunks::<64>();
        self.stream.compress(&mut self.state, blocks);
        self.block[..rest.len()].copy_from_slice(rest);
    }

    /// The digest of everything so far.
    pub fn finalize(mut self) -> [u8; 32] {
        let filled = self.filled();
        let mut tail = [[0u8; 64]; 2];
        tail[0][..filled].copy_from_slice(&self.block[..filled]);
        tail[0][filled] = 0x80;
        let count = if filled < 56 { 1 } else { 2 };
        tail[count - 1][56..].copy_from_slice(&self.length.wrapping_mul(8).to_be_bytes());
        self.stream.compress(&mut self.state, &tail[..count]);
        self.state_bytes()
    }

    /// The digest when `rest` ends the message.
    pub(super) fn finalize_with(mut self, rest: &[u8]) -> [u8; 32] {
        self.update(rest);
        self.finalize()
    }

    /// The digest of a message of `length` bytes that is absorbed with the mark of its end, all but the last block,
    /// which is padding.
    pub(super) fn finalize_marked(mut self, length: u64) -> [u8; 32] {
        let mut tail = [0; 64];
        tail[56..].copy_from_slice(&length.wrapping_mul(8).to_be_bytes());
        self.stream.compress(&mut self.state, &[tail]);
        self.state_bytes()
    }

    fn state_bytes(&self) -> [u8; 32] {
        let mut digest = [0u8; 32];
        for (bytes, word) in digest.chunks_exact_mut(4).zip(self.state) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        digest
    }

    fn filled(&self) -> usize {
        (self.length % 64) as usize
    }
}

impl core::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Hasher({}, {} bytes)", self.algorithm().name(), self.length)
    }
}

impl Zeroize for Hasher {
    fn zeroize(&mut self) {
        self.state.zeroize();
        self.block.zeroize();
        self.length.zeroize();
    }
}
