//! Private and public keys in files: PKCS#8 (RFC 5958), encrypted PKCS#8, SEC 1 (RFC 5915), SPKI (RFC 5480).
//!
//! PEM and DER are told apart by themselves. SM2 keys come in three shapes (id-ecPublicKey with the curve, the SM2
//! identifier as algorithm, explicit curve parameters); the first is written. PKCS#12 and CFCA containers are not here.

use crate::pki::asn1::{self, AlgorithmRef, Fault, Parse};
use crate::pki::domain::{DOMAINS, Domain};
use crate::pki::pem::{self, Format};
use crate::pki::{oid, pbes2};
use crate::sign::{Algorithm, SigningKey, VerifyingKey};
use crate::{Error, Result};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Reader, SliceReader, Tag};
use zeroize::Zeroizing;

const PRIVATE: &str = "private key";
const PUBLIC: &str = "public key";

fn refused(field: &'static str, reason: &'static str) -> Fault {
    Fault::Typed(Error::InvalidKey { field, reason })
}

/// The curve's algorithm from its object identifier.
fn named_curve(field: &'static str, curve: ObjectIdentifier) -> Parse<Algorithm> {
    match curve {
        oid::P256 => Ok(Algorithm::P256),
        oid::SM2 => Ok(Algorithm::Sm2),
        _ => Err(refused(field, "the curve is neither P-256 nor SM2")),
    }
}

/// ECParameters: a named curve, or explicit parameters equal to one of ours in every number.
fn curve(field: &'static str, parameters: AnyRef<'_>) -> Parse<Algorithm> {
    match der::Tagged::tag(&parameters) {
        Tag::ObjectIdentifier => named_curve(field, parameters.decode_as()?),
        Tag::Sequence => explicit_curve(field, parameters),
        _ => Err(refused(field, "the curve is not named; expected P-256 or SM2")),
    }
}

/// SpecifiedECDomain (SEC 1 C.2). A foreign generator on the right curve makes keys forgeable (CVE-2020-0601), so
/// each number is compared; the seed alone proves nothing and is skipped.
fn explicit_curve(field: &'static str, parameters: AnyRef<'_>) -> Parse<Algorithm> {
    use der::asn1::{BitStringRef, UintRef};
    parameters.sequence(|r| {
        let version = u8::decode(r)?;
        let (field_id, p) = asn1::sequence(r, |r| Ok((ObjectIdentifier::decode(r)?, UintRef::decode(r)?)))?;
        let (a, b) = asn1::sequence(r, |r| {
            let (a, b) = (<&OctetStringRef>::decode(r)?, <&OctetStringRef>::decode(r)?);
            if !r.is_finished() {
                BitStringRef::decode(r)?;
            }
            Ok((a.as_bytes(), b.as_bytes()))
        })?;
        let base = <&OctetStringRef>::decode(r)?.as_bytes();
        let n = UintRef::decode(r)?;
        let cofactor_is_one = r.is_finished() || u8::decode(r)? == 1;
        let equal =
            |d: &Domain| p.as_bytes() == d.p && a == d.a && b == d.b && d.is_generator(base) && n.as_bytes() == d.n;
        let known = DOMAINS.iter().find(|(_, d)| equal(d));
        match known {
            Some((algorithm, _)) if (1..=3).contains(&version) && field_id == oid::PRIME_FIELD && cofactor_is_one => {
                Ok(*algorithm)
            }
            _ => Err(refused(field, "the explicit curve parameters are neither those of P-256 nor those of SM2")),
        }
    })
}

/// Which of our algorithms an AlgorithmIdentifier of a key names.
pub(super) fn key_algorithm(field: &'static str, algorithm: AlgorithmRef<'_>) -> Parse<Algorithm> {
    match (algorithm.oid, algorithm.parameters) {
        (oid::EC_PUBLIC_KEY, Some(parameters)) => curve(field, parameters),
        (oid::EC_PUBLIC_KEY, None) => Err(refused(field, "the curve is missing")),
        (oid::SM2, None) => Ok(Algorithm::Sm2),
        (oid::SM2, Some(parameters)) if parameters.is_null() => Ok(Algorithm::Sm2),
        (oid::SM2, Some(parameters)) => match curve(field, parameters)? {
            Algorithm::Sm2 => Ok(Algorithm::Sm2),
            Algorithm::P256 => Err(refused(field, "an SM2 key names the curve P-256")),
        },
        _ => Err(refused(field, "the key is neither P-256 nor SM2")),
    }
}

/// Reads a private key.
///
/// # Inputs
/// `data`: PEM (`PRIVATE KEY`, `ENCRYPTED PRIVATE KEY`, `EC PRIVATE KEY`, `SM2 PRIVATE KEY`) or the DER of the same.
/// `password`: bytes as typed (UTF-8), for an encrypted key only.
///
/// # Errors
/// [`Error::WrongPassword`]; [`Error::InvalidArgument`] when the password is missing or not needed;
/// [`Error::InvalidKey`] for another algorithm, a scalar out of range, a public key that does not belong to it, or an
/// unsupported encryption or container; [`Error::InvalidEncoding`] with the offset.
///
/// # Source
/// RFC 5958, RFC 5915, RFC 8018, GM/T 0006-2012.
pub fn load_private_key(data: &[u8], password: Option<&[u8]>) -> Result<SigningKey> {
    asn1::check_small(PRIVATE, data)?;
    let Some(blocks) = pem::blocks(PRIVATE, data)? else {
        return any_private_key(data, None, password);
    };
    let mut curve_hint = None;
    let mut keys = Vec::new();
    for block in &blocks {
        match block.label.as_str() {
            "EC PARAMETERS" => {
                curve_hint = Some(asn1::parse(PRIVATE, &block.der, |r| curve(PRIVATE, AnyRef::decode(r)?))?);
            }
            "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" | "EC PRIVATE KEY" | "SM2 PRIVATE KEY" => keys.push(block),
            "CFCA KEY" => return Err(CFCA),
            "RSA PRIVATE KEY" | "DSA PRIVATE KEY" => {
                return Err(Error::InvalidKey { field: PRIVATE, reason: "the key is neither P-256 nor SM2" });
            }
            _ => {}
        }
    }
    let [block] = keys.as_slice() else {
        let reason = if keys.is_empty() {
            "the PEM text holds no private key (see its BEGIN lines)"
        } else {
            "the PEM text holds several private keys; one is expected"
        };
        return Err(Error::InvalidEncoding { field: PRIVATE, offset: 0, reason });
    };
    let hint = if block.label == "SM2 PRIVATE KEY" { Some(Algorithm::Sm2) } else { curve_hint };
    any_private_key(&block.der, hint, password)
}

const CFCA: Error =
    Error::InvalidKey { field: PRIVATE, reason: "unsupported container: a CFCA .sm2 file; export the key as PKCS#8" };
const PKCS12: Error = Error::InvalidKey {
    field: PRIVATE,
    reason: "unsupported container: PKCS#12 (.p12, .pfx); export the key as PKCS#8, for example with `openssl pkcs12 -nocerts`",
};

/// What a DER private key file starts like.
enum Shape {
    Pkcs8,
    Encrypted,
    Sec1,
    Pkcs12,
    Cfca,
}

fn shape(reader: &mut SliceReader<'_>) -> Parse<Shape> {
    asn1::sequence(reader, |r| {
        let mut tags = Vec::new();
        let mut version = None;
        while !r.is_finished() && tags.len() < 3 {
            tags.push(Tag::peek(r)?);
            if tags == [Tag::Integer] {
                version = Some(u64::decode(r)?);
            } else {
                asn1::raw(r)?;
            }
        }
        asn1::skip(r)?;
        match (tags.as_slice(), version) {
            ([Tag::Sequence, Tag::OctetString], _) => Ok(Shape::Encrypted),
            ([Tag::Integer, Tag::OctetString, ..], _) => Ok(Shape::Sec1),
            ([Tag::Integer, Tag::Sequence, Tag::OctetString], _) => Ok(Shape::Pkcs8),
            ([Tag::Integer, Tag::Sequence, Tag::Sequence] | [Tag::Integer, Tag::Sequence], Some(3)) => {
                Ok(Shape::Pkcs12)
            }
            ([Tag::Integer, Tag::Sequence, Tag::Sequence], Some(1)) => Ok(Shape::Cfca),
            _ => Err(Fault::Typed(Error::InvalidEncoding {
                field: PRIVATE,
                offset: 0,
                reason: "not a private key: expected PKCS#8, encrypted PKCS#8 or SEC 1",
            })),
        }
    })
}

fn any_private_key(der: &[u8], hint: Option<Algorithm>, password: Option<&[u8]>) -> Result<SigningKey> {
    // Java and Windows write PKCS#12 with indefinite lengths.
    if der.starts_with(&[0x30, 0x80, 0x02, 0x01, 0x03]) {
        return Err(PKCS12);
    }
    let shape = asn1::parse(PRIVATE, der, shape)?;
    if password.is_some() && matches!(shape, Shape::Pkcs8 | Shape::Sec1) {
        return Err(Error::InvalidArgument {
            field: "password",
            reason: "the private key is not encrypted; give no password",
        });
    }
    match shape {
        Shape::Pkcs8 => pkcs8(der),
        Shape::Sec1 => asn1::parse(PRIVATE, der, |r| sec1(r, hint)),
        Shape::Encrypted => {
            let password = password.ok_or(Error::InvalidArgument {
                field: "password",
                reason: "the private key is encrypted; give its password",
            })?;
            let (algorithm, ciphertext) = asn1::parse(PRIVATE, der, |r| {
                asn1::sequence(r, |r| Ok((AlgorithmRef::read(r)?, <&OctetStringRef>::decode(r)?.as_bytes())))
            })?;
            let plaintext = pbes2::decrypt(algorithm, ciphertext, password)?;
            // One wrong password in 256 leaves valid padding, but no PKCS#8 structure.
            match asn1::parse(PRIVATE, &plaintext, self::shape) {
                Ok(Shape::Pkcs8) => pkcs8(&plaintext),
                _ => Err(Error::WrongPassword),
            }
        }
        Shape::Pkcs12 => Err(PKCS12),
        Shape::Cfca => Err(CFCA),
    }
}

fn pkcs8(der: &[u8]) -> Result<SigningKey> {
    asn1::parse(PRIVATE, der, |r| {
        asn1::sequence(r, |r| {
            let version = u8::decode(r)?;
            let algorithm = key_algorithm(PRIVATE, AlgorithmRef::read(r)?)?;
            // Nested in an OCTET STRING: offsets go on counting from the start of the file.
            let key = asn1::nested(r, Tag::OctetString, |r| sec1(r, Some(algorithm)))?;
            asn1::optional(r, 0, asn1::skip)?;
            let public = Tag::ContextSpecific { constructed: false, number: der::TagNumber(1) };
            let has_public = asn1::next_is(r, public);
            if version != u8::from(has_public) {
                return Err(refused(PRIVATE, "the PKCS#8 version does not fit its content"));
            }
            if has_public {
                let bits = AnyRef::decode(r)?.value();
                matches(&key, bits.strip_prefix(&[0]).unwrap_or_default())?;
            }
            Ok(key)
        })
    })
}

/// ECPrivateKey (RFC 5915 3). `algorithm` comes from around it and must not be contradicted inside.
fn sec1(reader: &mut SliceReader<'_>, algorithm: Option<Algorithm>) -> Parse<SigningKey> {
    asn1::sequence(reader, |r| {
        if u8::decode(r)? != 1 {
            return Err(refused(PRIVATE, "the EC private key has another version than 1"));
        }
        let d = <&OctetStringRef>::decode(r)?.as_bytes();
        let inside = asn1::optional(r, 0, |r| curve(PRIVATE, AnyRef::decode(r)?))?;
        let public = asn1::optional(r, 1, asn1::bit_string)?;
        let algorithm = match (algorithm, inside) {
            (Some(a), Some(b)) if a != b => return Err(refused(PRIVATE, "the file names two different curves")),
            (Some(a), _) | (None, Some(a)) => a,
            (None, None) => return Err(refused(PRIVATE, "the curve is missing")),
        };
        let key = SigningKey::from_bytes(algorithm, d)?;
        if let Some(public) = public {
            matches(&key, public)?;
        }
        Ok(key)
    })
}

fn matches(key: &SigningKey, public: &[u8]) -> Parse<()> {
    if VerifyingKey::from_sec1(key.algorithm(), public)? == key.verifying_key() {
        Ok(())
    } else {
        Err(refused(PRIVATE, "the public key in the file does not belong to the private key"))
    }
}

/// Writes a private key as PKCS#8, encrypted when there is a password.
///
/// # Inputs
/// `password`: bytes as typed (UTF-8), not empty. The encryption is PBKDF2-HMAC-SHA-256 with 600 000 iterations and
/// AES-256-CBC: `openssl pkey` reads it.
///
/// # Errors
/// [`Error::InvalidArgument`] for an empty password; [`Error::RandomSource`].
///
/// # Source
/// RFC 5958, RFC 8018.
pub fn dump_private_key(key: &SigningKey, password: Option<&[u8]>, format: Format) -> Result<Zeroizing<Vec<u8>>> {
    let public = asn1::tlv(asn1::context(1), &[&asn1::bits(&key.verifying_key().to_sec1())?])?;
    let d = Zeroizing::new(asn1::octets(key.to_bytes().as_slice())?);
    let sec1 = Zeroizing::new(asn1::seq(&[&asn1::uint(&[1])?, &d, &public])?);
    let sec1 = Zeroizing::new(asn1::octets(&sec1)?);
    let der = asn1::seq(&[&asn1::uint(&[0])?, &algorithm_identifier(key.algorithm())?, &sec1])?;
    write_pkcs8(Zeroizing::new(der), password, format)
}

/// Writes a PKCS#8 structure, encrypted when there is a password.
pub(super) fn write_pkcs8(
    der: Zeroizing<Vec<u8>>,
    password: Option<&[u8]>,
    format: Format,
) -> Result<Zeroizing<Vec<u8>>> {
    match password {
        None => pem::write(format, "PRIVATE KEY", der),
        Some([]) => Err(Error::InvalidArgument {
            field: "password",
            reason: "empty; give a password, or none at all to write the key unencrypted",
        }),
        Some(password) => pem::write(format, "ENCRYPTED PRIVATE KEY", pbes2::encrypt(&der, password)?),
    }
}

/// AlgorithmIdentifier of a key as written: id-ecPublicKey with the named curve.
fn algorithm_identifier(algorithm: Algorithm) -> Result<Vec<u8>> {
    let curve = match algorithm {
        Algorithm::P256 => oid::P256,
        Algorithm::Sm2 => oid::SM2,
    };
    asn1::seq(&[&asn1::oid(oid::EC_PUBLIC_KEY)?, &asn1::oid(curve)?])
}

/// SubjectPublicKeyInfo (RFC 5480) of a key.
pub(super) fn spki(key: &VerifyingKey) -> Result<Vec<u8>> {
    asn1::seq(&[&algorithm_identifier(key.algorithm())?, &asn1::bits(&key.to_sec1())?])
}

/// Reads a SubjectPublicKeyInfo.
pub(super) fn read_spki(field: &'static str, reader: &mut SliceReader<'_>) -> Parse<VerifyingKey> {
    asn1::sequence(reader, |r| {
        let algorithm = AlgorithmRef::read(r)?;
        let point = asn1::bit_string(r)?;
        Ok(VerifyingKey::from_sec1(key_algorithm(field, algorithm)?, point)?)
    })
}

/// Reads a public key: PEM (`PUBLIC KEY`) or DER SubjectPublicKeyInfo, in any of the three shapes of SM2.
///
/// # Errors
/// [`Error::InvalidKey`] for another algorithm or a point off the curve; [`Error::InvalidEncoding`] with the offset.
///
/// # Source
/// RFC 5480, GM/T 0006-2012.
pub fn load_public_key(data: &[u8]) -> Result<VerifyingKey> {
    asn1::check_small(PUBLIC, data)?;
    let der = pem::single(PUBLIC, data, &["PUBLIC KEY"])?;
    asn1::parse(PUBLIC, &der, |r| read_spki(PUBLIC, r))
}

/// Writes a public key as SubjectPublicKeyInfo.
///
/// # Errors
/// None that input can cause.
///
/// # Source
/// RFC 5480.
pub fn dump_public_key(key: &VerifyingKey, format: Format) -> Result<Vec<u8>> {
    pem::write(format, "PUBLIC KEY", Zeroizing::new(spki(key)?)).map(|text| text.to_vec())
}
