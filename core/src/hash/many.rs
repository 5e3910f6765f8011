//! Many digests: messages lie side by side in the lanes of a vector, ordered by their number of blocks, so that
//! those which are hashed together end together.

use super::{HashAlgorithm, Hasher, Stream};
use crate::cpu::{self, Backend};
#[cfg(target_arch = "x86_64")]
use crate::{
    cpu::{HasAvx2, HasAvx512},
    simd::{self, Function},
};
use core::cmp::Reverse;

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
            let space = chunk.len().min(BATCH);
            let mut sorter = Sorter {
                messages: Vec::with_capacity(space),
                buckets: [0; BATCH],
                sorted: Vec::new(),
                order: [0; BATCH],
                digests: Vec::new(),
            };
            for batch in chunk.chunks_mut(BATCH) {
                sorter.hash(lanes, (start..start + batch.len()).map(&self.message), batch);
                start += batch.len();
            }
        });
    }
}

/// A batch and its order; the space is kept from one batch to the next.
struct Sorter<'a> {
    messages: Vec<[&'a [u8]; 2]>,
    buckets: [u8; BATCH],
    sorted: Vec<[&'a [u8]; 2]>,
    /// Where the sorted messages stood.
    order: [u16; BATCH],
    digests: Vec<[u8; 32]>,
}

/// Buckets of the counting sort. Longer messages share the first one: there comparing costs nothing beside hashing.
const BUCKETS: usize = 256;

impl<'a> Sorter<'a> {
    /// Bound: as many messages as `digests`, at most `BATCH`.
    fn hash(&mut self, lanes: Lanes, messages: impl Iterator<Item = [&'a [u8]; 2]>, digests: &mut [[u8; 32]]) {
        let (mut shortest, mut longest, mut different, mut first) = (usize::MAX, 0, 0, None);
        self.messages.clear();
        self.messages.extend(messages.zip(&mut self.buckets).map(|(message, bucket)| {
            let length = length(message);
            different |= message[0].len() ^ *first.get_or_insert(message[0].len());
            (shortest, longest) = (shortest.min(length), longest.max(length));
            *bucket = (BUCKETS - blocks(length).min(BUCKETS)) as u8;
            message
        }));
        assert!(different == 0, "the first parts are of one length");
        if longest as u64 > LONGEST {
            return lanes.one_by_one(&self.messages, digests);
        }
        let count = self.messages.len();
        if count < lanes.least || blocks(shortest) == blocks(longest) {
            return lanes.digests(&self.messages, digests);
        }
        let buckets = &self.buckets[..count];
        let mut ends = [0u32; BUCKETS];
        buckets.iter().for_each(|bucket| ends[usize::from(*bucket)] += 1);
        let long = ends[0] as usize;
        for k in 1..BUCKETS {
            ends[k] += ends[k - 1];
        }
        self.sorted.resize(count, [&[]; 2]);
        let (sorted, order) = (&mut self.sorted[..count], &mut self.order[..count]);
        // From the last one on, so that messages of as many blocks stay in their order.
        for (i, (bucket, message)) in buckets.iter().zip(&self.messages).enumerate().rev() {
            ends[usize::from(*bucket)] -= 1;
            let place = ends[usize::from(*bucket)] as usize;
            order[place] = i as u16;
            sorted[place] = *message;
        }
        if long > 1 {
            let order = &mut self.order[..long];
            order.sort_unstable_by_key(|i| Reverse(length(self.messages[usize::from(*i)])));
            for (message, i) in self.sorted.iter_mut().zip(order) {
                *message = self.messages[usize::from(*i)];
            }
        }
        self.digests.resize(count, [0; 32]);
        lanes.digests(&self.sorted, &mut self.digests);
        for (digest, i) in self.digests.iter().zip(&self.order) {
            digests[usize::from(*i)] = *digest;
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

/// What hashes several messages at once, and what hashes those that are left.
#[derive(Clone, Copy)]
struct Lanes {
    kernel: Kernel,
    /// Messages that the kernel hashes together.
    group: usize,
    /// Messages that it needs to be faster than the stream.
    least: usize,
    stream: Stream,
}

#[derive(Clone, Copy)]
enum Kernel {
    /// The stream does everything.
    None,
    #[cfg(target_arch = "x86_64")]
    Avx2(HasAvx2, Function),
    #[cfg(target_arch = "x86_64")]
    Avx512(HasAvx512, Function),
}

impl Lanes {
    fn new(algorithm: HashAlgorithm, backend: Backend) -> Self {
        let stream = Stream::new(algorithm, backend);
        #[cfg(target_arch = "x86_64")]
        {
            let function = match algorithm {
                HashAlgorithm::Sha256 => Function::Sha256,
                HashAlgorithm::Sm3 => Function::Sm3,
            };
            // The SHA instructions hash as fast as so many lanes.
            let fast = matches!(stream, Stream::Sha256Ni(_));
            if backend >= Backend::Avx512
                && let Some(token) = HasAvx512::detect()
            {
                let least = if fast { 8 } else { 2 };
                return Lanes { kernel: Kernel::Avx512(token, function), group: simd::avx512::GROUP, least, stream };
            }
            if backend >= Backend::Avx2
                && !fast
                && let Some(token) = HasAvx2::detect()
            {
                return Lanes { kernel: Kernel::Avx2(token, function), group: simd::avx2::GROUP, least: 3, stream };
            }
        }
        Lanes { kernel: Kernel::None, group: usize::MAX, least: usize::MAX, stream }
    }

    /// `messages` in descending order of their blocks, if there are `least` of them.
    fn digests(self, messages: &[[&[u8]; 2]], digests: &mut [[u8; 32]]) {
        // A last group that does not pay for the kernel is left to the stream.
        let rest = messages.len() % self.group;
        let in_lanes = if rest < self.least { messages.len() - rest } else { messages.len() };
        let (messages, few) = messages.split_at(in_lanes);
        let (digests, few_digests) = digests.split_at_mut(in_lanes);
        match self.kernel {
            Kernel::None => {}
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2(token, function) => simd::avx2::digests(token, function, messages, self.least, digests),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512(token, function) => simd::avx512::digests(token, function, messages, self.least, digests),
        }
        self.finish(messages, digests);
        match self.stream {
            #[cfg(target_arch = "x86_64")]
            Stream::Sha256Ni(token) => simd::shani::digests(token, few, few_digests),
            _ => self.one_by_one(few, few_digests),
        }
    }

    /// What is longer than its lanes ran is finished alone.
    fn finish(self, messages: &[[&[u8]; 2]], digests: &mut [[u8; 32]]) {
        for (messages, digests) in messages.chunks(self.group).zip(digests.chunks_mut(self.group)) {
            let end = blocks(length(messages[self.least.min(messages.len()) - 1]));
            for (message, digest) in messages.iter().zip(digests) {
                if blocks(length(*message)) == end {
                    break;
                }
                let absorbed = 64 * end;
                let hasher = Hasher::resume(self.stream, digest, absorbed as u64);
                let [head, body] = message;
                *digest = match body.get(absorbed - head.len()..) {
                    Some(rest) => hasher.finalize_with(rest),
                    None => hasher.finalize_marked(length(*message) as u64),
                };
            }
        }
    }

    fn one_by_one(self, messages: &[[&[u8]; 2]], digests: &mut [[u8; 32]]) {
        for (message, digest) in messages.iter().zip(digests) {
            let mut hasher = Hasher::new(self.stream);
            message.iter().for_each(|part| hasher.update(part));
            *digest = hasher.finalize();
        }
    }
}
