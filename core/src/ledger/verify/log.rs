//! `checkpoints.log`, the file `checkpoint` and the notes in the log of entries: which there are, and which of them the
//! ledger's key signed.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::super::checkpoint::Checkpoint;
use super::super::frames::{PREFIX, ReadAt, Window, frame};
use super::super::merkle::Hash;
use super::super::note::{Note, NoteKey};
use super::super::store::{CHECKPOINT, LOG, ReadFile};
use super::report::{Finding, FindingKind, Findings};
use super::source::WalNote;
use crate::{Result, cpu};

/// A checkpoint whose signature verifies.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) size: u64,
    pub(super) root: Hash,
    pub(super) file: Arc<str>,
    pub(super) offset: u64,
}

/// A note on its way: where its frame starts, and what could be read of it.
struct Parsed {
    offset: u64,
    text: Vec<u8>,
    checkpoint: Option<Checkpoint>,
    /// Whether `key` signed it; set when it has been checked.
    signed: bool,
}

/// What the checkpoints say, before any entry is looked at.
pub(super) struct Checkpoints {
    /// The one with the most entries, and its note.
    pub(super) newest: Option<(Signed, String)>,
    /// Offsets of frames in the log that do not count.
    pub(super) bad: BTreeSet<u64>,
    /// Those that stand in the log of entries only.
    pub(super) unlogged: VecDeque<Signed>,
    /// The most entries that a signed one covers which is not judged, being larger than the bound.
    pub(super) ahead: u64,
    pub(super) checked: u64,
}

fn finding(
    kind: FindingKind,
    file: &str,
    size: Option<u64>,
    offset: u64,
    field: &'static str,
    detail: String,
) -> Finding {
    Finding { kind, file: file.to_owned(), index: size, offset, field, detail }
}

/// Reads one note: its checkpoint when it parses, else the offset of what does not, and why.
fn parse(bytes: &[u8]) -> core::result::Result<Checkpoint, (u64, &'static str)> {
    let reason = |error| match error {
        crate::Error::InvalidEncoding { offset, reason, .. } => (offset as u64, reason),
        _ => (0, "cannot be read"),
    };
    let note = Note::parse(bytes).map_err(reason)?;
    Checkpoint::parse(note.text()).map_err(reason)
}

/// Whether the first of these keys, the ledger's, signed the note, and no line of any of them fails.
pub(super) fn is_signed(bytes: &[u8], keys: &[&NoteKey]) -> bool {
    Note::parse(bytes).is_ok_and(|note| note.verify(keys).is_ok_and(|signed| signed.first() == Some(&0)))
}

/// Judges one parsed note that stands by itself; `None` when it does not count.
pub(super) fn judge(
    file: &str,
    offset: u64,
    text: &[u8],
    keys: &[&NoteKey],
    findings: &mut Findings<'_>,
) -> Option<(Signed, String)> {
    match parse(text) {
        Err((at, reason)) => {
            findings.push(finding(FindingKind::CheckpointUnreadable, file, None, offset + at, "note", reason.into()));
            None
        }
        Ok(checkpoint) => judge_parsed(file, offset, text, &checkpoint, is_signed(text, keys), keys, findings),
    }
}

fn judge_parsed(
    file: &str,
    offset: u64,
    text: &[u8],
    checkpoint: &Checkpoint,
    signed: bool,
    keys: &[&NoteKey],
    findings: &mut Findings<'_>,
) -> Option<(Signed, String)> {
    let (size, key) = (Some(checkpoint.size), keys[0]);
    if checkpoint.origin != key.name() {
        let detail = format!("names {:?}, the ledger is {:?}", checkpoint.origin, key.name());
        findings.push(finding(FindingKind::CheckpointOriginWrong, file, size, offset, "origin", detail));
        return None;
    }
    if !signed {
        let detail = "the ledger's key did not sign this checkpoint".to_owned();
        findings.push(finding(FindingKind::CheckpointSignatureInvalid, file, size, offset, "signature", detail));
        return None;
    }
    let text = String::from_utf8_lossy(text).into_owned();
    Some((Signed { size: checkpoint.size, root: checkpoint.root, file: file.into(), offset }, text))
}

/// What bounds the judgement of the log, so that a writer may run meanwhile.
pub(super) struct Bounds<'b> {
    /// The length of the log.
    pub(super) length: u64,
    /// The file `checkpoint`.
    pub(super) released: Option<&'b [u8]>,
    /// Larger checkpoints are not judged.
    pub(super) size: u64,
    pub(super) threads: usize,
    /// Whether every note is judged, or the newest only.
    pub(super) every: bool,
}

/// Reads the log once: every note parsed and its signature checked, on many threads. Notes of the log of entries that are
/// not in it yet count as well.
pub(super) fn read(
    file: Option<&ReadFile>,
    bounds: &Bounds<'_>,
    wal_notes: &[WalNote],
    keys: &[&NoteKey],
    findings: &mut Findings<'_>,
) -> Result<Checkpoints> {
    let mut result =
        Checkpoints { newest: None, bad: BTreeSet::new(), unlogged: VecDeque::new(), ahead: 0, checked: 0 };
    let released = bounds.released.and_then(|text| judge(CHECKPOINT, 0, text, keys, findings));
    result.checked += u64::from(released.is_some());
    result.newest = released.clone();
    let mut seen = Seen { released_text: released.as_ref().map(|(_, text)| text.as_bytes()), ..Seen::default() };
    if let Some(file) = file {
        read_log(file, bounds, keys, findings, &mut result, &mut seen)?;
    }
    for note in wal_notes {
        let size = note.checkpoint.as_ref().map(|checkpoint| checkpoint.size);
        if size.is_none_or(|size| size <= seen.last_size) {
            // An older one, or none: what stands here must stand there.
            let mut frame = vec![0; PREFIX + note.text.len()];
            let read = file.map_or(Ok(0), |file| file.read(note.log, &mut frame))?;
            let same = read == frame.len() && frame[PREFIX..] == note.text;
            if !same && seen.last_size > 0 && bounds.every {
                let detail =
                    "the note of this record does not stand in checkpoints.log where the record says".to_owned();
                let kind = FindingKind::CheckpointNotLogged;
                findings.push(finding(kind, &note.file, size, note.offset, "note", detail));
            }
        } else if let Some(checkpoint) = &note.checkpoint
            && checkpoint.size <= bounds.size
            && let signed = is_signed(&note.text, keys)
            && let Some((signed, text)) =
                judge_parsed(&note.file, note.offset, &note.text, checkpoint, signed, keys, findings)
        {
            result.unlogged.push_back(signed.clone());
            seen.count(signed, text, &mut result);
        }
    }
    if result.unlogged.len() > 1 && bounds.every {
        let detail = format!(
            "the log of entries holds {} newer checkpoints: this log was cut, or the power failed and the ledger was not \
             opened since",
            result.unlogged.len()
        );
        findings.push(finding(FindingKind::CheckpointNotLogged, LOG, None, bounds.length, "note", detail));
    }
    if let Some((signed, _)) = &released
        && bounds.every
    {
        if !seen.found {
            let detail = "the released checkpoint does not stand in the log".to_owned();
            let kind = FindingKind::CheckpointNotLogged;
            findings.push(finding(kind, LOG, Some(signed.size), bounds.length, "note", detail));
        } else if seen.unreleased > 1 {
            let detail = format!(
                "the log holds {} newer checkpoints: the file was put back, or the power failed and the ledger was not \
                 opened since",
                seen.unreleased
            );
            findings.push(finding(FindingKind::CheckpointStale, CHECKPOINT, Some(signed.size), 0, "size", detail));
        }
    }
    Ok(result)
}

/// What has been met of the notes.
#[derive(Default)]
struct Seen<'t> {
    released_text: Option<&'t [u8]>,
    /// Whether the released one was among them.
    found: bool,
    /// How many came after it.
    unreleased: u64,
    last_size: u64,
}

impl Seen<'_> {
    /// Counts a note that is signed.
    fn count(&mut self, signed: Signed, text: String, result: &mut Checkpoints) {
        result.checked += 1;
        self.last_size = signed.size;
        self.unreleased += u64::from(self.found);
        self.found |= self.released_text == Some(text.as_bytes());
        if result.newest.as_ref().is_none_or(|(newest, _)| signed.size > newest.size) {
            result.newest = Some((signed, text));
        }
    }
}

fn read_log(
    file: &ReadFile,
    bounds: &Bounds<'_>,
    keys: &[&NoteKey],
    findings: &mut Findings<'_>,
    result: &mut Checkpoints,
    seen: &mut Seen<'_>,
) -> Result<()> {
    let mut window = Window::new(file, 0, bounds.length)?;
    while !window.bytes().is_empty() {
        let (mut notes, end) = cut(&window);
        if notes.is_empty() {
            // A frame that is no note: in the acknowledged part it is damage, at the very end it is in flight.
            let next = resync(window.bytes(), keys[0].name());
            if !(seen.found && next.is_none()) {
                let detail = "the log is damaged here: no checkpoint can be read".to_owned();
                findings.push(finding(FindingKind::CheckpointUnreadable, LOG, None, window.offset(), "length", detail));
            }
            match next {
                Some(next) => window.advance(next)?,
                None => break,
            }
            continue;
        }
        cpu::fill_chunks(&mut notes, bounds.threads, 2, |_, chunk| {
            for note in chunk {
                note.signed = note.checkpoint.is_some() && is_signed(&note.text, keys);
            }
        });
        window.advance(end)?;
        let at_end = window.bytes().is_empty();
        let count = notes.len();
        for (position, note) in notes.into_iter().enumerate() {
            let text_offset = note.offset + PREFIX as u64;
            let in_flight = seen.found && at_end && position + 1 == count;
            let signed = match &note.checkpoint {
                _ if in_flight && !note.signed => None,
                Some(checkpoint) if checkpoint.size > bounds.size && note.signed => {
                    result.ahead = result.ahead.max(checkpoint.size);
                    None
                }
                Some(checkpoint) => judge_parsed(LOG, text_offset, &note.text, checkpoint, note.signed, keys, findings),
                None => judge(LOG, text_offset, &note.text, keys, findings),
            };
            let Some((signed, text)) = signed else {
                result.bad.insert(note.offset);
                continue;
            };
            if signed.size <= seen.last_size {
                let last = seen.last_size;
                let detail = format!("covers {} entries, the one before covers {last}", signed.size);
                let kind = FindingKind::CheckpointOrderWrong;
                findings.push(finding(kind, LOG, Some(signed.size), text_offset, "size", detail));
            }
            seen.count(signed, text, result);
        }
    }
    Ok(())
}

/// The whole frames of the window that hold notes or stand before one that does; where they end.
fn cut(window: &Window<'_>) -> (Vec<Parsed>, usize) {
    let (mut notes, mut at) = (Vec::new(), 0);
    let bytes = window.bytes();
    while let Some(payload) = frame(&bytes[at..]) {
        let end = at + PREFIX + payload.len();
        let checkpoint = parse(payload).ok();
        // A frame that is no note is believed when something sensible follows it.
        if checkpoint.is_none() && !(end == bytes.len() || frame(&bytes[end..]).is_some_and(|next| parse(next).is_ok()))
        {
            break;
        }
        notes.push(Parsed { offset: window.offset() + at as u64, text: payload.to_vec(), checkpoint, signed: false });
        at = end;
    }
    (notes, at)
}

/// Where the next note starts: a frame whose text begins with the origin.
fn resync(bytes: &[u8], origin: &str) -> Option<usize> {
    (1..bytes.len()).find(|at| {
        frame(&bytes[*at..]).is_some_and(|payload| payload.starts_with(origin.as_bytes()) && parse(payload).is_ok())
    })
}

/// Goes over the counting notes of the log once more, to compare their roots as the tree grows.
pub(super) struct Cursor<'f> {
    window: Option<Window<'f>>,
    bad: BTreeSet<u64>,
    unlogged: VecDeque<Signed>,
    origin: String,
}

impl<'f> Cursor<'f> {
    pub(super) fn new(file: Option<&'f ReadFile>, length: u64, found: &mut Checkpoints, origin: &str) -> Result<Self> {
        let window = file.map(|file| Window::new(file as &dyn ReadAt, 0, length)).transpose()?;
        let (bad, unlogged) = (core::mem::take(&mut found.bad), core::mem::take(&mut found.unlogged));
        Ok(Cursor { window, bad, unlogged, origin: origin.to_owned() })
    }

    /// The next note that counts.
    pub(super) fn next(&mut self) -> Result<Option<Signed>> {
        let Some(window) = &mut self.window else { return Ok(self.unlogged.pop_front()) };
        loop {
            let offset = window.offset();
            let parsed = frame(window.bytes()).map(|payload| (PREFIX + payload.len(), parse(payload)));
            match parsed {
                Some((length, Ok(checkpoint))) => {
                    window.advance(length)?;
                    if !self.bad.contains(&offset) && checkpoint.origin == self.origin {
                        let offset = offset + PREFIX as u64;
                        return Ok(Some(Signed {
                            size: checkpoint.size,
                            root: checkpoint.root,
                            file: LOG.into(),
                            offset,
                        }));
                    }
                }
                Some((length, Err(_))) if self.bad.contains(&offset) => window.advance(length)?,
                _ => match resync(window.bytes(), &self.origin) {
                    Some(next) => window.advance(next)?,
                    None => return Ok(self.unlogged.pop_front()),
                },
            }
        }
    }
}
