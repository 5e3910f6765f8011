//! Many digests: messages lie side by side in the lanes of a vector, ordered by their number of blocks, so that
//! those which are hashed together end together.

use super::{HashAlgorithm, Hasher};
use crate::cpu::{self, Backend};
#[cfg(target_arch = "x86_64")]
use crate::{cpu::HasAvx512, simd};

/// Messages that are ordered together: what they bring fits into the second cache, and the spread of lengths inside
/// a group of lanes is small.
const BATCH: usize = 512;
/// Bytes, padding included, that are worth a second thread.
const GRAIN: usize = 128 * 1024;
/// Bytes of a message that lanes count in 32-bit blocks; longer ones are streams anyway.
const LONGEST: u64 = 1 << 36;

/// Messages to hash.
pub(super) struct Batch<M> {
    pub(super) algorithm: HashAlgorithm,
    /// Message i in two parts. The first is shorter than a block, and as long in every message.
    pub(super) message: M,
}

impl<'a, M: Fn(usize) -> [&'a [u8]; 2] + Sync + Send> Batch<M> {
    /// Writes the digest of message i into `digests[i]`, for all of them, on at most `threads` threads (0: every core).
    pub(super) fn hash(&self, backend: Backend, digests: &mut [[u8; 32]], threads: usize) {
        let lanes = Lanes::new(self.algorithm, backend);
        let grain = match threads {
            1 => digests.len(),
            _ => {
                let bytes: usize = (0..digests.len()).map(|i| length((self.message)(i)) + 64).sum();
                (digests.len() * GRAIN / bytes.max(1)).max(1)
            }
        };
        cpu::fill_chunks(digests, threads, grain, |mut start, chunk| {
            for batch in chunk.chunks_mut(BATCH) {
                match lanes {
                    Some(lanes) if batch.len() >= lanes.least => self.in_lanes(lanes, start, batch),
                    _ => self.one_by_one(start, batch),
                }
                start += batch.len();
            }
        });
    }

    fn one_by_one(&self, start: usize, digests: &mut [[u8; 32]]) {
        for (i, digest) in digests.iter_mut().enumerate() {
            let mut hasher = self.algorithm.hasher();
            (self.message)(start + i).iter().for_each(|part| hasher.update(part));
            *digest = hasher.finalize();
        }
    }

    /// Bound: at most `BATCH` digests.
    fn in_lanes(&self, lanes: Lanes, start: usize, digests: &mut [[u8; 32]]) {
        let mut messages = [[&[][..]; 2]; BATCH];
        let messages = &mut messages[..digests.len()];
        let (mut shortest, mut longest) = (usize::MAX, 0);
        for (i, message) in messages.iter_mut().enumerate() {
            *message = (self.message)(start + i);
            shortest = shortest.min(length(*message));
            longest = longest.max(length(*message));
        }
        if longest as u64 > LONGEST {
            return self.one_by_one(start, digests);
        }
        if blocks(shortest) == blocks(longest) {
            return self.ordered(lanes, messages, digests);
        }
        let mut order = [0; BATCH];
        let order = &mut order[..digests.len()];
        sort(order, |i| blocks(length(messages[i])));
        for (message, i) in messages.iter_mut().zip(&*order) {
            *message = (self.message)(start + usize::from(*i));
        }
        let mut ordered = [[0; 32]; BATCH];
        let ordered = &mut ordered[..digests.len()];
        self.ordered(lanes, messages, ordered);
        for (digest, i) in ordered.iter().zip(&*order) {
            digests[usize::from(*i)] = *digest;
        }
    }

    /// `messages` in descending order of their blocks.
    fn ordered(&self, lanes: Lanes, messages: &[[&[u8]; 2]], digests: &mut [[u8; 32]]) {
        lanes.digests(self.algorithm, messages, digests);
        // What is longer than the lanes ran is finished alone.
        for (messages, digests) in messages.chunks(lanes.group).zip(digests.chunks_mut(lanes.group)) {
            let end = blocks(length(messages[lanes.least.min(messages.len()) - 1]));
            for (message, digest) in messages.iter().zip(digests) {
                if blocks(length(*message)) == end {
                    break;
                }
                let absorbed = 64 * end;
                let hasher = Hasher::resume(self.algorithm, digest, absorbed as u64);
                let [head, body] = message;
                *digest = match body.get(absorbed - head.len()..) {
                    Some(rest) => hasher.finalize_with(rest),
                    None => hasher.finalize_marked(length(*message) as u64),
                };
            }
        }
    }
}

fn length([head, body]: [&[u8]; 2]) -> usize {
    head.len() + body.len()
}

/// Blocks of a message of this length, padding included.
fn blocks(length: usize) -> usize {
    (length + 8) / 64 + 1
}

/// Sorts the indices of `order` by their numbers of blocks, descending.
fn sort(order: &mut [u16], blocks: impl Fn(usize) -> usize) {
    /// From so many blocks on, comparing costs nothing beside hashing.
    const BUCKETS: usize = 256;
    let bucket = |i: usize| BUCKETS - blocks(i).min(BUCKETS);
    let mut starts = [0u16; BUCKETS + 1];
    for i in 0..order.len() {
        starts[bucket(i) + 1] += 1;
    }
    for k in 1..=BUCKETS {
        starts[k] += starts[k - 1];
    }
    let long = usize::from(starts[1]);
    for i in 0..order.len() {
        let place = &mut starts[bucket(i)];
        order[usize::from(*place)] = i as u16;
        *place += 1;
    }
    order[..long].sort_unstable_by_key(|&i| core::cmp::Reverse(blocks(usize::from(i))));
}

/// What hashes several messages at once.
#[derive(Clone, Copy)]
struct Lanes {
    /// Messages that are hashed together.
    group: usize,
    /// Messages that a group needs to be faster than one message after the other.
    least: usize,
    kernel: Kernel,
}

#[derive(Clone, Copy)]
enum Kernel {
    #[cfg(target_arch = "x86_64")]
    Avx512(HasAvx512),
}

impl Lanes {
    fn new(_: HashAlgorithm, backend: Backend) -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if backend >= Backend::Avx512
            && let Some(token) = HasAvx512::detect()
        {
            return Some(Lanes { group: simd::avx512::GROUP, least: 2, kernel: Kernel::Avx512(token) });
        }
        None
    }

    fn digests(self, algorithm: HashAlgorithm, messages: &[[&[u8]; 2]], digests: &mut [[u8; 32]]) {
        match self.kernel {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512(token) => {
                simd::avx512::digests(token, algorithm.function(), messages, self.least, digests);
            }
        }
    }
}
