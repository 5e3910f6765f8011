//! Signed notes, their keys, policies of witnesses, proofs as text.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyType};
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::{self, Note};
use sealcore::sign::Ed25519SigningKey;
use sealcore::{Error, pki};

use crate::bytes::Bytes;
use crate::error::PyCoreResult;
use crate::ledger::{Entry, hash_list};
use crate::ledger_format::Checkpoint;
use crate::pki::arguments::Text;
use crate::sign::{SigningKey, VerifyingKey};

/// A public key under a name, as it stands in signature lines and verifier keys (C2SP signed-note).
///
/// Args:
///     name: The name: of a ledger's keys its origin.
///     key: A key of P-256 or SM2; keys of Ed25519 and witnesses come from `from_vkey` or a signer.
///
/// Attributes:
///     name: The name.
///     id: The key ID of its signature lines, 32 bits.
///     kind: "p256", "sm2", "ed25519" or "cosignature" (a witness).
///     vkey: The verifier key as text: name+key ID+key.
///     key: The key, when it is of P-256 or SM2; else None.
#[pyclass(frozen, eq, module = "sealcore.ledger")]
#[derive(Clone, PartialEq)]
pub(crate) struct NoteKey(pub(crate) ledger::NoteKey);

#[pymethods]
impl NoteKey {
    #[new]
    fn new(name: &str, key: &VerifyingKey) -> PyCoreResult<Self> {
        Ok(NoteKey(ledger::NoteKey::new(name, key.0)?))
    }

    /// Reads a verifier key.
    ///
    /// Raises:
    ///     InvalidEncoding: If it is none, or of another type than Ed25519, P-256, SM2 and cosignature/v1.
    #[classmethod]
    fn from_vkey(_class: &Bound<'_, PyType>, text: &str) -> PyCoreResult<Self> {
        Ok(NoteKey(ledger::NoteKey::from_vkey(text)?))
    }

    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    #[getter]
    fn id(&self) -> u32 {
        self.0.id()
    }

    #[getter]
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    #[getter]
    fn vkey(&self) -> String {
        self.0.to_vkey()
    }

    #[getter]
    fn key(&self) -> Option<VerifyingKey> {
        self.0.key().map(|key| VerifyingKey(*key))
    }

    /// Checks that this key signed a note, and that no line of its fails; gives the signed text.
    ///
    /// Raises:
    ///     InvalidEncoding: If it is no note.
    ///     InvalidSignature: If the key did not sign it.
    fn open<'n>(&self, note: &'n str) -> PyCoreResult<&'n str> {
        let note = Note::parse(note.as_bytes())?;
        note.verify(&[&self.0])?;
        Ok(note.text())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((slf.get_type().getattr("from_vkey")?, (slf.get().0.to_vkey(),)))
    }

    fn __hash__(&self) -> u64 {
        u64::from(self.0.id())
    }

    fn __repr__(&self) -> String {
        format!("NoteKey({})", self.0.to_vkey())
    }
}

/// A private key under a name, which signs lines of notes: a further signer of checkpoints, or a witness.
///
/// Attributes:
///     key: The public half.
#[pyclass(frozen, module = "sealcore.ledger")]
pub(crate) struct NoteSigner(pub(crate) ledger::NoteSigner);

#[pymethods]
impl NoteSigner {
    /// Names a private key of P-256 or SM2.
    #[new]
    fn new(name: &str, key: &SigningKey) -> PyCoreResult<Self> {
        Ok(NoteSigner(ledger::NoteSigner::new(name, key.0.clone())?))
    }

    /// Names an Ed25519 key.
    ///
    /// Args:
    ///     name: The name.
    ///     seed: The 32 bytes of the private key; None makes a fresh one.
    ///     witness: Whether its lines are cosignatures, which say a time.
    #[classmethod]
    #[pyo3(signature = (name, seed=None, *, witness=false))]
    fn ed25519(_class: &Bound<'_, PyType>, name: &str, seed: Option<Bytes<'_>>, witness: bool) -> PyCoreResult<Self> {
        let key = match seed.as_ref().map(Bytes::as_slice) {
            None => Ed25519SigningKey::generate()?,
            Some(seed) => Ed25519SigningKey::from_seed(seed.try_into().map_err(|_| Error::InvalidLength {
                field: "seed",
                expected: 32,
                actual: seed.len(),
            })?),
        };
        named(name, key, witness)
    }

    /// Names the private key in a file: PKCS#8 of Ed25519, P-256 or SM2.
    ///
    /// Args:
    ///     name: The name.
    ///     data: PEM or DER.
    ///     password: Of an encrypted key only.
    ///     witness: Whether its lines are cosignatures; for Ed25519 only.
    ///
    /// Raises:
    ///     WrongPassword, InvalidArgument, InvalidKey, InvalidEncoding: As `sealcore.pki.load_private_key`.
    #[classmethod]
    #[pyo3(signature = (name, data, password=None, *, witness=false))]
    fn load(
        _class: &Bound<'_, PyType>,
        py: Python<'_>,
        name: &str,
        data: Text<'_>,
        password: Option<Text<'_>>,
        witness: bool,
    ) -> PyCoreResult<Self> {
        let (data, password) = (data.as_slice(), password.as_ref().map(Text::as_slice));
        match py.detach(|| pki::load_ed25519_key(data, password)) {
            Ok(key) => named(name, key, witness),
            Err(Error::InvalidKey { .. } | Error::InvalidEncoding { .. }) if !witness => {
                let key = py.detach(|| pki::load_private_key(data, password))?;
                Ok(NoteSigner(ledger::NoteSigner::new(name, key)?))
            }
            Err(error) => Err(error.into()),
        }
    }

    #[getter]
    fn key(&self) -> NoteKey {
        NoteKey(self.0.key().clone())
    }

    /// Signs a text, whose lines each end with a newline, and gives the signature line.
    ///
    /// Args:
    ///     text: The text of a note.
    ///     time: Seconds since 1970-01-01 UTC: what a cosignature says; other types say no time.
    #[pyo3(signature = (text, *, time=0))]
    fn sign(&self, text: &str, time: u64) -> PyCoreResult<String> {
        Ok(self.0.sign(text, time)?)
    }

    fn __repr__(&self) -> String {
        format!("NoteSigner({}, {}, …)", self.0.key().name(), self.0.key().kind())
    }
}

fn named(name: &str, key: Ed25519SigningKey, witness: bool) -> PyCoreResult<NoteSigner> {
    Ok(NoteSigner(match witness {
        true => ledger::NoteSigner::cosigner(name, key)?,
        false => ledger::NoteSigner::ed25519(name, key)?,
    }))
}

/// A fresh private Ed25519 key as PKCS#8, which `NoteSigner.load` and ``openssl pkey`` read.
///
/// Args:
///     password: Not empty; encrypts as `sealcore.pki.dump_private_key` does. None writes it plain.
#[pyfunction]
#[pyo3(signature = (password=None))]
pub(crate) fn generate_ed25519_key<'py>(
    py: Python<'py>,
    password: Option<Text<'py>>,
) -> PyCoreResult<Bound<'py, PyBytes>> {
    let password = password.as_ref().map(Text::as_slice);
    let written = py.detach(|| {
        let key = Ed25519SigningKey::generate()?;
        pki::dump_ed25519_key(&key, password, pki::Format::Pem)
    })?;
    Ok(PyBytes::new(py, &written))
}

/// Which witnesses must have cosigned a checkpoint (C2SP tlog-policy).
///
/// Args:
///     text: The policy: lines `log VKEY [URL]`, `witness NAME VKEY [URL]`, `group NAME K|any|all NAME…`, `quorum NAME`.
///
/// Attributes:
///     text: The text.
///     logs: The keys of the logs; their names are the origins.
///     witnesses: (name, key, URL or None) of each witness.
///
/// Raises:
///     InvalidEncoding: With the offset of the line that does not fit.
#[pyclass(frozen, eq, module = "sealcore.ledger")]
#[derive(PartialEq)]
pub(crate) struct Policy {
    text: String,
    pub(crate) policy: ledger::Policy,
}

/// Name and time of a cosignature.
type Times = Vec<(String, u64)>;

#[pymethods]
impl Policy {
    #[new]
    fn new(text: String) -> PyCoreResult<Self> {
        let policy = ledger::Policy::parse(&text)?;
        Ok(Policy { text, policy })
    }

    #[getter]
    fn text(&self) -> &str {
        &self.text
    }

    #[getter]
    fn logs(&self) -> Vec<NoteKey> {
        self.policy.logs().iter().map(|key| NoteKey(key.clone())).collect()
    }

    #[getter]
    fn witnesses(&self) -> Vec<(String, NoteKey, Option<String>)> {
        let one = |witness: &ledger::Witness| (witness.name.clone(), NoteKey(witness.key.clone()), witness.url.clone());
        self.policy.witnesses().iter().map(one).collect()
    }

    /// Judges the cosignatures of a note.
    ///
    /// Args:
    ///     note: A checkpoint with cosignatures; other signatures are not looked at.
    ///     now: Seconds since 1970-01-01 UTC. Times up to five minutes later count.
    ///     max_age: How old a cosignature may be, in seconds; None: however old.
    ///
    /// Returns:
    ///     Whether they are a quorum; (witness, time) of those that count; (witness, time) of those that are valid but too
    ///     old or of the future.
    ///
    /// Raises:
    ///     InvalidEncoding: If it is no note.
    #[pyo3(signature = (note, *, now, max_age=None))]
    fn judge(&self, note: &str, now: u64, max_age: Option<u64>) -> PyCoreResult<(bool, Times, Times)> {
        let witnessed = self.policy.judge(&Note::parse(note.as_bytes())?, now, max_age);
        let names = |list: &[(usize, u64)]| {
            list.iter().map(|(at, time)| (self.policy.witnesses()[*at].name.clone(), *time)).collect::<Times>()
        };
        Ok((witnessed.quorum, names(&witnessed.counted), names(&witnessed.untimely)))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyType>, (String,)) {
        (slf.get_type(), (slf.get().text.clone(),))
    }

    fn __repr__(&self) -> String {
        format!("Policy({} logs, {} witnesses)", self.policy.logs().len(), self.policy.witnesses().len())
    }
}

/// A proof that an entry is in a ledger, with the entry and a signed checkpoint in it (C2SP tlog-proof).
///
/// Nothing of it has been checked before `verify`. In a ledger of SM3 its first line is another than the standard's.
///
/// Attributes:
///     index: The index of the entry.
///     entry: The entry; None when the proof does not hold it.
///     leaf_hash: Its leaf hash; None when the proof does not hold it.
///     hash: "sha256" or "sm3".
///     proof: The inclusion proof, leaf to root.
///     checkpoint: The checkpoint, a signed note, with any cosignatures.
#[pyclass(frozen, eq, module = "sealcore.ledger")]
#[derive(PartialEq)]
pub(crate) struct Proof(pub(crate) ledger::TlogProof);

#[pymethods]
impl Proof {
    /// Reads a proof.
    ///
    /// Raises:
    ///     InvalidEncoding: With the offset of the line that does not fit.
    #[classmethod]
    fn parse(_class: &Bound<'_, PyType>, text: &str) -> PyCoreResult<Self> {
        Ok(Proof(ledger::TlogProof::parse(text)?))
    }

    /// The proof as text: what a file `….tlog-proof` holds.
    fn to_text(&self) -> String {
        self.0.to_text()
    }

    /// The same proof with another note of the same checkpoint, such as one with cosignatures.
    ///
    /// Raises:
    ///     InvalidEncoding: If it is no note.
    ///     InvalidArgument: If it is of another checkpoint.
    fn with_checkpoint(&self, note: &str) -> PyCoreResult<Self> {
        let (old, new) = (Note::parse(self.0.checkpoint.as_bytes())?, Note::parse(note.as_bytes())?);
        if old.text() != new.text() {
            let reason = "is another checkpoint than that of the proof";
            return Err(Error::InvalidArgument { field: "note", reason }.into());
        }
        Ok(Proof(ledger::TlogProof { checkpoint: note.to_owned(), ..self.0.clone() }))
    }

    /// Checks that the ledger's key signed the checkpoint, and that it covers the entry.
    ///
    /// Args:
    ///     key: The ledger's key under its origin.
    ///     leaf_hash: The leaf hash of the entry that the proof must be of; None: of the entry that it holds.
    ///
    /// Returns:
    ///     The checkpoint.
    ///
    /// Raises:
    ///     InvalidSignature: If the key did not sign the checkpoint.
    ///     InvalidProof: If the proof does not lead to its root, or is of another ledger or entry.
    ///     InputError: If the checkpoint or the entry does not parse, or there is none.
    #[pyo3(signature = (key, *, leaf_hash=None))]
    fn verify(&self, key: &NoteKey, leaf_hash: Option<Bytes<'_>>) -> PyCoreResult<Checkpoint> {
        let Some(leaf) = leaf_hash else {
            return Ok(self.0.verify_entry(&key.0)?.1.into());
        };
        let leaf = leaf.as_slice();
        let exact = leaf.try_into().map_err(|_| Error::InvalidLength {
            field: "leaf_hash",
            expected: 32,
            actual: leaf.len(),
        })?;
        Ok(self.0.verify(&exact, &key.0)?.into())
    }

    #[getter]
    fn index(&self) -> u64 {
        self.0.index
    }

    #[getter]
    fn entry(&self) -> PyCoreResult<Option<Entry>> {
        self.0.extra.as_ref().map(|bytes| Entry::from_bytes(bytes, self.0.hash)).transpose()
    }

    #[getter]
    fn leaf_hash<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        let leaf = |bytes: &Vec<u8>| PyBytes::new(py, &ledger::merkle::leaf_hash(self.0.hash, bytes));
        self.0.extra.as_ref().map(leaf)
    }

    #[getter]
    fn hash(&self) -> &'static str {
        self.0.hash.name()
    }

    #[getter]
    fn proof<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        hash_list(py, &self.0.proof)
    }

    #[getter]
    fn checkpoint(&self) -> &str {
        &self.0.checkpoint
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((slf.get_type().getattr("parse")?, (slf.get().0.to_text(),)))
    }

    fn __repr__(&self) -> String {
        format!("Proof(index {}, {} hashes)", self.0.index, self.0.proof.len())
    }
}

/// Checks that the entries [start, end) with root `subtree_root` are those of the first `size`, which have this root.
///
/// Raises:
///     InvalidProof: If it does not prove that.
///
/// Source:
///     C2SP tlog-cosignature and tlog-mirror; draft-ietf-plants-merkle-tree-certs, clause 4.
#[pyfunction]
#[pyo3(signature = (proof, *, start, end, size, subtree_root, root, hash))]
pub(crate) fn verify_subtree(
    proof: Vec<Bytes<'_>>,
    start: u64,
    end: u64,
    size: u64,
    subtree_root: Bytes<'_>,
    root: Bytes<'_>,
    hash: &str,
) -> PyCoreResult<()> {
    let proof: Vec<&[u8]> = proof.iter().map(Bytes::as_slice).collect();
    let hash = HashAlgorithm::from_name(hash)?;
    let (subtree, root) = (subtree_root.as_slice(), root.as_slice());
    Ok(ledger::proof::verify_subtree_consistency(hash, start, end, size, subtree, &proof, root)?)
}

/// How many hashes tile `number` of `level` holds in a tree of `size` entries (C2SP tlog-tiles), at most 256; 0 when
/// there is no such tile. At level 0 also the entries of bundle `number`.
#[pyfunction]
pub(crate) fn tile_width(level: u32, number: u64, size: u64) -> u64 {
    ledger::tile_width(level, number, size)
}

/// The private halves of these signers.
pub(crate) fn signers(list: &[PyRef<'_, NoteSigner>]) -> Vec<ledger::NoteSigner> {
    list.iter().map(|signer| signer.0.clone()).collect()
}
