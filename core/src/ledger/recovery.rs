//! Opening after a crash: what is kept, what is cut, when to refuse.
//!
//! The order of a commit is: entries, sync, checkpoints.log, sync, checkpoint (rename), acknowledge. So entries always
//! cover every checkpoint in the log, and the log always holds the released one. A tail that no signed checkpoint covers
//! was never acknowledged and is cut. Everything else that is missing or damaged is refused with its offset.

use super::checkpoint::Checkpoint;
use super::frames::{PREFIX, Window, frame};
use super::note::{Note, NoteKey};
use super::reader::View;
use super::store::{self, AppendFile, ENTRIES_OPERATIONS, LOG_OPERATIONS, ReadFile};
use crate::{Error, Result};

/// What opening had to repair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Bytes cut from the end of `entries`, of entries that were never acknowledged.
    pub entries_cut: u64,
    /// Bytes cut from the end of `checkpoints.log`.
    pub log_cut: u64,
    /// Whether a checkpoint that was signed and logged but not released has been released now.
    pub checkpoint_completed: bool,
}

/// The files of the writer, in a state from which it may go on.
pub(super) struct Opened {
    pub(super) view: View,
    pub(super) entries: AppendFile,
    pub(super) log: AppendFile,
    pub(super) note: String,
    pub(super) recovery: Recovery,
}

/// The end of the good part of the log.
struct LogEnd {
    newest: Checkpoint,
    note: String,
    /// Where the frame of the newest note starts.
    start: u64,
    /// Where it ends.
    end: u64,
}

pub(super) fn open(mut view: View) -> Result<Opened> {
    let (released, note) = view.released()?;
    let mut entries = view.directory.open_append(store::ENTRIES, &ENTRIES_OPERATIONS)?;
    let mut log = view.directory.open_append(store::LOG, &LOG_OPERATIONS)?;
    let end = read_log(&log.reader()?, log.length(), &released, &view.note_key)?;
    view.extend(&released)?;
    let released_end = view.index.end();
    view.extend(&end.newest)?;
    let mut recovery = Recovery::default();
    if entries.length() > view.index.end() {
        recovery.entries_cut = entries.length() - view.index.end();
        entries.truncate(view.index.end())?;
        entries.sync()?;
    }
    if log.length() > end.end {
        recovery.log_cut = log.length() - end.end;
        log.truncate(end.end)?;
        log.sync()?;
    }
    let mut newest_note = note;
    if end.newest.size > released.size {
        // Signed but not released: its syncs may have failed, and a failed sync cannot be repeated. Writing the same
        // bytes again makes them new to the system.
        entries.rewrite_from(released_end)?;
        log.rewrite_from(end.start)?;
        view.directory.replace_checkpoint(end.note.as_bytes())?;
        newest_note = end.note;
        recovery.checkpoint_completed = true;
    }
    Ok(Opened { view, entries, log, note: newest_note, recovery })
}

fn read_log(file: &ReadFile, length: u64, released: &Checkpoint, key: &NoteKey) -> Result<LogEnd> {
    let mut window = Window::new(file, 0, length)?;
    let mut last: Option<LogEnd> = None;
    let mut released_found = false;
    loop {
        let offset = window.offset();
        let size = last.as_ref().map(|last| last.newest.size);
        let Some((checkpoint, note)) = frame(window.bytes()).and_then(|frame| next_note(frame, size, released, key))
        else {
            break;
        };
        if checkpoint.size == released.size {
            if checkpoint.root != released.root {
                return Err(Error::LedgerCorrupt {
                    offset,
                    reason: "checkpoints.log holds another checkpoint of the newest size",
                });
            }
            released_found = true;
        }
        let length = PREFIX + note.len();
        window.advance(length)?;
        last = Some(LogEnd { newest: checkpoint, note, start: offset, end: offset + length as u64 });
    }
    let offset = window.offset();
    match last {
        Some(end) if released_found && is_torn(&window)? => Ok(end),
        Some(_) if released_found => {
            Err(Error::LedgerCorrupt { offset, reason: "checkpoints.log is damaged before its end" })
        }
        _ => Err(Error::LedgerCorrupt {
            offset,
            reason: "checkpoints.log ends or is damaged before the newest checkpoint",
        }),
    }
}

/// The next note of the log, when it is one: it parses, grows, and, beyond the released one, is signed.
fn next_note(frame: &[u8], size: Option<u64>, released: &Checkpoint, key: &NoteKey) -> Option<(Checkpoint, String)> {
    let note = Note::parse(frame).ok()?;
    let checkpoint = Checkpoint::parse(note.text()).ok()?;
    if checkpoint.origin != released.origin || size.is_some_and(|size| checkpoint.size <= size) {
        return None;
    }
    if checkpoint.size > released.size {
        note.verify(&[key]).ok()?;
    }
    Some((checkpoint, core::str::from_utf8(frame).ok()?.to_owned()))
}

/// Whether the rest of the log can be what a crash left of one append: at most one frame that reaches or passes the end
/// of the file, or zeros that the file system put there.
fn is_torn(window: &Window<'_>) -> Result<bool> {
    let rest = window.bytes();
    let one = match rest.split_first_chunk::<PREFIX>() {
        None => true,
        Some((prefix, payload)) => payload.len() <= usize::from(u16::from_be_bytes(*prefix)),
    };
    Ok(one || (rest.len() <= PREFIX + super::MAX_NOTE_LENGTH && rest.iter().all(|byte| *byte == 0)))
}
