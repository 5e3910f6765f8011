//! Multiplication by public scalars, with tables of multiples and without. All of it in variable time.

use super::extended::Extended;
use super::scalar::{OddDigits, wnaf_vartime};
use super::tree::Sums;
use super::{Affine, Curve, Jacobian, Modulus, Residue, Scalar};

/// Bits of a window: of a key (32 windows of 128 entries, 256 KiB) and of G (24 of 1,024, 1.5 MiB).
pub(super) const KEY_WIDTH: usize = 8;
pub(super) const BASE_WIDTH: usize = 11;

/// The digits of a public scalar k.
pub(super) struct Digits<const W: usize> {
    /// Those of k or n - k.
    odd: OddDigits<W>,
    negated: bool,
}

impl<const W: usize> Digits<W> {
    pub(super) const WINDOWS: usize = OddDigits::<W>::WINDOWS;

    /// Those of 1 for 0.
    pub(super) fn new<N: Modulus>(k: &Residue<N>) -> Self {
        let odd = OddDigits::new(if k.is_zero_vartime() { Residue::ONE } else { *k });
        // Public.
        Digits { negated: odd.negated.reveal(), odd }
    }
}

/// Odd multiples of a point P for public scalars: entry j of window i is (2j + 1)·2^(W·i)·P.
#[derive(Clone)]
pub struct PublicTable<C: Curve, const W: usize = KEY_WIDTH> {
    entries: Vec<Line<C>>,
}

/// An entry that is one line of the cache, not parts of two.
#[derive(Clone)]
#[repr(align(64))]
struct Line<C: Curve>(Affine<C>);

impl<C: Curve, const W: usize> PublicTable<C, W> {
    const WINDOWS: usize = OddDigits::<W>::WINDOWS;
    /// Entries of one window: 1, 3, …, 2^W - 1.
    const ENTRIES: usize = OddDigits::<W>::DIGITS;

    /// The table of `point`.
    pub fn new(point: &Affine<C>) -> Self {
        let powers: Vec<Jacobian<C>> = core::iter::successors(Some(Jacobian::from(*point)), |it| Some(it.double()))
            .take(W * Self::WINDOWS)
            .collect();
        let powers = Jacobian::many_to_affine(&powers);
        // 2^k·P stands behind the entries while these are made.
        let mut points = vec![*point; Self::WINDOWS * Self::ENTRIES];
        for window in 0..Self::WINDOWS {
            points[window * Self::ENTRIES] = powers[window * W];
        }
        points.extend(powers);
        let mut sums = Sums::with_capacity(Self::WINDOWS * Self::ENTRIES / 2);
        for step in 0..W - 1 {
            // 2j + 1 and 2^(step + 1), the first less than the second: neither equal nor opposite mod n, a prime above
            // their sum in every window.
            let places = (0..Self::WINDOWS).flat_map(|window| {
                let (first, power) = (window * Self::ENTRIES, Self::WINDOWS * Self::ENTRIES + window * W + step + 1);
                (first..first + (1 << step)).map(move |at| [at, power, at + (1 << step)])
            });
            sums.add(&mut points, places, false);
        }
        PublicTable { entries: points.into_iter().take(Self::WINDOWS * Self::ENTRIES).map(Line).collect() }
    }

    /// sum + k·P.
    pub fn add_multiple_vartime(&self, sum: Jacobian<C>, k: &Scalar<C>) -> Jacobian<C> {
        if k.is_zero_vartime() {
            return sum;
        }
        let mut sum = Extended::from(sum);
        let digits = Digits::new(k);
        for window in 0..Self::WINDOWS {
            let (entry, negative) = self.entry(&digits, window);
            sum = sum.add_affine_vartime(&if negative { entry.negate() } else { *entry });
        }
        sum.into()
    }

    /// Digit `window` of k (not of K) times 2^(W·window)·P: the point, or its opposite.
    #[inline(always)]
    pub(super) fn entry(&self, digits: &Digits<W>, window: usize) -> (&Affine<C>, bool) {
        let (index, negative) = digits.odd.digit_vartime(window);
        (&self.entries[window * Self::ENTRIES + index].0, negative != digits.negated)
    }
}

/// a·G + b·Q.
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
    C::public_table().add_multiple_vartime(sum, a)
}
