//! The write-ahead log of the newest entries, and the watermark beside it: bytes only, no disk.
//!
//! A record is what one commit made durable: entries as in a C2SP bundle, and the checkpoint that covers them. Its CRC
//! tells a torn write from a whole one; what was written is vouched for by the root in the signed checkpoint, so no leaf
//! hash is stored. A record may reach beyond the segment: a commit is one record, whatever it crosses.

use super::crc::crc32c;
use super::frames;
use super::merkle::Hash;

/// Bytes of the file's header: magic, number of the segment, ledger id.
pub(super) const HEADER: usize = 48;
const MAGIC: &[u8; 8] = b"sealwal1";
/// Bytes of a record before its entries: magic, CRC, index of the first entry, count, bytes of the entries, where the
/// checkpoint stands in `checkpoints.log`, bytes of the checkpoint, zeros.
pub(super) const RECORD: usize = 40;
const RECORD_MAGIC: &[u8; 4] = b"swr1";
/// The most bytes of entries in one record, so that it can be read as a whole.
pub(super) const MAX_RECORD: usize = 64 << 20;

/// The name of the log that begins with this segment.
pub(super) fn name(number: u64) -> String {
    format!("wal/{number}.wal")
}

/// The header of a log.
pub(super) fn header(number: u64, ledger_id: &Hash) -> [u8; HEADER] {
    let mut out = [0; HEADER];
    out[..8].copy_from_slice(MAGIC);
    out[8..16].copy_from_slice(&number.to_be_bytes());
    out[16..].copy_from_slice(ledger_id);
    out
}

/// The fixed part of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    crc: u32,
    /// The index of its first entry.
    pub(super) first: u64,
    pub(super) count: u32,
    /// Bytes of its entries.
    pub(super) entries: usize,
    /// Where its checkpoint stands in `checkpoints.log`.
    pub(super) log: u64,
    /// Bytes of its checkpoint.
    pub(super) note: usize,
}

impl Record {
    /// Reads the fixed part, when these bytes begin with one.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let fixed = bytes.first_chunk::<RECORD>()?;
        let number = |at: usize| u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
        let long = |at: usize| u64::from(number(at)) << 32 | u64::from(number(at + 4));
        let record = Record {
            crc: number(4),
            first: long(8),
            count: number(16),
            entries: number(20) as usize,
            log: long(24),
            note: number(32) as usize,
        };
        let sane = fixed[..4] == *RECORD_MAGIC
            && fixed[36..] == [0; 4]
            && record.count > 0
            && record.entries <= MAX_RECORD
            && record.note <= super::MAX_NOTE_LENGTH;
        sane.then_some(record)
    }

    /// The length of the whole record.
    pub(super) fn length(&self) -> usize {
        RECORD + self.entries + self.note
    }

    /// Whether the bytes of the whole record are those that were written.
    pub(super) fn is_whole(&self, bytes: &[u8]) -> bool {
        bytes.len() == self.length() && crc32c(&[&bytes[8..]]) == self.crc
    }
}

/// A record of entries (already framed) and the checkpoint that covers them.
pub(super) fn record(first: u64, count: u32, entries: &[u8], log: u64, note: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(RECORD + entries.len() + note.len());
    out.extend_from_slice(RECORD_MAGIC);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&first.to_be_bytes());
    out.extend_from_slice(&count.to_be_bytes());
    out.extend_from_slice(&(entries.len() as u32).to_be_bytes());
    out.extend_from_slice(&log.to_be_bytes());
    out.extend_from_slice(&(note.len() as u32).to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(entries);
    out.extend_from_slice(note);
    let crc = crc32c(&[&out[8..]]);
    out[4..8].copy_from_slice(&crc.to_be_bytes());
    out
}

/// How far the ledger is durable, as the file `state` has it: what is smaller has been cut by somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watermark {
    /// The number of entries.
    pub(super) size: u64,
    /// Their root.
    pub(super) root: Hash,
    /// The segment that the log in force begins with.
    pub(super) wal: u64,
    /// Where its last record ends.
    pub(super) end: u64,
}

/// The length of the file `state`: two slots that are written in turn, so that a torn write leaves the other.
pub(super) const STATE: usize = 2 * SLOT;
pub(super) const SLOT: usize = 64;
const STATE_MAGIC: &[u8; 4] = b"sst1";

impl Watermark {
    pub(super) fn encode(&self) -> [u8; SLOT] {
        let mut out = [0; SLOT];
        out[..4].copy_from_slice(STATE_MAGIC);
        out[8..16].copy_from_slice(&self.size.to_be_bytes());
        out[16..24].copy_from_slice(&self.wal.to_be_bytes());
        out[24..32].copy_from_slice(&self.end.to_be_bytes());
        out[32..].copy_from_slice(&self.root);
        let crc = crc32c(&[&out[8..]]);
        out[4..8].copy_from_slice(&crc.to_be_bytes());
        out
    }

    fn decode(slot: &[u8]) -> Option<Self> {
        let slot = slot.first_chunk::<SLOT>()?;
        let long = |at: usize| slot[at..at + 8].iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
        if slot[..4] != *STATE_MAGIC || slot[4..8] != crc32c(&[&slot[8..]]).to_be_bytes() {
            return None;
        }
        let mut root = [0; 32];
        root.copy_from_slice(&slot[32..]);
        Some(Watermark { size: long(8), root, wal: long(16), end: long(24) })
    }

    /// The newest watermark in the file, and its slot.
    pub(super) fn newest(state: &[u8]) -> Option<(Self, usize)> {
        let (first, second) = state.split_at_checked(SLOT).filter(|_| state.len() == STATE)?;
        match (Watermark::decode(first), Watermark::decode(second)) {
            (Some(one), Some(two)) if two.size > one.size => Some((two, 1)),
            (Some(one), _) => Some((one, 0)),
            (None, two) => two.map(|two| (two, 1)),
        }
    }
}

/// The ranges of whole frames at the start of these bytes, which must be `count` and fill them.
pub(super) fn entries(bytes: &[u8], count: u32) -> Option<Vec<core::ops::Range<usize>>> {
    let (frames, end) = frames::cut(bytes, count as usize);
    (frames.len() == count as usize && end == bytes.len()).then_some(frames)
}
