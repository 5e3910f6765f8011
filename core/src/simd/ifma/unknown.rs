//! Verification of many signatures by keys that have no tables: the doublings of the whole batch go together, affine,
//! with one inversion for all. Variable time: everything is public.

use super::digits::{Digits, windows};
use super::field::Loose;
use super::lanes::{load, stored, transpose, zero};
use super::prime::Prime;
use super::table::{Entry, Table, pack, point_from_words, to_montgomery};
use super::tree::{Level, Point, Scratch, double, sum};
use super::verify::{Batch, Claim, Equation, GROUPS, equations, look_up, sum_has_x};

/// Bits of a window, and the odd multiples that it needs.
const WIDTH: usize = 5;
const ENTRIES: usize = 1 << (WIDTH - 1);
/// Groups of eight that double together at most: 2048 signatures with 2 MiB of multiples.
const TOGETHER: usize = 256;

/// The digits of v of eight claims.
struct Walk {
    digits: Digits,
    /// u·G.
    first: Point,
}

/// Verifies `out.len()` claims.
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn verify<'a, P: Prime>(
    g: &Table,
    claim: impl Fn(usize) -> Claim<'a>,
    key: impl Fn(usize) -> [u64; 8],
    out: &mut [bool],
) {
    let Some(last) = out.len().checked_sub(1) else { return };
    // Even shares, so that no batch is small beside the others.
    let batches = (last + 1).div_ceil(8 * TOGETHER);
    let most = (last + 1).div_ceil(batches).div_ceil(16) * 2;
    let mut work = Work::new(g, most);
    for (number, out) in out.chunks_mut(8 * most).enumerate() {
        let start = 8 * most * number;
        let groups = out.len().div_ceil(16) * 2;
        // Lanes beyond the end repeat the last claim.
        let equations = equations::<P>(groups, |index| claim((start + index).min(last)));
        let walks = work.multiples_of_g::<P>(g, &equations);
        work.odd_multiples::<P>(groups, |index| key((start + index).min(last)));
        work.walk::<P>(groups, &walks);
        for (group, (equation, walk)) in equations.iter().zip(&walks).enumerate() {
            let found = sum_has_x::<P>(&walk.first, &work.points[group], &equation.target, equation.no_u);
            let found = found & equation.valid;
            for (lane, valid) in out.iter_mut().skip(8 * group).take(8).enumerate() {
                *valid = found >> lane & 1 == 1;
            }
        }
    }
}

/// Work space of a batch.
struct Work {
    /// For each claim its odd multiples of Q.
    entries: Vec<Entry>,
    /// The sums of all groups, and behind them what is to be added.
    points: Vec<Point>,
    scratch: Scratch,
    batch: Batch,
}

impl Work {
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    fn new(g: &Table, groups: usize) -> Self {
        let none = Loose([zero(); 5]);
        Work {
            entries: vec![Entry([0; 8]); 8 * ENTRIES * groups],
            points: vec![Point { x: none, y: none }; 2 * groups],
            scratch: Scratch::new(groups),
            batch: Batch::new(&[windows(g.width())], groups.min(GROUPS)),
        }
    }

    /// u·G of all claims.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    fn multiples_of_g<P: Prime>(&mut self, g: &Table, equations: &[Equation]) -> Vec<Walk> {
        let mut walks = Vec::with_capacity(equations.len());
        for equations in equations.chunks(GROUPS) {
            let groups = equations.len();
            let points = &mut self.batch.points[..groups * windows(g.width())];
            for (group, equation) in equations.iter().enumerate() {
                let digits = Digits::new::<P>(&equation.u, g.width());
                look_up(&digits, [g.entries(); 8], g.width(), &mut points[group..], groups);
            }
            sum::<P>(points, groups, &self.batch.levels, &mut self.batch.scratch);
            walks.extend(
                equations
                    .iter()
                    .zip(points)
                    .map(|(equation, &mut first)| Walk { digits: Digits::new::<P>(&equation.v, WIDTH), first }),
            );
        }
        walks
    }

    /// Q, 3Q, …, 31Q of all claims.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    fn odd_multiples<P: Prime>(&mut self, groups: usize, key: impl Fn(usize) -> [u64; 8]) {
        let (sums, doubles) = self.points.split_at_mut(groups);
        for (group, (sum, double)) in sums.iter_mut().zip(doubles.iter_mut()).enumerate() {
            *sum = to_montgomery::<P>(|lane| key(8 * group + lane)).tidy();
            *double = *sum;
        }
        double::<P>(&mut doubles[..groups], &mut self.scratch);
        // (2j + 1)·Q and 2Q are neither equal nor opposite: n is a large prime.
        let add = [Level { pairs: vec![(0, 1)], root: false }];
        for j in 0..ENTRIES {
            if j > 0 {
                sum::<P>(&mut self.points[..2 * groups], groups, &add, &mut self.scratch);
            }
            for (group, point) in self.points[..groups].iter_mut().enumerate() {
                *point = point.tidy();
                for (lane, entry) in pack::<P>(point).into_iter().enumerate() {
                    self.entries[(8 * group + lane) * ENTRIES + j] = entry;
                }
            }
        }
    }

    /// v·Q of all claims, to the first half of `points`.
    ///
    /// Before the last window the sum is m·Q with m odd and 2^5·m + 31 < n, so that no addition is exceptional. In
    /// the last one 2^5·m + digit is v or n - v, not 0; but 2^5·m = digit mod n happens for a few v, so there a
    /// doubling is allowed.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    fn walk<P: Prime>(&mut self, groups: usize, walks: &[Walk]) {
        let inner = [Level { pairs: vec![(0, 1)], root: false }];
        let last = [Level { pairs: vec![(0, 1)], root: true }];
        let points = &mut self.points[..2 * groups];
        for window in (0..windows(WIDTH)).rev() {
            let top = window == windows(WIDTH) - 1;
            if !top {
                for _ in 0..WIDTH {
                    double::<P>(&mut points[..groups], &mut self.scratch);
                }
            }
            for (group, walk) in walks.iter().enumerate() {
                let (index, negative) = walk.digits.digit(window);
                let index = stored(index);
                let entries = &self.entries[8 * group * ENTRIES..][..8 * ENTRIES];
                let mut rows = [zero(); 8];
                for (lane, row) in rows.iter_mut().enumerate() {
                    *row = load(&entries[lane * ENTRIES + index[lane] as usize].0);
                }
                let point = point_from_words(&transpose(&rows), negative);
                points[if top { group } else { groups + group }] = point;
            }
            if !top {
                sum::<P>(points, groups, if window == 0 { &last } else { &inner }, &mut self.scratch);
            }
        }
    }
}
