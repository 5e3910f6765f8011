//! Tables of multiples, and multiplication with them.

use super::scalar::{OddDigits, WINDOW, WINDOWS, wnaf_vartime};
use super::{Affine, Choice, Curve, Jacobian, Residue, Scalar};
use zeroize::Zeroize;

/// Entries of one window: 1, 3, …, 63.
const ENTRIES: usize = 1 << (WINDOW - 1);

/// Odd multiples of a point P: entry j of window i is (2j + 1)·64^i·P. 43 windows of 32 entries, 86 KiB.
#[derive(Clone)]
pub struct FixedTable<C: Curve> {
    windows: Vec<[Affine<C>; ENTRIES]>,
}

impl<C: Curve> FixedTable<C> {
    /// The table of `point`. Variable time (the point is public).
    pub fn new(point: &Affine<C>) -> Self {
        let mut base = Jacobian::from(*point);
        let mut multiples = Vec::with_capacity(WINDOWS * ENTRIES);
        for _ in 0..WINDOWS {
            let double = base.double();
            let mut multiple = base;
            for _ in 0..ENTRIES {
                multiples.push(multiple);
                multiple = multiple.add_vartime(&double);
            }
            for _ in 0..WINDOW {
                base = base.double();
            }
        }
        // No entry is infinity: n is a prime, and no (2j + 1)·64^i with 2j + 1 < 64 is its multiple.
        let affine = Jacobian::many_to_affine(&multiples);
        FixedTable { windows: affine.as_chunks::<ENTRIES>().0.to_vec() }
    }

    /// k·P for 1 <= k < n. Constant time.
    ///
    /// All digits are odd, so the sum after i windows is an odd number below 64^i in absolute value, and the next
    /// summand is an odd multiple of 64^i: up to the last but one window, where everything is below 2^252 < n,
    /// sum and summand are never equal or opposite mod n. At the last they are not opposite, because K is not 0
    /// mod n, but may be equal for a few k: there the doubling is computed too.
    pub fn multiply(&self, k: &Scalar<C>) -> Jacobian<C> {
        let mut digits = OddDigits::new(*k);
        let mut sum = Jacobian::from(self.entry(&digits, 0));
        for window in 1..WINDOWS - 1 {
            sum = sum.add_affine_incomplete(&self.entry(&digits, window));
        }
        sum = sum.add_affine_or_double(&self.entry(&digits, WINDOWS - 1));
        let result = Jacobian::select(digits.negated, &sum.negate(), &sum);
        digits.zeroize();
        sum.zeroize();
        result
    }

    /// Digit `window` times 64^window·P. Reads the whole window. Constant time.
    #[inline(always)]
    fn entry(&self, digits: &OddDigits, window: usize) -> Affine<C> {
        let (index, negative) = digits.digit(window);
        let entries = &self.windows[window];
        let mut found = entries[0];
        for (j, entry) in entries.iter().enumerate().skip(1) {
            found = Affine::select(Choice::is_zero(index ^ j as u64), entry, &found);
        }
        Affine { x: found.x, y: Residue::select(negative, found.y.negate(), found.y) }
    }

    /// sum + k·P. Variable time.
    pub fn add_multiple_vartime(&self, mut sum: Jacobian<C>, k: &Scalar<C>) -> Jacobian<C> {
        if k.is_zero_vartime() {
            return sum;
        }
        let digits = OddDigits::new(*k);
        let flip = digits.negated.reveal();
        for (window, entries) in self.windows.iter().enumerate() {
            let (index, negative) = digits.digit_vartime(window);
            let entry = if negative == flip { entries[index] } else { entries[index].negate() };
            sum = sum.add_affine_vartime(&entry);
        }
        sum
    }
}

/// a·G + b·Q. Variable time.
pub fn double_multiply_vartime<C: Curve>(a: &Scalar<C>, b: &Scalar<C>, q: &Affine<C>) -> Jacobian<C> {
    // Q, 3Q, …, 15Q.
    let mut multiples = [Jacobian::from(*q); 8];
    let double = multiples[0].double();
    for j in 1..8 {
        multiples[j] = multiples[j - 1].add_vartime(&double);
    }
    let mut sum = Jacobian::INFINITY;
    for &digit in wnaf_vartime(b.to_canonical()).iter().rev() {
        sum = sum.double();
        if digit > 0 {
            sum = sum.add_vartime(&multiples[digit as usize / 2]);
        } else if digit < 0 {
            sum = sum.add_vartime(&multiples[digit.unsigned_abs() as usize / 2].negate());
        }
    }
    C::g_table().add_multiple_vartime(sum, a)
}
