//! X.509 certificates (RFC 5280, GB/T 20518) with SM2 and P-256 keys: read once, kept raw, never re-encoded.

use crate::hash::sha256;
use crate::pki::asn1::{self, AlgorithmRef, Parse};
use crate::pki::extension::{BasicConstraints, Extension, Extensions, KeyUsage};
use crate::pki::{key, name, oid, pem, time};
use crate::sign::{Algorithm, DEFAULT_DISTID, Signature, VerifyingKey};
use crate::{Error, Result};
use core::ops::Range;
use der::asn1::ObjectIdentifier;
use der::{Decode, Reader, SliceReader, Tag, TagNumber};
use std::sync::Arc;
use zeroize::Zeroizing;

const FIELD: &str = "certificate";
const LABELS: [&str; 2] = ["CERTIFICATE", "X509 CERTIFICATE"];
/// Bound of certificates in one PEM text.
const MAX_BUNDLE: usize = 4096;

/// A certificate. Cloning is cheap; equality is equality of the DER bytes.
#[derive(Clone)]
pub struct Certificate(Arc<Fields>);

struct Fields {
    der: Vec<u8>,
    tbs: Range<usize>,
    issuer: Range<usize>,
    subject: Range<usize>,
    spki: Range<usize>,
    serial: Range<usize>,
    signature: Range<usize>,
    signature_algorithm: ObjectIdentifier,
    issuer_text: String,
    subject_text: String,
    not_before: i64,
    not_after: i64,
    /// An error for a key of another algorithm: such certificates are shown, but verify nothing.
    public_key: Result<VerifyingKey>,
    extensions: Extensions,
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl core::hash::Hash for Certificate {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.0.der.hash(state);
    }
}

impl core::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject())
            .field("issuer", &self.issuer())
            .finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads one certificate, DER.
    ///
    /// # Errors
    /// [`Error::InvalidEncoding`] with the offset; [`Error::InvalidKey`] for a point off its curve.
    ///
    /// # Source
    /// RFC 5280 4.1.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        asn1::check_small(FIELD, der)?;
        let fields = asn1::parse(FIELD, der, |r| read(r, der))?;
        Ok(Certificate(Arc::new(fields)))
    }

    /// Reads one certificate, PEM: one block `CERTIFICATE`, text around it is ignored.
    ///
    /// # Errors
    /// As [`Certificate::from_der`]; also when there is none, or several.
    pub fn from_pem(text: &[u8]) -> Result<Self> {
        Self::from_der(&pem::decode(FIELD, text, &LABELS)?)
    }

    /// Reads one certificate, PEM or DER.
    ///
    /// # Errors
    /// As [`Certificate::from_der`] and [`Certificate::from_pem`].
    pub fn load(data: &[u8]) -> Result<Self> {
        Self::from_der(&pem::single(FIELD, data, &LABELS)?)
    }

    /// Reads every certificate of a PEM text, or the one of DER bytes.
    ///
    /// # Errors
    /// As [`Certificate::from_der`]; also when there is none, or more than 4096.
    pub fn load_all(data: &[u8]) -> Result<Vec<Self>> {
        let Some(blocks) = pem::blocks(FIELD, data)? else {
            return Ok(vec![Self::from_der(data)?]);
        };
        let fitting: Vec<_> = blocks.iter().filter(|b| LABELS.contains(&b.label.as_str())).collect();
        if fitting.is_empty() || fitting.len() > MAX_BUNDLE {
            return Err(Error::InvalidEncoding {
                field: FIELD,
                offset: 0,
                reason: "expected 1 to 4096 blocks CERTIFICATE",
            });
        }
        fitting.iter().map(|b| Self::from_der(&b.der)).collect()
    }

    /// The certificate as it was read.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// One PEM block.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn to_pem(&self) -> Result<String> {
        let text: Zeroizing<Vec<u8>> = pem::encode("CERTIFICATE", self.der())?;
        String::from_utf8(text.to_vec()).map_err(|_| Error::Internal { reason: "PEM is ASCII" })
    }

    /// The bytes that the issuer signed.
    pub fn tbs(&self) -> &[u8] {
        &self.0.der[self.0.tbs.clone()]
    }

    /// The signature value, DER.
    pub fn signature(&self) -> &[u8] {
        &self.0.der[self.0.signature.clone()]
    }

    /// Dotted object identifier of the signature algorithm.
    pub fn signature_algorithm(&self) -> String {
        self.0.signature_algorithm.to_string()
    }

    /// The subject, RFC 4514 text.
    pub fn subject(&self) -> &str {
        &self.0.subject_text
    }

    /// The issuer, RFC 4514 text.
    pub fn issuer(&self) -> &str {
        &self.0.issuer_text
    }

    /// The subject, DER.
    pub fn subject_der(&self) -> &[u8] {
        &self.0.der[self.0.subject.clone()]
    }

    /// The issuer, DER.
    pub fn issuer_der(&self) -> &[u8] {
        &self.0.der[self.0.issuer.clone()]
    }

    /// The content of the serial number INTEGER, big-endian two's complement.
    pub fn serial(&self) -> &[u8] {
        &self.0.der[self.0.serial.clone()]
    }

    /// The first second of validity, unix time.
    pub fn not_before(&self) -> i64 {
        self.0.not_before
    }

    /// The last second of validity, unix time.
    pub fn not_after(&self) -> i64 {
        self.0.not_after
    }

    /// The public key.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] when it is neither SM2 nor P-256.
    pub fn public_key(&self) -> Result<VerifyingKey> {
        self.0.public_key
    }

    /// The SubjectPublicKeyInfo, DER.
    pub fn spki(&self) -> &[u8] {
        &self.0.der[self.0.spki.clone()]
    }

    /// Every extension in its order.
    pub fn extensions(&self) -> &[Extension] {
        &self.0.extensions.all
    }

    /// basicConstraints, when present.
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.0.extensions.basic_constraints
    }

    /// keyUsage, when present.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.0.extensions.key_usage
    }

    /// extKeyUsage as dotted object identifiers, when present.
    pub fn extended_key_usage(&self) -> Option<&[String]> {
        self.0.extensions.extended_key_usage.as_deref()
    }

    /// subjectKeyIdentifier, when present.
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.0.extensions.subject_key_id.as_deref()
    }

    /// The key identifier of authorityKeyIdentifier, when present.
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        self.0.extensions.authority_key_id.as_deref()
    }

    pub(super) fn unsupported_extension(&self) -> Option<&'static str> {
        self.0.extensions.unsupported
    }

    /// SHA-256 of the DER.
    pub fn fingerprint(&self) -> [u8; 32] {
        sha256(self.der())
    }

    /// Whether subject and issuer are the same name.
    pub fn is_self_issued(&self) -> bool {
        self.subject_der() == self.issuer_der()
    }

    /// Whether it is self-issued and verifies under its own key (SM2: default distid).
    pub fn is_self_signed(&self) -> bool {
        self.is_self_issued() && self.public_key().is_ok_and(|key| self.verify_signature(&key, None).is_ok())
    }

    /// Checks the issuer's signature over the raw bytes, and nothing else.
    ///
    /// # Inputs
    /// `distid`: the SM2 distinguishing identifier that the issuer used; `None` is the default, `Some(b"")` what
    /// OpenSSL uses when it is given none. It is ignored for P-256.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`]; [`Error::InvalidCertificate`] when the signature algorithm is not that of the key.
    ///
    /// # Timing
    /// Variable; everything is public.
    pub fn verify_signature(&self, issuer: &VerifyingKey, distid: Option<&[u8]>) -> Result<()> {
        verify(issuer, self.0.signature_algorithm, self.tbs(), self.signature(), distid)
    }
}

/// Verifies a DER signature of certificates, requests and CMS over raw bytes.
pub(super) fn verify(
    key: &VerifyingKey,
    algorithm: ObjectIdentifier,
    message: &[u8],
    der: &[u8],
    distid: Option<&[u8]>,
) -> Result<()> {
    if algorithm != signature_oid(key.algorithm()) {
        return Err(Error::InvalidCertificate {
            depth: 0,
            reason: "its signature algorithm is not that of its issuer's key (SM2-with-SM3 or ecdsa-with-SHA256)",
        });
    }
    let signature = Signature::from_der(der).map_err(|_| Error::InvalidSignature)?;
    match key.algorithm() {
        Algorithm::Sm2 => key.verify_with_distid(distid.unwrap_or(DEFAULT_DISTID), message, &signature),
        Algorithm::P256 => key.verify(message, &signature),
    }
}

/// The signature algorithm that goes with a key.
pub(super) fn signature_oid(algorithm: Algorithm) -> ObjectIdentifier {
    match algorithm {
        Algorithm::Sm2 => oid::SM2_SM3,
        Algorithm::P256 => oid::ECDSA_SHA256,
    }
}

fn wrong(reason: &'static str) -> asn1::Fault {
    Error::InvalidEncoding { field: FIELD, offset: 0, reason }.into()
}

fn read(reader: &mut SliceReader<'_>, der: &[u8]) -> Parse<Fields> {
    asn1::sequence(reader, |r| {
        let mut probe = r.clone();
        let tbs = asn1::span(&mut probe)?;
        let body = asn1::sequence(r, |r| read_tbs(r))?;
        let algorithm = AlgorithmRef::read(r)?;
        if algorithm.oid != body.signature_algorithm {
            return Err(wrong("its two signature algorithms differ"));
        }
        // Absent or NULL: RFC 5758 has none, GM/T 0015 certificates carry NULL.
        if [oid::SM2_SM3, oid::ECDSA_SHA256].contains(&algorithm.oid) && !algorithm.has_no_parameters() {
            return Err(wrong("its signature algorithm has parameters"));
        }
        let signature = asn1::bit_string(r)?;
        let end = usize::try_from(r.position())?;
        Ok(Fields {
            der: der.to_vec(),
            tbs,
            issuer_text: name::display(FIELD, &der[body.issuer.clone()])?,
            subject_text: name::display(FIELD, &der[body.subject.clone()])?,
            issuer: body.issuer,
            subject: body.subject,
            spki: body.spki,
            serial: body.serial,
            signature: end - signature.len()..end,
            signature_algorithm: algorithm.oid,
            not_before: body.not_before,
            not_after: body.not_after,
            public_key: body.public_key,
            extensions: body.extensions,
        })
    })
}

/// TBSCertificate.
struct Body {
    serial: Range<usize>,
    signature_algorithm: ObjectIdentifier,
    issuer: Range<usize>,
    not_before: i64,
    not_after: i64,
    subject: Range<usize>,
    spki: Range<usize>,
    public_key: Result<VerifyingKey>,
    extensions: Extensions,
}

fn read_tbs(r: &mut SliceReader<'_>) -> Parse<Body> {
    let version = asn1::optional(r, 0, |r| Ok(u8::decode(r)?))?.unwrap_or(0);
    if version > 2 {
        return Err(wrong("its version is not 1, 2 or 3"));
    }
    let serial = read_serial(r)?;
    let signature = AlgorithmRef::read(r)?;
    let issuer = asn1::span(r)?;
    let (not_before, not_after) = asn1::sequence(r, |r| Ok((time::read(r)?, time::read(r)?)))?;
    let subject = asn1::span(r)?;
    let (spki, public_key) = read_public_key(r)?;
    for number in [1, 2] {
        if asn1::next_is(r, Tag::ContextSpecific { constructed: false, number: TagNumber(number) }) {
            asn1::raw(r)?;
        }
    }
    let extensions = asn1::optional(r, 3, |r| Extensions::read(FIELD, r))?;
    if extensions.is_some() && version != 2 {
        return Err(wrong("it has extensions, but is not of version 3"));
    }
    Ok(Body {
        serial,
        signature_algorithm: signature.oid,
        issuer,
        not_before,
        not_after,
        subject,
        spki,
        public_key,
        extensions: extensions.unwrap_or_default(),
    })
}

/// The content of an INTEGER in minimal form, of either sign: real serial numbers come in all kinds.
fn read_serial(r: &mut SliceReader<'_>) -> Parse<Range<usize>> {
    let value = der::asn1::IntRef::decode(r)?.as_bytes();
    let end = usize::try_from(r.position())?;
    Ok(end - value.len()..end)
}

/// A bad point or curve ends the reading; a key of another algorithm is kept as the error that its use gives.
pub(super) fn read_public_key(r: &mut SliceReader<'_>) -> Parse<(Range<usize>, Result<VerifyingKey>)> {
    let mut probe = r.clone();
    let span = asn1::span(&mut probe)?;
    let key = asn1::sequence(r, |r| {
        let algorithm = AlgorithmRef::read(r)?;
        let point = asn1::bit_string(r)?;
        match key::key_algorithm("public key", algorithm) {
            Ok(algorithm) => Ok(Ok(VerifyingKey::from_sec1(algorithm, point)?)),
            Err(asn1::Fault::Typed(error)) => Ok(Err(error)),
            Err(fault) => Err(fault),
        }
    })?;
    Ok((span, key))
}
