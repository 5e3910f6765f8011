//! The signature as 64 bytes and as DER.

use super::der;
use crate::{Error, Result};

/// r || s, 64 bytes big-endian. Range is checked by verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Signature([u8; 64]);

impl Signature {
    /// From r || s, 32 bytes each, big-endian.
    ///
    /// # Errors
    /// [`Error::InvalidLength`] for anything but 64 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let wrong = Error::InvalidLength { field: "signature", expected: 64, actual: bytes.len() };
        Ok(Signature(bytes.try_into().map_err(|_| wrong)?))
    }

    /// r || s.
    pub fn to_bytes(&self) -> [u8; 64] {
        self.0
    }

    /// From strict DER: minimal integers, no trailing bytes, positive, at most 32 bytes each.
    ///
    /// # Errors
    /// [`Error::InvalidEncoding`] with the offset of the first byte that no strict encoding has there.
    ///
    /// # Source
    /// X.690, clause 10; RFC 3279, 2.2.3; GM/T 0009-2012, 7.3.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        der::decode(der).map(Signature)
    }

    /// SEQUENCE { INTEGER r, INTEGER s }, at most 72 bytes.
    pub fn to_der(&self) -> Vec<u8> {
        der::encode(&self.0)
    }

    /// r || s.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code))]
    pub(super) fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// r and s.
    pub(super) fn halves(&self) -> (&[u8; 32], &[u8; 32]) {
        let [r, s] = self.0.as_chunks::<32>().0 else { unreachable!("64 bytes are two chunks of 32") };
        (r, s)
    }

    pub(super) fn from_halves(r: [u8; 32], s: [u8; 32]) -> Self {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&r);
        bytes[32..].copy_from_slice(&s);
        Signature(bytes)
    }
}

impl From<[u8; 64]> for Signature {
    fn from(bytes: [u8; 64]) -> Self {
        Signature(bytes)
    }
}
