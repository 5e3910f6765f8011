//! Reading a ledger without its lock: entries, proofs, checkpoints, up to the size of one checkpoint.
//!
//! Opening reads every entry up to the checkpoint and checks chain and root, so that what is read afterwards is what the
//! ledger's key has signed; each later read is checked against the tree again. Entry signatures are checked by the
//! writer and by full verification, not here.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::chain::{Chain, reason};
use super::checkpoint::Checkpoint;
use super::entry::Entry;
use super::frames::{PREFIX, Window, cut};
use super::genesis::Genesis;
use super::index::Index;
use super::keys::KeyRow;
use super::merkle::{Hash, Pyramid, leaf_hash};
use super::note::{MAX_NOTE_LENGTH, NoteKey};
use super::proof::{consistency_ranges, inclusion_ranges};
use super::store::{self, Directory, ReadFile};
use crate::hash::HashAlgorithm;
use crate::{Error, Result, cpu};

/// Entries that are not worth a second thread.
const GRAIN: usize = 64;

/// The leaf hashes of entries, on every core.
pub(super) fn leaf_hashes(hash: HashAlgorithm, bytes: &[u8], frames: &[Range<usize>], threads: usize) -> Vec<Hash> {
    let mut leaves = vec![[0; 32]; frames.len()];
    cpu::fill_chunks(&mut leaves, threads, GRAIN, |start, chunk| {
        for (leaf, frame) in chunk.iter_mut().zip(&frames[start..]) {
            *leaf = leaf_hash(hash, &bytes[frame.clone()]);
        }
    });
    leaves
}

/// The error for a small file that does not parse, with the offset if there is one.
fn damaged(error: Error, reason: &'static str) -> Error {
    let offset = if let Error::InvalidEncoding { offset, .. } = error { offset as u64 } else { 0 };
    Error::LedgerCorrupt { offset, reason }
}

/// An entry as it is stored, with its place in the file `entries`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    bytes: Vec<u8>,
    offset: u64,
}

impl StoredEntry {
    /// The entry.
    ///
    /// # Errors
    /// None for an entry that a reader gave; the bytes are parsed again.
    pub fn view(&self) -> Result<Entry<'_>> {
        Entry::parse(&self.bytes)
    }

    /// The stored bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The offset of its first byte in the file `entries`.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

/// A bundle of up to 256 entries whose bytes hash to the tree.
#[derive(Debug)]
struct Bundle {
    offset: u64,
    bytes: Vec<u8>,
    frames: Vec<Range<usize>>,
    pyramid: Arc<Pyramid>,
}

/// What writer and readers know of a ledger.
#[derive(Debug)]
pub(super) struct View {
    pub(super) directory: Directory,
    pub(super) genesis: Genesis,
    pub(super) note_key: NoteKey,
    pub(super) chain: Chain,
    pub(super) index: Index,
    file: ReadFile,
    /// The bundle that was read last: neighbours come together.
    cache: Mutex<Option<(u64, Arc<Bundle>)>>,
}

impl View {
    /// Reads the genesis; no entry yet.
    pub(super) fn open(directory: Directory) -> Result<Self> {
        let body = directory.read(store::GENESIS, super::MAX_BODY_LENGTH, "read genesis")?;
        let genesis = Genesis::decode(&body).map_err(|error| damaged(error, "the file `genesis` is damaged"))?;
        let note_key = NoteKey::new(genesis.origin(), *genesis.ledger_key())?;
        let chain = Chain::new(&genesis)?;
        let index = Index::new(genesis.hash());
        let file = directory.open_read(store::ENTRIES, "read entries")?;
        Ok(View { directory, genesis, note_key, chain, index, file, cache: Mutex::new(None) })
    }

    /// The newest released checkpoint, and its note.
    pub(super) fn released(&self) -> Result<(Checkpoint, String)> {
        let note = self.directory.read(store::CHECKPOINT, MAX_NOTE_LENGTH, "read checkpoint")?;
        let checkpoint = Checkpoint::open(&note, &self.note_key).map_err(|error| match error {
            Error::InvalidSignature => damaged(error, "the file `checkpoint` is not signed by the ledger's key"),
            _ => damaged(error, "the file `checkpoint` is damaged"),
        })?;
        if checkpoint.origin != self.genesis.origin() {
            return Err(Error::LedgerCorrupt { offset: 0, reason: "the file `checkpoint` names another ledger" });
        }
        let note = String::from_utf8(note).map_err(|_| Error::Internal { reason: "a parsed note is UTF-8" })?;
        Ok((checkpoint, note))
    }

    /// Reads entries until there are as many as the checkpoint says, and compares the root.
    pub(super) fn extend(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let mut window = Window::new(&self.file, self.index.end(), self.file.length()?)?;
        while self.index.size() < checkpoint.size {
            let limit = usize::try_from(checkpoint.size - self.index.size()).unwrap_or(usize::MAX);
            let (frames, end) = cut(window.bytes(), limit);
            if frames.is_empty() {
                let offset = window.offset() + window.bytes().len() as u64;
                return Err(Error::LedgerCorrupt { offset, reason: "entries ends before the newest checkpoint" });
            }
            let bytes = window.bytes();
            let leaves = leaf_hashes(self.genesis.hash(), bytes, &frames, 0);
            for (frame, leaf) in frames.iter().zip(leaves) {
                let offset = window.offset() + frame.start as u64;
                Entry::parse(&bytes[frame.clone()])
                    .and_then(|entry| self.chain.admit(&entry, leaf))
                    .map_err(|error| Error::LedgerCorrupt { offset, reason: reason(error) })?;
                self.index.push(leaf, (PREFIX + frame.len()) as u64);
            }
            window.advance(end)?;
        }
        if self.root_at(checkpoint.size)? != checkpoint.root {
            return Err(Error::RootMismatch { tree_size: checkpoint.size });
        }
        Ok(())
    }

    fn bundle(&self, number: u64) -> Result<Arc<Bundle>> {
        const POISONED: Error = Error::Internal { reason: "the bundle cache is poisoned" };
        let (range, count) = self.index.bundle(number).ok_or(Error::Internal { reason: "no such bundle" })?;
        if let Some((cached, bundle)) = &*self.cache.lock().map_err(|_| POISONED)?
            && *cached == number
            && bundle.frames.len() == count
        {
            return Ok(bundle.clone());
        }
        let damaged = Error::LedgerCorrupt { offset: range.start, reason: "entries has changed since it was opened" };
        let mut bytes = vec![0; usize::try_from(range.end - range.start).map_err(|_| damaged)?];
        self.file.read_exact(range.start, &mut bytes)?;
        let (frames, end) = cut(&bytes, count);
        if frames.len() != count || end != bytes.len() {
            return Err(damaged);
        }
        let mut pyramid = Pyramid::new(self.genesis.hash(), number << super::index::BUNDLE_BITS);
        for leaf in leaf_hashes(self.genesis.hash(), &bytes, &frames, 0) {
            pyramid.push(leaf);
        }
        if !self.index.matches(number, &pyramid) {
            return Err(damaged);
        }
        let bundle = Arc::new(Bundle { offset: range.start, bytes, frames, pyramid: Arc::new(pyramid) });
        *self.cache.lock().map_err(|_| POISONED)? = Some((number, bundle.clone()));
        Ok(bundle)
    }

    pub(super) fn entry(&self, index: u64) -> Result<StoredEntry> {
        if index >= self.index.size() {
            return Err(Error::InvalidArgument { field: "index", reason: "the ledger has fewer entries" });
        }
        let bundle = self.bundle(index >> super::index::BUNDLE_BITS)?;
        let frame = bundle.frames[(index & 0xff) as usize].clone();
        Ok(StoredEntry { offset: bundle.offset + frame.start as u64, bytes: bundle.bytes[frame].to_vec() })
    }

    fn proof(&self, ranges: Vec<(u64, u64)>) -> Result<Vec<Hash>> {
        let mut load = |number| self.bundle(number).map(|bundle| bundle.pyramid.clone());
        ranges.into_iter().map(|(start, end)| self.index.range(start, end, &mut load)).collect()
    }

    fn check_size(&self, size: u64) -> Result<()> {
        if size > self.index.size() {
            return Err(Error::InvalidArgument { field: "size", reason: "the ledger has fewer entries" });
        }
        Ok(())
    }

    pub(super) fn root_at(&self, size: u64) -> Result<Hash> {
        self.check_size(size)?;
        if size == 0 {
            return Ok(super::merkle::empty_root(self.genesis.hash()));
        }
        let mut load = |number| self.bundle(number).map(|bundle| bundle.pyramid.clone());
        self.index.range(0, size, &mut load)
    }

    pub(super) fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>> {
        self.check_size(size)?;
        self.proof(inclusion_ranges(index, size)?)
    }

    pub(super) fn consistency_proof(&self, old_size: u64, new_size: u64) -> Result<Vec<Hash>> {
        self.check_size(new_size)?;
        self.proof(consistency_ranges(old_size, new_size)?)
    }

    pub(super) fn leaf_hash(&self, index: u64) -> Result<Hash> {
        Ok(leaf_hash(self.genesis.hash(), self.entry(index)?.bytes()))
    }
}

/// A reader: sees the ledger as it was at one checkpoint, holds no lock, disturbs no writer.
#[derive(Debug)]
pub struct LedgerReader {
    view: View,
    checkpoint: Checkpoint,
    note: String,
}

impl LedgerReader {
    /// Opens the ledger in this directory at its newest released checkpoint.
    ///
    /// # Errors
    /// `LedgerIo` when a file cannot be read; `LedgerCorrupt` with the offset, or `RootMismatch`, when the files do not
    /// agree with the checkpoint. Verification says more about such a ledger.
    pub fn open(path: &Path) -> Result<Self> {
        let mut view = View::open(Directory::open(path)?)?;
        let (checkpoint, note) = view.released()?;
        view.extend(&checkpoint)?;
        Ok(LedgerReader { view, checkpoint, note })
    }

    /// Goes forward to the newest released checkpoint, reading only what is new; says whether there was anything.
    ///
    /// # Errors
    /// As [`LedgerReader::open`], and `LedgerCorrupt` when the checkpoint went back: an older copy of the directory.
    pub fn refresh(&mut self) -> Result<bool> {
        let (checkpoint, note) = self.view.released()?;
        if checkpoint.size < self.checkpoint.size {
            return Err(Error::LedgerCorrupt { offset: 0, reason: "the checkpoint is older than the one read before" });
        }
        let grew = checkpoint.size > self.checkpoint.size;
        self.view.extend(&checkpoint)?;
        (self.checkpoint, self.note) = (checkpoint, note);
        Ok(grew)
    }

    /// The parameters of the ledger.
    pub fn genesis(&self) -> &Genesis {
        &self.view.genesis
    }

    /// The ledger's id.
    pub fn id(&self) -> &Hash {
        self.view.chain.ledger_id()
    }

    /// The checkpoint that this reader stands at.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The checkpoint as a signed note.
    pub fn checkpoint_note(&self) -> &str {
        &self.note
    }

    /// The rows of the key table.
    pub fn keys(&self) -> &[KeyRow] {
        self.view.chain.keys.rows()
    }

    /// The number of entries.
    pub fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// One entry.
    ///
    /// # Errors
    /// `InvalidArgument` when there is no such entry; `LedgerCorrupt` when the file has changed since it was opened.
    pub fn entry(&self, index: u64) -> Result<StoredEntry> {
        self.view.entry(index)
    }

    /// Entries in order; stops at the reader's size.
    pub fn entries(&self, range: Range<u64>) -> impl Iterator<Item = Result<StoredEntry>> + '_ {
        (range.start..range.end.min(self.size())).map(|index| self.entry(index))
    }

    /// The leaf hash of an entry.
    ///
    /// # Errors
    /// As [`LedgerReader::entry`].
    pub fn leaf_hash(&self, index: u64) -> Result<Hash> {
        self.view.leaf_hash(index)
    }

    /// The root of the first `size` entries.
    ///
    /// # Errors
    /// `InvalidArgument` when there are fewer.
    pub fn root_at(&self, size: u64) -> Result<Hash> {
        self.view.root_at(size)
    }

    /// The proof that entry `index` is in the tree of the first `size` entries.
    ///
    /// # Errors
    /// `InvalidArgument` or `InvalidProof` when the numbers do not fit, `LedgerCorrupt` when the file has changed.
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>> {
        self.view.inclusion_proof(index, size)
    }

    /// The proof that the first `old_size` entries are a prefix of the first `new_size`.
    ///
    /// # Errors
    /// As [`LedgerReader::inclusion_proof`].
    pub fn consistency_proof(&self, old_size: u64, new_size: u64) -> Result<Vec<Hash>> {
        self.view.consistency_proof(old_size, new_size)
    }
}
