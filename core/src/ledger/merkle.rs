//! The RFC 6962 Merkle tree over SHA-256 or SM3: leaf and node hashes, and compact ranges.
//!
//! A compact range [begin, end) holds the roots of the perfect subtrees that cover it, at most 2·log2(n) hashes.
//! Neighbouring ranges join in O(log n), in any grouping: this is what lets verification run in parts.

use core::ops::Range;

use crate::hash::HashAlgorithm;
use crate::{Error, Result, cpu};

/// A leaf hash, node hash or root.
pub type Hash = [u8; 32];

/// The hash of a leaf: H(0x00 ‖ entry).
///
/// # Source
/// RFC 6962, clause 2.1.
pub fn leaf_hash(hash: HashAlgorithm, entry: &[u8]) -> Hash {
    let mut hasher = hash.hasher();
    hasher.update(&[0]);
    hasher.update(entry);
    hasher.finalize()
}

/// The hash of an inner node: H(0x01 ‖ left ‖ right).
///
/// # Source
/// RFC 6962, clause 2.1.
pub fn node_hash(hash: HashAlgorithm, left: &Hash, right: &Hash) -> Hash {
    let mut message = [1; 65];
    message[1..33].copy_from_slice(left);
    message[33..].copy_from_slice(right);
    hash.digest(&message)
}

/// The leaf hashes of the entries at these places of `bytes`.
pub(super) fn leaf_hashes(hash: HashAlgorithm, bytes: &[u8], entries: &[Range<usize>], threads: usize) -> Vec<Hash> {
    let mut leaves = vec![[0; 32]; entries.len()];
    let message = |i: usize| [&[0][..], &bytes[entries[i].clone()]];
    hash.digest_each_with(cpu::hash_backend(), message, &mut leaves, threads);
    leaves
}

/// Appends the leaf hashes of the entries at these places of `bytes`.
pub(super) fn extend_leaf_hashes(hash: HashAlgorithm, bytes: &[u8], entries: &[Range<usize>], leaves: &mut Vec<Hash>) {
    let start = leaves.len();
    leaves.resize(start + entries.len(), [0; 32]);
    let message = |i: usize| [&[0][..], &bytes[entries[i].clone()]];
    hash.digest_each_with(cpu::hash_backend(), message, &mut leaves[start..], 1);
}

/// The hashes of the nodes above these, which come in pairs.
pub(super) fn node_hashes(hash: HashAlgorithm, pairs: &[[Hash; 2]]) -> Vec<Hash> {
    let mut nodes = vec![[0; 32]; pairs.len()];
    let message = |i: usize| [&[1][..], pairs[i].as_flattened()];
    hash.digest_each_with(cpu::hash_backend(), message, &mut nodes, 1);
    nodes
}

/// The root of a tree without leaves: H(""), for comparison only. Proofs about it are errors.
pub fn empty_root(hash: HashAlgorithm) -> Hash {
    hash.digest(&[])
}

/// A perfect subtree: leaves [number << level, (number + 1) << level).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Node {
    level: u32,
    number: u64,
    hash: Hash,
}

/// The leaves [begin, end) of a tree, as the roots of the fewest perfect subtrees that cover them.
///
/// # Source
/// `docs/compact_ranges.md` of transparency-dev/merkle, for the idea.
///
/// # Examples
/// ```
/// use sealcore::hash::HashAlgorithm;
/// use sealcore::ledger::merkle::{CompactRange, leaf_hash};
/// let hash = HashAlgorithm::Sha256;
/// let mut left = CompactRange::new(hash, 0);
/// left.append(&leaf_hash(hash, b"a"))?;
/// let mut right = CompactRange::new(hash, 1);
/// right.append(&leaf_hash(hash, b"b"))?;
/// left.join(&right)?;
/// assert_eq!((left.begin(), left.end()), (0, 2));
/// # Ok::<(), sealcore::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactRange {
    hash: HashAlgorithm,
    begin: u64,
    end: u64,
    nodes: Vec<Node>,
}

impl CompactRange {
    /// The empty range [begin, begin).
    pub fn new(hash: HashAlgorithm, begin: u64) -> Self {
        CompactRange { hash, begin, end: begin, nodes: Vec::new() }
    }

    /// The first leaf of the range.
    pub fn begin(&self) -> u64 {
        self.begin
    }

    /// The leaf after the last one.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The subtree roots, left to right.
    pub fn hashes(&self) -> impl ExactSizeIterator<Item = &Hash> {
        self.nodes.iter().map(|node| &node.hash)
    }

    /// Appends the leaf `end`.
    ///
    /// # Errors
    /// `InvalidArgument` when the range already ends at 2^64 - 1.
    pub fn append(&mut self, leaf: &Hash) -> Result<()> {
        let number = self.end;
        self.end = number
            .checked_add(1)
            .ok_or(Error::InvalidArgument { field: "range", reason: "no tree has 2^64 leaves" })?;
        self.push(Node { level: 0, number, hash: *leaf });
        Ok(())
    }

    /// The range [begin, end) with these subtree roots: `node(level, number)` is that of the leaves [number << level,
    /// (number + 1) << level).
    ///
    /// # Errors
    /// Those of `node`.
    pub(super) fn covering(
        hash: HashAlgorithm,
        begin: u64,
        end: u64,
        node: &mut dyn FnMut(u32, u64) -> Result<Hash>,
    ) -> Result<Self> {
        let (mut nodes, mut at) = (Vec::new(), begin);
        while at < end {
            let level = (63 - (end - at).leading_zeros()).min(at.trailing_zeros());
            let number = at >> level;
            nodes.push(Node { level, number, hash: node(level, number)? });
            at += 1 << level;
        }
        Ok(CompactRange { hash, begin, end, nodes })
    }

    /// Appends the perfect subtree of 2^`level` leaves that begins at `end`.
    ///
    /// # Errors
    /// `InvalidArgument` when none begins there.
    pub(super) fn append_perfect(&mut self, level: u32, root: &Hash) -> Result<()> {
        const UNALIGNED: Error = Error::InvalidArgument { field: "range", reason: "no perfect subtree begins there" };
        let number = self.end >> level;
        if number << level != self.end {
            return Err(UNALIGNED);
        }
        self.end = self.end.checked_add(1 << level).ok_or(UNALIGNED)?;
        self.push(Node { level, number, hash: *root });
        Ok(())
    }

    /// Appends a range that begins where this one ends.
    ///
    /// # Errors
    /// `InvalidArgument` when it begins elsewhere or uses another hash.
    pub fn join(&mut self, right: &CompactRange) -> Result<()> {
        if right.begin != self.end || right.hash != self.hash {
            return Err(Error::InvalidArgument {
                field: "range",
                reason: "must begin where the other ends, with the same hash",
            });
        }
        self.end = right.end;
        for node in &right.nodes {
            self.push(*node);
        }
        Ok(())
    }

    /// The RFC 6962 root of the tree with `end` leaves; for a range that does not begin at 0, `None`.
    pub fn root(&self) -> Option<Hash> {
        if self.begin != 0 {
            return None;
        }
        let mut nodes = self.nodes.iter().rev();
        let Some(last) = nodes.next() else { return Some(empty_root(self.hash)) };
        Some(nodes.fold(last.hash, |right, left| node_hash(self.hash, &left.hash, &right)))
    }

    fn push(&mut self, mut node: Node) {
        while let Some(left) = self.nodes.last()
            && left.level == node.level
            && left.number & 1 == 0
            && left.number + 1 == node.number
        {
            node = Node {
                level: node.level + 1,
                number: node.number >> 1,
                hash: node_hash(self.hash, &left.hash, &node.hash),
            };
            self.nodes.pop();
        }
        self.nodes.push(node);
    }
}

/// Perfect nodes kept by level, from leaf level `base` of the tree upwards: level `base + k`, number i is
/// `levels[k][i - (first >> k)]`.
#[derive(Clone, Debug)]
pub(super) struct Pyramid {
    hash: HashAlgorithm,
    /// Number of the first node at the lowest level; a multiple of the width that will be filled.
    first: u64,
    levels: Vec<Vec<Hash>>,
}

impl Pyramid {
    pub(super) fn new(hash: HashAlgorithm, first: u64) -> Self {
        Pyramid { hash, first, levels: vec![Vec::new()] }
    }

    /// Appends a node at the lowest level, and every perfect node above that it completes.
    pub(super) fn push(&mut self, lowest: Hash) {
        let mut node = lowest;
        for level in 0.. {
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            self.levels[level].push(node);
            let count = self.levels[level].len();
            if !count.is_multiple_of(2) {
                break;
            }
            node = node_hash(self.hash, &self.levels[level][count - 2], &self.levels[level][count - 1]);
        }
    }

    /// The perfect nodes above these lowest ones, which are all of a perfect subtree or of the start of one.
    pub(super) fn of(hash: HashAlgorithm, first: u64, lowest: Vec<Hash>) -> Self {
        let mut levels = vec![lowest];
        while let Some(below) = levels.last()
            && below.len() > 1
        {
            let nodes = node_hashes(hash, below.as_chunks::<2>().0);
            levels.push(nodes);
        }
        Pyramid { hash, first, levels }
    }

    /// Forgets all but the first `count` nodes of the lowest level.
    pub(super) fn truncate(&mut self, count: usize) {
        for (level, nodes) in self.levels.iter_mut().enumerate() {
            nodes.truncate(count >> level);
        }
    }

    /// The node `number` at `level` above the lowest.
    pub(super) fn node(&self, level: u32, number: u64) -> Option<&Hash> {
        let at = number.checked_sub(self.first >> level)?;
        self.levels.get(level as usize)?.get(usize::try_from(at).ok()?)
    }

    /// The nodes `level` above the lowest.
    pub(super) fn level(&self, level: u32) -> &[Hash] {
        self.levels.get(level as usize).map_or(&[], Vec::as_slice)
    }

    /// The nodes of the lowest level.
    pub(super) fn lowest(&self) -> &[Hash] {
        &self.levels[0]
    }
}
