//! SHA-256 and SM3 in lanes of AVX-512, a message a lane, and the HMAC generator of nonces on top of them.

mod compress;
mod digest;
mod drbg;

use super::Function;
use crate::cpu::HasAvx512;

/// Messages in a group.
pub(crate) const GROUP: usize = 16;

/// Hashes messages side by side, in groups of sixteen from the first on.
///
/// A message is given in two parts, the first less than a block, and as long in every message. The messages come in
/// descending order of their numbers of blocks, and of fewer than 2^37 bytes. A group runs as long as `least` of its
/// messages have blocks left, or one of a group of fewer. Those that have more are not finished: instead of a digest
/// their state, big-endian, is written, after as many blocks as the message number `least` of the group has. The time
/// depends on the lengths only.
pub(crate) fn digests(_: HasAvx512, function: Function, messages: &[[&[u8]; 2]], least: usize, out: &mut [[u8; 32]]) {
    assert_eq!(messages.len(), out.len());
    // SAFETY: the token proves that the processor has the instructions.
    unsafe { digest::digests(function, messages, least, out) }
}

/// What the nonces of a batch have in common.
#[derive(Clone, Copy)]
pub(crate) struct Seed<'a> {
    pub(crate) function: Function,
    /// The states of the inner and the outer hash of HMAC with K = 0 after V || 0x00 || d, but for the last byte of d.
    pub(crate) states: [&'a [u32; 8]; 2],
    /// The private key, big-endian.
    pub(crate) d: &'a [u8; 32],
}

/// Nonces that are made side by side.
pub(crate) const NONCES: usize = 2 * GROUP;

/// The first candidates for k of RFC 6979 (3.2, steps b to h.2, with the data of 3.6) as four words, least first.
/// Constant time.
///
/// `digests`: mod n, big-endian, as many as `out`, at most [`NONCES`]; `hedges`: the additional data of each, or none.
pub(crate) fn nonces(
    _: HasAvx512,
    seed: Seed<'_>,
    digests: &[[u8; 32]],
    hedges: Option<&[[u8; 16]]>,
    out: &mut [[u64; 4]],
) {
    // SAFETY: the token `HasAvx512` proves that the processor has these instructions.
    unsafe {
        if out.len() <= GROUP {
            drbg::nonces::<1>(seed, digests, hedges, out);
        } else {
            drbg::nonces::<2>(seed, digests, hedges, out);
        }
    }
}
