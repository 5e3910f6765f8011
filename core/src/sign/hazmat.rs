//! For known-answer tests only: signing with a chosen nonce. Two signatures with one nonce, or one with a nonce
//! that somebody can guess, give the private key away. Hidden, and not part of the public interface.

use super::batch::{Roster, check_counts, sign_digests, verify_digests};
use super::engine::Engine;
use super::nonce::Hedge;
use super::{Keys, PreparedKey, Signature, SigningKey, Verdicts, VerifyingKey};
use crate::{Backend, Result, cpu};

/// Signs `digest` with the nonce `k`, 32 bytes big-endian.
///
/// # Errors
/// [`crate::Error::InvalidArgument`] for k = 0, k >= n, and a nonce that gives no signature.
pub fn sign_digest_with_nonce(key: &SigningKey, digest: &[u8; 32], k: &[u8; 32]) -> Result<Signature> {
    sign_digest_with_nonce_on(cpu::sign_backend(), key, digest, k)
}

/// The same on this backend, or the fastest below it that there is.
///
/// # Errors
/// As [`sign_digest_with_nonce`].
pub fn sign_digest_with_nonce_on(
    backend: Backend,
    key: &SigningKey,
    digest: &[u8; 32],
    k: &[u8; 32],
) -> Result<Signature> {
    key.sign_digest_with_nonce(backend, digest, k)
}

/// Signs `digest` with the nonce of RFC 6979, deterministic without `added` randomness.
pub fn sign_digest_with_hedge(key: &SigningKey, digest: &[u8; 32], added: Option<&[u8; 16]>) -> Signature {
    sign_digest_on(cpu::sign_backend(), key, digest, added)
}

/// The same on this backend, or the fastest below it that there is.
pub fn sign_digest_on(backend: Backend, key: &SigningKey, digest: &[u8; 32], added: Option<&[u8; 16]>) -> Signature {
    key.sign_digest_on(backend, digest, &added.map_or_else(Hedge::none, Hedge::fixed))
}

/// As [`VerifyingKey::prepare`] for this backend, or the fastest below it that there is.
pub fn prepare_on(backend: Backend, key: &VerifyingKey) -> PreparedKey {
    PreparedKey::new(*key, Engine::new(backend))
}

/// As [`super::sign_digest_many`] on this backend (or the fastest below it that there is), with the nonces of RFC 6979
/// and the added randomness of the same index, or none.
pub fn sign_digest_many_with(
    backend: Backend,
    key: &SigningKey,
    digests: &[[u8; 32]],
    added: Option<&[[u8; 16]]>,
    threads: usize,
) -> Vec<Signature> {
    let hedges: Vec<Hedge> =
        (0..digests.len()).map(|index| added.map_or_else(Hedge::none, |added| Hedge::fixed(&added[index]))).collect();
    sign_digests(backend, key, digests, &hedges, threads)
}

/// As [`super::verify_digest_many`] on this backend, or the fastest below it that there is.
///
/// # Errors
/// As [`super::verify_digest_many`].
pub fn verify_digest_many_with(
    backend: Backend,
    keys: Keys<'_>,
    digests: &[[u8; 32]],
    signatures: &[Signature],
    threads: usize,
) -> Result<Verdicts> {
    check_counts(&keys, digests.len(), "digests", signatures.len())?;
    Ok(verify_digests(backend, &Roster::new(keys, signatures.len()), digests, signatures, threads))
}
