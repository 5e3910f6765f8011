//! The index of a tree in memory: inner nodes from level 8 up, one offset per bundle of 256 entries.
//!
//! That is 72 bytes per 256 entries (3 MB for ten million); leaf hashes are not kept but computed again from their
//! bundle when a proof needs them. Bundles are those of C2SP tlog-tiles.

use std::sync::Arc;

use super::merkle::{Hash, Pyramid};
use super::proof::range_root;
use crate::hash::HashAlgorithm;
use crate::{Error, Result};

/// log2 of the entries in a bundle.
pub(super) const BUNDLE_BITS: u32 = 8;
const BUNDLE: usize = 1 << BUNDLE_BITS;

/// Gives the leaf hashes, and what is above them, of a bundle.
pub(super) type Load<'l> = dyn FnMut(u64) -> Result<Arc<Pyramid>> + 'l;

/// The index of the entries so far.
#[derive(Debug)]
pub(super) struct Index {
    hash: HashAlgorithm,
    size: u64,
    /// Where each bundle starts in `entries`.
    offsets: Vec<u64>,
    /// Where the last entry ends.
    end: u64,
    /// Nodes from level 8 up.
    upper: Pyramid,
    /// The bundle that is not full yet.
    tail: Pyramid,
}

impl Index {
    pub(super) fn new(hash: HashAlgorithm) -> Self {
        Index { hash, size: 0, offsets: vec![0], end: 0, upper: Pyramid::new(hash, 0), tail: Pyramid::new(hash, 0) }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Where the entries end in the file.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// The file range of a bundle, and its number of entries.
    pub(super) fn bundle(&self, number: u64) -> Option<(core::ops::Range<u64>, usize)> {
        let at = usize::try_from(number).ok()?;
        let start = *self.offsets.get(at)?;
        Some(match self.offsets.get(at + 1) {
            Some(next) => (start..*next, BUNDLE),
            None => (start..self.end, self.tail.len()),
        })
    }

    /// Appends a leaf whose entry takes `length` bytes in the file; gives the bundle that it completes.
    pub(super) fn push(&mut self, leaf: Hash, length: u64) -> Option<Arc<Pyramid>> {
        self.tail.push(leaf);
        self.size += 1;
        self.end += length;
        if self.tail.len() < BUNDLE {
            return None;
        }
        let full = core::mem::replace(&mut self.tail, Pyramid::new(self.hash, self.size));
        if let Some(root) = full.node(BUNDLE_BITS, (self.size - 1) >> BUNDLE_BITS) {
            self.upper.push(*root);
        }
        self.offsets.push(self.end);
        Some(Arc::new(full))
    }

    /// Whether this is what the index knows of the bundle: its root, or the leaves of the last one.
    pub(super) fn matches(&self, number: u64, bundle: &Pyramid) -> bool {
        match self.upper.node(0, number) {
            Some(root) => bundle.node(BUNDLE_BITS, number) == Some(root),
            None => number == self.size >> BUNDLE_BITS && bundle.lowest() == self.tail.lowest(),
        }
    }

    /// The root of the whole tree; needs no bundle.
    pub(super) fn root(&self) -> Result<Hash> {
        self.range(0, self.size, &mut |_| Err(Error::Internal { reason: "the root needs the last bundle only" }))
    }

    /// The root of a leaf range that a proof names.
    pub(super) fn range(&self, start: u64, end: u64, load: &mut Load<'_>) -> Result<Hash> {
        range_root(self.hash, start, end, &mut |level, number| self.node(level, number, load))
    }

    fn node(&self, level: u32, number: u64, load: &mut Load<'_>) -> Result<Hash> {
        const MISSING: Error = Error::Internal { reason: "a node of the tree is not in the index" };
        if level >= BUNDLE_BITS {
            return self.upper.node(level - BUNDLE_BITS, number).copied().ok_or(MISSING);
        }
        if let Some(node) = self.tail.node(level, number) {
            return Ok(*node);
        }
        load(number >> (BUNDLE_BITS - level))?.node(level, number).copied().ok_or(MISSING)
    }
}
