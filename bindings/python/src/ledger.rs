//! The ledger: writer, reader, entries, receipts. Pure functions of its formats are in `ledger_format.rs`.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyType};
use sealcore::Error;
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::{self, EntryType, Genesis, NoteKey};

use crate::bytes::Bytes;
use crate::error::{CoreError, PyCoreResult};
use crate::ledger_note::{NoteSigner, Proof, signers};
use crate::ledger_place::Place;
use crate::sign::{SigningKey, VerifyingKey};

/// What a `NewEntry` is pickled from: body, signature, row, type.
type Fields<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, u32, &'static str);

/// An entry that waits to be appended: a body and its author's signature over `statement_message(body, hash=...)`.
///
/// Args:
///     body: 1 to 65,375 bytes; `encode_body` makes them.
///     signature: 64 bytes, r ‖ s.
///     key_idx: The row of the key table whose key signed.
///     type: "statement", "key-add", "key-revoke", "key-rotate", "redact" or "anchor".
#[pyclass(frozen, eq, module = "sealcore.ledger")]
#[derive(PartialEq)]
pub(crate) struct NewEntry(pub(crate) ledger::NewEntry);

#[pymethods]
impl NewEntry {
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Fields<'py>)> {
        let (py, entry) = (slf.py(), &slf.get().0);
        let fields =
            (PyBytes::new(py, &entry.body), PyBytes::new(py, &entry.signature), entry.key_idx, entry.kind.name());
        Ok((slf.get_type().getattr("_from_fields")?, fields))
    }

    #[classmethod]
    fn _from_fields(
        _class: &Bound<'_, PyType>,
        body: Bytes<'_>,
        signature: Bytes<'_>,
        key_idx: u32,
        r#type: &str,
    ) -> PyCoreResult<Self> {
        NewEntry::new(body, signature, key_idx, r#type)
    }

    #[new]
    #[pyo3(signature = (body, signature, *, key_idx, r#type="statement"))]
    fn new(body: Bytes<'_>, signature: Bytes<'_>, key_idx: u32, r#type: &str) -> PyCoreResult<Self> {
        let signature = signature.as_slice();
        let signature = signature.try_into().map_err(|_| Error::InvalidLength {
            field: "signature",
            expected: ledger::SIGNATURE_LENGTH,
            actual: signature.len(),
        })?;
        let kind = EntryType::from_name(r#type)?;
        Ok(NewEntry(ledger::NewEntry { kind, key_idx, body: body.as_slice().to_vec(), signature }))
    }

    /// Signs a body for a ledger with this hash, and gives the entry.
    #[classmethod]
    #[pyo3(signature = (body, key, *, key_idx, hash, r#type="statement"))]
    fn sign(
        _class: &Bound<'_, PyType>,
        body: Bytes<'_>,
        key: &SigningKey,
        key_idx: u32,
        hash: &str,
        r#type: &str,
    ) -> PyCoreResult<Self> {
        let (hash, kind) = (HashAlgorithm::from_name(hash)?, EntryType::from_name(r#type)?);
        Ok(NewEntry(ledger::NewEntry::sign(hash, kind, key_idx, body.as_slice().to_vec(), &key.0)?))
    }

    #[getter]
    fn r#type(&self) -> &'static str {
        self.0.kind.name()
    }

    #[getter]
    fn key_idx(&self) -> u32 {
        self.0.key_idx
    }

    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.body)
    }

    #[getter]
    fn signature<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.signature)
    }

    fn __repr__(&self) -> String {
        format!("NewEntry({}, key {}, {} bytes)", self.0.kind.name(), self.0.key_idx, self.0.body.len())
    }
}

/// What an `Entry` is pickled from: bytes, hash, offset, file.
type Stored<'py> = (Bound<'py, PyBytes>, &'static str, Option<u64>, Option<String>);

/// An entry as it is stored. `bytes(entry)` are the stored bytes.
///
/// Attributes:
///     index: Its index.
///     time: When it was appended, µs since 1970-01-01 UTC.
///     type: "genesis", "statement", "key-add", "key-revoke", "key-rotate", "redact", "segment" or "anchor".
///     key_idx: The row of the key table whose key signed.
///     algorithm: "p256" or "sm2".
///     prev: The leaf hash of the entry before.
///     statement: The statement id of the body.
///     signature: 64 bytes, r ‖ s.
///     body: The body.
///     leaf_hash: Its own leaf hash.
///     file: The file of the ledger that it was read from, such as "wal/0.wal"; None when it was not read from one.
///     offset: Where it starts in that file.
#[pyclass(frozen, eq, module = "sealcore.ledger")]
#[derive(PartialEq)]
pub(crate) struct Entry {
    bytes: Vec<u8>,
    hash: HashAlgorithm,
    offset: Option<u64>,
    file: Option<String>,
}

impl Entry {
    pub(crate) fn view(&self) -> PyCoreResult<ledger::Entry<'_>> {
        Ok(ledger::Entry::parse(&self.bytes)?)
    }

    pub(crate) fn from_bytes(bytes: &[u8], hash: HashAlgorithm) -> PyCoreResult<Self> {
        let entry = ledger::Entry::parse(bytes)?;
        entry.check_statement(hash)?;
        Ok(Entry { bytes: bytes.to_vec(), hash, offset: None, file: None })
    }

    fn stored(stored: ledger::StoredEntry, hash: HashAlgorithm) -> Self {
        let file = Some(stored.file().to_owned());
        Entry { offset: Some(stored.offset()), file, bytes: stored.bytes().to_vec(), hash }
    }
}

#[pymethods]
impl Entry {
    #[new]
    #[pyo3(signature = (data, hash, offset=None, file=None))]
    fn new(data: Bytes<'_>, hash: &str, offset: Option<u64>, file: Option<String>) -> PyCoreResult<Self> {
        let entry = Entry::from_bytes(data.as_slice(), HashAlgorithm::from_name(hash)?)?;
        Ok(Entry { offset, file, ..entry })
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyType>, Stored<'py>) {
        let entry = slf.get();
        (slf.get_type(), (PyBytes::new(slf.py(), &entry.bytes), entry.hash.name(), entry.offset, entry.file.clone()))
    }

    #[getter]
    fn index(&self) -> PyCoreResult<u64> {
        Ok(self.view()?.index())
    }

    #[getter]
    fn time(&self) -> PyCoreResult<u64> {
        Ok(self.view()?.time())
    }

    #[getter]
    fn r#type(&self) -> PyCoreResult<&'static str> {
        Ok(self.view()?.kind().name())
    }

    #[getter]
    fn key_idx(&self) -> PyCoreResult<u32> {
        Ok(self.view()?.key_idx())
    }

    #[getter]
    fn algorithm(&self) -> PyCoreResult<&'static str> {
        Ok(self.view()?.algorithm().name())
    }

    #[getter]
    fn prev<'py>(&self, py: Python<'py>) -> PyCoreResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.view()?.prev()))
    }

    #[getter]
    fn statement<'py>(&self, py: Python<'py>) -> PyCoreResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.view()?.statement()))
    }

    #[getter]
    fn signature<'py>(&self, py: Python<'py>) -> PyCoreResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.view()?.signature()))
    }

    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> PyCoreResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, self.view()?.body()))
    }

    #[getter]
    fn leaf_hash<'py>(&self, py: Python<'py>) -> PyCoreResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.view()?.leaf_hash(self.hash)))
    }

    #[getter]
    fn offset(&self) -> Option<u64> {
        self.offset
    }

    #[getter]
    fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// Checks the signature with this key.
    ///
    /// Raises:
    ///     InvalidSignature: If it does not verify.
    fn verify(&self, key: &VerifyingKey) -> PyCoreResult<()> {
        Ok(self.view()?.check_signature(&key.0)?)
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.bytes)
    }

    fn __repr__(&self) -> PyCoreResult<String> {
        let view = self.view()?;
        Ok(format!(
            "Entry({} {}, key {}, {} bytes)",
            view.index(),
            view.kind().name(),
            view.key_idx(),
            self.bytes.len()
        ))
    }
}

/// What the appender gets once its entry is durable: worth keeping, for it convicts a ledger that loses the entry.
///
/// Attributes:
///     index: The index of the entry.
///     time: Its time, µs since 1970-01-01 UTC.
///     statement: The statement id of its body.
///     leaf_hash: Its leaf hash.
///     checkpoint: The signed checkpoint that covers it.
///     proof: The inclusion proof in the tree of that checkpoint, leaf to root.
///     hash: The hash of the ledger.
#[pyclass(frozen, eq, module = "sealcore.ledger")]
#[derive(PartialEq)]
pub(crate) struct Receipt {
    receipt: ledger::Receipt,
    hash: HashAlgorithm,
}

#[pymethods]
impl Receipt {
    #[new]
    #[pyo3(signature = (*, index, time, statement, leaf_hash, checkpoint, proof, hash))]
    fn new(
        index: u64,
        time: u64,
        statement: [u8; 32],
        leaf_hash: [u8; 32],
        checkpoint: &str,
        proof: Vec<[u8; 32]>,
        hash: &str,
    ) -> PyCoreResult<Self> {
        let hash = HashAlgorithm::from_name(hash)?;
        let receipt = ledger::Receipt { index, time, statement, leaf_hash, checkpoint: checkpoint.into(), proof };
        Ok(Receipt { receipt, hash })
    }

    #[getter]
    fn index(&self) -> u64 {
        self.receipt.index
    }

    #[getter]
    fn time(&self) -> u64 {
        self.receipt.time
    }

    #[getter]
    fn statement<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.receipt.statement)
    }

    #[getter]
    fn leaf_hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.receipt.leaf_hash)
    }

    #[getter]
    fn checkpoint(&self) -> &str {
        &self.receipt.checkpoint
    }

    #[getter]
    fn proof<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        hash_list(py, &self.receipt.proof)
    }

    #[getter]
    fn hash(&self) -> &'static str {
        self.hash.name()
    }

    /// The receipt as JSON-able values; hashes in hexadecimal.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("index", self.receipt.index)?;
        dict.set_item("time", self.receipt.time)?;
        dict.set_item("statement", hex(&self.receipt.statement))?;
        dict.set_item("leaf_hash", hex(&self.receipt.leaf_hash))?;
        dict.set_item("checkpoint", &*self.receipt.checkpoint)?;
        dict.set_item("proof", self.receipt.proof.iter().map(|hash| hex(hash)).collect::<Vec<_>>())?;
        dict.set_item("hash", self.hash.name())?;
        Ok(dict)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyDict>,))> {
        Ok((slf.get_type().getattr("from_dict")?, (slf.get().to_dict(slf.py())?,)))
    }

    /// The receipt that `to_dict` gave.
    #[classmethod]
    fn from_dict(_class: &Bound<'_, PyType>, data: &Bound<'_, PyDict>) -> PyResult<Self> {
        let get = |name: &'static str| {
            let missing = CoreError(Error::InvalidArgument { field: name, reason: "missing from the receipt" });
            data.get_item(name)?.ok_or_else(|| PyErr::from(missing))
        };
        let hash = |name: &'static str| -> PyResult<[u8; 32]> { unhex(name, &get(name)?.extract::<String>()?) };
        let proof: Vec<String> = get("proof")?.extract()?;
        let algorithm: String = get("hash")?.extract()?;
        let checkpoint: String = get("checkpoint")?.extract()?;
        let receipt = ledger::Receipt {
            index: get("index")?.extract()?,
            time: get("time")?.extract()?,
            statement: hash("statement")?,
            leaf_hash: hash("leaf_hash")?,
            checkpoint: checkpoint.into(),
            proof: proof.iter().map(|text| unhex("proof", text)).collect::<PyResult<_>>()?,
        };
        let hash = HashAlgorithm::from_name(&algorithm).map_err(CoreError)?;
        Ok(Receipt { receipt, hash })
    }

    /// Checks that this ledger key signed the checkpoint, and that the proof leads from the leaf hash to its root.
    ///
    /// Raises:
    ///     InvalidSignature: If the key did not sign the checkpoint under this origin.
    ///     InvalidProof: If the proof does not lead to its root.
    #[pyo3(signature = (*, origin, key))]
    fn verify(&self, origin: &str, key: &VerifyingKey) -> PyCoreResult<()> {
        Ok(self.receipt.verify(self.hash, &NoteKey::new(origin, key.0)?)?)
    }

    /// The receipt as a proof, with the entry in it.
    ///
    /// Args:
    ///     entry: The entry, as the ledger gives it.
    ///
    /// Raises:
    ///     InvalidArgument: If the receipt is of another entry.
    fn to_proof(&self, entry: &Entry) -> PyCoreResult<Proof> {
        if entry.view()?.leaf_hash(self.hash) != self.receipt.leaf_hash {
            let reason = "is another entry than that of the receipt";
            return Err(Error::InvalidArgument { field: "entry", reason }.into());
        }
        Ok(Proof(ledger::TlogProof {
            hash: self.hash,
            index: self.receipt.index,
            extra: Some(entry.bytes.clone()),
            proof: self.receipt.proof.clone(),
            checkpoint: self.receipt.checkpoint.to_string(),
        }))
    }

    fn __repr__(&self) -> String {
        format!("Receipt(index {}, {} hashes)", self.receipt.index, self.receipt.proof.len())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(field: &'static str, text: &str) -> PyResult<[u8; 32]> {
    let mut out = [0; 32];
    let bad = || CoreError(Error::InvalidEncoding { field, offset: 0, reason: "must be 64 hexadecimal digits" });
    if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(bad().into());
    }
    for (byte, at) in out.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| bad())?;
    }
    Ok(out)
}

pub(crate) fn hash_list<'py>(py: Python<'py>, hashes: &[[u8; 32]]) -> PyResult<Bound<'py, PyList>> {
    PyList::new(py, hashes.iter().map(|hash| PyBytes::new(py, hash)))
}

/// One row of the key table.
///
/// Attributes:
///     key: The key.
///     label: A commitment to whose key it is, 32 bytes or None.
///     valid_from: The first index at which it may sign.
///     valid_until: The last one, the index of its "key-revoke"; None while it is in force.
#[pyclass(frozen, eq, module = "sealcore.ledger")]
#[derive(PartialEq)]
pub(crate) struct KeyRow(ledger::KeyRow);

#[pymethods]
impl KeyRow {
    #[getter]
    fn key(&self) -> VerifyingKey {
        VerifyingKey(self.0.key)
    }

    #[getter]
    fn label<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.label.map(|label| PyBytes::new(py, &label))
    }

    #[getter]
    fn valid_from(&self) -> u64 {
        self.0.from
    }

    #[getter]
    fn valid_until(&self) -> Option<u64> {
        self.0.until
    }

    /// Whether an entry at this index may be signed with the key.
    fn in_force(&self, index: u64) -> bool {
        self.0.in_force(index)
    }

    fn __repr__(&self) -> String {
        let until = self.0.until.map_or(String::new(), |until| until.to_string());
        format!("KeyRow({:?}, entries {} to {until})", self.0.key, self.0.from)
    }
}

fn rows(rows: &[ledger::KeyRow]) -> Vec<KeyRow> {
    rows.iter().map(|row| KeyRow(*row)).collect()
}

/// A ledger that is open for writing, by this process alone; many threads may append at once. A context manager.
///
/// An error of the disk ends the writer: nothing of that append is acknowledged, every later call raises the same
/// `LedgerIOError`, and opening it again decides what remains.
///
/// Attributes:
///     origin: The ledger's name in its checkpoints.
///     hash: "sha256" or "sm3".
///     id: The ledger's id, 32 bytes: what must not be replayed into another ledger names it.
///     ledger_key: The key that signs the checkpoints.
///     size: The number of entries.
///     checkpoint: The newest checkpoint, a signed note.
///     keys: The rows of the key table.
///     recovery: What opening had to repair: bytes cut from the log of entries, none of them ever acknowledged, and from
///         `checkpoints.log`, and whether a signed checkpoint has been released.
#[pyclass(frozen, module = "sealcore.ledger")]
pub(crate) struct Ledger {
    /// Taken by `close`; appends that run hold their own share.
    open: RwLock<Option<Arc<ledger::Ledger>>>,
    genesis: Genesis,
    id: [u8; 32],
    /// What the fence raised, if it did.
    raised: Arc<Mutex<Option<PyErr>>>,
}

/// A fence that is a function in Python.
struct Fence {
    function: Py<PyAny>,
    raised: Arc<Mutex<Option<PyErr>>>,
}

impl ledger::Fence for Fence {
    fn pass(&self, commit: &ledger::Commit<'_>) -> sealcore::Result<()> {
        let hash = commit.genesis.hash();
        Python::attach(|py| {
            let receipts: Vec<Receipt> =
                commit.receipts.iter().map(|receipt| Receipt { receipt: receipt.clone(), hash }).collect();
            self.function.call1(py, (commit.note, receipts)).map(|_| ()).map_err(|error| {
                *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Error::LedgerFenced
            })
        })
    }
}

impl Ledger {
    fn wrap(writer: ledger::Ledger) -> Self {
        Ledger::wrap_fenced(writer, Arc::default())
    }

    fn wrap_fenced(writer: ledger::Ledger, raised: Arc<Mutex<Option<PyErr>>>) -> Self {
        let (genesis, id) = (writer.genesis().clone(), *writer.id());
        Ledger { open: RwLock::new(Some(Arc::new(writer))), genesis, id, raised }
    }

    /// Runs `work` without the interpreter: another thread may hold the ledger's lock while the disk syncs.
    fn run<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&ledger::Ledger) -> sealcore::Result<T> + Send,
    ) -> PyCoreResult<T> {
        py.detach(|| {
            let open = self.open.read().unwrap_or_else(PoisonError::into_inner).clone();
            let writer = open.ok_or(Error::InvalidArgument { field: "ledger", reason: "is closed: open it again" })?;
            Ok(work(&writer)?)
        })
    }

    fn append_entries(
        &self,
        py: Python<'_>,
        entries: Vec<ledger::NewEntry>,
        time: Option<u64>,
    ) -> PyResult<Vec<Receipt>> {
        let hash = self.genesis.hash();
        let appended = self.run(py, |writer| match time {
            Some(time) => writer.append_many_at(entries, time),
            None => writer.append_many(entries),
        });
        let receipts = appended.map_err(|CoreError(error)| {
            let fenced = error == Error::LedgerFenced;
            let exception = PyErr::from(CoreError(error));
            if fenced {
                let raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
                exception.set_cause(py, raised.as_ref().map(|cause| cause.clone_ref(py)));
            }
            exception
        })?;
        Ok(receipts.into_iter().map(|receipt| Receipt { receipt, hash }).collect())
    }
}

#[pymethods]
impl Ledger {
    /// Creates a ledger in a new or empty directory and opens it; the directory appears whole or not at all.
    ///
    /// Args:
    ///     path: The directory; the one it stands in must be there.
    ///     origin: The ledger's name for its whole life, such as "example.com/seals".
    ///     ledger_key: The key that signs checkpoints and the gate's entries; row 0.
    ///     founder_key: The key that may sign the first statements and key changes; row 1.
    ///     hash: "sha256" or "sm3".
    ///     segment_bits: log2 of the entries in a segment, 8 to 16; small segments are for tests.
    ///     signers: Further signers of its checkpoints; see `open`.
    ///
    /// Raises:
    ///     InvalidArgument: If the directory is not empty, or the origin cannot be one.
    ///     LedgerIOError: If the system refuses.
    #[classmethod]
    #[pyo3(signature = (path, *, origin, ledger_key, founder_key, hash="sha256", segment_bits=16, signers=vec![]))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn create(
        _class: &Bound<'_, PyType>,
        py: Python<'_>,
        path: PathBuf,
        origin: &str,
        ledger_key: &SigningKey,
        founder_key: &VerifyingKey,
        hash: &str,
        segment_bits: u32,
        signers: Vec<PyRef<'_, NoteSigner>>,
    ) -> PyCoreResult<Self> {
        let hash = HashAlgorithm::from_name(hash)?;
        let genesis =
            Genesis::new(origin, hash, ledger_key.0.verifying_key(), founder_key.0)?.with_segment_bits(segment_bits)?;
        let further = self::signers(&signers);
        Ok(Ledger::wrap(py.detach(|| ledger::Ledger::create_with(&path, &genesis, &ledger_key.0, &further))?))
    }

    /// Opens a ledger for writing, repairing what a crash left.
    ///
    /// Args:
    ///     path: The directory.
    ///     ledger_key: The ledger's key.
    ///     signers: Further signers, at most 15, named by the origin: every checkpoint of this writer carries a line of
    ///         each. One of Ed25519 lets every tool for transparency logs read the ledger.
    ///
    /// Raises:
    ///     LedgerLocked: If another writer has it.
    ///     InvalidKey: If the key is not the ledger's, or a signer cannot be one.
    ///     LedgerCorrupt: If something that a signed checkpoint covers is missing or altered; nothing is touched then.
    #[classmethod]
    #[pyo3(signature = (path, *, ledger_key, signers=vec![]))]
    fn open(
        _class: &Bound<'_, PyType>,
        py: Python<'_>,
        path: PathBuf,
        ledger_key: &SigningKey,
        signers: Vec<PyRef<'_, NoteSigner>>,
    ) -> PyCoreResult<Self> {
        let further = self::signers(&signers);
        Ok(Ledger::wrap(py.detach(|| ledger::Ledger::open_with(&path, &ledger_key.0, &further))?))
    }

    /// Takes over a shared ledger from a writer who may still be alive, and opens it: in a directory of its own, with what
    /// counts of the previous one. `sealcore.sequencer` does this; see the format, "Several writers".
    ///
    /// Args:
    ///     previous: The directory that holds the ledger until now.
    ///     path: The new directory; the one it stands in must be there.
    ///     size: How many entries count.
    ///     root: Their root.
    ///     ledger_key: The key that signs the checkpoints.
    ///     fence: Called in each commit as fence(checkpoint, receipts) when its entries are durable; when it raises, the
    ///         commit does not count, and the writer is at its end. It must not use this ledger.
    ///     signers: Further signers of its checkpoints; see `open`.
    ///
    /// Raises:
    ///     LedgerCorrupt, RootMismatch: If `previous` does not hold these entries, or has released more.
    ///     InvalidArgument: If `path` is not new or empty.
    ///     InvalidKey: If the key is not the ledger's.
    ///     LedgerIOError: If the system refuses.
    #[classmethod]
    #[pyo3(signature = (previous, path, *, size, root, ledger_key, fence, signers=vec![]))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn succeed(
        _class: &Bound<'_, PyType>,
        py: Python<'_>,
        previous: PathBuf,
        path: PathBuf,
        size: u64,
        root: [u8; 32],
        ledger_key: &SigningKey,
        fence: Py<PyAny>,
        signers: Vec<PyRef<'_, NoteSigner>>,
    ) -> PyCoreResult<Self> {
        let raised = Arc::<Mutex<Option<PyErr>>>::default();
        let fence = Box::new(Fence { function: fence, raised: raised.clone() });
        let further = self::signers(&signers);
        let writer =
            py.detach(|| ledger::Ledger::succeed(&previous, &path, size, &root, &ledger_key.0, &further, fence))?;
        Ok(Ledger::wrap_fenced(writer, raised))
    }

    /// Appends one entry; returns when it is durable.
    ///
    /// Args:
    ///     entry: The entry.
    ///     time: Its time in µs, fixed by the caller; not before the last entry's. None: the clock's.
    ///
    /// Raises:
    ///     InvalidSignature: If the signature does not verify with the key of the row.
    ///     InvalidKey: If there is no such key, or it is not in force.
    ///     InputError: If a field is not what an entry can hold.
    ///     LedgerIOError: If the disk refuses; see the class.
    ///     LedgerFenced: If another writer has taken over a shared ledger.
    #[pyo3(signature = (entry, *, time=None))]
    fn append(&self, py: Python<'_>, entry: &NewEntry, time: Option<u64>) -> PyResult<Receipt> {
        let mut receipts = self.append_entries(py, vec![entry.0.clone()], time)?;
        Ok(receipts.pop().ok_or(CoreError(Error::Internal { reason: "an append without a receipt" }))?)
    }

    /// Appends entries, all or none, next to each other; returns when they are durable. As `append`.
    #[pyo3(signature = (entries, *, time=None))]
    fn append_many(
        &self,
        py: Python<'_>,
        entries: Vec<PyRef<'_, NewEntry>>,
        time: Option<u64>,
    ) -> PyResult<Vec<Receipt>> {
        self.append_entries(py, entries.iter().map(|entry| entry.0.clone()).collect(), time)
    }

    /// Signs a body with the ledger's own key.
    #[pyo3(signature = (body, *, r#type="statement"))]
    fn sign(&self, py: Python<'_>, body: Bytes<'_>, r#type: &str) -> PyCoreResult<NewEntry> {
        let (kind, body) = (EntryType::from_name(r#type)?, body.as_slice().to_vec());
        Ok(NewEntry(self.run(py, |writer| writer.sign(kind, body))?))
    }

    /// Gives the lock back; appends that run are finished first.
    fn close(&self, py: Python<'_>) {
        // Waiting for the lock while another thread that holds it waits for the interpreter would be a deadlock.
        py.detach(|| self.open.write().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, pyo3::types::PyTuple>) {
        self.close(py);
    }

    #[getter]
    fn origin(&self) -> &str {
        self.genesis.origin()
    }

    #[getter]
    fn hash(&self) -> &'static str {
        self.genesis.hash().name()
    }

    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.id)
    }

    #[getter]
    fn ledger_key(&self) -> VerifyingKey {
        VerifyingKey(*self.genesis.ledger_key())
    }

    #[getter]
    fn size(&self, py: Python<'_>) -> PyCoreResult<u64> {
        self.run(py, ledger::Ledger::size)
    }

    #[getter]
    fn checkpoint(&self, py: Python<'_>) -> PyCoreResult<String> {
        Ok(self.run(py, ledger::Ledger::checkpoint_note)?.to_string())
    }

    #[getter]
    fn keys(&self, py: Python<'_>) -> PyCoreResult<Vec<KeyRow>> {
        Ok(rows(&self.run(py, ledger::Ledger::keys)?))
    }

    #[getter]
    fn recovery(&self, py: Python<'_>) -> PyCoreResult<(u64, u64, bool)> {
        let recovery = self.run(py, |writer| Ok(writer.recovery()))?;
        Ok((recovery.entries_cut, recovery.log_cut, recovery.checkpoint_completed))
    }

    /// One entry.
    fn entry(&self, py: Python<'_>, index: u64) -> PyCoreResult<Entry> {
        Ok(Entry::stored(self.run(py, |writer| writer.entry(index))?, self.genesis.hash()))
    }

    /// The root of the first `size` entries; of all when None.
    #[pyo3(signature = (size=None))]
    fn root<'py>(&self, py: Python<'py>, size: Option<u64>) -> PyCoreResult<Bound<'py, PyBytes>> {
        let root = self.run(py, |writer| writer.root_at(size.map_or_else(|| writer.size(), Ok)?))?;
        Ok(PyBytes::new(py, &root))
    }

    /// The proof that an entry is in the tree of the first `size` entries: for `verify_inclusion`.
    #[pyo3(signature = (index, *, size=None))]
    fn inclusion_proof<'py>(&self, py: Python<'py>, index: u64, size: Option<u64>) -> PyResult<Bound<'py, PyList>> {
        let proof = self.run(py, |writer| writer.inclusion_proof(index, size.map_or_else(|| writer.size(), Ok)?))?;
        hash_list(py, &proof)
    }

    /// The proof that the first `old_size` entries are a prefix of the first `new_size`: for `verify_consistency`.
    #[pyo3(signature = (old_size, new_size=None))]
    fn consistency_proof<'py>(
        &self,
        py: Python<'py>,
        old_size: u64,
        new_size: Option<u64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let proof =
            self.run(py, |writer| writer.consistency_proof(old_size, new_size.map_or_else(|| writer.size(), Ok)?))?;
        hash_list(py, &proof)
    }

    fn __repr__(&self) -> String {
        format!("Ledger({}, {})", self.genesis.origin(), self.genesis.hash().name())
    }
}

/// A ledger at one checkpoint, read without its lock. Iterating gives every `Entry`; `len` their number.
///
/// What it gives has the root that the ledger's key signed; entry signatures are checked by the writer and by
/// `verify_ledger`, not here. Attributes as of `Ledger`.
#[pyclass(frozen, module = "sealcore.ledger")]
pub(crate) struct LedgerReader(RwLock<ledger::LedgerReader>);

impl LedgerReader {
    fn run<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&ledger::LedgerReader) -> sealcore::Result<T> + Send,
    ) -> PyCoreResult<T> {
        py.detach(|| Ok(work(&self.0.read().unwrap_or_else(PoisonError::into_inner))?))
    }
}

#[pymethods]
impl LedgerReader {
    /// Opens a ledger at its newest checkpoint.
    ///
    /// Raises:
    ///     LedgerCorrupt, RootMismatch: If the files do not agree with it; `verify_ledger` says more.
    ///     LedgerIOError: If a file cannot be read.
    #[classmethod]
    fn open(_class: &Bound<'_, PyType>, py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<Self> {
        let place = Place::of(path)?;
        let reader = py.detach(|| ledger::LedgerReader::open(place.location.clone()));
        Ok(LedgerReader(RwLock::new(reader.map_err(|error| place.error(error))?)))
    }

    /// The sealed segments: index of the first entry, index after the last one, and the root of these alone.
    fn segment_roots<'py>(&self, py: Python<'py>) -> PyCoreResult<Vec<(u64, u64, Bound<'py, PyBytes>)>> {
        let roots: Vec<_> = self.run(py, |reader| Ok(reader.segment_roots().collect()))?;
        Ok(roots.into_iter().map(|(range, root)| (range.start, range.end, PyBytes::new(py, &root))).collect())
    }

    /// Goes forward to the newest checkpoint; says whether there was one.
    fn refresh(&self, py: Python<'_>) -> PyCoreResult<bool> {
        py.detach(|| Ok(self.0.write().unwrap_or_else(PoisonError::into_inner).refresh()?))
    }

    #[getter]
    fn origin(&self, py: Python<'_>) -> PyCoreResult<String> {
        self.run(py, |reader| Ok(reader.genesis().origin().to_owned()))
    }

    #[getter]
    fn hash(&self, py: Python<'_>) -> PyCoreResult<&'static str> {
        self.run(py, |reader| Ok(reader.genesis().hash().name()))
    }

    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> PyCoreResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.run(py, |reader| Ok(*reader.id()))?))
    }

    #[getter]
    fn ledger_key(&self, py: Python<'_>) -> PyCoreResult<VerifyingKey> {
        Ok(VerifyingKey(self.run(py, |reader| Ok(*reader.genesis().ledger_key()))?))
    }

    #[getter]
    fn size(&self, py: Python<'_>) -> PyCoreResult<u64> {
        self.run(py, |reader| Ok(reader.size()))
    }

    #[getter]
    fn checkpoint(&self, py: Python<'_>) -> PyCoreResult<String> {
        self.run(py, |reader| Ok(reader.checkpoint_note().to_owned()))
    }

    #[getter]
    fn keys(&self, py: Python<'_>) -> PyCoreResult<Vec<KeyRow>> {
        self.run(py, |reader| Ok(rows(reader.keys())))
    }

    /// One entry.
    fn entry(&self, py: Python<'_>, index: u64) -> PyCoreResult<Entry> {
        self.run(py, |reader| Ok(Entry::stored(reader.entry(index)?, reader.genesis().hash())))
    }

    /// The entries from `start` up to, and without, `stop`.
    #[pyo3(signature = (start=0, stop=None))]
    fn entries(slf: Py<Self>, py: Python<'_>, start: u64, stop: Option<u64>) -> PyCoreResult<EntryIterator> {
        let size = slf.get().size(py)?;
        let next = std::sync::atomic::AtomicU64::new(start);
        Ok(EntryIterator { reader: slf, next, stop: stop.map_or(size, |stop| stop.min(size)) })
    }

    fn __iter__(slf: Py<Self>, py: Python<'_>) -> PyCoreResult<EntryIterator> {
        LedgerReader::entries(slf, py, 0, None)
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        usize::try_from(self.size(py)?).map_err(|_| PyIndexError::new_err("more entries than an index can count"))
    }

    /// The root of the first `size` entries; of all when None.
    #[pyo3(signature = (size=None))]
    fn root<'py>(&self, py: Python<'py>, size: Option<u64>) -> PyCoreResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.run(py, |reader| reader.root_at(size.unwrap_or(reader.size())))?))
    }

    /// The proof that an entry is in the tree of the first `size` entries: for `verify_inclusion`.
    #[pyo3(signature = (index, *, size=None))]
    fn inclusion_proof<'py>(&self, py: Python<'py>, index: u64, size: Option<u64>) -> PyResult<Bound<'py, PyList>> {
        hash_list(py, &self.run(py, |reader| reader.inclusion_proof(index, size.unwrap_or(reader.size())))?)
    }

    /// The proof that the first `old_size` entries are a prefix of the first `new_size`: for `verify_consistency`.
    #[pyo3(signature = (old_size, new_size=None))]
    fn consistency_proof<'py>(
        &self,
        py: Python<'py>,
        old_size: u64,
        new_size: Option<u64>,
    ) -> PyResult<Bound<'py, PyList>> {
        hash_list(py, &self.run(py, |reader| reader.consistency_proof(old_size, new_size.unwrap_or(reader.size())))?)
    }

    /// The proof that the entries [start, end) are those of the first `size`: for `verify_subtree`.
    ///
    /// `start` is a multiple of the next power of two from the length on.
    #[pyo3(signature = (start, end, *, size=None))]
    fn subtree_proof<'py>(
        &self,
        py: Python<'py>,
        start: u64,
        end: u64,
        size: Option<u64>,
    ) -> PyResult<Bound<'py, PyList>> {
        hash_list(py, &self.run(py, |reader| reader.subtree_proof(start, end, size.unwrap_or(reader.size())))?)
    }

    /// The root of the entries [start, end) alone.
    fn subtree_root<'py>(&self, py: Python<'py>, start: u64, end: u64) -> PyCoreResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.run(py, |reader| reader.subtree_root(start, end))?))
    }

    /// The proof of one entry in the tree of this reader's checkpoint, with both in it.
    fn prove(&self, py: Python<'_>, index: u64) -> PyCoreResult<Proof> {
        Ok(Proof(self.run(py, |reader| reader.prove(index))?))
    }

    /// The first `width` hashes of a tile, 32 bytes each (C2SP tlog-tiles); None: as many as there are.
    ///
    /// Raises:
    ///     InvalidArgument: If the tree has no such tile.
    #[pyo3(signature = (level, number, width=None))]
    fn tile<'py>(
        &self,
        py: Python<'py>,
        level: u32,
        number: u64,
        width: Option<u64>,
    ) -> PyCoreResult<Bound<'py, PyBytes>> {
        let tile = self.run(py, |reader| {
            reader.tile(level, number, width.unwrap_or(ledger::tile_width(level, number, reader.size())))
        })?;
        Ok(PyBytes::new(py, &tile))
    }

    /// The first `width` entries of a bundle, each after its length in two bytes; None: as many as there are.
    ///
    /// Raises:
    ///     InvalidArgument: If the ledger has no such bundle.
    #[pyo3(signature = (number, width=None))]
    fn bundle<'py>(&self, py: Python<'py>, number: u64, width: Option<u64>) -> PyCoreResult<Bound<'py, PyBytes>> {
        let bundle = self
            .run(py, |reader| reader.bundle(number, width.unwrap_or(ledger::tile_width(0, number, reader.size()))))?;
        Ok(PyBytes::new(py, &bundle))
    }

    fn __repr__(&self, py: Python<'_>) -> PyCoreResult<String> {
        self.run(py, |reader| Ok(format!("LedgerReader({}, {} entries)", reader.genesis().origin(), reader.size())))
    }
}

/// Entries of a reader, in order.
#[pyclass(frozen, module = "sealcore._core")]
pub(crate) struct EntryIterator {
    reader: Py<LedgerReader>,
    next: std::sync::atomic::AtomicU64,
    stop: u64,
}

#[pymethods]
impl EntryIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyCoreResult<Option<Entry>> {
        use std::sync::atomic::Ordering;
        let step = |next: u64| (next < self.stop).then_some(next + 1);
        match self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step) {
            Ok(index) => self.reader.get().entry(py, index).map(Some),
            Err(_) => Ok(None),
        }
    }
}
