//! Opening after a crash: what is kept, what is cut, when to refuse.
//!
//! The order of a commit is: record (entries and checkpoint) into the log of entries, sync, `state`, sync, then
//! `checkpoints.log` and `checkpoint`, acknowledge. So the log of entries reaches at least as far as `state` and
//! `checkpoint` say, and the other two files follow from it. What is beyond `state` was never acknowledged: whole records
//! are kept, a torn end is cut. Everything else that is missing or damaged is refused with its offset, and not touched.

use super::checkpoint::Checkpoint;
use super::frames::{self, PREFIX};
use super::note::NoteKey;
use super::seal;
use super::store::{self, AppendFile, LOG_OPERATIONS, STATE_OPERATIONS, WAL_OPERATIONS};
use super::view::View;
use super::wal::{self, Record, Watermark};
use crate::{Error, Result};

/// What opening had to repair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Bytes cut from the end of the log of entries, of entries that were never acknowledged.
    pub entries_cut: u64,
    /// Bytes cut from the end of `checkpoints.log`, which the log of entries holds.
    pub log_cut: u64,
    /// Whether a checkpoint that was signed and durable but not released has been released now.
    pub checkpoint_completed: bool,
}

/// The files of the writer.
pub(super) struct Files {
    pub(super) wal: AppendFile,
    pub(super) log: AppendFile,
    pub(super) state: StateFile,
    /// The newest note, and where its frame starts in `checkpoints.log`.
    pub(super) note: String,
    pub(super) note_at: u64,
}

/// The file `state`, and which of its slots holds the newest watermark.
pub(super) struct StateFile {
    file: AppendFile,
    slot: usize,
}

impl StateFile {
    pub(super) fn careless(&mut self) {
        self.file.careless = true;
    }

    /// Makes a newer watermark durable in the other slot.
    pub(super) fn write(&mut self, watermark: &Watermark) -> Result<()> {
        let slot = 1 - self.slot;
        self.file.overwrite((slot * wal::SLOT) as u64, &watermark.encode())?;
        self.slot = slot;
        Ok(())
    }
}

fn corrupt(offset: u64, reason: &'static str) -> Error {
    Error::LedgerCorrupt { offset, reason }
}

/// The checkpoint of a whole record, which the ledger's key must have signed for these entries.
pub(super) fn checkpoint_of(record: &Record, bytes: &[u8], at: u64, key: &NoteKey) -> Result<(Checkpoint, String)> {
    let note = &bytes[wal::RECORD + record.entries..];
    let at = at + (wal::RECORD + record.entries) as u64;
    let checkpoint = Checkpoint::open(note, key)
        .map_err(|_| corrupt(at, "a record's checkpoint is not signed by the ledger's key"))?;
    if checkpoint.size != record.first + u64::from(record.count) || checkpoint.origin != key.name() {
        return Err(corrupt(at, "a record's checkpoint is not that of its entries"));
    }
    let note = core::str::from_utf8(note).map_err(|_| Error::Internal { reason: "a parsed note is UTF-8" })?;
    Ok((checkpoint, note.to_owned()))
}

/// What the log of entries holds.
struct Replayed {
    /// The frames that `checkpoints.log` must hold from `log_start` on.
    log: Vec<u8>,
    log_start: u64,
    note: String,
    note_at: u64,
    size: u64,
    /// Where the first record beyond the watermark starts.
    beyond: Option<u64>,
}

pub(super) fn open(view: &mut View) -> Result<(Files, Recovery)> {
    let released = view.released()?;
    let state = view.directory.read(store::STATE, wal::STATE, "read state")?;
    let (watermark, slot) = Watermark::newest(&state).ok_or(corrupt(0, "the file `state` is damaged"))?;
    let replayed = replay(view, &watermark, released.as_ref().map(|(checkpoint, _)| checkpoint))?;
    let mut files = Files {
        wal: view.directory.open_append(&wal::name(view.wal_number), &WAL_OPERATIONS)?,
        log: view.directory.open_append(store::LOG, &LOG_OPERATIONS)?,
        state: StateFile { file: view.directory.open_append(store::STATE, &STATE_OPERATIONS)?, slot },
        note: replayed.note,
        note_at: replayed.note_at,
    };
    let good = match_log(&files.log, &replayed.log, replayed.log_start)?;
    let mut recovery = Recovery::default();
    if files.wal.length() > view.end {
        recovery.entries_cut = files.wal.length() - view.end;
        files.wal.truncate(view.end)?;
        files.wal.sync()?;
    }
    if let Some(start) = replayed.beyond {
        // Durable, but not known to be: its sync may have failed, and a failed sync cannot be repeated. Writing the same
        // bytes again makes them new to the system.
        files.wal.rewrite_from(start)?;
        let root = view.root_at(replayed.size)?;
        files.state.write(&Watermark { size: replayed.size, root, wal: view.wal_number, end: view.end })?;
        recovery.checkpoint_completed = true;
    }
    let matched = good - replayed.log_start;
    if files.log.length() > good {
        recovery.log_cut = files.log.length() - good;
        files.log.truncate(good)?;
    }
    let missing = &replayed.log[usize::try_from(matched).map_err(|_| corrupt(0, "checkpoints.log is too long"))?..];
    if !missing.is_empty() || recovery.log_cut > 0 {
        files.log.append(missing)?;
        files.log.sync()?;
    }
    if released.is_none_or(|(_, note)| note != files.note) {
        view.directory.replace_checkpoint(files.note.as_bytes())?;
        recovery.checkpoint_completed = true;
    }
    for old in view.directory.wal_numbers()?.into_iter().filter(|number| *number < view.wal_number) {
        view.directory.remove(&wal::name(old))?;
    }
    seal::seal(view, &mut files)?;
    Ok((files, recovery))
}

/// Takes every whole record, and judges where they end.
fn replay(view: &mut View, watermark: &Watermark, released: Option<&Checkpoint>) -> Result<Replayed> {
    let floor = watermark.size.max(released.map_or(0, |checkpoint| checkpoint.size));
    let mut replayed: Option<Replayed> = None;
    let mut released_is_known = released.is_none();
    while let Some((record, bytes)) = view.next_record()? {
        let start = view.end;
        let (checkpoint, note) = checkpoint_of(&record, &bytes, start, &view.note_key)?;
        view.take(&record, &bytes)?;
        if view.root_at(checkpoint.size)? != checkpoint.root {
            return Err(Error::RootMismatch { tree_size: checkpoint.size });
        }
        released_is_known |= released == Some(&checkpoint);
        let now = replayed.get_or_insert_with(|| Replayed {
            log: Vec::new(),
            log_start: record.log,
            note: String::new(),
            note_at: 0,
            size: 0,
            beyond: None,
        });
        if record.log != now.log_start + now.log.len() as u64 {
            return Err(corrupt(start, "a record names another place in checkpoints.log than its own"));
        }
        (now.note_at, now.size) = (record.log, checkpoint.size);
        frames::push(&mut now.log, note.as_bytes());
        now.note = note;
        if checkpoint.size > watermark.size && now.beyond.is_none() {
            now.beyond = Some(start);
        }
    }
    let Some(replayed) = replayed.filter(|replayed| replayed.size >= floor) else {
        let reason = "the log of entries ends or is damaged before what is known to be durable";
        return Err(corrupt(view.end, reason));
    };
    if watermark.size < view.sealed_size() || view.root_at(watermark.size)? != watermark.root {
        return Err(corrupt(0, "the file `state` is of another history than the entries"));
    }
    if !released_is_known {
        return Err(corrupt(0, "the file `checkpoint` is not among the checkpoints of the log of entries"));
    }
    Ok(replayed)
}

/// Where `checkpoints.log` ends to be what the log of entries says: everywhere, or where a crash cut it short or left
/// zeros.
fn match_log(log: &AppendFile, expected: &[u8], start: u64) -> Result<u64> {
    if log.length() < start {
        return Err(corrupt(log.length(), "checkpoints.log ends before the log of entries begins"));
    }
    // One more frame than expected is the most that a crash can leave.
    let limit = expected.len() + 2 * (PREFIX + super::MAX_NOTE_LENGTH);
    let length = usize::try_from(log.length() - start).ok().filter(|length| *length <= limit);
    let mut found = vec![0; length.ok_or(corrupt(start, "checkpoints.log holds more than the log of entries"))?];
    log.reader()?.read_exact(start, &mut found)?;
    let same = found.iter().zip(expected).take_while(|(a, b)| a == b).count();
    if found[same..].iter().any(|byte| *byte != 0) {
        return Err(corrupt(start + same as u64, "checkpoints.log holds other checkpoints than the log of entries"));
    }
    Ok(start + same as u64)
}
