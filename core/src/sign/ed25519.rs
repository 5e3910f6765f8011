//! Ed25519 (RFC 8032), for the signature lines of checkpoints that C2SP tools and witnesses read.
//!
//! Entries, certificates and documents are signed with P-256 and SM2 only: this is no further [`super::Algorithm`]. The
//! arithmetic is that of `ed25519-dalek`; signatures are deterministic.

use ed25519_dalek::Signer as _;

use crate::{Error, Result};

/// A private Ed25519 key; wiped when it is dropped, never printed.
#[derive(Clone)]
pub struct Ed25519SigningKey(ed25519_dalek::SigningKey);

impl core::fmt::Debug for Ed25519SigningKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Ed25519SigningKey(…)")
    }
}

impl Ed25519SigningKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`Error::RandomSource`] when the operating system's random source fails.
    pub fn generate() -> Result<Self> {
        let mut seed = zeroize::Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut_slice()).map_err(|_| Error::RandomSource)?;
        Ok(Ed25519SigningKey::from_seed(&seed))
    }

    /// The key of a seed of 32 bytes: every seed is one.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Ed25519SigningKey(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The seed: the private key as files hold it.
    pub fn to_seed(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.0.to_bytes())
    }

    /// The public key.
    pub fn verifying_key(&self) -> Ed25519VerifyingKey {
        Ed25519VerifyingKey(self.0.verifying_key())
    }

    /// The signature of a message: R ‖ S.
    ///
    /// # Timing
    /// Constant.
    ///
    /// # Source
    /// RFC 8032, clause 5.1.6.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// A public Ed25519 key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ed25519VerifyingKey(ed25519_dalek::VerifyingKey);

impl Ed25519VerifyingKey {
    /// The key of 32 bytes.
    ///
    /// # Errors
    /// `InvalidKey` for what is no point, or one of small order, under which many messages have one signature.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self> {
        match ed25519_dalek::VerifyingKey::from_bytes(bytes) {
            // A second encoding of a point is none (RFC 8032, clause 5.1.3): one key has one key ID.
            Ok(key) if !key.is_weak() && key.to_edwards().compress().as_bytes() == bytes => {
                Ok(Ed25519VerifyingKey(key))
            }
            _ => Err(Error::InvalidKey { field: "ed25519 key", reason: "is no point of the curve, or a weak one" }),
        }
    }

    /// The 32 bytes of the key.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Checks a signature: without cofactor, S below the group order, R of large order.
    ///
    /// # Errors
    /// `InvalidSignature`.
    ///
    /// # Source
    /// RFC 8032, clause 5.1.7.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<()> {
        let signature: &[u8; 64] = signature.try_into().map_err(|_| Error::InvalidSignature)?;
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.0.verify_strict(message, &signature).map_err(|_| Error::InvalidSignature)
    }
}
