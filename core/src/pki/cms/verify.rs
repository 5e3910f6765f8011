//! Verifying: one signer's signature over the bytes that were signed. Trust in the certificate is `verify_chain`'s.

use crate::hash::{HashAlgorithm, sha256, sm3};
use crate::pki::asn1::{self, AlgorithmRef};
use crate::pki::certificate::{self, Certificate};
use crate::pki::cms::read::{self, Attribute, FIELD, SignedData, SignerId, SignerInfo, wrong};
use crate::pki::{oid, time};
use crate::sign::{Algorithm, Signature};
use crate::{Error, Result};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Reader, Tag};
use sha1::Digest;

/// What the signature is about.
#[derive(Clone, Copy, Debug)]
pub enum CmsContent<'a> {
    /// What the SignedData carries.
    Attached,
    /// These bytes. When the SignedData carries content too, the two must be equal.
    Bytes(&'a [u8]),
    /// Content with this digest, under the digest algorithm of the signer. Without signed attributes an SM2 signature
    /// cannot be checked so: Z_A goes into the hash before the content.
    Digest(&'a [u8; 32]),
}

/// How strictly a SignedData is verified.
#[derive(Clone, Copy, Debug, Default)]
pub struct CmsVerification<'a> {
    /// The SM2 distinguishing identifier; `None` is the default one.
    pub distid: Option<&'a [u8]>,
    /// Accepts signed attributes that are not in DER order, and reports them; otherwise they are refused.
    pub allow_unordered_attributes: bool,
    /// Certificates to find the signer among, beside those in the SignedData.
    pub certificates: &'a [Certificate],
}

/// Something that verifies, but is not as the standards have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deviation {
    /// The signature value is r ‖ s in 64 bytes instead of DER.
    RawSignature,
    /// The signed attributes are not in DER order; they verify in the order in which they stand.
    UnorderedAttributes,
    /// Content types of RFC 5652 and of GM/T 0010 are mixed.
    MixedContentTypes,
    /// A version number is not the one that RFC 5652 (5.1, 5.3) and GM/T 0010 give.
    Version,
    /// The set of digest algorithms lacks that of the signer.
    DigestAlgorithmNotListed,
}

impl Deviation {
    /// A short name, `"raw_signature"` and the like.
    pub fn name(self) -> &'static str {
        match self {
            Deviation::RawSignature => "raw_signature",
            Deviation::UnorderedAttributes => "unordered_attributes",
            Deviation::MixedContentTypes => "mixed_content_types",
            Deviation::Version => "version",
            Deviation::DigestAlgorithmNotListed => "digest_algorithm_not_listed",
        }
    }
}

/// A verified SignedData. Whether the signer is to be trusted is another question: see `verify_chain`.
#[derive(Clone, Debug)]
pub struct CmsInfo {
    /// The certificate whose key made the signature.
    pub signer: Certificate,
    /// Every certificate in the SignedData that can be read, the signer's included.
    pub certificates: Vec<Certificate>,
    /// The DER of those that cannot.
    pub unreadable_certificates: Vec<Vec<u8>>,
    /// The digest algorithm.
    pub digest_algorithm: HashAlgorithm,
    /// The algorithm of the signature.
    pub algorithm: Algorithm,
    /// r ‖ s.
    pub signature: Signature,
    /// Dotted object identifier of the content type.
    pub content_type: String,
    /// The content, when the SignedData carries it.
    pub content: Option<Vec<u8>>,
    /// The signed attributes in their order; `None`: the content itself was signed.
    pub signed_attributes: Option<Vec<Attribute>>,
    /// The unsigned attributes (time stamps and the like), not verified.
    pub unsigned_attributes: Vec<Attribute>,
    /// signingTime as the signer claims it, unix seconds.
    pub signing_time: Option<i64>,
    /// Whether a signing-certificate attribute binds the certificate to the signature. It matches when present.
    pub binds_certificate: bool,
    /// What is not as the standards have it.
    pub deviations: Vec<Deviation>,
}

/// Verifies a SignedData with one signer.
///
/// # Inputs
/// `data`: DER or PEM (`CMS`, `PKCS7`), RFC 5652 or GM/T 0010 content types.
///
/// # Errors
/// [`Error::InvalidSignature`] when the signature, the content digest or an attribute does not fit;
/// [`Error::InvalidCertificate`] when the signer's certificate is missing or is not the one that the attributes name;
/// [`Error::InvalidArgument`] when the content is needed; [`Error::InvalidEncoding`] with the offset.
///
/// # Timing
/// Variable; everything is public.
///
/// # Source
/// RFC 5652 5.4 and 5.6, RFC 5035 5.4, RFC 6211, GM/T 0010-2012 8.
pub fn verify_cms(data: &[u8], content: CmsContent<'_>, options: &CmsVerification<'_>) -> Result<CmsInfo> {
    let der = read::load(data)?;
    let signed = read::signed_data(&der)?;
    let info = match signed.signers.as_slice() {
        [one] => one,
        [] => return Err(wrong("it has no signature, only certificates")),
        _ => return Err(wrong("it has several signatures; one is expected")),
    };
    let mut certificates = Vec::new();
    let mut unreadable_certificates = Vec::new();
    for raw in &signed.certificates {
        match Certificate::from_der(raw) {
            Ok(certificate) => certificates.push(certificate),
            Err(_) => unreadable_certificates.push(raw.to_vec()),
        }
    }
    let signer = certificates
        .iter()
        .chain(options.certificates)
        .find(|c| is_named(c, &info.id))
        .ok_or(Error::InvalidCertificate {
            depth: 0,
            reason: "the signer's certificate is not there (or cannot be read)",
        })?
        .clone();
    let key = signer.public_key()?;
    let hash = check_algorithms(key.algorithm(), info)?;

    let mut deviations = structure_deviations(&signed, info, hash);
    let (signature, raw) = read_signature(info.signature)?;
    if raw {
        deviations.push(Deviation::RawSignature);
    }
    let verify = |message: &[u8]| {
        let der = signature.to_der();
        certificate::verify(&key, certificate::signature_oid(key.algorithm()), message, &der, options.distid)
    };
    let digest = content_digest(hash, signed.content, content)?;
    let mut attributes = None;
    match info.signed_attributes {
        // RFC 5652 5.3.
        None if ![oid::DATA, oid::GM_DATA].contains(&signed.content_type) => {
            return Err(wrong("its content type needs signed attributes, and there are none"));
        }
        None => match (signed.content, content) {
            (Some(bytes), _) | (None, CmsContent::Bytes(bytes)) => {
                refuse_attributes_as_content(bytes)?;
                verify(bytes)?;
            }
            (None, _) if key.algorithm() == Algorithm::P256 => key.verify_digest(&digest, &signature)?,
            (None, _) => {
                return Err(Error::InvalidArgument {
                    field: "content",
                    reason: "the signature has no signed attributes; SM2 needs the content itself, not its digest",
                });
            }
        },
        Some(raw) => {
            let list = signed_attributes(raw, options.allow_unordered_attributes, &mut deviations)?;
            verify(&[&[0x31], &raw[1..]].concat())?;
            check_content_type(&list, signed.content_type, &mut deviations)?;
            let message_digest =
                single(&list, oid::MESSAGE_DIGEST)?.ok_or_else(|| wrong("the attribute messageDigest is missing"))?;
            if *octets(message_digest)? != digest {
                return Err(Error::InvalidSignature);
            }
            check_algorithm_protection(&list, info)?;
            attributes = Some(list);
        }
    }
    let list = attributes.as_deref().unwrap_or_default();
    let binds_certificate = check_signing_certificate(list, &signer)?;
    let signing_time =
        single(list, oid::SIGNING_TIME)?.map(|value| asn1::parse(FIELD, value, time::read)).transpose()?;
    deviations.sort_by_key(|d| *d as u8);
    deviations.dedup();
    Ok(CmsInfo {
        signer,
        certificates,
        unreadable_certificates,
        digest_algorithm: hash,
        algorithm: key.algorithm(),
        signature,
        content_type: signed.content_type.to_string(),
        content: signed.content.map(<[u8]>::to_vec),
        signing_time,
        binds_certificate,
        signed_attributes: attributes,
        unsigned_attributes: info.unsigned_attributes.clone(),
        deviations,
    })
}

fn is_named(certificate: &Certificate, id: &SignerId<'_>) -> bool {
    match id {
        SignerId::IssuerAndSerial { issuer, serial } => {
            certificate.issuer_der() == *issuer && certificate.serial() == *serial
        }
        SignerId::KeyId(id) => certificate.subject_key_id() == Some(id),
    }
}

/// The hash that goes with the key, when the SignerInfo names that key's algorithms.
fn check_algorithms(algorithm: Algorithm, info: &SignerInfo<'_>) -> Result<HashAlgorithm> {
    let hash = algorithm.hash();
    let expected = match hash {
        HashAlgorithm::Sha256 => oid::SHA256,
        HashAlgorithm::Sm3 => oid::SM3,
    };
    if info.digest_algorithm.oid != expected || !info.digest_algorithm.has_no_parameters() {
        return Err(wrong("its digest algorithm is not that of the signer's key (SM3 with SM2, SHA-256 with P-256)"));
    }
    let fits = match algorithm {
        Algorithm::Sm2 => [oid::SM2_SM3, oid::SM2_SIGN].contains(&info.signature_algorithm.oid),
        Algorithm::P256 => info.signature_algorithm.oid == oid::ECDSA_SHA256,
    };
    if !fits || !info.signature_algorithm.has_no_parameters() {
        return Err(wrong("its signature algorithm is not that of the signer's key (SM2-with-SM3, ecdsa-with-SHA256)"));
    }
    Ok(hash)
}

fn structure_deviations(signed: &SignedData<'_>, info: &SignerInfo<'_>, hash: HashAlgorithm) -> Vec<Deviation> {
    let mut found = Vec::new();
    let expected = match hash {
        HashAlgorithm::Sha256 => oid::SHA256,
        HashAlgorithm::Sm3 => oid::SM3,
    };
    if !signed.digest_algorithms.contains(&expected) {
        found.push(Deviation::DigestAlgorithmNotListed);
    }
    let by_key_id = matches!(info.id, SignerId::KeyId(_));
    let is_data = [oid::DATA, oid::GM_DATA].contains(&signed.content_type);
    // Only certificates of X.509 are accepted, so versions 4 and 5 never apply.
    let version = if by_key_id || !is_data { 3 } else { 1 };
    if signed.version != version || info.version != if by_key_id { 3 } else { 1 } {
        found.push(Deviation::Version);
    }
    if is_data && signed.gm != (signed.content_type == oid::GM_DATA) {
        found.push(Deviation::MixedContentTypes);
    }
    found
}

/// Strict DER, or 64 raw bytes. That raw bytes happen to be DER (30 3e 02 …) has a probability below 2^-32; they are
/// then taken for DER and do not verify.
fn read_signature(value: &[u8]) -> Result<(Signature, bool)> {
    if let Ok(signature) = Signature::from_der(value) {
        return Ok((signature, false));
    }
    if value.len() == 64 {
        return Ok((Signature::from_bytes(value)?, true));
    }
    Err(Error::InvalidSignature)
}

/// The digest of the content; attached content must agree with what the caller gives.
fn content_digest(hash: HashAlgorithm, attached: Option<&[u8]>, given: CmsContent<'_>) -> Result<[u8; 32]> {
    let given = match given {
        CmsContent::Attached => None,
        CmsContent::Bytes(bytes) => Some(hash.digest(bytes)),
        CmsContent::Digest(digest) => Some(*digest),
    };
    match (attached.map(|bytes| hash.digest(bytes)), given) {
        (Some(a), Some(b)) if a != b => Err(Error::InvalidSignature),
        (Some(digest), _) | (None, Some(digest)) => Ok(digest),
        (None, None) => Err(Error::InvalidArgument {
            field: "content",
            reason: "the signature is detached; give the content or its digest",
        }),
    }
}

/// A signature over attributes is also one over content that is those attributes: dropping them from the SignedData and
/// attaching them as content would forge a signature over a content that nobody saw (Strenzke and others, 2023).
fn refuse_attributes_as_content(content: &[u8]) -> Result<()> {
    let list = asn1::parse(FIELD, content, |r| asn1::nested(r, Tag::Set, read::read_attributes)).unwrap_or_default();
    let has = |identifier: ObjectIdentifier| list.iter().any(|a| a.oid == identifier.to_string());
    if has(oid::CONTENT_TYPE) && has(oid::MESSAGE_DIGEST) { Err(Error::InvalidSignature) } else { Ok(()) }
}

fn signed_attributes(raw: &[u8], unordered: bool, deviations: &mut Vec<Deviation>) -> Result<Vec<Attribute>> {
    let (elements, list) = asn1::parse(FIELD, raw, |r| {
        asn1::nested(r, asn1::context(0), |r| {
            let elements = asn1::raw_elements(&mut r.clone())?;
            Ok((elements, read::read_attributes(r)?))
        })
    })?;
    if elements.windows(2).any(|pair| asn1::set_order(pair[0], pair[1]).is_gt()) {
        if !unordered {
            return Err(Error::InvalidEncoding {
                field: "signed attributes",
                offset: 0,
                reason: "they are not in DER order",
            });
        }
        deviations.push(Deviation::UnorderedAttributes);
    }
    let mut names: Vec<&str> = list.iter().map(|a| a.oid.as_str()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Error::InvalidEncoding {
            field: "signed attributes",
            offset: 0,
            reason: "an attribute occurs twice",
        });
    }
    Ok(list)
}

/// The one value of an attribute, when it is there.
fn single(list: &[Attribute], identifier: ObjectIdentifier) -> Result<Option<&[u8]>> {
    let name = identifier.to_string();
    match list.iter().find(|a| a.oid == name).map(|a| a.values.as_slice()) {
        None => Ok(None),
        Some([value]) => Ok(Some(value)),
        Some(_) => Err(wrong("an attribute that has one value has none or several")),
    }
}

fn octets(der: &[u8]) -> Result<&[u8]> {
    asn1::parse(FIELD, der, |r| Ok(<&OctetStringRef>::decode(r)?.as_bytes()))
}

fn check_content_type(
    list: &[Attribute],
    content_type: ObjectIdentifier,
    deviations: &mut Vec<Deviation>,
) -> Result<()> {
    let value = single(list, oid::CONTENT_TYPE)?.ok_or_else(|| wrong("the attribute contentType is missing"))?;
    let named = asn1::parse(FIELD, value, |r| Ok(ObjectIdentifier::decode(r)?))?;
    let both_data = [named, content_type].iter().all(|t| [oid::DATA, oid::GM_DATA].contains(t));
    if named == content_type {
        return Ok(());
    }
    if both_data {
        deviations.push(Deviation::MixedContentTypes);
        return Ok(());
    }
    Err(Error::InvalidSignature)
}

/// CMSAlgorithmProtection (RFC 6211 2): the algorithms as signed are those in the SignerInfo.
fn check_algorithm_protection(list: &[Attribute], info: &SignerInfo<'_>) -> Result<()> {
    let Some(value) = single(list, oid::ALGORITHM_PROTECTION)? else { return Ok(()) };
    let (digest, signature) = asn1::parse(FIELD, value, |r| {
        asn1::sequence(r, |r| {
            let digest = AlgorithmRef::read(r)?;
            let signature = asn1::optional(r, 1, |r| {
                let oid = ObjectIdentifier::decode(r)?;
                let parameters = if r.is_finished() { None } else { Some(AnyRef::decode(r)?) };
                Ok(AlgorithmRef { oid, parameters })
            })?;
            asn1::skip(r)?;
            Ok((digest, signature))
        })
    })?;
    let same = |a: &AlgorithmRef<'_>, b: &AlgorithmRef<'_>| a.oid == b.oid && a.parameters == b.parameters;
    if same(&digest, &info.digest_algorithm) && signature.is_none_or(|s| same(&s, &info.signature_algorithm)) {
        Ok(())
    } else {
        Err(Error::InvalidSignature)
    }
}

/// Whether signing-certificate-v2 (RFC 5035) or signing-certificate (RFC 2634) is there; it must name the signer's.
fn check_signing_certificate(list: &[Attribute], signer: &Certificate) -> Result<bool> {
    let mut binds = false;
    for (identifier, v2) in [(oid::SIGNING_CERTIFICATE_V2, true), (oid::SIGNING_CERTIFICATE, false)] {
        let Some(value) = single(list, identifier)? else { continue };
        asn1::parse(FIELD, value, |r| {
            asn1::sequence(r, |r| {
                // The first certificate is the signer's; further ones and policies restrict the chain, and are shown only.
                asn1::sequence(r, |r| {
                    asn1::sequence(r, |r| check_certificate_id(r, v2, signer))?;
                    asn1::skip(r)
                })?;
                asn1::skip(r)
            })
        })?;
        binds = true;
    }
    Ok(binds)
}

fn check_certificate_id(r: &mut der::SliceReader<'_>, v2: bool, signer: &Certificate) -> asn1::Parse<()> {
    let other = Error::InvalidCertificate {
        depth: 0,
        reason: "the signed attribute signing-certificate names another certificate",
    };
    let named = match (v2, asn1::next_is(r, Tag::Sequence)) {
        (true, true) => AlgorithmRef::read(r)?.oid,
        (true, false) => oid::SHA256,
        (false, _) => oid::SHA1,
    };
    let digest = match named {
        oid::SHA256 => sha256(signer.der()).to_vec(),
        oid::SM3 => sm3(signer.der()).to_vec(),
        oid::SHA384 => sha2::Sha384::digest(signer.der()).to_vec(),
        oid::SHA512 => sha2::Sha512::digest(signer.der()).to_vec(),
        oid::SHA1 => sha1::Sha1::digest(signer.der()).to_vec(),
        _ => return Err(wrong("signing-certificate uses a hash other than SHA-256, SHA-384, SHA-512 and SM3").into()),
    };
    if <&OctetStringRef>::decode(r)?.as_bytes() != digest {
        return Err(other.into());
    }
    if !r.is_finished() {
        let (names, serial) = asn1::sequence(r, |r| Ok((asn1::raw(r)?, der::asn1::IntRef::decode(r)?.as_bytes())))?;
        // GeneralNames with the one directoryName [4].
        let issuer = asn1::seq(&[&asn1::tlv(asn1::context(4), &[signer.issuer_der()])?])?;
        if serial != signer.serial() || names != issuer {
            return Err(other.into());
        }
    }
    Ok(())
}
