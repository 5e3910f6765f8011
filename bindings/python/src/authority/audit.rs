//! The audit of a ledger at the border: entries in batches, the interpreter released while they are replayed.

use super::{AuthorityState, RawEntry};
use crate::error::{CoreError, PyCoreResult};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList};
use sealcore::Error;
use sealcore::authority::{Audit, AuditReport, Event, Finding, Violation};
use sealcore::ledger::EntryType;
use std::sync::Mutex;

/// Entries that are collected before the interpreter is released; a batch takes milliseconds.
const BATCH: usize = 1024;

/// Replays a ledger from its genesis; returns the report as a dictionary, and the state at the end.
#[pyfunction]
pub(crate) fn authority_audit<'py>(
    py: Python<'py>,
    entries: &Bound<'py, PyIterator>,
) -> PyResult<(Bound<'py, PyDict>, AuthorityState)> {
    let mut entries = entries.try_iter()?;
    let Some(first) = entries.next() else {
        return Err(wrong("there are no entries: give every entry of the ledger, the genesis first"));
    };
    let first: RawEntry<'py> = first?.extract()?;
    let genesis = first.event()?;
    if genesis.index != 0 || genesis.kind != EntryType::Genesis {
        return Err(wrong("the first entry must be the genesis, at index 0"));
    }
    let mut audit = Audit::new(genesis.body).map_err(CoreError)?;
    loop {
        let batch: Vec<RawEntry<'py>> =
            entries.by_ref().take(BATCH).map(|entry| entry?.extract()).collect::<PyResult<_>>()?;
        if batch.is_empty() {
            break;
        }
        let events = batch.iter().map(RawEntry::event).collect::<PyCoreResult<Vec<Event<'_>>>>()?;
        py.detach(|| events.iter().try_for_each(|event| audit.feed(event))).map_err(CoreError)?;
        py.check_signals()?;
    }
    let AuditReport { entries, findings, total, state } = audit.finish().map_err(CoreError)?;
    let state = state.ok_or(CoreError(Error::Internal { reason: "an audit in memory has a state" }))?;
    let report = PyDict::new(py);
    report.set_item("entries", entries)?;
    report.set_item("total", total)?;
    let findings = findings.iter().map(|finding| finding_of(py, finding)).collect::<PyResult<Vec<_>>>()?;
    report.set_item("findings", PyList::new(py, findings)?)?;
    Ok((report, AuthorityState(Mutex::new(state))))
}

fn wrong(reason: &'static str) -> PyErr {
    CoreError(Error::InvalidArgument { field: "entries", reason }).into()
}

/// A finding; its kind is the name of the exception that the gate would have raised.
fn finding_of<'py>(py: Python<'py>, finding: &Finding) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    fields.set_item("index", finding.index)?;
    fields.set_item("cause", finding.cause)?;
    match finding.violation {
        Violation::UseUnfinished => {
            fields.set_item("kind", "UseUnfinished")?;
            fields.set_item("message", "the gate took this use, and nothing says how it ended")?;
        }
        Violation::Refused(error) => {
            if let Error::Refused { statement, limit, actual, .. } = error {
                fields.set_item("statement", (statement != u64::MAX).then_some(statement))?;
                fields.set_item("limit", limit)?;
                fields.set_item("actual", actual)?;
            }
            fields.set_item("message", error.to_string())?;
            let exception: PyErr = CoreError(error).into();
            fields.set_item("kind", exception.get_type(py).name()?)?;
        }
    }
    Ok(fields)
}
