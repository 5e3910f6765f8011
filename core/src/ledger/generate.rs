//! Synthetic ledgers: large, realistic in shape, and right in every byte, for benchmarks and tests of scale.
//!
//! Keys follow from the seed and are known to everybody; nothing is synced before the end; signatures are not verified
//! again. Everything else is the writer's own work.

use std::path::Path;

use super::cbor::Value;
use super::entry::{BODY_OFFSET, EntryType, NewEntry, body_digests, message_of};
use super::genesis::Genesis;
use super::keys::KeyChange;
use super::{FOUNDER_KEY, Ledger};
use crate::hash::{HashAlgorithm, sha256};
use crate::sign::{Algorithm, SigningKey, sign_many};
use crate::{Error, Result};

/// The shape of a synthetic ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synthetic {
    /// Entries of its statements; the genesis, key changes and SEGMENT entries come on top.
    pub entries: u64,
    /// Keys that sign in turn, 1 to 65,536.
    pub keys: u32,
    /// Their algorithm.
    pub algorithm: Algorithm,
    /// The hash of the ledger.
    pub hash: HashAlgorithm,
    /// Keys and bodies follow from it.
    pub seed: u64,
    /// The length of an entry in bytes, 250 to 65,535.
    pub length: usize,
    /// Entries to a checkpoint.
    pub batch: usize,
    /// log2 of the entries of a segment, 8 to 16.
    pub segment_bits: u32,
}

impl Synthetic {
    /// A key by its number: 0 the ledger's, 1 the founder's, then those that sign.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn key(&self, number: u32) -> Result<SigningKey> {
        let algorithm = match (number, self.hash) {
            (0, HashAlgorithm::Sha256) | (1, _) => Algorithm::P256,
            (0, HashAlgorithm::Sm3) => Algorithm::Sm2,
            _ => self.algorithm,
        };
        // One try in 2^32 is beyond the order of the group.
        for attempt in 0u32.. {
            let numbers = [&self.seed.to_be_bytes()[..], &number.to_be_bytes(), &attempt.to_be_bytes()].concat();
            let scalar = sha256(&[b"sealcore synthetic key", &numbers[..]].concat());
            if let Ok(key) = SigningKey::from_bytes(algorithm, &scalar) {
                return Ok(key);
            }
        }
        Err(Error::Internal { reason: "no key from a seed" })
    }

    fn check(&self) -> Result<()> {
        let invalid = |field, reason| Err(Error::InvalidArgument { field, reason });
        if !(1..=1 << 16).contains(&self.keys) {
            return invalid("keys", "must be 1 to 65536");
        }
        if !(250..=super::MAX_ENTRY_LENGTH).contains(&self.length) {
            return invalid("length", "must be 250 to 65535 bytes");
        }
        if !(1..=1 << 16).contains(&self.batch) {
            return invalid("batch", "must be 1 to 65536");
        }
        Ok(())
    }

    /// The ledger with its genesis only; nothing is synced before [`Ledger::sync_now`].
    pub(crate) fn begin(&self, path: &Path) -> Result<Ledger> {
        self.check()?;
        let (ledger_key, founder) = (self.key(0)?, self.key(1)?.verifying_key());
        let mut nonce = [0; 16];
        nonce.copy_from_slice(&sha256(&self.seed.to_be_bytes())[..16]);
        let public = ledger_key.verifying_key();
        let genesis = Genesis::with_nonce("synthetic.example/ledger", self.hash, public, founder, nonce)?
            .with_segment_bits(self.segment_bits)?;
        let ledger = Ledger::create(path, &genesis, &ledger_key)?;
        ledger.sync_at_the_end()?;
        Ok(ledger)
    }

    /// The body of statement `number`.
    fn body(&self, number: u64) -> Result<Vec<u8>> {
        let digest = sha256(&[self.seed.to_be_bytes(), number.to_be_bytes()].concat());
        let with = |padding: usize| {
            Value::map([
                ("kind", "synthetic".into()),
                ("number", Value::Int(i64::try_from(number).unwrap_or(i64::MAX))),
                ("document", digest.as_slice().into()),
                ("padding", vec![digest[0]; padding].as_slice().into()),
            ])
            .encode()
        };
        let room = self.length - BODY_OFFSET - with(0)?.len();
        // The head of a byte string grows with its length.
        let head = [(0, 24), (1, 256), (2, 65_536)].into_iter().find(|(head, end)| room - head < *end);
        with(room - head.map_or(0, |(head, _)| head))
    }
}

/// Makes a synthetic ledger in a new or empty directory.
///
/// # Inputs
/// `progress(done, total)`: statements, after each checkpoint. Its error ends the work; what is there then is a ledger of
/// fewer entries.
///
/// # Errors
/// `InvalidArgument` for a shape outside its bounds, and those of [`Ledger::create`] and [`Ledger::append_many`].
///
/// # Examples
/// ```no_run
/// use sealcore::hash::HashAlgorithm;
/// use sealcore::ledger::{Synthetic, generate};
/// use sealcore::sign::Algorithm;
/// let shape = Synthetic {
///     entries: 1_000_000,
///     keys: 16,
///     algorithm: Algorithm::Sm2,
///     hash: HashAlgorithm::Sm3,
///     seed: 1,
///     length: 400,
///     batch: 1000,
///     segment_bits: 16,
/// };
/// generate("million".as_ref(), &shape, &mut |_, _| Ok(()))?;
/// # Ok::<(), sealcore::Error>(())
/// ```
pub fn generate(path: &Path, shape: &Synthetic, progress: &mut dyn FnMut(u64, u64) -> Result<()>) -> Result<()> {
    let (ledger, founder) = (shape.begin(path)?, shape.key(1)?);
    let keys = (2..shape.keys + 2).map(|number| shape.key(number)).collect::<Result<Vec<_>>>()?;
    for some in keys.chunks(10_000) {
        let add = |key: &SigningKey| {
            let change = KeyChange::Add { key: key.verifying_key(), label: None };
            NewEntry::sign(shape.hash, EntryType::KeyAdd, FOUNDER_KEY, change.encode(ledger.id())?, &founder)
        };
        ledger.append_own(some.iter().map(add).collect::<Result<_>>()?)?;
    }
    let mut done = 0;
    while done < shape.entries {
        // Each key signs what is its of some batches at once: lanes need many.
        let some = (1 << 14).max(shape.batch as u64).min(shape.entries - done);
        let mut bodies = (done..done + some).map(|number| shape.body(number)).collect::<Result<Vec<_>>>()?;
        let slices: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
        let messages: Vec<[u8; 48]> = body_digests(shape.hash, &slices).iter().map(message_of).collect();
        let mut signatures = vec![[0; 64]; bodies.len()];
        for (place, key) in keys.iter().enumerate() {
            let mine: Vec<usize> =
                (0..bodies.len()).filter(|at| (done + *at as u64) % keys.len() as u64 == place as u64).collect();
            let to_sign: Vec<&[u8]> = mine.iter().map(|at| messages[*at].as_slice()).collect();
            for (at, signature) in mine.iter().zip(sign_many(key, &to_sign, None, 0)?) {
                signatures[*at] = signature.to_bytes();
            }
        }
        let mut next = done;
        let mut made = bodies.drain(..).zip(signatures).map(|(body, signature)| {
            let key_idx = FOUNDER_KEY + 1 + (next % keys.len() as u64) as u32;
            next += 1;
            NewEntry { kind: EntryType::Statement, key_idx, body, signature }
        });
        loop {
            let batch: Vec<NewEntry> = made.by_ref().take(shape.batch).collect();
            if batch.is_empty() {
                break;
            }
            done += batch.len() as u64;
            ledger.append_own(batch)?;
            progress(done, shape.entries)?;
        }
    }
    ledger.sync_now()
}
