//! ECDSA over P-256 with SHA-256 (FIPS 186-5, SEC 1) and SM2 with SM3 (GB/T 32918.2-2016).
#![allow(unused_variables, clippy::unimplemented, missing_docs)]
use crate::{Result, hash::HashAlgorithm};
use zeroize::Zeroizing;

pub const DEFAULT_DISTID: &[u8] = crate::consts::DEFAULT_DISTID;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    Sm2,
    P256,
}

impl Algorithm {
    /// `"sm2"` or `"p256"`.
    pub fn name(self) -> &'static str { unimplemented!() }
    pub fn from_name(name: &str) -> Result<Self> { unimplemented!() }
    /// The hash that the algorithm signs with: SM3 for SM2, SHA-256 for P-256.
    pub fn hash(self) -> HashAlgorithm { unimplemented!() }
}

/// A private key. Zeroized on drop; `Debug` shows no secret.
#[derive(Clone)]
pub struct SigningKey {}

impl SigningKey {
    pub fn generate(algorithm: Algorithm) -> Result<Self> { unimplemented!() }
    /// 32 bytes, big-endian; 1 <= d <= n-1 (P-256), 1 <= d <= n-2 (SM2).
    pub fn from_bytes(algorithm: Algorithm, d: &[u8]) -> Result<Self> { unimplemented!() }
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> { unimplemented!() }
    pub fn algorithm(&self) -> Algorithm { unimplemented!() }
    pub fn verifying_key(&self) -> VerifyingKey { unimplemented!() }
    /// Signs a 32-byte digest (SM2: e, that is SM3(Z_A || M)).
    pub fn sign_digest(&self, digest: &[u8; 32]) -> Signature { unimplemented!() }
    /// Hashes and signs; SM2 takes the default distid.
    pub fn sign(&self, message: &[u8]) -> Signature { unimplemented!() }
    /// SM2 only: hashes with Z_A of this distid (empty allowed, at most 8191 bytes) and signs.
    pub fn sign_with_distid(&self, distid: &[u8], message: &[u8]) -> Result<Signature> { unimplemented!() }
}

/// A public key: a point on the curve, never infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyingKey {}

impl VerifyingKey {
    /// SEC 1: 65 bytes 04 || x || y, or 33 bytes 02/03 || x.
    pub fn from_sec1(algorithm: Algorithm, point: &[u8]) -> Result<Self> { unimplemented!() }
    pub fn to_sec1(&self) -> [u8; 65] { unimplemented!() }
    pub fn to_sec1_compressed(&self) -> [u8; 33] { unimplemented!() }
    pub fn algorithm(&self) -> Algorithm { unimplemented!() }
    /// The digest that `verify` checks: SHA-256(M), or SM3(Z_A || M) with the default distid.
    pub fn message_digest(&self, message: &[u8]) -> [u8; 32] { unimplemented!() }
    pub fn message_digest_with_distid(&self, distid: &[u8], message: &[u8]) -> Result<[u8; 32]> { unimplemented!() }
    pub fn verify_digest(&self, digest: &[u8; 32], signature: &Signature) -> Result<()> { unimplemented!() }
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<()> { unimplemented!() }
    pub fn verify_with_distid(&self, distid: &[u8], message: &[u8], signature: &Signature) -> Result<()> { unimplemented!() }
}

/// r || s, 64 bytes big-endian. Range is checked by verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> { unimplemented!() }
    pub fn to_bytes(&self) -> [u8; 64] { unimplemented!() }
    /// Strict DER: minimal integers, no trailing bytes, positive, at most 32 bytes each.
    pub fn from_der(der: &[u8]) -> Result<Self> { unimplemented!() }
    pub fn to_der(&self) -> Vec<u8> { unimplemented!() }
}
