//! Reading: the structure of a SignedData, raw where something is signed or compared, nothing judged yet.

use crate::pki::asn1::{self, AlgorithmRef, Parse};
use crate::pki::certificate::Certificate;
use crate::pki::{oid, pem};
use crate::{Error, Result};
use der::asn1::{ObjectIdentifier, OctetStringRef};
use der::{Decode, SliceReader, Tag, TagNumber};
use zeroize::Zeroizing;

pub(super) const FIELD: &str = "CMS";

/// An attribute: its dotted object identifier, and the DER of each value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Dotted object identifier.
    pub oid: String,
    /// One value in nearly every attribute.
    pub values: Vec<Vec<u8>>,
}

pub(super) fn wrong(reason: &'static str) -> Error {
    Error::InvalidEncoding { field: FIELD, offset: 0, reason }
}

/// SignedData, borrowed from the input.
pub(super) struct SignedData<'a> {
    /// Whether the outer content type is of GM/T 0010.
    pub(super) gm: bool,
    pub(super) version: u8,
    pub(super) digest_algorithms: Vec<ObjectIdentifier>,
    pub(super) content_type: ObjectIdentifier,
    pub(super) content: Option<&'a [u8]>,
    pub(super) certificates: Vec<&'a [u8]>,
    pub(super) signers: Vec<SignerInfo<'a>>,
}

/// How a SignerInfo names the certificate.
pub(super) enum SignerId<'a> {
    IssuerAndSerial { issuer: &'a [u8], serial: &'a [u8] },
    KeyId(&'a [u8]),
}

pub(super) struct SignerInfo<'a> {
    pub(super) version: u8,
    pub(super) id: SignerId<'a>,
    pub(super) digest_algorithm: AlgorithmRef<'a>,
    /// With the header `[0]`, as it stands in the file.
    pub(super) signed_attributes: Option<&'a [u8]>,
    pub(super) signature_algorithm: AlgorithmRef<'a>,
    pub(super) signature: &'a [u8],
    pub(super) unsigned_attributes: Vec<Attribute>,
}

/// The DER of a CMS object that may be PEM.
pub(super) fn load(data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    pem::single(FIELD, data, &["CMS", "PKCS7", "PKCS #7 SIGNED DATA"])
}

pub(super) fn signed_data(der: &[u8]) -> Result<SignedData<'_>> {
    asn1::parse(FIELD, der, |r| {
        asn1::sequence(r, |r| {
            let gm = match ObjectIdentifier::decode(r)? {
                oid::SIGNED_DATA => false,
                oid::GM_SIGNED_DATA => true,
                other => return Err(wrong(container(other)).into()),
            };
            asn1::nested(r, asn1::context(0), |r| asn1::sequence(r, |r| read_signed_data(r, gm)))
        })
    })
}

/// Why another content type is refused.
fn container(identifier: ObjectIdentifier) -> &'static str {
    match identifier.to_string().as_str() {
        "1.2.840.113549.1.7.1" | "1.2.156.10197.6.1.4.2.1" => "unsupported container: data without a signature",
        "1.2.840.113549.1.7.3" | "1.2.156.10197.6.1.4.2.3" => {
            "unsupported container: envelopedData; signedData is expected"
        }
        "1.2.840.113549.1.7.4" | "1.2.156.10197.6.1.4.2.4" => {
            "unsupported container: signedAndEnvelopedData; signedData is expected"
        }
        "1.2.840.113549.1.7.6" | "1.2.156.10197.6.1.4.2.5" => {
            "unsupported container: encryptedData; signedData is expected"
        }
        _ => "unsupported container: its content type is not signedData",
    }
}

fn read_signed_data<'a>(r: &mut SliceReader<'a>, gm: bool) -> Parse<SignedData<'a>> {
    let version = u8::decode(r)?;
    let digest_algorithms = asn1::nested(r, Tag::Set, |r| asn1::list(r, |r| Ok(AlgorithmRef::read(r)?.oid)))?;
    let (content_type, content) = asn1::sequence(r, |r| {
        let content_type = ObjectIdentifier::decode(r)?;
        let content = asn1::optional(r, 0, |r| Ok(<&OctetStringRef>::decode(r)?.as_bytes()))?;
        Ok((content_type, content))
    })?;
    let certificates = asn1::optional(r, 0, asn1::raw_elements)?.unwrap_or_default();
    // Revocation lists are the caller's business.
    asn1::optional(r, 1, asn1::skip)?;
    let signers = asn1::nested(r, Tag::Set, |r| asn1::list(r, |r| asn1::sequence(r, read_signer)))?;
    Ok(SignedData { gm, version, digest_algorithms, content_type, content, certificates, signers })
}

fn read_signer<'a>(r: &mut SliceReader<'a>) -> Parse<SignerInfo<'a>> {
    let version = u8::decode(r)?;
    let key_id = Tag::ContextSpecific { constructed: false, number: TagNumber(0) };
    let id = if asn1::next_is(r, key_id) {
        SignerId::KeyId(der::asn1::AnyRef::decode(r)?.value())
    } else {
        asn1::sequence(r, |r| {
            let issuer = asn1::raw(r)?;
            Ok(SignerId::IssuerAndSerial { issuer, serial: der::asn1::IntRef::decode(r)?.as_bytes() })
        })?
    };
    let digest_algorithm = AlgorithmRef::read(r)?;
    let signed_attributes = if asn1::next_is(r, asn1::context(0)) { Some(asn1::raw(r)?) } else { None };
    let signature_algorithm = AlgorithmRef::read(r)?;
    let signature = <&OctetStringRef>::decode(r)?.as_bytes();
    let unsigned_attributes = asn1::optional(r, 1, read_attributes)?.unwrap_or_default();
    Ok(SignerInfo {
        version,
        id,
        digest_algorithm,
        signed_attributes,
        signature_algorithm,
        signature,
        unsigned_attributes,
    })
}

/// The attributes up to the end of the reader.
pub(super) fn read_attributes(r: &mut SliceReader<'_>) -> Parse<Vec<Attribute>> {
    asn1::list(r, |r| {
        asn1::sequence(r, |r| {
            let oid = oid::read(r)?;
            let values = asn1::nested(r, Tag::Set, asn1::raw_elements)?;
            Ok(Attribute { oid, values: values.into_iter().map(<[u8]>::to_vec).collect() })
        })
    })
}

/// Every certificate of a SignedData, in its order, nothing verified: for "certificates only" files (`.p7b`, `.p7c`).
///
/// # Inputs
/// `data`: PEM (`PKCS7`, `CMS`) or DER.
///
/// # Errors
/// [`Error::InvalidEncoding`] when it is no SignedData or one of its certificates does not parse.
///
/// # Source
/// RFC 5652 5.1 and 10.2.3.
pub fn cms_certificates(data: &[u8]) -> Result<Vec<Certificate>> {
    let der = load(data)?;
    signed_data(&der)?.certificates.into_iter().map(Certificate::from_der).collect()
}
