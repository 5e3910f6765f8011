//! Nonces: RFC 6979 with added randomness (its section 3.6), for ECDSA and for SM2.

use crate::cpu::Backend;
use crate::hash::{HashAlgorithm, Stream};
use core::cell::RefCell;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes of a hedge. With up to 22 of them HMAC reads one block less, twice a signature, than with 32.
pub(super) const HEDGE: usize = 16;

/// Random bytes to hedge a signature with, or nothing.
pub(super) struct Hedge(Option<Zeroizing<[u8; HEDGE]>>);

impl Hedge {
    /// Fresh random bytes.
    ///
    /// When the operating system's random source fails there are none, and the nonce is the plain deterministic
    /// one of RFC 6979, which needs no randomness to be safe: a signature is never refused for it.
    pub(super) fn random() -> Self {
        // The thread may be ending, and its memory gone.
        Hedge(AHEAD.try_with(|ahead| ahead.borrow_mut().take()).unwrap_or_default())
    }

    /// These bytes.
    pub(super) fn fixed(bytes: &[u8; HEDGE]) -> Self {
        Hedge(Some(Zeroizing::new(*bytes)))
    }

    /// The deterministic nonce of RFC 6979.
    pub(super) fn none() -> Self {
        Hedge(None)
    }

    /// Bytes for each of `count` signatures: a random number, drawn once, plus the index. As [`Hedge::random`] when the
    /// random source fails.
    pub(super) fn series(count: usize) -> Vec<Self> {
        let first = Hedge::random().0.map(|bytes| Zeroizing::new(u128::from_be_bytes(*bytes)));
        let hedge = |index| first.as_ref().map(|first| Zeroizing::new(first.wrapping_add(index).to_be_bytes()));
        (0..count as u128).map(|index| Hedge(hedge(index))).collect()
    }

    /// The bytes, if there are any.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code))]
    pub(super) fn fixed_bytes(&self) -> Option<&[u8; HEDGE]> {
        self.0.as_deref()
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |bytes| bytes.as_slice())
    }
}

/// Random bytes drawn ahead, because a system call takes longer than two additions of points.
///
/// A forked child inherits them. Nothing follows from that: nonces come from the key and the digest too, and where all
/// three are the same, the signature is.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Ahead {
    bytes: [u8; 32 * HEDGE],
    left: usize,
}

thread_local! {
    static AHEAD: RefCell<Ahead> = const { RefCell::new(Ahead { bytes: [0; 32 * HEDGE], left: 0 }) };
}

impl Ahead {
    /// The next bytes, which are forgotten here; or nothing when the random source fails.
    fn take(&mut self) -> Option<Zeroizing<[u8; HEDGE]>> {
        if self.left == 0 {
            getrandom::fill(&mut self.bytes).ok()?;
            self.left = self.bytes.len();
        }
        let (_, next) = self.bytes[..self.left].split_last_chunk_mut::<HEDGE>()?;
        let taken = Zeroizing::new(*next);
        next.zeroize();
        self.left -= HEDGE;
        Some(taken)
    }
}

type State = [u32; 8];
type Block = [u8; 64];

/// V at the beginning.
const VALUE: [u8; 32] = [1; 32];

/// What the generator of candidates takes from the key alone: HMAC with K = 0 has read the block V || 0x00 || d, but for
/// the last byte of d (step d of RFC 6979, 3.2). Computed once a key, it saves three compressions of eighteen a
/// signature.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Seed {
    pub(super) inner: State,
    pub(super) outer: State,
}

impl Seed {
    /// `d`: the private key, 32 bytes big-endian.
    pub(super) fn new(hash: HashAlgorithm, d: &[u8; 32]) -> Self {
        let keyed = Keyed::new((hash.stream(), Backend::Scalar), &[[0; 32]]);
        let mut seed = Seed { inner: keyed.inner[0], outer: keyed.outer[0] };
        let mut message = Message::new(0, &[d]);
        message.set_value(&VALUE);
        hash.stream().compress(&mut seed.inner, &message.blocks[..1]);
        seed
    }
}

/// The generators of candidates for the k of L signatures: HMAC_DRBG seeded with the key, the digest and the hedge.
///
/// # Source
/// RFC 6979, 3.2 (steps b to h) and 3.6. For SM2 the digest is e, the hash SM3.
pub(super) struct Candidates<const L: usize> {
    /// HMAC under the K of now.
    hmac: Keyed<L>,
    value: Zeroizing<[[u8; 32]; L]>,
}

impl<const L: usize> Candidates<L> {
    /// `d`: the private key, from which `seed` is made; `digests`: mod n (bits2octets); both 32 bytes big-endian. All
    /// are hedged, or none.
    pub(super) fn new(
        (hash, backend): (HashAlgorithm, Backend),
        seed: &Seed,
        d: &[u8; 32],
        digests: &[[u8; 32]; L],
        hedges: [&Hedge; L],
    ) -> Self {
        let with = (hash.stream(), backend);
        let mut messages: [Message; L] =
            core::array::from_fn(|i| Message::new(0, &[d, &digests[i], hedges[i].bytes()]));
        let first = Keyed { with, inner: [seed.inner; L], outer: [seed.outer; L] };
        // The first block is in the seed.
        let keys = first.tags(messages.each_ref().map(|message| &message.blocks[1..message.count]));
        let mut state = Candidates { hmac: Keyed::new(with, &keys), value: Zeroizing::new([VALUE; L]) };
        state.step();
        messages.iter_mut().for_each(|message| message.blocks[0][32] = 1);
        state.update(messages);
        state
    }

    /// The next candidates, uniform in 0..2^256.
    pub(super) fn draw(&mut self) -> Zeroizing<[[u8; 32]; L]> {
        self.step();
        self.value.clone()
    }

    /// After candidates that were not taken (step h.3).
    pub(super) fn reject(&mut self) {
        self.update(core::array::from_fn(|_| Message::new(0, &[])));
    }

    /// K = HMAC_K(V || message), V = HMAC_K(V).
    fn update(&mut self, mut messages: [Message; L]) {
        messages.iter_mut().zip(&*self.value).for_each(|(message, value)| message.set_value(value));
        let keys = self.hmac.tags(messages.each_ref().map(|message| &message.blocks[..message.count]));
        self.hmac = Keyed::new(self.hmac.with, &keys);
        self.step();
    }

    fn step(&mut self) {
        let blocks = Zeroizing::new(self.value.each_ref().map(ending));
        self.value = self.hmac.tags(blocks.each_ref().map(core::slice::from_ref));
    }
}

/// What HMAC reads behind its key block: V, a separator, data, and the padding.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Message {
    blocks: [Block; 2],
    count: usize,
}

impl Message {
    /// With room for V. Bound: at most 86 bytes of data.
    fn new(separator: u8, data: &[&[u8]]) -> Self {
        let mut message = Message { blocks: [[0; 64]; 2], count: 0 };
        let bytes = message.blocks.as_flattened_mut();
        bytes[32] = separator;
        let mut end = 33;
        for part in data {
            bytes[end..end + part.len()].copy_from_slice(part);
            end += part.len();
        }
        bytes[end] = 0x80;
        let count = (end + 9).div_ceil(64);
        bytes[64 * count - 8..64 * count].copy_from_slice(&((64 + end as u64) * 8).to_be_bytes());
        message.count = count;
        message
    }

    fn set_value(&mut self, value: &[u8; 32]) {
        self.blocks[0][..32].copy_from_slice(value);
    }
}

/// The block that ends a message of 64 + 32 bytes.
fn ending(bytes: &[u8; 32]) -> Block {
    let mut block = [0; 64];
    block[..32].copy_from_slice(bytes);
    block[32] = 0x80;
    block[62..].copy_from_slice(&(96 * 8_u16).to_be_bytes());
    block
}

/// HMAC of L messages, each with its key absorbed into both hash states.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Keyed<const L: usize> {
    #[zeroize(skip)]
    with: (Stream, Backend),
    inner: [State; L],
    outer: [State; L],
}

impl<const L: usize> Keyed<L> {
    fn new(with: (Stream, Backend), keys: &[[u8; 32]; L]) -> Self {
        let (stream, backend) = with;
        let mut keyed = Keyed { with, inner: [stream.initial(); L], outer: [stream.initial(); L] };
        let mut pads = Zeroizing::new([[0x36; 64]; L]);
        for (pad, key) in pads.iter_mut().zip(keys) {
            pad.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        }
        stream.compress_each(backend, &mut keyed.inner, pads.each_ref().map(core::slice::from_ref));
        pads.as_flattened_mut().iter_mut().for_each(|byte| *byte ^= 0x36 ^ 0x5c);
        stream.compress_each(backend, &mut keyed.outer, pads.each_ref().map(core::slice::from_ref));
        keyed
    }

    /// The tags of messages that end with these blocks, padding included, as many of one as of another.
    fn tags(&self, blocks: [&[Block]; L]) -> Zeroizing<[[u8; 32]; L]> {
        let (stream, backend) = self.with;
        let (mut inner, mut outer) = (Zeroizing::new(self.inner), Zeroizing::new(self.outer));
        stream.compress_each(backend, &mut inner, blocks);
        let last = Zeroizing::new(inner.each_ref().map(|state| ending(&to_bytes(state))));
        stream.compress_each(backend, &mut outer, last.each_ref().map(core::slice::from_ref));
        Zeroizing::new(outer.each_ref().map(to_bytes))
    }
}

fn to_bytes(state: &State) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (bytes, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    bytes
}
