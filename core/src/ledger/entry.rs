//! The entry: a fixed header of 96 bytes, a raw signature, a body. Frozen; an old ledger cannot be changed.
//!
//! The stored bytes are what is hashed, nothing is ever serialised again to verify. The person signs the body's
//! digest (`stmt`), not the place in the ledger; index, time and predecessor are fixed by the writer and hashed with it.

use super::merkle::{Hash, leaf_hash};
use crate::hash::HashAlgorithm;
use crate::sign::{Algorithm, Signature, VerifyingKey};
use crate::{Error, Result};

/// The first two bytes of every entry: `S`, then the format version.
pub const MAGIC: [u8; 2] = [0x53, 0x01];
/// The length of the fixed header in bytes.
pub const HEADER_LENGTH: usize = 96;
/// The length of every signature of this version: r ‖ s.
pub const SIGNATURE_LENGTH: usize = 64;
/// The longest entry, so that a C2SP entry bundle (u16 length) can hold it.
pub const MAX_ENTRY_LENGTH: usize = 65_535;
/// The longest body.
pub const MAX_BODY_LENGTH: usize = MAX_ENTRY_LENGTH - HEADER_LENGTH - SIGNATURE_LENGTH;
/// The latest time: 2^63 - 1 µs, so that a signed 64-bit number holds every time.
pub const MAX_TIME: u64 = i64::MAX as u64;

/// The flag that says that the hint byte holds something.
pub const FLAG_HINT: u8 = 1;
const HINT_MASK: u8 = 3;

const BODY_DOMAIN: &[u8] = b"sealcore body v1";
const STATEMENT_DOMAIN: &[u8] = b"sealcore stmt v1";

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum EntryType {
    /// The parameters of the ledger; entry 0 and no other.
    Genesis = 0,
    /// A statement of authority; the ledger does not look inside.
    Statement = 1,
    /// Adds a row to the key table.
    KeyAdd = 2,
    /// Ends a row of the key table.
    KeyRevoke = 3,
    /// Says that personal values behind commitments of an earlier entry have been erased.
    Redact = 4,
    /// Begins a segment: the root of the one before and the whole key table; only the writer makes it.
    Segment = 5,
    /// Keeps what an outside party has attested about an earlier checkpoint.
    Anchor = 6,
    /// Ends a row of the key table and adds another in its place; signed with the key that ends.
    KeyRotate = 7,
}

impl EntryType {
    /// Every type, in the order of the numbers.
    pub const ALL: [EntryType; 8] = [
        EntryType::Genesis,
        EntryType::Statement,
        EntryType::KeyAdd,
        EntryType::KeyRevoke,
        EntryType::Redact,
        EntryType::Segment,
        EntryType::Anchor,
        EntryType::KeyRotate,
    ];

    /// `"genesis"`, `"statement"`, `"key-add"`, `"key-revoke"`, `"redact"`, `"segment"`, `"anchor"` or `"key-rotate"`.
    pub fn name(self) -> &'static str {
        match self {
            EntryType::Genesis => "genesis",
            EntryType::Statement => "statement",
            EntryType::KeyAdd => "key-add",
            EntryType::KeyRevoke => "key-revoke",
            EntryType::Redact => "redact",
            EntryType::Segment => "segment",
            EntryType::Anchor => "anchor",
            EntryType::KeyRotate => "key-rotate",
        }
    }

    /// The inverse of [`EntryType::name`].
    ///
    /// # Errors
    /// `InvalidArgument` for any other name.
    pub fn from_name(name: &str) -> Result<Self> {
        EntryType::ALL.into_iter().find(|t| t.name() == name).ok_or(Error::InvalidArgument {
            field: "type",
            reason: "must be genesis, statement, key-add, key-revoke, key-rotate, redact, segment or anchor",
        })
    }

    fn from_number(number: u8) -> Result<Self> {
        EntryType::ALL.get(usize::from(number)).copied().ok_or(invalid("type", 2, "no such entry type"))
    }
}

/// The number of a signature algorithm in `sig_alg`: 1 ECDSA P-256 with SHA-256, 2 SM2 with SM3.
pub(super) fn algorithm_number(algorithm: Algorithm) -> u8 {
    match algorithm {
        Algorithm::P256 => 1,
        Algorithm::Sm2 => 2,
    }
}

fn invalid(field: &'static str, offset: usize, reason: &'static str) -> Error {
    Error::InvalidEncoding { field, offset, reason }
}

/// The statement id of a body: H("sealcore body v1" ‖ body).
pub fn statement_id(hash: HashAlgorithm, body: &[u8]) -> Hash {
    let mut hasher = hash.hasher();
    hasher.update(BODY_DOMAIN);
    hasher.update(body);
    hasher.finalize()
}

/// Where the body stands in an entry.
pub(super) const BODY_OFFSET: usize = HEADER_LENGTH + SIGNATURE_LENGTH;

/// The statement ids of many bodies.
pub(super) fn body_digests(hash: HashAlgorithm, bodies: &[&[u8]]) -> Vec<Hash> {
    let mut digests = vec![[0; 32]; bodies.len()];
    hash.digest_each_with(crate::cpu::hash_backend(), |i| [BODY_DOMAIN, bodies[i]], &mut digests, 1);
    digests
}

/// The 48 bytes that are signed for a statement id: "sealcore stmt v1" ‖ stmt.
pub fn message_of(statement: &Hash) -> [u8; 48] {
    let mut message = [0; 48];
    message[..16].copy_from_slice(STATEMENT_DOMAIN);
    message[16..].copy_from_slice(statement);
    message
}

/// The 48 bytes that the author of a body signs (as a message: P-256 hashes them with SHA-256, SM2 with SM3 and Z_A).
///
/// # Examples
/// ```
/// use sealcore::{hash::HashAlgorithm, ledger::statement_message};
/// assert!(statement_message(HashAlgorithm::Sm3, b"\xa0").starts_with(b"sealcore stmt v1"));
/// ```
pub fn statement_message(hash: HashAlgorithm, body: &[u8]) -> [u8; 48] {
    message_of(&statement_id(hash, body))
}

/// A view of the bytes of one entry whose structure has been checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    bytes: &'a [u8],
    kind: EntryType,
    algorithm: Algorithm,
}

impl<'a> Entry<'a> {
    /// Checks the structure of an entry: magic, type, flags, lengths, reserved values, no byte too many.
    ///
    /// What depends on other entries or on keys (index, predecessor, signature) is not checked here.
    ///
    /// # Errors
    /// `InvalidEncoding` naming the header field and its offset.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        if bytes.len() < HEADER_LENGTH + SIGNATURE_LENGTH + 1 {
            return Err(invalid("entry", bytes.len(), "shorter than a header, a signature and a body"));
        }
        if bytes.len() > MAX_ENTRY_LENGTH {
            return Err(invalid("entry", MAX_ENTRY_LENGTH, "longer than 65535 bytes"));
        }
        if bytes[..2] != MAGIC {
            return Err(invalid("magic", 0, "must be 53 01: no entry of this format version"));
        }
        let kind = EntryType::from_number(bytes[2])?;
        let flags = bytes[3];
        if flags & !FLAG_HINT != 0 {
            return Err(invalid("flags", 3, "reserved flags are set"));
        }
        let allowed_hint = if flags & FLAG_HINT != 0 { HINT_MASK } else { 0 };
        let algorithm = match bytes[88] {
            1 => Algorithm::P256,
            2 => Algorithm::Sm2,
            _ => return Err(invalid("sig_alg", 88, "must be 1 (P-256) or 2 (SM2)")),
        };
        if bytes[89] & !allowed_hint != 0 {
            return Err(invalid("hint", 89, "reserved bits are set, or a hint without its flag"));
        }
        let entry = Entry { bytes, kind, algorithm };
        if entry.time() > MAX_TIME {
            return Err(invalid("time", 16, "later than 2^63 - 1 µs"));
        }
        if u16::from_be_bytes(entry.take(90)) as usize != SIGNATURE_LENGTH {
            return Err(invalid("sig_len", 90, "must be 64"));
        }
        let body_length = u32::from_be_bytes(entry.take(92)) as usize;
        if body_length != bytes.len() - HEADER_LENGTH - SIGNATURE_LENGTH {
            return Err(invalid("body_len", 92, "does not agree with the length of the entry"));
        }
        Ok(entry)
    }

    fn take<const N: usize>(&self, offset: usize) -> [u8; N] {
        let mut out = [0; N];
        out.copy_from_slice(&self.bytes[offset..offset + N]);
        out
    }

    /// The stored bytes: what the tree hashes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What the entry is.
    pub fn kind(&self) -> EntryType {
        self.kind
    }

    /// The row of the key table whose key signed the body.
    pub fn key_idx(&self) -> u32 {
        u32::from_be_bytes(self.take(4))
    }

    /// The index that the entry claims (`seq`).
    pub fn index(&self) -> u64 {
        u64::from_be_bytes(self.take(8))
    }

    /// The ledger's clock when the entry was taken, in µs since 1970-01-01 UTC.
    pub fn time(&self) -> u64 {
        u64::from_be_bytes(self.take(16))
    }

    /// The leaf hash of the predecessor; zeros in entry 0.
    pub fn prev(&self) -> Hash {
        self.take(24)
    }

    /// The statement id that the entry claims (`stmt`).
    pub fn statement(&self) -> Hash {
        self.take(56)
    }

    /// The algorithm of the signature.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The hint for batch verification (bit 0: parity of R.y, bit 1: R.x was reduced mod n), when there is one. Not
    /// authenticated by the signer and never needed: a verifier may use it to be quicker, not to accept.
    pub fn hint(&self) -> Option<u8> {
        (self.bytes[3] & FLAG_HINT != 0).then_some(self.bytes[89])
    }

    /// The signature, r ‖ s.
    pub fn signature(&self) -> [u8; SIGNATURE_LENGTH] {
        self.take(HEADER_LENGTH)
    }

    /// The body: deterministic CBOR, opaque to the ledger except in its own entry types.
    pub fn body(&self) -> &'a [u8] {
        &self.bytes[HEADER_LENGTH + SIGNATURE_LENGTH..]
    }

    /// The leaf hash of this entry.
    pub fn leaf_hash(&self, hash: HashAlgorithm) -> Hash {
        leaf_hash(hash, self.bytes)
    }

    /// Checks that `stmt` is the digest of the body.
    ///
    /// # Errors
    /// `InvalidEncoding` for field `stmt`.
    pub fn check_statement(&self, hash: HashAlgorithm) -> Result<()> {
        if statement_id(hash, self.body()) == self.statement() {
            Ok(())
        } else {
            Err(invalid("stmt", 56, "is not the digest of the body"))
        }
    }

    /// Checks the signature over `stmt` with this key.
    ///
    /// # Errors
    /// `InvalidSignature`, also when the key is of another algorithm.
    pub fn check_signature(&self, key: &VerifyingKey) -> Result<()> {
        if key.algorithm() != self.algorithm {
            return Err(Error::InvalidSignature);
        }
        key.verify(&message_of(&self.statement()), &Signature::from_bytes(&self.signature())?)
    }
}

impl core::fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Entry({} {}, {} bytes)", self.index(), self.kind.name(), self.bytes.len())
    }
}

/// What stands in the header of an entry and is not derived from its body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) kind: EntryType,
    pub(super) key_idx: u32,
    pub(super) index: u64,
    pub(super) time: u64,
    pub(super) prev: Hash,
    pub(super) statement: Hash,
    pub(super) algorithm: Algorithm,
}

/// Writes an entry without a hint; `body` is 1 to [`MAX_BODY_LENGTH`] bytes (checked by the caller).
pub(super) fn write(out: &mut Vec<u8>, header: &Header, signature: &[u8; SIGNATURE_LENGTH], body: &[u8]) {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[header.kind as u8, 0]);
    out.extend_from_slice(&header.key_idx.to_be_bytes());
    out.extend_from_slice(&header.index.to_be_bytes());
    out.extend_from_slice(&header.time.to_be_bytes());
    out.extend_from_slice(&header.prev);
    out.extend_from_slice(&header.statement);
    out.extend_from_slice(&[algorithm_number(header.algorithm), 0]);
    out.extend_from_slice(&(SIGNATURE_LENGTH as u16).to_be_bytes());
    out.extend_from_slice(&(body.len() as u32).to_be_bytes());
    out.extend_from_slice(signature);
    out.extend_from_slice(body);
}

/// Refuses a body that no entry can hold.
pub(super) fn check_body(body: &[u8]) -> Result<()> {
    match body.len() {
        0 => Err(Error::InvalidArgument { field: "body", reason: "empty: a body holds at least one byte" }),
        1..=MAX_BODY_LENGTH => Ok(()),
        actual => Err(Error::InvalidLength { field: "body", expected: MAX_BODY_LENGTH, actual }),
    }
}

/// An entry that waits to be appended: its author has signed the body, the writer will give it index and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// What the entry is; `Genesis` and `Segment` are refused, the writer makes them.
    pub kind: EntryType,
    /// The row of the key table whose key signed.
    pub key_idx: u32,
    /// The body, 1 to [`MAX_BODY_LENGTH`] bytes.
    pub body: Vec<u8>,
    /// The signature over [`statement_message`], r ‖ s.
    pub signature: [u8; SIGNATURE_LENGTH],
}

impl NewEntry {
    /// Signs `body` for a ledger with this hash.
    ///
    /// # Errors
    /// `InvalidArgument` or `InvalidLength` when no entry can hold the body.
    pub fn sign(
        hash: HashAlgorithm,
        kind: EntryType,
        key_idx: u32,
        body: Vec<u8>,
        key: &crate::sign::SigningKey,
    ) -> Result<Self> {
        check_body(&body)?;
        let signature = key.sign(&statement_message(hash, &body)).to_bytes();
        Ok(NewEntry { kind, key_idx, body, signature })
    }
}
