//! Proofs as text (C2SP tlog-proof): the index of an entry, its inclusion proof, and a checkpoint; to be checked offline.
//!
//! The extra data are the stored bytes of the entry, so that the file alone shows what was recorded. In a ledger of SM3
//! the first line differs: the standard is SHA-256 only, and no reader of it shall mistake one for the other.

use base64ct::{Base64, Encoding};

use super::checkpoint::Checkpoint;
use super::entry::{Entry, MAX_ENTRY_LENGTH};
use super::merkle::{Hash, leaf_hash};
use super::note::{MAX_NOTE_LENGTH, Note, NoteKey};
use super::proof::verify_inclusion;
use crate::hash::HashAlgorithm;
use crate::{Error, Result};

const HEADER: &str = "c2sp.org/tlog-proof@v1";
const HEADER_SM3: &str = "sealcore/tlog-proof-sm3/v1";
/// The most hashes: a tree of 2^64 leaves needs no more.
const MAX_HASHES: usize = 64;
/// The longest text: an entry in base64, the hashes, a note.
pub const MAX_PROOF_LENGTH: usize = 2 * MAX_ENTRY_LENGTH + MAX_HASHES * 45 + MAX_NOTE_LENGTH;

fn invalid(offset: usize, reason: &'static str) -> Error {
    Error::InvalidEncoding { field: "proof", offset, reason }
}

/// A proof that an entry is in a ledger; nothing of it has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// The hash of the ledger.
    pub hash: HashAlgorithm,
    /// The index of the entry.
    pub index: u64,
    /// Extra data: the stored bytes of the entry, in a proof of this library.
    pub extra: Option<Vec<u8>>,
    /// The inclusion proof, leaf to root.
    pub proof: Vec<Hash>,
    /// The checkpoint, a signed note, with any cosignatures.
    pub checkpoint: String,
}

impl TlogProof {
    /// The text of the proof.
    ///
    /// # Source
    /// C2SP tlog-proof, "Format".
    pub fn to_text(&self) -> String {
        let mut out = match self.hash {
            HashAlgorithm::Sha256 => HEADER,
            HashAlgorithm::Sm3 => HEADER_SM3,
        }
        .to_owned();
        if let Some(extra) = &self.extra {
            out.push_str("\nextra ");
            out.push_str(&Base64::encode_string(extra));
        }
        out.push_str(&format!("\nindex {}\n", self.index));
        for hash in &self.proof {
            out.push_str(&Base64::encode_string(hash));
            out.push('\n');
        }
        out.push('\n');
        out.push_str(&self.checkpoint);
        out
    }

    /// Reads a proof. The checkpoint in it is not looked at.
    ///
    /// # Errors
    /// `InvalidEncoding` (field `proof`) with the offset of the line that does not fit.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_PROOF_LENGTH {
            return Err(invalid(MAX_PROOF_LENGTH, "longer than any proof of an entry"));
        }
        let mut at = 0;
        let mut line = || -> Result<(usize, &str)> {
            let rest = &text[at..];
            let end = rest.find('\n').ok_or(invalid(at, "ends before its checkpoint"))?;
            let start = at;
            at += end + 1;
            Ok((start, &rest[..end]))
        };
        let hash = match line()?.1 {
            HEADER => HashAlgorithm::Sha256,
            HEADER_SM3 => HashAlgorithm::Sm3,
            _ => return Err(invalid(0, "does not begin with the line c2sp.org/tlog-proof@v1")),
        };
        let (mut start, mut next) = line()?;
        let mut extra = None;
        if let Some(encoded) = next.strip_prefix("extra ") {
            extra = Some(Base64::decode_vec(encoded).map_err(|_| invalid(start, "the extra data is not base64"))?);
            (start, next) = line()?;
        }
        let number = next.strip_prefix("index ").ok_or(invalid(start, "no line with the index"))?;
        let plain = number.bytes().all(|b| b.is_ascii_digit()) && (number == "0" || !number.starts_with('0'));
        let index = number
            .parse()
            .ok()
            .filter(|_| plain)
            .ok_or(invalid(start, "the index is not a plain decimal number below 2^64"))?;
        let mut proof = Vec::new();
        loop {
            let (start, encoded) = line()?;
            if encoded.is_empty() {
                break;
            }
            if proof.len() == MAX_HASHES {
                return Err(invalid(start, "more than 64 hashes"));
            }
            let bytes = Base64::decode_vec(encoded).map_err(|_| invalid(start, "a hash is not base64"))?;
            proof.push(bytes.as_slice().try_into().map_err(|_| invalid(start, "a hash is not 32 bytes long"))?);
        }
        if at == text.len() {
            return Err(invalid(at, "ends before its checkpoint"));
        }
        Ok(TlogProof { hash, index, extra, proof, checkpoint: text[at..].to_owned() })
    }

    /// Checks that the ledger's key has signed the checkpoint and that it covers the entry with this leaf hash.
    ///
    /// # Errors
    /// `InvalidEncoding` when the checkpoint does not parse, `InvalidSignature`, `InvalidProof`.
    pub fn verify(&self, leaf: &Hash, key: &NoteKey) -> Result<Checkpoint> {
        let checkpoint = self.open(key)?;
        verify_inclusion(self.hash, self.index, checkpoint.size, leaf, &self.proof, &checkpoint.root)?;
        Ok(checkpoint)
    }

    /// Checks the same for the entry in the extra data, and gives it: its index, its statement and the proof agree.
    ///
    /// # Errors
    /// As [`TlogProof::verify`], and `InvalidEncoding` or `InvalidArgument` when the extra data is no such entry.
    pub fn verify_entry(&self, key: &NoteKey) -> Result<(Entry<'_>, Checkpoint)> {
        let bytes = self.extra.as_deref().ok_or(Error::InvalidArgument {
            field: "extra",
            reason: "the proof does not hold the entry: give the leaf hash of the entry that it is of",
        })?;
        let entry = Entry::parse(bytes)?;
        let checkpoint = self.verify(&leaf_hash(self.hash, bytes), key)?;
        entry.check_statement(self.hash)?;
        if entry.index() != self.index {
            return Err(Error::InvalidProof { reason: "the entry in it has another index" });
        }
        Ok((entry, checkpoint))
    }

    fn open(&self, key: &NoteKey) -> Result<Checkpoint> {
        let note = Note::parse(self.checkpoint.as_bytes())?;
        let checkpoint = Checkpoint::parse(note.text())?;
        if checkpoint.origin != key.name() {
            return Err(Error::InvalidProof { reason: "the checkpoint is of another ledger" });
        }
        note.verify(&[key])?;
        Ok(checkpoint)
    }
}
