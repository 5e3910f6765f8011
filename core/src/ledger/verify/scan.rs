//! Cutting `entries` into entries, also where something is damaged.
//!
//! A frame is trusted when its length, the magic and the lengths inside the header agree. Where they do not, the place of
//! the next entry is looked for: after the length, after the lengths of the header, or byte by byte.

use core::ops::Range;

use super::super::entry::{Entry, EntryType, HEADER_LENGTH, MAGIC, SIGNATURE_LENGTH, message_of, statement_id};
use super::super::frames::{PREFIX, frame};
use super::super::merkle::{Hash, leaf_hash};
use crate::Error;
use crate::hash::HashAlgorithm;
use crate::sign::{Algorithm, VerifyingKey};

/// The bytes that are searched for the next entry: two of the longest frames.
const SEARCH: usize = 2 * (PREFIX + super::super::MAX_ENTRY_LENGTH);

/// What is known of an entry without its neighbours.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// Where the entry (not its frame) starts in the file.
    pub(super) offset: u64,
    /// Header fields as they stand, whether they make sense or not.
    pub(super) index: u64,
    pub(super) time: u64,
    pub(super) key_idx: u32,
    pub(super) prev: Hash,
    pub(super) leaf: Hash,
    /// The entry, when its structure is right.
    pub(super) sound: Option<Sound>,
    /// The field, its offset in the entry, and what is wrong with it.
    pub(super) damage: Option<(&'static str, usize, &'static str)>,
}

/// What is known of an entry whose structure is right.
#[derive(Clone, Debug)]
pub(super) struct Sound {
    pub(super) kind: EntryType,
    pub(super) algorithm: Algorithm,
    pub(super) statement: Hash,
    /// The digest that the body really has.
    pub(super) body_statement: Hash,
    pub(super) signature: [u8; SIGNATURE_LENGTH],
    /// The body, of the types that the ledger looks into.
    pub(super) body: Option<Vec<u8>>,
}

impl Sound {
    /// Whether the key signed this statement id.
    pub(super) fn is_signed(&self, key: &VerifyingKey, statement: &Hash) -> bool {
        let signature = crate::sign::Signature::from_bytes(&self.signature);
        key.algorithm() == self.algorithm && signature.is_ok_and(|s| key.verify(&message_of(statement), &s).is_ok())
    }
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    if let Some(found) = bytes.get(at..at + N) {
        out.copy_from_slice(found);
    }
    out
}

impl Facts {
    /// Reads and hashes one entry.
    pub(super) fn read(hash: HashAlgorithm, bytes: &[u8], offset: u64) -> Self {
        let (sound, damage) = match Entry::parse(bytes) {
            Ok(entry) => {
                let kind = entry.kind();
                let sound = Sound {
                    kind,
                    algorithm: entry.algorithm(),
                    statement: entry.statement(),
                    body_statement: statement_id(hash, entry.body()),
                    signature: entry.signature(),
                    body: (kind != EntryType::Statement).then(|| entry.body().to_vec()),
                };
                (Some(sound), None)
            }
            Err(Error::InvalidEncoding { field, offset, reason }) => (None, Some((field, offset, reason))),
            Err(_) => (None, Some(("entry", 0, "cannot be read"))),
        };
        Facts {
            offset,
            index: u64::from_be_bytes(take(bytes, 8)),
            time: u64::from_be_bytes(take(bytes, 16)),
            key_idx: u32::from_be_bytes(take(bytes, 4)),
            prev: take(bytes, 24),
            leaf: leaf_hash(hash, bytes),
            sound,
            damage,
        }
    }
}

/// The length of the entry at the start of `bytes` as its own header has it.
fn header_length(bytes: &[u8]) -> Option<usize> {
    if bytes.len() < HEADER_LENGTH || bytes[..2] != MAGIC {
        return None;
    }
    let body = usize::try_from(u32::from_be_bytes(take(bytes, 92))).ok()?;
    HEADER_LENGTH.checked_add(usize::from(u16::from_be_bytes(take(bytes, 90))))?.checked_add(body)
}

/// Whether a frame that can be trusted starts here.
fn is_frame(bytes: &[u8]) -> bool {
    frame(bytes).is_some_and(|payload| header_length(payload) == Some(payload.len()))
}

/// What stands at the start of a window.
pub(super) enum Next {
    /// Frames that can be trusted: the ranges of their entries, and where they end.
    Entries(Vec<Range<usize>>, usize),
    /// An entry whose frame or header is damaged, but whose extent is known: its range, the end of its frame, and
    /// whether the damage is in the length before it.
    Damaged { entry: Range<usize>, end: usize, prefix: bool },
    /// Bytes that are no entry, up to where the next one starts.
    Unreadable(usize),
    /// The file ends inside an entry; nothing after these bytes can be read.
    Cut,
    /// Nothing is left.
    End,
}

/// Looks at a window; `last` says that the file ends with it.
pub(super) fn next(bytes: &[u8], last: bool) -> Next {
    let mut frames = Vec::new();
    let mut at = 0;
    while let Some(payload) = frame(&bytes[at..])
        && header_length(payload) == Some(payload.len())
    {
        frames.push(at + PREFIX..at + PREFIX + payload.len());
        at += PREFIX + payload.len();
    }
    if !frames.is_empty() {
        return Next::Entries(frames, at);
    }
    if bytes.is_empty() {
        return Next::End;
    }
    let follows = |end: usize| (last && end == bytes.len()) || bytes.get(end..).is_some_and(is_frame);
    if let Some(payload) = frame(bytes)
        && follows(PREFIX + payload.len())
    {
        return Next::Damaged { entry: PREFIX..PREFIX + payload.len(), end: PREFIX + payload.len(), prefix: false };
    }
    if let Some(length) = bytes.get(PREFIX..).and_then(header_length)
        && let Some(end) = length.checked_add(PREFIX)
        && follows(end)
    {
        return Next::Damaged { entry: PREFIX..end, end, prefix: true };
    }
    match (1..bytes.len().min(SEARCH)).find(|at| is_frame(&bytes[*at..])) {
        Some(at) => Next::Unreadable(at),
        None => Next::Cut,
    }
}
