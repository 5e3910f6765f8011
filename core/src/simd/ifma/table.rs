//! Tables of odd multiples of a point, 64 bytes an entry.

use super::digits::windows;
use super::field::{Loose, Operand, mul};
use super::lanes::{V, broadcast, load, store, transpose, zero};
use super::prime::Prime;
use super::tree::{Level, Point, Scratch, sum};

/// x and y, four words each. Domain: Montgomery with R = 2^260. Bound: < p.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Entry(pub(super) [u64; 8]);

/// Word i of eight entries, for every i.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Columns(pub(super) [[u64; 8]; 8]);

/// Odd multiples of a point P: entry j of window i is (2j + 1)·2^(width · i)·P.
pub(crate) struct Table {
    width: usize,
    entries: Vec<Entry>,
}

impl Table {
    /// Bits of a window.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// The entries of a window.
    #[cfg(test)]
    pub(super) fn window(&self, window: usize) -> &[Entry] {
        let count = 1 << (self.width - 1);
        &self.entries[window * count..][..count]
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The table of the point whose multiples by 2^(width · i) are `bases`: x and y, canonical, least word first.
    /// Variable time.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn build<P: Prime>(width: usize, bases: &[[u64; 8]]) -> Self {
        let count = 1 << (width - 1);
        let mut entries = vec![Entry([0; 8]); windows(width) * count];
        // A lane is a window; sixteen windows are two groups, which one batch takes at a time.
        for (chunk, bases) in bases[..windows(width)].chunks(16).enumerate() {
            let base = |lane: usize| bases[lane.min(bases.len() - 1)];
            let groups = [to_montgomery::<P>(base), to_montgomery::<P>(|lane| base(8 + lane))];
            for (group, multiples) in odd_multiples::<P>(count, groups).iter().enumerate() {
                for (j, point) in multiples.iter().enumerate() {
                    for (lane, entry) in pack::<P>(point).into_iter().enumerate() {
                        let window = 8 * group + lane;
                        if window < bases.len() {
                            entries[(16 * chunk + window) * count + j] = entry;
                        }
                    }
                }
            }
        }
        Table { width, entries }
    }
}

/// Eight points from x and y, canonical, least word first.
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn to_montgomery<P: Prime>(point: impl Fn(usize) -> [u64; 8]) -> Point {
    let mut rows = [zero(); 8];
    for (lane, row) in rows.iter_mut().enumerate() {
        *row = load(&point(lane));
    }
    let w = transpose(&rows);
    let r2 = Operand(broadcast(&P::R2));
    let x = mul::<P>(&Operand::from_words(&[w[0], w[1], w[2], w[3]]), &r2).fold::<P>();
    let y = mul::<P>(&Operand::from_words(&[w[4], w[5], w[6], w[7]]), &r2).fold::<P>();
    Point { x, y }
}

/// P, 3P, 5P, … in both groups: the odd multiples below 2m plus 2m·P are those up to 4m.
///
/// No addition is exceptional: all multiples are between 1 and 2^width, far below n.
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn odd_multiples<P: Prime>(count: usize, seeds: [Point; 2]) -> [Vec<Point>; 2] {
    let mut scratch = Scratch::new(2 * count);
    let mut found = [vec![seeds[0]], vec![seeds[1]]];
    // The double of the largest power so far is a sum of two equal points, which a root level allows.
    let double = [Level { pairs: vec![(0, 1)], root: true }];
    let mut power = seeds;
    while found[0].len() < count {
        let mut points = vec![power[0], power[1], power[0], power[1]];
        sum::<P>(&mut points, 2, &double, &mut scratch);
        power = [points[0].tidy(), points[1].tidy()];
        let have = found[0].len();
        let mut points = Vec::with_capacity(2 * have + 2);
        for (first, second) in found[0].iter().zip(&found[1]) {
            points.extend([*first, *second]);
        }
        points.extend(power);
        let pairs = (0..have).map(|j| (j, have)).collect();
        sum::<P>(&mut points, 2, &[Level { pairs, root: false }], &mut scratch);
        for pair in points[..2 * have].chunks_exact(2) {
            found[0].push(pair[0].tidy());
            found[1].push(pair[1].tidy());
        }
    }
    found
}

/// Eight points as entries.
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn pack<P: Prime>(point: &Point) -> [Entry; 8] {
    let x = point.x.canonical::<P>().to_words();
    let y = point.y.canonical::<P>().to_words();
    let mut entries = [Entry([0; 8]); 8];
    let rows = transpose(&[x[0], x[1], x[2], x[3], y[0], y[1], y[2], y[3]]);
    for (entry, row) in entries.iter_mut().zip(rows) {
        store(&mut entry.0, row);
    }
    entries
}

/// Points from the words of x and y, y negated in the lanes of the mask.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn point_from_words(w: &[V; 8], negative: u8) -> Point {
    let x = Operand::from_words(&[w[0], w[1], w[2], w[3]]).digits();
    let y: Loose = Operand::from_words(&[w[4], w[5], w[6], w[7]]).digits();
    Point { x, y: y.negate_if(negative) }
}
