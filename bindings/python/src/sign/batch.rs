//! Batches: many signatures made, many verified, a verdict for each.

use super::{Encoding, PreparedKey, SigningKey, VerifyingKey};
use crate::bytes::Bytes;
use crate::error::{CoreError, PyCoreResult};
use crate::hash::thread_count;
use crate::rows::Rows;
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyIterator, PyList, PyTuple};
use sealcore::Error;
use sealcore::sign::{self, KeyRef, Keys, Signature};

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
