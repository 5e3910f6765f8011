//! Sums of table entries for many scalars at once: affine additions, level by level, that share an inversion.
//! Constant time.

use super::{Affine, Curve, Fe, Residue};
use zeroize::Zeroize;

/// The points of `count` sums, and what a level remembers between its way forward and its way back.
pub(super) struct Tree<C: Curve> {
    count: usize,
    /// Summand i of sum j is at i·count + j.
    points: Vec<Affine<C>>,
    prefixes: Vec<Fe<C>>,
    denominators: Vec<Fe<C>>,
}

impl<C: Curve> Tree<C> {
    /// For `count` sums, whose summands are then pushed: the first of every sum, the second of every sum, and so on.
    pub(super) fn new(count: usize, summands: usize) -> Self {
        let pairs = count * summands.div_ceil(2);
        Tree {
            count,
            points: Vec::with_capacity(count * summands),
            prefixes: Vec::with_capacity(pairs),
            denominators: Vec::with_capacity(pairs),
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

    /// Adds neighbours. Two equal ones are doubled if `last`.
    fn level(&mut self, summands: usize, last: bool) {
        let count = self.count;
        self.prefixes.clear();
        self.denominators.clear();
        let mut product = Fe::<C>::ONE;
        for pair in 0..summands / 2 {
            for sum in 0..count {
                let (a, b) = (&self.points[2 * pair * count + sum], &self.points[(2 * pair + 1) * count + sum]);
                let mut denominator = b.x.sub(a.x);
                if last {
                    denominator = Residue::select(denominator.is_zero(), a.y.double(), denominator);
                }
                self.prefixes.push(product);
                self.denominators.push(denominator);
                product = product.mul(denominator);
            }
        }
        let mut inverse = product.invert();
        // Backwards through the products; each sum takes the place of its first summand.
        for pair in (0..summands / 2).rev() {
            for sum in (0..count).rev() {
                let at = pair * count + sum;
                let first = 2 * pair * count + sum;
                let (a, b) = (self.points[first], self.points[first + count]);
                let reciprocal = inverse.mul(self.prefixes[at]);
                inverse = inverse.mul(self.denominators[at]);
                let mut numerator = b.y.sub(a.y);
                if last {
                    let third = a.x.sub(Fe::<C>::ONE).mul(a.x.add(Fe::<C>::ONE));
                    numerator = Residue::select(b.x.sub(a.x).is_zero(), third.double().add(third), numerator);
                }
                let slope = numerator.mul(reciprocal);
                let x = slope.square().sub(a.x).sub(b.x);
                self.points[first] = Affine { x, y: slope.mul(a.x.sub(x)).sub(a.y) };
            }
        }
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
        self.prefixes.zeroize();
        self.denominators.zeroize();
    }
}
