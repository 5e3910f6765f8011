#![doc = include_str!("../../docs/ifma.md")]

mod comb;
mod digits;
mod field;
mod invert;
mod jacobian;
mod lanes;
mod order;
mod prime;
#[cfg(test)]
pub(crate) mod probe;
mod sign;
mod single;
mod table;
mod tree;
mod unknown;
mod verify;

pub(crate) use comb::Comb;
pub(crate) use digits::windows;
pub(crate) use prime::Prime;
pub(crate) use sign::Secret;
pub(crate) use single::{Coordinates, SPREAD_WIDTH, Spread};
pub(crate) use table::Table;
pub(crate) use verify::Claim;

use crate::cpu::HasIfma;

/// The table of the point whose multiples by 2^(width · i) are `bases`: x and y, canonical, least word first.
/// Variable time.
pub(crate) fn table<P: Prime>(_: HasIfma, width: usize, bases: &[[u64; 8]]) -> Table {
    // SAFETY: the token `HasIfma` proves that the processor has these instructions.
    unsafe { Table::build::<P>(width, bases) }
}

/// Verifies `out.len()` claims; `claim` and `key` give the claim at an index and the table of its key, all of one
/// width. Variable time.
pub(crate) fn verify<'a, P: Prime>(
    _: HasIfma,
    g: &Table,
    claim: impl Fn(usize) -> Claim<'a>,
    key: impl Fn(usize) -> &'a Table,
    out: &mut [bool],
) {
    // SAFETY: the token `HasIfma` proves that the processor has these instructions.
    unsafe { verify::verify::<P>(g, claim, key, out) }
}

/// Verifies `out.len()` claims by keys that have no tables: `key` gives x and y, least word first, a point of the
/// curve. Variable time.
pub(crate) fn verify_unknown<'a, P: Prime>(
    _: HasIfma,
    g: &Table,
    claim: impl Fn(usize) -> Claim<'a>,
    key: impl Fn(usize) -> [u64; 8],
    out: &mut [bool],
) {
    // SAFETY: the token `HasIfma` proves that the processor has these instructions.
    unsafe { unknown::verify::<P>(g, claim, key, out) }
}

/// The table for signing with the base point whose table this is. Bound: width at least 5.
pub(crate) fn comb(_: HasIfma, table: &Table) -> Comb {
    // SAFETY: the token `HasIfma` proves that the processor has these instructions.
    unsafe { Comb::new(table) }
}

/// Signs each digest with its nonce, and hands to `write` the index, 1 or, where the nonce gives no signature, 0, and r
/// and s. All numbers are words, least first. Constant time.
pub(crate) fn sign<P: Prime>(
    _: HasIfma,
    comb: &Comb,
    secret: Secret<'_>,
    digests: &[[u64; 4]],
    nonces: &[[u64; 4]],
    write: impl FnMut(usize, u64, [[u64; 4]; 2]),
) {
    // SAFETY: the token `HasIfma` proves that the processor has these instructions.
    unsafe { sign::sign::<P>(comb, secret, digests, nonces, write) }
}

/// The table for signing with one nonce, from a table of this point with windows of [`SPREAD_WIDTH`] bits.
pub(crate) fn spread(_: HasIfma, table: &Table) -> Spread {
    // SAFETY: the token `HasIfma` proves that the processor has these instructions.
    unsafe { Spread::new(table) }
}

/// k times the point of the table, for 1 <= k < n. Constant time.
pub(crate) fn multiply<P: Prime>(_: HasIfma, spread: &Spread, k: &[u64; 4]) -> Coordinates {
    // SAFETY: the token `HasIfma` proves that the processor has these instructions.
    unsafe { single::multiply::<P>(spread, k) }
}

/// u·G + v·Q for 1 <= u, v < n; nothing where an addition was exceptional, or the sum is infinity. Variable time.
///
/// Both tables have a multiple of eight windows.
pub(crate) fn combine<P: Prime>(_: HasIfma, g: &Table, q: &Table, u: &[u64; 4], v: &[u64; 4]) -> Option<Coordinates> {
    // SAFETY: the token `HasIfma` proves that the processor has these instructions.
    unsafe { single::combine::<P>(g, q, u, v) }
}
