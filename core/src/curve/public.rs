//! Multiplication by public scalars, with tables of multiples and without. All of it in variable time.

use super::extended::Extended;
use super::scalar::{self, wnaf_vartime};
use super::tree::{Sums, Tree};
use super::{Affine, Curve, Jacobian, Scalar};

/// Bits of a window.
const WINDOW: usize = 8;

type OddDigits = scalar::OddDigits<WINDOW>;

const WINDOWS: usize = OddDigits::WINDOWS;
/// Entries of one window: 1, 3, …, 255.
const ENTRIES: usize = OddDigits::DIGITS;

/// Odd multiples of a point P for public scalars: entry j of window i is (2j + 1)·256^i·P. 32 windows of 128 entries,
/// 256 KiB.
#[derive(Clone)]
pub struct PublicTable<C: Curve> {
    entries: Vec<Affine<C>>,
}

impl<C: Curve> PublicTable<C> {
    /// The table of `point`.
    pub fn new(point: &Affine<C>) -> Self {
        let powers: Vec<Jacobian<C>> = core::iter::successors(Some(Jacobian::from(*point)), |it| Some(it.double()))
            .take(WINDOW * WINDOWS)
            .collect();
        let powers = Jacobian::many_to_affine(&powers);
        // 2^k·P stands behind the entries while these are made.
        let mut points = vec![*point; WINDOWS * ENTRIES];
        for window in 0..WINDOWS {
            points[window * ENTRIES] = powers[window * WINDOW];
        }
        points.extend(powers);
        let mut sums = Sums::with_capacity(WINDOWS * ENTRIES / 2);
        for step in 0..WINDOW - 1 {
            // 2j + 1 and 2^(step + 1), the first less than the second: neither equal nor opposite mod n, a prime above
            // their sum in every window.
            let places = (0..WINDOWS).flat_map(|window| {
                let (first, power) = (window * ENTRIES, WINDOWS * ENTRIES + window * WINDOW + step + 1);
                (first..first + (1 << step)).map(move |at| [at, power, at + (1 << step)])
            });
            sums.add(&mut points, places, false);
        }
        points.truncate(WINDOWS * ENTRIES);
        PublicTable { entries: points }
    }

    /// sum + k·P.
    pub fn add_multiple_vartime(&self, sum: Jacobian<C>, k: &Scalar<C>) -> Jacobian<C> {
        if k.is_zero_vartime() {
            return sum;
        }
        let mut sum = Extended::from(sum);
        let digits = OddDigits::new(*k);
        for window in 0..WINDOWS {
            sum = sum.add_affine_vartime(&self.entry(&digits, window));
        }
        sum.into()
    }

    /// Digit `window` of k (not of K) times 256^window·P.
    #[inline(always)]
    fn entry(&self, digits: &OddDigits, window: usize) -> Affine<C> {
        let (index, negative) = digits.digit_vartime(window);
        let entry = self.entries[window * ENTRIES + index];
        if negative == digits.negated.reveal() { entry } else { entry.negate() }
    }
}

/// a·G + b·Q that is asked for, with the table of Q. Bound: 0 <= a < n, 1 <= b < n.
pub struct Combination<'t, C: Curve> {
    /// What G is multiplied with.
    pub a: Scalar<C>,
    /// What Q is multiplied with.
    pub b: Scalar<C>,
    /// The multiples of Q.
    pub table: &'t PublicTable<C>,
}

/// Each of these sums: two thirds of the time of one after the other.
///
/// The entries of a scalar are added as neighbours, level by level. No scalar meets an exceptional case there, but for
/// the doubling at the last level: what stands above window 0 is a multiple of 256, as no multiple of n below 2^256 is,
/// and a sum with window 0 is below n before the last level. What crafted scalars can bring about between a·G and b·Q
/// is left to the complete addition.
pub fn combine_many_vartime<C: Curve>(combinations: &[Combination<'_, C>]) -> Vec<Jacobian<C>> {
    let g = C::public_table();
    let digits = |k: &Scalar<C>| OddDigits::new(if k.is_zero_vartime() { Scalar::<C>::ONE } else { *k });
    let digits: Vec<[OddDigits; 2]> = combinations.iter().map(|it| [digits(&it.a), digits(&it.b)]).collect();
    let mut tree = Tree::new(2 * combinations.len(), WINDOWS);
    for window in 0..WINDOWS {
        digits.iter().for_each(|[a, _]| tree.push(g.entry(a, window)));
        digits.iter().zip(combinations).for_each(|([_, b], it)| tree.push(it.table.entry(b, window)));
    }
    let products = tree.sum();
    let (of_g, of_q) = products.split_at(combinations.len());
    let all = combinations.iter().zip(of_g).zip(of_q);
    all.map(|((it, a), b)| {
        let b = Jacobian::from(*b);
        if it.a.is_zero_vartime() { b } else { b.add_vartime(&Jacobian::from(*a)) }
    })
    .collect()
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
