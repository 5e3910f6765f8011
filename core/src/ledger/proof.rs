//! Inclusion, consistency and subtree proofs of RFC 6962 trees.
//!
//! One recursion serves all three: a subtree [start, end) is consistent with the tree of `size` leaves. An inclusion
//! proof is the subtree [index, index + 1), a consistency proof the subtree [0, old size). Hashes must be exactly 32
//! bytes, empty trees and empty subtrees prove nothing and are errors.

use super::merkle::{Hash, node_hash};
use crate::hash::HashAlgorithm;
use crate::{Error, Result};

const fn invalid(reason: &'static str) -> Error {
    Error::InvalidProof { reason }
}

/// Checks that the entry with `leaf_hash` is entry `index` of the tree of `size` leaves with this root.
///
/// # Inputs
/// `leaf_hash`, `root` and every element of `proof` are 32 bytes; the proof runs from the leaf to the root.
///
/// # Errors
/// `InvalidProof` naming what does not fit.
///
/// # Source
/// RFC 6962, clause 2.1.1.
pub fn verify_inclusion<P: AsRef<[u8]>>(
    hash: HashAlgorithm,
    index: u64,
    size: u64,
    leaf_hash: &[u8],
    proof: &[P],
    root: &[u8],
) -> Result<()> {
    if index >= size {
        return Err(invalid("the index is not below the tree size"));
    }
    verify_subtree_consistency(hash, index, index + 1, size, leaf_hash, proof, root)
}

/// Checks that the tree of `old_size` leaves with `old_root` is a prefix of the tree of `new_size` leaves with `new_root`.
///
/// Between equal sizes nothing is hashed and the proof is empty: the roots must be the same bytes.
///
/// # Errors
/// `InvalidProof` naming what does not fit.
///
/// # Source
/// RFC 6962, clause 2.1.2.
pub fn verify_consistency<P: AsRef<[u8]>>(
    hash: HashAlgorithm,
    old_size: u64,
    new_size: u64,
    old_root: &[u8],
    proof: &[P],
    new_root: &[u8],
) -> Result<()> {
    if old_size == 0 {
        return Err(invalid("the old tree is empty: every tree extends it, nothing is proven"));
    }
    if old_size == new_size && proof.is_empty() {
        let same = old_root == new_root;
        return if same { Ok(()) } else { Err(invalid("two roots of one size differ")) };
    }
    verify_subtree_consistency(hash, 0, old_size, new_size, old_root, proof, new_root)
}

/// Checks that the entry with `leaf_hash` is entry `index` of the subtree [start, end) with this root.
///
/// # Errors
/// `InvalidProof` naming what does not fit.
///
/// # Source
/// draft-ietf-plants-merkle-tree-certs, clause 4; C2SP tlog-cosignature.
pub fn verify_subtree_inclusion<P: AsRef<[u8]>>(
    hash: HashAlgorithm,
    index: u64,
    start: u64,
    end: u64,
    leaf_hash: &[u8],
    proof: &[P],
    root: &[u8],
) -> Result<()> {
    check_subtree(start, end)?;
    if index < start || index >= end {
        return Err(invalid("the index is outside the subtree"));
    }
    verify_inclusion(hash, index - start, end - start, leaf_hash, proof, root)
}

/// Checks that the leaves [start, end) with root `subtree_root` are those of the tree of `size` leaves with this root.
///
/// # Errors
/// `InvalidProof` naming what does not fit. An empty subtree (start = end) is an error: it would prove nothing.
///
/// # Source
/// draft-ietf-plants-merkle-tree-certs, clause 4; C2SP tlog-cosignature.
pub fn verify_subtree_consistency<P: AsRef<[u8]>>(
    hash: HashAlgorithm,
    start: u64,
    end: u64,
    size: u64,
    subtree_root: &[u8],
    proof: &[P],
    root: &[u8],
) -> Result<()> {
    check_subtree(start, end)?;
    if end > size {
        return Err(invalid("the subtree ends after the tree"));
    }
    let subtree_root = hash_of(subtree_root)?;
    let root = hash_of(root)?;
    let proof = proof.iter().map(|p| hash_of(p.as_ref())).collect::<Result<Vec<Hash>>>()?;
    let mut left = proof.as_slice();
    let mut walk = Walk { hash, proof: &mut left, subtree_root };
    let (subtree, tree) = walk.subtree(start, end, size, true)?;
    if !left.is_empty() {
        return Err(invalid("holds more hashes than the sizes need"));
    }
    if subtree != subtree_root {
        return Err(invalid("does not lead to the root of the subtree or old tree"));
    }
    if tree != root {
        return Err(invalid("does not lead to the root"));
    }
    Ok(())
}

fn hash_of(bytes: &[u8]) -> Result<Hash> {
    bytes.try_into().map_err(|_| invalid("a hash is not exactly 32 bytes long"))
}

/// A subtree starts at a multiple of the smallest power of two that is not below its length.
fn check_subtree(start: u64, end: u64) -> Result<()> {
    if start >= end {
        return Err(invalid("the subtree is empty"));
    }
    match (end - start).checked_next_power_of_two() {
        Some(width) if start.is_multiple_of(width) => Ok(()),
        None if start == 0 => Ok(()),
        _ => Err(invalid("the subtree is not aligned to its width")),
    }
}

/// The largest power of two below n; n > 1.
fn split(n: u64) -> u64 {
    1 << (63 - (n - 1).leading_zeros())
}

/// Takes the proof from its end: the recursion meets the hashes nearest to the root first.
struct Walk<'a, 'p> {
    hash: HashAlgorithm,
    proof: &'a mut &'p [Hash],
    subtree_root: Hash,
}

impl Walk<'_, '_> {
    /// (root of the subtree, root of the tree) as the proof has them; depth at most 64.
    fn subtree(&mut self, start: u64, end: u64, size: u64, whole: bool) -> Result<(Hash, Hash)> {
        if start == 0 && end == size {
            let hash = if whole { self.subtree_root } else { self.take()? };
            return Ok((hash, hash));
        }
        let k = split(size);
        let sibling = self.take()?;
        Ok(if end <= k {
            let (subtree, tree) = self.subtree(start, end, k, whole)?;
            (subtree, node_hash(self.hash, &tree, &sibling))
        } else if start >= k {
            let (subtree, tree) = self.subtree(start - k, end - k, size - k, whole)?;
            (subtree, node_hash(self.hash, &sibling, &tree))
        } else {
            let (subtree, tree) = self.subtree(0, end - k, size - k, false)?;
            (node_hash(self.hash, &sibling, &subtree), node_hash(self.hash, &sibling, &tree))
        })
    }

    fn take(&mut self) -> Result<Hash> {
        let (last, rest) = self.proof.split_last().ok_or(invalid("holds fewer hashes than the sizes need"))?;
        *self.proof = rest;
        Ok(*last)
    }
}

/// The leaf ranges whose roots make up the inclusion proof of `index` in the tree of `size` leaves.
///
/// # Errors
/// `InvalidProof` when the index is not below the size.
pub fn inclusion_ranges(index: u64, size: u64) -> Result<Vec<(u64, u64)>> {
    if index >= size {
        return Err(invalid("the index is not below the tree size"));
    }
    subtree_ranges(index, index + 1, size)
}

/// The leaf ranges whose roots make up the consistency proof between two sizes.
///
/// # Errors
/// `InvalidProof` when the old tree is empty or larger than the new one.
pub fn consistency_ranges(old_size: u64, new_size: u64) -> Result<Vec<(u64, u64)>> {
    subtree_ranges(0, old_size, new_size)
}

/// The leaf ranges whose roots make up the proof that the subtree [start, end) is part of the tree of `size` leaves.
///
/// # Errors
/// `InvalidProof` when [start, end) is no subtree of the tree.
pub fn subtree_ranges(start: u64, end: u64, size: u64) -> Result<Vec<(u64, u64)>> {
    check_subtree(start, end)?;
    if end > size {
        return Err(invalid("the subtree ends after the tree"));
    }
    let (mut start, mut end, mut size, mut base, mut whole) = (start, end, size, 0, true);
    // Hardly any path is longer than the tree is high.
    let mut ranges = Vec::with_capacity(65 - size.leading_zeros() as usize);
    while !(start == 0 && end == size) {
        let k = split(size);
        if end <= k {
            ranges.push((base + k, base + size));
            size = k;
            continue;
        }
        ranges.push((base, base + k));
        if start < k {
            whole = false;
            start = k;
        }
        (start, end, size, base) = (start - k, end - k, size - k, base + k);
    }
    if !whole {
        ranges.push((base, base + size));
    }
    ranges.reverse();
    Ok(ranges)
}

/// The root of the leaves [start, end), from perfect nodes.
///
/// # Inputs
/// `node(level, number)` gives the root of the leaves [number << level, (number + 1) << level); `start` is a multiple
/// of the width of the range, as every range of this module is.
///
/// # Errors
/// Those of `node`.
pub(super) fn range_root(
    hash: HashAlgorithm,
    start: u64,
    end: u64,
    node: &mut dyn FnMut(u32, u64) -> Result<Hash>,
) -> Result<Hash> {
    let mut parts = Vec::with_capacity(1);
    let mut at = start;
    while at < end {
        let fits = 63 - (end - at).leading_zeros();
        let level = fits.min(at.trailing_zeros());
        parts.push(node(level, at >> level)?);
        at += 1 << level;
    }
    let mut parts = parts.into_iter().rev();
    let last = parts.next().ok_or(invalid("the range is empty"))?;
    Ok(parts.fold(last, |right, left| node_hash(hash, &left, &right)))
}
