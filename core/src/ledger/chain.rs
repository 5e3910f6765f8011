//! What an entry must be at its place: the strict state that writer and readers carry from entry to entry.

use super::entry::{Entry, EntryType};
use super::genesis::Genesis;
use super::keys::{KeyChange, KeyTable};
use super::merkle::Hash;
use super::records::{Anchor, Redaction, SegmentStart, keys_digest, segment_bodies};
use crate::hash::HashAlgorithm;
use crate::{Error, Result};

/// The state after the entries so far.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    genesis_body: Vec<u8>,
    ledger_id: Hash,
    hash: HashAlgorithm,
    segment_bits: u32,
    pub(super) size: u64,
    /// The leaf hash of the last entry; zeros before entry 0.
    pub(super) last_leaf: Hash,
    pub(super) last_time: u64,
    pub(super) keys: KeyTable,
    /// Bodies of the SEGMENT entries that must come next, the last one first.
    owed: Vec<Vec<u8>>,
}

/// A state to go back to; the key table goes back by itself.
pub(super) struct Mark {
    size: u64,
    last_leaf: Hash,
    last_time: u64,
    owed: Vec<Vec<u8>>,
}

impl Chain {
    /// The state before entry 0.
    pub(super) fn new(genesis: &Genesis) -> Result<Self> {
        Ok(Chain {
            genesis_body: genesis.encode()?,
            ledger_id: genesis.id()?,
            hash: genesis.hash(),
            segment_bits: genesis.segment_bits(),
            size: 0,
            last_leaf: [0; 32],
            last_time: 0,
            keys: genesis.key_table(),
            owed: Vec::new(),
        })
    }

    /// Goes to the start of a segment, whose SEGMENT entries say which keys are in force.
    pub(super) fn resume(&mut self, number: u64, previous: &Hash, last_leaf: Hash, bodies: &[&[u8]]) -> Result<()> {
        const BAD: Error = Error::InvalidArgument { field: "rows", reason: "the segment does not begin as it must" };
        let mut rows = Vec::new();
        let mut digest = None;
        for body in bodies {
            let start = SegmentStart::decode(body, &self.ledger_id)?;
            rows.extend_from_slice(&start.rows);
            digest = Some(start.keys);
        }
        if digest != Some(keys_digest(self.hash, &rows)) {
            return Err(BAD);
        }
        self.keys = KeyTable::decode(&rows)?;
        self.size = number << self.segment_bits;
        (self.last_leaf, self.last_time) = (last_leaf, 0);
        self.begin_segment(previous)
    }

    pub(super) fn ledger_id(&self) -> &Hash {
        &self.ledger_id
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { size: self.size, last_leaf: self.last_leaf, last_time: self.last_time, owed: self.owed.clone() }
    }

    pub(super) fn go_back(&mut self, mark: Mark) {
        self.keys.roll_back(mark.size);
        (self.size, self.last_leaf, self.last_time) = (mark.size, mark.last_leaf, mark.last_time);
        self.owed = mark.owed;
    }

    /// Whether the next entry is the first of a segment after the first one, and nobody has said so yet.
    pub(super) fn is_at_segment(&self) -> bool {
        self.size != 0 && self.size.trailing_zeros() >= self.segment_bits && self.owed.is_empty()
    }

    /// A segment begins: from now on its SEGMENT entries are owed. `previous` is the root of the one before.
    pub(super) fn begin_segment(&mut self, previous: &Hash) -> Result<()> {
        let number = self.size >> self.segment_bits;
        self.owed = segment_bodies(self.hash, &self.ledger_id, number, previous, &self.keys)?;
        self.owed.reverse();
        Ok(())
    }

    /// The body of the SEGMENT entry that must come next.
    pub(super) fn owed(&self) -> Option<&Vec<u8>> {
        self.owed.last()
    }

    /// Takes the next entry, whose leaf hash is `leaf`: place, chain, time, key in force, key changes. Neither the
    /// signature nor the statement id is checked here; the entry stands in a tree whose root is signed, or has been
    /// checked by the writer.
    pub(super) fn admit(&mut self, entry: &Entry<'_>, leaf: Hash) -> Result<()> {
        let index = self.size;
        if entry.index() != index {
            return Err(Error::InvalidEncoding { field: "seq", offset: 8, reason: "is not the index of the entry" });
        }
        if entry.prev() != self.last_leaf {
            return Err(Error::BrokenChain { index });
        }
        if entry.time() < self.last_time {
            return Err(Error::InvalidEncoding {
                field: "time",
                offset: 16,
                reason: "is earlier than the entry before",
            });
        }
        let key = self.keys.key_at(entry.key_idx(), index)?;
        if key.algorithm() != entry.algorithm() {
            return Err(Error::InvalidKey { field: "sig_alg", reason: "is not the algorithm of the key" });
        }
        self.apply_body(entry.kind(), entry.body(), entry.key_idx())?;
        self.size = index + 1;
        self.last_leaf = leaf;
        self.last_time = entry.time();
        Ok(())
    }

    /// What the body of entry `size` means to the ledger itself.
    fn apply_body(&mut self, kind: EntryType, body: &[u8], key_idx: u32) -> Result<()> {
        let misplaced = |reason| Err(Error::InvalidArgument { field: "type", reason });
        let index = self.size;
        if let Some(owed) = self.owed.last() {
            if kind != EntryType::Segment || key_idx != super::LEDGER_KEY || body != owed.as_slice() {
                return misplaced("a segment begins with its SEGMENT entries, signed by the ledger's key");
            }
            self.owed.pop();
            return Ok(());
        }
        match kind {
            EntryType::Genesis if index != 0 => misplaced("only entry 0 is the genesis"),
            _ if index == 0 && (kind != EntryType::Genesis || key_idx != super::LEDGER_KEY) => {
                misplaced("entry 0 is the genesis, signed by the ledger's key")
            }
            EntryType::Genesis if body != self.genesis_body => {
                Err(Error::InvalidArgument { field: "genesis", reason: "entry 0 does not hold the file `genesis`" })
            }
            EntryType::Genesis | EntryType::Statement => Ok(()),
            EntryType::Segment => misplaced("SEGMENT entries stand at the start of a segment only"),
            EntryType::KeyAdd | EntryType::KeyRevoke | EntryType::KeyRotate => {
                self.keys.apply(index, &key_change(kind, body, key_idx, &self.ledger_id)?)
            }
            EntryType::Redact | EntryType::Anchor => check_reference(kind, index, body, &self.ledger_id),
        }
    }
}

/// The key change in an entry of this type, signed with this row.
pub(super) fn key_change(kind: EntryType, body: &[u8], signer: u32, ledger_id: &Hash) -> Result<KeyChange> {
    let change = KeyChange::decode(body, ledger_id)?;
    if change.entry_type() != kind {
        return Err(Error::InvalidArgument { field: "kind", reason: "is not the type of the entry" });
    }
    match change {
        KeyChange::Rotate { key_idx, .. } if key_idx != signer => {
            Err(Error::InvalidArgument { field: "key_idx", reason: "a key is rotated with its own signature only" })
        }
        _ => Ok(change),
    }
}

/// A REDACT or ANCHOR entry at `index` speaks of what stands before it.
pub(super) fn check_reference(kind: EntryType, index: u64, body: &[u8], ledger_id: &Hash) -> Result<()> {
    if kind == EntryType::Redact {
        if Redaction::decode(body, ledger_id)?.entry >= index {
            return Err(Error::InvalidArgument { field: "entry", reason: "must be an entry before this one" });
        }
        return Ok(());
    }
    let size = Anchor::decode(body, ledger_id)?.size;
    if size == 0 || size > index {
        return Err(Error::InvalidArgument { field: "size", reason: "must be a checkpoint before this entry" });
    }
    Ok(())
}

/// The reason of an error about an entry, for a finding that names the offset instead.
pub(super) fn reason(error: Error) -> &'static str {
    match error {
        Error::InvalidEncoding { reason, .. }
        | Error::InvalidArgument { reason, .. }
        | Error::InvalidKey { reason, .. } => reason,
        Error::BrokenChain { .. } => "`prev` is not the leaf hash of the entry before",
        Error::InvalidLength { .. } => "a field has another length than its format",
        Error::InvalidSignature => "the signature does not verify",
        _ => "an entry cannot be read",
    }
}
