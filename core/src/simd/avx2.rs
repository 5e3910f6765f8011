//! SHA-256 and SM3 in lanes of AVX2: a message a lane, eight lanes a group. And SM3 of one stream.

mod compress;
mod digest;
mod stream;

use super::Function;
use crate::cpu::{HasAvx2, HasBmi};

/// Messages in a group.
pub(crate) const GROUP: usize = 8;

/// Hashes messages side by side, in groups of eight from the first on.
///
/// A message is given in two parts, the first less than a block. The messages come in descending order of their
/// numbers of blocks, and of fewer than 2^37 bytes. A group runs as long as `least` of its messages have blocks left,
/// or one of a group of fewer. Those that have more are not finished: instead of a digest their state, big-endian, is
/// written, after as many blocks as the message number `least` of the group has. The time depends on the lengths only.
pub(crate) fn digests(_: HasAvx2, function: Function, messages: &[[&[u8]; 2]], least: usize, out: &mut [[u8; 32]]) {
    assert_eq!(messages.len(), out.len());
    // SAFETY: the token proves that the processor has the instructions.
    unsafe { digest::digests(function, messages, least, out) }
}

/// Absorbs blocks, as many into one state as into another. Constant time.
pub(crate) fn compress(_: HasAvx2, function: Function, states: &mut [[u32; 8]; GROUP], blocks: [&[[u8; 64]]; GROUP]) {
    assert!(blocks.iter().all(|blocks_of_one| blocks_of_one.len() == blocks[0].len()));
    // SAFETY: the token proves that the processor has the instructions.
    unsafe { digest::compress(function, states, blocks) }
}

/// Absorbs `blocks` into `state` by SM3. Constant time.
pub(crate) fn sm3(_: HasBmi, state: &mut [u32; 8], blocks: &[[u8; 64]]) {
    // SAFETY: the token proves that the processor has the instructions.
    unsafe { stream::sm3(state, blocks) }
}
