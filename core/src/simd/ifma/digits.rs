//! Scalars in eight lanes, cut into odd signed digits.

use super::field::{Loose, Operand};
use super::lanes::{V, add, and, load, or, set, shift_right, zero};
use super::order;
use super::prime::{Prime, difference};
use core::arch::x86_64::{
    _mm512_cmplt_epi64_mask, _mm512_mask_xor_epi64, _mm512_shrdi_epi64, _mm512_shrdv_epi64, _mm512_srlv_epi64,
    _mm512_test_epi64_mask, _mm512_xor_si512,
};

/// Windows of this width that cover a scalar: K < 2^256, and the top bit is set besides.
pub(crate) const fn windows(width: usize) -> usize {
    256_usize.div_ceil(width)
}

/// The windows of the least width in use, 4.
pub(super) const MAX_WINDOWS: usize = windows(4);

/// Scalars k as ± an odd K < n: K or n - K, so that all digits are odd and none is zero.
///
/// With h = (K >> 1) | 2^(width · windows - 1) and u the windows of h, the digits are 2u - (2^width - 1).
pub(super) struct Digits {
    halved: [V; 6],
    /// The lanes in which K = n - k.
    negated: u8,
    width: usize,
}

impl Digits {
    /// Bound: digits, 1 <= k < n; width <= 16. Constant time.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn new<P: Prime>(k: &Loose, width: usize) -> Self {
        let opposite = order::modulus::<P>().sub(k).carry().digits();
        let odd = _mm512_test_epi64_mask(k.0[0], set(1));
        let w = Loose::select(odd, k, &opposite).to_words();
        let mut halved = [
            _mm512_shrdi_epi64::<1>(w[0], w[1]),
            _mm512_shrdi_epi64::<1>(w[1], w[2]),
            _mm512_shrdi_epi64::<1>(w[2], w[3]),
            shift_right::<1>(w[3]),
            zero(),
            zero(),
        ];
        let top = width * windows(width) - 1;
        halved[top / 64] = or(halved[top / 64], set(1 << (top % 64)));
        Digits { halved, negated: !odd, width }
    }

    /// Digit `window` as (|digit| - 1) / 2 in each lane, and the lanes in which it is negative.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn digit(&self, window: usize) -> (V, u8) {
        let (limb, shift) = (self.width * window / 64, self.width * window % 64);
        let u = _mm512_shrdv_epi64(self.halved[limb], self.halved[limb + 1], set(shift as u64));
        self.signed(u)
    }

    /// Digits 8·group .. 8·group + 8 of windows of 4 bits, one a lane, as [`Digits::digit`] gives them, when all
    /// lanes hold the same scalar.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn nibbles(&self, group: usize) -> (V, u8) {
        let shift = add(set(32 * (group as u64 & 1)), load(&[0, 4, 8, 12, 16, 20, 24, 28]));
        self.signed(_mm512_srlv_epi64(self.halved[group / 2], shift))
    }

    /// The digits of windows whose low bits are u.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    fn signed(&self, u: V) -> (V, u8) {
        let mask = set((1 << self.width) - 1);
        let half = set(1 << (self.width - 1));
        let u = and(u, mask);
        let negative = _mm512_cmplt_epi64_mask(u, half);
        // u - half for u >= half, else half - 1 - u, which is its complement.
        let index = _mm512_xor_si512(u, half);
        (_mm512_mask_xor_epi64(index, negative, index, mask), negative ^ self.negated)
    }
}

/// One public scalar, cut in the same way.
pub(super) struct One {
    halved: [u64; 6],
    negated: bool,
    width: usize,
}

impl One {
    /// Bound: 1 <= k < n; width <= 16.
    pub(super) fn new_vartime<P: Prime>(k: &[u64; 4], width: usize) -> Self {
        let negated = k[0] & 1 == 0;
        let k = if negated { difference(P::N_WORDS, *k) } else { *k };
        let mut halved = [0; 6];
        for i in 0..4 {
            halved[i] = (k[i] >> 1) | k.get(i + 1).map_or(0, |next| next << 63);
        }
        let top = width * windows(width) - 1;
        halved[top / 64] |= 1 << (top % 64);
        One { halved, negated, width }
    }

    /// Digit `window` as (|digit| - 1) / 2, and whether it is negative.
    pub(super) fn digit_vartime(&self, window: usize) -> (usize, bool) {
        let (limb, shift) = (self.width * window / 64, self.width * window % 64);
        let pair = u128::from(self.halved[limb + 1]) << 64 | u128::from(self.halved[limb]);
        let half = 1 << (self.width - 1);
        let u = (pair >> shift) as usize & (2 * half - 1);
        if u >= half { (u - half, self.negated) } else { (half - 1 - u, !self.negated) }
    }
}

/// One 256-bit number a lane, from big-endian words. Bound: out < 2^256.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn number(w: [V; 4]) -> Loose {
    Operand::from_words(&w).digits()
}
