//! A certificate authority for development, demonstration and tests: roots, intermediates and end entities of both
//! algorithms. It keeps no database, publishes no revocation list and guards no key: it is not for the public.

use crate::hash::sha256;
use crate::pki::asn1;
use crate::pki::certificate::{self, Certificate};
use crate::pki::extension::{BasicConstraints, Issued, KeyUsage};
use crate::pki::{key, name, time};
use crate::sign::{SigningKey, VerifyingKey};
use crate::{Error, Result};

/// When a certificate is valid: both seconds included, unix time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before: i64,
    /// The last second.
    pub not_after: i64,
}

/// What an issued certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile<'a> {
    /// A certificate authority: keyCertSign and cRLSign, at most `path_length` further authorities below it.
    Authority {
        /// `None`: no limit.
        path_length: Option<u8>,
    },
    /// A signer of documents: digitalSignature and nonRepudiation.
    Signer {
        /// extKeyUsage as dotted object identifiers; empty: the extension is absent.
        extended_key_usage: &'a [&'a str],
    },
}

/// A key and the certificate of that key, which may sign certificates.
pub struct CertificateAuthority {
    key: SigningKey,
    certificate: Certificate,
}

impl core::fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CertificateAuthority").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl CertificateAuthority {
    /// Takes an existing authority.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] when the key is not that of the certificate; [`Error::InvalidCertificate`] when the
    /// certificate may not sign certificates.
    pub fn new(key: SigningKey, certificate: Certificate) -> Result<Self> {
        if certificate.public_key()? != key.verifying_key() {
            return Err(Error::InvalidKey { field: "private key", reason: "it is not the key of the certificate" });
        }
        let may_sign = certificate.basic_constraints().is_some_and(|b| b.ca)
            && certificate.key_usage().is_none_or(|u| u.intersects(KeyUsage::KEY_CERT_SIGN));
        if !may_sign {
            return Err(Error::InvalidCertificate { depth: 0, reason: "it may not sign certificates" });
        }
        Ok(CertificateAuthority { key, certificate })
    }

    /// Makes a self-signed root.
    ///
    /// # Inputs
    /// `subject`: RFC 4514 text such as `CN=Example root,O=Example,C=CN`. `path_length`: how many authorities may
    /// follow it.
    ///
    /// # Errors
    /// [`Error::InvalidEncoding`] for the subject; [`Error::InvalidArgument`] for the validity; [`Error::RandomSource`].
    ///
    /// # Source
    /// RFC 5280 4.1 and 4.2.
    pub fn create_root(key: SigningKey, subject: &str, validity: Validity, path_length: Option<u8>) -> Result<Self> {
        let subject = name::parse("subject", subject)?;
        let public_key = key.verifying_key();
        let id = key_id(&public_key);
        let issuer = Issuer { key: &key, name: &subject, key_id: &id };
        let certificate = issuer.issue(&subject, &public_key, validity, &Profile::Authority { path_length })?;
        Ok(CertificateAuthority { key, certificate })
    }

    /// The certificate of this authority.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Issues a certificate for a public key, of either algorithm.
    ///
    /// # Inputs
    /// `subject`: RFC 4514 text. `validity` must lie within that of this authority, so that the chain never ends first.
    ///
    /// # Errors
    /// [`Error::InvalidEncoding`] for the subject; [`Error::InvalidArgument`] for validity, path length or purposes.
    ///
    /// # Source
    /// RFC 5280 4.1 and 4.2.
    pub fn issue(
        &self,
        subject: &str,
        public_key: &VerifyingKey,
        validity: Validity,
        profile: &Profile<'_>,
    ) -> Result<Certificate> {
        self.issue_name(&name::parse("subject", subject)?, public_key, validity, profile)
    }

    /// Issues for a DER name, as a request carries it.
    pub(super) fn issue_name(
        &self,
        subject: &[u8],
        public_key: &VerifyingKey,
        validity: Validity,
        profile: &Profile<'_>,
    ) -> Result<Certificate> {
        if validity.not_before < self.certificate.not_before() || validity.not_after > self.certificate.not_after() {
            return Err(Error::InvalidArgument {
                field: "validity",
                reason: "it must lie within the validity of the issuing certificate",
            });
        }
        let own = self.certificate.basic_constraints().and_then(|b| b.path_length);
        if let (Profile::Authority { path_length }, Some(own)) = (profile, own)
            && path_length.is_none_or(|wanted| wanted >= own)
        {
            return Err(Error::InvalidArgument {
                field: "path_length",
                reason: "it must be less than that of the issuing certificate",
            });
        }
        // What the certificate of this authority says, so that verifiers find the two together.
        let derived;
        let key_id = match self.certificate.subject_key_id() {
            Some(id) => id,
            None => {
                derived = key_id(&self.key.verifying_key());
                &derived
            }
        };
        Issuer { key: &self.key, name: self.certificate.subject_der(), key_id }
            .issue(subject, public_key, validity, profile)
    }
}

/// Key identifier: the leftmost 160 bits of SHA-256 of the point (RFC 7093 2, method 1).
fn key_id(key: &VerifyingKey) -> [u8; 20] {
    let mut id = [0; 20];
    id.copy_from_slice(&sha256(&key.to_sec1())[..20]);
    id
}

struct Issuer<'a> {
    key: &'a SigningKey,
    name: &'a [u8],
    key_id: &'a [u8],
}

impl Issuer<'_> {
    fn issue(
        &self,
        subject: &[u8],
        public_key: &VerifyingKey,
        validity: Validity,
        profile: &Profile<'_>,
    ) -> Result<Certificate> {
        if validity.not_after < validity.not_before {
            return Err(Error::InvalidArgument { field: "validity", reason: "it ends before it begins" });
        }
        let (basic_constraints, key_usage, extended_key_usage) = match *profile {
            Profile::Authority { path_length } => {
                let usage = KeyUsage::KEY_CERT_SIGN.union(KeyUsage::CRL_SIGN);
                (BasicConstraints { ca: true, path_length }, usage, &[][..])
            }
            Profile::Signer { extended_key_usage } => {
                let usage = KeyUsage::DIGITAL_SIGNATURE.union(KeyUsage::NON_REPUDIATION);
                (BasicConstraints::default(), usage, extended_key_usage)
            }
        };
        let extensions = Issued {
            basic_constraints,
            key_usage,
            extended_key_usage,
            subject_key_id: &key_id(public_key),
            authority_key_id: self.key_id,
        };
        let algorithm = asn1::algorithm(certificate::signature_oid(self.key.algorithm()))?;
        let tbs = asn1::seq(&[
            &asn1::tlv(asn1::context(0), &[&asn1::uint(&[2])?])?,
            &asn1::uint(&serial()?)?,
            &algorithm,
            self.name,
            &asn1::seq(&[
                &time::encode("not_before", validity.not_before)?,
                &time::encode("not_after", validity.not_after)?,
            ])?,
            subject,
            &key::spki(public_key)?,
            &asn1::tlv(asn1::context(3), &[&extensions.to_der()?])?,
        ])?;
        let signature = self.key.sign(&tbs).to_der();
        Certificate::from_der(&asn1::seq(&[&tbs, &algorithm, &asn1::bits(&signature)?])?)
    }
}

/// 16 random bytes behind a first byte that keeps the number positive and its length fixed (RFC 5280 4.1.2.2).
fn serial() -> Result<[u8; 17]> {
    let mut serial = [0u8; 17];
    getrandom::fill(&mut serial).map_err(|_| Error::RandomSource)?;
    serial[0] = serial[0] & 0x3f | 0x40;
    Ok(serial)
}

/// The object identifier of an extended key usage that documents are signed with (RFC 9336).
pub const DOCUMENT_SIGNING: &str = "1.3.6.1.5.5.7.3.36";
