//! Keys of signed notes: names, key IDs, verifier keys as text, and the signing of one line.

use base64ct::{Base64, Encoding};

use super::{check_name, invalid};
use crate::hash::sha256;
use crate::sign::{Algorithm, Ed25519SigningKey, Ed25519VerifyingKey, Signature, SigningKey, VerifyingKey};
use crate::{Error, Result};

/// The identifier after 0xff of an SM2 signature with SM3, default distid, r ‖ s.
pub const SM2_IDENTIFIER: &[u8] = b"sealcore/sm2-sm3/v1";
/// The latest time of a cosignature, in seconds.
const MAX_SECONDS: u64 = i64::MAX as u64;

/// DER of SubjectPublicKeyInfo for an uncompressed P-256 point, up to the point (RFC 5480).
const P256_SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const TYPE_ED25519: u8 = 0x01;
const TYPE_ECDSA: u8 = 0x02;
const TYPE_COSIGNATURE: u8 = 0x04;
const TYPE_LONG: u8 = 0xff;

/// A public key together with how it signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Public {
    /// P-256 (type 02) or SM2 (type ff).
    Curve(VerifyingKey),
    /// Ed25519 over the text (type 01).
    Ed25519(Ed25519VerifyingKey),
    /// Ed25519 over time and text: the cosignature of a witness (type 04).
    Cosigner(Ed25519VerifyingKey),
}

/// A public key under a name, as it stands in signature lines and verifier keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    public: Public,
    id: u32,
}

impl NoteKey {
    /// Names a key of P-256 or SM2.
    ///
    /// # Errors
    /// `InvalidEncoding` for a name that is empty or holds white space or a plus sign.
    ///
    /// # Source
    /// C2SP signed-note, "Signature types".
    pub fn new(name: &str, key: VerifyingKey) -> Result<Self> {
        NoteKey::named(name, Public::Curve(key))
    }

    /// Names an Ed25519 key that signs texts.
    ///
    /// # Errors
    /// As [`NoteKey::new`].
    pub fn ed25519(name: &str, key: Ed25519VerifyingKey) -> Result<Self> {
        NoteKey::named(name, Public::Ed25519(key))
    }

    /// Names an Ed25519 key whose lines are cosignatures: a witness.
    ///
    /// # Errors
    /// As [`NoteKey::new`].
    ///
    /// # Source
    /// C2SP tlog-cosignature, cosignature/v1.
    pub fn cosigner(name: &str, key: Ed25519VerifyingKey) -> Result<Self> {
        NoteKey::named(name, Public::Cosigner(key))
    }

    fn named(name: &str, public: Public) -> Result<Self> {
        check_name(name, 0)?;
        let encoded = public.encode();
        let digest = match public {
            Public::Curve(key) if key.algorithm() == Algorithm::P256 => sha256(&encoded[1..]),
            _ => {
                let mut message = name.as_bytes().to_vec();
                message.push(b'\n');
                message.extend_from_slice(&encoded);
                sha256(&message)
            }
        };
        let id = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        Ok(NoteKey { name: name.to_owned(), public, id })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key, when it is of P-256 or SM2.
    pub fn key(&self) -> Option<&VerifyingKey> {
        match &self.public {
            Public::Curve(key) => Some(key),
            _ => None,
        }
    }

    /// `"p256"`, `"sm2"`, `"ed25519"` or `"cosignature"`.
    pub fn kind(&self) -> &'static str {
        match &self.public {
            Public::Curve(key) => key.algorithm().name(),
            Public::Ed25519(_) => "ed25519",
            Public::Cosigner(_) => "cosignature",
        }
    }

    /// Whether lines of this key are cosignatures.
    pub fn is_cosigner(&self) -> bool {
        matches!(self.public, Public::Cosigner(_))
    }

    /// Whether both are the same key, under whatever name and type.
    pub fn is_same_key(&self, other: &NoteKey) -> bool {
        self.public.key_bytes() == other.public.key_bytes()
    }

    /// The key ID of the signature lines.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The verifier key as text: `name+id+base64(type ‖ key)`.
    pub fn to_vkey(&self) -> String {
        format!("{}+{:08x}+{}", self.name, self.id, Base64::encode_string(&self.public.encode()))
    }

    /// Reads a verifier key of one of the types that are judged here.
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
        let ed25519 = |bytes: &[u8]| {
            let bytes = bytes.try_into().map_err(|_| bad("an Ed25519 key is 32 bytes"))?;
            Ed25519VerifyingKey::from_bytes(bytes)
        };
        let public = match encoded.split_first() {
            Some((&TYPE_ED25519, rest)) => Public::Ed25519(ed25519(rest)?),
            Some((&TYPE_COSIGNATURE, rest)) => Public::Cosigner(ed25519(rest)?),
            Some((&TYPE_ECDSA, rest)) => {
                let point = rest
                    .strip_prefix(&P256_SPKI_PREFIX)
                    .and_then(exact_point)
                    .ok_or(bad("not the SubjectPublicKeyInfo of an uncompressed P-256 point"))?;
                Public::Curve(VerifyingKey::from_sec1(Algorithm::P256, point)?)
            }
            Some((&TYPE_LONG, rest)) if rest.starts_with(SM2_IDENTIFIER) => {
                let point = exact_point(&rest[SM2_IDENTIFIER.len()..]).ok_or(bad("not an uncompressed point"))?;
                Public::Curve(VerifyingKey::from_sec1(Algorithm::Sm2, point)?)
            }
            _ => {
                return Err(bad("of another type than Ed25519 (01), P-256 (02), cosignature/v1 (04) and \
                    SM2 (ff sealcore/sm2-sm3/v1)"));
            }
        };
        let named = NoteKey::named(name, public)?;
        if id != format!("{:08x}", named.id) {
            return Err(bad("the key ID is not that of the key"));
        }
        Ok(named)
    }

    /// Checks one signature over `text`; gives the time of a cosignature, in seconds since 1970-01-01 UTC.
    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> Result<Option<u64>> {
        match &self.public {
            Public::Curve(key) => {
                let signature = match key.algorithm() {
                    Algorithm::P256 => Signature::from_der(signature),
                    Algorithm::Sm2 => Signature::from_bytes(signature),
                };
                key.verify(text.as_bytes(), &signature.map_err(|_| Error::InvalidSignature)?)?;
                Ok(None)
            }
            Public::Ed25519(key) => key.verify(text.as_bytes(), signature).map(|()| None),
            Public::Cosigner(key) => {
                let (time, signature) = signature.split_first_chunk::<8>().ok_or(Error::InvalidSignature)?;
                let time = u64::from_be_bytes(*time);
                if time > MAX_SECONDS {
                    return Err(Error::InvalidSignature);
                }
                key.verify(cosigned(text, time).as_bytes(), signature)?;
                Ok(Some(time))
            }
        }
    }
}

/// What a cosignature signs.
fn cosigned(text: &str, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

fn exact_point(point: &[u8]) -> Option<&[u8]> {
    (point.len() == 65 && point[0] == 4).then_some(point)
}

impl Public {
    /// Signature type and public key.
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(92);
        match self {
            Public::Curve(key) if key.algorithm() == Algorithm::P256 => {
                out.push(TYPE_ECDSA);
                out.extend_from_slice(&P256_SPKI_PREFIX);
            }
            Public::Curve(_) => {
                out.push(TYPE_LONG);
                out.extend_from_slice(SM2_IDENTIFIER);
            }
            Public::Ed25519(_) => out.push(TYPE_ED25519),
            Public::Cosigner(_) => out.push(TYPE_COSIGNATURE),
        }
        out.extend_from_slice(&self.key_bytes());
        out
    }

    fn key_bytes(&self) -> Vec<u8> {
        match self {
            Public::Curve(key) => key.to_sec1().to_vec(),
            Public::Ed25519(key) | Public::Cosigner(key) => key.to_bytes().to_vec(),
        }
    }
}

#[derive(Clone, Debug)]
enum Secret {
    Curve(SigningKey),
    Ed25519(Ed25519SigningKey),
}

/// A private key under a name, which signs lines of notes.
#[derive(Clone, Debug)]
pub struct NoteSigner {
    key: NoteKey,
    secret: Secret,
}

impl NoteSigner {
    /// Names a private key of P-256 or SM2.
    ///
    /// # Errors
    /// As [`NoteKey::new`].
    pub fn new(name: &str, key: SigningKey) -> Result<Self> {
        Ok(NoteSigner { key: NoteKey::new(name, key.verifying_key())?, secret: Secret::Curve(key) })
    }

    /// Names a private Ed25519 key that signs texts.
    ///
    /// # Errors
    /// As [`NoteKey::new`].
    pub fn ed25519(name: &str, key: Ed25519SigningKey) -> Result<Self> {
        Ok(NoteSigner { key: NoteKey::ed25519(name, key.verifying_key())?, secret: Secret::Ed25519(key) })
    }

    /// Names the private Ed25519 key of a witness.
    ///
    /// # Errors
    /// As [`NoteKey::new`].
    pub fn cosigner(name: &str, key: Ed25519SigningKey) -> Result<Self> {
        Ok(NoteSigner { key: NoteKey::cosigner(name, key.verifying_key())?, secret: Secret::Ed25519(key) })
    }

    /// The public half.
    pub fn key(&self) -> &NoteKey {
        &self.key
    }

    /// Signs `text`, which ends with a newline, and gives the signature line.
    ///
    /// # Inputs
    /// `seconds` since 1970-01-01 UTC: what a cosignature says; the other types say no time.
    ///
    /// # Errors
    /// `InvalidArgument` for a text that cannot be a note's, or a time beyond 2^63 - 1.
    pub fn sign(&self, text: &str, seconds: u64) -> Result<String> {
        if !text.ends_with('\n') || text.starts_with('\n') {
            return Err(invalid(text.len(), "the text must be lines, each ending with a newline"));
        }
        let mut bytes = self.key.id.to_be_bytes().to_vec();
        match (&self.secret, self.key.is_cosigner()) {
            (Secret::Curve(key), _) => {
                let signature = key.sign(text.as_bytes());
                match key.algorithm() {
                    Algorithm::P256 => bytes.extend_from_slice(&signature.to_der()),
                    Algorithm::Sm2 => bytes.extend_from_slice(&signature.to_bytes()),
                }
            }
            (Secret::Ed25519(key), false) => bytes.extend_from_slice(&key.sign(text.as_bytes())),
            (Secret::Ed25519(_), true) if seconds > MAX_SECONDS => {
                return Err(Error::InvalidArgument { field: "time", reason: "is later than 2^63 - 1 seconds" });
            }
            (Secret::Ed25519(key), true) => {
                bytes.extend_from_slice(&seconds.to_be_bytes());
                bytes.extend_from_slice(&key.sign(cosigned(text, seconds).as_bytes()));
            }
        }
        Ok(format!("\u{2014} {} {}\n", self.key.name, Base64::encode_string(&bytes)))
    }
}
