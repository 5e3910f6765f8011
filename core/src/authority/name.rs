//! The small values that statements are made of: names, statement ids, digests, amounts, places on a page.

use crate::hash::HashAlgorithm;
use crate::{Error, Result};
use core::fmt;

/// The longest name, in bytes.
pub const MAX_NAME: usize = 64;

/// The latest time a statement may carry: the last microsecond of the year 9999, in µs since 1970 UTC.
pub const MAX_TIME: u64 = 253_402_300_799_999_999;

/// A text identifier: `[a-z0-9][a-z0-9._-]{0,63}`. Units, persons, seals and policies have one; so have the
/// short words of statements (a document class, a reason, a signature level).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

impl Name {
    /// The holder of key row 0: the ledger's own key, with which the gate signs.
    pub const GATE: &'static str = "gate";
    /// The holder of key row 1: who founded the ledger.
    pub const FOUNDER: &'static str = "founder";

    /// Takes a text that has the form of a name.
    ///
    /// # Errors
    /// [`Error::InvalidLength`] above 64 bytes, [`Error::InvalidArgument`] for an empty text or another
    /// character; both name `field`.
    pub fn new(field: &'static str, text: &str) -> Result<Self> {
        if text.len() > MAX_NAME {
            return Err(Error::InvalidLength { field, expected: MAX_NAME, actual: text.len() });
        }
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let bytes = text.as_bytes();
        let fits = bytes.first().is_some_and(|&b| letter(b))
            && bytes.iter().all(|&b| letter(b) || matches!(b, b'.' | b'_' | b'-'));
        if !fits {
            let reason = "a name has 1 to 64 of a-z 0-9 . _ - and begins with a letter or digit";
            return Err(Error::InvalidArgument { field, reason });
        }
        Ok(Name(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether no person may bear it: `gate` and `founder` hold key rows 0 and 1.
    pub fn is_reserved(&self) -> bool {
        matches!(self.as_str(), Name::GATE | Name::FOUNDER)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What names an application, an approval, a grant or a use: the hash of its body, as in the ledger's `stmt`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementId(pub [u8; 32]);

impl fmt::Debug for StatementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// The digests of one document under both hash functions: a pair, never one of them alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digests {
    /// SHA-256 of the document's bytes.
    pub sha256: [u8; 32],
    /// SM3 of the same bytes.
    pub sm3: [u8; 32],
}

impl Digests {
    /// Hashes a document with both functions.
    pub fn of(document: &[u8]) -> Self {
        Digests { sha256: HashAlgorithm::Sha256.digest(document), sm3: HashAlgorithm::Sm3.digest(document) }
    }
}

/// An amount of money in minor units (cents, 分).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount {
    /// ISO 4217 code: three capital letters.
    pub currency: [u8; 3],
    /// Minor units, at most 2^63 - 1.
    pub minor: u64,
}

impl Amount {
    /// The currency's letters.
    pub fn currency(&self) -> &str {
        core::str::from_utf8(&self.currency).unwrap_or("???")
    }
}

/// A place for an imprint: its upper left corner, in µm from the upper left corner of the page as shown (from 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Page, counted from 1.
    pub page: u32,
    /// To the right, µm.
    pub x_um: u32,
    /// Upwards, µm.
    pub y_um: u32,
}

/// A commitment to a personal value: `H(salt ‖ value)`. The value and its salt live outside the ledger and can
/// be deleted there; the ledger stays verifiable.
///
/// # Inputs
/// `salt`: 16 random bytes, one salt a value; without it short values could be guessed from the commitment.
pub fn commitment(hash: HashAlgorithm, salt: &[u8; 16], value: &[u8]) -> [u8; 32] {
    let mut hasher = hash.hasher();
    hasher.update(salt);
    hasher.update(value);
    hasher.finalize()
}
