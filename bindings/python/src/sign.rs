//! Keys and signatures.

mod batch;

pub(crate) use batch::{Verdicts, sign_digest_many, sign_many, verify_digest_many, verify_many};

use crate::bytes::Bytes;
use crate::error::{CoreError, PyCoreResult};
use crate::hash::released;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyType};
use sealcore::Error;
use sealcore::sign::{self, Algorithm, KeyRef, Signature};

/// A private key, of SM2 or P-256.
///
/// Shows its public key only, compares in constant time, is zeroized when it goes, and neither pickles nor copies.
///
/// Example:
///     >>> key = SigningKey.generate("p256")
///     >>> key.verifying_key.verify(b"message", key.sign(b"message"))
#[pyclass(frozen, eq, module = "sealcore.sign")]
#[derive(PartialEq)]
pub(crate) struct SigningKey(pub(crate) sign::SigningKey);

#[pymethods]
impl SigningKey {
    /// A new key from the operating system's random source.
    ///
    /// Args:
    ///     algorithm: ``"sm2"`` or ``"p256"``.
    ///
    /// Raises:
    ///     InvalidArgument: No such algorithm.
    ///     RandomSourceFailed: The random source failed.
    ///
    /// Source:
    ///     FIPS 186-5, A.2.2; GB/T 32918.1-2016, 6.1.
    #[classmethod]
    fn generate(_class: &Bound<'_, PyType>, algorithm: &str) -> PyCoreResult<Self> {
        Ok(SigningKey(sign::SigningKey::generate(Algorithm::from_name(algorithm)?)?))
    }

    /// The key with this number d.
    ///
    /// Args:
    ///     algorithm: ``"sm2"`` or ``"p256"``.
    ///     data: d, 32 bytes, big-endian; from 1 to n - 1 (P-256) or n - 2 (SM2).
    ///
    /// Raises:
    ///     InvalidArgument: No such algorithm.
    ///     InvalidLength: Not 32 bytes.
    ///     InvalidKey: d is out of range.
    #[classmethod]
    fn from_bytes(_class: &Bound<'_, PyType>, algorithm: &str, data: Bytes<'_>) -> PyCoreResult<Self> {
        Ok(SigningKey(sign::SigningKey::from_bytes(Algorithm::from_name(algorithm)?, data.as_slice())?))
    }

    /// d, 32 bytes, big-endian. Python keeps it until the object goes, and does not overwrite it then.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.to_bytes().as_slice())
    }

    /// ``"sm2"`` or ``"p256"``.
    #[getter]
    fn algorithm(&self) -> &'static str {
        self.0.algorithm().name()
    }

    /// The public key.
    #[getter]
    fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// Hashes a message and signs it.
    ///
    /// Args:
    ///     message: The message.
    ///     distid: SM2 only: the distinguishing identifier; None for ``DEFAULT_DISTID``, ``b""`` for the empty one.
    ///
    /// Returns:
    ///     64 bytes r ‖ s.
    ///
    /// Raises:
    ///     InvalidArgument: A distid of more than 8191 bytes, or with a P-256 key.
    ///
    /// Timing:
    ///     Constant in the key, the nonce and the message; depends on its length.
    ///
    /// Source:
    ///     GB/T 32918.2-2016, 6.1; FIPS 186-5, 6.4.1. Nonce: RFC 6979 with added randomness (3.6), without it when the
    ///     random source of the operating system fails.
    #[pyo3(signature = (message, *, distid=None))]
    fn sign<'py>(
        &self,
        py: Python<'py>,
        message: Bytes<'py>,
        distid: Option<Bytes<'py>>,
    ) -> PyCoreResult<Bound<'py, PyBytes>> {
        let (message, distid) = (message.as_slice(), distid.as_ref().map(Bytes::as_slice));
        let signature = released(py, message.len(), || match distid {
            Some(distid) => self.0.sign_with_distid(distid, message),
            None => Ok(self.0.sign(message)),
        })?;
        Ok(PyBytes::new(py, &signature.to_bytes()))
    }

    /// Signs a digest.
    ///
    /// Args:
    ///     digest: 32 bytes; for SM2 e, that is SM3(Z_A ‖ M).
    ///
    /// Returns:
    ///     64 bytes r ‖ s.
    ///
    /// Raises:
    ///     InvalidLength: Not 32 bytes.
    fn sign_digest<'py>(&self, py: Python<'py>, digest: Bytes<'py>) -> PyCoreResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.0.sign_digest(&digest_of(&digest)?).to_bytes()))
    }

    fn __reduce_ex__(&self, _protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a SigningKey does not pickle or copy, so that no private key is written by accident: \
             store it with sealcore.pki.dump_private_key(), or hand on to_bytes() deliberately",
        ))
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// A public key, of SM2 or P-256: a point on the curve. Pickles, compares and hashes by value.
///
/// Example:
///     >>> key = SigningKey.generate("sm2").verifying_key
///     >>> VerifyingKey.from_sec1("sm2", key.to_sec1(compressed=True)) == key
///     True
#[pyclass(frozen, eq, hash, module = "sealcore.sign")]
#[derive(PartialEq, Hash)]
pub(crate) struct VerifyingKey(pub(crate) sign::VerifyingKey);

#[pymethods]
impl VerifyingKey {
    /// The key of an encoded point.
    ///
    /// Args:
    ///     algorithm: ``"sm2"`` or ``"p256"``.
    ///     point: 65 bytes 04 ‖ x ‖ y, or 33 bytes 02/03 ‖ x.
    ///
    /// Raises:
    ///     InvalidArgument: No such algorithm.
    ///     InvalidLength: Another length than the first byte says.
    ///     InvalidEncoding: Another first byte.
    ///     InvalidKey: Not a point on the curve.
    ///
    /// Source:
    ///     SEC 1, 2.3.4; GB/T 32918.1-2016, 4.2.10.
    #[classmethod]
    fn from_sec1(_class: &Bound<'_, PyType>, algorithm: &str, point: Bytes<'_>) -> PyCoreResult<Self> {
        Ok(VerifyingKey(sign::VerifyingKey::from_sec1(Algorithm::from_name(algorithm)?, point.as_slice())?))
    }

    /// The point as 65 bytes 04 ‖ x ‖ y, or compressed as 33 bytes 02/03 ‖ x.
    #[pyo3(signature = (*, compressed=false))]
    fn to_sec1<'py>(&self, py: Python<'py>, compressed: bool) -> Bound<'py, PyBytes> {
        if compressed { PyBytes::new(py, &self.0.to_sec1_compressed()) } else { PyBytes::new(py, &self.0.to_sec1()) }
    }

    /// ``"sm2"`` or ``"p256"``.
    #[getter]
    fn algorithm(&self) -> &'static str {
        self.0.algorithm().name()
    }

    /// The digest that :meth:`verify` checks: SHA-256(M), or SM3(Z_A ‖ M).
    ///
    /// Args:
    ///     message: The message.
    ///     distid: SM2 only: the distinguishing identifier; None for ``DEFAULT_DISTID``, ``b""`` for the empty one.
    ///
    /// Returns:
    ///     32 bytes.
    ///
    /// Raises:
    ///     InvalidArgument: A distid of more than 8191 bytes, or with a P-256 key.
    #[pyo3(signature = (message, *, distid=None))]
    fn message_digest<'py>(
        &self,
        py: Python<'py>,
        message: Bytes<'py>,
        distid: Option<Bytes<'py>>,
    ) -> PyCoreResult<Bound<'py, PyBytes>> {
        let (message, distid) = (message.as_slice(), distid.as_ref().map(Bytes::as_slice));
        let digest = released(py, message.len(), || match distid {
            Some(distid) => self.0.message_digest_with_distid(distid, message),
            None => Ok(self.0.message_digest(message)),
        })?;
        Ok(PyBytes::new(py, &digest))
    }

    /// Verifies a signature: returns, or raises.
    ///
    /// Args:
    ///     message: The message.
    ///     signature: 64 bytes r ‖ s, or strict DER with ``encoding="der"``.
    ///     distid: SM2 only: the signer's distinguishing identifier; None for ``DEFAULT_DISTID``, ``b""`` for the empty one.
    ///     encoding: ``"raw"`` or ``"der"``.
    ///
    /// Raises:
    ///     InvalidSignature: The signature is not of this message and this key.
    ///     InvalidLength: A raw signature that is not 64 bytes.
    ///     InvalidEncoding: A signature that is not strict DER.
    ///     InvalidArgument: A distid of more than 8191 bytes or with a P-256 key; no such encoding.
    ///
    /// Timing:
    ///     Variable: everything is public.
    ///
    /// Source:
    ///     GB/T 32918.2-2016, 7.1; FIPS 186-5, 6.4.2.
    #[pyo3(signature = (message, signature, *, distid=None, encoding="raw"))]
    fn verify<'py>(
        &self,
        py: Python<'py>,
        message: Bytes<'py>,
        signature: Bytes<'py>,
        distid: Option<Bytes<'py>>,
        encoding: &str,
    ) -> PyCoreResult<()> {
        verify_one(py, KeyRef::Plain(&self.0), &message, &signature, distid.as_ref(), encoding)
    }

    /// Verifies the signature of a digest: returns, or raises.
    ///
    /// Args:
    ///     digest: 32 bytes; for SM2 e, that is SM3(Z_A ‖ M), or whatever the signer signed in its place.
    ///     signature: 64 bytes r ‖ s, or strict DER with ``encoding="der"``.
    ///     encoding: ``"raw"`` or ``"der"``.
    ///
    /// Raises:
    ///     InvalidSignature: The signature is not of this digest and this key.
    ///     InvalidLength: A digest that is not 32 bytes, or a raw signature that is not 64.
    ///     InvalidEncoding: A signature that is not strict DER.
    #[pyo3(signature = (digest, signature, *, encoding="raw"))]
    fn verify_digest(&self, digest: Bytes<'_>, signature: Bytes<'_>, encoding: &str) -> PyCoreResult<()> {
        let signature = Encoding::from_name(encoding)?.decode(signature.as_slice())?;
        Ok(self.0.verify_digest(&digest_of(&digest)?, &signature)?)
    }

    /// This key with a table of its multiples, for many verifications.
    fn prepare(&self, py: Python<'_>) -> PreparedKey {
        PreparedKey(py.detach(|| self.0.prepare()))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (&'static str, Bound<'py, PyBytes>))> {
        let key = &slf.get().0;
        let make = slf.get_type().getattr("from_sec1")?;
        Ok((make, (key.algorithm().name(), PyBytes::new(slf.py(), &key.to_sec1()))))
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// A public key with a table of its multiples (at most 1 MiB): every verification is several times faster.
///
/// Making the table takes as long as a few verifications. Pickles by its public key, and makes the table again.
///
/// Args:
///     key: The public key.
///
/// Example:
///     >>> key = SigningKey.generate("sm2")
///     >>> key.verifying_key.prepare().verify(b"message", key.sign(b"message"))
#[pyclass(frozen, eq, module = "sealcore.sign")]
#[derive(PartialEq)]
pub(crate) struct PreparedKey(pub(crate) sign::PreparedKey);

#[pymethods]
impl PreparedKey {
    #[new]
    fn new(py: Python<'_>, key: &VerifyingKey) -> Self {
        key.prepare(py)
    }

    /// The key that was prepared.
    #[getter]
    fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(*self.0.verifying_key())
    }

    /// ``"sm2"`` or ``"p256"``.
    #[getter]
    fn algorithm(&self) -> &'static str {
        self.0.verifying_key().algorithm().name()
    }

    /// Verifies a signature: returns, or raises.
    ///
    /// Args:
    ///     message: The message.
    ///     signature: 64 bytes r ‖ s, or strict DER with ``encoding="der"``.
    ///     distid: SM2 only: the signer's distinguishing identifier; None for ``DEFAULT_DISTID``, ``b""`` for the empty one.
    ///     encoding: ``"raw"`` or ``"der"``.
    ///
    /// Raises:
    ///     InvalidSignature: The signature is not of this message and this key.
    ///     InvalidLength: A raw signature that is not 64 bytes.
    ///     InvalidEncoding: A signature that is not strict DER.
    ///     InvalidArgument: A distid of more than 8191 bytes or with a P-256 key; no such encoding.
    ///
    /// Timing:
    ///     Variable: everything is public.
    ///
    /// Source:
    ///     GB/T 32918.2-2016, 7.1; FIPS 186-5, 6.4.2.
    #[pyo3(signature = (message, signature, *, distid=None, encoding="raw"))]
    fn verify<'py>(
        &self,
        py: Python<'py>,
        message: Bytes<'py>,
        signature: Bytes<'py>,
        distid: Option<Bytes<'py>>,
        encoding: &str,
    ) -> PyCoreResult<()> {
        verify_one(py, KeyRef::Prepared(&self.0), &message, &signature, distid.as_ref(), encoding)
    }

    /// Verifies the signature of a digest: returns, or raises.
    ///
    /// Args:
    ///     digest: 32 bytes; for SM2 e, that is SM3(Z_A ‖ M), or whatever the signer signed in its place.
    ///     signature: 64 bytes r ‖ s, or strict DER with ``encoding="der"``.
    ///     encoding: ``"raw"`` or ``"der"``.
    ///
    /// Raises:
    ///     InvalidSignature: The signature is not of this digest and this key.
    ///     InvalidLength: A digest that is not 32 bytes, or a raw signature that is not 64.
    ///     InvalidEncoding: A signature that is not strict DER.
    #[pyo3(signature = (digest, signature, *, encoding="raw"))]
    fn verify_digest(&self, digest: Bytes<'_>, signature: Bytes<'_>, encoding: &str) -> PyCoreResult<()> {
        let signature = Encoding::from_name(encoding)?.decode(signature.as_slice())?;
        Ok(self.0.verify_digest(&digest_of(&digest)?, &signature)?)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyType>, (VerifyingKey,)) {
        (slf.get_type(), (slf.get().verifying_key(),))
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.0.verifying_key().hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }
}

fn verify_one(
    py: Python<'_>,
    key: KeyRef<'_>,
    message: &Bytes<'_>,
    signature: &Bytes<'_>,
    distid: Option<&Bytes<'_>>,
    encoding: &str,
) -> PyCoreResult<()> {
    let signature = Encoding::from_name(encoding)?.decode(signature.as_slice())?;
    let (message, distid) = (message.as_slice(), distid.map(Bytes::as_slice));
    released(py, message.len(), || match (key, distid) {
        (KeyRef::Plain(key), None) => key.verify(message, &signature),
        (KeyRef::Plain(key), Some(distid)) => key.verify_with_distid(distid, message, &signature),
        (KeyRef::Prepared(key), None) => key.verify(message, &signature),
        (KeyRef::Prepared(key), Some(distid)) => key.verify_with_distid(distid, message, &signature),
    })?;
    Ok(())
}

fn digest_of(digest: &Bytes<'_>) -> PyCoreResult<[u8; 32]> {
    let digest = digest.as_slice();
    Ok(digest.try_into().map_err(|_| Error::InvalidLength { field: "digest", expected: 32, actual: digest.len() })?)
}

/// How signatures are written.
#[derive(Clone, Copy)]
enum Encoding {
    Raw,
    Der,
}

impl Encoding {
    fn from_name(name: &str) -> PyCoreResult<Self> {
        match name {
            "raw" => Ok(Encoding::Raw),
            "der" => Ok(Encoding::Der),
            _ => Err(Error::InvalidArgument { field: "encoding", reason: "expected \"raw\" or \"der\"" })?,
        }
    }

    fn decode(self, signature: &[u8]) -> PyCoreResult<Signature> {
        Ok(match self {
            Encoding::Raw => Signature::from_bytes(signature)?,
            Encoding::Der => Signature::from_der(signature)?,
        })
    }
}

/// A signature as strict DER.
///
/// Args:
///     signature: 64 bytes r ‖ s.
///
/// Returns:
///     SEQUENCE { INTEGER r, INTEGER s }, at most 72 bytes.
///
/// Raises:
///     InvalidLength: Not 64 bytes.
#[pyfunction]
#[pyo3(signature = (signature, /))]
pub(crate) fn signature_to_der<'py>(py: Python<'py>, signature: Bytes<'py>) -> PyCoreResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &Encoding::Raw.decode(signature.as_slice())?.to_der()))
}

/// A signature from strict DER: minimal integers, positive, no trailing bytes, at most 32 bytes each.
///
/// Args:
///     der: SEQUENCE { INTEGER r, INTEGER s }.
///
/// Returns:
///     64 bytes r ‖ s.
///
/// Raises:
///     InvalidEncoding: Not strict DER; ``.offset`` is the first byte that is wrong.
///
/// Example:
///     >>> signature = SigningKey.generate("p256").sign(b"message")
///     >>> signature_from_der(signature_to_der(signature)) == signature
///     True
#[pyfunction]
#[pyo3(signature = (der, /))]
pub(crate) fn signature_from_der<'py>(py: Python<'py>, der: Bytes<'py>) -> PyCoreResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &Encoding::Der.decode(der.as_slice())?.to_bytes()))
}

/// The backend that each room runs on, such as ``{"hash": "scalar", "sign": "scalar"}``.
///
/// Raises:
///     InvalidArgument: ``SEALCORE_BACKEND`` or ``SEALCORE_REQUIRE_BACKENDS`` names no backend, or requires one that is
///         missing here.
#[pyfunction]
pub(crate) fn backends(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let backends = sealcore::backends().map_err(CoreError)?;
    let rooms = PyDict::new(py);
    rooms.set_item("hash", backends.hash.name())?;
    rooms.set_item("sign", backends.sign.name())?;
    Ok(rooms)
}
