//! From messages to digests: blocks are loaded a message a row, and turned so that each lane holds a message.

use super::compress::{V, W, absorb, load, set};
use crate::simd::Function;
use core::arch::x86_64::{
    __m256i, __mmask16, __mmask64, _mm256_storeu_si256, _mm512_add_epi32, _mm512_castsi512_si256,
    _mm512_cmpeq_epi32_mask, _mm512_cmpgt_epu32_mask, _mm512_extracti64x4_epi64, _mm512_loadu_si512,
    _mm512_mask_loadu_epi8, _mm512_mask_mov_epi32, _mm512_permutex2var_epi64, _mm512_set_epi64, _mm512_set4_epi32,
    _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_shuffle_i32x4, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64,
    _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

/// A group of sixteen messages, each in two parts.
struct Group<'a> {
    messages: [[&'a [u8]; 2]; 16],
    /// Length of every first part; less than a block.
    head: usize,
    /// Blocks of each message, padding included.
    blocks: V,
    /// Blocks that every message fills without padding.
    full: u32,
    /// Length of each message in bits.
    bits_high: V,
    bits_low: V,
}

/// Blocks of a message, padding included. Bound: less than 2^37 bytes.
#[inline]
pub(super) fn blocks([head, body]: [&[u8]; 2]) -> u32 {
    ((head.len() + body.len() + 8) / 64) as u32 + 1
}

impl<'a> Group<'a> {
    /// Up to sixteen messages; the last one also runs in the lanes that are left.
    #[target_feature(enable = "avx512f")]
    fn new(messages: &[[&'a [u8]; 2]]) -> Self {
        let mut rows = [messages[messages.len() - 1]; 16];
        rows[..messages.len()].copy_from_slice(messages);
        let head = rows[0][0].len();
        assert!(head < 64 && rows.iter().all(|row| row[0].len() == head));
        let lengths = rows.map(|[_, body]| (head + body.len()) as u64);
        let shortest = lengths.into_iter().fold(u64::MAX, u64::min);
        Group {
            messages: rows,
            head,
            blocks: load(&rows.map(blocks)),
            full: (shortest / 64) as u32,
            bits_high: load(&lengths.map(|length| (length >> 29) as u32)),
            bits_low: load(&lengths.map(|length| (length << 3) as u32)),
        }
    }

    /// Block `index` of every message as words, and the lanes that have such a block.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn block(&self, index: u32) -> ([V; 16], __mmask16) {
        let mut rows = [_mm512_setzero_si512(); 16];
        if index < self.full {
            let at = index as usize * 64;
            for (row, [head, body]) in rows.iter_mut().zip(self.messages) {
                *row = match at.checked_sub(self.head) {
                    Some(at) => load_bytes(body[at..].first_chunk().expect("a full block")),
                    None => load_first(head, body),
                };
            }
            return (words(rows), !0);
        }
        for (row, [head, body]) in rows.iter_mut().zip(self.messages) {
            *row = load_last(head, body, index as usize * 64);
        }
        let mut words = words(rows);
        let index = set(index);
        let live = _mm512_cmpgt_epu32_mask(self.blocks, index);
        let last = _mm512_cmpeq_epi32_mask(self.blocks, _mm512_add_epi32(index, set(1)));
        words[14] = _mm512_mask_mov_epi32(words[14], last, self.bits_high);
        words[15] = _mm512_mask_mov_epi32(words[15], last, self.bits_low);
        (words, live)
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_bytes(bytes: &[u8; 64]) -> V {
    // SAFETY: the reference is valid for 64 bytes, and the instruction needs no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

/// The bits `from` to `to` - 1 of a mask. Bound: `from` <= `to` <= 64.
#[inline]
fn mask(from: usize, to: usize) -> __mmask64 {
    let below = |end: usize| if end < 64 { (1 << end) - 1 } else { !0 };
    below(to) & !below(from)
}

/// Bytes `from` to `to` - 1 of the result are the first ones of `bytes`, the others are those of `rest`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_part(rest: V, from: usize, to: usize, bytes: &[u8]) -> V {
    assert!(from <= to && to <= 64 && to - from <= bytes.len());
    // SAFETY: of a masked load only the bytes of the mask are read, here byte k - from of `bytes` for from <= k < to.
    unsafe { _mm512_mask_loadu_epi8(rest, mask(from, to), bytes.as_ptr().wrapping_sub(from).cast()) }
}

/// The first block of `head` ‖ `body`, which fill it.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_first(head: &[u8], body: &[u8]) -> V {
    let rest = load_part(_mm512_setzero_si512(), 0, head.len(), head);
    load_part(rest, head.len(), 64, body)
}

/// The block at byte `at` of `head` ‖ `body` ‖ 0x80 ‖ zeros, which need not fill it.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_last(head: &[u8], body: &[u8], at: usize) -> V {
    /// The mark of the end, behind so many bytes of a block that 64 of these are taken from 64 less than that.
    const MARK: [u8; 129] = {
        let mut mark = [0; 129];
        mark[64] = 0x80;
        mark
    };
    let length = head.len() + body.len();
    let here = length.saturating_sub(at).min(64);
    // Nothing is marked in a full block, and in one behind the block that holds the end.
    let mark = if length < at { 65 } else { 64 - here };
    let mark = load_bytes(MARK[mark..].first_chunk().expect("64 bytes"));
    match at.checked_sub(head.len()) {
        Some(at) => load_part(mark, 0, here, &body[at.min(body.len())..]),
        None => load_part(load_part(mark, 0, head.len(), head), head.len(), here, body),
    }
}

/// Swaps the bytes of each word.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn swap(v: V) -> V {
    _mm512_shuffle_epi8(v, _mm512_set4_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203))
}

/// Rows of sixteen big-endian words, turned: word j of every row.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn words(rows: [V; 16]) -> [V; 16] {
    let mut pairs = rows;
    for i in 0..8 {
        let (a, b) = (swap(rows[2 * i]), swap(rows[2 * i + 1]));
        pairs[2 * i] = _mm512_unpacklo_epi32(a, b);
        pairs[2 * i + 1] = _mm512_unpackhi_epi32(a, b);
    }
    // fours[4 q + m]: in quarter k, word 4 k + m of rows 4 q to 4 q + 3.
    let mut fours = rows;
    for q in 0..4 {
        for half in 0..2 {
            let (a, b) = (pairs[4 * q + half], pairs[4 * q + 2 + half]);
            fours[4 * q + 2 * half] = _mm512_unpacklo_epi64(a, b);
            fours[4 * q + 2 * half + 1] = _mm512_unpackhi_epi64(a, b);
        }
    }
    let mut words = rows;
    for m in 0..4 {
        let [a, b, c, d] = [fours[m], fours[4 + m], fours[8 + m], fours[12 + m]];
        let (ab_even, ab_odd) = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xdd>(a, b));
        let (cd_even, cd_odd) = (_mm512_shuffle_i32x4::<0x88>(c, d), _mm512_shuffle_i32x4::<0xdd>(c, d));
        words[m] = _mm512_shuffle_i32x4::<0x88>(ab_even, cd_even);
        words[4 + m] = _mm512_shuffle_i32x4::<0x88>(ab_odd, cd_odd);
        words[8 + m] = _mm512_shuffle_i32x4::<0xdd>(ab_even, cd_even);
        words[12 + m] = _mm512_shuffle_i32x4::<0xdd>(ab_odd, cd_odd);
    }
    words
}

/// The states of sixteen lanes as rows of big-endian bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn rows(state: [V; 8], out: &mut [[u8; 32]; 16]) {
    let mut pairs = state;
    for i in 0..4 {
        let (a, b) = (swap(state[2 * i]), swap(state[2 * i + 1]));
        pairs[2 * i] = _mm512_unpacklo_epi32(a, b);
        pairs[2 * i + 1] = _mm512_unpackhi_epi32(a, b);
    }
    for half in 0..2 {
        for odd in 0..2 {
            // Of row 4 k + m, words 0 to 3 and words 4 to 7, in quarter k.
            let (m, low, high) = if odd == 0 {
                (
                    2 * half,
                    _mm512_unpacklo_epi64(pairs[half], pairs[2 + half]),
                    _mm512_unpacklo_epi64(pairs[4 + half], pairs[6 + half]),
                )
            } else {
                (
                    2 * half + 1,
                    _mm512_unpackhi_epi64(pairs[half], pairs[2 + half]),
                    _mm512_unpackhi_epi64(pairs[4 + half], pairs[6 + half]),
                )
            };
            let first = _mm512_permutex2var_epi64(low, _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0), high);
            let second = _mm512_permutex2var_epi64(low, _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4), high);
            store(&mut out[m], _mm512_castsi512_si256(first));
            store(&mut out[4 + m], _mm512_extracti64x4_epi64::<1>(first));
            store(&mut out[8 + m], _mm512_castsi512_si256(second));
            store(&mut out[12 + m], _mm512_extracti64x4_epi64::<1>(second));
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(out: &mut [u8; 32], v: __m256i) {
    // SAFETY: the reference is valid for 32 bytes, and the instruction needs no alignment.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), v) }
}

/// A group on its way: the next block is `at`, behind the last one the digests go to `out`.
struct Run<'a, 'out> {
    group: Group<'a>,
    at: u32,
    end: u32,
    out: &'out mut [[u8; 32]],
}

impl<'a, 'out> Run<'a, 'out> {
    #[target_feature(enable = "avx512f")]
    fn new(messages: &[[&'a [u8]; 2]], least: usize, out: &'out mut [[u8; 32]]) -> Self {
        let end = blocks(messages[least.min(messages.len()) - 1]);
        Run { group: Group::new(messages), at: 0, end, out }
    }

    /// Writes what is in the lanes.
    #[target_feature(enable = "avx512f,avx512bw")]
    fn emit(self, state: [V; 8]) {
        match <&mut [_; 16]>::try_from(&mut *self.out) {
            Ok(out) => rows(state, out),
            Err(_) => {
                let mut all = [[0; 32]; 16];
                rows(state, &mut all);
                self.out.copy_from_slice(&all[..self.out.len()]);
            }
        }
    }
}

/// Absorbs the next `count` blocks of every run.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw")]
fn advance<const G: usize>(function: Function, runs: &mut [Run<'_, '_>; G], count: u32, state: &mut [W<G>; 8]) {
    for _ in 0..count {
        let (mut words, mut live) = ([[_mm512_setzero_si512(); G]; 16], [0; G]);
        for (g, run) in runs.iter_mut().enumerate() {
            let (block, lanes) = run.group.block(run.at);
            for (slot, word) in words.iter_mut().zip(block) {
                slot[g] = word;
            }
            live[g] = lanes;
            run.at += 1;
        }
        absorb(function, state, &words, live);
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn digests(function: Function, messages: &[[&[u8]; 2]], least: usize, out: &mut [[u8; 32]]) {
    let initial = function.initial().map(|word| set(word));
    let mut waiting = messages.chunks(16).zip(out.chunks_mut(16)).map(|(m, out)| Run::new(m, least, out));
    let Some(first) = waiting.next() else { return };
    let Some(second) = waiting.next() else { return alone(function, first, initial) };
    let (mut runs, mut state) = ([first, second], initial.map(|v| [v, v]));
    loop {
        let count = runs.each_ref().map(|run| run.end - run.at);
        advance(function, &mut runs, count[0].min(count[1]), &mut state);
        for g in 0..2 {
            if runs[g].at < runs[g].end {
                continue;
            }
            let Some(next) = waiting.next() else {
                let [first, second] = runs;
                let (done, other) = if g == 0 { (first, second) } else { (second, first) };
                done.emit(state.map(|w| w[g]));
                return alone(function, other, state.map(|w| w[1 - g]));
            };
            core::mem::replace(&mut runs[g], next).emit(state.map(|w| w[g]));
            for (w, v) in state.iter_mut().zip(initial) {
                w[g] = v;
            }
        }
    }
}

/// The last run, from the state that it has reached.
#[target_feature(enable = "avx512f,avx512bw")]
fn alone(function: Function, run: Run<'_, '_>, state: [V; 8]) {
    let (count, mut runs, mut state) = (run.end - run.at, [run], state.map(|v| [v]));
    advance(function, &mut runs, count, &mut state);
    let [run] = runs;
    run.emit(state.map(|[v]| v));
}
