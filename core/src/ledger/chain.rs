//! What an entry must be at its place: the strict state that writer and readers carry from entry to entry.

use super::entry::{Entry, EntryType};
use super::genesis::Genesis;
use super::keys::{KeyChange, KeyTable};
use super::merkle::Hash;
use crate::{Error, Result};

/// The state after the entries so far.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    genesis_body: Vec<u8>,
    ledger_id: Hash,
    pub(super) size: u64,
    /// The leaf hash of the last entry; zeros before entry 0.
    pub(super) last_leaf: Hash,
    pub(super) last_time: u64,
    pub(super) keys: KeyTable,
}

impl Chain {
    /// The state before entry 0.
    pub(super) fn new(genesis: &Genesis) -> Result<Self> {
        Ok(Chain {
            genesis_body: genesis.encode()?,
            ledger_id: genesis.id()?,
            size: 0,
            last_leaf: [0; 32],
            last_time: 0,
            keys: genesis.key_table(),
        })
    }

    pub(super) fn ledger_id(&self) -> &Hash {
        &self.ledger_id
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
    pub(super) fn apply_body(&mut self, kind: EntryType, body: &[u8], key_idx: u32) -> Result<()> {
        let index = self.size;
        match kind {
            EntryType::Genesis if index != 0 => {
                Err(Error::InvalidArgument { field: "type", reason: "only entry 0 is the genesis" })
            }
            _ if index == 0 && (kind != EntryType::Genesis || key_idx != super::LEDGER_KEY) => {
                Err(Error::InvalidArgument {
                    field: "type",
                    reason: "entry 0 is the genesis, signed by the ledger's key",
                })
            }
            EntryType::Genesis if body != self.genesis_body => {
                Err(Error::InvalidArgument { field: "genesis", reason: "entry 0 does not hold the file `genesis`" })
            }
            EntryType::Genesis | EntryType::Statement => Ok(()),
            EntryType::KeyAdd | EntryType::KeyRevoke => {
                let change = KeyChange::decode(body, &self.ledger_id)?;
                if matches!(change, KeyChange::Add { .. }) != (kind == EntryType::KeyAdd) {
                    return Err(Error::InvalidArgument { field: "kind", reason: "is not the type of the entry" });
                }
                self.keys.apply(index, &change)
            }
        }
    }
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
