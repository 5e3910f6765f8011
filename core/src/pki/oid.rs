//! Object identifiers, each with the document that assigns it.

use crate::pki::asn1::{self, Parse};
use crate::{Error, Result};
use der::asn1::ObjectIdentifier as Oid;
use der::{Decode, SliceReader, Tag};

const fn oid(text: &str) -> Oid {
    Oid::new_unwrap(text)
}

// Keys and signatures.
/// id-ecPublicKey (RFC 5480 2.1.1).
pub(super) const EC_PUBLIC_KEY: Oid = oid("1.2.840.10045.2.1");
/// prime-field (RFC 3279 2.3.5).
pub(super) const PRIME_FIELD: Oid = oid("1.2.840.10045.1.1");
/// secp256r1 (RFC 5480 2.1.1.1).
pub(super) const P256: Oid = oid("1.2.840.10045.3.1.7");
/// ecdsa-with-SHA256 (RFC 5758 3.2).
pub(super) const ECDSA_SHA256: Oid = oid("1.2.840.10045.4.3.2");
/// id-Ed25519 (RFC 8410, clause 3).
pub(super) const ED25519: Oid = oid("1.3.101.112");
/// The SM2 curve (GM/T 0006-2012); some tools write it as the key algorithm too.
pub(super) const SM2: Oid = oid("1.2.156.10197.1.301");
/// SM2 signature (GM/T 0006-2012); the signatureAlgorithm of GM/T 0010 SignerInfos.
pub(super) const SM2_SIGN: Oid = oid("1.2.156.10197.1.301.1");
/// SM2 with SM3 (GM/T 0006-2012).
pub(super) const SM2_SM3: Oid = oid("1.2.156.10197.1.501");

// Digests.
/// SM3 (GM/T 0006-2012).
pub(super) const SM3: Oid = oid("1.2.156.10197.1.401");
/// SHA-1 (for the certificate hash of RFC 2634 only), SHA-256, SHA-384, SHA-512 (RFC 5754 2).
pub(super) const SHA1: Oid = oid("1.3.14.3.2.26");
pub(super) const SHA256: Oid = oid("2.16.840.1.101.3.4.2.1");
pub(super) const SHA384: Oid = oid("2.16.840.1.101.3.4.2.2");
pub(super) const SHA512: Oid = oid("2.16.840.1.101.3.4.2.3");

// Password-based encryption.
/// PBES2, PBKDF2 (RFC 8018 A).
pub(super) const PBES2: Oid = oid("1.2.840.113549.1.5.13");
pub(super) const PBKDF2: Oid = oid("1.2.840.113549.1.5.12");
/// scrypt (RFC 7914 7).
pub(super) const SCRYPT: Oid = oid("1.3.6.1.4.1.11591.4.11");
/// PRFs (RFC 8018 B.1.2).
pub(super) const HMAC_SHA1: Oid = oid("1.2.840.113549.2.7");
pub(super) const HMAC_SHA256: Oid = oid("1.2.840.113549.2.9");
pub(super) const HMAC_SHA384: Oid = oid("1.2.840.113549.2.10");
pub(super) const HMAC_SHA512: Oid = oid("1.2.840.113549.2.11");
/// HMAC-SM3: as GmSSL and gmsm write it (GM/T 0006-2012, "SM3 with key"), and as GM/T 0091-2020 and OpenSSL do.
pub(super) const HMAC_SM3: Oid = oid("1.2.156.10197.1.401.2");
pub(super) const HMAC_SM3_0091: Oid = oid("1.2.156.10197.1.401.3.1");
/// Ciphers (NIST CSOR; GM/T 0006-2012).
pub(super) const AES128_CBC: Oid = oid("2.16.840.1.101.3.4.1.2");
pub(super) const AES192_CBC: Oid = oid("2.16.840.1.101.3.4.1.22");
pub(super) const AES256_CBC: Oid = oid("2.16.840.1.101.3.4.1.42");
pub(super) const SM4_CBC: Oid = oid("1.2.156.10197.1.104.2");

// Certificate extensions (RFC 5280 4.2.1).
pub(super) const SUBJECT_KEY_ID: Oid = oid("2.5.29.14");
pub(super) const KEY_USAGE: Oid = oid("2.5.29.15");
pub(super) const SUBJECT_ALT_NAME: Oid = oid("2.5.29.17");
pub(super) const BASIC_CONSTRAINTS: Oid = oid("2.5.29.19");
pub(super) const NAME_CONSTRAINTS: Oid = oid("2.5.29.30");
pub(super) const CERTIFICATE_POLICIES: Oid = oid("2.5.29.32");
pub(super) const AUTHORITY_KEY_ID: Oid = oid("2.5.29.35");
pub(super) const EXTENDED_KEY_USAGE: Oid = oid("2.5.29.37");
pub(super) const ANY_EXTENDED_KEY_USAGE: Oid = oid("2.5.29.37.0");

// Requests and CMS.
/// extensionRequest (RFC 2985 5.4.2).
pub(super) const EXTENSION_REQUEST: Oid = oid("1.2.840.113549.1.9.14");
/// id-data, id-signedData (RFC 5652).
pub(super) const DATA: Oid = oid("1.2.840.113549.1.7.1");
pub(super) const SIGNED_DATA: Oid = oid("1.2.840.113549.1.7.2");
/// The same two of GM/T 0010-2012 (GB/T 35275).
pub(super) const GM_DATA: Oid = oid("1.2.156.10197.6.1.4.2.1");
pub(super) const GM_SIGNED_DATA: Oid = oid("1.2.156.10197.6.1.4.2.2");
/// Attributes (RFC 5652 11; RFC 2634; RFC 5035; RFC 6211).
pub(super) const CONTENT_TYPE: Oid = oid("1.2.840.113549.1.9.3");
pub(super) const MESSAGE_DIGEST: Oid = oid("1.2.840.113549.1.9.4");
pub(super) const SIGNING_TIME: Oid = oid("1.2.840.113549.1.9.5");
pub(super) const SIGNING_CERTIFICATE: Oid = oid("1.2.840.113549.1.9.16.2.12");
pub(super) const SIGNING_CERTIFICATE_V2: Oid = oid("1.2.840.113549.1.9.16.2.47");
pub(super) const ALGORITHM_PROTECTION: Oid = oid("1.2.840.113549.1.9.52");

/// Longest identifier in its encoding; the largest real ones have 20 bytes.
const MAX_CONTENT: usize = 256;

/// The OBJECT IDENTIFIER of dotted text, DER. Arcs have up to 128 bits, as `2.25.<UUID>` (X.667) needs them, which the
/// type of `const-oid` does not have.
pub(super) fn encode(field: &'static str, text: &str) -> Result<Vec<u8>> {
    let content = content(text).filter(|c| c.len() <= MAX_CONTENT);
    let wrong =
        Error::InvalidArgument { field, reason: "expected a dotted object identifier such as \"1.2.156.10197.1.501\"" };
    asn1::tlv(Tag::ObjectIdentifier, &[&content.ok_or(wrong)?])
}

fn content(text: &str) -> Option<Vec<u8>> {
    let mut arcs = text.split('.').map(|arc| {
        let canonical = arc == "0" || (!arc.starts_with('0') && arc.bytes().all(|b| b.is_ascii_digit()));
        canonical.then(|| arc.parse::<u128>().ok()).flatten()
    });
    let (first, second) = (arcs.next()??, arcs.next()??);
    if first > 2 || (first < 2 && second > 39) {
        return None;
    }
    let mut out = Vec::new();
    push_arc(&mut out, (40 * first).checked_add(second)?);
    for arc in arcs {
        push_arc(&mut out, arc?);
    }
    Some(out)
}

/// Base 128, most significant first, every byte but the last with its high bit set (X.690 8.19).
fn push_arc(out: &mut Vec<u8>, arc: u128) {
    let digits = (128 - arc.leading_zeros()).div_ceil(7).max(1);
    for digit in (0..digits).rev() {
        out.push((arc >> (7 * digit)) as u8 & 0x7f | if digit > 0 { 0x80 } else { 0 });
    }
}

/// Reads an OBJECT IDENTIFIER as dotted text.
pub(super) fn read(reader: &mut SliceReader<'_>) -> Parse<String> {
    let any = der::asn1::AnyRef::decode(reader)?;
    der::Tagged::tag(&any).assert_eq(Tag::ObjectIdentifier)?;
    Ok(text(any.value()).ok_or(der::ErrorKind::OidMalformed)?)
}

fn text(content: &[u8]) -> Option<String> {
    if content.is_empty() || content.len() > MAX_CONTENT {
        return None;
    }
    let mut arcs = Vec::new();
    let mut arc: Option<u128> = None;
    for byte in content {
        // A leading 0x80 would be a zero digit: not minimal.
        if arc.is_none() && *byte == 0x80 {
            return None;
        }
        let value = arc.unwrap_or(0);
        if value >> 121 != 0 {
            return None;
        }
        let value = value << 7 | u128::from(byte & 0x7f);
        arc = if byte & 0x80 == 0 {
            arcs.push(value);
            None
        } else {
            Some(value)
        };
    }
    if arc.is_some() {
        return None;
    }
    let first = (arcs[0] / 40).min(2);
    let head = format!("{first}.{}", arcs[0] - 40 * first);
    Some(arcs[1..].iter().fold(head, |text, arc| format!("{text}.{arc}")))
}

/// The constant for dotted text, to match on; `None` when the text is none of ours.
pub(super) fn known(text: &str) -> Option<Oid> {
    Oid::new(text).ok()
}
