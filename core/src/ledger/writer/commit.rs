//! One commit: the entries of a group are laid out, made durable with their checkpoint, and given receipts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::Thread;

use super::{Commit, Fence, LEDGER_KEY, Receipt};
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::entry::{self, Entry, EntryType, Header, MAX_TIME, NewEntry, message_of, statement_id};
use crate::ledger::frames::{self, PREFIX};
use crate::ledger::merkle::{Hash, leaf_hash};
use crate::ledger::note::NoteSigner;
use crate::ledger::proof::inclusion_ranges;
use crate::ledger::recovery::Files;
use crate::ledger::store::Lock;
use crate::ledger::view::View;
use crate::ledger::wal::{self, Watermark};
use crate::sign::{Signature, SigningKey};
use crate::{Error, Result};

/// Entries of one caller, which become durable together or not at all.
pub(super) struct Request {
    pub(super) entries: Vec<NewEntry>,
    /// Their statement ids.
    pub(super) statements: Vec<Hash>,
    /// Which signatures have been verified already; `None`: whoever leads the commit verifies them.
    pub(super) verified: Option<Vec<bool>>,
    /// The time that the caller has fixed.
    pub(super) time: Option<u64>,
    /// The bytes that they take.
    pub(super) length: usize,
    /// Whether the caller wants receipts.
    pub(super) receipts: bool,
    /// The thread that waits for the result.
    pub(super) owner: Thread,
    /// Whether it is in a group. Written and read under the lock of the queue.
    pub(super) taken: AtomicBool,
    /// Whether it has had its result.
    pub(super) settled: AtomicBool,
    pub(super) result: Mutex<Option<Result<Vec<Receipt>>>>,
}

impl Request {
    /// Gives the request its result, unless it has one, and wakes who waits for it.
    pub(super) fn settle(&self, result: Result<Vec<Receipt>>) {
        if self.settled.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Ok(mut slot) = self.result.lock() {
            *slot = Some(result);
        }
        self.owner.unpark();
    }
}

/// What only one commit at a time may touch.
pub(super) struct State {
    pub(super) view: View,
    pub(super) files: Files,
    pub(super) note: Arc<str>,
    /// Where the ledger is shared: what each commit must pass.
    pub(super) fence: Option<Box<dyn Fence>>,
    /// The error that ended this writer.
    pub(super) failed: Option<Error>,
    pub(super) _lock: Lock,
}

/// The entries of a group, ready to be written.
#[derive(Default)]
pub(super) struct Staged {
    pub(super) bytes: Vec<u8>,
    /// Entries in `bytes`, the writer's own among them.
    pub(super) count: u32,
    /// Index, leaf hash, statement id and time of the entries of callers who want receipts.
    pub(super) entries: Vec<(u64, Hash, Hash, u64)>,
}

impl State {
    /// Checks the entries of a request and lays out their bytes; on an error nothing of the request remains.
    pub(super) fn stage(
        &mut self,
        staged: &mut Staged,
        request: &Request,
        verified: &[bool],
        clock: u64,
        signer: &SigningKey,
    ) -> Result<()> {
        let last_time = self.view.chain.last_time;
        let time = match request.time {
            None => clock.max(last_time),
            Some(time) if time < last_time => {
                return Err(Error::InvalidArgument { field: "time", reason: "is before that of the last entry" });
            }
            Some(time) if time > MAX_TIME => {
                return Err(Error::InvalidArgument { field: "time", reason: "is later than 2^63 - 1 µs" });
            }
            Some(time) => time,
        };
        let mark = self.view.mark();
        let (bytes, count, entries) = (staged.bytes.len(), staged.count, staged.entries.len());
        let facts = request.statements.iter().zip(verified);
        let staging = request.entries.iter().zip(facts).try_for_each(|(entry, (statement, verified))| {
            if entry.kind == EntryType::Segment {
                return Err(Error::InvalidArgument { field: "type", reason: "only the writer makes SEGMENT entries" });
            }
            self.begin_segment(staged, time, signer)?;
            let (index, leaf) = self.stage_one(staged, entry, *statement, *verified, time)?;
            if request.receipts {
                staged.entries.push((index, leaf, *statement, time));
            }
            Ok(())
        });
        if staging.is_err() {
            self.view.go_back(mark);
            staged.bytes.truncate(bytes);
            staged.count = count;
            staged.entries.truncate(entries);
        }
        staging
    }

    /// Lays out the SEGMENT entries, when the next entry begins a segment.
    fn begin_segment(&mut self, staged: &mut Staged, time: u64, signer: &SigningKey) -> Result<()> {
        self.view.begin_segment()?;
        while let Some(body) = self.view.chain.owed().cloned() {
            let hash = self.view.genesis.hash();
            let entry = NewEntry::sign(hash, EntryType::Segment, LEDGER_KEY, body, signer)?;
            self.stage_one(staged, &entry, statement_id(hash, &entry.body), true, time)?;
        }
        Ok(())
    }

    /// Lays out one entry; gives its index and leaf hash.
    fn stage_one(
        &mut self,
        staged: &mut Staged,
        new: &NewEntry,
        statement: Hash,
        verified: bool,
        time: u64,
    ) -> Result<(u64, Hash)> {
        let hash = self.view.genesis.hash();
        let chain = &self.view.chain;
        let index = chain.size;
        let key = *chain.keys.key_at(new.key_idx, index)?;
        if !verified {
            key.verify(&message_of(&statement), &Signature::from_bytes(&new.signature)?)?;
        }
        let header = Header {
            kind: new.kind,
            key_idx: new.key_idx,
            index,
            time,
            prev: chain.last_leaf,
            statement,
            algorithm: key.algorithm(),
        };
        let start = staged.bytes.len();
        staged.bytes.extend_from_slice(&[0; PREFIX]);
        entry::write(&mut staged.bytes, &header, &new.signature, &new.body);
        let length = staged.bytes.len() - start - PREFIX;
        staged.bytes[start..start + PREFIX].copy_from_slice(&(length as u16).to_be_bytes());
        let bytes = &staged.bytes[start + PREFIX..];
        let leaf = leaf_hash(hash, bytes);
        let place = self.files.wal.length() + (wal::RECORD + start) as u64;
        self.view.push(&Entry::parse(bytes)?, leaf, place)?;
        staged.count += 1;
        Ok((index, leaf))
    }

    /// Makes the group durable and gives a receipt for each entry of a caller.
    pub(super) fn write(&mut self, first: u64, staged: &Staged, signers: &[NoteSigner]) -> Result<Vec<Receipt>> {
        let State { view, files, fence, .. } = self;
        let size = view.size();
        let root = view.root_at(size)?;
        let checkpoint = Checkpoint { origin: view.genesis.origin().to_owned(), size, root };
        let note: Arc<str> = checkpoint.sign(signers)?.into();
        let note_at = files.log.length();
        files.wal.append(&wal::record(first, staged.count, &staged.bytes, note_at, note.as_bytes()))?;
        files.wal.sync()?;
        view.end = files.wal.length();
        let receipts = receipts(view, size, staged, &note)?;
        if let Some(fence) = fence {
            fence.pass(&Commit {
                genesis: &view.genesis,
                checkpoint: &checkpoint,
                note: &note,
                receipts: &receipts,
            })?;
        }
        files.state.write(&Watermark { size, root, wal: view.wal_number, end: view.end })?;
        let mut frame = Vec::with_capacity(note.len() + PREFIX);
        frames::push(&mut frame, note.as_bytes());
        files.log.append(&frame)?;
        view.directory.replace_checkpoint(note.as_bytes())?;
        (files.note, files.note_at) = (note.as_ref().to_owned(), note_at);
        self.note = note;
        Ok(receipts)
    }
}

/// A receipt for each entry of a caller who wants one.
fn receipts(view: &View, size: u64, staged: &Staged, note: &Arc<str>) -> Result<Vec<Receipt>> {
    // Neighbours have most of their proofs in common. The roots of the incomplete subtrees are few; of the complete ones
    // the last of each level is kept.
    let mut incomplete: Vec<((u64, u64), Hash)> = Vec::new();
    let mut complete: [Option<(u64, Hash)>; 64] = [None; 64];
    let mut root_of = |(start, end): (u64, u64)| {
        if (end - start).is_power_of_two() {
            let last = &mut complete[(end - start).trailing_zeros() as usize];
            return match *last {
                Some((known, root)) if known == start => Ok(root),
                _ => Ok(last.insert((start, view.range(start, end)?)).1),
            };
        }
        if let Some((_, root)) = incomplete.iter().find(|(known, _)| *known == (start, end)) {
            return Ok(*root);
        }
        let root = view.range(start, end)?;
        incomplete.push(((start, end), root));
        Ok(root)
    };
    let mut receipts = Vec::with_capacity(staged.entries.len());
    for &(index, leaf_hash, statement, time) in &staged.entries {
        let ranges = inclusion_ranges(index, size)?;
        let mut proof = Vec::with_capacity(ranges.len());
        for range in ranges {
            proof.push(root_of(range)?);
        }
        receipts.push(Receipt { index, time, statement, leaf_hash, checkpoint: note.clone(), proof });
    }
    Ok(receipts)
}
