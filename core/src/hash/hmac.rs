//! HMAC (RFC 2104) with the key already absorbed into both hash states.

use super::{HashAlgorithm, Hasher};
use zeroize::Zeroize;

/// Streaming HMAC; the key is zeroized on drop.
///
/// # Timing
/// Depends on the lengths of key and message only.
///
/// # Source
/// RFC 2104; for SM3 GM/T 0042-2015.
#[derive(Clone)]
pub struct Hmac {
    inner: Hasher,
    outer: Hasher,
}

impl Hmac {
    /// An empty message under `key`, which may have any length.
    pub fn new(algorithm: HashAlgorithm, key: &[u8]) -> Self {
        let mut pad = [0u8; 64];
        if key.len() > 64 {
            pad[..32].copy_from_slice(&algorithm.digest(key));
        } else {
            pad[..key.len()].copy_from_slice(key);
        }
        let (mut inner, mut outer) = (algorithm.hasher(), algorithm.hasher());
        pad.iter_mut().for_each(|byte| *byte ^= 0x36);
        inner.update(&pad);
        pad.iter_mut().for_each(|byte| *byte ^= 0x36 ^ 0x5c);
        outer.update(&pad);
        pad.zeroize();
        Hmac { inner, outer }
    }

    /// Appends `data` to the message.
    pub fn update(&mut self, data: &[u8]) {
        self.inner.update(data);
    }

    /// The tag of everything so far, 32 bytes.
    pub fn finalize(self) -> [u8; 32] {
        let mut outer = self.outer.clone();
        outer.update(&self.inner.clone().finalize());
        outer.finalize()
    }
}

impl Drop for Hmac {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

impl core::fmt::Debug for Hmac {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Hmac({}, …)", self.inner.algorithm().name())
    }
}
