//! Nonces: RFC 6979 with added randomness (its section 3.6), for ECDSA and for SM2.

use crate::hash::{HashAlgorithm, Hmac};
use zeroize::Zeroizing;

/// 32 random bytes to hedge a signature with, or nothing.
pub(super) struct Hedge(Option<Zeroizing<[u8; 32]>>);

impl Hedge {
    /// Fresh random bytes.
    ///
    /// When the operating system's random source fails there are none, and the nonce is the plain deterministic
    /// one of RFC 6979, which needs no randomness to be safe: a signature is never refused for it.
    pub(super) fn random() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        Hedge(getrandom::fill(bytes.as_mut()).is_ok().then_some(bytes))
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

/// What the generator of candidates takes from the key alone: HMAC with K = 0 has read V || 0x00 || d (step d of
/// RFC 6979, 3.2). Computed once a key, it saves three compressions of twenty a signature.
#[derive(Clone)]
pub(super) struct Seed(Hmac);

impl Seed {
    /// `d`: the private key, 32 bytes big-endian.
    pub(super) fn new(hash: HashAlgorithm, d: &[u8; 32]) -> Self {
        let mut hmac = Hmac::new(hash, &[0; 32]);
        hmac.update(&VALUE);
        hmac.update(&[0]);
        hmac.update(d);
        Seed(hmac)
    }

    /// The states of the inner and the outer hash; the inner one has not read the last byte of d yet.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn states(&self) -> [Zeroizing<[u32; 8]>; 2] {
        self.0.states()
    }
}

/// V at the beginning.
const VALUE: [u8; 32] = [1; 32];

/// The generator of candidates for k: HMAC_DRBG seeded with the key, the digest and the hedge.
///
/// # Source
/// RFC 6979, 3.2 (steps b to h) and 3.6. For SM2 the digest is e, the hash SM3.
pub(super) struct Candidates {
    hash: HashAlgorithm,
    /// HMAC under the K of now, which has read nothing.
    hmac: Hmac,
    value: Zeroizing<[u8; 32]>,
}

impl Candidates {
    /// `d`: the private key, from which `seed` is made; `digest`: mod n (bits2octets); both 32 bytes big-endian.
    pub(super) fn new(hash: HashAlgorithm, seed: &Seed, d: &[u8; 32], digest: &[u8; 32], hedge: &Hedge) -> Self {
        let mut first = seed.0.clone();
        first.update(digest);
        first.update(hedge.bytes());
        let mut state = Candidates { hash, hmac: keyed(hash, first), value: Zeroizing::new(VALUE) };
        state.step();
        state.update(1, &[d, digest, hedge.bytes()]);
        state
    }

    /// The next candidate, uniform in 0..2^256.
    pub(super) fn draw(&mut self) -> Zeroizing<[u8; 32]> {
        self.step();
        self.value.clone()
    }

    /// After a candidate that was not taken (step h.3).
    pub(super) fn reject(&mut self) {
        self.update(0, &[]);
    }

    /// K = HMAC_K(V || separator || data), V = HMAC_K(V).
    fn update(&mut self, separator: u8, data: &[&[u8]]) {
        let mut hmac = self.hmac.clone();
        hmac.update(self.value.as_ref());
        hmac.update(&[separator]);
        data.iter().for_each(|part| hmac.update(part));
        self.hmac = keyed(self.hash, hmac);
        self.step();
    }

    fn step(&mut self) {
        let mut hmac = self.hmac.clone();
        hmac.update(self.value.as_ref());
        *self.value = hmac.finalize();
    }
}

/// HMAC under the tag of another.
fn keyed(hash: HashAlgorithm, tag: Hmac) -> Hmac {
    Hmac::new(hash, Zeroizing::new(tag.finalize()).as_ref())
}
