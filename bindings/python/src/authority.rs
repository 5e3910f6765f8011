//! Statements, the state, the gate and the audit. Python's dictionaries and the core's values are turned into one
//! another in one place; the records of the state become values under the lock and Python objects after it.

mod audit;
mod values;
mod views;

pub(crate) use audit::authority_audit;

use crate::bytes::Bytes;
use crate::error::PyCoreResult;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyIterator};
use sealcore::authority::{self, Content, Event, Name, Request, State, Statement, StatementId};
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::EntryType;
use sealcore::ledger::cbor::Value;
use sealcore::{Error, Result};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// 32 bytes from Python.
fn bytes32(field: &'static str, data: &Bytes<'_>) -> Result<[u8; 32]> {
    let bytes = data.as_slice();
    bytes.try_into().map_err(|_| Error::InvalidLength { field, expected: 32, actual: bytes.len() })
}

fn statement_id(field: &'static str, data: &Bytes<'_>) -> Result<StatementId> {
    bytes32(field, data).map(StatementId)
}

/// Encodes the fields of a statement, checked as if they were read.
#[pyfunction]
pub(crate) fn authority_encode<'py>(py: Python<'py>, fields: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyBytes>> {
    let value = values::from_python(fields.as_any())?;
    let body =
        Statement::from_value(&value).and_then(|statement| statement.encode()).map_err(crate::error::CoreError)?;
    Ok(PyBytes::new(py, &body))
}

/// Decodes the body of a statement into its fields.
#[pyfunction]
pub(crate) fn authority_decode<'py>(py: Python<'py>, body: Bytes<'py>) -> PyResult<Bound<'py, PyAny>> {
    let statement = Statement::decode(body.as_slice()).map_err(crate::error::CoreError)?;
    values::to_python(py, &statement.to_value())
}

/// The kinds of statements.
#[pyfunction]
pub(crate) fn authority_kinds() -> Vec<&'static str> {
    Content::KINDS.to_vec()
}

/// `H(salt ‖ value)`.
#[pyfunction]
pub(crate) fn commitment<'py>(
    py: Python<'py>,
    value: Bytes<'py>,
    salt: Bytes<'py>,
    hash: &str,
) -> PyCoreResult<Bound<'py, PyBytes>> {
    let bytes = salt.as_slice();
    let salt =
        bytes.try_into().map_err(|_| Error::InvalidLength { field: "salt", expected: 16, actual: bytes.len() })?;
    let hash = HashAlgorithm::from_name(hash)?;
    Ok(PyBytes::new(py, &authority::commitment(hash, &salt, value.as_slice())))
}

/// The gate's consent to one use: only `Authority.authorise_use` makes it.
#[pyclass(frozen, module = "sealcore.authority")]
pub(crate) struct UseToken(authority::UseToken);

#[pymethods]
impl UseToken {
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.body())
    }

    #[getter]
    fn r#use<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.id().0)
    }

    #[getter]
    fn time(&self) -> u64 {
        self.0.time()
    }

    #[getter]
    fn number(&self) -> u32 {
        self.0.usage().number
    }

    #[getter]
    fn of(&self) -> u32 {
        self.0.usage().of
    }

    #[getter]
    fn user(&self) -> &str {
        self.0.usage().user.as_str()
    }

    #[getter]
    fn seal(&self) -> &str {
        self.0.usage().seal.as_str()
    }

    #[getter]
    fn seal_version(&self) -> u32 {
        self.0.usage().seal_version
    }

    #[getter]
    fn approvals<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        self.0.usage().approvals.iter().map(|id| PyBytes::new(py, &id.0)).collect()
    }

    fn __repr__(&self) -> String {
        let usage = self.0.usage();
        format!("UseToken({} of {}, seal {:?}, user {:?})", usage.number, usage.of, usage.seal, usage.user)
    }
}

/// An entry as Python gives it: one of the ledger's, or a tuple of index, time, key_idx, kind and body.
enum RawEntry<'py> {
    Stored(Bound<'py, crate::ledger::Entry>),
    Fields { index: u64, time: u64, key_idx: u32, kind: EntryType, body: Bytes<'py> },
}

impl<'a, 'py> FromPyObject<'a, 'py> for RawEntry<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(entry) = object.cast::<crate::ledger::Entry>() {
            return Ok(RawEntry::Stored(entry.to_owned()));
        }
        let (index, time, key_idx, kind, body): (u64, u64, u32, String, Bytes<'py>) = object.extract()?;
        let kind = EntryType::from_name(&kind).map_err(crate::error::CoreError)?;
        Ok(RawEntry::Fields { index, time, key_idx, kind, body })
    }
}

impl RawEntry<'_> {
    fn event(&self) -> PyCoreResult<Event<'_>> {
        Ok(match self {
            RawEntry::Stored(entry) => entry.get().view()?.into(),
            RawEntry::Fields { index, time, key_idx, kind, body } => {
                Event { kind: *kind, index: *index, time: *time, key_idx: *key_idx, body: body.as_slice() }
            }
        })
    }
}

/// The state after some prefix of a ledger.
#[pyclass(frozen, module = "sealcore.authority")]
pub(crate) struct AuthorityState(Mutex<State>);

impl AuthorityState {
    /// A panic inside the core would be a bug; the state is only changed by a step that cannot fail, so it is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl AuthorityState {
    #[new]
    fn new(genesis: Bytes<'_>) -> PyCoreResult<Self> {
        Ok(AuthorityState(Mutex::new(State::new(genesis.as_slice())?)))
    }

    #[getter]
    fn ledger<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let ledger = *self.state().ledger();
        PyBytes::new(py, &ledger)
    }

    #[getter]
    fn hash(&self) -> &'static str {
        self.state().hash().name()
    }

    #[getter]
    fn last(&self) -> (u64, u64) {
        let last = self.state().last();
        (last.index, last.time)
    }

    fn check(&self, body: Bytes<'_>, key_idx: u32, time: u64, kind: &str) -> PyCoreResult<()> {
        let state = self.state();
        let index = state.last().index.saturating_add(1);
        let kind = EntryType::from_name(kind)?;
        Ok(state.check(&Event { kind, index, time, key_idx, body: body.as_slice() })?)
    }

    fn apply(&self, body: Bytes<'_>, index: u64, key_idx: u32, time: u64, kind: &str) -> PyCoreResult<()> {
        let kind = EntryType::from_name(kind)?;
        Ok(self.state().apply(&Event { kind, index, time, key_idx, body: body.as_slice() })?)
    }

    fn apply_many(&self, entries: &Bound<'_, PyIterator>) -> PyResult<u64> {
        let mut count = 0;
        for entry in entries {
            let entry: RawEntry<'_> = entry?.extract()?;
            let event = entry.event()?;
            self.state().apply(&event).map_err(crate::error::CoreError)?;
            count += 1;
        }
        Ok(count)
    }

    #[pyo3(signature = (application, grant, user, document, now, position, seen))]
    #[expect(clippy::too_many_arguments, reason = "the Python class above takes them by name")]
    fn authorise_use(
        &self,
        application: Bytes<'_>,
        grant: Bytes<'_>,
        user: &str,
        document: (Bytes<'_>, Bytes<'_>),
        now: u64,
        position: Option<(u32, u32, u32)>,
        seen: Option<(u64, Bytes<'_>)>,
    ) -> PyCoreResult<UseToken> {
        let user = Name::new("user", user)?;
        let request = Request {
            application: statement_id("application", &application)?,
            grant: statement_id("grant", &grant)?,
            user: &user,
            document: authority::Digests {
                sha256: bytes32("document.sha256", &document.0)?,
                sm3: bytes32("document.sm3", &document.1)?,
            },
            position: position.map(|(page, x_um, y_um)| authority::Position { page, x_um, y_um }),
        };
        let seen =
            seen.map(|(size, root)| Ok::<_, Error>(authority::Seen { size, root: bytes32("seen.root", &root)? }));
        let seen = seen.transpose()?;
        Ok(UseToken(self.state().authorise(&request, now, seen)?))
    }

    /// The records of one table, as dictionaries.
    fn records<'py>(&self, py: Python<'py>, table: &str) -> PyResult<Bound<'py, PyAny>> {
        let records = views::table(&self.state(), table).map_err(crate::error::CoreError)?;
        values::to_python(py, &Value::Array(records))
    }

    /// The record of one thing, by its name or id.
    fn record<'py>(&self, py: Python<'py>, table: &str, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let record = if let Ok(name) = key.extract::<String>() {
            Name::new("name", &name).and_then(|name| views::named(&self.state(), table, &name))
        } else {
            statement_id("id", &key.extract()?).and_then(|id| views::identified(&self.state(), table, &id))
        };
        values::to_python(py, &record.map_err(crate::error::CoreError)?)
    }

    /// The digest of the whole state.
    fn digest<'py>(&self, py: Python<'py>) -> PyCoreResult<Bound<'py, PyBytes>> {
        let digest = py.detach(|| self.state().digest());
        Ok(PyBytes::new(py, &digest?))
    }

    /// What was in force at a time, as a dictionary.
    fn held_at<'py>(&self, py: Python<'py>, time: u64) -> PyResult<Bound<'py, PyAny>> {
        let holdings = views::holdings(&self.state(), time);
        values::to_python(py, &holdings)
    }

    fn grant_status(&self, grant: Bytes<'_>, now: u64) -> PyCoreResult<&'static str> {
        Ok(self.state().grant_status(&statement_id("grant", &grant)?, now)?.name())
    }

    fn grant_chain<'py>(&self, py: Python<'py>, grant: Bytes<'py>) -> PyCoreResult<Vec<Bound<'py, PyBytes>>> {
        let chain: Vec<StatementId> = {
            let state = self.state();
            state.grant_chain(&statement_id("grant", &grant)?)?.iter().map(|link| link.id).collect()
        };
        Ok(chain.iter().map(|id| PyBytes::new(py, &id.0)).collect())
    }

    fn __repr__(&self) -> String {
        let state = self.state();
        format!(
            "AuthorityState(entry {}, {} grants, {} uses)",
            state.last().index,
            state.grants().len(),
            state.uses().len()
        )
    }
}
