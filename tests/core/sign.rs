//! Signing and verifying.

#[path = "sign/batch.rs"]
mod batch;
#[path = "sign/forms.rs"]
mod forms;
#[path = "sign/oracle.rs"]
mod oracle;
#[path = "sign/published.rs"]
mod published;
#[path = "sign/third_party.rs"]
mod third_party;

use sealcore::sign::{Algorithm, KeyRef, Keys, Signature, SigningKey, VerifyingKey, verify_digest_many};
use std::path::Path;

const BOTH: [Algorithm; 2] = [Algorithm::Sm2, Algorithm::P256];

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).expect("readable")).expect("JSON")
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().expect("text")
}

fn unhex(value: &serde_json::Value) -> Vec<u8> {
    hex::decode(text(value)).expect("hexadecimal")
}

fn bytes<const N: usize>(value: &serde_json::Value) -> [u8; N] {
    unhex(value).try_into().expect("length")
}

/// A key that is the same in every run.
fn fixed_key(algorithm: Algorithm, number: u8) -> SigningKey {
    SigningKey::from_bytes(algorithm, &sealcore::hash::sha256(&[number])).expect("key")
}

/// The verdict on a signature, the same from all three ways of verifying it.
fn judge(key: &VerifyingKey, digest: &[u8; 32], signature: &Signature) -> bool {
    let plain = key.verify_digest(digest, signature);
    if let Err(error) = plain {
        assert_eq!(error, sealcore::Error::InvalidSignature);
    }
    let prepared = key.prepare();
    assert_eq!(prepared.verify_digest(digest, signature), plain, "a prepared key judges alike");
    let (digests, signatures) = ([*digest; 3], [*signature; 3]);
    for key in [KeyRef::from(key), KeyRef::from(&prepared)] {
        let verdicts = verify_digest_many(Keys::One(key), &digests, &signatures, 1).expect("counts");
        assert_eq!(verdicts.as_slice(), [plain.is_ok(); 3], "a batch judges alike");
    }
    plain.is_ok()
}
