//! Certification requests, PKCS#10 (RFC 2986): made, read, verified.
//!
//! A request proves possession of its key and proposes a name; what a certificate says is the authority's decision, so
//! requested extensions are read and shown, never copied.

use crate::pki::asn1::{self, AlgorithmRef, Parse};
use crate::pki::certificate::{self, Certificate};
use crate::pki::extension::{Extension, Extensions};
use crate::pki::{CertificateAuthority, Profile, Validity, key, name, oid, pem};
use crate::sign::{SigningKey, VerifyingKey};
use crate::{Error, Result};
use core::ops::Range;
use der::asn1::ObjectIdentifier;
use der::{Decode, SliceReader, Tag};

const FIELD: &str = "certificate request";
const LABELS: [&str; 2] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];

/// A certification request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRequest {
    der: Vec<u8>,
    info: Range<usize>,
    subject: Range<usize>,
    subject_text: String,
    public_key: VerifyingKey,
    extensions: Vec<Extension>,
    repeated_attributes: bool,
    signature_algorithm: ObjectIdentifier,
    signature: Vec<u8>,
}

impl CertificateRequest {
    /// Makes a request for the public key of `key`, signed with it (SM2: default distid).
    ///
    /// # Inputs
    /// `subject`: RFC 4514 text such as `CN=Contract seal,O=Example,C=CN`.
    ///
    /// # Errors
    /// [`Error::InvalidEncoding`] for the subject.
    ///
    /// # Timing
    /// Constant in the key.
    ///
    /// # Source
    /// RFC 2986 4.
    pub fn create(key: &SigningKey, subject: &str) -> Result<Self> {
        let info = asn1::seq(&[
            &asn1::uint(&[0])?,
            &name::parse("subject", subject)?,
            &key::spki(&key.verifying_key())?,
            &asn1::tlv(asn1::context(0), &[])?,
        ])?;
        let algorithm = asn1::algorithm(certificate::signature_oid(key.algorithm()))?;
        let signature = key.sign(&info).to_der();
        Self::from_der(&asn1::seq(&[&info, &algorithm, &asn1::bits(&signature)?])?)
    }

    /// Reads a request, DER. Its signature is not checked; see [`CertificateRequest::verify`].
    ///
    /// # Errors
    /// [`Error::InvalidEncoding`] with the offset; [`Error::InvalidKey`] when the key is neither SM2 nor P-256.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        asn1::check_small(FIELD, der)?;
        asn1::parse(FIELD, der, |r| read(r, der))
    }

    /// Reads a request, PEM: one block `CERTIFICATE REQUEST` or `NEW CERTIFICATE REQUEST`.
    ///
    /// # Errors
    /// As [`CertificateRequest::from_der`]; also when there is none, or several.
    pub fn from_pem(text: &[u8]) -> Result<Self> {
        Self::from_der(&pem::decode(FIELD, text, &LABELS)?)
    }

    /// Reads a request, PEM or DER.
    ///
    /// # Errors
    /// As [`CertificateRequest::from_der`] and [`CertificateRequest::from_pem`].
    pub fn load(data: &[u8]) -> Result<Self> {
        Self::from_der(&pem::single(FIELD, data, &LABELS)?)
    }

    /// The request as it was read.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// One PEM block.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn to_pem(&self) -> Result<String> {
        let text = pem::encode("CERTIFICATE REQUEST", &self.der)?;
        String::from_utf8(text.to_vec()).map_err(|_| Error::Internal { reason: "PEM is ASCII" })
    }

    /// The proposed subject, RFC 4514 text.
    pub fn subject(&self) -> &str {
        &self.subject_text
    }

    /// The public key.
    pub fn public_key(&self) -> VerifyingKey {
        self.public_key
    }

    /// The extensions that are asked for, of every extensionRequest attribute.
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// Whether an attribute stands there more than once, as key services write it; RFC 2986 has each once.
    pub fn has_repeated_attributes(&self) -> bool {
        self.repeated_attributes
    }

    /// Checks that the request is signed with its own key.
    ///
    /// # Inputs
    /// `distid`: the SM2 distinguishing identifier; `None` is the default one. Ignored for P-256.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`].
    ///
    /// # Timing
    /// Variable; everything is public.
    pub fn verify(&self, distid: Option<&[u8]>) -> Result<()> {
        certificate::verify(
            &self.public_key,
            self.signature_algorithm,
            &self.der[self.info.clone()],
            &self.signature,
            distid,
        )
    }
}

fn read(reader: &mut SliceReader<'_>, der: &[u8]) -> Parse<CertificateRequest> {
    asn1::sequence(reader, |r| {
        let info = asn1::span(&mut r.clone())?;
        let (subject, public_key, extensions, repeated_attributes) = asn1::sequence(r, |r| {
            if u8::decode(r)? != 0 {
                return Err(Error::InvalidEncoding { field: FIELD, offset: 0, reason: "its version is not 1" }.into());
            }
            let subject = asn1::span(r)?;
            let public_key = key::read_spki("public key", r)?;
            // RFC 2986 has the attributes always; some tools leave the empty set out.
            let (extensions, repeated) = asn1::optional(r, 0, read_attributes)?.unwrap_or_default();
            Ok((subject, public_key, extensions, repeated))
        })?;
        let algorithm = AlgorithmRef::read(r)?;
        let signature = asn1::bit_string(r)?.to_vec();
        Ok(CertificateRequest {
            subject_text: name::display(FIELD, &der[subject.clone()])?,
            der: der.to_vec(),
            info,
            subject,
            public_key,
            extensions: extensions.all,
            repeated_attributes,
            signature_algorithm: algorithm.oid,
            signature,
        })
    })
}

fn read_attributes(r: &mut SliceReader<'_>) -> Parse<(Extensions, bool)> {
    let mut extensions = Extensions::default();
    let mut names = asn1::list(r, |r| {
        asn1::sequence(r, |r| {
            let name = oid::read(r)?;
            asn1::nested(r, Tag::Set, |r| {
                if oid::known(&name) == Some(oid::EXTENSION_REQUEST) {
                    asn1::sequence(r, |r| asn1::list(r, |r| extensions.read_one(FIELD, r)))?;
                }
                asn1::skip(r)
            })?;
            Ok(name)
        })
    })?;
    names.sort_unstable();
    let repeated = names.windows(2).any(|pair| pair[0] == pair[1]);
    Ok((extensions, repeated))
}

impl CertificateAuthority {
    /// Issues a certificate for the subject and key of a request, once its signature is verified.
    ///
    /// # Inputs
    /// `profile` decides the extensions; what the request asks for is not copied.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`] of the request; as [`CertificateAuthority::issue`].
    ///
    /// # Source
    /// RFC 2986, RFC 5280.
    pub fn issue_request(
        &self,
        request: &CertificateRequest,
        validity: Validity,
        profile: &Profile<'_>,
    ) -> Result<Certificate> {
        request.verify(None)?;
        self.issue_name(&request.der[request.subject.clone()], &request.public_key, validity, profile)
    }
}
