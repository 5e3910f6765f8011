//! Signed notes (C2SP signed-note): text, a blank line, signature lines. Signs and verifies with P-256 and SM2.
//!
//! P-256 is signature type 0x02 (DER; key ID = SHA-256(SPKI)[:4]); SM2 is type 0xff with the identifier
//! `sealcore/sm2-sm3/v1` (r ‖ s; the recommended key ID). Lines of other keys are kept and ignored, as the standard
//! demands; Ed25519 and cosignatures are not judged here.

use base64ct::{Base64, Encoding};

use crate::hash::sha256;
use crate::sign::{Algorithm, Signature, SigningKey, VerifyingKey};
use crate::{Error, Result};

/// The longest note in bytes: what fits into a frame of `checkpoints.log`.
pub const MAX_NOTE_LENGTH: usize = 65_535;
/// The most signature lines.
pub const MAX_SIGNATURES: usize = 64;
/// The identifier after 0xff of an SM2 signature with SM3, default distid, r ‖ s.
pub const SM2_IDENTIFIER: &[u8] = b"sealcore/sm2-sm3/v1";

/// DER of SubjectPublicKeyInfo for an uncompressed P-256 point, up to the point (RFC 5480).
const P256_SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const TYPE_ECDSA: u8 = 0x02;
const TYPE_LONG: u8 = 0xff;

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

/// A public key under a name, as it stands in signature lines and verifier keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    key: VerifyingKey,
    id: u32,
}

impl NoteKey {
    /// Names a key.
    ///
    /// # Errors
    /// `InvalidEncoding` for a name that is empty or holds white space or a plus sign.
    ///
    /// # Source
    /// C2SP signed-note, "Signature types".
    pub fn new(name: &str, key: VerifyingKey) -> Result<Self> {
        check_name(name, 0)?;
        let encoded = encode_key(&key);
        let digest = match key.algorithm() {
            Algorithm::P256 => sha256(&encoded[1..]),
            Algorithm::Sm2 => {
                let mut message = name.as_bytes().to_vec();
                message.push(b'\n');
                message.extend_from_slice(&encoded);
                sha256(&message)
            }
        };
        let id = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        Ok(NoteKey { name: name.to_owned(), key, id })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key.
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// The key ID of the signature lines.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The verifier key as text: `name+id+base64(type ‖ key)`.
    pub fn to_vkey(&self) -> String {
        format!("{}+{:08x}+{}", self.name, self.id, Base64::encode_string(&encode_key(&self.key)))
    }

    /// Reads a verifier key of one of the two types that are judged here.
    ///
    /// # Errors
    /// `InvalidEncoding` (field `vkey`) when it does not parse, is of another type, or its key ID does not fit;
    /// `InvalidKey` for a point that is not on its curve.
    pub fn from_vkey(text: &str) -> Result<Self> {
        let bad = |reason| Error::InvalidEncoding { field: "vkey", offset: 0, reason };
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad("must be name+keyid+key"));
        };
        let encoded = Base64::decode_vec(key).map_err(|_| bad("the key is not base64"))?;
        let key = if let Some(rest) = encoded.strip_prefix(&[TYPE_ECDSA]) {
            let point = rest
                .strip_prefix(&P256_SPKI_PREFIX)
                .ok_or(bad("not the SubjectPublicKeyInfo of an uncompressed P-256 point"))?;
            VerifyingKey::from_sec1(Algorithm::P256, exact_point(point).ok_or(bad("not an uncompressed point"))?)?
        } else if let Some(point) =
            encoded.strip_prefix(&[TYPE_LONG]).and_then(|rest| rest.strip_prefix(SM2_IDENTIFIER))
        {
            VerifyingKey::from_sec1(Algorithm::Sm2, exact_point(point).ok_or(bad("not an uncompressed point"))?)?
        } else {
            return Err(bad("neither P-256 (type 02) nor SM2 (type ff sealcore/sm2-sm3/v1)"));
        };
        let named = NoteKey::new(name, key)?;
        if id != format!("{:08x}", named.id) {
            return Err(bad("the key ID is not that of the key"));
        }
        Ok(named)
    }

    /// Signs `text`, which ends with a newline, and gives the signature line.
    fn sign(&self, signer: &SigningKey, text: &str) -> String {
        let signature = signer.sign(text.as_bytes());
        let mut bytes = self.id.to_be_bytes().to_vec();
        match self.key.algorithm() {
            Algorithm::P256 => bytes.extend_from_slice(&signature.to_der()),
            Algorithm::Sm2 => bytes.extend_from_slice(&signature.to_bytes()),
        }
        format!("\u{2014} {} {}\n", self.name, Base64::encode_string(&bytes))
    }

    fn verify(&self, text: &str, signature: &[u8]) -> Result<()> {
        let signature = match self.key.algorithm() {
            Algorithm::P256 => Signature::from_der(signature),
            Algorithm::Sm2 => Signature::from_bytes(signature),
        };
        self.key.verify(text.as_bytes(), &signature.map_err(|_| Error::InvalidSignature)?)
    }
}

fn exact_point(point: &[u8]) -> Option<&[u8]> {
    (point.len() == 65 && point[0] == 4).then_some(point)
}

/// Signature type and public key.
fn encode_key(key: &VerifyingKey) -> Vec<u8> {
    let mut out = Vec::with_capacity(92);
    match key.algorithm() {
        Algorithm::P256 => {
            out.push(TYPE_ECDSA);
            out.extend_from_slice(&P256_SPKI_PREFIX);
        }
        Algorithm::Sm2 => {
            out.push(TYPE_LONG);
            out.extend_from_slice(SM2_IDENTIFIER);
        }
    }
    out.extend_from_slice(&key.to_sec1());
    out
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
            let mut found = false;
            for line in &self.signatures {
                if line.name == key.name && line.key_id == key.id {
                    key.verify(self.text, &line.signature)?;
                    found = true;
                }
            }
            if found {
                signed.push(position);
            }
        }
        if signed.is_empty() { Err(Error::InvalidSignature) } else { Ok(signed) }
    }
}

/// Signs a text, which must end with a newline, as a note with one signature line.
///
/// # Errors
/// `InvalidEncoding` for a text that cannot be a note's, or `InvalidKey` when the keys do not belong together.
pub fn sign_note(text: &str, key: &NoteKey, signer: &SigningKey) -> Result<String> {
    if signer.verifying_key() != key.key {
        return Err(Error::InvalidKey {
            field: "ledger_key",
            reason: "is not the private key of the named public key",
        });
    }
    if !text.ends_with('\n') || text.starts_with('\n') {
        return Err(invalid(text.len(), "the text must be lines, each ending with a newline"));
    }
    let note = format!("{text}\n{}", key.sign(signer, text));
    Note::parse(note.as_bytes())?;
    Ok(note)
}
