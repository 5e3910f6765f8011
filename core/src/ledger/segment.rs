//! Sealed segments: 2^k entries as consecutive C2SP entry bundles, and beside them their tiles. Bytes only, no disk.
//!
//! `seg/N.slg` is a header of 4 KiB, the bundles, their offsets, a footer. `seg/N.slh` is the level-0 tiles and the
//! hashes of level 8, which can be computed again. Both are written once. What they hold is vouched for by the root that
//! signed checkpoints contain; the CRC is against rot in what no hash covers.

use super::crc::crc32c;
use super::merkle::{Hash, Pyramid};
use crate::hash::HashAlgorithm;

/// log2 of the entries in a bundle and the hashes in a tile (C2SP tlog-tiles).
pub(super) const BUNDLE_BITS: u32 = 8;
pub(super) const BUNDLE: u64 = 1 << BUNDLE_BITS;
/// Bytes before the first bundle.
pub(super) const HEADER: usize = 4096;
pub(super) const FOOTER: usize = 128;
const MAGIC: &[u8; 8] = b"sealslg1";
const END_MAGIC: &[u8; 8] = b"sealend1";

pub(super) fn entries_name(number: u64) -> String {
    format!("seg/{number}.slg")
}

pub(super) fn hashes_name(number: u64) -> String {
    format!("seg/{number}.slh")
}

/// The bytes of the offsets: where each bundle starts, and where the last one ends, from the start of the file.
pub(super) fn table_length(bits: u32) -> usize {
    ((1usize << (bits - BUNDLE_BITS)) + 1) * 8
}

/// The bytes after the last bundle.
pub(super) fn end_length(bits: u32) -> usize {
    table_length(bits) + FOOTER
}

/// Where the tile of a bundle stands in the file of hashes, and where the hashes of level 8 begin.
pub(super) fn tile_offset(bundle: u64) -> u64 {
    bundle * BUNDLE * 32
}

/// The length of the file of hashes.
pub(super) fn hashes_length(bits: u32) -> u64 {
    (1u64 << bits) * 32 + (1u64 << (bits - BUNDLE_BITS)) * 32
}

/// The header of a segment.
pub(super) fn header(number: u64, bits: u32, hash: HashAlgorithm, ledger_id: &Hash) -> [u8; HEADER] {
    let mut out = [0; HEADER];
    out[..8].copy_from_slice(MAGIC);
    out[8..16].copy_from_slice(&number.to_be_bytes());
    out[16] = bits as u8;
    out[17] = match hash {
        HashAlgorithm::Sha256 => 1,
        HashAlgorithm::Sm3 => 2,
    };
    out[24..56].copy_from_slice(ledger_id);
    out
}

/// What stands after the bundles of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// Where each bundle starts, and where the last one ends.
    pub(super) offsets: Vec<u64>,
    /// The root of the entries of this segment alone.
    pub(super) root: Hash,
    /// `prev` of its first entry.
    pub(super) first_prev: Hash,
    /// The leaf hash of its last entry.
    pub(super) last_leaf: Hash,
}

impl End {
    /// The table and the footer.
    pub(super) fn encode(&self, header: &[u8; HEADER]) -> Vec<u8> {
        let mut out: Vec<u8> = self.offsets.iter().flat_map(|offset| offset.to_be_bytes()).collect();
        let entries = (self.offsets.len() as u64).saturating_sub(1) * BUNDLE;
        for hash in [&self.root, &self.first_prev, &self.last_leaf] {
            out.extend_from_slice(hash);
        }
        out.extend_from_slice(&entries.to_be_bytes());
        out.extend_from_slice(&[0; 12]);
        out.extend_from_slice(&crc32c(&[header, &out]).to_be_bytes());
        out.extend_from_slice(END_MAGIC);
        out
    }

    /// Reads the table and the footer; `None` when they are not what was written after this header.
    pub(super) fn decode(bytes: &[u8], bits: u32, header: &[u8; HEADER]) -> Option<Self> {
        let table = table_length(bits);
        if bytes.len() != end_length(bits) {
            return None;
        }
        let hash = |at: usize| bytes.get(table + at..)?.first_chunk::<32>().copied();
        let end = End {
            offsets: bytes[..table].as_chunks::<8>().0.iter().map(|offset| u64::from_be_bytes(*offset)).collect(),
            root: hash(0)?,
            first_prev: hash(32)?,
            last_leaf: hash(64)?,
        };
        let plausible = end.offsets[0] == HEADER as u64 && end.offsets.is_sorted();
        (plausible && end.encode(header) == bytes).then_some(end)
    }
}

/// The level-0 tiles and the hashes of level 8 of a segment.
pub(super) fn hashes(leaves: &Pyramid, number: u64, bits: u32) -> Option<Vec<u8>> {
    let entries = 1u64 << bits;
    let mut out = Vec::with_capacity(((entries + entries / BUNDLE) * 32) as usize);
    for (level, count) in [(0, entries), (BUNDLE_BITS, entries / BUNDLE)] {
        for at in 0..count {
            out.extend_from_slice(leaves.node(level, number * count + at)?);
        }
    }
    Some(out)
}
