//! Integers mod n, and their recoding into digits for multiplication.

use super::limbs::subtract;
use super::{Choice, Curve, Modulus, Residue};

/// An integer mod n of curve `C`.
pub type Scalar<C> = Residue<<C as Curve>::N>;

/// A scalar k as ± an odd K < n, for windows of W bits, whose digits are odd, positive or negative.
pub(super) struct OddDigits<const W: usize> {
    /// (K >> 1) + 2^(W · WINDOWS - 1), whose windows u give the digits 2u + 1 - 2^W.
    halved: [u64; 5],
    /// Whether K = n - k.
    pub(super) negated: Choice,
}

impl<const W: usize> OddDigits<W> {
    /// As many as n has bits, or a few more.
    pub(super) const WINDOWS: usize = 256_usize.div_ceil(W);
    /// Digits of one sign.
    pub(super) const DIGITS: usize = 1 << (W - 1);

    /// Bound: 1 <= k < n. Constant time.
    pub(super) fn new<N: Modulus>(k: Residue<N>) -> Self {
        let k = k.to_canonical();
        let (opposite, _) = subtract(N::M, k);
        let odd = Choice::from_bit(k[0] & 1);
        let mut limbs = [0u64; 5];
        for i in 0..4 {
            limbs[i] = odd.select(k[i], opposite[i]);
        }
        let mut halved = [0u64; 5];
        for i in 0..4 {
            halved[i] = (limbs[i] >> 1) | (limbs[i + 1] << 63);
        }
        let top = W * Self::WINDOWS - 1;
        halved[top / 64] |= 1 << (top % 64);
        OddDigits { halved, negated: odd.not() }
    }

    /// Digit `window` as (|digit| - 1) / 2 in 0..DIGITS and whether it is negative. Constant time.
    #[inline(always)]
    pub(super) fn digit(&self, window: usize) -> (u64, Choice) {
        let u = self.window(window);
        // For u >= DIGITS the index is u - DIGITS, else it is DIGITS - 1 - u, the complement of the low bits.
        let negative = Choice::from_bit((u >> (W - 1)) ^ 1);
        ((u ^ negative.mask()) & (Self::DIGITS as u64 - 1), negative)
    }

    /// The same for a public scalar.
    #[inline(always)]
    pub(super) fn digit_vartime(&self, window: usize) -> (usize, bool) {
        let u = self.window(window) as usize;
        if u >= Self::DIGITS { (u - Self::DIGITS, false) } else { (Self::DIGITS - 1 - u, true) }
    }

    /// Bits W·window .. W·window + W.
    #[inline(always)]
    fn window(&self, window: usize) -> u64 {
        let (limb, shift) = (W * window / 64, W * window % 64);
        let mut word = self.halved[limb] >> shift;
        if shift > 64 - W {
            word |= self.halved[limb + 1] << (64 - shift);
        }
        word & ((1 << W) - 1)
    }
}

impl<const W: usize> zeroize::Zeroize for OddDigits<W> {
    fn zeroize(&mut self) {
        self.halved.zeroize();
    }
}

/// Width-5 non-adjacent form of k < 2^256: digits zero or odd, |digit| < 16. Variable time.
pub(super) fn wnaf_vartime(k: [u64; 4]) -> [i8; 257] {
    const WIDTH: usize = 5;
    let mut digits = [0i8; 257];
    let mut carry = 0;
    let mut position = 0;
    while position < 257 {
        let bit = if position < 256 { (k[position / 64] >> (position % 64)) & 1 } else { 0 };
        if bit == carry {
            position += 1;
            continue;
        }
        let (limb, shift) = (position / 64, position % 64);
        let mut word = if limb < 4 { k[limb] >> shift } else { 0 };
        if shift > 64 - WIDTH && limb < 3 {
            word |= k[limb + 1] << (64 - shift);
        }
        let value = (word & ((1 << WIDTH) - 1)).wrapping_add(carry);
        carry = (value >> (WIDTH - 1)) & 1;
        digits[position] = value as i8 - ((carry as i8) << WIDTH);
        position += WIDTH;
    }
    digits
}
