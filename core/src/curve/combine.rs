//! Sums a·G + b·Q of many pairs of public scalars at once, with tables of multiples. All of it in variable time.

use super::public::{BASE_WIDTH, Digits, KEY_WIDTH, PublicTable};
use super::{Affine, Choice, Curve, Fe, Jacobian, Residue, Scalar};
use crate::simd::prefetch;

/// From so many combinations on, a window of all of them is added before the next window of any: what is looked at of
/// the tables is then small, and the inversion of a window costs little. Of fewer, several windows are added at a time.
const MANY: usize = 512;

/// a·G + b·Q that is asked for, with the table of Q. Bound: 0 <= a < n, 1 <= b < n.
pub struct Combination<'t, C: Curve> {
    /// What G is multiplied with.
    pub a: Scalar<C>,
    /// What Q is multiplied with.
    pub b: Scalar<C>,
    /// The multiples of Q.
    pub table: &'t PublicTable<C>,
}

/// Each of these sums: half the time of one after the other. Quickest for hundreds, those with one table together.
///
/// The windows of a scalar are cut into parts of one length. The entries of a part are added one after the other, then
/// neighbouring parts. No scalar meets an exceptional case there, but for the doubling at the last addition. For let two
/// neighbouring runs of windows be added, the lower of which begins at bit i. Their sums are odd multiples of different
/// powers of two, and so neither equal nor opposite as integers. Without the highest window both are so small that
/// sum and difference are below n. With it, these are below 2n, and for i > 0 they are even, as neither n nor -n is. What
/// is left is i = 0 with the highest window: the last addition, whose sum is k or n - k, not 0. What crafted scalars
/// can bring about between a·G and b·Q is left to the complete addition.
pub fn combine_many_vartime<'t, C: Curve>(combinations: &'t [Combination<'t, C>]) -> Vec<Jacobian<C>> {
    let (count, g) = (combinations.len(), C::public_table());
    let digits: Vec<_> = combinations.iter().map(|it| (Digits::new(&it.a), Digits::new(&it.b))).collect();
    let (windows_of_g, windows_of_q) = (Digits::<BASE_WIDTH>::WINDOWS, Digits::<KEY_WIDTH>::WINDOWS);
    let length = (windows_of_q * count / MANY).clamp(1, windows_of_q);
    let (parts_of_q, parts_of_g) = (windows_of_q.div_ceil(length), windows_of_g.div_ceil(length));
    // Sum j of part i is at i·count + j, the parts of Q before those of G.
    let look_up = |step: usize, found: &mut Vec<Summand<'t, C>>| {
        for (part, window) in (step..windows_of_q).step_by(length).enumerate() {
            found.extend((part * count..).zip(&digits).zip(combinations).map(|((place, (_, digits)), it)| {
                let (point, negative) = it.table.entry(digits, window);
                prefetch(point);
                Summand { place, point, negative }
            }));
        }
        for (part, window) in (step..windows_of_g).step_by(length).enumerate() {
            found.extend(((parts_of_q + part) * count..).zip(&digits).map(|(place, (digits, _))| {
                let (point, negative) = g.entry(digits, window);
                prefetch(point);
                Summand { place, point, negative }
            }));
        }
    };
    let mut sums = Sums::with_capacity((parts_of_q + parts_of_g) * count);
    // While the entries of a step are added, those of the next come nearer.
    let (mut now, mut next) = (Vec::with_capacity(sums.prefixes.capacity()), Vec::new());
    look_up(0, &mut now);
    for step in 0..length {
        next.clear();
        if step + 1 < length {
            look_up(step + 1, &mut next);
        }
        match step {
            0 => sums.points.extend(now.iter().map(Summand::signed)),
            _ => sums.add(&now),
        }
        core::mem::swap(&mut now, &mut next);
    }
    let mut span = 1;
    while span < parts_of_q.max(parts_of_g) {
        let mut places = Vec::new();
        for parts in [0..parts_of_q, parts_of_q..parts_of_q + parts_of_g] {
            let (mut part, end) = (parts.start, parts.end);
            while part + span < end {
                places.extend((part * count..(part + 1) * count).map(|place| (place, place + span * count)));
                part += 2 * span;
            }
        }
        sums.add_within(&places);
        span *= 2;
    }
    let (g_at, is_zero) = (parts_of_q * count, |j: usize| combinations[j].a.is_zero_vartime());
    let (ordinary, exceptions): (Vec<_>, Vec<_>) = (0..count)
        .map(|j| (j, g_at + j))
        .partition(|&(q, g)| !is_zero(q) && !sums.points[q].x.equals_vartime(sums.points[g].x));
    let exceptions = exceptions.into_iter().map(|(j, g)| {
        let q = Jacobian::from(sums.points[j]);
        (j, if is_zero(j) { q } else { q.add_vartime(&sums.points[g].into()) })
    });
    let exceptions: Vec<(usize, Jacobian<C>)> = exceptions.collect();
    sums.add_within(&ordinary);
    let mut found: Vec<Jacobian<C>> = sums.points[..count].iter().map(|point| Jacobian::from(*point)).collect();
    exceptions.into_iter().for_each(|(j, sum)| found[j] = sum);
    found
}

/// What is added to the point at a place: a point, or its opposite.
struct Summand<'p, C: Curve> {
    place: usize,
    point: &'p Affine<C>,
    negative: bool,
}

impl<C: Curve> Summand<'_, C> {
    fn signed(&self) -> Affine<C> {
        if self.negative { self.point.negate() } else { *self.point }
    }
}

/// Points to which others are added; the additions share an inversion. Variable time.
struct Sums<C: Curve> {
    points: Vec<Affine<C>>,
    prefixes: Vec<Fe<C>>,
    denominators: Vec<Fe<C>>,
}

impl<C: Curve> Sums<C> {
    fn with_capacity(count: usize) -> Self {
        Sums {
            points: Vec::with_capacity(count),
            prefixes: Vec::with_capacity(count),
            denominators: Vec::with_capacity(count),
        }
    }

    /// Adds to the first point of each pair the second one. Bound: as of `add`.
    fn add_within(&mut self, places: &[(usize, usize)]) {
        let others: Vec<Affine<C>> = places.iter().map(|&(_, other)| self.points[other]).collect();
        let summands = places.iter().zip(&others);
        let summands: Vec<_> = summands.map(|(&(place, _), point)| Summand { place, point, negative: false }).collect();
        self.add(&summands);
    }

    /// Adds each summand to the point at its place. Bound: the two are not opposite; no place occurs twice.
    fn add(&mut self, summands: &[Summand<'_, C>]) {
        self.prefixes.clear();
        self.denominators.clear();
        let mut product = Fe::<C>::ONE;
        for it in summands {
            let a = &self.points[it.place];
            let difference = it.point.x.sub(a.x);
            let denominator = if difference.is_zero_vartime() { a.y.double() } else { difference };
            self.prefixes.push(product);
            self.denominators.push(denominator);
            product = product.mul(denominator);
        }
        let mut inverse = product.invert();
        let factors = self.prefixes.iter().zip(&self.denominators);
        for (it, (prefix, denominator)) in summands.iter().zip(factors).rev() {
            let (a, b) = (self.points[it.place], it.point);
            let reciprocal = inverse.mul(*prefix);
            inverse = inverse.mul(*denominator);
            let mut numerator = Residue::select(Choice::from_bit(it.negative.into()), b.y.negate(), b.y).sub(a.y);
            if a.x.equals_vartime(b.x) {
                let third = a.x.sub(Residue::ONE).mul(a.x.add(Residue::ONE));
                numerator = third.double().add(third);
            }
            let slope = numerator.mul(reciprocal);
            let x = slope.square().sub(a.x).sub(b.x);
            self.points[it.place] = Affine { x, y: slope.mul(a.x.sub(x)).sub(a.y) };
        }
    }
}
