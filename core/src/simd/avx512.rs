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
/// A message is given in two parts, the first less than a block and of one length in all. The messages come in descending order of their numbers of blocks, and of fewer than 2^37 bytes. A group runs as
/// long as `least` of its messages have blocks left, or one of a group of fewer. Those that have more are not
/// finished: instead of a digest their state, big-endian, is written, after as many blocks as the message number
/// `least` of the group has. The time depends on the lengths only.
pub(crate) fn digests(_: HasAvx512, function: Function, messages: &[[&[u8]; 2]], least: usize, out: &mut [[u8; 32]]) {
    // SAFETY: the token proves that the processor has the instructions.
    unsafe { digest::digests(function, messages, least, out) }
}

/// The first candidates for k of RFC 6979 (3.2, steps b to h.2, with the data of 3.6), sixteen at a time, as four
/// words, least first. Constant time.
///
/// `d`: the private key; `digests`: mod n, both big-endian; `hedges`: the additional data, or none.
pub(crate) fn nonces(
    _: HasAvx512,
    function: Function,
    d: &[u8; 32],
    digests: &[[u8; 32]; 16],
    hedges: Option<&[[u8; 32]; 16]>,
) -> [[u64; 4]; 16] {
    // SAFETY: the token `HasAvx512` proves that the processor has these instructions.
    unsafe { drbg::nonces(function, d, digests, hedges) }
}
