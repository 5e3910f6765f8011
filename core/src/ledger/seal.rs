//! Sealing: whole segments leave the log of entries and become files that nobody writes again.
//!
//! A segment is sealed once an entry after it is durable, so that the new log begins with the SEGMENT entries and their
//! key table. Every step can be done again: the files of the segment, the new log, the removal of the old one. Until the
//! new log has its name the old one is in force, and the segments from its number on do not count.

use super::frames::cut;
use super::recovery::Files;
use super::segment::{self, BUNDLE, BUNDLE_BITS, End, HEADER};
use super::store::WAL_OPERATIONS;
use super::view::View;
use super::wal::{self, Watermark};
use crate::{Error, Result};

/// Seals every segment that is whole and has an entry after it.
pub(super) fn seal(view: &mut View, files: &mut Files) -> Result<()> {
    let bits = view.genesis.segment_bits();
    let number = view.size().saturating_sub(1) >> bits;
    if number <= view.wal_number {
        return Ok(());
    }
    // The old log holds the same notes as these two; it goes, so they must be durable.
    files.log.sync()?;
    view.directory.sync_checkpoint()?;
    for whole in view.wal_number..number {
        write_segment(view, whole, bits)?;
    }
    let (first, size) = (number << bits, view.size());
    let entries = view.tail_bytes(first, size)?;
    let count = u32::try_from(size - first).map_err(|_| Error::Internal { reason: "a record of too many entries" })?;
    let record = wal::record(first, count, &entries, files.note_at, files.note.as_bytes());
    let header = wal::header(number, view.chain.ledger_id()).to_vec();
    let end = (header.len() + record.len()) as u64;
    let old = wal::name(view.wal_number);
    view.directory.publish(&wal::name(number), false, "write a new log", &mut [Ok(header), Ok(record)].into_iter())?;
    files.wal = view.directory.open_append(&wal::name(number), &WAL_OPERATIONS)?;
    view.move_to(files.wal.reader()?, number, end)?;
    files.state.write(&Watermark { size, root: view.root_at(size)?, wal: number, end })?;
    view.directory.remove(&old)
}

/// Writes the two files of one segment, whose entries are all in the log.
fn write_segment(view: &View, number: u64, bits: u32) -> Result<()> {
    const INCOMPLETE: Error = Error::Internal { reason: "a segment that is not whole" };
    let header = segment::header(number, bits, view.genesis.hash(), view.chain.ledger_id());
    let first = number << bits;
    let mut end = End {
        offsets: vec![HEADER as u64],
        root: *view.tail.node(bits, number).ok_or(INCOMPLETE)?,
        first_prev: [0; 32],
        last_leaf: *view.tail.node(0, first + (1 << bits) - 1).ok_or(INCOMPLETE)?,
    };
    // Three parts, made one after the other: the file never stands in memory.
    let bundles = 1u64 << (bits - BUNDLE_BITS);
    let mut next = 0;
    let mut parts = core::iter::from_fn(|| {
        let part = next;
        next += 1;
        match part {
            0 => Some(Ok(header.to_vec())),
            _ if part <= bundles => {
                let start = first + (part - 1) * BUNDLE;
                Some(view.tail_bytes(start, start + BUNDLE).inspect(|bytes| {
                    if part == 1
                        && let Some(entry) = cut(bytes, 1).0.first()
                    {
                        end.first_prev.copy_from_slice(&bytes[entry.start + 24..entry.start + 56]);
                    }
                    end.offsets.push(end.offsets.last().copied().unwrap_or(0) + bytes.len() as u64);
                }))
            }
            _ if part == bundles + 1 => Some(Ok(end.encode(&header))),
            _ => None,
        }
    });
    view.directory.publish(&segment::entries_name(number), true, "write a segment", &mut parts)?;
    let hashes = segment::hashes(&view.tail, number, bits).ok_or(INCOMPLETE)?;
    let name = segment::hashes_name(number);
    view.directory.publish(&name, true, "write the hashes of a segment", &mut core::iter::once(Ok(hashes)))
}
