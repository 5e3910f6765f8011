//! Taking over from a writer who may still be alive: his ledger up to the last commit that counts, in a directory of its
//! own.
//!
//! Nothing of the old directory is changed, nothing in the new one is known to the old writer. Whatever he writes after
//! this, wherever in his own code he was stopped, stands in files that are no part of the ledger any more; the sealed
//! segments, which both have, are written by nobody.

use std::path::Path;

use super::frames::PREFIX;
use super::merkle::Hash;
use super::recovery::checkpoint_of;
use super::segment;
use super::store::{self, Directory, LOG_OPERATIONS, Lock};
use super::view::View;
use super::wal::{self, Watermark};
use crate::{Error, Result};

const PUT_BACK: &str =
    "has released more entries than the coordination store knows: the store was put back to an older state";

/// Makes `path` a ledger of the first `size` entries of `previous`, whose root must be `root`.
///
/// `previous` is read without its lock: its writer may be running. He may append to his log, which is not read beyond
/// `size`, and seal segments, which moves entries that count from one file to another.
pub(super) fn build(previous: &Path, path: &Path, size: u64, root: &Hash) -> Result<(Directory, Lock)> {
    let mut view = View::open(Directory::open(previous)?)?;
    let mut newest = None;
    while view.size() < size {
        let start = view.end;
        let Some((record, bytes)) = view.next_record()? else { break };
        let (checkpoint, note) = checkpoint_of(&record, &bytes, start, &view.note_key)?;
        view.take(&record, &bytes)?;
        if view.root_at(checkpoint.size)? != checkpoint.root {
            return Err(Error::RootMismatch { tree_size: checkpoint.size });
        }
        newest = Some((record.log, note));
    }
    if view.size() < size {
        let reason =
            "holds fewer entries than the coordination store knows: the directory was put back to an older state";
        return Err(Error::LedgerCorrupt { offset: view.end, reason });
    }
    let state = view.directory.read(store::STATE, wal::STATE, "read state")?;
    let durable = Watermark::newest(&state).map_or(0, |(watermark, _)| watermark.size);
    let released = view.released()?.map_or(0, |(checkpoint, _)| checkpoint.size);
    if durable.max(released) > size || view.size() > size {
        return Err(Error::LedgerCorrupt { offset: 0, reason: PUT_BACK });
    }
    if view.root_at(size)? != *root {
        return Err(Error::RootMismatch { tree_size: size });
    }
    let (note_at, note) = newest.ok_or(Error::LedgerCorrupt { offset: 0, reason: PUT_BACK })?;
    let log = view.directory.open_read(store::LOG, LOG_OPERATIONS.read)?;
    // Where it ends early it is completed from the records, as after any crash.
    let log_length = log.length()?.min(note_at + (PREFIX + note.len()) as u64);
    let mut state = Watermark { size, root: *root, wal: view.wal_number, end: view.end }.encode().to_vec();
    state.resize(wal::STATE, 0);
    Directory::create(path, |new| {
        new.write(store::GENESIS, &view.genesis.encode()?)?;
        for number in 0..view.wal_number {
            if !new.link(&view.directory, &segment::entries_name(number))? {
                return Err(Error::LedgerCorrupt { offset: 0, reason: "a sealed segment is missing" });
            }
            // Without it the hashes are computed again.
            new.link(&view.directory, &segment::hashes_name(number))?;
        }
        new.copy(view.log(), &wal::name(view.wal_number), view.end)?;
        new.copy(&log, store::LOG, log_length)?;
        new.write(store::STATE, &state)?;
        new.write(store::CHECKPOINT, note.as_bytes())
    })
}
