//! Many signatures in one call, on many threads.

mod lanes;
mod roster;
mod together;

pub(super) use roster::Roster;

use super::engine::Engine;
use super::nonce::Hedge;
use super::signing::TOGETHER;
use super::{Identity, PreparedKey, Signature, SigningKey, VerifyingKey};
use crate::cpu::{self, Backend};
use crate::hash::HashAlgorithm;
use crate::{Error, Result};
use together::Group;

/// Signatures that are not worth a second thread, where they are made in lanes.
const LANES_GRAIN: usize = 1024;
/// Signatures that the scalar code verifies together, at least (if there are as many) and at most.
const LEAST_TOGETHER: usize = 16;
const MOST_TOGETHER: usize = 512;
/// From so many signatures of one key on, its table pays for itself.
const PREPARE_FROM: usize = 24;
/// Tables that one batch makes at most, for the most frequent keys: 16 MiB.
const MAX_TABLES: usize = 64;

/// A public key, prepared or not.
#[derive(Clone, Copy, Debug)]
pub enum KeyRef<'a> {
    /// A key as it is; the batch prepares it when that pays.
    Plain(&'a VerifyingKey),
    /// A prepared key.
    Prepared(&'a PreparedKey),
}

/// Whose signatures a batch holds.
#[derive(Clone, Copy, Debug)]
pub enum Keys<'a> {
    /// One key for all.
    One(KeyRef<'a>),
    /// One key for each.
    Each(&'a [KeyRef<'a>]),
}

impl<'a> KeyRef<'a> {
    /// The key itself.
    pub fn verifying_key(self) -> &'a VerifyingKey {
        match self {
            KeyRef::Plain(key) => key,
            KeyRef::Prepared(key) => key.verifying_key(),
        }
    }

    fn verify_digest(self, digest: &[u8; 32], signature: &Signature) -> Result<()> {
        match self {
            KeyRef::Plain(key) => key.verify_digest(digest, signature),
            KeyRef::Prepared(key) => key.verify_digest(digest, signature),
        }
    }

    fn identity(self) -> Identity {
        match self {
            KeyRef::Plain(key) => key.identity(),
            KeyRef::Prepared(key) => key.identity(),
        }
    }
}

impl<'a> From<&'a VerifyingKey> for KeyRef<'a> {
    fn from(key: &'a VerifyingKey) -> Self {
        KeyRef::Plain(key)
    }
}

impl<'a> From<&'a PreparedKey> for KeyRef<'a> {
    fn from(key: &'a PreparedKey) -> Self {
        KeyRef::Prepared(key)
    }
}

impl<'a> From<&'a VerifyingKey> for Keys<'a> {
    fn from(key: &'a VerifyingKey) -> Self {
        Keys::One(key.into())
    }
}

impl<'a> From<&'a PreparedKey> for Keys<'a> {
    fn from(key: &'a PreparedKey) -> Self {
        Keys::One(key.into())
    }
}

/// What `verify_many` found: a verdict for each signature, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "verdicts that nobody reads verify nothing"]
pub struct Verdicts {
    valid: Vec<bool>,
    failed: Vec<usize>,
}

impl Verdicts {
    fn new(valid: Vec<bool>) -> Self {
        let failed = valid.iter().enumerate().filter(|(_, valid)| !**valid).map(|(index, _)| index).collect();
        Verdicts { valid, failed }
    }

    /// Whether no signature failed; true of an empty batch.
    pub fn all_valid(&self) -> bool {
        self.failed.is_empty()
    }

    /// The indices of the signatures that failed, ascending.
    pub fn failed(&self) -> &[usize] {
        &self.failed
    }

    /// A verdict for each signature, in order.
    pub fn as_slice(&self) -> &[bool] {
        &self.valid
    }

    /// Signatures in the batch.
    pub fn len(&self) -> usize {
        self.valid.len()
    }

    /// Whether the batch was empty.
    pub fn is_empty(&self) -> bool {
        self.valid.is_empty()
    }

    /// Nothing, when every signature is valid.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`] when one failed.
    pub fn into_result(self) -> Result<()> {
        if self.all_valid() { Ok(()) } else { Err(Error::InvalidSignature) }
    }
}

/// Signs each 32-byte digest.
///
/// # Inputs
/// `threads`: at most so many threads, never more than the machine has cores; 0 means every core.
///
/// # Timing
/// As [`SigningKey::sign_digest`].
pub fn sign_digest_many(key: &SigningKey, digests: &[[u8; 32]], threads: usize) -> Vec<Signature> {
    sign_digests(cpu::sign_backend(), key, digests, &Hedge::series(digests.len()), threads)
}

/// Signs each digest with the hedge of the same index.
pub(super) fn sign_digests(
    backend: Backend,
    key: &SigningKey,
    digests: &[[u8; 32]],
    hedges: &[Hedge],
    threads: usize,
) -> Vec<Signature> {
    let mut signatures = vec![Signature::from([0; 64]); digests.len()];
    let grain = if Engine::new(backend).is_some() { LANES_GRAIN } else { TOGETHER };
    cpu::fill_chunks(&mut signatures, threads, grain, |start, chunk| {
        let range = start..start + chunk.len();
        key.sign_digests_on(backend, &digests[range.clone()], &hedges[range], chunk);
    });
    signatures
}

/// Hashes and signs each message; SM2 with this distid, or the default.
///
/// # Inputs
/// `threads`: as in [`sign_digest_many`].
///
/// # Errors
/// [`Error::InvalidArgument`] for a distid of more than 8191 bytes, or any with a P-256 key.
pub fn sign_many(
    key: &SigningKey,
    messages: &[&[u8]],
    distid: Option<&[u8]>,
    threads: usize,
) -> Result<Vec<Signature>> {
    let identity = match distid {
        Some(distid) => Identity::Sm2(key.verifying_key().identity_digest(distid)?),
        None => key.identity(),
    };
    Ok(sign_digest_many(key, &digests(messages, threads, |_| &identity), threads))
}

/// Verifies the signature of each 32-byte digest.
///
/// # Inputs
/// `keys`: one for all or one for each; `threads`: as in [`sign_digest_many`].
///
/// # Errors
/// [`Error::InvalidArgument`] when the counts differ. A signature that does not verify is no error here: it is in
/// [`Verdicts::failed`].
///
/// # Timing
/// Variable: everything is public. One bad signature costs the others nothing.
pub fn verify_digest_many(
    keys: Keys<'_>,
    digests: &[[u8; 32]],
    signatures: &[Signature],
    threads: usize,
) -> Result<Verdicts> {
    check_counts(&keys, digests.len(), "digests", signatures.len())?;
    Ok(verify_digests(cpu::sign_backend(), &Roster::new(keys, signatures.len()), digests, signatures, threads))
}

/// Hashes and verifies the signature of each message; SM2 with this distid, or the default.
///
/// # Inputs
/// As [`verify_digest_many`].
///
/// # Errors
/// As [`verify_digest_many`], and [`Error::InvalidArgument`] for a distid of more than 8191 bytes, or any when
/// one of the keys is P-256.
pub fn verify_many(
    keys: Keys<'_>,
    messages: &[&[u8]],
    signatures: &[Signature],
    distid: Option<&[u8]>,
    threads: usize,
) -> Result<Verdicts> {
    check_counts(&keys, messages.len(), "messages", signatures.len())?;
    let roster = Roster::new(keys, signatures.len());
    let identities = roster
        .keys
        .iter()
        .map(|key| match distid {
            Some(distid) => key.verifying_key().identity_digest(distid).map(Identity::Sm2),
            None => Ok(key.identity()),
        })
        .collect::<Result<Vec<Identity>>>()?;
    let digests = digests(messages, threads, |index| &identities[roster.position(index)]);
    Ok(verify_digests(cpu::sign_backend(), &roster, &digests, signatures, threads))
}

pub(super) fn check_counts(keys: &Keys<'_>, items: usize, field: &'static str, signatures: usize) -> Result<()> {
    if items != signatures {
        return Err(Error::InvalidArgument { field, reason: "there must be as many as signatures" });
    }
    match keys {
        Keys::Each(keys) if keys.len() != signatures => {
            Err(Error::InvalidArgument { field: "keys", reason: "there must be one key, or as many as signatures" })
        }
        _ => Ok(()),
    }
}

/// The digests to sign or verify, given what to hash before message `index`: side by side, where there are lanes.
fn digests<'a>(
    messages: &[&'a [u8]],
    threads: usize,
    identity: impl Fn(usize) -> &'a Identity + Sync + Send,
) -> Vec<[u8; 32]> {
    let (backend, count) = (cpu::hash_backend(), messages.len());
    let parts = |index: usize| [identity(index).before(), messages[index]];
    let mut digests = vec![[0; 32]; count];
    for hash in [HashAlgorithm::Sm3, HashAlgorithm::Sha256] {
        let mine: Vec<usize> = (0..count).filter(|index| identity(*index).hash() == hash).collect();
        if mine.len() == count {
            hash.digest_each_with(backend, parts, &mut digests, threads);
        } else if !mine.is_empty() {
            let mut some = vec![[0; 32]; mine.len()];
            hash.digest_each_with(backend, |place| parts(mine[place]), &mut some, threads);
            mine.iter().zip(some).for_each(|(index, digest)| digests[*index] = digest);
        }
    }
    digests
}

/// The verdict on each signature.
pub(super) fn verify_digests(
    backend: Backend,
    roster: &Roster<'_>,
    digests: &[[u8; 32]],
    signatures: &[Signature],
    threads: usize,
) -> Verdicts {
    Verdicts::new(match Engine::new(backend) {
        Some(engine) => lanes::verify(engine, roster, digests, signatures, threads),
        None => {
            let prepared = roster.prepare(PREPARE_FROM, MAX_TABLES, threads);
            // The signatures of a key together: one table at a time is then in the near cache.
            let (order, _) = roster.sorted(signatures.len());
            let grain = (signatures.len() / (2 * cpu::threads(threads))).clamp(LEAST_TOGETHER, MOST_TOGETHER);
            let mut verdicts = vec![false; signatures.len()];
            cpu::fill_chunks(&mut verdicts, threads, grain, |start, chunk| {
                for (begin, chunk) in (start..).step_by(grain).zip(chunk.chunks_mut(grain)) {
                    let mut group = Group::default();
                    for (index, verdict) in order[begin..].iter().map(|index| *index as usize).zip(chunk) {
                        let position = roster.position(index);
                        let key = match &prepared[position] {
                            Some(key) => KeyRef::Prepared(key),
                            None => roster.scalar_key(position),
                        };
                        group.push(key, &digests[index], &signatures[index], verdict);
                    }
                    group.verify();
                }
            });
            let mut valid = vec![false; signatures.len()];
            order.iter().zip(verdicts).for_each(|(index, verdict)| valid[*index as usize] = verdict);
            valid
        }
    })
}
