//! A table of multiples for secret scalars.

use super::extended::Extended;
use super::tree::Tree;
use super::{Affine, Curve, Jacobian, Residue, Scalar, scalar};
use crate::cpu::Backend;
use crate::simd::Lookup;
use core::marker::PhantomData;
use zeroize::Zeroize;

/// Bits of a window.
const WINDOW: usize = 6;

type OddDigits = scalar::OddDigits<WINDOW>;

/// 43 · 6 = 258 bits.
const WINDOWS: usize = OddDigits::WINDOWS;
/// Entries of one window: 1, 3, …, 63.
const ENTRIES: usize = OddDigits::DIGITS;

/// Odd multiples of a point P: entry j of window i is (2j + 1)·64^i·P. 43 windows of 32 entries, 86 KiB.
#[derive(Clone)]
pub struct FixedTable<C: Curve> {
    windows: Vec<Window>,
    curve: PhantomData<C>,
}

/// Each entry in a cache line of its own: half of the loads would cross two otherwise.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Window([Entry; ENTRIES]);

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
        FixedTable {
            windows: entries.as_chunks::<ENTRIES>().0.iter().copied().map(Window).collect(),
            curve: PhantomData,
        }
    }

    /// k·P for 1 <= k < n. Constant time.
    ///
    /// All digits are odd, so the sum after i windows is an odd number below 64^i in absolute value, and the next
    /// summand is an odd multiple of 64^i: up to the last but one window, where everything is below 2^252 < n,
    /// sum and summand are never equal or opposite mod n. At the last they are not opposite, because K is not 0
    /// mod n, but may be equal for a few k: the addition then gives infinity, and the summand is doubled instead.
    pub fn multiply(&self, backend: Backend, k: &Scalar<C>) -> Jacobian<C> {
        let lookup = Lookup::new(backend);
        let mut digits = OddDigits::new(*k);
        let mut sum = Extended::from(self.entry(lookup, &digits, 0));
        for window in 1..WINDOWS - 1 {
            sum = sum.add_affine_incomplete(&self.entry(lookup, &digits, window));
        }
        let mut last = self.entry(lookup, &digits, WINDOWS - 1);
        sum = sum.add_affine_incomplete(&last);
        // Public: it holds for a few k only, and practically never occurs.
        let result = if sum.is_infinity().reveal() { Jacobian::from(last).double() } else { Jacobian::from(sum) };
        let negate = digits.negated;
        digits.zeroize();
        last.zeroize();
        sum.zeroize();
        Jacobian::select(negate, &result.negate(), &result)
    }

    /// k·P for each k, 1 <= k < n: half the time of one after the other. Constant time.
    ///
    /// The sums of neighbouring windows are added: `core/docs/ifma.md` shows that none are opposite, and equal at most
    /// the last two.
    pub fn multiply_many(&self, backend: Backend, scalars: &[Scalar<C>]) -> Vec<Affine<C>> {
        let lookup = Lookup::new(backend);
        let mut digits: Vec<OddDigits> = scalars.iter().map(|k| OddDigits::new(*k)).collect();
        let mut tree = Tree::new(scalars.len(), WINDOWS);
        for window in 0..WINDOWS {
            digits.iter().for_each(|digits| tree.push(self.entry(lookup, digits, window)));
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
    fn entry(&self, lookup: Lookup, digits: &OddDigits, window: usize) -> Affine<C> {
        let (index, negative) = digits.digit(window);
        let found = point::<C>(lookup.pick(&self.windows[window].0, index));
        Affine { x: found.x, y: Residue::select(negative, found.y.negate(), found.y) }
    }
}
