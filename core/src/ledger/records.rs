//! Bodies of the ledger's own entries that change no key: SEGMENT, REDACT and ANCHOR, closed maps of CBOR.
//!
//! A SEGMENT body follows from what stands before it, to the byte, so that it is checked by writing it again. A REDACT
//! or ANCHOR body is judged by its form and by the index that it names; whether its author may write it is authority's
//! matter, what an attestation proves is that of who knows its form.

use super::cbor::{Fields, Map, Value};
use super::keys::{KeyTable, ROW_LENGTH};
use super::merkle::Hash;
use crate::hash::HashAlgorithm;
use crate::{Error, Result};

/// Rows of the key table in one SEGMENT entry.
const ROWS: usize = 512;
/// The domain of the digest of a key table.
const KEYS_DOMAIN: &[u8] = b"sealcore keys v1";
/// The most commitments that one REDACT entry names.
pub const MAX_REDACTED: usize = 256;

/// The digest of a key table: H("sealcore keys v1" ‖ rows).
pub(super) fn keys_digest(hash: HashAlgorithm, rows: &[u8]) -> Hash {
    let mut hasher = hash.hasher();
    hasher.update(KEYS_DOMAIN);
    hasher.update(rows);
    hasher.finalize()
}

/// What the SEGMENT entries of segment `number` hold: the root of the segment before, and the key table in force, 512
/// rows in each entry.
pub(super) fn segment_bodies(
    hash: HashAlgorithm,
    ledger_id: &Hash,
    number: u64,
    previous: &Hash,
    keys: &KeyTable,
) -> Result<Vec<Vec<u8>>> {
    let rows = keys.encode();
    let digest = keys_digest(hash, &rows);
    let parts = rows.chunks(ROWS * ROW_LENGTH);
    let (count, mut bodies) = (parts.len(), Vec::with_capacity(parts.len()));
    for (part, rows) in parts.enumerate() {
        bodies.push(
            Value::map([
                ("kind", "segment".into()),
                ("ledger", ledger_id.as_slice().into()),
                ("number", int(number)?),
                ("previous", previous.as_slice().into()),
                ("keys", digest.as_slice().into()),
                ("part", int(part as u64)?),
                ("parts", int(count as u64)?),
                ("rows", rows.into()),
            ])
            .encode()?,
        );
    }
    Ok(bodies)
}

fn int(value: u64) -> Result<Value> {
    i64::try_from(value).map(Value::Int).map_err(|_| Error::InvalidArgument { field: "index", reason: "beyond 2^63" })
}

/// A SEGMENT entry as it stands by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SegmentStart {
    pub(super) number: u64,
    /// The root of the segment before.
    pub(super) previous: Hash,
    /// The digest of the whole key table.
    pub(super) keys: Hash,
    pub(super) part: u64,
    pub(super) parts: u64,
    /// Its part of the rows.
    pub(super) rows: Vec<u8>,
}

impl SegmentStart {
    pub(super) fn decode(body: &[u8], ledger_id: &Hash) -> Result<Self> {
        let mut fields = own("segment", body, ledger_id)?;
        let start = SegmentStart {
            number: index(&mut fields, "number")?,
            previous: fields.bytes("previous")?,
            keys: fields.bytes("keys")?,
            part: index(&mut fields, "part")?,
            parts: index(&mut fields, "parts")?,
            rows: blob(&mut fields, "rows")?,
        };
        fields.finish()?;
        Ok(start)
    }
}

/// The fields of one of these bodies, after its kind and its ledger.
fn own(kind: &'static str, body: &[u8], ledger_id: &Hash) -> Result<Fields> {
    let mut fields = Fields::new(kind, Value::decode(body)?)?;
    if fields.text("kind")? != kind {
        return Err(Error::InvalidArgument { field: "kind", reason: "is not the type of the entry" });
    }
    if fields.bytes::<32>("ledger")? != *ledger_id {
        return Err(Error::InvalidArgument { field: "ledger", reason: "names another ledger" });
    }
    Ok(fields)
}

fn index(fields: &mut Fields, name: &'static str) -> Result<u64> {
    u64::try_from(fields.int(name)?).map_err(|_| Error::InvalidArgument { field: name, reason: "is negative" })
}

fn blob(fields: &mut Fields, name: &'static str) -> Result<Vec<u8>> {
    match fields.required(name)? {
        Value::Bytes(bytes) => Ok(bytes),
        _ => Err(Error::InvalidArgument { field: name, reason: "must be a byte string" }),
    }
}

/// What a REDACT entry says: the values behind these commitments of an earlier entry have been erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redaction {
    /// The index of the entry.
    pub entry: u64,
    /// Its statement id.
    pub statement: Hash,
    /// The commitments whose values are gone, 1 to 256, ascending.
    pub fields: Vec<Hash>,
    /// A commitment H(salt16 ‖ reason).
    pub reason: Option<Hash>,
}

impl Redaction {
    /// The body of the entry; it names the ledger.
    ///
    /// # Errors
    /// `InvalidArgument` for field `fields` unless it holds 1 to 256 commitments in ascending order.
    pub fn encode(&self, ledger_id: &Hash) -> Result<Vec<u8>> {
        self.check()?;
        let fields = self.fields.iter().map(|field| field.as_slice().into()).collect();
        let mut map = Map::from_iter([
            ("kind", "redact".into()),
            ("ledger", ledger_id.as_slice().into()),
            ("entry", int(self.entry)?),
            ("stmt", self.statement.as_slice().into()),
            ("fields", Value::Array(fields)),
        ]);
        if let Some(reason) = &self.reason {
            map.insert("reason", reason.as_slice().into());
        }
        Value::Map(map).encode()
    }

    /// Reads the body of a REDACT entry of the ledger with this id.
    ///
    /// # Errors
    /// `InvalidEncoding`, `InvalidArgument` or `InvalidLength` naming the field that does not fit.
    pub fn decode(body: &[u8], ledger_id: &Hash) -> Result<Self> {
        const FIELDS: Error = Error::InvalidArgument { field: "fields", reason: "must be commitments of 32 bytes" };
        let mut map = own("redact", body, ledger_id)?;
        let Value::Array(list) = map.required("fields")? else { return Err(FIELDS) };
        let fields = list.into_iter().map(|value| match value {
            Value::Bytes(bytes) => Hash::try_from(bytes.as_slice()).map_err(|_| FIELDS),
            _ => Err(FIELDS),
        });
        let redaction = Redaction {
            entry: index(&mut map, "entry")?,
            statement: map.bytes("stmt")?,
            fields: fields.collect::<Result<_>>()?,
            reason: map.optional_bytes("reason")?,
        };
        map.finish()?;
        redaction.check()?;
        Ok(redaction)
    }

    fn check(&self) -> Result<()> {
        if !(1..=MAX_REDACTED).contains(&self.fields.len()) || !self.fields.is_sorted_by(|a, b| a < b) {
            return Err(Error::InvalidArgument {
                field: "fields",
                reason: "must be 1 to 256 commitments in ascending order",
            });
        }
        Ok(())
    }
}

/// What an ANCHOR entry keeps: an attestation by an outside party about an earlier checkpoint of this ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The size of the checkpoint.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// What `token` is, such as "rfc3161" or "cosignature"; 1 to 64 bytes.
    pub form: String,
    /// The attestation, 1 to 60,000 bytes.
    pub token: Vec<u8>,
}

impl Anchor {
    /// The body of the entry; it names the ledger.
    ///
    /// # Errors
    /// `InvalidArgument` for an empty or too long `form` or `token`.
    pub fn encode(&self, ledger_id: &Hash) -> Result<Vec<u8>> {
        self.check()?;
        Value::map([
            ("kind", "anchor".into()),
            ("ledger", ledger_id.as_slice().into()),
            ("size", int(self.size)?),
            ("root", self.root.as_slice().into()),
            ("form", self.form.as_str().into()),
            ("token", self.token.as_slice().into()),
        ])
        .encode()
    }

    /// Reads the body of an ANCHOR entry of the ledger with this id.
    ///
    /// # Errors
    /// `InvalidEncoding`, `InvalidArgument` or `InvalidLength` naming the field that does not fit.
    pub fn decode(body: &[u8], ledger_id: &Hash) -> Result<Self> {
        let mut fields = own("anchor", body, ledger_id)?;
        let anchor = Anchor {
            size: index(&mut fields, "size")?,
            root: fields.bytes("root")?,
            form: fields.text("form")?,
            token: blob(&mut fields, "token")?,
        };
        fields.finish()?;
        anchor.check()?;
        Ok(anchor)
    }

    fn check(&self) -> Result<()> {
        if self.form.is_empty() || self.form.len() > 64 {
            return Err(Error::InvalidArgument { field: "form", reason: "must be 1 to 64 bytes" });
        }
        if self.token.is_empty() || self.token.len() > 60_000 {
            return Err(Error::InvalidArgument { field: "token", reason: "must be 1 to 60000 bytes" });
        }
        Ok(())
    }
}
