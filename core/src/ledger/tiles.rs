//! The same tree as C2SP tlog-tiles: what stands in each of its static files, from the ledger's own.
//!
//! A bundle and a level-0 tile are byte ranges of a segment; the tiles above come from the hashes of level 8. Everything
//! is compared with the signed root before it is given.

use super::frames;
use super::segment::{BUNDLE, BUNDLE_BITS};
use super::view::View;
use crate::{Error, Result};

/// The most levels of tiles in a tree of 2^64 entries.
pub const MAX_TILE_LEVELS: u32 = 8;

/// How many hashes tile `number` of `level` holds in a tree of `size` entries, at most 256; at level 0 also the entries
/// of bundle `number`.
pub fn tile_width(level: u32, number: u64, size: u64) -> u64 {
    if level >= MAX_TILE_LEVELS {
        return 0;
    }
    let nodes = size >> (BUNDLE_BITS * level);
    nodes.saturating_sub(number.saturating_mul(BUNDLE)).min(BUNDLE)
}

fn check(level: u32, number: u64, width: u64, size: u64) -> Result<()> {
    if width == 0 || width > tile_width(level, number, size) {
        return Err(Error::InvalidArgument { field: "width", reason: "the tree has no such tile" });
    }
    Ok(())
}

/// The first `width` hashes of a tile.
pub(super) fn tile(view: &View, level: u32, number: u64, width: u64, size: u64) -> Result<Vec<u8>> {
    check(level, number, width, size)?;
    let first = number * BUNDLE;
    let mut out = Vec::with_capacity(width as usize * 32);
    for at in first..first + width {
        out.extend_from_slice(&view.node(BUNDLE_BITS * level, at)?);
    }
    Ok(out)
}

/// The first `width` entries of a bundle, each after its length.
pub(super) fn bundle(view: &View, number: u64, width: u64, size: u64) -> Result<Vec<u8>> {
    check(0, number, width, size)?;
    if width == BUNDLE
        && let Some(bytes) = view.sealed_bundle(number)?
    {
        return Ok(bytes);
    }
    let first = number * BUNDLE;
    let mut out = Vec::new();
    for index in first..first + width {
        frames::push(&mut out, view.entry(index)?.bytes());
    }
    Ok(out)
}
