//! What verification of consecutive sealed segments leaves behind: enough to join it with its neighbours, on any
//! machine and in any grouping, and to go on from it later.

use super::super::cbor::{Fields, Value};
use super::super::entry::EntryType;
use super::super::keys::KeyTable;
use super::super::merkle::{CompactRange, Hash};
use super::super::records::keys_digest;
use crate::hash::HashAlgorithm;
use crate::{Error, Result};

/// How much of a ledger is verified; each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// L0: headers, frames, fields, order and key table of sealed segments, and their footers against the newest
    /// checkpoint; no entry of theirs is hashed.
    Structure,
    /// L1: hashes, chain, tree.
    Tree,
    /// L2: every checkpoint that was ever released.
    Checkpoints,
    /// L3: every entry's statement id and signature.
    Signatures,
    /// L4: what the statements mean, replayed by the layer above.
    Authority,
}

impl Level {
    /// 0 to 4.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The inverse of [`Level::number`].
    ///
    /// # Errors
    /// `InvalidArgument` for another number.
    pub fn from_number(number: u8) -> Result<Self> {
        match number {
            0 => Ok(Level::Structure),
            1 => Ok(Level::Tree),
            2 => Ok(Level::Checkpoints),
            3 => Ok(Level::Signatures),
            4 => Ok(Level::Authority),
            _ => Err(Error::InvalidArgument { field: "level", reason: "must be 0 to 4" }),
        }
    }
}

/// Consecutive sealed segments in which nothing is wrong.
///
/// It says what stands in them, not that the ledger's key has signed it: that is found by comparing the roots of all
/// with a signed checkpoint. It is as trustworthy as where it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub(super) ledger: Hash,
    pub(super) hash: HashAlgorithm,
    pub(super) level: Level,
    pub(super) range: CompactRange,
    /// `prev` of the first entry.
    pub(super) first_prev: Hash,
    pub(super) last_leaf: Hash,
    /// The digest of the key table with which it begins.
    pub(super) keys_in: Hash,
    /// The rows of the key table with which it ends.
    pub(super) rows: Vec<u8>,
    pub(super) first_time: u64,
    pub(super) last_time: u64,
    pub(super) entries: [u64; EntryType::ALL.len()],
    pub(super) signatures: u64,
    pub(super) bytes: u64,
}

impl Summary {
    /// The index of the first entry.
    pub fn start(&self) -> u64 {
        self.range.begin()
    }

    /// The index after the last entry.
    pub fn end(&self) -> u64 {
        self.range.end()
    }

    /// The level up to which nothing is wrong.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Joins the summary of the segments that follow.
    ///
    /// # Errors
    /// `InvalidArgument` when it is of another ledger or does not begin where this one ends; `BrokenChain`,
    /// `InvalidKey` or `InvalidEncoding` when the two contradict each other in chain, key table or time.
    pub fn merge(&mut self, right: &Summary) -> Result<()> {
        if (right.ledger, right.hash) != (self.ledger, self.hash) || right.start() != self.end() {
            let reason = "must be of the same ledger and begin where the other ends";
            return Err(Error::InvalidArgument { field: "summary", reason });
        }
        if right.first_prev != self.last_leaf {
            return Err(Error::BrokenChain { index: right.start() });
        }
        if right.keys_in != keys_digest(self.hash, &self.rows) {
            let reason = "the segment begins with another key table than the one before ends with";
            return Err(Error::InvalidKey { field: "keys", reason });
        }
        if right.first_time < self.last_time {
            let reason = "is earlier than the entry before";
            return Err(Error::InvalidEncoding { field: "time", offset: 16, reason });
        }
        self.range.join(&right.range)?;
        self.level = self.level.min(right.level);
        (self.last_leaf, self.last_time) = (right.last_leaf, right.last_time);
        self.rows.clone_from(&right.rows);
        self.entries.iter_mut().zip(right.entries).for_each(|(count, more)| *count += more);
        self.signatures += right.signatures;
        self.bytes += right.bytes;
        Ok(())
    }

    pub(super) fn keys(&self) -> Result<KeyTable> {
        KeyTable::decode(&self.rows)
    }

    /// The summary as deterministic CBOR, to be kept or sent.
    ///
    /// # Errors
    /// `InvalidArgument` for a number beyond 2^63, which no ledger reaches.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let int = |value: u64| {
            i64::try_from(value)
                .map(Value::Int)
                .map_err(|_| Error::InvalidArgument { field: "summary", reason: "a number beyond 2^63" })
        };
        let hashes: Vec<u8> = self.range.hashes().flatten().copied().collect();
        Value::map([
            ("kind", "summary".into()),
            ("ledger", self.ledger.as_slice().into()),
            ("hash", self.hash.name().into()),
            ("level", Value::Int(i64::from(self.level.number()))),
            ("start", int(self.start())?),
            ("end", int(self.end())?),
            ("range", hashes.as_slice().into()),
            ("first_prev", self.first_prev.as_slice().into()),
            ("last_leaf", self.last_leaf.as_slice().into()),
            ("keys_in", self.keys_in.as_slice().into()),
            ("rows", Value::Array(self.rows.chunks(1 << 15).map(Into::into).collect())),
            ("first_time", int(self.first_time)?),
            ("last_time", int(self.last_time)?),
            ("entries", Value::Array(self.entries.iter().map(|count| int(*count)).collect::<Result<_>>()?)),
            ("signatures", int(self.signatures)?),
            ("bytes", int(self.bytes)?),
        ])
        .encode()
    }

    /// Reads what [`Summary::encode`] made.
    ///
    /// # Errors
    /// `InvalidEncoding`, `InvalidArgument`, `InvalidLength` or `InvalidKey` naming the field that does not fit.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let bad = |field| Error::InvalidArgument { field, reason: "is not that of a summary" };
        let mut fields = Fields::new("summary", Value::decode(bytes)?)?;
        if fields.text("kind")? != "summary" {
            return Err(bad("kind"));
        }
        let number = |value: i64, field| u64::try_from(value).map_err(|_| bad(field));
        let hash = HashAlgorithm::from_name(&fields.text("hash")?)?;
        let level = u8::try_from(fields.int("level")?).map_err(|_| bad("level"))?;
        let (start, end) = (number(fields.int("start")?, "start")?, number(fields.int("end")?, "end")?);
        let Value::Bytes(range) = fields.required("range")? else { return Err(bad("range")) };
        let (range, []) = range.as_chunks::<32>() else { return Err(bad("range")) };
        let mut hashes = range.iter();
        let (Value::Array(parts), Value::Array(counts)) = (fields.required("rows")?, fields.required("entries")?)
        else {
            return Err(bad("rows"));
        };
        let mut rows = Vec::new();
        for part in parts {
            let Value::Bytes(part) = part else { return Err(bad("rows")) };
            rows.extend_from_slice(&part);
        }
        let mut entries = [0; EntryType::ALL.len()];
        if counts.len() != entries.len() {
            return Err(bad("entries"));
        }
        for (count, value) in entries.iter_mut().zip(counts) {
            let Value::Int(value) = value else { return Err(bad("entries")) };
            *count = number(value, "entries")?;
        }
        let summary = Summary {
            ledger: fields.bytes("ledger")?,
            hash,
            // What statements mean is never in the summary of a part.
            level: Level::from_number(level).ok().filter(|l| *l < Level::Authority).ok_or(bad("level"))?,
            range: CompactRange::covering(hash, start, end, &mut |_, _| hashes.next().copied().ok_or(bad("range")))?,
            first_prev: fields.bytes("first_prev")?,
            last_leaf: fields.bytes("last_leaf")?,
            keys_in: fields.bytes("keys_in")?,
            rows,
            first_time: number(fields.int("first_time")?, "first_time")?,
            last_time: number(fields.int("last_time")?, "last_time")?,
            entries,
            signatures: number(fields.int("signatures")?, "signatures")?,
            bytes: number(fields.int("bytes")?, "bytes")?,
        };
        fields.finish()?;
        if hashes.next().is_some() {
            return Err(bad("range"));
        }
        summary.keys()?;
        if start >= end || entries.iter().try_fold(0u64, |sum, count| sum.checked_add(*count)) != Some(end - start) {
            return Err(bad("entries"));
        }
        Ok(summary)
    }
}
