//! The key table: which key may sign an entry at which index, built from the ledger alone.
//!
//! Row 0 is the ledger's own key, row 1 the founder's, both from the genesis; each KEY_ADD appends a row, in force from
//! the entry after it, and a KEY_REVOKE ends one, in force up to and including itself. A key stands in the table once:
//! an old KEY_ADD cannot be replayed to bring a revoked key back. Who may add and revoke is decided by authority.

use std::collections::HashSet;

use super::cbor::{Fields, Map, Value};
use super::merkle::Hash;
use crate::sign::{Algorithm, VerifyingKey};
use crate::{Error, Result};

/// The row of the ledger's own key.
pub const LEDGER_KEY: u32 = 0;
/// The row of the founder's key.
pub const FOUNDER_KEY: u32 = 1;

/// One row of the key table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// The key.
    pub key: VerifyingKey,
    /// A commitment to whose key it is, from the KEY_ADD.
    pub label: Option<Hash>,
    /// The first index at which the key is in force.
    pub from: u64,
    /// The index of the KEY_REVOKE, the last at which the key is in force.
    pub until: Option<u64>,
}

impl KeyRow {
    /// Whether an entry at `index` may be signed with this key.
    pub fn in_force(&self, index: u64) -> bool {
        self.from <= index && self.until.is_none_or(|until| index <= until)
    }
}

/// What a KEY_ADD or KEY_REVOKE body says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// A key comes in.
    Add {
        /// The new key.
        key: VerifyingKey,
        /// A commitment H(salt16 ‖ name) to whose key it is.
        label: Option<Hash>,
    },
    /// A row ends.
    Revoke {
        /// The row.
        key_idx: u32,
        /// A commitment to the reason.
        reason: Option<Hash>,
    },
}

/// A key as a CBOR map {alg, key}; `key` is the uncompressed point.
pub(super) fn key_value(key: &VerifyingKey) -> Map {
    Map::from_iter([("alg", key.algorithm().name().into()), ("key", Value::Bytes(key.to_sec1().to_vec()))])
}

/// Takes `alg` and `key` out of a map.
pub(super) fn take_key(fields: &mut Fields) -> Result<VerifyingKey> {
    let algorithm = Algorithm::from_name(&fields.text("alg")?)?;
    VerifyingKey::from_sec1(algorithm, &fields.bytes::<65>("key")?)
}

impl KeyChange {
    /// The body of the entry. It names the ledger, so that it cannot be replayed into another one.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn encode(&self, ledger_id: &Hash) -> Result<Vec<u8>> {
        let mut map = Map::new();
        let commitment = match self {
            KeyChange::Add { key, label } => {
                map = key_value(key);
                map.insert("kind", "key-add".into());
                label.map(|label| ("label", label))
            }
            KeyChange::Revoke { key_idx, reason } => {
                map.insert("kind", "key-revoke".into());
                map.insert("key_idx", Value::Int(i64::from(*key_idx)));
                reason.map(|reason| ("reason", reason))
            }
        };
        map.insert("ledger", ledger_id.as_slice().into());
        if let Some((name, commitment)) = commitment {
            map.insert(name, commitment.as_slice().into());
        }
        Value::Map(map).encode()
    }

    /// Reads the body of a KEY_ADD or KEY_REVOKE entry of the ledger with this id.
    ///
    /// # Errors
    /// `InvalidEncoding`, `InvalidArgument`, `InvalidLength` or `InvalidKey` naming the field that does not fit.
    pub fn decode(body: &[u8], ledger_id: &Hash) -> Result<Self> {
        let mut fields = Fields::new("key change", Value::decode(body)?)?;
        if fields.bytes::<32>("ledger")? != *ledger_id {
            return Err(Error::InvalidArgument { field: "ledger", reason: "names another ledger" });
        }
        let change = match fields.text("kind")?.as_str() {
            "key-add" => KeyChange::Add { key: take_key(&mut fields)?, label: fields.optional_bytes("label")? },
            "key-revoke" => KeyChange::Revoke {
                key_idx: u32::try_from(fields.int("key_idx")?)
                    .map_err(|_| Error::InvalidArgument { field: "key_idx", reason: "no row number" })?,
                reason: fields.optional_bytes("reason")?,
            },
            _ => return Err(Error::InvalidArgument { field: "kind", reason: "must be \"key-add\" or \"key-revoke\"" }),
        };
        fields.finish()?;
        Ok(change)
    }
}

/// The key table of one ledger up to some entry.
#[derive(Clone, Debug)]
pub struct KeyTable {
    rows: Vec<KeyRow>,
    points: HashSet<[u8; 65]>,
}

impl KeyTable {
    /// The table after the genesis entry.
    pub(super) fn new(ledger_key: VerifyingKey, founder_key: VerifyingKey) -> Self {
        let rows = vec![
            KeyRow { key: ledger_key, label: None, from: 0, until: None },
            KeyRow { key: founder_key, label: None, from: 1, until: None },
        ];
        let points = rows.iter().map(|row| row.key.to_sec1()).collect();
        KeyTable { rows, points }
    }

    /// Every row, revoked ones too.
    pub fn rows(&self) -> &[KeyRow] {
        &self.rows
    }

    /// The key that may sign an entry at `index` under this row number.
    ///
    /// # Errors
    /// `InvalidKey` when there is no such row or it is not in force at that index.
    pub fn key_at(&self, key_idx: u32, index: u64) -> Result<&VerifyingKey> {
        match self.rows.get(key_idx as usize) {
            Some(row) if row.in_force(index) => Ok(&row.key),
            Some(row) if index < row.from => {
                Err(Error::InvalidKey { field: "key_idx", reason: "this key came into force after this entry" })
            }
            Some(_) => Err(Error::InvalidKey { field: "key_idx", reason: "this key was revoked before this entry" }),
            None => Err(Error::InvalidKey { field: "key_idx", reason: "the key table has no such row" }),
        }
    }

    /// Applies the change that stands in entry `index`.
    ///
    /// # Errors
    /// `InvalidKey` when a key comes a second time, or the row to end does not exist, has ended, or is the ledger's own.
    pub(super) fn apply(&mut self, index: u64, change: &KeyChange) -> Result<()> {
        match *change {
            KeyChange::Add { key, label } => {
                if !self.points.insert(key.to_sec1()) {
                    return Err(Error::InvalidKey {
                        field: "key",
                        reason: "already in the key table: a key comes in once, for good",
                    });
                }
                if u32::try_from(self.rows.len()).is_err() {
                    return Err(Error::InvalidKey { field: "key", reason: "the key table is full" });
                }
                self.rows.push(KeyRow { key, label, from: index + 1, until: None });
            }
            KeyChange::Revoke { key_idx, .. } => {
                if key_idx == LEDGER_KEY {
                    return Err(Error::InvalidKey {
                        field: "key_idx",
                        reason: "the ledger's own key cannot be revoked inside the ledger",
                    });
                }
                let row = self
                    .rows
                    .get_mut(key_idx as usize)
                    .ok_or(Error::InvalidKey { field: "key_idx", reason: "the key table has no such row" })?;
                if row.until.is_some() {
                    return Err(Error::InvalidKey { field: "key_idx", reason: "this key is already revoked" });
                }
                row.until = Some(index);
            }
        }
        Ok(())
    }

    /// Keeps the number of a row whose KEY_ADD cannot be read, so that later rows keep theirs; the caller remembers that
    /// there is no key in it.
    pub(super) fn add_unreadable(&mut self, index: u64) -> u32 {
        self.rows.push(KeyRow { label: None, from: index + 1, until: None, ..self.rows[0] });
        u32::try_from(self.rows.len() - 1).unwrap_or(u32::MAX)
    }

    /// Takes back every change from entry `index` on.
    pub(super) fn roll_back(&mut self, index: u64) {
        while let Some(row) = self.rows.last()
            && row.from > index
            && self.rows.len() > 2
        {
            self.points.remove(&row.key.to_sec1());
            self.rows.pop();
        }
        for row in &mut self.rows {
            row.until = row.until.filter(|until| *until < index);
        }
    }
}
