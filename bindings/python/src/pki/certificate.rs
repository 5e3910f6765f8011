//! Certificates and their chains.

use super::arguments::{Text, certificates, datetime, unix_seconds};
use crate::bytes::Bytes;
use crate::error::{CoreError, PyCoreResult};
use crate::sign::VerifyingKey;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyFrozenSet, PyInt, PyList, PyTuple, PyType};
use sealcore::pki::{self, ChainOptions, Usage};

/// An X.509 certificate.
#[pyclass(frozen, eq, hash, module = "sealcore.pki")]
#[derive(PartialEq, Hash)]
pub(crate) struct Certificate(pub(crate) pki::Certificate);

#[pymethods]
impl Certificate {
    #[classmethod]
    #[pyo3(signature = (data, /))]
    fn from_pem(_class: &Bound<'_, PyType>, data: Text<'_>) -> PyCoreResult<Self> {
        Ok(Certificate(pki::Certificate::from_pem(data.as_slice())?))
    }

    #[classmethod]
    #[pyo3(signature = (data, /))]
    fn from_der(_class: &Bound<'_, PyType>, data: Bytes<'_>) -> PyCoreResult<Self> {
        Ok(Certificate(pki::Certificate::from_der(data.as_slice())?))
    }

    #[classmethod]
    #[pyo3(signature = (data, /))]
    fn load(_class: &Bound<'_, PyType>, data: Text<'_>) -> PyCoreResult<Self> {
        Ok(Certificate(pki::Certificate::load(data.as_slice())?))
    }

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

/// Every certificate of a PEM text, or the one of DER bytes.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub(crate) fn load_certificates<'py>(py: Python<'py>, data: Text<'py>) -> PyResult<Bound<'py, PyList>> {
    let all = pki::Certificate::load_all(data.as_slice()).map_err(CoreError)?;
    PyList::new(py, all.into_iter().map(Certificate))
}

/// Finds and verifies a path to one of the roots.
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
