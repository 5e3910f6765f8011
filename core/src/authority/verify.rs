//! Level 4: the verification of a ledger and the audit of its statements, over the bytes that were verified.
//!
//! Statements are decoded on every core, from segments that have been verified; the state machine takes them in turn.

use core::fmt;
use std::sync::{Mutex, PoisonError};

use super::audit::{Audit, AuditReport, Violation};
use super::name::StatementId;
use super::state::{Event, Read};
use super::statement::Statement;
use crate::ledger::{
    self, Assurance, Entry, EntryType, FindingKind, LedgerReader, Level, Location, Report, VerifyOptions,
};
use crate::{Error, Result};

/// What the records of applications, grants and uses may take of the memory.
const MEMORY: usize = 64 << 20;

/// The audit as what follows a verification.
#[derive(Default)]
struct Following {
    /// `None` before the genesis.
    audit: Mutex<Option<Audit>>,
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Following")
    }
}

/// An entry without its body, which stands elsewhere.
struct Place {
    kind: EntryType,
    index: u64,
    time: u64,
    key_idx: u32,
    end: usize,
}

impl ledger::Replay for Following {
    fn read<'r>(&'r self, entries: &[Entry<'_>]) -> ledger::Take<'r> {
        let mut bodies = Vec::with_capacity(entries.iter().map(|entry| entry.body().len()).sum());
        let read = |entry: &Entry<'_>| {
            bodies.extend_from_slice(entry.body());
            let place = Place {
                kind: entry.kind(),
                index: entry.index(),
                time: entry.time(),
                key_idx: entry.key_idx(),
                end: bodies.len(),
            };
            let statement = (place.kind == EntryType::Statement)
                .then(|| Read { id: StatementId(entry.statement()), statement: Statement::decode(entry.body()) });
            (place, statement)
        };
        let entries: Vec<(Place, Option<Read>)> = entries.iter().map(read).collect();
        Box::new(move || {
            let mut audit = self.audit.lock().unwrap_or_else(PoisonError::into_inner);
            let mut start = 0;
            for (Place { kind, index, time, key_idx, end }, read) in entries {
                let body = &bodies[start..end];
                start = end;
                match &mut *audit {
                    // A genesis that cannot be read is the ledger's finding.
                    None => *audit = if index == 0 { Audit::bounded(body, MEMORY).ok() } else { None },
                    Some(audit) => audit.feed_read(&Event { kind, index, time, key_idx, body }, read)?,
                }
            }
            Ok(())
        })
    }
}

/// Verifies the ledger at this place at level 4: what [`ledger::verify`] does at level 3, and that every statement was
/// allowed when it was appended.
///
/// Statements of a ledger with findings are nobody's word: nothing is said about them then, the second value is `None`
/// and the report's level 3. What the audit finds stands in the report as well, as `NotAuthorised` and `UseUnfinished`.
///
/// # Inputs
/// As [`ledger::verify`]; `level` and `replay` of the options are not looked at.
///
/// # Errors
/// As [`ledger::verify`]; [`Error::LedgerCorrupt`] when the ledger changed meanwhile; [`Error::AuditIo`], see
/// [`Audit::bounded`], whose records take 64 MiB here, whatever the size of the ledger, and as much again for moments.
pub fn verify<L: Into<Location>>(
    location: L,
    options: &VerifyOptions<'_>,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<(Report, Option<AuditReport>)> {
    let (location, following) = (location.into(), Following::default());
    let options = VerifyOptions { level: Level::Authority, replay: Some(&following), ..options.clone() };
    let mut report = ledger::verify(location.clone(), &options, progress)?;
    let audit = following.audit.lock().unwrap_or_else(PoisonError::into_inner).take();
    if report.assurance == Assurance::Inconsistent {
        report.level = Level::Signatures;
        return Ok((report, None));
    }
    let audit = audit.map(Audit::finish).transpose()?.filter(|audit| audit.entries == report.size);
    let Some(audit) = audit else {
        // Nothing is wrong, but not everything was replayed.
        return Err(Error::LedgerCorrupt { offset: 0, reason: "the ledger changed while it was verified" });
    };
    if audit.total > 0 {
        report.assurance = Assurance::Inconsistent;
        let reader = LedgerReader::open(location)?;
        for found in audit.findings.iter().take(options.max_findings) {
            let entry = reader.entry(found.index)?;
            let (kind, detail) = match found.violation {
                Violation::Refused(error) => (
                    FindingKind::NotAuthorised,
                    match found.cause {
                        Some(cause) => format!("{error} (follows from the refused entry {cause})"),
                        None => error.to_string(),
                    },
                ),
                Violation::UseUnfinished => {
                    (FindingKind::UseUnfinished, "the gate took this use, and nothing says how it ended".to_owned())
                }
            };
            let (file, index, offset) = (entry.file().to_owned(), Some(found.index), entry.offset() + 160);
            let finding = ledger::Finding { kind, file, index, offset, field: "body", detail };
            options.found.iter().for_each(|listener| listener(&finding));
            report.findings.push(finding);
        }
        report.findings_dropped = audit.total - report.findings.len() as u64;
    }
    Ok((report, Some(audit)))
}
