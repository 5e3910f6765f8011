//! Tables of multiples, and multiplication with them.

use super::extended::Extended;
use super::scalar::{OddDigits, WINDOW, WINDOWS, wnaf_vartime};
use super::tree::Tree;
use super::{Affine, Curve, Jacobian, Residue, Scalar};
use crate::simd::pick;
use core::marker::PhantomData;
use zeroize::Zeroize;

/// Entries of one window: 1, 3, …, 63.
const ENTRIES: usize = 1 << (WINDOW - 1);

/// Odd multiples of a point P: entry j of window i is (2j + 1)·64^i·P. 43 windows of 32 entries, 86 KiB.
#[derive(Clone)]
pub struct FixedTable<C: Curve> {
    windows: Vec<[Entry; ENTRIES]>,
    curve: PhantomData<C>,
}

/// x and y, limbs of the Montgomery domain.
type Entry = [u64; 8];

/// The point of an entry.
#[inline(always)]
fn point<C: Curve>([x0, x1, x2, x3, y0, y1, y2, y3]: Entry) -> Affine<C> {
    Affine { x: Residue::from_montgomery([x0, x1, x2, x3]), y: Residue::from_montgomery([y0, y1, y2, y3]) }
}

fn entry<C: Curve>(point: &Affine<C>) -> Entry {
    let mut entry = [0; 8];
    entry[..4].copy_from_slice(&point.x.to_montgomery());
    entry[4..].copy_from_slice(&point.y.to_montgomery());
    entry
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
        let entries: Vec<Entry> = Jacobian::many_to_affine(&multiples).iter().map(entry).collect();
        FixedTable { windows: entries.as_chunks::<ENTRIES>().0.to_vec(), curve: PhantomData }
    }

    /// k·P for 1 <= k < n. Constant time.
    ///
    /// All digits are odd, so the sum after i windows is an odd number below 64^i in absolute value, and the next
    /// summand is an odd multiple of 64^i: up to the last but one window, where everything is below 2^252 < n,
    /// sum and summand are never equal or opposite mod n. At the last they are not opposite, because K is not 0
    /// mod n, but may be equal for a few k: there the doubling is computed too.
    pub fn multiply(&self, k: &Scalar<C>) -> Jacobian<C> {
        let mut digits = OddDigits::new(*k);
        let mut sum = Extended::from(self.entry(&digits, 0));
        for window in 1..WINDOWS - 1 {
            sum = sum.add_affine_incomplete(&self.entry(&digits, window));
        }
        sum = sum.add_affine_or_double(&self.entry(&digits, WINDOWS - 1));
        let result = Jacobian::from(sum);
        let negate = digits.negated;
        digits.zeroize();
        sum.zeroize();
        Jacobian::select(negate, &result.negate(), &result)
    }

    /// k·P for each k, 1 <= k < n: half the time of one after the other. Constant time.
    ///
    /// The sums of neighbouring windows are added: `core/docs/ifma.md` shows that none are opposite, and equal at most
    /// the last two.
    pub fn multiply_many(&self, scalars: &[Scalar<C>]) -> Vec<Affine<C>> {
        let mut digits: Vec<OddDigits> = scalars.iter().map(|k| OddDigits::new(*k)).collect();
        let mut tree = Tree::new(scalars.len(), WINDOWS);
        for window in 0..WINDOWS {
            digits.iter().for_each(|digits| tree.push(self.entry(digits, window)));
        }
        let mut products = tree.sum();
        for (product, digits) in products.iter_mut().zip(&digits) {
            product.y = Residue::select(digits.negated, product.y.negate(), product.y);
        }
        digits.zeroize();
        products
    }

    /// Digit `window` times 64^window·P. Reads the whole window. Constant time.
    #[inline(always)]
    fn entry(&self, digits: &OddDigits, window: usize) -> Affine<C> {
        let (index, negative) = digits.digit(window);
        let found = point::<C>(pick(&self.windows[window], index));
        Affine { x: found.x, y: Residue::select(negative, found.y.negate(), found.y) }
    }

    /// sum + k·P. Variable time.
    pub fn add_multiple_vartime(&self, sum: Jacobian<C>, k: &Scalar<C>) -> Jacobian<C> {
        if k.is_zero_vartime() {
            return sum;
        }
        let mut sum = Extended::from(sum);
        let digits = OddDigits::new(*k);
        for window in 0..WINDOWS {
            sum = sum.add_affine_vartime(&self.entry_vartime(&digits, window));
        }
        sum.into()
    }

    /// Digit `window` of a public scalar k (not of K) times 64^window·P.
    #[inline(always)]
    fn entry_vartime(&self, digits: &OddDigits, window: usize) -> Affine<C> {
        let (index, negative) = digits.digit_vartime(window);
        let entry = point::<C>(self.windows[window][index]);
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
    pub table: &'t FixedTable<C>,
}

/// Each of these sums: two thirds of the time of one after the other. Variable time.
///
/// a·G and b·Q are sums of neighbouring windows as in [`FixedTable::multiply_many`], so that no scalar meets an
/// exceptional case there; what a crafted one can bring about in a·G + b·Q is left to the complete addition.
pub fn combine_many_vartime<C: Curve>(combinations: &[Combination<'_, C>]) -> Vec<Jacobian<C>> {
    let g = C::g_table();
    let digits = |k: &Scalar<C>| OddDigits::new(if k.is_zero_vartime() { Scalar::<C>::ONE } else { *k });
    let digits: Vec<[OddDigits; 2]> = combinations.iter().map(|it| [digits(&it.a), digits(&it.b)]).collect();
    let mut tree = Tree::new(2 * combinations.len(), WINDOWS);
    for window in 0..WINDOWS {
        digits.iter().for_each(|[a, _]| tree.push(g.entry_vartime(a, window)));
        digits.iter().zip(combinations).for_each(|([_, b], it)| tree.push(it.table.entry_vartime(b, window)));
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
