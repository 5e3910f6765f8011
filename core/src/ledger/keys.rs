//! The key table: which key may sign an entry at which index, built from the ledger alone.
//!
//! Row 0 is the ledger's own key, row 1 the founder's, both from the genesis; each KEY_ADD appends a row, in force from
//! the entry after it, a KEY_REVOKE ends one, in force up to and including itself, and a KEY_ROTATE does both. A key stands in the table once:
//! an old KEY_ADD cannot be replayed to bring a revoked key back. Who may add and revoke is decided by authority.

use std::collections::HashSet;

use super::cbor::{Fields, Map, Value};
use super::entry::{EntryType, algorithm_number};
use super::merkle::Hash;
use crate::sign::{Algorithm, VerifyingKey};
use crate::{Error, Result};

/// The row of the ledger's own key.
pub const LEDGER_KEY: u32 = 0;
/// The row of the founder's key.
pub const FOUNDER_KEY: u32 = 1;

/// A row in a SEGMENT entry: algorithm, point, from, until (ff..ff: in force), whether labelled, label.
pub(super) const ROW_LENGTH: usize = 1 + 65 + 8 + 8 + 1 + 32;

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

/// What a KEY_ADD, KEY_REVOKE or KEY_ROTATE body says.
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
    /// A row ends, and another begins in its place. Signed with the key that ends, which vouches for the new one.
    Rotate {
        /// The row that ends.
        key_idx: u32,
        /// The new key.
        key: VerifyingKey,
        /// A commitment H(salt16 ‖ name) to whose key it is.
        label: Option<Hash>,
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
            KeyChange::Rotate { key_idx, key, label } => {
                map = key_value(key);
                map.insert("kind", "key-rotate".into());
                map.insert("key_idx", Value::Int(i64::from(*key_idx)));
                label.map(|label| ("label", label))
            }
        };
        map.insert("ledger", ledger_id.as_slice().into());
        if let Some((name, commitment)) = commitment {
            map.insert(name, commitment.as_slice().into());
        }
        Value::Map(map).encode()
    }

    /// The type of the entry that carries this change.
    pub fn entry_type(&self) -> EntryType {
        match self {
            KeyChange::Add { .. } => EntryType::KeyAdd,
            KeyChange::Revoke { .. } => EntryType::KeyRevoke,
            KeyChange::Rotate { .. } => EntryType::KeyRotate,
        }
    }

    /// Reads the body of a KEY_ADD, KEY_REVOKE or KEY_ROTATE entry of the ledger with this id.
    ///
    /// # Errors
    /// `InvalidEncoding`, `InvalidArgument`, `InvalidLength` or `InvalidKey` naming the field that does not fit.
    pub fn decode(body: &[u8], ledger_id: &Hash) -> Result<Self> {
        let mut fields = Fields::new("key change", Value::decode(body)?)?;
        if fields.bytes::<32>("ledger")? != *ledger_id {
            return Err(Error::InvalidArgument { field: "ledger", reason: "names another ledger" });
        }
        let row = |fields: &mut Fields| {
            u32::try_from(fields.int("key_idx")?)
                .map_err(|_| Error::InvalidArgument { field: "key_idx", reason: "no row number" })
        };
        let change = match fields.text("kind")?.as_str() {
            "key-add" => KeyChange::Add { key: take_key(&mut fields)?, label: fields.optional_bytes("label")? },
            "key-revoke" => KeyChange::Revoke { key_idx: row(&mut fields)?, reason: fields.optional_bytes("reason")? },
            "key-rotate" => KeyChange::Rotate {
                key_idx: row(&mut fields)?,
                key: take_key(&mut fields)?,
                label: fields.optional_bytes("label")?,
            },
            _ => {
                return Err(Error::InvalidArgument {
                    field: "kind",
                    reason: "must be \"key-add\", \"key-revoke\" or \"key-rotate\"",
                });
            }
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
            KeyChange::Add { key, label } => self.add(index, key, label),
            KeyChange::Revoke { key_idx, .. } => {
                self.row_to_end(key_idx)?.until = Some(index);
                Ok(())
            }
            KeyChange::Rotate { key_idx, key, label } => {
                self.row_to_end(key_idx)?;
                self.add(index, key, label)?;
                self.row_to_end(key_idx)?.until = Some(index);
                Ok(())
            }
        }
    }

    fn add(&mut self, index: u64, key: VerifyingKey, label: Option<Hash>) -> Result<()> {
        if u32::try_from(self.rows.len()).is_err() {
            return Err(Error::InvalidKey { field: "key", reason: "the key table is full" });
        }
        if !self.points.insert(key.to_sec1()) {
            return Err(Error::InvalidKey {
                field: "key",
                reason: "already in the key table: a key comes in once, for good",
            });
        }
        self.rows.push(KeyRow { key, label, from: index + 1, until: None });
        Ok(())
    }

    /// The row that may be ended now.
    fn row_to_end(&mut self, key_idx: u32) -> Result<&mut KeyRow> {
        let invalid = |reason| Error::InvalidKey { field: "key_idx", reason };
        if key_idx == LEDGER_KEY {
            return Err(invalid("the ledger's own key cannot be revoked inside the ledger"));
        }
        let row = self.rows.get_mut(key_idx as usize).ok_or(invalid("the key table has no such row"))?;
        if row.until.is_some() { Err(invalid("this key is already revoked")) } else { Ok(row) }
    }

    /// Every row as SEGMENT entries carry it, [`ROW_LENGTH`] bytes each.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.rows.len() * ROW_LENGTH);
        for row in &self.rows {
            out.push(algorithm_number(row.key.algorithm()));
            out.extend_from_slice(&row.key.to_sec1());
            out.extend_from_slice(&row.from.to_be_bytes());
            out.extend_from_slice(&row.until.unwrap_or(u64::MAX).to_be_bytes());
            out.push(u8::from(row.label.is_some()));
            out.extend_from_slice(&row.label.unwrap_or_default());
        }
        out
    }

    /// The inverse of [`KeyTable::encode`].
    ///
    /// # Errors
    /// `InvalidEncoding` or `InvalidKey` for what no table encodes to.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let bad = |reason| Error::InvalidEncoding { field: "rows", offset: 0, reason };
        let mut table = KeyTable { rows: Vec::new(), points: HashSet::new() };
        for row in bytes.chunks(ROW_LENGTH) {
            let row: &[u8; ROW_LENGTH] = row.try_into().map_err(|_| bad("not whole rows of 115 bytes"))?;
            let algorithm = match row[0] {
                1 => Algorithm::P256,
                2 => Algorithm::Sm2,
                _ => return Err(bad("an algorithm other than 1 and 2")),
            };
            let number = |at: usize| row[at..at + 8].iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
            let mut label = [0; 32];
            label.copy_from_slice(&row[83..]);
            let key = VerifyingKey::from_sec1(algorithm, &row[1..66])?;
            if !table.points.insert(key.to_sec1()) {
                return Err(bad("a key stands in the table twice"));
            }
            if row[82] > 1 || (row[82] == 0 && label != [0; 32]) {
                return Err(bad("a label without its mark"));
            }
            table.rows.push(KeyRow {
                key,
                label: (row[82] == 1).then_some(label),
                from: number(66),
                until: Some(number(74)).filter(|until| *until != u64::MAX),
            });
        }
        if table.rows.len() < 2 { Err(bad("fewer rows than the genesis has")) } else { Ok(table) }
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
