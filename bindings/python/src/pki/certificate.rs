//! Certificates and their chains.

use super::arguments::{Text, certificates, datetime, unix_seconds};
use crate::bytes::Bytes;
use crate::error::{CoreError, PyCoreResult};
use crate::sign::VerifyingKey;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyFrozenSet, PyInt, PyList, PyTuple, PyType};
use sealcore::pki::{self, ChainOptions, Usage};

/// An X.509 certificate, read once and kept as the bytes that were signed.
///
/// ``subject`` and ``issuer`` are RFC 4514 text, ``serial`` an integer, ``not_before`` and ``not_after`` datetimes in
/// UTC (both seconds belong to the validity), ``extensions`` a tuple of ``(object identifier, critical, DER value)``,
/// ``fingerprint`` SHA-256. ``public_key`` raises ``InvalidKey`` when the key is neither SM2 nor P-256.
#[pyclass(frozen, eq, hash, module = "sealcore.pki")]
#[derive(PartialEq, Hash)]
pub(crate) struct Certificate(pub(crate) pki::Certificate);

#[pymethods]
impl Certificate {
    /// Reads PEM with one block ``CERTIFICATE``; text around it is ignored.
    #[classmethod]
    #[pyo3(signature = (data, /))]
    fn from_pem(_class: &Bound<'_, PyType>, data: Text<'_>) -> PyCoreResult<Self> {
        Ok(Certificate(pki::Certificate::from_pem(data.as_slice())?))
    }

    /// Reads DER.
    #[classmethod]
    #[pyo3(signature = (data, /))]
    fn from_der(_class: &Bound<'_, PyType>, data: Bytes<'_>) -> PyCoreResult<Self> {
        Ok(Certificate(pki::Certificate::from_der(data.as_slice())?))
    }

    /// Reads PEM or DER.
    #[classmethod]
    #[pyo3(signature = (data, /))]
    fn load(_class: &Bound<'_, PyType>, data: Text<'_>) -> PyCoreResult<Self> {
        Ok(Certificate(pki::Certificate::load(data.as_slice())?))
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
    fn tbs<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.tbs())
    }

    #[getter]
    fn signature<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.signature())
    }

    #[getter]
    fn signature_algorithm(&self) -> String {
        self.0.signature_algorithm()
    }

    #[getter]
    fn subject(&self) -> &str {
        self.0.subject()
    }

    #[getter]
    fn issuer(&self) -> &str {
        self.0.issuer()
    }

    #[getter]
    fn serial<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let options = pyo3::types::PyDict::new(py);
        options.set_item("signed", true)?;
        py.get_type::<PyInt>().call_method("from_bytes", (PyBytes::new(py, self.0.serial()), "big"), Some(&options))
    }

    #[getter]
    fn not_before<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.not_before())
    }

    #[getter]
    fn not_after<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.not_after())
    }

    #[getter]
    fn public_key(&self) -> PyCoreResult<VerifyingKey> {
        Ok(VerifyingKey(self.0.public_key()?))
    }

    #[getter]
    fn key_usage<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyFrozenSet>>> {
        self.0.key_usage().map(|usage| PyFrozenSet::new(py, usage.names())).transpose()
    }

    #[getter]
    fn extended_key_usage<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        self.0.extended_key_usage().map(|list| PyTuple::new(py, list)).transpose()
    }

    #[getter]
    fn is_ca(&self) -> bool {
        self.0.basic_constraints().is_some_and(|b| b.ca)
    }

    #[getter]
    fn path_length(&self) -> Option<u8> {
        self.0.basic_constraints().and_then(|b| b.path_length)
    }

    #[getter]
    fn subject_key_id<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.subject_key_id().map(|id| PyBytes::new(py, id))
    }

    #[getter]
    fn authority_key_id<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.authority_key_id().map(|id| PyBytes::new(py, id))
    }

    #[getter]
    fn extensions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let rows = self.0.extensions().iter().map(|e| (e.oid.as_str(), e.critical, PyBytes::new(py, &e.value)));
        PyTuple::new(py, rows.collect::<Vec<_>>())
    }

    #[getter]
    fn is_self_signed(&self) -> bool {
        self.0.is_self_signed()
    }

    #[getter]
    fn fingerprint<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.fingerprint())
    }

    /// Checks the issuer's signature over the raw bytes, and nothing else.
    ///
    /// Args:
    ///     issuer_key: The issuer's public key.
    ///     distid: The SM2 distinguishing identifier of the issuer; ``None`` is the default one, ``b""`` what OpenSSL
    ///         uses when it is given none. Ignored for P-256.
    ///
    /// Raises:
    ///     InvalidSignature: It does not verify.
    ///     InvalidCertificate: Its signature algorithm is not that of the key.
    #[pyo3(signature = (issuer_key, *, distid=None))]
    fn verify_signature(&self, issuer_key: &VerifyingKey, distid: Option<Bytes<'_>>) -> PyCoreResult<()> {
        Ok(self.0.verify_signature(&issuer_key.0, distid.as_ref().map(Bytes::as_slice))?)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((slf.get_type().getattr("from_der")?, (slf.get().der(slf.py()),)))
    }

    fn __repr__(&self) -> String {
        format!("Certificate(subject={:?}, issuer={:?})", self.0.subject(), self.0.issuer())
    }
}

/// Every certificate of a PEM text in its order, or the one of DER bytes.
///
/// Raises:
///     InvalidEncoding: There is none, or one does not parse.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub(crate) fn load_certificates<'py>(py: Python<'py>, data: Text<'py>) -> PyResult<Bound<'py, PyList>> {
    let all = pki::Certificate::load_all(data.as_slice()).map_err(CoreError)?;
    PyList::new(py, all.into_iter().map(Certificate))
}

/// Finds and verifies a path from a certificate to one of the roots, at an explicit time.
///
/// Args:
///     certificate: The end entity.
///     intermediates: Certificates that may be used, in any order.
///     roots: What is trusted; their own signature is not checked, everything else is.
///     at: The time at which all must be valid, a datetime with a time zone.
///     usage: ``"signature"`` (digitalSignature or nonRepudiation), ``"digital_signature"``, ``"non_repudiation"``,
///         ``"certificate_signing"`` or ``"any"``.
///     extended_key_usage: A dotted object identifier that the certificates must allow.
///     distid: The SM2 distinguishing identifier of every signature in the chain; ``None`` is the default one.
///
/// Returns:
///     The path, end entity first, root last.
///
/// Raises:
///     InvalidCertificate: No path holds; ``depth`` and the message say where the most promising one ended.
///     InvalidArgument: ``at`` has no time zone, or ``usage`` is unknown.
///
/// Source:
///     RFC 5280 6.1. Policies and revocation are not processed; name constraints are refused.
#[pyfunction]
#[pyo3(signature = (certificate, intermediates, roots, *, at, usage="signature", extended_key_usage=None, distid=None))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
pub(crate) fn verify_chain<'py>(
    py: Python<'py>,
    certificate: &Certificate,
    intermediates: &Bound<'py, PyAny>,
    roots: &Bound<'py, PyAny>,
    at: &Bound<'py, PyAny>,
    usage: &str,
    extended_key_usage: Option<&str>,
    distid: Option<Bytes<'py>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let intermediates = self::certificates(intermediates, "intermediates")?;
    let roots = self::certificates(roots, "roots")?;
    let options = ChainOptions {
        at: unix_seconds(at, "at")?,
        usage: Usage::from_name(usage).map_err(CoreError)?,
        extended_key_usage,
        distid: distid.as_ref().map(Bytes::as_slice),
    };
    let path = py.detach(|| pki::verify_chain(&certificate.0, &intermediates, &roots, &options));
    PyTuple::new(py, path.map_err(CoreError)?.into_iter().map(Certificate))
}
