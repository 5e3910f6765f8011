//! Keys in files, certificates, requests, the development authority; CMS in `cms`.

mod arguments;
mod certificate;
mod cms;
mod issue;

pub(crate) use certificate::{Certificate, load_certificates, verify_chain};
pub(crate) use cms::{CmsDraft, CmsInfo, cms_certificates, prepare_cms, sign_cms, verify_cms};
pub(crate) use issue::{CertificateAuthority, CertificateRequest};

use crate::error::PyCoreResult;
use crate::sign::{SigningKey, VerifyingKey};
use arguments::Text;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use sealcore::pki::{self, Format};

/// Reads a private key.
#[pyfunction]
#[pyo3(signature = (data, password=None))]
pub(crate) fn load_private_key(py: Python<'_>, data: Text<'_>, password: Option<Text<'_>>) -> PyCoreResult<SigningKey> {
    let (data, password) = (data.as_slice(), password.as_ref().map(Text::as_slice));
    Ok(SigningKey(py.detach(|| pki::load_private_key(data, password))?))
}

/// Writes a private key as PKCS#8.
#[pyfunction]
#[pyo3(signature = (key, password=None, *, format="pem"))]
pub(crate) fn dump_private_key<'py>(
    py: Python<'py>,
    key: &SigningKey,
    password: Option<Text<'py>>,
    format: &str,
) -> PyCoreResult<Bound<'py, PyBytes>> {
    let (format, password) = (Format::from_name(format)?, password.as_ref().map(Text::as_slice));
    let written = py.detach(|| pki::dump_private_key(&key.0, password, format))?;
    Ok(PyBytes::new(py, &written))
}

/// Reads a SubjectPublicKeyInfo.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub(crate) fn load_public_key(data: Text<'_>) -> PyCoreResult<VerifyingKey> {
    Ok(VerifyingKey(pki::load_public_key(data.as_slice())?))
}

/// Writes a SubjectPublicKeyInfo.
#[pyfunction]
#[pyo3(signature = (key, *, format="pem"))]
pub(crate) fn dump_public_key<'py>(
    py: Python<'py>,
    key: &VerifyingKey,
    format: &str,
) -> PyCoreResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &pki::dump_public_key(&key.0, Format::from_name(format)?)?))
}
