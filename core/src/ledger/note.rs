//! Signed notes (C2SP signed-note): text, a blank line, signature lines. Signs and verifies.
//!
//! Types that are judged: Ed25519 (01), P-256 (02: DER; key ID = SHA-256(SPKI)[:4]), cosignatures of witnesses
//! (04: cosignature/v1) and SM2 (ff with the identifier `sealcore/sm2-sm3/v1`: r ‖ s; the recommended key ID). Lines of
//! other keys are kept and ignored, as the standard demands.

mod key;

use base64ct::{Base64, Encoding};

pub use self::key::{NoteKey, NoteSigner, SM2_IDENTIFIER};
use crate::{Error, Result};

/// The longest note in bytes: what fits into a frame of `checkpoints.log`.
pub const MAX_NOTE_LENGTH: usize = 65_535;
/// The most signature lines.
pub const MAX_SIGNATURES: usize = 64;

fn invalid(offset: usize, reason: &'static str) -> Error {
    Error::InvalidEncoding { field: "note", offset, reason }
}

/// Refuses a key name that is empty or holds white space or a plus sign.
fn check_name(name: &str, offset: usize) -> Result<()> {
    if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c == '+' || c < ' ') {
        return Err(invalid(offset, "a key name that is empty or holds a space or a plus sign"));
    }
    Ok(())
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature<'a> {
    /// The name of the key.
    pub name: &'a str,
    /// The key ID.
    pub key_id: u32,
    /// The signature, at least one byte.
    pub signature: Vec<u8>,
}

/// A note that parses; no signature has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    text: &'a str,
    signatures: Vec<NoteSignature<'a>>,
}

impl<'a> Note<'a> {
    /// Splits a note into its text and its signature lines.
    ///
    /// # Errors
    /// `InvalidEncoding` with the offset of the line that does not fit.
    ///
    /// # Source
    /// C2SP signed-note, "Format".
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        if bytes.len() > MAX_NOTE_LENGTH {
            return Err(invalid(MAX_NOTE_LENGTH, "longer than 65535 bytes"));
        }
        let note = core::str::from_utf8(bytes).map_err(|e| invalid(e.valid_up_to(), "not UTF-8"))?;
        if let Some(at) = note.bytes().position(|b| b < b' ' && b != b'\n') {
            return Err(invalid(at, "a control character"));
        }
        let blank = note.rfind("\n\n").ok_or(invalid(note.len(), "no blank line before the signatures"))?;
        let (text, lines) = (&note[..blank + 1], &note[blank + 2..]);
        if !lines.ends_with('\n') {
            return Err(invalid(note.len(), "does not end with a newline after a signature line"));
        }
        let mut signatures = Vec::new();
        let mut offset = blank + 2;
        for line in lines[..lines.len() - 1].split('\n') {
            let rest = line.strip_prefix("\u{2014} ").ok_or(invalid(offset, "not a signature line"))?;
            let (name, encoded) =
                rest.split_once(' ').ok_or(invalid(offset, "a signature line without a signature"))?;
            check_name(name, offset)?;
            let bytes = Base64::decode_vec(encoded).map_err(|_| invalid(offset, "the signature is not base64"))?;
            let (id, signature) =
                bytes.split_first_chunk::<4>().ok_or(invalid(offset, "the signature is shorter than its key ID"))?;
            if signature.is_empty() {
                return Err(invalid(offset, "a key ID without a signature"));
            }
            if signatures.len() == MAX_SIGNATURES {
                return Err(invalid(offset, "more than 64 signatures"));
            }
            signatures.push(NoteSignature { name, key_id: u32::from_be_bytes(*id), signature: signature.to_vec() });
            offset += line.len() + 1;
        }
        Ok(Note { text, signatures })
    }

    /// The signed text, with its final newline.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The signature lines, known or not.
    pub fn signatures(&self) -> &[NoteSignature<'a>] {
        &self.signatures
    }

    /// Checks every signature of the known keys: at least one, and not one that fails. Returns which keys signed, as
    /// positions in `keys`.
    ///
    /// # Errors
    /// `InvalidSignature` when a known key's signature fails, or no known key has signed.
    pub fn verify(&self, keys: &[&NoteKey]) -> Result<Vec<usize>> {
        let mut signed = Vec::new();
        for (position, key) in keys.iter().enumerate() {
            let mut lines = self.signatures.iter().filter(|line| line.is_of(key)).peekable();
            if lines.peek().is_some() {
                signed.push(position);
            }
            lines.try_for_each(|line| key.verify(self.text, &line.signature).map(|_| ()))?;
        }
        if signed.is_empty() { Err(Error::InvalidSignature) } else { Ok(signed) }
    }

    /// The cosignatures of the known witnesses, as positions in `keys` and their times in seconds since 1970-01-01 UTC;
    /// of several by one witness the newest. A line that fails is left out: anybody can add one.
    pub fn cosignatures(&self, keys: &[&NoteKey]) -> Vec<(usize, u64)> {
        let of = |key: &NoteKey| {
            let lines = self.signatures.iter().filter(|line| line.is_of(key));
            lines.filter_map(|line| key.verify(self.text, &line.signature).ok().flatten()).max()
        };
        keys.iter().enumerate().filter_map(|(position, key)| Some((position, of(key)?))).collect()
    }
}

impl NoteSignature<'_> {
    fn is_of(&self, key: &NoteKey) -> bool {
        self.name == key.name() && self.key_id == key.id()
    }
}

/// Signs a text, which must end with a newline, as a note with one line of each signer, in this order.
///
/// # Errors
/// `InvalidEncoding` for a text that cannot be a note's, or no signer; `InvalidKey` for a witness, whose line says a
/// time.
pub fn sign_note(text: &str, signers: &[NoteSigner]) -> Result<String> {
    let mut note = format!("{text}\n");
    for signer in signers {
        if signer.key().is_cosigner() {
            return Err(Error::InvalidKey { field: "signers", reason: "a witness cosigns, it does not sign notes" });
        }
        note.push_str(&signer.sign(text, 0)?);
    }
    Note::parse(note.as_bytes())?;
    Ok(note)
}
