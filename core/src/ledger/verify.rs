//! Full verification of a ledger directory: every entry, every checkpoint, every signature; every finding, not the first.
//!
//! It takes no lock and disturbs no writer: what is durable is read first, bytes after it are not judged. The
//! entries are streamed, so memory does not grow with the ledger. What it can assure depends on what the caller brings:
//! nothing, a trusted key of the operator, or an earlier checkpoint of his own.

mod log;
mod order;
mod queue;
mod replay;
mod report;
mod roots;
mod run;
mod scan;
mod segment;
mod source;
mod summary;

use core::fmt;

use self::log::{Bounds, Checkpoints, Cursor, Signed};
use self::order::Order;
pub use self::replay::{Replay, Take};
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
use super::objects::Location;
use super::policy::Policy;
use super::store::{CHECKPOINT, Directory, GENESIS, LOG, NOT_FOUND, ReadFile, STATE};
use super::wal::{self, Watermark};
use crate::sign::VerifyingKey;
use crate::{Backend, Error, Result, cpu};

/// What the caller brings to a verification.
#[derive(Clone)]
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
    /// What earlier verifications, or other machines, have left of sealed segments: those are not read again, but for
    /// level 4.
    pub summaries: &'o [Summary],
    /// What level 4 replays; only there.
    pub replay: Option<&'o dyn Replay>,
    /// The most findings that the report lists.
    pub max_findings: usize,
    /// Hears of each finding at once, on the thread that verifies. Where signatures take much longer than hashes, all
    /// hashes come before the first signature then, so that what was altered is known early.
    pub found: Option<&'o dyn Fn(&Finding)>,
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
            replay: None,
            max_findings: 1000,
            found: None,
            threads: 0,
        }
    }
}

impl fmt::Debug for VerifyOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyOptions")
            .field("earlier_checkpoint", &self.earlier_checkpoint)
            .field("trusted_keys", &self.trusted_keys)
            .field("level", &self.level)
            .field("summaries", &self.summaries.len())
            .field("replay", &self.replay)
            .field("max_findings", &self.max_findings)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

/// Verifies one sealed segment by itself; `None` when something is wrong with it, which [`verify`] then says.
///
/// Its summary joins those of its neighbours; [`verify`] takes them in place of the segments. What level 4 adds is not
/// in the segments, so that it is as level 3 here.
///
/// # Errors
/// `InvalidArgument` when there is no ledger, `LedgerCorrupt` when its genesis is damaged, `LedgerIo` when a file cannot
/// be read.
pub fn verify_segment<L: Into<Location>>(location: L, number: u64, level: Level) -> Result<Option<Summary>> {
    let directory = location.into().open()?;
    let body = directory.read(GENESIS, super::MAX_BODY_LENGTH, "read genesis")?;
    let genesis = Genesis::decode(&body)
        .map_err(|_| Error::LedgerCorrupt { offset: 0, reason: "the file `genesis` is damaged" })?;
    Ok(match segment::Context::new(&directory, &genesis, None)?.look(number, level)? {
        segment::Look::Clean(summary, None) => Some(*summary),
        _ => None,
    })
}

/// The number of sealed segments of the ledger in this directory.
///
/// # Errors
/// `InvalidArgument` when there is no ledger, `LedgerIo` when it cannot be read.
pub fn sealed_segments<L: Into<Location>>(location: L) -> Result<u64> {
    Ok(location.into().open()?.wal_numbers()?.last().copied().unwrap_or(0))
}

/// Called with (entries done, entries in all).
type Progress<'p> = dyn FnMut(u64, u64) -> Result<()> + 'p;

/// Verifies the ledger at this place.
///
/// # Inputs
/// `progress(done, total)`: entries; called about ten times a second and at the end. Its error ends the verification.
///
/// # Errors
/// `InvalidArgument` when there is no ledger, for a summary of another ledger, and for level 4 without what replays;
/// `InvalidEncoding` when the earlier checkpoint does not parse; `LedgerIo` when a file cannot be read. What is wrong
/// with the ledger is no error but in the report.
pub fn verify<L: Into<Location>>(
    location: L,
    options: &VerifyOptions<'_>,
    progress: &mut Progress<'_>,
) -> Result<Report> {
    if (options.level == Level::Authority) != options.replay.is_some() {
        let reason = "4 is what replays statements, and that needs it: `authority::verify` does both";
        return Err(Error::InvalidArgument { field: "level", reason });
    }
    let earlier = options.earlier_checkpoint.map(Earlier::parse).transpose()?;
    let location = location.into();
    let mut findings = Findings::new(options.max_findings, options.found);
    if options.found.is_some() && options.level >= Level::Signatures && cpu::sign_backend() < Backend::Ifma {
        let hashes = VerifyOptions { level: Level::Tree, replay: None, ..options.clone() };
        let directory = location.any()?;
        let first = pass(&directory, &hashes, earlier.as_ref(), &mut findings, &mut |_, total| progress(0, total))?;
        findings = findings.again(first.findings);
    }
    pass(&location.any()?, options, earlier.as_ref(), &mut findings, progress)
}

/// One pass over the ledger.
fn pass(
    directory: &Directory,
    options: &VerifyOptions<'_>,
    earlier: Option<&Earlier>,
    findings: &mut Findings<'_>,
    progress: &mut Progress<'_>,
) -> Result<Report> {
    // The order matters while a writer runs: what is durable, what is released, the entries, the log.
    let watermark = read(directory, STATE, wal::STATE, "read state", findings)?.map(|state| Watermark::newest(&state));
    let released = read(directory, CHECKPOINT, MAX_NOTE_LENGTH, "read checkpoint", findings)?;
    let genesis_file = read(directory, GENESIS, super::MAX_BODY_LENGTH, "read genesis", findings)?;
    let in_file = genesis_file.as_deref().and_then(|body| Genesis::decode(body).ok());
    let source = Source::open(directory, in_file.as_ref(), findings)?;
    let log = match options.level {
        Level::Structure | Level::Tree => None,
        _ => open(directory, LOG, "read checkpoints.log", findings)?,
    };
    let log_length = log.as_ref().map_or(Ok(0), ReadFile::length)?;
    findings.pieces = source.pieces.clone();
    let Some(genesis) = choose_genesis(genesis_file.as_deref(), &source, findings)? else {
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
    let mut checkpoints = self::log::read(log.as_ref(), &bounds, &source.notes, &keys, findings)?;
    let newest = checkpoints.newest.as_ref().map(|(signed, _)| signed.clone());
    judge_state(directory, watermark.is_some(), durable.as_ref(), released_size, &checkpoints, findings)?;
    let mut run = Run {
        genesis: &genesis,
        options,
        // Without any checkpoint every entry is judged, and no root.
        order: Order::new(&genesis, newest.as_ref().map_or(u64::MAX, |newest| newest.size))?,
        roots: Roots {
            cursor: Cursor::new(log.as_ref(), log_length, &mut checkpoints, genesis.origin())?,
            next: None,
            released: newest.clone(),
            earlier: earlier.map(|earlier| earlier.checkpoint.clone()),
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
    run.entries(&source, newest.as_ref(), findings, progress)?;
    for late in core::mem::take(&mut run.roots.late) {
        findings.push(late);
    }
    source.judge_records(run.bytes, findings);
    if let Some((newest, note)) = &checkpoints.newest {
        judge_signers(&keys, newest, note, findings);
    }
    let mut cosigned = None;
    if let Some(earlier) = earlier {
        earlier.judge(&keys, newest.as_ref(), findings);
        cosigned = options.witnesses.map(|demand| earlier.judge_witnesses(demand, findings));
    } else if options.witnesses.is_some() {
        let reason = "cosignatures stand on a checkpoint: give the cosigned one as the earlier checkpoint";
        return Err(Error::InvalidArgument { field: "witnesses", reason });
    }
    let assurance = match () {
        () if !findings.is_empty() || newest.is_none() => Assurance::Inconsistent,
        () if options.level == Level::Structure => Assurance::WellFormed,
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
        findings: core::mem::take(&mut findings.list),
        findings_dropped: findings.dropped,
        assurance,
        level: options.level,
        summary: run.summary,
    })
}

/// The newest checkpoint carries a line of every signer that is demanded; that the lines verify has been checked.
fn judge_signers(keys: &[&NoteKey], newest: &Signed, note: &str, findings: &mut Findings<'_>) {
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
    checkpoints: &Checkpoints,
    findings: &mut Findings<'_>,
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
    // A writer that runs makes a checkpoint durable in `state` before it stands in the log, which was read before `now`.
    let ahead = checkpoints.ahead;
    if ahead > now {
        let detail = format!(
            "checkpoints.log holds a signed checkpoint of {ahead} entries, {now} are durable: put back to older files"
        );
        findings.push(finding(FindingKind::RolledBack, STATE, Some(ahead), "size", detail));
    }
    let newest = checkpoints.newest.as_ref().map_or(0, |(newest, _)| newest.size);
    if durable.size > newest {
        let size = durable.size;
        let detail =
            format!("{size} entries were durable, the newest checkpoint covers {newest}: put back to older files");
        findings.push(finding(FindingKind::RolledBack, STATE, Some(size), "size", detail));
    }
    Ok(())
}

/// The report when not even a genesis can be read.
fn blind(findings: &mut Findings<'_>) -> Report {
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
        findings: core::mem::take(&mut findings.list),
        findings_dropped: findings.dropped,
        assurance: Assurance::Inconsistent,
        level: Level::Structure,
        summary: None,
    }
}

fn finding(kind: FindingKind, file: &str, index: Option<u64>, field: &'static str, detail: String) -> Finding {
    Finding { kind, file: file.to_owned(), index, offset: 0, field, detail }
}

fn missing(file: &str, findings: &mut Findings<'_>) {
    findings.push(finding(FindingKind::MissingFile, file, None, "file", format!("the file `{file}` is not there")));
}

fn open(
    directory: &Directory,
    name: &'static str,
    operation: &'static str,
    findings: &mut Findings<'_>,
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
    findings: &mut Findings<'_>,
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
fn choose_genesis(file: Option<&[u8]>, entries: &Source<'_>, findings: &mut Findings<'_>) -> Result<Option<Genesis>> {
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
    fn judge_witnesses(&self, demand: &Witnessing<'_>, findings: &mut Findings<'_>) -> usize {
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

    fn judge(&self, keys: &[&NoteKey], newest: Option<&Signed>, findings: &mut Findings<'_>) {
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
