//! Keys in files, certificates, requests, the development authority; CMS in `cms`.

pub(crate) mod arguments;
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

/// Reads a private key: PKCS#8, encrypted PKCS#8 (PBES2) or SEC 1, PEM or DER.
///
/// Args:
///     data: PEM text (``PRIVATE KEY``, ``ENCRYPTED PRIVATE KEY``, ``EC PRIVATE KEY``, ``SM2 PRIVATE KEY``) or DER.
///     password: Of an encrypted key only; ``str`` is taken as UTF-8.
///
/// Returns:
///     The key, of the algorithm that the file names.
///
/// Raises:
///     WrongPassword: The key does not open.
///     InvalidArgument: The password is missing or not needed.
///     InvalidKey: Another algorithm, a scalar out of range, a public key that does not belong to it, or an encryption
///         or container (PKCS#12, CFCA) that is not supported.
///     InvalidEncoding: The bytes do not parse.
///
/// Timing:
///     Opening takes as long as the file's iteration count says, with a bound; about 0.1 to 0.3 s for files written here.
#[pyfunction]
#[pyo3(signature = (data, password=None))]
pub(crate) fn load_private_key(py: Python<'_>, data: Text<'_>, password: Option<Text<'_>>) -> PyCoreResult<SigningKey> {
    let (data, password) = (data.as_slice(), password.as_ref().map(Text::as_slice));
    Ok(SigningKey(py.detach(|| pki::load_private_key(data, password))?))
}

/// Writes a private key as PKCS#8, which ``openssl pkey`` reads.
///
/// Args:
///     key: The private key.
///     password: Not empty; encrypts with PBKDF2-HMAC-SHA-256 (600 000 iterations) and AES-256-CBC.
///     format: ``"pem"`` or ``"der"``.
///
/// Returns:
///     The file's content.
///
/// Raises:
///     InvalidArgument: The password is empty.
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

/// Reads a SubjectPublicKeyInfo, PEM (``PUBLIC KEY``) or DER, in any of the three shapes that SM2 keys come in.
///
/// Raises:
///     InvalidKey: Another algorithm, or a point off the curve.
///     InvalidEncoding: The bytes do not parse.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub(crate) fn load_public_key(data: Text<'_>) -> PyCoreResult<VerifyingKey> {
    Ok(VerifyingKey(pki::load_public_key(data.as_slice())?))
}

/// Writes a SubjectPublicKeyInfo.
///
/// Args:
///     key: The public key.
///     format: ``"pem"`` or ``"der"``.
#[pyfunction]
#[pyo3(signature = (key, *, format="pem"))]
pub(crate) fn dump_public_key<'py>(
    py: Python<'py>,
    key: &VerifyingKey,
    format: &str,
) -> PyCoreResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &pki::dump_public_key(&key.0, Format::from_name(format)?)?))
}
