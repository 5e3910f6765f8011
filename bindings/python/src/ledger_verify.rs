//! Full verification of a ledger.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use sealcore::Error;
use sealcore::ledger::{EntryType, Finding, Report, VerifyOptions, verify};

use crate::error::CoreError;
use crate::hash::thread_count;
use crate::sign::VerifyingKey;

/// Verifies a ledger; the report as a dictionary, which `sealcore.ledger.verify_ledger` gives its class.
#[pyfunction]
#[pyo3(signature = (path, *, checkpoint, ledger_keys, max_findings, threads, progress))]
pub(crate) fn verify_ledger<'py>(
    py: Python<'py>,
    path: PathBuf,
    checkpoint: Option<String>,
    ledger_keys: Vec<PyRef<'py, VerifyingKey>>,
    max_findings: usize,
    threads: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let trusted: Vec<_> = ledger_keys.iter().map(|key| key.0).collect();
    let threads = thread_count(threads)?;
    let mut stopped: Option<PyErr> = None;
    let result = py.detach(|| {
        let options =
            VerifyOptions { earlier_checkpoint: checkpoint.as_deref(), trusted_keys: &trusted, max_findings, threads };
        verify(&path, &options, &mut |done, total| {
            // The only moments at which the interpreter is held: ten times a second.
            let called = Python::attach(|py| {
                py.check_signals()?;
                progress.as_ref().map_or(Ok(()), |progress| progress.call1(py, (done, total)).map(drop))
            });
            called.map_err(|error| {
                stopped = Some(error);
                Error::Internal { reason: "the progress callback raised" }
            })
        })
    });
    match (result, stopped) {
        (_, Some(error)) => Err(error),
        (Ok(report), None) => to_dict(py, &report),
        (Err(error), None) => Err(CoreError(error).into()),
    }
}

fn to_dict<'py>(py: Python<'py>, report: &Report) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let bytes = |hash: &Option<[u8; 32]>| hash.map(|hash| PyBytes::new(py, &hash));
    dict.set_item("origin", report.origin.as_deref())?;
    dict.set_item("id", bytes(&report.id))?;
    dict.set_item("hash", report.hash.map(|hash| hash.name()))?;
    dict.set_item("size", report.size)?;
    dict.set_item("root", bytes(&report.root))?;
    dict.set_item("checkpoint", report.checkpoint.as_deref())?;
    let entries = PyDict::new(py);
    for (kind, count) in EntryType::ALL.iter().zip(report.entries) {
        entries.set_item(kind.name(), count)?;
    }
    dict.set_item("entries", entries)?;
    dict.set_item("signatures_checked", report.signatures_checked)?;
    dict.set_item("checkpoints_checked", report.checkpoints_checked)?;
    dict.set_item("bytes", report.bytes)?;
    dict.set_item("unacknowledged_bytes", report.unacknowledged_bytes)?;
    let findings = report.findings.iter().map(|finding| finding_to_dict(py, finding)).collect::<PyResult<Vec<_>>>()?;
    dict.set_item("findings", findings)?;
    dict.set_item("findings_dropped", report.findings_dropped)?;
    dict.set_item("assurance", report.assurance.name())?;
    Ok(dict)
}

fn finding_to_dict<'py>(py: Python<'py>, finding: &Finding) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("kind", finding.kind.name())?;
    dict.set_item("file", &finding.file)?;
    dict.set_item("index", finding.index)?;
    dict.set_item("offset", finding.offset)?;
    dict.set_item("field", finding.field)?;
    dict.set_item("detail", finding.detail.as_str())?;
    Ok(dict)
}
