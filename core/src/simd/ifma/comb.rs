//! Constant-time lookup: each window is read whole, and `vpermi2q` picks the entry of every lane.

use super::digits::{Digits, windows};
use super::lanes::{V, and, load, set, stored, transpose, zero};
use super::table::{Columns, Table, point_from_words};
use super::tree::Point;
use core::arch::x86_64::{_mm512_mask_blend_epi64, _mm512_permutex2var_epi64};

/// A table turned on its side: of every eight entries of a window the first words, then the second, and so on.
pub(crate) struct Comb {
    width: usize,
    /// Eight columns of each group of eight entries.
    columns: Vec<Columns>,
}

impl Comb {
    /// Bound: the width is at least 5, so that a window has sixteen entries or more.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn new(table: &Table) -> Self {
        assert!(table.width() >= 5, "vpermi2q picks from sixteen entries");
        let columns = table
            .entries()
            .as_chunks::<8>()
            .0
            .iter()
            .map(|entries| {
                let mut rows = [zero(); 8];
                for (row, entry) in rows.iter_mut().zip(entries) {
                    *row = load(&entry.0);
                }
                Columns(transpose(&rows).map(|v| stored(v)))
            })
            .collect();
        Comb { width: table.width(), columns }
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn windows(&self) -> usize {
        windows(self.width)
    }

    /// The point of digit `window` of eight scalars. Constant time: every entry of the window is read.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn point(&self, digits: &Digits, window: usize) -> Point {
        let (index, negative) = digits.digit(window);
        let groups = 1 << (self.width - 1 - 3);
        let columns = &self.columns[window * groups..][..groups];
        let mut words = pick(&columns[0], &columns[1], index);
        for (number, pair) in columns.as_chunks::<2>().0.iter().enumerate().skip(1) {
            // The lanes whose index lies in these sixteen.
            let here = equal(index, number as u64);
            let found = pick(&pair[0], &pair[1], index);
            for (word, found) in words.iter_mut().zip(found) {
                *word = _mm512_mask_blend_epi64(here, *word, found);
            }
        }
        point_from_words(&words, negative)
    }
}

/// The lanes whose index divided by 16 is `number`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn equal(index: V, number: u64) -> u8 {
    core::arch::x86_64::_mm512_cmpeq_epi64_mask(and(index, set(!15)), set(16 * number))
}

/// From sixteen entries the one that the low four bits of the index name.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn pick(low: &Columns, high: &Columns, index: V) -> [V; 8] {
    let mut words = [zero(); 8];
    for (word, (low, high)) in words.iter_mut().zip(low.0.iter().zip(&high.0)) {
        *word = _mm512_permutex2var_epi64(load(low), index, load(high));
    }
    words
}
