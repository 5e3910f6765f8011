//! Checkpoints (C2SP tlog-checkpoint): origin, size and root of a tree, signed as a note. No extension lines.

use base64ct::{Base64, Encoding};

use super::merkle::Hash;
use super::note::{Note, NoteKey, NoteSigner, sign_note};
use crate::{Error, Result};

/// What a checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the ledger.
    pub origin: String,
    /// The number of entries.
    pub size: u64,
    /// The RFC 6962 root of their leaf hashes.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, Base64::encode_string(&self.root))
    }

    /// The signed note, with one line of each signer.
    ///
    /// # Errors
    /// As [`sign_note`].
    pub fn sign(&self, signers: &[NoteSigner]) -> Result<String> {
        sign_note(&self.to_text(), signers)
    }

    /// Reads the text of a note: exactly three lines.
    ///
    /// # Errors
    /// `InvalidEncoding` (field `checkpoint`) with the offset of the line that does not fit.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |offset, reason| Error::InvalidEncoding { field: "checkpoint", offset, reason };
        let lines = text.strip_suffix('\n').ok_or(invalid(text.len(), "does not end with a newline"))?;
        let mut lines = lines.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(invalid(text.len(), "must be three lines: origin, size, root"));
        };
        if origin.is_empty() {
            return Err(invalid(0, "the origin is empty"));
        }
        let at = origin.len() + 1;
        let plain = size.bytes().all(|b| b.is_ascii_digit()) && (size == "0" || !size.starts_with('0'));
        let size_number = size
            .parse()
            .ok()
            .filter(|_| plain)
            .ok_or(invalid(at, "the size is not a plain decimal number below 2^64"))?;
        let at = at + size.len() + 1;
        let root_bytes = Base64::decode_vec(root).map_err(|_| invalid(at, "the root is not base64"))?;
        let root_hash = root_bytes.as_slice().try_into().map_err(|_| invalid(at, "the root is not 32 bytes long"))?;
        if lines.next().is_some() {
            return Err(invalid(at + root.len() + 1, "lines after the root: extension lines are not accepted"));
        }
        Ok(Checkpoint { origin: origin.to_owned(), size: size_number, root: root_hash })
    }

    /// Reads a signed checkpoint and checks that `key` signed it.
    ///
    /// # Errors
    /// `InvalidEncoding` when it does not parse, `InvalidSignature` when the key did not sign it.
    pub fn open(note: &[u8], key: &NoteKey) -> Result<Self> {
        let note = Note::parse(note)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        note.verify(&[key])?;
        Ok(checkpoint)
    }
}
