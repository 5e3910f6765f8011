//! Nonces: RFC 6979 with added randomness (its section 3.6), for ECDSA and for SM2.

use crate::hash::{HashAlgorithm, Stream};
use core::cell::RefCell;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// 32 random bytes to hedge a signature with, or nothing.
pub(super) struct Hedge(Option<Zeroizing<[u8; 32]>>);

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
    pub(super) fn fixed(bytes: &[u8; 32]) -> Self {
        Hedge(Some(Zeroizing::new(*bytes)))
    }

    /// The deterministic nonce of RFC 6979.
    pub(super) fn none() -> Self {
        Hedge(None)
    }

    /// Bytes for each of `count` signatures: 24 random ones, drawn once, and the index. As [`Hedge::random`] when the
    /// random source fails.
    pub(super) fn series(count: usize) -> Vec<Self> {
        let seed = Hedge::random();
        (0..count as u64)
            .map(|index| {
                Hedge(seed.0.as_ref().map(|seed| {
                    let mut bytes = seed.clone();
                    bytes[24..].copy_from_slice(&index.to_be_bytes());
                    bytes
                }))
            })
            .collect()
    }

    /// The bytes, if there are any.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code))]
    pub(super) fn fixed_bytes(&self) -> Option<&[u8; 32]> {
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
    bytes: [u8; 512],
    left: usize,
}

thread_local! {
    static AHEAD: RefCell<Ahead> = const { RefCell::new(Ahead { bytes: [0; 512], left: 0 }) };
}

impl Ahead {
    /// The next 32 bytes, which are forgotten here; or nothing when the random source fails.
    fn take(&mut self) -> Option<Zeroizing<[u8; 32]>> {
        if self.left == 0 {
            getrandom::fill(&mut self.bytes).ok()?;
            self.left = self.bytes.len();
        }
        let (_, next) = self.bytes[..self.left].split_last_chunk_mut::<32>()?;
        let taken = Zeroizing::new(*next);
        next.zeroize();
        self.left -= 32;
        Some(taken)
    }
}

type State = [u32; 8];
type Block = [u8; 64];

/// V at the beginning.
const VALUE: [u8; 32] = [1; 32];

/// What the generator of candidates takes from the key alone: HMAC with K = 0 has read the block V || 0x00 || d, but for
/// the last byte of d (step d of RFC 6979, 3.2). Computed once a key, it saves three compressions of twenty a
/// signature.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Seed {
    pub(super) inner: State,
    pub(super) outer: State,
}

impl Seed {
    /// `d`: the private key, 32 bytes big-endian.
    pub(super) fn new(hash: HashAlgorithm, d: &[u8; 32]) -> Self {
        let keyed = Keyed::new(hash.stream(), &[0; 32]);
        let mut seed = Seed { inner: keyed.inner, outer: keyed.outer };
        let mut message = Message::new(0, &[d]);
        message.set_value(&VALUE);
        keyed.stream.compress(&mut seed.inner, &message.blocks[..1]);
        seed
    }
}

/// The generator of candidates for k: HMAC_DRBG seeded with the key, the digest and the hedge.
///
/// # Source
/// RFC 6979, 3.2 (steps b to h) and 3.6. For SM2 the digest is e, the hash SM3.
pub(super) struct Candidates {
    /// HMAC under the K of now.
    hmac: Keyed,
    value: Zeroizing<[u8; 32]>,
}

impl Candidates {
    /// `d`: the private key, from which `seed` is made; `digest`: mod n (bits2octets); both 32 bytes big-endian.
    pub(super) fn new(hash: HashAlgorithm, seed: &Seed, d: &[u8; 32], digest: &[u8; 32], hedge: &Hedge) -> Self {
        let stream = hash.stream();
        let mut message = Message::new(0, &[d, digest, hedge.bytes()]);
        let first = Keyed { stream, inner: seed.inner, outer: seed.outer };
        // The first block is in the seed.
        let key = first.tag(&message.blocks[1..message.count]);
        let mut state = Candidates { hmac: Keyed::new(stream, &key), value: Zeroizing::new(VALUE) };
        state.step();
        message.blocks[0][32] = 1;
        state.update(message);
        state
    }

    /// The next candidate, uniform in 0..2^256.
    pub(super) fn draw(&mut self) -> Zeroizing<[u8; 32]> {
        self.step();
        self.value.clone()
    }

    /// After a candidate that was not taken (step h.3).
    pub(super) fn reject(&mut self) {
        self.update(Message::new(0, &[]));
    }

    /// K = HMAC_K(V || message), V = HMAC_K(V).
    fn update(&mut self, mut message: Message) {
        message.set_value(&self.value);
        self.hmac = Keyed::new(self.hmac.stream, &self.hmac.tag(&message.blocks[..message.count]));
        self.step();
    }

    fn step(&mut self) {
        self.value = self.hmac.tag(&[ending(&self.value)]);
    }
}

/// What HMAC reads behind its key block: V, a separator, data, and the padding.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Message {
    blocks: [Block; 3],
    count: usize,
}

impl Message {
    /// With room for V. Bound: at most 96 bytes of data.
    fn new(separator: u8, data: &[&[u8]]) -> Self {
        let mut message = Message { blocks: [[0; 64]; 3], count: 0 };
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

/// HMAC with its key absorbed into both hash states.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Keyed {
    #[zeroize(skip)]
    stream: Stream,
    inner: State,
    outer: State,
}

impl Keyed {
    fn new(stream: Stream, key: &[u8; 32]) -> Self {
        let mut keyed = Keyed { stream, inner: stream.initial(), outer: stream.initial() };
        let mut pad = Zeroizing::new([0x36; 64]);
        pad.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        stream.compress(&mut keyed.inner, core::slice::from_ref(&pad));
        pad.iter_mut().for_each(|byte| *byte ^= 0x36 ^ 0x5c);
        stream.compress(&mut keyed.outer, core::slice::from_ref(&pad));
        keyed
    }

    /// The tag of a message that ends with these blocks, padding included.
    fn tag(&self, blocks: &[Block]) -> Zeroizing<[u8; 32]> {
        let (mut inner, mut outer) = (self.inner, self.outer);
        self.stream.compress(&mut inner, blocks);
        self.stream.compress(&mut outer, &[ending(&to_bytes(&inner))]);
        Zeroizing::new(to_bytes(&outer))
    }
}

fn to_bytes(state: &State) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (bytes, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    bytes
}
