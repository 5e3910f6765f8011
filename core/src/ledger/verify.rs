//! Full verification of a ledger directory: every entry, every checkpoint, every signature; every finding, not the first.
//!
//! It takes no lock and disturbs no writer: what is durable is read first, bytes after it are not judged. The
//! entries are streamed, so memory does not grow with the ledger. What it can assure depends on what the caller brings:
//! nothing, a trusted key of the operator, or an earlier checkpoint of his own.

mod log;
mod order;
mod report;
mod roots;
mod run;
mod scan;
mod segment;
mod source;
mod summary;

use std::path::Path;

use self::log::{Bounds, Cursor, Signed};
use self::order::Order;
use self::report::Findings;
pub use self::report::{Assurance, Finding, FindingKind, Report};
use self::roots::Roots;
use self::run::Run;
use self::scan::Next;
use self::source::Source;
pub use self::summary::{Level, Summary};
use super::checkpoint::Checkpoint;
use super::entry::{Entry, EntryType};
use super::frames::Window;
use super::genesis::Genesis;
use super::note::{MAX_NOTE_LENGTH, Note, NoteKey};
use super::policy::Policy;
use super::store::{CHECKPOINT, Directory, GENESIS, LOG, NOT_FOUND, ReadFile, STATE};
use super::wal::{self, Watermark};
use crate::sign::VerifyingKey;
use crate::{Error, Result};

/// What the caller brings to a verification.
#[derive(Clone, Debug)]
pub struct VerifyOptions<'o> {
    /// An earlier checkpoint of this ledger as a signed note, kept since then by the caller.
    pub earlier_checkpoint: Option<&'o str>,
    /// Keys of the operator that the caller trusts; empty: the key that the ledger itself names is believed.
    pub trusted_keys: &'o [VerifyingKey],
    /// Further keys of the operator: every line of theirs on a checkpoint must verify, and the newest checkpoint must
    /// carry one of each.
    pub signers: &'o [NoteKey],
    /// Which witnesses must have cosigned the earlier checkpoint.
    pub witnesses: Option<&'o Witnessing<'o>>,
    /// How much is verified.
    pub level: Level,
    /// What earlier verifications, or other machines, have left of sealed segments: those are not read again.
    pub summaries: &'o [Summary],
    /// The most findings that the report lists.
    pub max_findings: usize,
    /// At most so many threads; 0 means every core.
    pub threads: usize,
}

/// A demand for cosignatures.
#[derive(Clone, Copy, Debug)]
pub struct Witnessing<'o> {
    /// Who must have cosigned.
    pub policy: &'o Policy,
    /// The time now, in seconds since 1970-01-01 UTC.
    pub now: u64,
    /// How old a cosignature may be, in seconds; `None`: however old.
    pub max_age: Option<u64>,
}

impl Default for VerifyOptions<'_> {
    fn default() -> Self {
        VerifyOptions {
            earlier_checkpoint: None,
            trusted_keys: &[],
            signers: &[],
            witnesses: None,
            level: Level::Signatures,
            summaries: &[],
            max_findings: 1000,
            threads: 0,
        }
    }
}

/// Verifies one sealed segment by itself; `None` when something is wrong with it, which [`verify`] then says.
///
/// Its summary joins those of its neighbours; [`verify`] takes them in place of the segments.
///
/// # Errors
/// `InvalidArgument` when the directory holds no ledger, `LedgerCorrupt` when its genesis is damaged, `LedgerIo` when a
/// file cannot be read.
pub fn verify_segment(path: &Path, number: u64, level: Level) -> Result<Option<Summary>> {
    let directory = Directory::open(path)?;
    let body = directory.read(GENESIS, super::MAX_BODY_LENGTH, "read genesis")?;
    let genesis = Genesis::decode(&body)
        .map_err(|_| Error::LedgerCorrupt { offset: 0, reason: "the file `genesis` is damaged" })?;
    Ok(match segment::Context::new(&directory, &genesis, level)?.look(number)? {
        segment::Look::Clean(summary, None) => Some(*summary),
        _ => None,
    })
}

/// The number of sealed segments of the ledger in this directory.
///
/// # Errors
/// `InvalidArgument` when the directory holds no ledger, `LedgerIo` when it cannot be read.
pub fn sealed_segments(path: &Path) -> Result<u64> {
    Ok(Directory::open(path)?.wal_numbers()?.last().copied().unwrap_or(0))
}

/// Verifies the ledger in this directory.
///
/// # Inputs
/// `progress(done, total)`: entries; called about ten times a second and at the end. Its error ends the verification.
///
/// # Errors
/// `InvalidArgument` when the directory holds no ledger; `InvalidEncoding` when the earlier checkpoint does not parse;
/// `LedgerIo` when a file cannot be read. What is wrong with the ledger is no error but in the report.
pub fn verify(
    path: &Path,
    options: &VerifyOptions<'_>,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<Report> {
    let mut findings = Findings::new(options.max_findings);
    let earlier = options.earlier_checkpoint.map(Earlier::parse).transpose()?;
    let directory = Directory::any(path)?;
    // The order matters while a writer runs: what is durable, what is released, the entries, the log.
    let watermark =
        read(&directory, STATE, wal::STATE, "read state", &mut findings)?.map(|state| Watermark::newest(&state));
    let released = read(&directory, CHECKPOINT, MAX_NOTE_LENGTH, "read checkpoint", &mut findings)?;
    let genesis_file = read(&directory, GENESIS, super::MAX_BODY_LENGTH, "read genesis", &mut findings)?;
    let in_file = genesis_file.as_deref().and_then(|body| Genesis::decode(body).ok());
    let source = Source::open(&directory, in_file.as_ref(), &mut findings)?;
    let log = match options.level {
        Level::Tree => None,
        _ => open(&directory, LOG, "read checkpoints.log", &mut findings)?,
    };
    let log_length = log.as_ref().map_or(Ok(0), ReadFile::length)?;
    findings.pieces = source.pieces.clone();
    let Some(genesis) = choose_genesis(genesis_file.as_deref(), &source, &mut findings)? else {
        return Ok(blind(findings));
    };
    let key = NoteKey::new(genesis.origin(), *genesis.ledger_key())?;
    let keys: Vec<&NoteKey> = core::iter::once(&key).chain(options.signers).collect();
    let trusted = options.trusted_keys.contains(genesis.ledger_key());
    if !options.trusted_keys.is_empty() && !trusted {
        let detail = format!("the genesis names {}, which is none of the trusted keys", key.to_vkey());
        findings.push(finding(FindingKind::UntrustedLedgerKey, GENESIS, None, "ledger_key", detail));
    }
    let released_size = released.as_deref().and_then(|note| Some(Checkpoint::open(note, &key).ok()?.size));
    let durable = watermark.as_ref().and_then(|found| found.as_ref().map(|(watermark, _)| *watermark));
    let bounds = Bounds {
        length: log_length,
        released: released.as_deref(),
        size: durable.as_ref().map_or(u64::MAX, |durable| durable.size.max(released_size.unwrap_or(0))),
        threads: options.threads,
        every: options.level > Level::Tree,
    };
    let mut checkpoints = self::log::read(log.as_ref(), &bounds, &source.notes, &keys, &mut findings)?;
    let newest = checkpoints.newest.as_ref().map(|(signed, _)| signed.clone());
    judge_state(&directory, watermark.is_some(), durable.as_ref(), released_size, newest.as_ref(), &mut findings)?;
    let mut run = Run {
        genesis: &genesis,
        options,
        // Without any checkpoint every entry is judged, and no root.
        order: Order::new(&genesis, newest.as_ref().map_or(u64::MAX, |newest| newest.size))?,
        roots: Roots {
            cursor: Cursor::new(log.as_ref(), log_length, &mut checkpoints, genesis.origin())?,
            next: None,
            released: newest.clone(),
            earlier: earlier.as_ref().map(|earlier| earlier.checkpoint.clone()),
            durable,
            extends: false,
            good: 0,
            root: None,
            mismatches: 0,
            late: Vec::new(),
        },
        signatures: 0,
        bytes: 0,
        summary: None,
    };
    run.roots.next = run.roots.cursor.next()?;
    run.entries(&source, newest.as_ref(), &mut findings, progress)?;
    for late in core::mem::take(&mut run.roots.late) {
        findings.push(late);
    }
    source.judge_records(run.bytes, &mut findings);
    if let Some((newest, note)) = &checkpoints.newest {
        judge_signers(&keys, newest, note, &mut findings);
    }
    let mut cosigned = None;
    if let Some(earlier) = &earlier {
        earlier.judge(&keys, newest.as_ref(), &mut findings);
        cosigned = options.witnesses.map(|demand| earlier.judge_witnesses(demand, &mut findings));
    } else if options.witnesses.is_some() {
        let reason = "cosignatures stand on a checkpoint: give the cosigned one as the earlier checkpoint";
        return Err(Error::InvalidArgument { field: "witnesses", reason });
    }
    let assurance = match () {
        () if !findings.is_empty() || newest.is_none() => Assurance::Inconsistent,
        () if run.roots.extends && cosigned.is_some_and(|cosigned| cosigned > 0) => Assurance::CosignedByWitnesses,
        () if run.roots.extends => Assurance::ExtendsEarlierCheckpoint,
        () if trusted => Assurance::MatchesOperatorCheckpoint,
        () => Assurance::InternallyConsistent,
    };
    Ok(Report {
        origin: Some(genesis.origin().to_owned()),
        id: Some(genesis.id()?),
        hash: Some(genesis.hash()),
        size: newest.as_ref().map_or(0, |newest| newest.size),
        root: run.roots.root,
        checkpoint: checkpoints.newest.map(|(_, note)| note),
        entries: run.order.counts,
        signatures_checked: run.signatures,
        checkpoints_checked: checkpoints.checked,
        bytes: run.bytes,
        unacknowledged_bytes: source.after(run.bytes),
        findings: findings.list,
        findings_dropped: findings.dropped,
        assurance,
        level: options.level,
        summary: run.summary,
    })
}

/// The newest checkpoint carries a line of every signer that is demanded; that the lines verify has been checked.
fn judge_signers(keys: &[&NoteKey], newest: &Signed, note: &str, findings: &mut Findings) {
    let Ok(note) = Note::parse(note.as_bytes()) else { return };
    for key in &keys[1..] {
        if note.verify(&[key]).is_err() {
            let detail = format!("the newest checkpoint carries no signature of {}", key.to_vkey());
            let kind = FindingKind::SignerMissing;
            findings.push(Finding {
                offset: newest.offset,
                ..finding(kind, &newest.file, Some(newest.size), "signature", detail)
            });
        }
    }
}

/// The watermark says at least what is released, and at most what there is.
fn judge_state(
    directory: &Directory,
    present: bool,
    durable: Option<&Watermark>,
    released: Option<u64>,
    newest: Option<&Signed>,
    findings: &mut Findings,
) -> Result<()> {
    if !present {
        return Ok(());
    }
    let Some(durable) = durable else {
        let detail = "neither of its two slots can be read".to_owned();
        findings.push(finding(FindingKind::StateWrong, STATE, None, "slot", detail));
        return Ok(());
    };
    let now = directory.read(STATE, wal::STATE, "read state")?;
    let now = Watermark::newest(&now).map_or(durable.size, |(now, _)| now.size);
    if released.is_some_and(|released| now < released) {
        let detail = format!("{now} entries are durable, but more are released");
        findings.push(finding(FindingKind::StateWrong, STATE, Some(now), "size", detail));
    }
    let newest = newest.map_or(0, |newest| newest.size);
    if durable.size > newest {
        let size = durable.size;
        let detail =
            format!("{size} entries were durable, the newest checkpoint covers {newest}: put back to older files");
        findings.push(finding(FindingKind::RolledBack, STATE, Some(size), "size", detail));
    }
    Ok(())
}

/// The report when not even a genesis can be read.
fn blind(findings: Findings) -> Report {
    Report {
        origin: None,
        id: None,
        hash: None,
        size: 0,
        root: None,
        checkpoint: None,
        entries: [0; EntryType::ALL.len()],
        signatures_checked: 0,
        checkpoints_checked: 0,
        bytes: 0,
        unacknowledged_bytes: 0,
        findings: findings.list,
        findings_dropped: findings.dropped,
        assurance: Assurance::Inconsistent,
        level: Level::Tree,
        summary: None,
    }
}

fn finding(kind: FindingKind, file: &str, index: Option<u64>, field: &'static str, detail: String) -> Finding {
    Finding { kind, file: file.to_owned(), index, offset: 0, field, detail }
}

fn missing(file: &str, findings: &mut Findings) {
    findings.push(finding(FindingKind::MissingFile, file, None, "file", format!("the file `{file}` is not there")));
}

fn open(
    directory: &Directory,
    name: &'static str,
    operation: &'static str,
    findings: &mut Findings,
) -> Result<Option<ReadFile>> {
    match directory.open_read(name, operation) {
        Ok(file) => Ok(Some(file)),
        Err(Error::LedgerIo { os_code: NOT_FOUND, .. }) => {
            missing(name, findings);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn read(
    directory: &Directory,
    name: &'static str,
    limit: usize,
    operation: &'static str,
    findings: &mut Findings,
) -> Result<Option<Vec<u8>>> {
    match directory.read(name, limit, operation) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(Error::LedgerIo { os_code: NOT_FOUND, .. }) => {
            missing(name, findings);
            Ok(None)
        }
        // Longer than any that is right: what is there of it cannot be right either.
        Err(Error::LedgerCorrupt { .. }) => Ok(Some(Vec::new())),
        Err(error) => Err(error),
    }
}

/// The genesis is kept twice: entry 0 is signed, so it is believed when its signature is right; else the file.
fn choose_genesis(file: Option<&[u8]>, entries: &Source<'_>, findings: &mut Findings) -> Result<Option<Genesis>> {
    let in_file = file.map(Genesis::decode);
    if let Some(Err(error)) = &in_file {
        let detail = format!("the file does not hold a genesis: {error}");
        findings.push(finding(FindingKind::GenesisUnreadable, GENESIS, None, "genesis", detail));
    }
    let first = entry_zero(entries)?;
    if let (Some(Ok(in_file)), Some(first)) = (&in_file, &first)
        && in_file != first
    {
        let detail = "the file and entry 0 hold different parameters; entry 0 is signed".to_owned();
        findings.push(finding(FindingKind::GenesisMismatch, GENESIS, None, "genesis", detail));
    }
    Ok(first.or(in_file.and_then(Result::ok)))
}

/// The genesis in entry 0, when it is signed by the key that it names.
fn entry_zero(entries: &Source<'_>) -> Result<Option<Genesis>> {
    let window = Window::new(entries, 0, entries.length())?;
    let Next::Entries(frames, _) = scan::next(window.bytes(), window.is_last()) else { return Ok(None) };
    let Some(frame) = frames.first() else { return Ok(None) };
    let Ok(entry) = Entry::parse(&window.bytes()[frame.clone()]) else { return Ok(None) };
    let signed = |genesis: &Genesis| {
        entry.kind() == EntryType::Genesis
            && entry.check_statement(genesis.hash()).is_ok()
            && entry.check_signature(genesis.ledger_key()).is_ok()
    };
    Ok(Genesis::decode(entry.body()).ok().filter(signed))
}

const EARLIER: &str = "earlier checkpoint";

/// The caller's earlier checkpoint.
struct Earlier {
    checkpoint: Checkpoint,
    note: String,
}

impl Earlier {
    fn parse(note: &str) -> Result<Self> {
        let checkpoint = Checkpoint::parse(Note::parse(note.as_bytes())?.text())?;
        Ok(Earlier { checkpoint, note: note.to_owned() })
    }

    /// How many cosignatures count; a finding when they are no quorum.
    fn judge_witnesses(&self, demand: &Witnessing<'_>, findings: &mut Findings) -> usize {
        let Ok(note) = Note::parse(self.note.as_bytes()) else { return 0 };
        let witnessed = demand.policy.judge(&note, demand.now, demand.max_age);
        if !witnessed.quorum {
            let names = |list: &[(usize, u64)]| {
                let names = list.iter().map(|(at, _)| demand.policy.witnesses()[*at].name.as_str());
                names.collect::<Vec<_>>().join(", ")
            };
            let detail = format!(
                "its cosignatures are no quorum of the policy: these count: [{}]; these are too old or of the future: [{}]",
                names(&witnessed.counted),
                names(&witnessed.untimely)
            );
            findings.push(finding(
                FindingKind::QuorumMissing,
                EARLIER,
                Some(self.checkpoint.size),
                "signature",
                detail,
            ));
        }
        witnessed.counted.len()
    }

    fn judge(&self, keys: &[&NoteKey], newest: Option<&Signed>, findings: &mut Findings) {
        const FILE: &str = EARLIER;
        let key = keys[0];
        let size = Some(self.checkpoint.size);
        if self.checkpoint.origin != key.name() {
            let detail = format!("names {:?}, this ledger is {:?}", self.checkpoint.origin, key.name());
            findings.push(finding(FindingKind::EarlierOriginWrong, FILE, size, "origin", detail));
        } else if !log::is_signed(self.note.as_bytes(), keys) {
            let detail = "the key of this ledger did not sign it: another ledger, or another key".to_owned();
            findings.push(finding(FindingKind::EarlierSignatureInvalid, FILE, size, "signature", detail));
        }
        let now = newest.map_or(0, |newest| newest.size);
        if now < self.checkpoint.size {
            let detail = format!("it covers {} entries, this ledger has {now}", self.checkpoint.size);
            findings.push(finding(FindingKind::TruncatedSinceEarlier, FILE, size, "size", detail));
        }
    }
}
