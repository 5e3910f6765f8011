//! From messages to digests: blocks are loaded a message a row, and turned so that each lane holds a message.

use super::compress::{V, absorb, set};
use crate::simd::Function;
use crate::simd::blocks::{Blocks, count};
use crate::simd::memory::{load32, store32};
use core::arch::x86_64::{
    _mm256_cmpgt_epi32, _mm256_permute2x128_si256, _mm256_setr_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
};

/// Swaps the bytes of each word.
#[inline]
#[target_feature(enable = "avx2")]
fn swap(v: V) -> V {
    let bytes = _mm256_setr_epi8(
        3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12,
    );
    _mm256_shuffle_epi8(v, bytes)
}

/// Eight rows of eight words, turned: word j of every row.
#[inline]
#[target_feature(enable = "avx2")]
fn turn(rows: [V; 8]) -> [V; 8] {
    let [a, b, c, d, e, f, g, h] = rows;
    let (ab, ab_high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let (cd, cd_high) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
    let (ef, ef_high) = (_mm256_unpacklo_epi32(e, f), _mm256_unpackhi_epi32(e, f));
    let (gh, gh_high) = (_mm256_unpacklo_epi32(g, h), _mm256_unpackhi_epi32(g, h));
    // Of the first four rows and of the others: words j and j + 4, a half each.
    let first = [
        _mm256_unpacklo_epi64(ab, cd),
        _mm256_unpackhi_epi64(ab, cd),
        _mm256_unpacklo_epi64(ab_high, cd_high),
        _mm256_unpackhi_epi64(ab_high, cd_high),
    ];
    let others = [
        _mm256_unpacklo_epi64(ef, gh),
        _mm256_unpackhi_epi64(ef, gh),
        _mm256_unpacklo_epi64(ef_high, gh_high),
        _mm256_unpackhi_epi64(ef_high, gh_high),
    ];
    let mut out = rows;
    for j in 0..4 {
        out[j] = _mm256_permute2x128_si256::<0x20>(first[j], others[j]);
        out[4 + j] = _mm256_permute2x128_si256::<0x31>(first[j], others[j]);
    }
    out
}

/// Eight blocks as words.
#[inline]
#[target_feature(enable = "avx2")]
fn words(blocks: [&[u8; 64]; 8]) -> [V; 16] {
    let mut words = [_mm256_setzero_si256(); 16];
    for (half, words) in words.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let mut rows = *words;
        for (row, block) in rows.iter_mut().zip(blocks) {
            *row = swap(load32(&block[32 * half..32 * half + 32]));
        }
        *words = turn(rows);
    }
    words
}

#[target_feature(enable = "avx2")]
pub(super) fn digests(function: Function, messages: &[[&[u8]; 2]], least: usize, out: &mut [[u8; 32]]) {
    let mut blocks = [const { Blocks::new() }; 8];
    for (messages, out) in messages.chunks(8).zip(out.chunks_mut(8)) {
        let end = count(messages[least.min(messages.len()) - 1]);
        // The last message also runs in the lanes that are left.
        let message = |lane: usize| messages[lane.min(messages.len() - 1)];
        blocks.iter_mut().enumerate().for_each(|(lane, blocks)| blocks.set(message(lane)));
        let counts = load32(&core::array::from_fn::<u32, 8, _>(|lane| count(message(lane))));
        let mut state = function.initial().map(|word| set(word));
        for index in 0..end {
            let words = words(blocks.each_ref().map(|message| message.get(index)));
            let live = _mm256_cmpgt_epi32(counts, set(index));
            absorb(function, &mut state, &words, live);
        }
        for (v, out) in turn(state).into_iter().zip(out) {
            store32(out, swap(v));
        }
    }
}

/// Bound: as many blocks of one as of another.
#[target_feature(enable = "avx2")]
pub(super) fn compress(function: Function, states: &mut [[u32; 8]; 8], blocks: [&[[u8; 64]]; 8]) {
    let mut state = turn(states.each_ref().map(|state| load32(state)));
    for index in 0..blocks[0].len() {
        absorb(function, &mut state, &words(blocks.map(|blocks| &blocks[index])), set(!0));
    }
    for (v, state) in turn(state).into_iter().zip(states) {
        store32(state, v);
    }
}
