//! One sealed segment by itself, as fast as the machine reads and hashes: whether anything is wrong, not what.
//!
//! The file is read in order into a buffer of the second cache's size; leaf hashes, statement ids and the tree are
//! hashed in lanes, signatures are verified in batches with prepared keys. Where something is wrong, the slower pass
//! over single entries says what.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::super::chain::Chain;
use super::super::entry::{BODY_OFFSET, Entry, EntryType, body_digests, message_of};
use super::super::frames::{PREFIX, cut_into};
use super::super::genesis::Genesis;
use super::super::keys::KeyRow;
use super::super::merkle::{CompactRange, Hash, Pyramid, extend_leaf_hashes};
use super::super::records::keys_digest;
use super::super::segment::{self, BUNDLE, BUNDLE_BITS, End, HEADER};
use super::super::store::{Directory, NOT_FOUND, ReadFile};
use super::replay::{Replay, Turn, Turns};
use super::summary::{Level, Summary};
use crate::sign::{KeyRef, Keys, PreparedKey, Signature, verify_many};
use crate::{Error, Result, cpu};

/// Signatures that are verified together.
const BATCH: usize = 8192;
/// Keys that are prepared; each takes about 340 KiB.
const MAX_PREPARED: usize = 128;

/// What all segments have in common.
pub(super) struct Context<'c> {
    pub(super) directory: &'c Directory,
    pub(super) genesis: &'c Genesis,
    pub(super) id: Hash,
    /// What the layer above makes of the entries, and whose turn it is.
    pub(super) replay: Option<(&'c dyn Replay, Turns)>,
    prepared: RwLock<HashMap<[u8; 65], PreparedKey>>,
    /// Entries that have been gone over.
    pub(super) seen: AtomicU64,
    /// Whether nobody waits for a result any more.
    pub(super) stopped: AtomicBool,
}

/// What a look at a segment found.
pub(super) enum Look {
    /// Nothing is wrong with the entries; where the file of hashes differs from them, if it does.
    Clean(Box<Summary>, Option<u64>),
    /// Something is.
    Damaged,
}

impl<'c> Context<'c> {
    pub(super) fn new(directory: &'c Directory, genesis: &'c Genesis, replay: Option<&'c dyn Replay>) -> Result<Self> {
        // Readings of a mebibyte of entries each take a few mebibytes.
        let most = (48 / cpu::threads(0)).max(2);
        Ok(Context {
            directory,
            genesis,
            id: genesis.id()?,
            replay: replay.map(|replay| (replay, Turns::new(most))),
            prepared: RwLock::default(),
            seen: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        })
    }

    fn end_of(&self, number: u64) -> Result<Option<(ReadFile, End)>> {
        let bits = self.genesis.segment_bits();
        let file = match self.directory.open_read(&segment::entries_name(number), "read a segment") {
            Ok(file) => file,
            Err(Error::LedgerIo { os_code: NOT_FOUND, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let header = segment::header(number, bits, self.genesis.hash(), &self.id);
        let mut found = [0; HEADER];
        let mut end = vec![0; segment::end_length(bits)];
        let offset = file.length()?.saturating_sub(end.len() as u64);
        let read = file.read(0, &mut found)? + file.read(offset, &mut end)?;
        if read < found.len() + end.len() || found != header {
            return Ok(None);
        }
        let end = End::decode(&end, bits, &header).filter(|end| end.offsets.last() == Some(&offset));
        Ok(end.map(|end| (file, end)))
    }

    /// The key of a row, prepared unless there are too many.
    fn prepare(&self, row: &KeyRow) -> Option<PreparedKey> {
        let point = row.key.to_sec1();
        if let Some(found) = self.prepared.read().ok()?.get(&point) {
            return Some(found.clone());
        }
        if self.prepared.read().ok()?.len() >= MAX_PREPARED {
            return None;
        }
        let prepared = row.key.prepare();
        self.prepared.write().ok()?.insert(point, prepared.clone());
        Some(prepared)
    }

    /// Looks at one segment.
    pub(super) fn look(&self, number: u64, level: Level) -> Result<Look> {
        let Some((replay, turns)) = &self.replay else { return self.pass(number, level, None, true) };
        // From here on whatever goes wrong ends the replay.
        let turn = Turn::new(turns, number);
        if level < Level::Signatures {
            return self.pass(number, level, Some((*replay, turn)), true);
        }
        // The signatures first, as many segments side by side as there are threads: who waits for a turn verifies none.
        let found = self.pass(number, level, None, true)?;
        let Look::Clean(summary, _) = &found else { return Ok(found) };
        match self.pass(number, Level::Tree, Some((*replay, turn)), false)? {
            Look::Clean(again, _) if again.range == summary.range => Ok(found),
            _ => Err(Error::LedgerCorrupt { offset: 0, reason: "a segment changed while it was verified" }),
        }
    }

    /// Goes over one segment; `counted` says whether its entries have not been gone over before.
    fn pass(&self, number: u64, level: Level, turn: Option<(&dyn Replay, Turn<'_>)>, counted: bool) -> Result<Look> {
        let found = self.end_of(number)?.zip(match number.checked_sub(1) {
            Some(before) => self.end_of(before)?.map(|(_, end)| Some(end)),
            None => Some(None),
        });
        let Some(((file, end), before)) = found else { return Ok(Look::Damaged) };
        let mut pass = Pass::new(self, (number, level), before, end, turn)?;
        pass.counted = counted;
        if !pass.entries(&file)? {
            return Ok(Look::Damaged);
        }
        pass.finish()
    }
}

/// The pass over one segment.
struct Pass<'p> {
    context: &'p Context<'p>,
    number: u64,
    level: Level,
    before: Option<End>,
    end: End,
    chain: Chain,
    /// Entries so far.
    count: usize,
    /// Their leaf hashes; none at level 0.
    leaves: Vec<Hash>,
    first_prev: Hash,
    first_time: u64,
    keys_in: Hash,
    counts: [u64; EntryType::ALL.len()],
    jobs: Jobs,
    turn: Option<(&'p dyn Replay, Turn<'p>)>,
    /// Whether its entries are new to the progress.
    counted: bool,
}

/// Signatures that wait to be verified.
#[derive(Default)]
struct Jobs {
    rows: Vec<u32>,
    messages: Vec<[u8; 48]>,
    signatures: Vec<Signature>,
    /// Prepared keys by row.
    keys: HashMap<u32, Option<PreparedKey>>,
    checked: u64,
}

impl<'p> Pass<'p> {
    fn new(
        context: &'p Context<'p>,
        (number, level): (u64, Level),
        before: Option<End>,
        end: End,
        turn: Option<(&'p dyn Replay, Turn<'p>)>,
    ) -> Result<Self> {
        let chain = Chain::new(context.genesis)?;
        let leaves = if level == Level::Structure { 0 } else { 1 << context.genesis.segment_bits() };
        Ok(Pass {
            context,
            number,
            level: level.min(Level::Signatures),
            before,
            end,
            keys_in: keys_digest(context.genesis.hash(), &chain.keys.encode()),
            chain,
            count: 0,
            leaves: Vec::with_capacity(leaves),
            first_prev: [0; 32],
            first_time: 0,
            counts: [0; EntryType::ALL.len()],
            jobs: Jobs::default(),
            turn,
            counted: true,
        })
    }

    /// Reads the bundles; whether nothing is wrong with them.
    fn entries(&mut self, file: &ReadFile) -> Result<bool> {
        let count = 1usize << self.context.genesis.segment_bits();
        let stop = self.end.offsets.last().copied().unwrap_or_default();
        let (mut buffer, mut held, mut at) = (vec![0; file.stride()], 0, HEADER as u64);
        let mut frames = Vec::new();
        while self.count < count {
            if self.context.stopped.load(Ordering::Relaxed) {
                return Ok(false);
            }
            let want = usize::try_from(stop - at).unwrap_or(usize::MAX).min(buffer.len() - held);
            let filled = held + file.read(at, &mut buffer[held..held + want])?;
            let start = at - held as u64;
            at = start + filled as u64;
            let used = cut_into(&buffer[..filled], count - self.count, &mut frames);
            if frames.is_empty() || !self.chunk(&buffer[..filled], &frames, start)? {
                return Ok(false);
            }
            buffer.copy_within(used..filled, 0);
            held = filled - used;
        }
        Ok(held == 0 && at == stop && self.verify()?)
    }

    /// Takes the entries of a part of the file that starts at `start`.
    fn chunk(&mut self, bytes: &[u8], frames: &[Range<usize>], start: u64) -> Result<bool> {
        let hash = self.context.genesis.hash();
        let hashed = self.level >= Level::Tree;
        if hashed {
            extend_leaf_hashes(hash, bytes, frames, &mut self.leaves);
        }
        if self.count == 0 && !self.begin(bytes, frames) {
            return Ok(false);
        }
        let signatures = self.level >= Level::Signatures;
        let mut replayed = Vec::with_capacity(if self.turn.is_some() { frames.len() } else { 0 });
        for frame in frames {
            let Ok(entry) = Entry::parse(&bytes[frame.clone()]) else { return Ok(false) };
            let place = self.count as u64;
            if place.is_multiple_of(BUNDLE)
                && self.end.offsets[(place / BUNDLE) as usize] != start + (frame.start - PREFIX) as u64
            {
                return Ok(false);
            }
            // Where nothing is hashed, an entry is believed what it says of the one before it.
            if !hashed && self.count > 0 {
                self.chain.last_leaf = entry.prev();
            }
            let leaf = if hashed { self.leaves[self.count] } else { [0; 32] };
            if self.chain.admit(&entry, leaf).is_err() {
                return Ok(false);
            }
            self.count += 1;
            self.counts[entry.kind() as usize] += 1;
            if signatures {
                self.jobs.rows.push(entry.key_idx());
                self.jobs.messages.push(message_of(&entry.statement()));
                self.jobs.signatures.push(Signature::from(entry.signature()));
            }
            if self.turn.is_some() {
                replayed.push(entry);
            }
        }
        if signatures {
            let bodies: Vec<&[u8]> = frames.iter().map(|frame| &bytes[frame.start + BODY_OFFSET..frame.end]).collect();
            let digests = body_digests(hash, &bodies);
            let new = &self.jobs.messages[self.jobs.messages.len() - frames.len()..];
            if !digests.iter().zip(new).all(|(digest, message)| *digest == message[16..]) {
                return Ok(false);
            }
        } else {
            self.see(frames.len());
        }
        if let Some((replay, turn)) = &mut self.turn {
            turn.push(replay.read(&replayed))?;
        }
        Ok(self.jobs.rows.len() < BATCH || self.verify()?)
    }

    fn see(&self, entries: usize) {
        if self.counted {
            self.context.seen.fetch_add(entries as u64, Ordering::Relaxed);
        }
    }

    /// Verifies the signatures that have come together; whether all are right.
    fn verify(&mut self) -> Result<bool> {
        self.see(self.jobs.rows.len());
        self.jobs.verify(self.context, &self.chain)
    }

    /// Finds the state with which the segment begins.
    fn begin(&mut self, bytes: &[u8], frames: &[Range<usize>]) -> bool {
        let parsed = frames.iter().map_while(|frame| Entry::parse(&bytes[frame.clone()]).ok());
        let entries: Vec<Entry<'_>> = parsed.take(1 << 10).collect();
        let Some(first) = entries.first() else { return false };
        (self.first_prev, self.first_time) = (first.prev(), first.time());
        let Some(before) = &self.before else { return true };
        let bodies: Vec<&[u8]> =
            entries.iter().take_while(|entry| entry.kind() == EntryType::Segment).map(|entry| entry.body()).collect();
        let resumed = self.chain.resume(self.number, &before.root, before.last_leaf, &bodies);
        self.keys_in = keys_digest(self.context.genesis.hash(), &self.chain.keys.encode());
        resumed.is_ok()
    }

    /// Compares the tree with footer and hash file.
    fn finish(mut self) -> Result<Look> {
        let (hash, bits) = (self.context.genesis.hash(), self.context.genesis.segment_bits());
        let end = &self.end;
        let mut last_leaf = self.chain.last_leaf;
        let differs = if self.level == Level::Structure {
            last_leaf = end.last_leaf;
            hashes_missing(self.context.directory, self.number, bits)?
        } else {
            let leaves = Pyramid::of(hash, self.number << bits, core::mem::take(&mut self.leaves));
            if leaves.node(bits, self.number) != Some(&end.root) {
                return Ok(Look::Damaged);
            }
            differs(self.context.directory, &leaves, self.number, bits)?
        };
        if last_leaf != end.last_leaf || self.first_prev != end.first_prev {
            return Ok(Look::Damaged);
        }
        let mut range = CompactRange::new(hash, self.number << bits);
        range.append_perfect(bits, &end.root)?;
        let summary = Summary {
            ledger: self.context.id,
            hash,
            level: self.level,
            range,
            first_prev: self.first_prev,
            last_leaf,
            keys_in: self.keys_in,
            rows: self.chain.keys.encode(),
            first_time: self.first_time,
            last_time: self.chain.last_time,
            entries: self.counts,
            signatures: self.jobs.checked,
            bytes: end.offsets.last().copied().unwrap_or_default() - HEADER as u64,
        };
        if let Some((_, turn)) = self.turn {
            turn.end()?;
        }
        Ok(Look::Clean(Box::new(summary), differs))
    }
}

/// Where the file of hashes ends too early or late, if it does; 0 when it is not there.
fn hashes_missing(directory: &Directory, number: u64, bits: u32) -> Result<Option<u64>> {
    let should = segment::hashes_length(bits);
    match directory.open_read(&segment::hashes_name(number), "read the hashes of a segment") {
        Ok(file) => Ok(Some(file.length()?).filter(|length| *length != should).map(|length| length.min(should))),
        Err(Error::LedgerIo { os_code: NOT_FOUND, .. }) => Ok(Some(0)),
        Err(error) => Err(error),
    }
}

/// Where the file of hashes differs from these leaves; 0 when it is not there.
fn differs(directory: &Directory, leaves: &Pyramid, number: u64, bits: u32) -> Result<Option<u64>> {
    let file = match directory.open_read(&segment::hashes_name(number), "read the hashes of a segment") {
        Ok(file) => file,
        Err(Error::LedgerIo { os_code: NOT_FOUND, .. }) => return Ok(Some(0)),
        Err(error) => return Err(error),
    };
    let mut buffer = vec![0; file.stride()];
    let mut offset = 0;
    for (level, count) in [(0, 1usize << bits), (BUNDLE_BITS, 1 << (bits - BUNDLE_BITS))] {
        let nodes = leaves.level(level).get(..count).unwrap_or_default();
        for part in nodes.chunks(buffer.len() / 32) {
            let bytes = part.as_flattened();
            let read = file.read(offset, &mut buffer[..bytes.len()])?;
            if buffer[..read] != *bytes {
                let same = buffer[..read].iter().zip(bytes).take_while(|(a, b)| a == b).count();
                return Ok(Some(offset + same as u64));
            }
            offset += read as u64;
        }
    }
    Ok((file.length()? != offset).then_some(offset))
}

impl Jobs {
    /// Verifies what has come together; whether every signature is right.
    fn verify(&mut self, context: &Context<'_>, chain: &Chain) -> Result<bool> {
        if self.rows.is_empty() {
            return Ok(true);
        }
        for row in &self.rows {
            if !self.keys.contains_key(row) {
                let found =
                    chain.keys.rows().get(*row as usize).ok_or(Error::Internal { reason: "an admitted row" })?;
                self.keys.insert(*row, context.prepare(found));
            }
        }
        let rows = chain.keys.rows();
        let keys: Vec<KeyRef<'_>> = self
            .rows
            .iter()
            .map(|row| match self.keys.get(row) {
                Some(Some(prepared)) => KeyRef::Prepared(prepared),
                _ => KeyRef::Plain(&rows[*row as usize].key),
            })
            .collect();
        let messages: Vec<&[u8]> = self.messages.iter().map(<[u8; 48]>::as_slice).collect();
        let valid = verify_many(Keys::Each(&keys), &messages, &self.signatures, None, 1)?.all_valid();
        self.checked += self.rows.len() as u64;
        self.rows.clear();
        self.messages.clear();
        self.signatures.clear();
        Ok(valid)
    }
}
