//! What writer and readers know of a ledger: the roots of the sealed segments, and every leaf hash of the newest entries.
//!
//! Opening reads one footer for each segment and the log of the newest entries, and compares the root of all with a
//! signed checkpoint. What is read of a sealed segment later is checked against its root: 8 KiB of hashes of level 8, a
//! tile of 8 KiB, an entry. The files of hashes are a convenience: without them the same hashes come from the entries.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::chain::{Chain, Mark, reason};
use super::checkpoint::Checkpoint;
use super::entry::{Entry, EntryType};
use super::frames::{PREFIX, cut};
use super::genesis::Genesis;
use super::merkle::{CompactRange, Hash, Pyramid, empty_root, leaf_hash, leaf_hashes, node_hash};
use super::note::{MAX_NOTE_LENGTH, NoteKey};
use super::proof::{consistency_ranges, inclusion_ranges, range_root, subtree_ranges};
use super::reader::StoredEntry;
use super::segment::{self, BUNDLE, BUNDLE_BITS, End};
use super::store::{self, Directory, ReadFile};
use super::wal::{self, Record};
use crate::{Error, Result};

const POISONED: Error = Error::Internal { reason: "the cache of segments is poisoned" };
/// Segments whose hashes of level 8 are kept: 16 KiB each.
const KEPT: usize = 1024;

/// The error for a small file that does not parse, with the offset if there is one.
pub(super) fn damaged(error: Error, reason: &'static str) -> Error {
    let offset = if let Error::InvalidEncoding { offset, .. } = error { offset as u64 } else { 0 };
    Error::LedgerCorrupt { offset, reason }
}

/// A sealed segment that is open.
#[derive(Debug)]
struct Segment {
    number: u64,
    entries: ReadFile,
    hashes: Option<ReadFile>,
    offsets: Vec<u64>,
}

/// A bundle of entries, as it stands in its file.
#[derive(Debug)]
struct Bundle {
    number: u64,
    offset: u64,
    bytes: Vec<u8>,
    frames: Vec<Range<usize>>,
}

/// What was read last: neighbours come together.
#[derive(Debug, Default)]
struct Cache {
    segment: Option<Arc<Segment>>,
    /// Hashes of level 8 by segment.
    upper: HashMap<u64, Arc<Pyramid>>,
    tile: Option<(u64, Arc<Pyramid>)>,
    bundle: Option<Arc<Bundle>>,
}

/// A ledger up to some entry.
#[derive(Debug)]
pub(super) struct View {
    pub(super) directory: Directory,
    pub(super) genesis: Genesis,
    pub(super) note_key: NoteKey,
    pub(super) chain: Chain,
    /// The roots of the sealed segments, and what is above them.
    pub(super) sealed: Pyramid,
    /// The leaf hash of the last entry of each of them.
    last_leaves: Vec<Hash>,
    /// Leaf hashes of the entries after the sealed segments, and what is above them within each segment.
    pub(super) tail: Pyramid,
    /// Where the frame of each of them stands in the log, and where the last one ends.
    places: Vec<(u64, usize)>,
    wal: ReadFile,
    /// The segment that the log begins with.
    pub(super) wal_number: u64,
    /// Where the last record that counts ends.
    pub(super) end: u64,
    cache: Mutex<Cache>,
}

impl View {
    /// Reads the genesis and the roots of the sealed segments; no entry yet.
    pub(super) fn open(directory: Directory) -> Result<Self> {
        let body = directory.read(store::GENESIS, super::MAX_BODY_LENGTH, "read genesis")?;
        let genesis = Genesis::decode(&body).map_err(|error| damaged(error, "the file `genesis` is damaged"))?;
        let note_key = NoteKey::new(genesis.origin(), *genesis.ledger_key())?;
        let chain = Chain::new(&genesis)?;
        let hash = genesis.hash();
        // A writer that seals meanwhile removes the old log after the new one is there: look again then.
        let mut tries = 0;
        let (wal_number, wal) = loop {
            let Some(number) = directory.wal_numbers()?.last().copied() else {
                return Err(Error::LedgerCorrupt { offset: 0, reason: "the log of the newest entries is missing" });
            };
            match directory.open_read(&wal::name(number), store::WAL_OPERATIONS.read) {
                Ok(file) => break (number, file),
                Err(Error::LedgerIo { os_code: store::NOT_FOUND, .. }) if tries < 100 => tries += 1,
                Err(error) => return Err(error),
            }
        };
        let mut header = [0; wal::HEADER];
        wal.read_exact(0, &mut header)?;
        if header != wal::header(wal_number, chain.ledger_id()) {
            return Err(Error::LedgerCorrupt { offset: 0, reason: "the log of entries is of another ledger or place" });
        }
        let mut view = View {
            sealed: Pyramid::new(hash, 0),
            last_leaves: Vec::new(),
            tail: Pyramid::new(hash, wal_number << genesis.segment_bits()),
            places: Vec::new(),
            wal,
            wal_number,
            end: wal::HEADER as u64,
            cache: Mutex::default(),
            directory,
            genesis,
            note_key,
            chain,
        };
        for number in 0..wal_number {
            let (_, end) = view.open_segment(number)?;
            view.sealed.push(end.root);
            view.last_leaves.push(end.last_leaf);
        }
        Ok(view)
    }

    fn bits(&self) -> u32 {
        self.genesis.segment_bits()
    }

    fn open_segment(&self, number: u64) -> Result<(Segment, End)> {
        const DAMAGED: &str = "the header or the end of a sealed segment is damaged";
        let (bits, id) = (self.bits(), self.chain.ledger_id());
        let entries = self.directory.open_read(&segment::entries_name(number), "read a segment")?;
        let header = segment::header(number, bits, self.genesis.hash(), id);
        let mut found = [0; segment::HEADER];
        entries.read_exact(0, &mut found)?;
        if found != header {
            return Err(Error::LedgerCorrupt { offset: 0, reason: DAMAGED });
        }
        let mut end = vec![0; segment::end_length(bits)];
        let offset = entries.length()?.saturating_sub(end.len() as u64);
        entries.read_exact(offset, &mut end)?;
        let end = End::decode(&end, bits, &header)
            .filter(|end| end.offsets.last() == Some(&offset))
            .ok_or(Error::LedgerCorrupt { offset, reason: DAMAGED })?;
        let hashes = self.directory.open_read(&segment::hashes_name(number), "read the hashes of a segment").ok();
        Ok((Segment { number, entries, hashes, offsets: end.offsets.clone() }, end))
    }

    /// The newest released checkpoint, and its note; `None` when the file is not there or empty, as a power failure
    /// can leave it.
    pub(super) fn released(&self) -> Result<Option<(Checkpoint, String)>> {
        let note = match self.directory.read(store::CHECKPOINT, MAX_NOTE_LENGTH, "read checkpoint") {
            Ok(note) if note.is_empty() => return Ok(None),
            Ok(note) => note,
            Err(Error::LedgerIo { os_code: store::NOT_FOUND, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let checkpoint = Checkpoint::open(&note, &self.note_key).map_err(|error| match error {
            Error::InvalidSignature => damaged(error, "the file `checkpoint` is not signed by the ledger's key"),
            _ => damaged(error, "the file `checkpoint` is damaged"),
        })?;
        if checkpoint.origin != self.genesis.origin() {
            return Err(Error::LedgerCorrupt { offset: 0, reason: "the file `checkpoint` names another ledger" });
        }
        let note = String::from_utf8(note).map_err(|_| Error::Internal { reason: "a parsed note is UTF-8" })?;
        Ok(Some((checkpoint, note)))
    }

    /// The log of the newest entries.
    pub(super) fn log(&self) -> &ReadFile {
        &self.wal
    }

    /// The number of entries.
    pub(super) fn size(&self) -> u64 {
        self.chain.size
    }

    /// The index of the first entry that is not in a sealed segment.
    pub(super) fn sealed_size(&self) -> u64 {
        self.wal_number << self.bits()
    }

    /// The next record of the log: its fixed part and all its bytes; `None` where no whole record stands.
    pub(super) fn next_record(&self) -> Result<Option<(Record, Vec<u8>)>> {
        let mut fixed = [0; wal::RECORD];
        let read = self.wal.read(self.end, &mut fixed)?;
        let Some(record) = Record::read(&fixed[..read]) else { return Ok(None) };
        if self.wal.length()?.saturating_sub(self.end) < record.length() as u64 {
            return Ok(None);
        }
        let mut bytes = vec![0; record.length()];
        // A writer may cut meanwhile what was never acknowledged.
        let read = self.wal.read(self.end, &mut bytes)?;
        Ok((read == bytes.len() && record.is_whole(&bytes)).then_some((record, bytes)))
    }

    /// Takes the entries of a whole record.
    pub(super) fn take(&mut self, record: &Record, bytes: &[u8]) -> Result<()> {
        let at = self.end + wal::RECORD as u64;
        let corrupt = |offset: usize, reason| Error::LedgerCorrupt { offset: at + offset as u64, reason };
        let entries = &bytes[wal::RECORD..wal::RECORD + record.entries];
        let frames = wal::entries(entries, record.count).ok_or(corrupt(0, "a record does not hold its entries"))?;
        if self.places.is_empty() && self.wal_number > 0 {
            self.resume(entries, &frames).map_err(|error| corrupt(0, reason(error)))?;
        }
        if record.first != self.size() {
            return Err(corrupt(0, "a record does not begin where the one before ends"));
        }
        let leaves = leaf_hashes(self.genesis.hash(), entries, &frames, 0);
        for (frame, leaf) in frames.iter().zip(leaves) {
            Entry::parse(&entries[frame.clone()])
                .and_then(|entry| self.push(&entry, leaf, at + (frame.start - PREFIX) as u64))
                .map_err(|error| corrupt(frame.start, reason(error)))?;
        }
        self.end += record.length() as u64;
        Ok(())
    }

    /// Finds the key table in the SEGMENT entries that the log begins with.
    fn resume(&mut self, entries: &[u8], frames: &[Range<usize>]) -> Result<()> {
        let parsed = frames.iter().map_while(|frame| Entry::parse(&entries[frame.clone()]).ok());
        let bodies: Vec<&[u8]> =
            parsed.take_while(|entry| entry.kind() == EntryType::Segment).map(|entry| entry.body()).collect();
        let root = *self.sealed.node(0, self.wal_number - 1).ok_or(Error::Internal { reason: "a sealed segment" })?;
        let last = self.last_leaves.last().copied().unwrap_or_default();
        self.chain.resume(self.wal_number, &root, last, &bodies)
    }

    /// Takes one entry, whose frame stands at `place` of the log.
    pub(super) fn push(&mut self, entry: &Entry<'_>, leaf: Hash, place: u64) -> Result<()> {
        self.begin_segment()?;
        self.chain.admit(entry, leaf)?;
        self.tail.push(leaf);
        self.places.push((place, entry.bytes().len()));
        Ok(())
    }

    /// Demands SEGMENT entries when a segment begins here.
    pub(super) fn begin_segment(&mut self) -> Result<()> {
        if self.chain.is_at_segment() {
            let previous = self.node(self.bits(), (self.size() >> self.bits()) - 1)?;
            self.chain.begin_segment(&previous)?;
        }
        Ok(())
    }

    /// A state to go back to.
    pub(super) fn mark(&self) -> (Mark, usize) {
        (self.chain.mark(), self.places.len())
    }

    pub(super) fn go_back(&mut self, (mark, count): (Mark, usize)) {
        self.chain.go_back(mark);
        self.tail.truncate(count);
        self.places.truncate(count);
    }

    /// Goes over to a log that begins with a later segment, whose only record holds the entries from there on.
    pub(super) fn move_to(&mut self, wal: ReadFile, number: u64, end: u64) -> Result<()> {
        let bits = self.bits();
        let gone = usize::try_from((number - self.wal_number) << bits).map_err(|_| POISONED)?;
        for sealed in self.wal_number..number {
            self.sealed.push(self.node(bits, sealed)?);
            self.last_leaves.push(self.node(0, ((sealed + 1) << bits) - 1)?);
        }
        let (rest, places) = (self.tail.lowest()[gone..].to_vec(), self.places.split_off(gone));
        let shift = places.first().map_or(0, |(place, _)| place - (wal::HEADER + wal::RECORD) as u64);
        self.places = places.into_iter().map(|(place, length)| (place - shift, length)).collect();
        self.tail = Pyramid::new(self.genesis.hash(), number << bits);
        rest.into_iter().for_each(|leaf| self.tail.push(leaf));
        (self.wal, self.wal_number, self.end) = (wal, number, end);
        Ok(())
    }

    /// The framed entries [start, end), all in the log.
    pub(super) fn tail_bytes(&self, start: u64, end: u64) -> Result<Vec<u8>> {
        const OUTSIDE: Error = Error::Internal { reason: "entries outside the log" };
        let at =
            |index: u64| usize::try_from(index.checked_sub(self.sealed_size()).ok_or(OUTSIDE)?).map_err(|_| OUTSIDE);
        let places = self.places.get(at(start)?..at(end)?).ok_or(OUTSIDE)?;
        let mut bytes = vec![0; places.iter().map(|(_, length)| PREFIX + length).sum()];
        let mut done = 0;
        // Neighbours are read together.
        let runs = places.chunk_by(|(place, length), (next, _)| place + (PREFIX + length) as u64 == *next);
        for run in runs {
            let length: usize = run.iter().map(|(_, length)| PREFIX + length).sum();
            self.wal.read_exact(run[0].0, &mut bytes[done..done + length])?;
            done += length;
        }
        Ok(bytes)
    }

    fn segment(&self, number: u64) -> Result<Arc<Segment>> {
        if let Some(segment) = &self.cache.lock().map_err(|_| POISONED)?.segment
            && segment.number == number
        {
            return Ok(segment.clone());
        }
        let segment = Arc::new(self.open_segment(number)?.0);
        self.cache.lock().map_err(|_| POISONED)?.segment = Some(segment.clone());
        Ok(segment)
    }

    fn bundle(&self, number: u64) -> Result<Arc<Bundle>> {
        if let Some(bundle) = &self.cache.lock().map_err(|_| POISONED)?.bundle
            && bundle.number == number
        {
            return Ok(bundle.clone());
        }
        let per_segment = 1 << (self.bits() - BUNDLE_BITS);
        let segment = self.segment(number / per_segment)?;
        let at = (number % per_segment) as usize;
        let (start, end) = (segment.offsets[at], segment.offsets[at + 1]);
        let damaged = Error::LedgerCorrupt { offset: start, reason: "a sealed segment is not what was signed" };
        let length = end.checked_sub(start).filter(|length| *length <= BUNDLE * (2 + super::MAX_ENTRY_LENGTH as u64));
        let mut bytes = vec![0; length.ok_or(damaged)? as usize];
        segment.entries.read_exact(start, &mut bytes)?;
        let (frames, used) = cut(&bytes, BUNDLE as usize);
        if frames.len() as u64 != BUNDLE || used != bytes.len() {
            return Err(damaged);
        }
        let bundle = Arc::new(Bundle { number, offset: start, bytes, frames });
        self.cache.lock().map_err(|_| POISONED)?.bundle = Some(bundle.clone());
        Ok(bundle)
    }

    /// Hashes that stand in the file of a segment, when they lead to `root`; else those that `compute` finds.
    fn hashes(
        &self,
        number: u64,
        place: (u64, usize),
        first: u64,
        root: &Hash,
        compute: impl FnOnce() -> Result<Vec<Hash>>,
    ) -> Result<Arc<Pyramid>> {
        let (offset, count) = place;
        let levels = count.trailing_zeros();
        let leads = |pyramid: &Pyramid| pyramid.node(levels, first >> levels) == Some(root);
        let segment = self.segment(number)?;
        let mut bytes = vec![0; count * 32];
        if let Some(file) = &segment.hashes
            && file.read(offset, &mut bytes)? == bytes.len()
        {
            let pyramid = Pyramid::of(self.genesis.hash(), first, bytes.as_chunks::<32>().0.to_vec());
            if leads(&pyramid) {
                return Ok(Arc::new(pyramid));
            }
        }
        let pyramid = Pyramid::of(self.genesis.hash(), first, compute()?);
        if leads(&pyramid) {
            return Ok(Arc::new(pyramid));
        }
        Err(Error::LedgerCorrupt { offset: segment.offsets[0], reason: "a sealed segment is not what was signed" })
    }

    /// The hashes of level 8 of a sealed segment, and what is above them.
    fn upper(&self, number: u64) -> Result<Arc<Pyramid>> {
        if let Some(found) = self.cache.lock().map_err(|_| POISONED)?.upper.get(&number) {
            return Ok(found.clone());
        }
        const NO_SEGMENT: Error = Error::Internal { reason: "no such segment" };
        let root = self.sealed.node(0, number).ok_or(NO_SEGMENT)?;
        let count = 1usize << (self.bits() - BUNDLE_BITS);
        let first = number * count as u64;
        let place = (segment::tile_offset(count as u64), count);
        let pyramid = self.hashes(number, place, first, root, || {
            (first..first + count as u64)
                .map(|bundle| {
                    let leaves = Pyramid::of(self.genesis.hash(), bundle * BUNDLE, self.bundle_leaves(bundle)?);
                    leaves.node(BUNDLE_BITS, bundle).copied().ok_or(NO_SEGMENT)
                })
                .collect()
        })?;
        let mut cache = self.cache.lock().map_err(|_| POISONED)?;
        if cache.upper.len() >= KEPT {
            cache.upper.clear();
        }
        cache.upper.insert(number, pyramid.clone());
        Ok(pyramid)
    }

    fn bundle_leaves(&self, number: u64) -> Result<Vec<Hash>> {
        let bundle = self.bundle(number)?;
        Ok(leaf_hashes(self.genesis.hash(), &bundle.bytes, &bundle.frames, 0))
    }

    /// The leaf hashes of a bundle of a sealed segment, and what is above them.
    fn tile(&self, number: u64) -> Result<Arc<Pyramid>> {
        if let Some((cached, tile)) = &self.cache.lock().map_err(|_| POISONED)?.tile
            && *cached == number
        {
            return Ok(tile.clone());
        }
        let per_segment = 1 << (self.bits() - BUNDLE_BITS);
        let upper = self.upper(number / per_segment)?;
        let root = upper.node(0, number).ok_or(Error::Internal { reason: "no such bundle" })?;
        let place = (segment::tile_offset(number % per_segment), BUNDLE as usize);
        let tile = self.hashes(number / per_segment, place, number * BUNDLE, root, || self.bundle_leaves(number))?;
        self.cache.lock().map_err(|_| POISONED)?.tile = Some((number, tile.clone()));
        Ok(tile)
    }

    /// The bytes of a bundle of a sealed segment, when they are what was signed; `None` when it is not in one.
    pub(super) fn sealed_bundle(&self, number: u64) -> Result<Option<Vec<u8>>> {
        if (number + 1) * BUNDLE > self.sealed_size() {
            return Ok(None);
        }
        let bundle = self.bundle(number)?;
        if self.bundle_leaves(number)? != self.tile(number)?.lowest() {
            let reason = "a sealed segment is not what was signed";
            return Err(Error::LedgerCorrupt { offset: bundle.offset, reason });
        }
        Ok(Some(bundle.bytes.clone()))
    }

    /// One perfect node of the tree.
    pub(super) fn node(&self, level: u32, number: u64) -> Result<Hash> {
        const MISSING: Error = Error::Internal { reason: "a node of the tree is not there" };
        let bits = self.bits();
        if level > bits {
            if let Some(node) = self.sealed.node(level - bits, number) {
                return Ok(*node);
            }
            let (left, right) = (self.node(level - 1, 2 * number)?, self.node(level - 1, 2 * number + 1)?);
            return Ok(node_hash(self.genesis.hash(), &left, &right));
        }
        if number << level >= self.sealed_size() {
            return self.tail.node(level, number).copied().ok_or(MISSING);
        }
        let found = match level {
            _ if level == bits => self.sealed.node(0, number).copied(),
            BUNDLE_BITS.. => self.upper(number >> (bits - level))?.node(level - BUNDLE_BITS, number).copied(),
            _ => self.tile(number >> (BUNDLE_BITS - level))?.node(level, number).copied(),
        };
        found.ok_or(MISSING)
    }

    pub(super) fn entry(&self, index: u64) -> Result<StoredEntry> {
        if index >= self.size() {
            return Err(Error::InvalidArgument { field: "index", reason: "the ledger has fewer entries" });
        }
        let leaf = self.leaf(index)?;
        let (file, offset, bytes) = match index.checked_sub(self.sealed_size()) {
            Some(at) => {
                let (place, length) = self.places[usize::try_from(at).map_err(|_| POISONED)?];
                let mut bytes = vec![0; length];
                let offset = place + PREFIX as u64;
                self.wal.read_exact(offset, &mut bytes)?;
                (wal::name(self.wal_number), offset, bytes)
            }
            None => {
                let bundle = self.bundle(index / BUNDLE)?;
                let frame = bundle.frames[(index % BUNDLE) as usize].clone();
                let offset = bundle.offset + frame.start as u64;
                (segment::entries_name(index >> self.bits()), offset, bundle.bytes[frame].to_vec())
            }
        };
        if leaf_hash(self.genesis.hash(), &bytes) != leaf {
            return Err(Error::LedgerCorrupt { offset, reason: "an entry is not what was signed" });
        }
        Ok(StoredEntry::new(bytes, file, offset))
    }

    /// The leaf hash of an entry that is there.
    pub(super) fn leaf(&self, index: u64) -> Result<Hash> {
        if index >= self.size() {
            return Err(Error::InvalidArgument { field: "index", reason: "the ledger has fewer entries" });
        }
        self.node(0, index)
    }

    fn check_size(&self, size: u64) -> Result<()> {
        if size > self.size() {
            return Err(Error::InvalidArgument { field: "size", reason: "the ledger has fewer entries" });
        }
        Ok(())
    }

    /// The root of a leaf range that a proof names.
    pub(super) fn range(&self, start: u64, end: u64) -> Result<Hash> {
        range_root(self.genesis.hash(), start, end, &mut |level, number| self.node(level, number))
    }

    pub(super) fn root_at(&self, size: u64) -> Result<Hash> {
        self.check_size(size)?;
        if size == 0 { Ok(empty_root(self.genesis.hash())) } else { self.range(0, size) }
    }

    /// The root of the first `size` entries, all in sealed segments, as their footers have it.
    pub(super) fn sealed_root(&self, size: u64) -> Result<Hash> {
        self.range(0, size)
    }

    /// The tree of the sealed segments that end at this index, the last of them alone, and the leaf hash before it.
    pub(super) fn sealed_until(&self, index: u64) -> Result<(CompactRange, CompactRange, Hash)> {
        const NONE: Error = Error::Internal { reason: "no sealed segment ends there" };
        let bits = self.bits();
        let last = (index >> bits).checked_sub(1).ok_or(NONE)?;
        let leaf = usize::try_from(last).ok().and_then(|last| self.last_leaves.get(last)).ok_or(NONE)?;
        Ok((self.sealed_range(0, index)?, self.sealed_range(last << bits, index)?, *leaf))
    }

    /// A range of sealed segments as their footers have it.
    fn sealed_range(&self, begin: u64, end: u64) -> Result<CompactRange> {
        CompactRange::covering(self.genesis.hash(), begin, end, &mut |level, number| self.node(level, number))
    }

    /// Whether the sealed segments of this range have these hashes, as their footers say.
    pub(super) fn is_sealed_as(&self, range: &CompactRange) -> Result<bool> {
        let whole = |index: u64| index.trailing_zeros() >= self.bits() && index <= self.sealed_size();
        let (begin, end) = (range.begin(), range.end());
        Ok(whole(begin) && whole(end) && self.sealed_range(begin, end)? == *range)
    }

    pub(super) fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>> {
        self.check_size(size)?;
        inclusion_ranges(index, size)?.into_iter().map(|(start, end)| self.range(start, end)).collect()
    }

    pub(super) fn consistency_proof(&self, old_size: u64, new_size: u64) -> Result<Vec<Hash>> {
        self.check_size(new_size)?;
        consistency_ranges(old_size, new_size)?.into_iter().map(|(start, end)| self.range(start, end)).collect()
    }

    pub(super) fn subtree_proof(&self, start: u64, end: u64, size: u64) -> Result<Vec<Hash>> {
        self.check_size(size)?;
        subtree_ranges(start, end, size)?.into_iter().map(|(start, end)| self.range(start, end)).collect()
    }

    pub(super) fn subtree_root(&self, start: u64, end: u64) -> Result<Hash> {
        self.check_size(end)?;
        subtree_ranges(start, end, end)?;
        self.range(start, end)
    }
}
