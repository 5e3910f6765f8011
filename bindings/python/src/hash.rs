//! Digests and HMAC.

use crate::bytes::Bytes;
use crate::error::PyCoreResult;
use crate::rows::Rows;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use sealcore::hash::HashAlgorithm;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// From so many bytes on, hashing takes long enough (tens of microseconds) to let other threads run meanwhile.
pub(crate) const LONG: usize = 16 * 1024;

/// Runs `work` without the interpreter when it is long.
pub(crate) fn released<T: Send>(py: Python<'_>, length: usize, work: impl FnOnce() -> T + Send) -> T {
    if length >= LONG { py.detach(work) } else { work() }
}

/// SHA-256 of a message.
///
/// Args:
///     data: The message, any contiguous buffer of bytes.
///
/// Returns:
///     32 bytes.
///
/// Timing:
///     Depends on the length only.
///
/// Source:
///     FIPS 180-4.
///
/// Example:
///     >>> sha256(b"abc").hex()[:16]
///     'ba7816bf8f01cfea'
#[pyfunction]
#[pyo3(signature = (data, /))]
pub(crate) fn sha256<'py>(py: Python<'py>, data: Bytes<'py>) -> Bound<'py, PyBytes> {
    one(py, HashAlgorithm::Sha256, data.as_slice())
}

/// SM3 of a message.
///
/// Args:
///     data: The message, any contiguous buffer of bytes.
///
/// Returns:
///     32 bytes.
///
/// Timing:
///     Depends on the length only.
///
/// Source:
///     GB/T 32905-2016.
///
/// Example:
///     >>> sm3(b"abc").hex()[:16]
///     '66c7f0f462eeedd9'
#[pyfunction]
#[pyo3(signature = (data, /))]
pub(crate) fn sm3<'py>(py: Python<'py>, data: Bytes<'py>) -> Bound<'py, PyBytes> {
    one(py, HashAlgorithm::Sm3, data.as_slice())
}

/// The digest of a message by a hash function that is named.
///
/// Args:
///     data: The message, any contiguous buffer of bytes.
///     algorithm: ``"sha256"`` or ``"sm3"``.
///
/// Returns:
///     32 bytes.
///
/// Raises:
///     InvalidArgument: No such algorithm.
///
/// Example:
///     >>> digest(b"abc", "sm3") == sm3(b"abc")
///     True
#[pyfunction]
pub(crate) fn digest<'py>(py: Python<'py>, data: Bytes<'py>, algorithm: &str) -> PyCoreResult<Bound<'py, PyBytes>> {
    Ok(one(py, HashAlgorithm::from_name(algorithm)?, data.as_slice()))
}

fn one<'py>(py: Python<'py>, algorithm: HashAlgorithm, data: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &released(py, data.len(), || algorithm.digest(data)))
}

/// The digest of each message, in order. Other threads run meanwhile.
///
/// Args:
///     messages: An iterable of buffers of bytes, or an array of ``uint8`` with shape (n, length).
///     algorithm: ``"sha256"`` or ``"sm3"``.
///     threads: At most so many, never more than the machine has cores; None for every core.
///
/// Returns:
///     n times 32 bytes.
///
/// Raises:
///     InvalidArgument: No such algorithm, or ``threads`` below 1.
///
/// Example:
///     >>> digest_many([b"", b"abc"], "sm3")[1] == sm3(b"abc")
///     True
#[pyfunction]
#[pyo3(signature = (messages, algorithm, *, threads=None))]
pub(crate) fn digest_many<'py>(
    py: Python<'py>,
    messages: &Bound<'py, PyAny>,
    algorithm: &str,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyList>> {
    let algorithm = HashAlgorithm::from_name(algorithm).map_err(crate::error::CoreError)?;
    let threads = thread_count(threads)?;
    let rows = Rows::new(messages, "messages")?;
    let slices = rows.slices();
    let digests = py.detach(|| algorithm.digest_many(&slices, threads));
    PyList::new(py, digests.iter().map(|digest| PyBytes::new(py, digest)))
}

/// HMAC of a message. Compare tags with :func:`hmac.compare_digest`.
///
/// Args:
///     key: Any length.
///     data: The message.
///     algorithm: ``"sha256"`` or ``"sm3"``.
///
/// Returns:
///     32 bytes.
///
/// Raises:
///     InvalidArgument: No such algorithm.
///
/// Timing:
///     Depends on the two lengths only.
///
/// Source:
///     RFC 2104; for SM3 GM/T 0042-2015.
///
/// Example:
///     >>> hmac(b"Jefe", b"what do ya want for nothing?", "sha256").hex()[:16]
///     '5bdcc146bf60754e'
#[pyfunction]
pub(crate) fn hmac<'py>(
    py: Python<'py>,
    key: Bytes<'py>,
    data: Bytes<'py>,
    algorithm: &str,
) -> PyCoreResult<Bound<'py, PyBytes>> {
    let algorithm = HashAlgorithm::from_name(algorithm)?;
    let (key, data) = (key.as_slice(), data.as_slice());
    Ok(PyBytes::new(py, &released(py, data.len(), || algorithm.hmac(key, data))))
}

/// `None` means every core, which the core calls 0; a caller's 0 is a mistake.
pub(crate) fn thread_count(threads: Option<usize>) -> PyCoreResult<usize> {
    match threads {
        Some(0) => Err(sealcore::Error::InvalidArgument {
            field: "threads",
            reason: "expected at least 1, or None for every core",
        })?,
        Some(count) => Ok(count),
        None => Ok(0),
    }
}

/// A digest over a message that comes in pieces.
///
/// Args:
///     algorithm: ``"sha256"`` or ``"sm3"``.
///
/// Raises:
///     InvalidArgument: No such algorithm.
///
/// Example:
///     >>> hasher = Hasher("sm3")
///     >>> hasher.update(b"a")
///     >>> hasher.update(b"bc")
///     >>> hasher.digest() == sm3(b"abc")
///     True
#[pyclass(frozen, module = "sealcore.hash")]
pub(crate) struct Hasher {
    algorithm: HashAlgorithm,
    /// Whoever holds the lock runs pure Rust and never waits for the interpreter: waiting for it cannot deadlock.
    state: Mutex<sealcore::hash::Hasher>,
}

#[pymethods]
impl Hasher {
    #[new]
    fn new(algorithm: &str) -> PyCoreResult<Self> {
        let algorithm = HashAlgorithm::from_name(algorithm)?;
        Ok(Hasher { algorithm, state: Mutex::new(algorithm.hasher()) })
    }

    /// ``"sha256"`` or ``"sm3"``.
    #[getter]
    fn algorithm(&self) -> &'static str {
        self.algorithm.name()
    }

    /// Appends bytes to the message.
    #[pyo3(signature = (data, /))]
    fn update(&self, py: Python<'_>, data: Bytes<'_>) {
        let data = data.as_slice();
        released(py, data.len(), || self.lock().update(data));
    }

    /// The digest of everything so far, 32 bytes; more may follow.
    fn digest<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.snapshot().finalize())
    }

    /// The digest of everything so far in hexadecimal.
    fn hexdigest(&self) -> String {
        self.snapshot().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Another hasher with the same message so far.
    fn copy(&self) -> Self {
        Hasher { algorithm: self.algorithm, state: Mutex::new(self.snapshot()) }
    }

    fn __repr__(&self) -> String {
        format!("Hasher({:?})", self.algorithm())
    }
}

impl Hasher {
    fn lock(&self) -> MutexGuard<'_, sealcore::hash::Hasher> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn snapshot(&self) -> sealcore::hash::Hasher {
        self.lock().clone()
    }
}
