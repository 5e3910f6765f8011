//! Building: signed attributes first (for a key that is elsewhere), then the finished SignedData.

use crate::hash::{HashAlgorithm, sha256, sm3};
use crate::pki::certificate::{self, Certificate};
use crate::pki::{asn1, oid, time};
use crate::sign::{Algorithm, Signature, SigningKey, VerifyingKey};
use crate::{Error, Result};
use der::asn1::ObjectIdentifier;
use der::{Any, Decode, Tag};

/// What goes into a SignedData beside the signature.
#[derive(Clone, Copy, Debug)]
pub struct CmsOptions<'a> {
    /// The digest of the content and of the attributes; `None`: that of the key (SM3 for SM2, SHA-256 for P-256).
    pub digest_algorithm: Option<HashAlgorithm>,
    /// Further certificates, issuer first; roots may stay out.
    pub chain: &'a [Certificate],
    /// signingTime as unix seconds; PAdES wants none (EN 319 142-1 6.3).
    pub signing_time: Option<i64>,
    /// Further signed attributes: dotted object identifier and the DER of the one value.
    pub attributes: &'a [(&'a str, &'a [u8])],
    /// The hash of the certificate in signing-certificate-v2. SHA-256 is the default of RFC 5035 and is then left
    /// out of the DER; see [`prepare_cms`].
    pub certificate_hash: HashAlgorithm,
}

impl Default for CmsOptions<'_> {
    fn default() -> Self {
        CmsOptions {
            digest_algorithm: None,
            chain: &[],
            signing_time: None,
            attributes: &[],
            certificate_hash: HashAlgorithm::Sha256,
        }
    }
}

/// A SignedData that lacks only the signature value: what is to be signed can go to a key elsewhere.
#[derive(Clone, Debug)]
pub struct CmsDraft {
    /// DER `SET OF Attribute`, the message to sign.
    attributes: Vec<u8>,
    /// The content of `[0] IMPLICIT CertificateSet`, in DER order.
    certificates: Vec<u8>,
    issuer_and_serial: Vec<u8>,
    hash: HashAlgorithm,
    key: VerifyingKey,
}

/// Prepares a detached SignedData with signed attributes: contentType (id-data), messageDigest,
/// signing-certificate-v2, and what the options add.
///
/// # Inputs
/// `content_digest`: 32 bytes, the digest of the content (a PDF's byte range) under the digest algorithm.
///
/// The certificate is named by its SHA-256 digest for SM2 too, unless the options say SM3. The attribute only binds the
/// certificate; SHA-256 is its default in RFC 5035, pyHanko and the ETSI validators (EN 319 122-1 5.2.2.3) know it
/// everywhere, while the same software refuses an SM3 there even when it has been taught SM2 signatures.
///
/// # Errors
/// [`Error::InvalidKey`] when the certificate's key is neither SM2 nor P-256; [`Error::InvalidArgument`] for a digest
/// algorithm that does not go with it, and for an attribute that is malformed, reserved or given twice.
///
/// # Source
/// RFC 5652 5.3 and 11, RFC 5035 3.
pub fn prepare_cms(certificate: &Certificate, content_digest: &[u8; 32], options: &CmsOptions<'_>) -> Result<CmsDraft> {
    let key = certificate.public_key()?;
    let hash = options.digest_algorithm.unwrap_or(key.algorithm().hash());
    if hash != key.algorithm().hash() {
        return Err(Error::InvalidArgument {
            field: "digest_algorithm",
            reason: "it does not go with the certificate's key: SM3 with SM2, SHA-256 with P-256",
        });
    }
    let mut attributes = vec![
        attribute(oid::CONTENT_TYPE, &asn1::oid(oid::DATA)?)?,
        attribute(oid::MESSAGE_DIGEST, &asn1::octets(content_digest)?)?,
        attribute(oid::SIGNING_CERTIFICATE_V2, &signing_certificate(certificate, options.certificate_hash)?)?,
    ];
    if let Some(at) = options.signing_time {
        attributes.push(attribute(oid::SIGNING_TIME, &time::encode("signing_time", at)?)?);
    }
    let written = [oid::CONTENT_TYPE, oid::MESSAGE_DIGEST, oid::SIGNING_CERTIFICATE_V2, oid::SIGNING_TIME];
    let mut names: Vec<Vec<u8>> = written.into_iter().map(asn1::oid).collect::<Result<_>>()?;
    for (name, value) in options.attributes {
        let wrong = |reason| Error::InvalidArgument { field: "attributes", reason };
        let name = oid::encode("attributes", name)?;
        if names.contains(&name) {
            return Err(wrong(
                "an attribute is given twice, or is one of contentType, messageDigest, signingTime and signing-certificate-v2, which have their own place",
            ));
        }
        Any::from_der(value).map_err(|_| wrong("a value is not one DER element"))?;
        attributes.push(asn1::seq(&[&name, &asn1::tlv(Tag::Set, &[value])?])?);
        names.push(name);
    }
    let mut certificates: Vec<&[u8]> = vec![certificate.der()];
    for further in options.chain {
        if !certificates.contains(&further.der()) {
            certificates.push(further.der());
        }
    }
    certificates.sort_by(|a, b| asn1::set_order(a, b));
    Ok(CmsDraft {
        attributes: asn1::set_of(&attributes)?,
        certificates: certificates.concat(),
        issuer_and_serial: issuer_and_serial(certificate)?,
        hash,
        key,
    })
}

/// Prepares and signs in one step; see [`prepare_cms`].
///
/// # Errors
/// As [`prepare_cms`]; [`Error::InvalidKey`] when the key is not that of the certificate.
///
/// # Timing
/// Constant in the key.
pub fn sign_cms(
    key: &SigningKey,
    certificate: &Certificate,
    content_digest: &[u8; 32],
    options: &CmsOptions<'_>,
) -> Result<Vec<u8>> {
    let draft = prepare_cms(certificate, content_digest, options)?;
    if key.verifying_key() != draft.key {
        return Err(Error::InvalidKey { field: "private key", reason: "it is not the key of the certificate" });
    }
    draft.assemble(&key.sign(draft.to_be_signed()))
}

impl CmsDraft {
    /// The message to sign: the DER `SET OF` the signed attributes. It is hashed as a message is (SM2: SM3 with Z_A of
    /// the default distid; P-256: SHA-256), not taken for a digest.
    pub fn to_be_signed(&self) -> &[u8] {
        &self.attributes
    }

    /// What a key that signs digests is to sign: SM3(Z_A ‖ M), or SHA-256(M), of [`CmsDraft::to_be_signed`].
    pub fn digest_to_be_signed(&self) -> [u8; 32] {
        self.key.message_digest(&self.attributes)
    }

    /// The algorithm of the key that is to sign.
    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// The finished ContentInfo, DER.
    ///
    /// # Inputs
    /// `signature`: r ‖ s over [`CmsDraft::to_be_signed`] with the key of the certificate.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`] when it does not verify: a wrong signature never leaves this function.
    pub fn finish(&self, signature: &Signature) -> Result<Vec<u8>> {
        self.key.verify(&self.attributes, signature)?;
        self.assemble(signature)
    }

    fn assemble(&self, signature: &Signature) -> Result<Vec<u8>> {
        let digest_algorithm = asn1::algorithm(match self.hash {
            HashAlgorithm::Sha256 => oid::SHA256,
            HashAlgorithm::Sm3 => oid::SM3,
        })?;
        // [0] IMPLICIT SET OF: the same content under another tag.
        let content =
            Any::from_der(&self.attributes).map_err(|_| Error::Internal { reason: "the attributes are DER" })?;
        let signer_info = asn1::seq(&[
            &asn1::uint(&[1])?,
            &self.issuer_and_serial,
            &digest_algorithm,
            &asn1::tlv(asn1::context(0), &[content.value()])?,
            &asn1::algorithm(certificate::signature_oid(self.key.algorithm()))?,
            &asn1::octets(&signature.to_der())?,
        ])?;
        let signed_data = asn1::seq(&[
            &asn1::uint(&[1])?,
            &asn1::tlv(Tag::Set, &[&digest_algorithm])?,
            &asn1::seq(&[&asn1::oid(oid::DATA)?])?,
            &asn1::tlv(asn1::context(0), &[&self.certificates])?,
            &asn1::tlv(Tag::Set, &[&signer_info])?,
        ])?;
        asn1::seq(&[&asn1::oid(oid::SIGNED_DATA)?, &asn1::tlv(asn1::context(0), &[&signed_data])?])
    }
}

fn attribute(name: ObjectIdentifier, value: &[u8]) -> Result<Vec<u8>> {
    asn1::seq(&[&asn1::oid(name)?, &asn1::tlv(Tag::Set, &[value])?])
}

/// IssuerAndSerialNumber, from the raw bytes of the certificate.
fn issuer_and_serial(certificate: &Certificate) -> Result<Vec<u8>> {
    asn1::seq(&[certificate.issuer_der(), &asn1::tlv(Tag::Integer, &[certificate.serial()])?])
}

/// SigningCertificateV2 with one ESSCertIDv2, without issuerSerial: the hash names the certificate already.
fn signing_certificate(certificate: &Certificate, hash: HashAlgorithm) -> Result<Vec<u8>> {
    let (algorithm, digest) = match hash {
        HashAlgorithm::Sha256 => (Vec::new(), sha256(certificate.der())),
        HashAlgorithm::Sm3 => (asn1::algorithm(oid::SM3)?, sm3(certificate.der())),
    };
    let id = asn1::seq(&[&algorithm, &asn1::octets(&digest)?])?;
    asn1::seq(&[&asn1::seq(&[&id])?])
}
