//! Certification requests, and the authority for development.

use super::arguments::{Text, unix_seconds};
use super::certificate::Certificate;
use crate::bytes::Bytes;
use crate::error::{CoreError, PyCoreResult};
use crate::sign::{SigningKey, VerifyingKey};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple, PyType};
use sealcore::pki::{self, Profile, Validity};

/// A certification request, PKCS#10: a name and a public key, signed with that key.
///
/// ``extensions`` are those that it asks for, a tuple of ``(object identifier, critical, DER value)``;
/// ``has_repeated_attributes`` tells of requests that some key services write.
#[pyclass(frozen, eq, module = "sealcore.pki")]
#[derive(PartialEq)]
pub(crate) struct CertificateRequest(pki::CertificateRequest);

#[pymethods]
impl CertificateRequest {
    /// Makes a request.
    ///
    /// Args:
    ///     key: The private key; its public key goes into the request.
    ///     subject: RFC 4514 text such as ``CN=Contract seal,O=Example,C=CN``.
    ///
    /// Raises:
    ///     InvalidEncoding: The subject does not parse; ``offset`` counts its UTF-8 bytes.
    #[classmethod]
    fn create(_class: &Bound<'_, PyType>, key: &SigningKey, subject: &str) -> PyCoreResult<Self> {
        Ok(CertificateRequest(pki::CertificateRequest::create(&key.0, subject)?))
    }

    /// Reads PEM with one block ``CERTIFICATE REQUEST``.
    #[classmethod]
    #[pyo3(signature = (data, /))]
    fn from_pem(_class: &Bound<'_, PyType>, data: Text<'_>) -> PyCoreResult<Self> {
        Ok(CertificateRequest(pki::CertificateRequest::from_pem(data.as_slice())?))
    }

    /// Reads DER.
    #[classmethod]
    #[pyo3(signature = (data, /))]
    fn from_der(_class: &Bound<'_, PyType>, data: Bytes<'_>) -> PyCoreResult<Self> {
        Ok(CertificateRequest(pki::CertificateRequest::from_der(data.as_slice())?))
    }

    /// Reads PEM or DER.
    #[classmethod]
    #[pyo3(signature = (data, /))]
    fn load(_class: &Bound<'_, PyType>, data: Text<'_>) -> PyCoreResult<Self> {
        Ok(CertificateRequest(pki::CertificateRequest::load(data.as_slice())?))
    }

    /// One PEM block.
    fn to_pem(&self) -> PyCoreResult<String> {
        Ok(self.0.to_pem()?)
    }

    #[getter]
    fn der<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.der())
    }

    #[getter]
    fn subject(&self) -> &str {
        self.0.subject()
    }

    #[getter]
    fn public_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.public_key())
    }

    #[getter]
    fn extensions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let rows = self.0.extensions().iter().map(|e| (e.oid.as_str(), e.critical, PyBytes::new(py, &e.value)));
        PyTuple::new(py, rows.collect::<Vec<_>>())
    }

    #[getter]
    fn has_repeated_attributes(&self) -> bool {
        self.0.has_repeated_attributes()
    }

    /// Checks that the request is signed with its own key.
    ///
    /// Args:
    ///     distid: The SM2 distinguishing identifier; ``None`` is the default one.
    ///
    /// Raises:
    ///     InvalidSignature: It is not.
    #[pyo3(signature = (*, distid=None))]
    fn verify(&self, distid: Option<Bytes<'_>>) -> PyCoreResult<()> {
        Ok(self.0.verify(distid.as_ref().map(Bytes::as_slice))?)
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.0.der().hash(&mut hasher);
        hasher.finish()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((slf.get_type().getattr("from_der")?, (slf.get().der(slf.py()),)))
    }

    fn __repr__(&self) -> String {
        format!("CertificateRequest(subject={:?})", self.0.subject())
    }
}

/// A certificate authority for development, demonstration and tests. It keeps no database and publishes no revocations.
///
/// Args:
///     key: The private key of the authority.
///     certificate: Its certificate, which must allow it to sign certificates.
///
/// Raises:
///     InvalidKey: The key is not that of the certificate.
///     InvalidCertificate: The certificate may not sign certificates.
#[pyclass(frozen, module = "sealcore.pki")]
pub(crate) struct CertificateAuthority(pki::CertificateAuthority);

fn validity(not_before: &Bound<'_, PyAny>, not_after: &Bound<'_, PyAny>) -> PyResult<Validity> {
    Ok(Validity {
        not_before: unix_seconds(not_before, "not_before")?,
        not_after: unix_seconds(not_after, "not_after")?,
    })
}

/// Runs `make` with the profile of a signer.
fn as_signer<T>(extended_key_usage: &[String], make: impl FnOnce(&Profile<'_>) -> T) -> T {
    let purposes: Vec<&str> = extended_key_usage.iter().map(String::as_str).collect();
    make(&Profile::Signer { extended_key_usage: &purposes })
}

#[pymethods]
impl CertificateAuthority {
    #[new]
    fn new(key: &SigningKey, certificate: &Certificate) -> PyCoreResult<Self> {
        Ok(CertificateAuthority(pki::CertificateAuthority::new(key.0.clone(), certificate.0.clone())?))
    }

    /// Makes a self-signed root.
    ///
    /// Args:
    ///     key: Its private key.
    ///     subject: RFC 4514 text.
    ///     not_before: The first second of validity, a datetime with a time zone.
    ///     not_after: The last second of validity.
    ///     path_length: How many authorities may follow it; ``None`` is any number.
    ///
    /// Raises:
    ///     InvalidEncoding: The subject does not parse.
    ///     InvalidArgument: The validity is empty, or a datetime has no time zone.
    #[classmethod]
    #[pyo3(signature = (key, subject, *, not_before, not_after, path_length=None))]
    fn create_root(
        _class: &Bound<'_, PyType>,
        key: &SigningKey,
        subject: &str,
        not_before: &Bound<'_, PyAny>,
        not_after: &Bound<'_, PyAny>,
        path_length: Option<u8>,
    ) -> PyResult<Self> {
        let validity = validity(not_before, not_after)?;
        let made = pki::CertificateAuthority::create_root(key.0.clone(), subject, validity, path_length);
        Ok(CertificateAuthority(made.map_err(CoreError)?))
    }

    #[getter]
    fn certificate(&self) -> Certificate {
        Certificate(self.0.certificate().clone())
    }

    /// Issues a signer's certificate: digitalSignature and nonRepudiation.
    ///
    /// Args:
    ///     subject: RFC 4514 text.
    ///     public_key: The signer's key, of either algorithm.
    ///     not_before: The first second of validity; within that of the authority.
    ///     not_after: The last second of validity; within that of the authority.
    ///     extended_key_usage: Dotted object identifiers, for example ``DOCUMENT_SIGNING``.
    ///
    /// Raises:
    ///     InvalidEncoding: The subject does not parse.
    ///     InvalidArgument: The validity is not within that of the authority, or a purpose is malformed.
    #[pyo3(signature = (subject, public_key, *, not_before, not_after, extended_key_usage=vec![]))]
    fn issue(
        &self,
        subject: &str,
        public_key: &VerifyingKey,
        not_before: &Bound<'_, PyAny>,
        not_after: &Bound<'_, PyAny>,
        extended_key_usage: Vec<String>,
    ) -> PyResult<Certificate> {
        let validity = validity(not_before, not_after)?;
        let issue = |profile: &Profile<'_>| self.0.issue(subject, &public_key.0, validity, profile);
        Ok(Certificate(as_signer(&extended_key_usage, issue).map_err(CoreError)?))
    }

    /// Issues the certificate of an authority below this one.
    ///
    /// Args:
    ///     subject: RFC 4514 text.
    ///     public_key: The key of the authority.
    ///     not_before: The first second of validity; within that of this authority.
    ///     not_after: The last second of validity; within that of this authority.
    ///     path_length: How many authorities may follow it; less than that of this one.
    ///
    /// Raises:
    ///     InvalidArgument: Validity or path length do not fit this authority.
    #[pyo3(signature = (subject, public_key, *, not_before, not_after, path_length=None))]
    fn issue_authority(
        &self,
        subject: &str,
        public_key: &VerifyingKey,
        not_before: &Bound<'_, PyAny>,
        not_after: &Bound<'_, PyAny>,
        path_length: Option<u8>,
    ) -> PyResult<Certificate> {
        let validity = validity(not_before, not_after)?;
        let issued = self.0.issue(subject, &public_key.0, validity, &Profile::Authority { path_length });
        Ok(Certificate(issued.map_err(CoreError)?))
    }

    /// Issues a signer's certificate for a request, once its signature is verified. What it asks for is not copied.
    ///
    /// Args:
    ///     request: The request.
    ///     not_before: The first second of validity; within that of the authority.
    ///     not_after: The last second of validity; within that of the authority.
    ///     extended_key_usage: Dotted object identifiers.
    ///
    /// Raises:
    ///     InvalidSignature: The request is not signed with its key.
    ///     InvalidArgument: The validity is not within that of the authority.
    #[pyo3(signature = (request, *, not_before, not_after, extended_key_usage=vec![]))]
    fn issue_request(
        &self,
        request: &CertificateRequest,
        not_before: &Bound<'_, PyAny>,
        not_after: &Bound<'_, PyAny>,
        extended_key_usage: Vec<String>,
    ) -> PyResult<Certificate> {
        let validity = validity(not_before, not_after)?;
        let issue = |profile: &Profile<'_>| self.0.issue_request(&request.0, validity, profile);
        Ok(Certificate(as_signer(&extended_key_usage, issue).map_err(CoreError)?))
    }

    fn __repr__(&self) -> String {
        format!("CertificateAuthority(subject={:?})", self.0.certificate().subject())
    }
}
