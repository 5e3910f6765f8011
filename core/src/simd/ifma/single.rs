//! One multiplication in eight lanes: the windows of the scalar are spread over the lanes, and the lanes are summed.

use super::digits::{Digits, One, windows};
use super::field::{Loose, Operand, mul, mul_pair};
use super::jacobian::Jacobian;
use super::lanes::{V, broadcast, load, prefetch, set, stored, transpose, zero};
use super::prime::{Prime, limbs};
use super::table::{Columns, Entry, Table, point_from_words};
use super::tree::Point;
use core::arch::x86_64::{_mm512_cmpeq_epi64_mask, _mm512_mask_mov_epi64};

/// Bits of a window of [`Spread`]: 64 windows, eight a lane.
pub(crate) const SPREAD_WIDTH: usize = 4;
const ENTRIES: usize = 1 << (SPREAD_WIDTH - 1);
const GROUPS: usize = windows(SPREAD_WIDTH) / 8;

/// X, Y and Z of a point (X/Z², Y/Z³): integers, four words each, least first.
pub(crate) type Coordinates = [[u64; 4]; 3];

/// A table for signing with one nonce, 32 KiB: entry j of eight windows, word by word.
pub(crate) struct Spread(Vec<[Columns; ENTRIES]>);

impl Spread {
    /// From a table with windows of [`SPREAD_WIDTH`] bits.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn new(table: &Table) -> Self {
        assert_eq!(table.width(), SPREAD_WIDTH);
        let groups = table.entries().as_chunks::<{ 8 * ENTRIES }>().0;
        Spread(
            groups
                .iter()
                .map(|group| {
                    let mut columns = [Columns([[0; 8]; 8]); ENTRIES];
                    for (j, columns) in columns.iter_mut().enumerate() {
                        let mut rows = [zero(); 8];
                        for (window, row) in rows.iter_mut().enumerate() {
                            *row = load(&group[window * ENTRIES + j].0);
                        }
                        *columns = Columns(transpose(&rows).map(|v| stored(v)));
                    }
                    columns
                })
                .collect(),
        )
    }

    /// The points of the digits of eight windows. Constant time: every entry is read.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    fn points(&self, digits: &Digits, group: usize) -> Point {
        let (index, negative) = digits.nibbles(group);
        let mut words = [zero(); 8];
        for (j, columns) in (0..).zip(&self.0[group]) {
            let here = _mm512_cmpeq_epi64_mask(index, set(j));
            for (word, column) in words.iter_mut().zip(&columns.0) {
                *word = _mm512_mask_mov_epi64(*word, here, load(column));
            }
        }
        point_from_words(&words, negative)
    }
}

/// k times the point of the table. Bound: 1 <= k < n. Constant time.
///
/// `core/docs/ifma.md` shows that no addition before the last is exceptional, and that the last one is at most a
/// doubling.
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn multiply<P: Prime>(spread: &Spread, k: &[u64; 4]) -> Coordinates {
    let digits = Digits::new::<P>(&Loose(broadcast(&limbs(*k))), SPREAD_WIDTH);
    let mut sums = Jacobian::new::<P>(&spread.points(&digits, 0));
    for group in 1..GROUPS {
        sums = sums.add_affine::<P>(&spread.points(&digits, group));
    }
    coordinates::<P>(&sums.sum_of_lanes::<P>())
}

/// u·G + v·Q from their tables, whose windows must be multiples of eight; or nothing where an addition was
/// exceptional, or the sum is infinity. Bound: 1 <= u, v < n. Variable time.
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn combine<P: Prime>(g: &Table, q: &Table, u: &[u64; 4], v: &[u64; 4]) -> Option<Coordinates> {
    let (for_g, for_q) = (One::new_vartime::<P>(u, g.width()), One::new_vartime::<P>(v, q.width()));
    let mut entries: Vec<(&Entry, bool)> = Vec::with_capacity(windows(g.width()) + windows(q.width()));
    for (digits, table) in [(&for_g, g), (&for_q, q)] {
        for window in 0..windows(table.width()) {
            let (index, negative) = digits.digit_vartime(window);
            let entry = &table.entries()[(window << (table.width() - 1)) + index];
            prefetch(&entry.0);
            entries.push((entry, negative));
        }
    }
    let (groups, rest) = entries.as_chunks::<8>();
    assert!(rest.is_empty(), "eight windows go together");
    let mut points = groups.iter().map(|group| {
        let negative = group.iter().rev().fold(0, |mask, (_, negative)| mask << 1 | u8::from(*negative));
        point_from_words(&transpose(&group.map(|(entry, _)| load(&entry.0))), negative)
    });
    let mut sums = Jacobian::new::<P>(&points.next()?);
    for point in points {
        sums = sums.add_affine::<P>(&point);
    }
    let sum = coordinates::<P>(&sums.sum_of_lanes::<P>());
    (sum[2] != [0; 4]).then_some(sum)
}

/// The point of lane 0.
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn coordinates<P: Prime>(point: &Jacobian) -> Coordinates {
    let (p, one) = (Loose(broadcast(&P::P)), Operand(broadcast(&[1, 0, 0, 0, 0])));
    let [x, y] = mul_pair::<P>([&point.x.add(&p).carry(), &point.y.add(&p).carry()], [&one, &one]);
    let first = |number: &Loose| number.canonical::<P>().to_words().map(|v: V| stored(v)[0]);
    [first(&x), first(&y), first(&mul::<P>(&point.z, &one))]
}
