//! The formats of the ledger as functions: bodies, statement ids, key changes, checkpoints, proofs.

use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt, PyList, PyString, PyTuple, PyType};
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::cbor::{MAX_DEPTH, Map, Value};
use sealcore::ledger::{self, KeyChange, NoteKey, proof};

use crate::bytes::Bytes;
use crate::error::{CoreError, PyCoreResult};
use crate::sign::VerifyingKey;

/// The statement id of a body: H("sealcore body v1" ‖ body), 32 bytes.
#[pyfunction]
#[pyo3(signature = (body, *, hash))]
pub(crate) fn statement_id<'py>(py: Python<'py>, body: Bytes<'py>, hash: &str) -> PyCoreResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &ledger::statement_id(HashAlgorithm::from_name(hash)?, body.as_slice())))
}

/// The 48 bytes that the author of a body signs, as a message: "sealcore stmt v1" ‖ statement id.
#[pyfunction]
#[pyo3(signature = (body, *, hash))]
pub(crate) fn statement_message<'py>(
    py: Python<'py>,
    body: Bytes<'py>,
    hash: &str,
) -> PyCoreResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &ledger::statement_message(HashAlgorithm::from_name(hash)?, body.as_slice())))
}

/// The leaf hash of an entry's bytes.
#[pyfunction]
#[pyo3(signature = (entry, *, hash))]
pub(crate) fn leaf_hash<'py>(py: Python<'py>, entry: Bytes<'py>, hash: &str) -> PyCoreResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &ledger::merkle::leaf_hash(HashAlgorithm::from_name(hash)?, entry.as_slice())))
}

/// Checks that the entry with `leaf_hash` is entry `index` of the first `size` entries, which have this root.
///
/// Raises:
///     InvalidProof: If it does not prove that.
///
/// Source:
///     RFC 6962, clause 2.1.1.
#[pyfunction]
#[pyo3(signature = (proof, *, index, size, leaf_hash, root, hash))]
pub(crate) fn verify_inclusion(
    proof: Vec<Bytes<'_>>,
    index: u64,
    size: u64,
    leaf_hash: Bytes<'_>,
    root: Bytes<'_>,
    hash: &str,
) -> PyCoreResult<()> {
    let proof: Vec<&[u8]> = proof.iter().map(Bytes::as_slice).collect();
    let hash = HashAlgorithm::from_name(hash)?;
    Ok(proof::verify_inclusion(hash, index, size, leaf_hash.as_slice(), &proof, root.as_slice())?)
}

/// Checks that the first `old_size` entries are a prefix of the first `new_size`.
///
/// Raises:
///     InvalidProof: If it does not prove that.
///
/// Source:
///     RFC 6962, clause 2.1.2.
#[pyfunction]
#[pyo3(signature = (proof, *, old_size, new_size, old_root, new_root, hash))]
pub(crate) fn verify_consistency(
    proof: Vec<Bytes<'_>>,
    old_size: u64,
    new_size: u64,
    old_root: Bytes<'_>,
    new_root: Bytes<'_>,
    hash: &str,
) -> PyCoreResult<()> {
    let proof: Vec<&[u8]> = proof.iter().map(Bytes::as_slice).collect();
    let hash = HashAlgorithm::from_name(hash)?;
    Ok(proof::verify_consistency(hash, old_size, new_size, old_root.as_slice(), &proof, new_root.as_slice())?)
}

/// The body of a "key-add" entry: a key comes into the table, once and for good.
///
/// Args:
///     key: The key.
///     ledger_id: The id of the one ledger that it is for.
///     label: A commitment of 32 bytes to whose key it is.
#[pyfunction]
#[pyo3(signature = (key, *, ledger_id, label=None))]
pub(crate) fn key_add_body<'py>(
    py: Python<'py>,
    key: &VerifyingKey,
    ledger_id: Bytes<'py>,
    label: Option<Bytes<'py>>,
) -> PyCoreResult<Bound<'py, PyBytes>> {
    let label = label.as_ref().map(|label| exactly_32("label", label)).transpose()?;
    let body = KeyChange::Add { key: key.0, label }.encode(&exactly_32("ledger_id", &ledger_id)?)?;
    Ok(PyBytes::new(py, &body))
}

/// The body of a "key-revoke" entry: a row ends.
///
/// Args:
///     key_idx: The row.
///     ledger_id: The id of the one ledger that it is for.
///     reason: A commitment of 32 bytes to the reason.
#[pyfunction]
#[pyo3(signature = (key_idx, *, ledger_id, reason=None))]
pub(crate) fn key_revoke_body<'py>(
    py: Python<'py>,
    key_idx: u32,
    ledger_id: Bytes<'py>,
    reason: Option<Bytes<'py>>,
) -> PyCoreResult<Bound<'py, PyBytes>> {
    let reason = reason.as_ref().map(|reason| exactly_32("reason", reason)).transpose()?;
    let body = KeyChange::Revoke { key_idx, reason }.encode(&exactly_32("ledger_id", &ledger_id)?)?;
    Ok(PyBytes::new(py, &body))
}

/// The body of a "key-rotate" entry: a row ends and a new key takes its place; signed with the key that ends.
///
/// Args:
///     key_idx: The row that ends.
///     key: The new key.
///     ledger_id: The id of the one ledger that it is for.
///     label: A commitment of 32 bytes to whose key it is.
#[pyfunction]
#[pyo3(signature = (key_idx, key, *, ledger_id, label=None))]
pub(crate) fn key_rotate_body<'py>(
    py: Python<'py>,
    key_idx: u32,
    key: &VerifyingKey,
    ledger_id: Bytes<'py>,
    label: Option<Bytes<'py>>,
) -> PyCoreResult<Bound<'py, PyBytes>> {
    let label = label.as_ref().map(|label| exactly_32("label", label)).transpose()?;
    let change = KeyChange::Rotate { key_idx, key: key.0, label };
    Ok(PyBytes::new(py, &change.encode(&exactly_32("ledger_id", &ledger_id)?)?))
}

/// The body of a "redact" entry: the values behind these commitments of an earlier entry have been erased.
///
/// Args:
///     entry: The index of that entry.
///     statement: Its statement id.
///     fields: The commitments, 1 to 256.
///     ledger_id: The id of the one ledger that it is for.
///     reason: A commitment of 32 bytes to the reason.
#[pyfunction]
#[pyo3(signature = (entry, *, statement, fields, ledger_id, reason=None))]
pub(crate) fn redact_body<'py>(
    py: Python<'py>,
    entry: u64,
    statement: Bytes<'py>,
    fields: Vec<Bytes<'py>>,
    ledger_id: Bytes<'py>,
    reason: Option<Bytes<'py>>,
) -> PyCoreResult<Bound<'py, PyBytes>> {
    let mut fields = fields.iter().map(|field| exactly_32("fields", field)).collect::<sealcore::Result<Vec<_>>>()?;
    fields.sort_unstable();
    let reason = reason.as_ref().map(|reason| exactly_32("reason", reason)).transpose()?;
    let redaction = ledger::Redaction { entry, statement: exactly_32("statement", &statement)?, fields, reason };
    Ok(PyBytes::new(py, &redaction.encode(&exactly_32("ledger_id", &ledger_id)?)?))
}

/// The body of an "anchor" entry: what an outside party attests about an earlier checkpoint.
///
/// Args:
///     size: The size of the checkpoint.
///     root: Its root.
///     form: What `token` is, such as "rfc3161" or "cosignature".
///     token: The attestation, at most 60,000 bytes.
///     ledger_id: The id of the one ledger that it is for.
#[pyfunction]
#[pyo3(signature = (size, root, *, form, token, ledger_id))]
pub(crate) fn anchor_body<'py>(
    py: Python<'py>,
    size: u64,
    root: Bytes<'py>,
    form: String,
    token: Bytes<'py>,
    ledger_id: Bytes<'py>,
) -> PyCoreResult<Bound<'py, PyBytes>> {
    let anchor = ledger::Anchor { size, root: exactly_32("root", &root)?, form, token: token.as_slice().to_vec() };
    Ok(PyBytes::new(py, &anchor.encode(&exactly_32("ledger_id", &ledger_id)?)?))
}

fn exactly_32(field: &'static str, bytes: &Bytes<'_>) -> sealcore::Result<[u8; 32]> {
    let bytes = bytes.as_slice();
    bytes.try_into().map_err(|_| sealcore::Error::InvalidLength { field, expected: 32, actual: bytes.len() })
}

/// The one deterministic CBOR encoding of a value of None, bool, int (64 bits), str, bytes, list and dict.
///
/// Raises:
///     TypeError, OverflowError: If it holds something else.
///     InvalidArgument: If it is nested deeper than 16 or longer than 65,535 bytes.
#[pyfunction]
pub(crate) fn encode_body<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let bytes = to_cbor(value, MAX_DEPTH)?.encode().map_err(CoreError)?;
    Ok(PyBytes::new(value.py(), &bytes))
}

/// The value of a body, accepted only in its one encoding.
///
/// Raises:
///     InvalidEncoding: With the offset of what is not.
#[pyfunction]
pub(crate) fn decode_body<'py>(py: Python<'py>, body: Bytes<'py>) -> PyResult<Bound<'py, PyAny>> {
    from_cbor(py, &Value::decode(body.as_slice()).map_err(CoreError)?)
}

fn to_cbor(value: &Bound<'_, PyAny>, depth: usize) -> PyResult<Value> {
    if depth == 0 {
        return Err(
            CoreError(sealcore::Error::InvalidArgument { field: "body", reason: "nested deeper than 16" }).into()
        );
    }
    if value.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(truth) = value.cast::<PyBool>() {
        return Ok(Value::Bool(truth.is_true()));
    }
    if value.is_instance_of::<PyInt>() {
        return value
            .extract::<i64>()
            .map(Value::Int)
            .map_err(|_| PyOverflowError::new_err("body: an integer outside 64 bits"));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Value::Text(text.to_str()?.to_owned()));
    }
    if let Ok(map) = value.cast::<PyDict>() {
        let mut pairs = Map::new();
        for (key, value) in map {
            let key = key.cast::<PyString>().map_err(|_| PyTypeError::new_err("body: map keys must be str"))?;
            pairs.insert(key.to_str()?, to_cbor(&value, depth - 1)?);
        }
        return Ok(Value::Map(pairs));
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let items = value.try_iter()?.map(|item| to_cbor(&item?, depth - 1)).collect::<PyResult<_>>()?;
        return Ok(Value::Array(items));
    }
    match value.extract::<Bytes<'_>>() {
        Ok(bytes) => Ok(Value::Bytes(bytes.as_slice().to_vec())),
        Err(_) => Err(PyTypeError::new_err(format!(
            "body: holds None, bool, int, str, bytes, list and dict, not {}",
            value.get_type().name()?
        ))),
    }
}

fn from_cbor<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(truth) => PyBool::new(py, *truth).to_owned().into_any(),
        Value::Int(number) => number.into_pyobject(py)?.into_any(),
        Value::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        Value::Text(text) => PyString::new(py, text).into_any(),
        Value::Array(items) => {
            let items = items.iter().map(|item| from_cbor(py, item)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, items)?.into_any()
        }
        Value::Map(map) => {
            let dict = PyDict::new(py);
            for (key, value) in map.iter() {
                dict.set_item(key, from_cbor(py, value)?)?;
            }
            dict.into_any()
        }
    })
}

/// What a checkpoint says.
///
/// Attributes:
///     origin: The name of the ledger.
///     size: The number of entries.
///     root: Their root, 32 bytes.
#[pyclass(frozen, eq, hash, module = "sealcore.ledger")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Checkpoint {
    origin: String,
    size: u64,
    root: [u8; 32],
}

impl From<ledger::Checkpoint> for Checkpoint {
    fn from(checkpoint: ledger::Checkpoint) -> Self {
        Checkpoint { origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root }
    }
}

#[pymethods]
impl Checkpoint {
    /// Reads a signed checkpoint and checks that this key signed it.
    ///
    /// Raises:
    ///     InvalidEncoding: If it does not parse.
    ///     InvalidSignature: If the key did not sign it.
    #[classmethod]
    #[pyo3(signature = (note, *, key))]
    fn open(_class: &Bound<'_, PyType>, note: &str, key: &VerifyingKey) -> PyCoreResult<Self> {
        let parsed = ledger::Note::parse(note.as_bytes())?;
        let origin = ledger::Checkpoint::parse(parsed.text())?.origin;
        Ok(ledger::Checkpoint::open(note.as_bytes(), &NoteKey::new(&origin, key.0)?)?.into())
    }

    /// Reads a signed checkpoint without checking any signature.
    #[classmethod]
    fn read_unverified(_class: &Bound<'_, PyType>, note: &str) -> PyCoreResult<Self> {
        Ok(ledger::Checkpoint::parse(ledger::Note::parse(note.as_bytes())?.text())?.into())
    }

    #[new]
    fn new(origin: &str, size: u64, root: [u8; 32]) -> Self {
        Checkpoint { origin: origin.to_owned(), size, root }
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyType>, (String, u64, Bound<'py, PyBytes>)) {
        let checkpoint = slf.get();
        let root = PyBytes::new(slf.py(), &checkpoint.root);
        (slf.get_type(), (checkpoint.origin.clone(), checkpoint.size, root))
    }

    #[getter]
    fn origin(&self) -> &str {
        &self.origin
    }

    #[getter]
    fn size(&self) -> u64 {
        self.size
    }

    #[getter]
    fn root<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.root)
    }

    fn __repr__(&self) -> String {
        format!("Checkpoint({}, {} entries)", self.origin, self.size)
    }
}
