//! Keys, signatures and batches of them.

use crate::bytes::Bytes;
use crate::error::{CoreError, PyCoreResult};
use crate::hash::{released, thread_count};
use crate::rows::Rows;
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyIterator, PyList, PyTuple, PyType};
use sealcore::Error;
use sealcore::sign::{self, Algorithm, KeyRef, Keys, Signature};

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

/// Hashes and signs each message, in order. Other threads run meanwhile.
///
/// Args:
///     key: The private key.
///     messages: An iterable of buffers of bytes, or an array of ``uint8`` with shape (n, length).
///     distid: SM2 only: the distinguishing identifier; None for ``DEFAULT_DISTID``, ``b""`` for the empty one.
///     threads: At most so many, never more than the machine has cores; None for every core.
///
/// Returns:
///     n times 64 bytes r ‖ s.
///
/// Raises:
///     InvalidArgument: A distid of more than 8191 bytes or with a P-256 key; ``threads`` below 1.
///
/// Timing:
///     As :meth:`SigningKey.sign`.
#[pyfunction]
#[pyo3(signature = (key, messages, *, distid=None, threads=None))]
pub(crate) fn sign_many<'py>(
    py: Python<'py>,
    key: &SigningKey,
    messages: &Bound<'py, PyAny>,
    distid: Option<Bytes<'py>>,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyList>> {
    let threads = thread_count(threads)?;
    let rows = Rows::new(messages, "messages")?;
    let (slices, distid) = (rows.slices(), distid.as_ref().map(Bytes::as_slice));
    let signatures = py.detach(|| sign::sign_many(&key.0, &slices, distid, threads)).map_err(CoreError)?;
    to_list(py, &signatures)
}

/// Signs each digest, in order. Other threads run meanwhile.
///
/// Args:
///     key: The private key.
///     digests: An iterable of 32 bytes each, or an array of ``uint8`` with shape (n, 32).
///     threads: At most so many, never more than the machine has cores; None for every core.
///
/// Returns:
///     n times 64 bytes r ‖ s.
///
/// Raises:
///     InvalidLength: A digest that is not 32 bytes; ``.field`` names it.
///     InvalidArgument: ``threads`` below 1.
#[pyfunction]
#[pyo3(signature = (key, digests, *, threads=None))]
pub(crate) fn sign_digest_many<'py>(
    py: Python<'py>,
    key: &SigningKey,
    digests: &Bound<'py, PyAny>,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyList>> {
    let threads = thread_count(threads)?;
    let digests = Rows::new(digests, "digests")?.arrays::<32>(py, "digests")?;
    to_list(py, &py.detach(|| sign::sign_digest_many(&key.0, &digests, threads)))
}

fn to_list<'py>(py: Python<'py>, signatures: &[Signature]) -> PyResult<Bound<'py, PyList>> {
    PyList::new(py, signatures.iter().map(|signature| PyBytes::new(py, &signature.to_bytes())))
}

/// Hashes each message and verifies its signature. Other threads run meanwhile.
///
/// Args:
///     keys: One :class:`VerifyingKey` or :class:`PreparedKey` for all, or an iterable with one for each.
///     messages: An iterable of buffers of bytes, or an array of ``uint8`` with shape (n, length).
///     signatures: An iterable of signatures, or an array of ``uint8`` with shape (n, 64). One that does not parse fails; it
///         does not raise.
///     distid: SM2 only: the distinguishing identifier; None for ``DEFAULT_DISTID``, ``b""`` for the empty one.
///     encoding: ``"raw"`` or ``"der"``.
///     threads: At most so many, never more than the machine has cores; None for every core.
///
/// Returns:
///     A verdict for each. Nothing is raised for a bad signature: read ``failed`` or call ``raise_for_failures()``.
///
/// Raises:
///     InvalidArgument: The counts differ; a distid of more than 8191 bytes or with a P-256 key; ``threads`` below 1.
///     InvalidLength: An array of signatures that are not 64 bytes.
///
/// Example:
///     >>> key = SigningKey.generate("sm2")
///     >>> verdicts = verify_many(key.verifying_key, [b"a", b"b"], sign_many(key, [b"a", b"c"]))
///     >>> verdicts.all_valid, verdicts.failed
///     (False, (1,))
#[pyfunction]
#[pyo3(signature = (keys, messages, signatures, *, distid=None, encoding="raw", threads=None))]
pub(crate) fn verify_many<'py>(
    py: Python<'py>,
    keys: &Bound<'py, PyAny>,
    messages: &Bound<'py, PyAny>,
    signatures: &Bound<'py, PyAny>,
    distid: Option<Bytes<'py>>,
    encoding: &str,
    threads: Option<usize>,
) -> PyResult<Verdicts> {
    let threads = thread_count(threads)?;
    let signatures = signatures_of(py, signatures, encoding)?;
    let rows = Rows::new(messages, "messages")?;
    let (slices, distid) = (rows.slices(), distid.as_ref().map(Bytes::as_slice));
    let owner = KeyArgument::new(keys)?;
    let each = owner.each();
    let keys = owner.keys(&each);
    let verdicts = py.detach(|| sign::verify_many(keys, &slices, &signatures, distid, threads));
    Ok(Verdicts(verdicts.map_err(CoreError)?))
}

/// Verifies the signature of each digest. Other threads run meanwhile.
///
/// Args:
///     keys: One :class:`VerifyingKey` or :class:`PreparedKey` for all, or an iterable with one for each.
///     digests: An iterable of 32 bytes each, or an array of ``uint8`` with shape (n, 32).
///     signatures: An iterable of signatures, or an array of ``uint8`` with shape (n, 64). One that does not parse fails; it
///         does not raise.
///     encoding: ``"raw"`` or ``"der"``.
///     threads: At most so many, never more than the machine has cores; None for every core.
///
/// Returns:
///     A verdict for each. Nothing is raised for a bad signature: read ``failed`` or call ``raise_for_failures()``.
///
/// Raises:
///     InvalidLength: A digest that is not 32 bytes, or an array of signatures that are not 64.
///     InvalidArgument: The counts differ; ``threads`` below 1.
#[pyfunction]
#[pyo3(signature = (keys, digests, signatures, *, encoding="raw", threads=None))]
pub(crate) fn verify_digest_many<'py>(
    py: Python<'py>,
    keys: &Bound<'py, PyAny>,
    digests: &Bound<'py, PyAny>,
    signatures: &Bound<'py, PyAny>,
    encoding: &str,
    threads: Option<usize>,
) -> PyResult<Verdicts> {
    let threads = thread_count(threads)?;
    let signatures = signatures_of(py, signatures, encoding)?;
    let digests = Rows::new(digests, "digests")?.arrays::<32>(py, "digests")?;
    let owner = KeyArgument::new(keys)?;
    let each = owner.each();
    let keys = owner.keys(&each);
    let verdicts = py.detach(|| sign::verify_digest_many(keys, &digests, &signatures, threads));
    Ok(Verdicts(verdicts.map_err(CoreError)?))
}

/// The signatures of a batch. One that does not parse becomes r = s = 0, which no key verifies.
fn signatures_of(py: Python<'_>, object: &Bound<'_, PyAny>, encoding: &str) -> PyResult<Vec<Signature>> {
    let encoding = Encoding::from_name(encoding)?;
    let rows = Rows::new(object, "signatures")?;
    if matches!(encoding, Encoding::Raw) {
        rows.check_width::<64>(py, "signatures")?;
    }
    Ok(rows.slices().iter().map(|row| encoding.decode(row).unwrap_or(Signature::from([0; 64]))).collect())
}

/// One key or an iterable of keys, held while the interpreter is released.
enum KeyArgument<'py> {
    One(KeyObject<'py>),
    Each(Vec<KeyObject<'py>>),
}

enum KeyObject<'py> {
    Plain(Bound<'py, VerifyingKey>),
    Prepared(Bound<'py, PreparedKey>),
}

impl<'py> KeyObject<'py> {
    fn new(object: &Bound<'py, PyAny>) -> Option<Self> {
        if let Ok(key) = object.cast::<VerifyingKey>() {
            return Some(KeyObject::Plain(key.clone()));
        }
        object.cast::<PreparedKey>().ok().map(|key| KeyObject::Prepared(key.clone()))
    }

    fn key_ref(&self) -> KeyRef<'_> {
        match self {
            KeyObject::Plain(key) => KeyRef::Plain(&key.get().0),
            KeyObject::Prepared(key) => KeyRef::Prepared(&key.get().0),
        }
    }
}

impl<'py> KeyArgument<'py> {
    fn new(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        let expected = || {
            PyTypeError::new_err(
                "keys: expected a VerifyingKey or PreparedKey, or an iterable with one for each signature",
            )
        };
        if let Some(key) = KeyObject::new(object) {
            return Ok(KeyArgument::One(key));
        }
        let mut keys = Vec::with_capacity(object.len().unwrap_or(0));
        for key in object.try_iter().map_err(|_| expected())? {
            keys.push(KeyObject::new(&key?).ok_or_else(expected)?);
        }
        Ok(KeyArgument::Each(keys))
    }

    fn each(&self) -> Vec<KeyRef<'_>> {
        match self {
            KeyArgument::One(_) => Vec::new(),
            KeyArgument::Each(keys) => keys.iter().map(KeyObject::key_ref).collect(),
        }
    }

    fn keys<'a>(&'a self, each: &'a [KeyRef<'a>]) -> Keys<'a> {
        match self {
            KeyArgument::One(key) => Keys::One(key.key_ref()),
            KeyArgument::Each(_) => Keys::Each(each),
        }
    }
}

/// What a batch found: a verdict for each signature, in order.
///
/// Has a length, an index and an iterator of bools, and deliberately no truth value.
///
/// Example:
///     >>> key = SigningKey.generate("p256")
///     >>> verdicts = verify_many(key.verifying_key, [b"a", b"b"], sign_many(key, [b"a", b"b"]))
///     >>> len(verdicts), verdicts[0], list(verdicts)
///     (2, True, [True, True])
#[pyclass(frozen, eq, module = "sealcore.sign")]
#[derive(PartialEq)]
pub(crate) struct Verdicts(sign::Verdicts);

#[pymethods]
impl Verdicts {
    /// Whether no signature failed; true of an empty batch.
    #[getter]
    fn all_valid(&self) -> bool {
        self.0.all_valid()
    }

    /// The indices of the signatures that failed, ascending.
    #[getter]
    fn failed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.failed())
    }

    /// Raises when a signature failed, and returns otherwise.
    ///
    /// Raises:
    ///     InvalidSignature: At least one failed; ``failed`` says which.
    fn raise_for_failures(&self) -> PyCoreResult<()> {
        Ok(if self.0.all_valid() { Ok(()) } else { Err(Error::InvalidSignature) }?)
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __getitem__(&self, index: isize) -> PyResult<bool> {
        let verdicts = self.0.as_slice();
        let index = if index < 0 { index.checked_add_unsigned(verdicts.len()) } else { Some(index) };
        index
            .and_then(|index| usize::try_from(index).ok())
            .and_then(|index| verdicts.get(index).copied())
            .ok_or_else(|| PyIndexError::new_err("verdict index out of range"))
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        PyList::new(py, self.0.as_slice())?.try_iter()
    }

    fn __bool__(&self) -> PyResult<bool> {
        Err(PyTypeError::new_err(
            "Verdicts has no truth value, because `if verdicts:` hides what failed: \
             use .all_valid, .failed or .raise_for_failures()",
        ))
    }

    fn __repr__(&self) -> String {
        format!("Verdicts({} signatures, {} failed)", self.0.len(), self.0.failed().len())
    }
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
