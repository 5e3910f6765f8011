//! Private Ed25519 keys in files: PKCS#8 (RFC 8410), plain or encrypted; they sign lines of checkpoints.

use crate::pki::asn1::{self, AlgorithmRef, Fault};
use crate::pki::pem::{self, Format};
use crate::pki::{oid, pbes2};
use crate::sign::Ed25519SigningKey;
use crate::{Error, Result};
use der::Decode;
use der::asn1::OctetStringRef;
use der::{Reader, Tag};
use zeroize::Zeroizing;

const PRIVATE: &str = "private key";

/// Reads a private Ed25519 key: PEM (`PRIVATE KEY`, `ENCRYPTED PRIVATE KEY`) or the DER of the same.
///
/// # Errors
/// As [`super::load_private_key`]; [`Error::InvalidKey`] for a key of another algorithm.
///
/// # Source
/// RFC 8410, clause 7.
pub fn load_ed25519_key(data: &[u8], password: Option<&[u8]>) -> Result<Ed25519SigningKey> {
    asn1::check_small(PRIVATE, data)?;
    let der = pem::single(PRIVATE, data, &["PRIVATE KEY", "ENCRYPTED PRIVATE KEY"])?;
    let encrypted = asn1::parse(PRIVATE, &der, |r| {
        asn1::sequence(r, |r| {
            let encrypted = asn1::next_is(r, Tag::Sequence);
            while !r.is_finished() {
                asn1::skip(r)?;
            }
            Ok(encrypted)
        })
    })?;
    if !encrypted {
        if password.is_some() {
            let reason = "the private key is not encrypted; give no password";
            return Err(Error::InvalidArgument { field: "password", reason });
        }
        return pkcs8(&der);
    }
    let password = password.ok_or(Error::InvalidArgument {
        field: "password",
        reason: "the private key is encrypted; give its password",
    })?;
    let (algorithm, ciphertext) = asn1::parse(PRIVATE, &der, |r| {
        asn1::sequence(r, |r| Ok((AlgorithmRef::read(r)?, <&OctetStringRef>::decode(r)?.as_bytes())))
    })?;
    let plaintext = pbes2::decrypt(algorithm, ciphertext, password)?;
    // One wrong password in 256 leaves valid padding, but no structure.
    match pkcs8(&plaintext) {
        Err(Error::InvalidEncoding { .. }) => Err(Error::WrongPassword),
        result => result,
    }
}

fn pkcs8(der: &[u8]) -> Result<Ed25519SigningKey> {
    let refused = |reason| Fault::Typed(Error::InvalidKey { field: PRIVATE, reason });
    asn1::parse(PRIVATE, der, |r| {
        asn1::sequence(r, |r| {
            let version = u8::decode(r)?;
            let algorithm = AlgorithmRef::read(r)?;
            if algorithm.oid != oid::ED25519 || algorithm.parameters.is_some() {
                return Err(refused("the key is not an Ed25519 key"));
            }
            let key = asn1::nested(r, Tag::OctetString, |r| {
                let seed = <&OctetStringRef>::decode(r)?.as_bytes();
                let seed = seed.try_into().map_err(|_| refused("an Ed25519 key is 32 bytes"))?;
                Ok(Ed25519SigningKey::from_seed(seed))
            })?;
            asn1::optional(r, 0, asn1::skip)?;
            let public = Tag::ContextSpecific { constructed: false, number: der::TagNumber(1) };
            let has_public = asn1::next_is(r, public);
            if version != u8::from(has_public) {
                return Err(refused("the PKCS#8 version does not fit its content"));
            }
            if has_public {
                let bits = der::asn1::AnyRef::decode(r)?.value();
                if bits.strip_prefix(&[0]) != Some(&key.verifying_key().to_bytes()) {
                    return Err(refused("the public key in the file does not belong to the private key"));
                }
            }
            Ok(key)
        })
    })
}

/// Writes a private Ed25519 key as PKCS#8, encrypted when there is a password, as [`super::dump_private_key`] does.
///
/// # Errors
/// [`Error::InvalidArgument`] for an empty password; [`Error::RandomSource`].
///
/// # Source
/// RFC 8410, clause 7.
pub fn dump_ed25519_key(
    key: &Ed25519SigningKey,
    password: Option<&[u8]>,
    format: Format,
) -> Result<Zeroizing<Vec<u8>>> {
    let seed = Zeroizing::new(asn1::octets(key.to_seed().as_slice())?);
    let inner = Zeroizing::new(asn1::octets(&seed)?);
    let algorithm = asn1::seq(&[&asn1::oid(oid::ED25519)?])?;
    super::key::write_pkcs8(Zeroizing::new(asn1::seq(&[&asn1::uint(&[0])?, &algorithm, &inner])?), password, format)
}
