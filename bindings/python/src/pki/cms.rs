//! CMS SignedData, prepared, signed and verified.

use super::arguments::{Text, certificates, datetime, digest_of, unix_seconds};
use super::certificate::Certificate;
use crate::bytes::Bytes;
use crate::error::{CoreError, PyCoreResult};
use crate::hash::released;
use crate::sign::SigningKey;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyMapping, PyTuple};
use sealcore::Error;
use sealcore::hash::HashAlgorithm;
use sealcore::pki::{self, Attribute, CmsContent, CmsOptions, CmsVerification};
use sealcore::sign::Signature;

/// The options of a SignedData, owned.
struct Options {
    digest_algorithm: Option<HashAlgorithm>,
    chain: Vec<pki::Certificate>,
    attributes: Vec<(String, Vec<u8>)>,
    signing_time: Option<i64>,
    certificate_hash: HashAlgorithm,
}

impl Options {
    fn new(
        digest_algorithm: Option<&str>,
        chain: Option<&Bound<'_, PyAny>>,
        attributes: Option<&Bound<'_, PyMapping>>,
        signing_time: Option<&Bound<'_, PyAny>>,
        certificate_hash: &str,
    ) -> PyResult<Self> {
        let mut pairs = Vec::new();
        if let Some(attributes) = attributes {
            for item in attributes.items()?.iter() {
                let (name, value): (String, Bytes<'_>) = item.extract()?;
                pairs.push((name, value.as_slice().to_vec()));
            }
        }
        Ok(Options {
            digest_algorithm: digest_algorithm.map(HashAlgorithm::from_name).transpose().map_err(CoreError)?,
            chain: chain.map(|chain| certificates(chain, "chain")).transpose()?.unwrap_or_default(),
            attributes: pairs,
            signing_time: signing_time.map(|at| unix_seconds(at, "signing_time")).transpose()?,
            certificate_hash: HashAlgorithm::from_name(certificate_hash).map_err(CoreError)?,
        })
    }

    fn run<T>(&self, work: impl FnOnce(&CmsOptions<'_>) -> sealcore::Result<T>) -> PyResult<T> {
        let attributes: Vec<(&str, &[u8])> =
            self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let options = CmsOptions {
            digest_algorithm: self.digest_algorithm,
            chain: &self.chain,
            signing_time: self.signing_time,
            attributes: &attributes,
            certificate_hash: self.certificate_hash,
        };
        Ok(work(&options).map_err(CoreError)?)
    }
}

/// A SignedData that lacks only its signature value, so that the key can be anywhere.
///
/// ``to_be_signed`` is the message: ``finish(key.sign(draft.to_be_signed))``. A key that signs digests only takes
/// ``digest_to_be_signed``: SM3(Z_A ‖ message) for SM2, SHA-256(message) for P-256.
#[pyclass(frozen, module = "sealcore.pki")]
pub(crate) struct CmsDraft(pki::CmsDraft);

#[pymethods]
impl CmsDraft {
    #[getter]
    fn to_be_signed<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.to_be_signed())
    }

    #[getter]
    fn digest_to_be_signed<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.digest_to_be_signed())
    }

    #[getter]
    fn algorithm(&self) -> &'static str {
        self.0.algorithm().name()
    }

    /// The finished ContentInfo, DER.
    ///
    /// Args:
    ///     signature: 64 bytes, r ‖ s.
    ///
    /// Raises:
    ///     InvalidSignature: It does not verify with the key of the certificate.
    #[pyo3(signature = (signature, /))]
    fn finish<'py>(&self, py: Python<'py>, signature: Bytes<'py>) -> PyCoreResult<Bound<'py, PyBytes>> {
        let signature = Signature::from_bytes(signature.as_slice())?;
        Ok(PyBytes::new(py, &self.0.finish(&signature)?))
    }

    fn __repr__(&self) -> String {
        format!("CmsDraft(algorithm={:?}, {} bytes to be signed)", self.algorithm(), self.0.to_be_signed().len())
    }
}

/// Prepares a detached SignedData with contentType, messageDigest and signing-certificate-v2 as signed attributes.
///
/// Args:
///     certificate: The signer's certificate.
///     content_digest: 32 bytes, the digest of the content.
///     digest_algorithm: ``"sm3"`` or ``"sha256"``; ``None`` is that of the key, and no other goes with it.
///     chain: Further certificates to include, issuer first; roots may stay out.
///     attributes: Further signed attributes: dotted object identifier to the DER of the one value.
///     signing_time: The claimed time; PAdES wants none here.
///     certificate_hash: The hash in signing-certificate-v2. ``"sha256"`` is what validators know, for SM2 too.
///
/// Returns:
///     The draft.
///
/// Raises:
///     InvalidKey: The certificate's key is neither SM2 nor P-256.
///     InvalidArgument: The digest algorithm does not go with the key, or an attribute is malformed or given twice.
///     InvalidLength: The digest has not 32 bytes.
///
/// Source:
///     RFC 5652 5.3 and 11, RFC 5035 3.
#[pyfunction]
#[pyo3(signature = (
    certificate, content_digest, *, digest_algorithm=None, chain=None, attributes=None, signing_time=None,
    certificate_hash="sha256",
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
pub(crate) fn prepare_cms(
    certificate: &Certificate,
    content_digest: Bytes<'_>,
    digest_algorithm: Option<&str>,
    chain: Option<&Bound<'_, PyAny>>,
    attributes: Option<&Bound<'_, PyMapping>>,
    signing_time: Option<&Bound<'_, PyAny>>,
    certificate_hash: &str,
) -> PyResult<CmsDraft> {
    let digest = digest_of(content_digest.as_slice(), "content_digest")?;
    let options = Options::new(digest_algorithm, chain, attributes, signing_time, certificate_hash)?;
    options.run(|options| pki::prepare_cms(&certificate.0, &digest, options)).map(CmsDraft)
}

/// Signs a detached SignedData in one step; see ``prepare_cms``.
///
/// Args:
///     key: The signer's private key.
///     certificate: The signer's certificate.
///     content_digest: 32 bytes, the digest of the content.
///     digest_algorithm: ``"sm3"`` or ``"sha256"``; ``None`` is that of the key, and no other goes with it.
///     chain: Further certificates to include, issuer first; roots may stay out.
///     attributes: Further signed attributes: dotted object identifier to the DER of the one value.
///     signing_time: The claimed time; PAdES wants none here.
///     certificate_hash: The hash in signing-certificate-v2. ``"sha256"`` is what validators know, for SM2 too.
///
/// Returns:
///     The ContentInfo, DER.
///
/// Raises:
///     InvalidKey: The key is not that of the certificate.
///     InvalidArgument: As ``prepare_cms``.
#[pyfunction]
#[pyo3(signature = (
    key, certificate, content_digest, *, digest_algorithm=None, chain=None, attributes=None, signing_time=None,
    certificate_hash="sha256",
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
pub(crate) fn sign_cms<'py>(
    py: Python<'py>,
    key: &SigningKey,
    certificate: &Certificate,
    content_digest: Bytes<'py>,
    digest_algorithm: Option<&str>,
    chain: Option<&Bound<'py, PyAny>>,
    attributes: Option<&Bound<'py, PyMapping>>,
    signing_time: Option<&Bound<'py, PyAny>>,
    certificate_hash: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let digest = digest_of(content_digest.as_slice(), "content_digest")?;
    let options = Options::new(digest_algorithm, chain, attributes, signing_time, certificate_hash)?;
    let der = options.run(|options| pki::sign_cms(&key.0, &certificate.0, &digest, options))?;
    Ok(PyBytes::new(py, &der))
}

/// A verified SignedData. Whether its signer is to be trusted is another question: see ``verify_chain``.
///
/// ``signed_attributes`` maps dotted object identifiers to tuples of DER values, or is ``None`` when the content itself
/// was signed. ``unsigned_attributes`` are not verified. ``signing_time`` is the signer's claim. ``binds_certificate``
/// tells whether a signing-certificate attribute names the certificate (it matches when there). ``deviations`` lists
/// what verifies but is not as the standards have it.
#[pyclass(frozen, module = "sealcore.pki")]
pub(crate) struct CmsInfo(pki::CmsInfo);

fn values<'py>(py: Python<'py>, attribute: &Attribute) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, attribute.values.iter().map(|value| PyBytes::new(py, value)))
}

#[pymethods]
impl CmsInfo {
    #[getter]
    fn signer(&self) -> Certificate {
        Certificate(self.0.signer.clone())
    }

    #[getter]
    fn certificates<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.certificates.iter().cloned().map(Certificate))
    }

    #[getter]
    fn unreadable_certificates<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.unreadable_certificates.iter().map(|der| PyBytes::new(py, der)))
    }

    #[getter]
    fn digest_algorithm(&self) -> &'static str {
        self.0.digest_algorithm.name()
    }

    #[getter]
    fn algorithm(&self) -> &'static str {
        self.0.algorithm.name()
    }

    #[getter]
    fn signature<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.signature.to_bytes())
    }

    #[getter]
    fn content_type(&self) -> &str {
        &self.0.content_type
    }

    #[getter]
    fn content<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.content.as_ref().map(|content| PyBytes::new(py, content))
    }

    #[getter]
    fn signed_attributes<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(attributes) = &self.0.signed_attributes else { return Ok(None) };
        let rows = PyDict::new(py);
        for attribute in attributes {
            rows.set_item(&attribute.oid, values(py, attribute)?)?;
        }
        Ok(Some(rows))
    }

    #[getter]
    fn unsigned_attributes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let rows = self.0.unsigned_attributes.iter().map(|a| Ok((a.oid.as_str(), values(py, a)?)));
        PyTuple::new(py, rows.collect::<PyResult<Vec<_>>>()?)
    }

    #[getter]
    fn signing_time<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.signing_time.map(|at| datetime(py, at)).transpose()
    }

    #[getter]
    fn binds_certificate(&self) -> bool {
        self.0.binds_certificate
    }

    #[getter]
    fn deviations<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.deviations.iter().map(|d| d.name()))
    }

    fn __repr__(&self) -> String {
        format!("CmsInfo(signer={:?}, algorithm={:?})", self.0.signer.subject(), self.algorithm())
    }
}

/// Verifies a SignedData with one signer, of RFC 5652 or GM/T 0010.
///
/// Args:
///     data: DER, or PEM (``CMS``, ``PKCS7``).
///     content: The content, when it is detached. When it is attached too, the two must be equal.
///     content_digest: Its digest instead, 32 bytes. Without signed attributes SM2 needs the content itself.
///     distid: The SM2 distinguishing identifier; ``None`` is the default one.
///     allow_unordered_attributes: Accepts signed attributes that are not in DER order, and reports them.
///     certificates: Certificates to find the signer among, beside those included.
///
/// Returns:
///     What was signed, by whom, and how.
///
/// Raises:
///     InvalidSignature: The signature, the content or an attribute does not fit.
///     InvalidCertificate: The signer's certificate is missing, or is not the one that the attributes name.
///     InvalidArgument: The content is needed, or given twice.
///     InvalidEncoding: The bytes do not parse, or hold something else than one signature.
///
/// Source:
///     RFC 5652 5.4 and 5.6, RFC 5035 5.4, RFC 6211, GM/T 0010-2012.
#[pyfunction]
#[pyo3(signature = (
    data, *, content=None, content_digest=None, distid=None, allow_unordered_attributes=false, certificates=None,
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
pub(crate) fn verify_cms<'py>(
    py: Python<'py>,
    data: Text<'py>,
    content: Option<Bytes<'py>>,
    content_digest: Option<Bytes<'py>>,
    distid: Option<Bytes<'py>>,
    allow_unordered_attributes: bool,
    certificates: Option<&Bound<'py, PyAny>>,
) -> PyResult<CmsInfo> {
    let digest = content_digest.as_ref().map(|digest| digest_of(digest.as_slice(), "content_digest")).transpose()?;
    let subject = match (&content, &digest) {
        (Some(_), Some(_)) => {
            return Err(CoreError(Error::InvalidArgument {
                field: "content_digest",
                reason: "give the content or its digest, not both",
            })
            .into());
        }
        (Some(content), None) => CmsContent::Bytes(content.as_slice()),
        (None, Some(digest)) => CmsContent::Digest(digest),
        (None, None) => CmsContent::Attached,
    };
    let certificates = certificates.map(|list| self::certificates(list, "certificates")).transpose()?;
    let options = CmsVerification {
        distid: distid.as_ref().map(Bytes::as_slice),
        allow_unordered_attributes,
        certificates: certificates.as_deref().unwrap_or_default(),
    };
    let data = data.as_slice();
    let length = data.len() + content.as_ref().map_or(0, |content| content.as_slice().len());
    let info = released(py, length, || pki::verify_cms(data, subject, &options));
    Ok(CmsInfo(info.map_err(CoreError)?))
}

/// Every certificate of a SignedData, nothing verified: for "certificates only" files (``.p7b``).
///
/// Raises:
///     InvalidEncoding: It is no SignedData, or one of its certificates does not parse.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub(crate) fn cms_certificates<'py>(py: Python<'py>, data: Text<'py>) -> PyResult<Bound<'py, PyList>> {
    let all = pki::cms_certificates(data.as_slice()).map_err(CoreError)?;
    PyList::new(py, all.into_iter().map(Certificate))
}
