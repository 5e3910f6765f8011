//! SHA-256 (FIPS 180-4) and SM3 (GB/T 32905-2016), and HMAC (RFC 2104) of both: one-shot, streaming, many.
//!
//! Both functions have 64-byte blocks, 32-byte digests and the same padding, so that one streaming type serves
//! both. Lengths are counted in 64 bits, as the standards do. Not here: keyed or truncated variants other than
//! HMAC, and password hashing.
#![doc = "\n---\n"]
#![doc = include_str!("../docs/multibuffer.md")]

mod hasher;
mod hmac;
mod many;
mod sha256;
mod sm3;

pub use hasher::Hasher;
pub use hmac::Hmac;

use crate::consts::{SHA256_IV, SM3_IV};
use crate::cpu::{self, Backend};
use crate::{Error, Result};
#[cfg(target_arch = "x86_64")]
use crate::{
    cpu::{HasAvx2, HasBmi, HasShaNi},
    simd::{Function, avx2, shani},
};

/// A hash function of this crate; both have 64-byte blocks and 32-byte digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// SHA-256 of FIPS 180-4.
    Sha256,
    /// SM3 of GB/T 32905-2016.
    Sm3,
}

impl HashAlgorithm {
    /// `"sha256"` or `"sm3"`.
    pub fn name(self) -> &'static str {
        match self {
            HashAlgorithm::Sha256 => "sha256",
            HashAlgorithm::Sm3 => "sm3",
        }
    }

    /// The algorithm of this name.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for any other name.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "sha256" => Ok(HashAlgorithm::Sha256),
            "sm3" => Ok(HashAlgorithm::Sm3),
            _ => Err(Error::InvalidArgument { field: "hash algorithm", reason: "expected \"sha256\" or \"sm3\"" }),
        }
    }

    /// The 32-byte digest of `data`.
    ///
    /// # Timing
    /// Depends on the length only.
    ///
    /// # Examples
    /// ```
    /// use sealcore::hash::HashAlgorithm;
    /// assert_eq!(HashAlgorithm::Sm3.digest(b"abc")[..4], [0x66, 0xc7, 0xf0, 0xf4]);
    /// ```
    pub fn digest(self, data: &[u8]) -> [u8; 32] {
        let mut hasher = self.hasher();
        hasher.update(data);
        hasher.finalize()
    }

    /// The digest of each message, in order.
    ///
    /// # Inputs
    /// `threads`: at most so many threads, never more than the machine has cores; 0 means every core.
    pub fn digest_many(self, messages: &[&[u8]], threads: usize) -> Vec<[u8; 32]> {
        self.digest_many_with(cpu::hash_backend(), messages, threads)
    }

    /// [`HashAlgorithm::digest_many`] on a backend, for tests and benchmarks.
    #[doc(hidden)]
    pub fn digest_many_with(self, backend: Backend, messages: &[&[u8]], threads: usize) -> Vec<[u8; 32]> {
        let mut digests = vec![[0u8; 32]; messages.len()];
        self.digest_each_with(backend, |i| [&[], messages[i]], &mut digests, threads);
        digests
    }

    /// Writes the digest of message i into `digests[i]`, for all of them.
    ///
    /// # Inputs
    /// `message`: message i in two parts, of which the first is shorter than 64 bytes, and as long in every message.
    /// `threads`: as in [`HashAlgorithm::digest_many`].
    #[doc(hidden)]
    pub fn digest_each_with<'a>(
        self,
        backend: Backend,
        message: impl Fn(usize) -> [&'a [u8]; 2] + Sync + Send,
        digests: &mut [[u8; 32]],
        threads: usize,
    ) {
        many::Batch { algorithm: self, message }.hash(backend, digests, threads);
    }

    /// A streaming digest.
    pub fn hasher(self) -> Hasher {
        Hasher::new(self.stream())
    }

    /// The compression function for one message after the other.
    pub(crate) fn stream(self) -> Stream {
        Stream::new(self, cpu::hash_backend())
    }

    /// HMAC of `data` under `key`, 32 bytes.
    ///
    /// # Inputs
    /// `key`: any length; a key longer than 64 bytes is hashed first.
    ///
    /// # Timing
    /// Depends on the two lengths only. Compare tags in constant time.
    ///
    /// # Source
    /// RFC 2104; for SM3 GM/T 0042-2015.
    pub fn hmac(self, key: &[u8], data: &[u8]) -> [u8; 32] {
        let mut hmac = Hmac::new(self, key);
        hmac.update(data);
        hmac.finalize()
    }
}

/// States that [`Stream::compress_each`] takes side by side, where it can.
pub(crate) const BESIDE: usize = 8;

/// A compression function, and what computes it one message after the other.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Sha256,
    Sm3,
    #[cfg(target_arch = "x86_64")]
    Sha256Ni(HasShaNi),
    #[cfg(target_arch = "x86_64")]
    Sm3Avx2(HasBmi),
}

impl Stream {
    fn new(algorithm: HashAlgorithm, backend: Backend) -> Self {
        #[cfg(not(target_arch = "x86_64"))]
        let _ = backend;
        #[cfg(target_arch = "x86_64")]
        if backend >= Backend::Avx2 {
            let found = match algorithm {
                HashAlgorithm::Sha256 => HasShaNi::detect().map(Stream::Sha256Ni),
                HashAlgorithm::Sm3 => HasBmi::detect().map(Stream::Sm3Avx2),
            };
            if let Some(stream) = found {
                return stream;
            }
        }
        match algorithm {
            HashAlgorithm::Sha256 => Stream::Sha256,
            HashAlgorithm::Sm3 => Stream::Sm3,
        }
    }

    fn algorithm(self) -> HashAlgorithm {
        match self {
            Stream::Sha256 => HashAlgorithm::Sha256,
            Stream::Sm3 => HashAlgorithm::Sm3,
            #[cfg(target_arch = "x86_64")]
            Stream::Sha256Ni(_) => HashAlgorithm::Sha256,
            #[cfg(target_arch = "x86_64")]
            Stream::Sm3Avx2(_) => HashAlgorithm::Sm3,
        }
    }

    /// The initial value.
    pub(crate) fn initial(self) -> [u32; 8] {
        match self.algorithm() {
            HashAlgorithm::Sha256 => SHA256_IV,
            HashAlgorithm::Sm3 => SM3_IV,
        }
    }

    /// Feeds whole blocks to the compression function.
    pub(crate) fn compress(self, state: &mut [u32; 8], blocks: &[[u8; 64]]) {
        match self {
            Stream::Sha256 => sha256::compress(state, blocks),
            Stream::Sm3 => sm3::compress(state, blocks),
            #[cfg(target_arch = "x86_64")]
            Stream::Sha256Ni(token) => shani::compress(token, state, blocks),
            #[cfg(target_arch = "x86_64")]
            Stream::Sm3Avx2(token) => avx2::sm3(token, state, blocks),
        }
    }

    /// Feeds each state its own whole blocks, as many to one as to another: [`BESIDE`] of them side by side where the
    /// backend has lanes that are faster than the stream. Constant time.
    pub(crate) fn compress_each<const L: usize>(
        self,
        backend: Backend,
        states: &mut [[u32; 8]; L],
        blocks: [&[[u8; 64]]; L],
    ) {
        #[cfg(target_arch = "x86_64")]
        if self.algorithm() == HashAlgorithm::Sm3
            && backend >= Backend::Avx2
            && let (Ok(states), Ok(blocks)) = (states.as_mut_slice().try_into(), blocks.as_slice().try_into())
            && let Some(token) = HasAvx2::detect()
        {
            const { assert!(BESIDE == avx2::GROUP) };
            let blocks: &[_; BESIDE] = blocks;
            return avx2::compress(token, Function::Sm3, states, *blocks);
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = backend;
        for (state, blocks) in states.iter_mut().zip(blocks) {
            self.compress(state, blocks);
        }
    }
}

/// SHA-256 of `data`.
///
/// # Examples
/// ```
/// assert_eq!(sealcore::hash::sha256(b"abc")[..4], [0xba, 0x78, 0x16, 0xbf]);
/// ```
pub fn sha256(data: &[u8]) -> [u8; 32] {
    HashAlgorithm::Sha256.digest(data)
}

/// SM3 of `data`.
///
/// # Examples
/// ```
/// assert_eq!(sealcore::hash::sm3(b"abc")[..4], [0x66, 0xc7, 0xf0, 0xf4]);
/// ```
pub fn sm3(data: &[u8]) -> [u8; 32] {
    HashAlgorithm::Sm3.digest(data)
}
