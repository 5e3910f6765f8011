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

/// A private key.
#[pyclass(frozen, eq, module = "sealcore.sign")]
#[derive(PartialEq)]
pub(crate) struct SigningKey(pub(crate) sign::SigningKey);

#[pymethods]
impl SigningKey {
    #[classmethod]
    fn generate(_class: &Bound<'_, PyType>, algorithm: &str) -> PyCoreResult<Self> {
        Ok(SigningKey(sign::SigningKey::generate(Algorithm::from_name(algorithm)?)?))
    }

    #[classmethod]
    fn from_bytes(_class: &Bound<'_, PyType>, algorithm: &str, data: Bytes<'_>) -> PyCoreResult<Self> {
        Ok(SigningKey(sign::SigningKey::from_bytes(Algorithm::from_name(algorithm)?, data.as_slice())?))
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.to_bytes().as_slice())
    }

    #[getter]
    fn algorithm(&self) -> &'static str {
        self.0.algorithm().name()
    }

    #[getter]
    fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

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

/// A public key.
#[pyclass(frozen, eq, hash, module = "sealcore.sign")]
#[derive(PartialEq, Hash)]
pub(crate) struct VerifyingKey(pub(crate) sign::VerifyingKey);

#[pymethods]
impl VerifyingKey {
    #[classmethod]
    fn from_sec1(_class: &Bound<'_, PyType>, algorithm: &str, point: Bytes<'_>) -> PyCoreResult<Self> {
        Ok(VerifyingKey(sign::VerifyingKey::from_sec1(Algorithm::from_name(algorithm)?, point.as_slice())?))
    }

    #[pyo3(signature = (*, compressed=false))]
    fn to_sec1<'py>(&self, py: Python<'py>, compressed: bool) -> Bound<'py, PyBytes> {
        if compressed { PyBytes::new(py, &self.0.to_sec1_compressed()) } else { PyBytes::new(py, &self.0.to_sec1()) }
    }

    #[getter]
    fn algorithm(&self) -> &'static str {
        self.0.algorithm().name()
    }

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

    #[pyo3(signature = (digest, signature, *, encoding="raw"))]
    fn verify_digest(&self, digest: Bytes<'_>, signature: Bytes<'_>, encoding: &str) -> PyCoreResult<()> {
        let signature = Encoding::from_name(encoding)?.decode(signature.as_slice())?;
        Ok(self.0.verify_digest(&digest_of(&digest)?, &signature)?)
    }

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

/// A public key with a table of its multiples.
#[pyclass(frozen, eq, module = "sealcore.sign")]
#[derive(PartialEq)]
pub(crate) struct PreparedKey(pub(crate) sign::PreparedKey);

#[pymethods]
impl PreparedKey {
    #[new]
    fn new(py: Python<'_>, key: &VerifyingKey) -> Self {
        key.prepare(py)
    }

    #[getter]
    fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(*self.0.verifying_key())
    }

    #[getter]
    fn algorithm(&self) -> &'static str {
        self.0.verifying_key().algorithm().name()
    }

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

/// A 64-byte signature as strict DER.
#[pyfunction]
#[pyo3(signature = (signature, /))]
pub(crate) fn signature_to_der<'py>(py: Python<'py>, signature: Bytes<'py>) -> PyCoreResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &Encoding::Raw.decode(signature.as_slice())?.to_der()))
}

/// A strict DER signature as 64 bytes.
#[pyfunction]
#[pyo3(signature = (der, /))]
pub(crate) fn signature_from_der<'py>(py: Python<'py>, der: Bytes<'py>) -> PyCoreResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &Encoding::Der.decode(der.as_slice())?.to_bytes()))
}

/// Hashes and signs each message.
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

/// Signs each digest.
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

/// Hashes and verifies the signature of each message.
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

/// Verifies the signature of each digest.
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

/// What a batch verification found.
#[pyclass(frozen, eq, module = "sealcore.sign")]
#[derive(PartialEq)]
pub(crate) struct Verdicts(sign::Verdicts);

#[pymethods]
impl Verdicts {
    #[getter]
    fn all_valid(&self) -> bool {
        self.0.all_valid()
    }

    #[getter]
    fn failed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.failed())
    }

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

/// The backend that each room runs on.
#[pyfunction]
pub(crate) fn backends(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let backends = sealcore::backends().map_err(CoreError)?;
    let rooms = PyDict::new(py);
    rooms.set_item("hash", backends.hash.name())?;
    rooms.set_item("sign", backends.sign.name())?;
    Ok(rooms)
}
