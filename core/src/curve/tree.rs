//! Sums of table entries for many scalars at once: affine additions, level by level, that share an inversion.
//! Constant time.

use super::{Affine, Curve, Fe, Residue};
use zeroize::Zeroize;

/// The points of `count` sums.
pub(super) struct Tree<C: Curve> {
    count: usize,
    /// Summand i of sum j is at i·count + j.
    points: Vec<Affine<C>>,
    sums: Sums<C>,
}

impl<C: Curve> Tree<C> {
    /// For `count` sums, whose summands are then pushed: the first of every sum, the second of every sum, and so on.
    pub(super) fn new(count: usize, summands: usize) -> Self {
        Tree {
            count,
            points: Vec::with_capacity(count * summands),
            sums: Sums::with_capacity(count * summands.div_ceil(2)),
        }
    }

    pub(super) fn push(&mut self, point: Affine<C>) {
        self.points.push(point);
    }

    /// The sums. Bound: no two neighbouring partial sums are opposite, or equal before the last addition.
    pub(super) fn sum(mut self) -> Vec<Affine<C>> {
        while self.points.len() > self.count {
            let summands = self.points.len() / self.count;
            self.level(summands, summands == 2);
        }
        core::mem::take(&mut self.points)
    }

    /// Adds neighbours; each sum takes the place of its first summand. Two equal ones are doubled if `last`.
    fn level(&mut self, summands: usize, last: bool) {
        let count = self.count;
        let places = (0..summands / 2).flat_map(|pair| {
            let first = 2 * pair * count;
            (first..first + count).map(move |at| [at, at + count, at])
        });
        self.sums.add(&mut self.points, places, last);
        let left = summands.div_ceil(2);
        for summand in 1..left {
            self.points.copy_within(2 * summand * count..(2 * summand + 1) * count, summand * count);
        }
        self.points.truncate(left * count);
    }
}

impl<C: Curve> Drop for Tree<C> {
    fn drop(&mut self) {
        self.points.zeroize();
    }
}

/// Additions that share an inversion, and what they remember between the way forward and the way back.
pub(super) struct Sums<C: Curve> {
    prefixes: Vec<Fe<C>>,
    denominators: Vec<Fe<C>>,
}

impl<C: Curve> Sums<C> {
    pub(super) fn with_capacity(count: usize) -> Self {
        Sums { prefixes: Vec::with_capacity(count), denominators: Vec::with_capacity(count) }
    }

    /// For each [a, b, c] point c becomes the sum of points a and b. Bound: they are not opposite, and equal only if
    /// `doubling`; no c is an a or a b of an earlier triple.
    pub(super) fn add(
        &mut self,
        points: &mut [Affine<C>],
        places: impl DoubleEndedIterator<Item = [usize; 3]> + Clone,
        doubling: bool,
    ) {
        self.prefixes.clear();
        self.denominators.clear();
        let mut product = Fe::<C>::ONE;
        for [a, b, _] in places.clone() {
            let (a, b) = (&points[a], &points[b]);
            let mut denominator = b.x.sub(a.x);
            if doubling {
                denominator = Residue::select(denominator.is_zero(), a.y.double(), denominator);
            }
            self.prefixes.push(product);
            self.denominators.push(denominator);
            product = product.mul(denominator);
        }
        let mut inverse = product.invert();
        let factors = self.prefixes.iter().zip(&self.denominators);
        for ([a, b, c], (prefix, denominator)) in places.rev().zip(factors.rev()) {
            let (a, b) = (points[a], points[b]);
            let reciprocal = inverse.mul(*prefix);
            inverse = inverse.mul(*denominator);
            let mut numerator = b.y.sub(a.y);
            if doubling {
                let third = a.x.sub(Fe::<C>::ONE).mul(a.x.add(Fe::<C>::ONE));
                numerator = Residue::select(b.x.sub(a.x).is_zero(), third.double().add(third), numerator);
            }
            let slope = numerator.mul(reciprocal);
            let x = slope.square().sub(a.x).sub(b.x);
            points[c] = Affine { x, y: slope.mul(a.x.sub(x)).sub(a.y) };
        }
    }
}

impl<C: Curve> Drop for Sums<C> {
    fn drop(&mut self) {
        self.prefixes.zeroize();
        self.denominators.zeroize();
    }
}
