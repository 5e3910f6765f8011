//! Sums of many affine points: pairwise additions, level by level, with one inversion a level.
//!
//! An addition costs five products and a square, three of the products being its share of the inversion.

use super::field::{Loose, Operand, mul, mul_pair, square, square_pair};
use super::invert::invert;
use super::lanes::{broadcast, zero};
use super::prime::Prime;

/// Eight points (x, y), one a lane, none of them infinity. Domain: Montgomery.
/// Bound: x in -2^235 .. p + 2^235, |y| < p + 2^235: what `fold` gives, or a table, y negated or not. |limb| < 2^62:
/// 2^53 at the leaves, and an addition makes at most 2^56 + 2^53 + twice the limbs before, for six levels.
#[derive(Clone, Copy)]
pub(super) struct Point {
    pub(super) x: Loose,
    pub(super) y: Loose,
}

/// What a level remembers between its way forward and its way back.
pub(super) struct Scratch {
    prefix: Vec<Operand>,
    difference: Vec<Operand>,
    double: Vec<u8>,
}

/// The additions of one level: (a, b) stands for "point a becomes a + b"; and whether the sums of a part end here.
pub(super) struct Level {
    pub(super) pairs: Vec<(usize, usize)>,
    pub(super) root: bool,
}

/// Levels between points whose limbs are below 2^53; see the bound of [`Point`].
const MAX_LEVELS: usize = 6;

/// The levels that sum each part, whose points lie one after the other; each sum ends at the first point of its part.
///
/// Neighbours are added, so that every summand covers a range of windows: `core/docs/ifma.md` shows that then no
/// two summands are equal or opposite before the last addition of a part.
pub(super) fn levels(parts: &[usize]) -> Vec<Level> {
    let mut start = 0;
    let mut live: Vec<Vec<usize>> = parts
        .iter()
        .map(|&count| {
            start += count;
            (start - count..start).collect()
        })
        .collect();
    let mut levels = Vec::new();
    while live.iter().any(|part| part.len() > 1) {
        let mut level = Level { pairs: Vec::new(), root: false };
        for part in &mut live {
            if part.len() < 2 {
                continue;
            }
            level.pairs.extend(part.chunks_exact(2).map(|pair| (pair[0], pair[1])));
            *part = part.iter().copied().step_by(2).collect();
            level.root |= part.len() == 1;
        }
        levels.push(level);
    }
    assert!(levels.len() <= MAX_LEVELS, "the limbs grow with every level");
    levels
}

impl Point {
    /// The same points with |limb| < 2^53.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn tidy(&self) -> Self {
        Point { x: self.x.tidy(), y: self.y.tidy() }
    }
}

impl Scratch {
    /// For at most so many additions a level.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn new(additions: usize) -> Self {
        let none = Operand([zero(); 5]);
        Scratch { prefix: vec![none; additions], difference: vec![none; additions], double: vec![0; additions] }
    }

    /// Leaves nothing secret behind.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn clear(&mut self) {
        let none = Operand([zero(); 5]);
        self.prefix.fill(none);
        self.difference.fill(none);
        self.double.fill(0);
        core::hint::black_box(&self);
    }
}

/// Sums `levels` in every group; point i of group g is at i · groups + g. Constant time. Bound: `groups` is even.
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn sum<P: Prime>(points: &mut [Point], groups: usize, levels: &[Level], scratch: &mut Scratch) {
    for level in levels {
        if level.root {
            add_level::<P, true>(points, groups, &level.pairs, scratch);
        } else {
            add_level::<P, false>(points, groups, &level.pairs, scratch);
        }
    }
}

/// One level. With `DOUBLE` equal summands are allowed, else excluded; opposite ones are always excluded.
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn add_level<P: Prime, const DOUBLE: bool>(
    points: &mut [Point],
    groups: usize,
    pairs: &[(usize, usize)],
    scratch: &mut Scratch,
) {
    let one = Operand(broadcast(&P::ONE));
    let mut products = [one; 2];
    let mut at = 0;
    for &(a, b) in pairs {
        let (a, b) = (a * groups, b * groups);
        for first in (0..groups).step_by(2) {
            let second = first + 1;
            let differences = [
                denominator::<P, DOUBLE>(&points[first + a], &points[first + b], &mut scratch.double[at]),
                denominator::<P, DOUBLE>(&points[second + a], &points[second + b], &mut scratch.double[at + 1]),
            ];
            scratch.prefix[at] = products[0];
            scratch.prefix[at + 1] = products[1];
            scratch.difference[at] = differences[0];
            scratch.difference[at + 1] = differences[1];
            let next = mul_pair::<P>([&products[0], &products[1]], [&differences[0], &differences[1]]);
            products = [next[0].carry(), next[1].carry()];
            at += 2;
        }
    }
    let inverse = invert::<P>(&mul::<P>(&products[0], &products[1]).carry());
    let [first, second] = mul_pair::<P>([&inverse, &inverse], [&products[1], &products[0]]);
    let mut running = [first.carry(), second.carry()];
    for &(a, b) in pairs.iter().rev() {
        let (a, b) = (a * groups, b * groups);
        for first in (0..groups).step_by(2).rev() {
            at -= 2;
            let second = first + 1;
            let prefix = [&scratch.prefix[at], &scratch.prefix[at + 1]];
            let inverses = mul_pair::<P>([&running[0], &running[1]], prefix);
            let inverses = [inverses[0].carry(), inverses[1].carry()];
            let difference = [&scratch.difference[at], &scratch.difference[at + 1]];
            let next = mul_pair::<P>([&running[0], &running[1]], difference);
            running = [next[0].carry(), next[1].carry()];
            let numerators = [
                numerator::<P, DOUBLE>(&points[first + a], &points[first + b], scratch.double[at]),
                numerator::<P, DOUBLE>(&points[second + a], &points[second + b], scratch.double[at + 1]),
            ];
            let slopes = mul_pair::<P>([&numerators[0], &numerators[1]], [&inverses[0], &inverses[1]]);
            let slopes = [slopes[0].carry(), slopes[1].carry()];
            let squares = square_pair::<P>([&slopes[0], &slopes[1]]);
            let x0 = squares[0].sub(&points[first + a].x).sub(&points[first + b].x).fold::<P>();
            let x1 = squares[1].sub(&points[second + a].x).sub(&points[second + b].x).fold::<P>();
            let run0 = points[first + a].x.sub(&x0).plus_4p::<P>().carry();
            let run1 = points[second + a].x.sub(&x1).plus_4p::<P>().carry();
            let rises = mul_pair::<P>([&slopes[0], &slopes[1]], [&run0, &run1]);
            let y0 = rises[0].sub(&points[first + a].y).fold::<P>();
            let y1 = rises[1].sub(&points[second + a].y).fold::<P>();
            points[first + a] = Point { x: x0, y: y0 };
            points[second + a] = Point { x: x1, y: y1 };
        }
    }
}

/// Doubles every point. Constant time. Bound: an even number of points; out |limb| < 2^53.
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn double<P: Prime>(points: &mut [Point], scratch: &mut Scratch) {
    let one = Operand(broadcast(&P::ONE));
    let mut products = [one; 2];
    for (at, pair) in points.chunks_exact(2).enumerate() {
        let y = [&pair[0].y, &pair[1].y];
        let doubled = [y[0].add(y[0]).plus_4p::<P>().carry(), y[1].add(y[1]).plus_4p::<P>().carry()];
        scratch.prefix[2 * at] = products[0];
        scratch.prefix[2 * at + 1] = products[1];
        scratch.difference[2 * at] = doubled[0];
        scratch.difference[2 * at + 1] = doubled[1];
        let next = mul_pair::<P>([&products[0], &products[1]], [&doubled[0], &doubled[1]]);
        products = [next[0].carry(), next[1].carry()];
    }
    let inverse = invert::<P>(&mul::<P>(&products[0], &products[1]).carry());
    let [first, second] = mul_pair::<P>([&inverse, &inverse], [&products[1], &products[0]]);
    let mut running = [first.carry(), second.carry()];
    for (at, pair) in points.chunks_exact_mut(2).enumerate().rev() {
        let prefix = [&scratch.prefix[2 * at], &scratch.prefix[2 * at + 1]];
        let inverses = mul_pair::<P>([&running[0], &running[1]], prefix);
        let inverses = [inverses[0].carry(), inverses[1].carry()];
        let doubled = [&scratch.difference[2 * at], &scratch.difference[2 * at + 1]];
        let next = mul_pair::<P>([&running[0], &running[1]], doubled);
        running = [next[0].carry(), next[1].carry()];
        let p = Loose(broadcast(&P::P));
        let squares = square_pair::<P>([&pair[0].x.add(&p).carry(), &pair[1].x.add(&p).carry()]);
        let numerators = [tangent_of_square::<P>(&squares[0]).carry(), tangent_of_square::<P>(&squares[1]).carry()];
        let slopes = mul_pair::<P>([&numerators[0], &numerators[1]], [&inverses[0], &inverses[1]]);
        let slopes = [slopes[0].carry(), slopes[1].carry()];
        let squares = square_pair::<P>([&slopes[0], &slopes[1]]);
        let x0 = squares[0].sub(&pair[0].x).sub(&pair[0].x).fold::<P>().tidy();
        let x1 = squares[1].sub(&pair[1].x).sub(&pair[1].x).fold::<P>().tidy();
        let run0 = pair[0].x.sub(&x0).plus_4p::<P>().carry();
        let run1 = pair[1].x.sub(&x1).plus_4p::<P>().carry();
        let rises = mul_pair::<P>([&slopes[0], &slopes[1]], [&run0, &run1]);
        let y0 = rises[0].sub(&pair[0].y).fold::<P>().tidy();
        let y1 = rises[1].sub(&pair[1].y).fold::<P>().tidy();
        pair[0] = Point { x: x0, y: y0 };
        pair[1] = Point { x: x1, y: y1 };
    }
}

/// x_b - x_a, or 2y where both are the same point. Bound: out in 2p .. 6p.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn denominator<P: Prime, const DOUBLE: bool>(a: &Point, b: &Point, double: &mut u8) -> Operand {
    let difference = b.x.sub(&a.x);
    if !DOUBLE {
        return difference.plus_4p::<P>().carry();
    }
    *double = difference.canonical::<P>().zero_mask();
    Loose::select(*double, &a.y.add(&a.y), &difference).plus_4p::<P>().carry()
}

/// y_b - y_a, or 3x² - 3 in the lanes of the mask. Bound: out < 8p.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn numerator<P: Prime, const DOUBLE: bool>(a: &Point, b: &Point, double: u8) -> Operand {
    let difference = b.y.sub(&a.y).plus_4p::<P>();
    if !DOUBLE {
        return difference.carry();
    }
    Loose::select(double, &tangent::<P>(&a.x), &difference).carry()
}

/// 3x² - 3. Bound: x as in [`Point`]; out p <= value < 8p.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn tangent<P: Prime>(x: &Loose) -> Loose {
    tangent_of_square::<P>(&square::<P>(&x.add(&Loose(broadcast(&P::P))).carry()))
}

/// 3x² - 3, from x². Bound: 0 <= x² < 5/4 p; out p <= value < 8p.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn tangent_of_square<P: Prime>(square: &Loose) -> Loose {
    let square = square.sub(&Loose(broadcast(&P::ONE)));
    square.add(&square).add(&square).plus_4p::<P>()
}
