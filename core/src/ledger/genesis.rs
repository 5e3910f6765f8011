//! The genesis: the parameters of a ledger. Its CBOR is the body of entry 0 and, byte for byte, the file `genesis`.
//!
//! The statement id of that body is the ledger's id: statements that must not be replayed elsewhere name it.

use super::cbor::{Fields, Value};
use super::entry::statement_id;
use super::keys::{KeyTable, key_value, take_key};
use super::merkle::Hash;
use crate::hash::HashAlgorithm;
use crate::sign::VerifyingKey;
use crate::{Error, Result};

/// The longest origin in bytes.
pub const MAX_ORIGIN_LENGTH: usize = 255;
/// log2 of the entries in a segment, unless a ledger says otherwise.
const SEGMENT_BITS: u32 = 16;
/// log2 of the entries in the smallest segment: one bundle.
const MIN_SEGMENT_BITS: u32 = 8;

/// The parameters of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    origin: String,
    hash: HashAlgorithm,
    ledger_key: VerifyingKey,
    founder_key: VerifyingKey,
    nonce: [u8; 16],
    segment_bits: u32,
}

/// Refuses an origin that could not stand as a key name in a signed note for the ledger's whole life.
fn check_origin(origin: &str) -> Result<()> {
    if origin.is_empty() || origin.len() > MAX_ORIGIN_LENGTH {
        return Err(Error::InvalidArgument {
            field: "origin",
            reason: "must be 1 to 255 bytes long, such as \"example.com/seals\"",
        });
    }
    if !origin.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/:".contains(&b)) {
        return Err(Error::InvalidArgument {
            field: "origin",
            reason: "may hold ASCII letters, digits and - . _ ~ / : only, such as \"example.com/seals\"",
        });
    }
    Ok(())
}

impl Genesis {
    /// The parameters of a new ledger, with a fresh random nonce.
    ///
    /// # Errors
    /// `InvalidArgument` for an origin that cannot be a key name of a signed note, or when both keys are one;
    /// `RandomSource` when the operating system's random source fails.
    pub fn new(origin: &str, hash: HashAlgorithm, ledger_key: VerifyingKey, founder_key: VerifyingKey) -> Result<Self> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|_| Error::RandomSource)?;
        Genesis::with_nonce(origin, hash, ledger_key, founder_key, nonce)
    }

    /// The same with a given nonce, so that frozen vectors can be made again.
    ///
    /// # Errors
    /// As [`Genesis::new`].
    pub fn with_nonce(
        origin: &str,
        hash: HashAlgorithm,
        ledger_key: VerifyingKey,
        founder_key: VerifyingKey,
        nonce: [u8; 16],
    ) -> Result<Self> {
        check_origin(origin)?;
        if ledger_key == founder_key {
            return Err(Error::InvalidArgument { field: "founder_key", reason: "must not be the ledger's own key" });
        }
        Ok(Genesis { origin: origin.to_owned(), hash, ledger_key, founder_key, nonce, segment_bits: SEGMENT_BITS })
    }

    /// The same with segments of 2^`bits` entries, 8 to 16; small ones are for tests.
    ///
    /// # Errors
    /// `InvalidArgument` for another number.
    pub fn with_segment_bits(mut self, bits: u32) -> Result<Self> {
        if !(MIN_SEGMENT_BITS..=SEGMENT_BITS).contains(&bits) {
            return Err(Error::InvalidArgument { field: "segment_bits", reason: "must be 8 to 16" });
        }
        self.segment_bits = bits;
        Ok(self)
    }

    /// log2 of the entries in a segment.
    pub fn segment_bits(&self) -> u32 {
        self.segment_bits
    }

    /// The origin: the name of the ledger in its checkpoints, for its whole life.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The hash of the tree and of the statement ids.
    pub fn hash(&self) -> HashAlgorithm {
        self.hash
    }

    /// The key that signs checkpoints; row 0 of the key table.
    pub fn ledger_key(&self) -> &VerifyingKey {
        &self.ledger_key
    }

    /// The founder's key; row 1 of the key table.
    pub fn founder_key(&self) -> &VerifyingKey {
        &self.founder_key
    }

    /// The key table after entry 0.
    pub fn key_table(&self) -> KeyTable {
        KeyTable::new(self.ledger_key, self.founder_key)
    }

    /// The ledger's id: the statement id of the genesis body.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn id(&self) -> Result<Hash> {
        Ok(statement_id(self.hash, &self.encode()?))
    }

    /// The body of entry 0.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn encode(&self) -> Result<Vec<u8>> {
        Value::map([
            ("kind", "genesis".into()),
            ("origin", self.origin.as_str().into()),
            ("hash", self.hash.name().into()),
            ("ledger_key", Value::Map(key_value(&self.ledger_key))),
            ("founder_key", Value::Map(key_value(&self.founder_key))),
            ("nonce", self.nonce.as_slice().into()),
            ("segment_bits", Value::Int(i64::from(self.segment_bits))),
        ])
        .encode()
    }

    /// Reads the body of entry 0.
    ///
    /// # Errors
    /// `InvalidEncoding`, `InvalidArgument`, `InvalidLength` or `InvalidKey` naming the field that does not fit.
    pub fn decode(body: &[u8]) -> Result<Self> {
        let mut fields = Fields::new("genesis", Value::decode(body)?)?;
        if fields.text("kind")? != "genesis" {
            return Err(Error::InvalidArgument { field: "kind", reason: "must be \"genesis\"" });
        }
        let key = |value: Value| -> Result<VerifyingKey> {
            let mut inner = Fields::new("genesis key", value)?;
            let key = take_key(&mut inner)?;
            inner.finish()?;
            Ok(key)
        };
        let segment_bits = u32::try_from(fields.int("segment_bits")?).unwrap_or(u32::MAX);
        let genesis = Genesis::with_nonce(
            &fields.text("origin")?,
            HashAlgorithm::from_name(&fields.text("hash")?)?,
            key(fields.required("ledger_key")?)?,
            key(fields.required("founder_key")?)?,
            fields.bytes("nonce")?,
        )?
        .with_segment_bits(segment_bits)?;
        fields.finish()?;
        Ok(genesis)
    }
}
