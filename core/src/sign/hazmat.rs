//! For known-answer tests only: signing with a chosen nonce. Two signatures with one nonce, or one with a nonce
//! that somebody can guess, give the private key away. Hidden, and not part of the public interface.

use super::nonce::Hedge;
use super::{Signature, SigningKey};
use crate::Result;

/// Signs `digest` with the nonce `k`, 32 bytes big-endian.
///
/// # Errors
/// [`crate::Error::InvalidArgument`] for k = 0, k >= n, and a nonce that gives no signature.
pub fn sign_digest_with_nonce(key: &SigningKey, digest: &[u8; 32], k: &[u8; 32]) -> Result<Signature> {
    key.sign_digest_with_nonce(digest, k)
}

/// Signs `digest` with the nonce of RFC 6979, deterministic without `added` randomness.
pub fn sign_digest_with_hedge(key: &SigningKey, digest: &[u8; 32], added: Option<&[u8; 32]>) -> Signature {
    key.sign_digest_hedged(digest, &added.map_or_else(Hedge::none, Hedge::fixed))
}
