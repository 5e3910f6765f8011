//! Full verification of a ledger.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyType};
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::{self, EntryType, Finding, Level, Report, VerifyOptions, Witnessing, verify};

use sealcore::sign::Algorithm;
use sealcore::{Error, authority as rules};

use crate::bytes::Bytes;
use crate::error::{CoreError, PyCoreResult};
use crate::hash::thread_count;
use crate::ledger_note::{NoteKey, Policy};
use crate::ledger_place::Place;
use crate::sign::VerifyingKey;

/// What verification of consecutive sealed segments leaves behind, when nothing is wrong with them: enough to join it
/// with its neighbours, on any machine and in any grouping, and to go on from it later. It is as trustworthy as the
/// place where it was kept.
///
/// Attributes:
///     start: The index of the first entry.
///     end: The index after the last one.
///     level: The level up to which nothing is wrong.
#[pyclass(frozen, eq, module = "sealcore.ledger")]
#[derive(PartialEq)]
pub(crate) struct Summary(pub(crate) ledger::Summary);

#[pymethods]
impl Summary {
    #[getter]
    fn start(&self) -> u64 {
        self.0.start()
    }

    #[getter]
    fn end(&self) -> u64 {
        self.0.end()
    }

    #[getter]
    fn level(&self) -> u8 {
        self.0.level().number()
    }

    /// The summary of both, when `right` follows.
    ///
    /// Raises:
    ///     InvalidArgument: If it is of another ledger or does not begin where this one ends.
    ///     BrokenChain, InvalidKey, InvalidEncoding: If the two contradict each other in chain, keys or time.
    fn merge(&self, right: &Summary) -> PyCoreResult<Summary> {
        let mut merged = self.0.clone();
        merged.merge(&right.0)?;
        Ok(Summary(merged))
    }

    /// The summary as bytes (deterministic CBOR).
    fn __bytes__<'py>(&self, py: Python<'py>) -> PyCoreResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.0.encode()?))
    }

    /// Reads the bytes of a summary.
    #[classmethod]
    fn from_bytes(_class: &Bound<'_, PyType>, data: Bytes<'_>) -> PyCoreResult<Self> {
        Ok(Summary(ledger::Summary::decode(data.as_slice())?))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((slf.get_type().getattr("from_bytes")?, (slf.get().__bytes__(slf.py())?,)))
    }

    fn __repr__(&self) -> String {
        format!("Summary(entries {} to {}, level {})", self.0.start(), self.0.end(), self.0.level().number())
    }
}

/// Verifies one sealed segment by itself.
///
/// Args:
///     path: The directory of the ledger, or an object that reads its files.
///     number: The number of the segment.
///     level: 0 form only, 1 hashes and order, 3 also signatures.
///
/// Returns:
///     Its summary; None when something is wrong with it, which `verify_ledger` then says.
#[pyfunction]
#[pyo3(signature = (path, number, *, level=3))]
pub(crate) fn verify_segment(
    py: Python<'_>,
    path: &Bound<'_, PyAny>,
    number: u64,
    level: u8,
) -> PyResult<Option<Summary>> {
    let (place, level) = (Place::of(path)?, Level::from_number(level).map_err(CoreError)?);
    let found = py.detach(|| ledger::verify_segment(place.location.clone(), number, level));
    Ok(found.map_err(|error| place.error(error))?.map(Summary))
}

/// Makes a synthetic ledger for benchmarks: keys that follow from the seed, statements of one length, right in every byte.
///
/// Args:
///     path: A new or empty directory.
///     entries: How many statements; genesis, key changes and segment entries come on top.
///     keys: How many keys sign them in turn.
///     algorithm: "p256" or "sm2".
///     hash: "sha256" or "sm3".
///     seed: What keys and bodies follow from.
///     length: Bytes of an entry.
///     batch: Entries to a checkpoint.
///     segment_bits: log2 of the entries in a segment, 8 to 16.
///     authority: Whether the statements are those of an office whose uses are applied for, approved, granted, taken
///         and delivered, which level 4 replays: `entries` is rounded up to whole uses, `keys` are at least five people,
///         and `length` is not looked at. Otherwise they are opaque.
///     progress: Called with (statements done, statements in all).
#[pyfunction]
#[pyo3(signature = (path, *, entries, keys=16, algorithm="sm2", hash="sha256", seed=0, length=400, batch=1000,
                    segment_bits=16, authority=false, progress=None))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of one Python function")]
pub(crate) fn generate_ledger(
    py: Python<'_>,
    path: PathBuf,
    entries: u64,
    keys: u32,
    algorithm: &str,
    hash: &str,
    seed: u64,
    length: usize,
    batch: usize,
    segment_bits: u32,
    authority: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let algorithm = Algorithm::from_name(algorithm).map_err(CoreError)?;
    let hash = HashAlgorithm::from_name(hash).map_err(CoreError)?;
    let shape = ledger::Synthetic { entries, keys, algorithm, hash, seed, length, batch, segment_bits };
    let mut stopped: Option<PyErr> = None;
    let mut said = std::time::Instant::now();
    let result = py.detach(|| {
        let generate = if authority { rules::generate } else { ledger::generate };
        generate(&path, &shape, &mut |done, total| {
            if done < total && said.elapsed().as_millis() < 100 {
                return Ok(());
            }
            said = std::time::Instant::now();
            step(progress.as_ref(), done, total).map_err(|error| {
                stopped = Some(error);
                Error::Internal { reason: "the progress callback raised" }
            })
        })
    });
    match (result, stopped) {
        (_, Some(error)) => Err(error),
        (result, None) => result.map_err(|error| CoreError(error).into()),
    }
}

/// One call of a progress callback, and a look at signals: the only moments at which the interpreter is held.
fn step(progress: Option<&Py<PyAny>>, done: u64, total: u64) -> PyResult<()> {
    Python::attach(|py| {
        py.check_signals()?;
        progress.map_or(Ok(()), |progress| progress.call1(py, (done, total)).map(drop))
    })
}

/// The number of sealed segments of a ledger.
#[pyfunction]
pub(crate) fn sealed_segments(py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<u64> {
    let place = Place::of(path)?;
    py.detach(|| ledger::sealed_segments(place.location.clone())).map_err(|error| place.error(error))
}

/// Verifies a ledger; the report as a dictionary, which `sealcore.ledger.verify_ledger` gives its class.
#[pyfunction]
#[pyo3(signature = (path, *, checkpoint, ledger_keys, signers, policy, now, max_age, level, summaries, max_findings, threads,
                    progress, found))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of one Python function")]
pub(crate) fn verify_ledger<'py>(
    py: Python<'py>,
    path: &Bound<'py, PyAny>,
    checkpoint: Option<String>,
    ledger_keys: Vec<PyRef<'py, VerifyingKey>>,
    signers: Vec<PyRef<'py, NoteKey>>,
    policy: Option<PyRef<'py, Policy>>,
    now: u64,
    max_age: Option<u64>,
    level: u8,
    summaries: Vec<PyRef<'py, Summary>>,
    max_findings: usize,
    threads: Option<usize>,
    progress: Option<Py<PyAny>>,
    found: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let place = Place::of(path)?;
    let trusted: Vec<_> = ledger_keys.iter().map(|key| key.0).collect();
    let signers: Vec<_> = signers.iter().map(|key| key.0.clone()).collect();
    let policy = policy.map(|policy| policy.policy.clone());
    let threads = thread_count(threads)?;
    let level = Level::from_number(level).map_err(CoreError)?;
    let summaries: Vec<_> = summaries.iter().map(|summary| summary.0.clone()).collect();
    // What a callback raised; the next step of the progress ends the verification then.
    let stopped: Mutex<Option<PyErr>> = Mutex::default();
    let raised = || stopped.lock().unwrap_or_else(PoisonError::into_inner);
    let result = py.detach(|| {
        let witnesses = policy.as_ref().map(|policy| Witnessing { policy, now, max_age });
        let tell = |finding: &Finding| {
            let told = Python::attach(|py| match &found {
                Some(found) => found.call1(py, (finding_to_dict(py, finding)?,)).map(drop),
                None => Ok(()),
            });
            if let Err(error) = told {
                raised().get_or_insert(error);
            }
        };
        let options = VerifyOptions {
            earlier_checkpoint: checkpoint.as_deref(),
            trusted_keys: &trusted,
            signers: &signers,
            witnesses: witnesses.as_ref(),
            level,
            summaries: &summaries,
            replay: None,
            max_findings,
            found: found.is_some().then_some(&tell),
            threads,
        };
        let mut step = |done, total| {
            if let Err(error) = step(progress.as_ref(), done, total) {
                raised().get_or_insert(error);
            }
            match *raised() {
                Some(_) => Err(Error::Internal { reason: "a callback raised" }),
                None => Ok(()),
            }
        };
        let location = place.location.clone();
        match level {
            Level::Authority => rules::verify(location, &options, &mut step).map(|(report, _)| report),
            _ => verify(location, &options, &mut step),
        }
    });
    let stopped = raised().take();
    match (result, stopped) {
        (_, Some(error)) => Err(error),
        (Ok(report), None) => to_dict(py, &report),
        (Err(error), None) => Err(place.error(error)),
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
    dict.set_item("level", report.level.number())?;
    dict.set_item("summary", report.summary.clone().map(|summary| Py::new(py, Summary(summary))).transpose()?)?;
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
