//! Reading a ledger without its lock: entries, proofs, checkpoints, up to the size of one checkpoint.
//!
//! What is read is what the ledger's key has signed: opening compares the root of the sealed segments and of the newest
//! entries with the checkpoint, and each later read is checked against the tree. Entry signatures are checked by the
//! writer and by full verification, not here, and so is the chain within sealed segments.

use std::ops::Range;

use super::checkpoint::Checkpoint;
use super::entry::Entry;
use super::genesis::Genesis;
use super::keys::KeyRow;
use super::merkle::Hash;
use super::objects::Location;
use super::tiles;
use super::tlog_proof::TlogProof;
use super::view::View;
use crate::{Error, Result};

/// An entry as it is stored, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    bytes: Vec<u8>,
    file: String,
    offset: u64,
}

impl StoredEntry {
    pub(super) fn new(bytes: Vec<u8>, file: String, offset: u64) -> Self {
        StoredEntry { bytes, file, offset }
    }

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

    /// The file that it stands in now, such as `wal/0.wal`; the newest entries move once, when their segment is sealed.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The offset of its first byte in that file.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

const NO_CHECKPOINT: Error =
    Error::LedgerCorrupt { offset: 0, reason: "the file `checkpoint` is missing: open the ledger for writing once" };

/// Reads entries until there are as many as the checkpoint says, and compares the root.
fn extend(view: &mut View, checkpoint: &Checkpoint) -> Result<()> {
    while view.size() < checkpoint.size {
        let Some((record, bytes)) = view.next_record()? else {
            let reason = "the log of entries ends or is damaged before the newest checkpoint";
            return Err(Error::LedgerCorrupt { offset: view.end, reason });
        };
        view.take(&record, &bytes)?;
    }
    if view.size() != checkpoint.size || view.root_at(checkpoint.size)? != checkpoint.root {
        return Err(Error::RootMismatch { tree_size: checkpoint.size });
    }
    Ok(())
}

/// A reader: sees the ledger as it was at one checkpoint, holds no lock, disturbs no writer.
#[derive(Debug)]
pub struct LedgerReader {
    location: Location,
    view: View,
    checkpoint: Checkpoint,
    note: String,
}

impl LedgerReader {
    /// Opens the ledger at this place at its newest released checkpoint.
    ///
    /// # Errors
    /// `LedgerIo` when a file cannot be read; `LedgerCorrupt` with the offset, or `RootMismatch`, when the files do not
    /// agree with the checkpoint. Verification says more about such a ledger.
    pub fn open<L: Into<Location>>(location: L) -> Result<Self> {
        let location = location.into();
        let mut view = View::open(location.open()?)?;
        // Read after the segments: a checkpoint is released before what it covers is sealed.
        let (checkpoint, note) = view.released()?.ok_or(NO_CHECKPOINT)?;
        extend(&mut view, &checkpoint)?;
        Ok(LedgerReader { location, view, checkpoint, note })
    }

    /// The sealed segments: their entries, and the root of each by itself.
    pub fn segment_roots(&self) -> impl ExactSizeIterator<Item = (Range<u64>, Hash)> {
        let length = 1u64 << self.view.genesis.segment_bits();
        let roots = self.view.sealed.lowest().iter().copied().enumerate();
        roots.map(move |(number, root)| (number as u64 * length..(number as u64 + 1) * length, root))
    }

    /// Goes forward to the newest released checkpoint, reading only what is new; says whether there was anything.
    ///
    /// # Errors
    /// As [`LedgerReader::open`], and `LedgerCorrupt` when the checkpoint went back: an older copy of the directory.
    pub fn refresh(&mut self) -> Result<bool> {
        let (checkpoint, note) = self.view.released()?.ok_or(NO_CHECKPOINT)?;
        if checkpoint.size < self.checkpoint.size {
            return Err(Error::LedgerCorrupt { offset: 0, reason: "the checkpoint is older than the one read before" });
        }
        let grew = checkpoint.size > self.checkpoint.size;
        if grew && extend(&mut self.view, &checkpoint).is_err() {
            // The writer has sealed segments meanwhile and goes on in another log.
            let newer = LedgerReader::open(self.location.clone())?;
            if newer.root_at(self.checkpoint.size)? != self.checkpoint.root {
                return Err(Error::RootMismatch { tree_size: self.checkpoint.size });
            }
            *self = newer;
            return Ok(true);
        }
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
    /// `InvalidArgument` when there is no such entry; `LedgerCorrupt` when the bytes are not those that were signed.
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
        self.view.leaf(index)
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

    /// The first `width` hashes of a tile of C2SP tlog-tiles, 32 bytes each; [`tile_width`](super::tile_width)
    /// says how many there are.
    ///
    /// # Errors
    /// `InvalidArgument` when the tree has no such tile, and as [`LedgerReader::entry`].
    pub fn tile(&self, level: u32, number: u64, width: u64) -> Result<Vec<u8>> {
        tiles::tile(&self.view, level, number, width, self.size())
    }

    /// The first `width` entries of a C2SP entry bundle, each after its length in two bytes.
    ///
    /// # Errors
    /// As [`LedgerReader::tile`].
    pub fn bundle(&self, number: u64, width: u64) -> Result<Vec<u8>> {
        tiles::bundle(&self.view, number, width, self.size())
    }

    /// The proof of one entry in the tree of this reader's checkpoint, with the entry and the checkpoint in it.
    ///
    /// # Errors
    /// As [`LedgerReader::entry`].
    pub fn prove(&self, index: u64) -> Result<TlogProof> {
        Ok(TlogProof {
            hash: self.genesis().hash(),
            index,
            extra: Some(self.entry(index)?.bytes().to_vec()),
            proof: self.inclusion_proof(index, self.size())?,
            checkpoint: self.note.clone(),
        })
    }

    /// The proof that the entries [start, end) are those of the first `size`: for `proof::verify_subtree_consistency`.
    ///
    /// # Errors
    /// As the inclusion proof; [start, end) is a subtree when its start is a multiple of the next power of two from its
    /// length on.
    pub fn subtree_proof(&self, start: u64, end: u64, size: u64) -> Result<Vec<Hash>> {
        self.view.subtree_proof(start, end, size)
    }

    /// The root of the entries [start, end) alone.
    ///
    /// # Errors
    /// As the subtree proof.
    pub fn subtree_root(&self, start: u64, end: u64) -> Result<Hash> {
        self.view.subtree_root(start, end)
    }
}
