//! The entries of a ledger as one stream, whatever files they stand in: segments first, then the log's records.
//!
//! Headers, ends and CRCs are judged here; where they are damaged, the entries are still found, so that a finding can name
//! what is wrong with them.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use super::super::checkpoint::Checkpoint;
use super::super::frames::{ReadAt, frames_end};
use super::super::genesis::Genesis;
use super::super::merkle::Hash;
use super::super::note::Note;
use super::super::segment::{self, End};
use super::super::store::{Directory, NOT_FOUND, ReadFile, WAL_OPERATIONS};
use super::super::wal::{self, Record};
use super::report::{Finding, FindingKind, Findings};
use crate::{Error, Result};

/// Bytes of entries that stand together in one file.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Where it stands in the stream.
    pub(super) at: u64,
    pub(super) file: Arc<str>,
    /// Where it stands in its file.
    pub(super) offset: u64,
    length: u64,
}

/// A checkpoint in the log of entries.
#[derive(Clone, Debug)]
pub(super) struct WalNote {
    pub(super) file: Arc<str>,
    pub(super) offset: u64,
    pub(super) text: Vec<u8>,
    /// Where its record says that it stands in `checkpoints.log`.
    pub(super) log: u64,
    pub(super) checkpoint: Option<Checkpoint>,
}

/// A record whose CRC or form is wrong.
struct BadRecord {
    /// Where its entries begin in the stream.
    at: u64,
    /// Its place in the file.
    place: Range<u64>,
    /// Whether even its lengths cannot be believed.
    lost: bool,
}

/// Bytes of checkpoints in the log that are kept in memory, at most; a writer's take a third of it.
const MAX_NOTES: usize = 64 << 20;

/// The stream.
pub(super) struct Source<'d> {
    pub(super) directory: &'d Directory,
    /// The number of sealed segments.
    pub(super) sealed: u64,
    pub(super) pieces: Arc<Vec<Piece>>,
    length: u64,
    wal: Option<ReadFile>,
    wal_name: Arc<str>,
    /// The segment that was read last.
    open: RefCell<Option<(Arc<str>, ReadFile)>>,
    pub(super) notes: Vec<WalNote>,
    bad: Vec<BadRecord>,
    /// Where the records of the log end: in the stream, and in the file.
    ends: Vec<(u64, u64)>,
    wal_length: u64,
}

fn finding(kind: FindingKind, file: &str, offset: u64, field: &'static str, detail: String) -> Finding {
    Finding { kind, file: file.to_owned(), index: None, offset, field, detail }
}

impl<'d> Source<'d> {
    /// Finds the files of entries; what comes later is not seen.
    pub(super) fn open(
        directory: &'d Directory,
        genesis: Option<&Genesis>,
        findings: &mut Findings<'_>,
    ) -> Result<Self> {
        let mut tries = 0;
        let (number, wal) = loop {
            let Some(number) = directory.wal_numbers()?.last().copied() else { break (0, None) };
            match directory.open_read(&wal::name(number), WAL_OPERATIONS.read) {
                Ok(file) => break (number, Some(file)),
                Err(Error::LedgerIo { os_code: NOT_FOUND, .. }) if tries < 100 => tries += 1,
                Err(error) => return Err(error),
            }
        };
        let numbers = directory.segment_numbers()?;
        // Without a log every segment counts.
        let sealed = if wal.is_some() { number } else { numbers.last().map_or(0, |last| last + 1) };
        let mut source = Source {
            directory,
            sealed,
            pieces: Arc::default(),
            length: 0,
            wal_name: wal::name(number).into(),
            wal: None,
            open: RefCell::default(),
            notes: Vec::new(),
            bad: Vec::new(),
            ends: Vec::new(),
            wal_length: 0,
        };
        let mut pieces = Vec::new();
        for number in 0..sealed {
            let name: Arc<str> = segment::entries_name(number).into();
            if numbers.binary_search(&number).is_err() {
                let detail = format!("the file `{name}` is not there");
                findings.push(finding(FindingKind::MissingFile, &name, 0, "file", detail));
                continue;
            }
            let file = directory.open_read(&name, "read a segment")?;
            let length = file.length()?;
            let end = judge_segment(&file, length, number, &name, genesis, findings)?;
            let offset = segment::HEADER as u64;
            source.piece(&mut pieces, &name, offset, end.saturating_sub(offset));
        }
        match wal {
            None => {
                let name = source.wal_name.clone();
                let detail = format!("the file `{name}` is not there");
                findings.push(finding(FindingKind::MissingFile, &name, 0, "file", detail));
            }
            Some(file) => {
                source.records(&file, number, genesis, &mut pieces, findings)?;
                source.wal = Some(file);
            }
        }
        source.pieces = Arc::new(pieces);
        Ok(source)
    }

    fn piece(&mut self, pieces: &mut Vec<Piece>, file: &Arc<str>, offset: u64, length: u64) {
        if length > 0 {
            pieces.push(Piece { at: self.length, file: file.clone(), offset, length });
            self.length += length;
        }
    }

    /// Where the stream ends.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Goes over the records of the log.
    fn records(
        &mut self,
        file: &ReadFile,
        number: u64,
        genesis: Option<&Genesis>,
        pieces: &mut Vec<Piece>,
        findings: &mut Findings<'_>,
    ) -> Result<()> {
        let (name, length) = (self.wal_name.clone(), file.length()?);
        let mut header = [0; wal::HEADER];
        let read = file.read(0, &mut header)?;
        if let Some(genesis) = genesis
            && (read < header.len() || header != wal::header(number, &genesis.id()?))
        {
            let detail = "the header is not that of this log of this ledger".to_owned();
            findings.push(finding(FindingKind::FrameDamaged, &name, 0, "header", detail));
        }
        let mut at = wal::HEADER as u64;
        self.wal_length = length;
        // Every record begins in the segment that the log begins with; what is far more is not the writer's.
        let (most, mut held) = (2usize << genesis.map_or(16, Genesis::segment_bits), 0);
        while at < length {
            if self.ends.len() >= most || self.bad.len() >= most || held > MAX_NOTES {
                let detail = "the log goes on beyond what a log can hold; what follows is not read".to_owned();
                findings.push(finding(FindingKind::FrameDamaged, &name, at, "record", detail));
                break;
            }
            let mut fixed = [0; wal::RECORD];
            let read = file.read(at, &mut fixed)?;
            let record = Record::read(&fixed[..read]).filter(|record| record.length() as u64 <= length - at);
            let entries_at = at + wal::RECORD as u64;
            if let Some(record) = record {
                let mut bytes = vec![0; record.length()];
                file.read_exact(at, &mut bytes)?;
                let whole = record.is_whole(&bytes);
                let end = at + record.length() as u64;
                if whole || end == length || self.is_record(file, end)? {
                    let (entries, note) = bytes[wal::RECORD..].split_at(record.entries);
                    if !whole {
                        self.bad.push(BadRecord { at: self.length, place: at..end, lost: false });
                    }
                    let offset = entries_at + entries.len() as u64;
                    self.piece(pieces, &name, entries_at, entries.len() as u64);
                    let checkpoint = Note::parse(note).and_then(|note| Checkpoint::parse(note.text())).ok();
                    held += note.len();
                    let (file, text, log) = (name.clone(), note.to_vec(), record.log);
                    self.notes.push(WalNote { file, offset, text, log, checkpoint });
                    at = end;
                    self.ends.push((self.length, at));
                    continue;
                }
            }
            // The extent of this record is not known: its entries are what looks like entries, up to the next record.
            let next = self.next_record(file, at + 1, length)?;
            let mut bytes = vec![0; usize::try_from(next - at).unwrap_or(usize::MAX).min(2 * wal::MAX_RECORD)];
            let read = file.read(at, &mut bytes)?;
            bytes.truncate(read);
            let used = frames_end(bytes.get(wal::RECORD..).unwrap_or_default());
            self.bad.push(BadRecord { at: self.length, place: at..next, lost: true });
            self.piece(pieces, &name, entries_at, used as u64);
            at = next;
        }
        Ok(())
    }

    /// Bytes of the log after the records whose entries have been judged.
    pub(super) fn after(&self, judged: u64) -> u64 {
        let end = self.ends.iter().rev().find(|(end, _)| *end <= judged);
        self.wal_length.saturating_sub(end.map_or(wal::HEADER as u64, |(_, end)| *end))
    }

    fn is_record(&self, file: &ReadFile, at: u64) -> Result<bool> {
        let mut fixed = [0; wal::RECORD];
        let read = file.read(at, &mut fixed)?;
        Ok(Record::read(&fixed[..read]).is_some())
    }

    /// Where the next record starts, or the file ends.
    fn next_record(&self, file: &ReadFile, from: u64, length: u64) -> Result<u64> {
        let (mut at, mut window) = (from, vec![0; 1 << 16]);
        while at < length {
            let read = file.read(at, &mut window)?;
            let usable = read.saturating_sub(wal::RECORD - 1);
            if let Some(found) = (0..usable).find(|place| Record::read(&window[*place..read]).is_some()) {
                return Ok(at + found as u64);
            }
            if usable == 0 {
                break;
            }
            at += usable as u64;
        }
        Ok(length)
    }

    /// Reports damaged records among the entries up to `judged` in the stream, where nothing else has been found.
    pub(super) fn judge_records(&self, judged: u64, findings: &mut Findings<'_>) {
        for bad in self.bad.iter().filter(|bad| bad.at < judged) {
            if bad.lost || !findings.any_in(&self.wal_name, &bad.place) {
                let detail = match bad.lost {
                    true => "no record can be read here".to_owned(),
                    false => "the CRC of this record is not that of its bytes, or its numbers were changed".to_owned(),
                };
                let kind = FindingKind::FrameDamaged;
                findings.push(finding(kind, &self.wal_name, bad.place.start, "record", detail));
            }
        }
    }
}

/// Judges header and end of a sealed segment; gives where its bundles end.
fn judge_segment(
    file: &ReadFile,
    length: u64,
    number: u64,
    name: &str,
    genesis: Option<&Genesis>,
    findings: &mut Findings<'_>,
) -> Result<u64> {
    let bits = genesis.map_or(16, Genesis::segment_bits);
    let mut end = vec![0; segment::end_length(bits)];
    let offset = length.saturating_sub(end.len() as u64);
    let Some(genesis) = genesis else { return Ok(offset) };
    let header = segment::header(number, bits, genesis.hash(), &genesis.id()?);
    let mut found = [0; segment::HEADER];
    let read = file.read(0, &mut found)?;
    if read < found.len() || found != header {
        let at = found.iter().zip(&header).take_while(|(a, b)| a == b).count() as u64;
        let detail = "the header is not that of this segment of this ledger".to_owned();
        findings.push(finding(FindingKind::FrameDamaged, name, at, "header", detail));
    }
    let read = file.read(offset, &mut end)?;
    let whole = End::decode(&end[..read], bits, &header).filter(|end| end.offsets.last() == Some(&offset));
    if whole.is_none() {
        let detail = "the offsets of the bundles or the footer are not those that were written".to_owned();
        findings.push(finding(FindingKind::FrameDamaged, name, offset, "footer", detail));
    }
    Ok(offset)
}

impl ReadAt for Source<'_> {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<usize> {
        let mut done = 0;
        while done < out.len() {
            let at = offset + done as u64;
            let piece = self.pieces.partition_point(|piece| piece.at <= at).checked_sub(1).map(|i| &self.pieces[i]);
            let Some(piece) = piece.filter(|piece| at < piece.at + piece.length) else { break };
            let left = piece.at + piece.length - at;
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(out.len() - done);
            let (from, out) = (piece.offset + at - piece.at, &mut out[done..done + count]);
            let read = if piece.file == self.wal_name {
                let wal = self.wal.as_ref().ok_or(Error::Internal { reason: "a piece of no log" })?;
                wal.read(from, out)?
            } else {
                let mut open = self.open.borrow_mut();
                if open.as_ref().is_none_or(|(name, _)| *name != piece.file) {
                    *open = Some((piece.file.clone(), self.directory.open_read(&piece.file, "read a segment")?));
                }
                open.as_ref().map_or(Ok(0), |(_, file)| file.read(from, out))?
            };
            done += read;
            if read < count {
                break;
            }
        }
        Ok(done)
    }
}

/// The root of the one perfect subtree that these leaves are.
pub(super) fn only(hashes: &mut dyn ExactSizeIterator<Item = &Hash>) -> Option<Hash> {
    let first = hashes.next().copied();
    first.filter(|_| hashes.len() == 0)
}
