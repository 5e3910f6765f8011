//! Decisions without branches.

use crate::simd::opaque;
use core::hint::black_box;

/// A secret yes or no: a mask of all ones or all zeros, never branched on.
#[derive(Clone, Copy, Debug)]
pub struct Choice(u64);

impl Choice {
    /// From 0 or 1.
    #[inline(always)]
    pub fn from_bit(bit: u64) -> Self {
        Choice(opaque(bit).wrapping_neg())
    }

    /// Whether `word` is zero.
    #[inline(always)]
    pub fn is_zero(word: u64) -> Self {
        Choice::from_bit(1 ^ ((word | word.wrapping_neg()) >> 63))
    }

    /// All ones for yes.
    #[inline(always)]
    pub fn mask(self) -> u64 {
        self.0
    }

    /// Both.
    #[inline(always)]
    pub fn and(self, other: Self) -> Self {
        Choice(self.0 & other.0)
    }

    /// The opposite.
    #[inline(always)]
    pub fn not(self) -> Self {
        Choice(!self.0)
    }

    /// `yes` or `no`.
    #[inline(always)]
    pub fn select(self, yes: u64, no: u64) -> u64 {
        no ^ (self.0 & (yes ^ no))
    }

    /// Makes the decision public, so that it may be branched on.
    ///
    /// Every call says why the decision is no secret. The constant-time test allows this one function (by name)
    /// to use a secret as an index; the value that it loads counts as public from then on.
    #[inline(never)]
    pub fn reveal(self) -> bool {
        static PUBLIC: [bool; 2] = [false, true];
        black_box(&PUBLIC)[(black_box(self.0) & 1) as usize]
    }
}
