//! SHA-256 (FIPS 180-4) and SM3 (GB/T 32905-2016), and HMAC (RFC 2104) of both: one-shot, streaming, many.
#![allow(unused_variables, clippy::unimplemented, missing_docs)]

/// A hash function of this crate; both have 64-byte blocks and 32-byte digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    Sha256,
    Sm3,
}

impl HashAlgorithm {
    /// `"sha256"` or `"sm3"`.
    pub fn name(self) -> &'static str {
        match self { HashAlgorithm::Sha256 => "sha256", HashAlgorithm::Sm3 => "sm3" }
    }
    pub fn from_name(name: &str) -> crate::Result<Self> { unimplemented!() }
    pub fn digest(self, data: &[u8]) -> [u8; 32] { unimplemented!() }
    /// `threads` 0 means every core.
    pub fn digest_many(self, messages: &[&[u8]], threads: usize) -> Vec<[u8; 32]> { unimplemented!() }
    pub fn hasher(self) -> Hasher { unimplemented!() }
    pub fn hmac(self, key: &[u8], data: &[u8]) -> [u8; 32] { unimplemented!() }
}

pub fn sha256(data: &[u8]) -> [u8; 32] { unimplemented!() }
pub fn sm3(data: &[u8]) -> [u8; 32] { unimplemented!() }

/// Streaming digest.
#[derive(Clone)]
pub struct Hasher {}

impl Hasher {
    pub fn update(&mut self, data: &[u8]) { unimplemented!() }
    pub fn finalize(self) -> [u8; 32] { unimplemented!() }
}

/// Streaming HMAC; the key is zeroized on drop.
#[derive(Clone)]
pub struct Hmac {}

impl Hmac {
    pub fn new(algorithm: HashAlgorithm, key: &[u8]) -> Self { unimplemented!() }
    pub fn update(&mut self, data: &[u8]) { unimplemented!() }
    pub fn finalize(self) -> [u8; 32] { unimplemented!() }
}
