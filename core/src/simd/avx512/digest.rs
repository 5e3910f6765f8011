//! From messages to digests: blocks are loaded a message a row, and turned so that each lane holds a message.

use super::compress::{V, W, absorb, load, set, stored};
use crate::simd::Function;
use crate::simd::blocks::count;
use core::arch::x86_64::{
    __m256i, __mmask16, _MM_HINT_T0, _bzhi_u64, _mm_prefetch, _mm256_storeu_si256, _mm512_castsi512_si256,
    _mm512_cmpeq_epi32_mask, _mm512_cmpge_epu32_mask, _mm512_cmpgt_epu32_mask, _mm512_extracti64x4_epi64,
    _mm512_loadu_si512, _mm512_mask_add_epi32, _mm512_mask_loadu_epi8, _mm512_mask_mov_epi32, _mm512_mask_srli_epi32,
    _mm512_maskz_mov_epi32, _mm512_or_si512, _mm512_permutex2var_epi64, _mm512_set_epi64, _mm512_set4_epi32,
    _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_shuffle_i32x4, _mm512_slli_epi32, _mm512_unpackhi_epi32,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

/// A group of sixteen messages, each in two parts.
struct Group<'m> {
    messages: &'m [[&'m [u8]; 2]; 16],
    /// Length of every first part; less than a block.
    head: usize,
    /// Blocks that every message fills.
    all_full: u32,
    /// Blocks that each message fills, and the bytes behind them.
    full: V,
    rest: V,
}

impl<'m> Group<'m> {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(messages: &'m [[&'m [u8]; 2]; 16]) -> Self {
        let (mut full, mut rest, mut all_full) = ([0; 16], [0; 16], u32::MAX);
        for (i, [head, body]) in messages.iter().enumerate() {
            let length = head.len() + body.len();
            full[i] = (length / 64) as u32;
            rest[i] = (length % 64) as u32;
            all_full = all_full.min(full[i]);
        }
        Group { messages, head: messages[0][0].len(), all_full, full: load(&full), rest: load(&rest) }
    }

    /// Block `index` of every message as words of group g; returns the lanes that have such a block.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,bmi2")]
    fn block<const G: usize>(&self, index: u32, out: &mut [W<G>; 16], g: usize) -> __mmask16 {
        let at = (index as usize * 64).checked_sub(self.head);
        let whole = index < self.all_full;
        let mut rows = [_mm512_setzero_si512(); 16];
        match at {
            Some(at) if whole => {
                for (lane, row) in rows.iter_mut().enumerate() {
                    *row = load_next(self.messages[lane][1], at);
                }
            }
            Some(at) => {
                let (counts, marks) = self.ends(index);
                for (lane, row) in rows.iter_mut().enumerate() {
                    let (count, mark) = (counts[lane] as usize, marks[lane] as usize);
                    let bytes = self.messages[lane][1].get(at..at + count).unwrap_or_default();
                    *row = load_part(marked(mark), 0, bytes);
                }
            }
            None => {
                for (lane, row) in rows.iter_mut().enumerate() {
                    let [head, body] = self.messages[lane];
                    *row = load_first(head, body);
                }
            }
        }
        turn(rows, out, g);
        if whole {
            return !0;
        }
        // Blocks behind the full ones: one, or two if the rest leaves no space for the length.
        let more = _mm512_cmpgt_epu32_mask(self.rest, set(55));
        let last = _mm512_mask_add_epi32(self.full, more, self.full, set(1));
        let is_last = _mm512_cmpeq_epi32_mask(last, set(index));
        let bits = _mm512_or_si512(_mm512_slli_epi32::<9>(self.full), _mm512_slli_epi32::<3>(self.rest));
        out[14][g] = _mm512_mask_srli_epi32::<23>(out[14][g], is_last, self.full);
        out[15][g] = _mm512_mask_mov_epi32(out[15][g], is_last, bits);
        _mm512_cmpge_epu32_mask(last, set(index))
    }

    /// Of block `index`, the bytes of each message, and the place of the mark behind them, or 65 for none.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn ends(&self, index: u32) -> ([u32; 16], [u32; 16]) {
        let index = set(index);
        let counts = _mm512_maskz_mov_epi32(_mm512_cmpge_epu32_mask(self.full, index), self.rest);
        let counts = _mm512_mask_mov_epi32(counts, _mm512_cmpgt_epu32_mask(self.full, index), set(64));
        let marks = _mm512_mask_mov_epi32(counts, _mm512_cmpgt_epu32_mask(index, self.full), set(65));
        (stored(counts), stored(marks))
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_bytes(bytes: &[u8; 64]) -> V {
    // SAFETY: the reference is valid for 64 bytes, and the instruction needs no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

/// The mark of the end, which slides over a window of 64 bytes.
static WINDOW: [u8; 192] = {
    let mut window = [0; 192];
    window[127] = 0x80;
    window
};

/// Zeros, and at `end` the mark 0x80; no mark for more than 63.
#[inline]
#[target_feature(enable = "avx512f")]
fn marked(end: usize) -> V {
    load_bytes(WINDOW[(127 - end) & 127..].first_chunk().expect("64 bytes"))
}

/// `bytes` from byte `from` on, the others are those of `rest`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,bmi2")]
fn load_part(rest: V, from: usize, bytes: &[u8]) -> V {
    assert!(from + bytes.len() <= 64);
    let mask = _bzhi_u64(!0, bytes.len() as u32) << from;
    // Nothing may lie where an empty slice points, and a load of nothing that would fault there costs microseconds.
    let start = if bytes.is_empty() { WINDOW.as_ptr() } else { bytes.as_ptr().wrapping_sub(from) };
    // SAFETY: of a masked load only the bytes of the mask are read, here byte k - from of `bytes` for from <= k and
    // k - from < bytes.len().
    unsafe { _mm512_mask_loadu_epi8(rest, mask, start.cast()) }
}

/// The block at byte `at`; the one behind it is sent for, because it is in use a block later.
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unused_unsafe, reason = "the least supported compiler has this intrinsic as unsafe, later ones do not")]
fn load_next(body: &[u8], at: usize) -> V {
    let block: &[u8; 64] = body[at..].first_chunk().expect("a full block");
    // SAFETY: a prefetch is a hint that neither faults nor changes anything.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(block.as_ptr().wrapping_add(127).cast()) };
    load_bytes(block)
}

/// The first block of `head` ‖ `body` ‖ 0x80 ‖ zeros.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,bmi2")]
fn load_first(head: &[u8], body: &[u8]) -> V {
    let count = body.len().min(64 - head.len());
    load_part(load_part(marked(head.len() + count), 0, head), head.len(), &body[..count])
}

/// Swaps the bytes of each word.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,bmi2")]
fn swap(v: V) -> V {
    _mm512_shuffle_epi8(v, _mm512_set4_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203))
}

/// Rows of sixteen big-endian words, turned into the words of group g: word j of every row.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,bmi2")]
fn turn<const G: usize>(rows: [V; 16], out: &mut [W<G>; 16], g: usize) {
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
    for m in 0..4 {
        let [a, b, c, d] = [fours[m], fours[4 + m], fours[8 + m], fours[12 + m]];
        let (ab_even, ab_odd) = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xdd>(a, b));
        let (cd_even, cd_odd) = (_mm512_shuffle_i32x4::<0x88>(c, d), _mm512_shuffle_i32x4::<0xdd>(c, d));
        out[m][g] = _mm512_shuffle_i32x4::<0x88>(ab_even, cd_even);
        out[4 + m][g] = _mm512_shuffle_i32x4::<0x88>(ab_odd, cd_odd);
        out[8 + m][g] = _mm512_shuffle_i32x4::<0xdd>(ab_even, cd_even);
        out[12 + m][g] = _mm512_shuffle_i32x4::<0xdd>(ab_odd, cd_odd);
    }
}

/// The states of sixteen lanes as rows of big-endian bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,bmi2")]
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
struct Run<'m, 'out> {
    group: Group<'m>,
    at: u32,
    end: u32,
    out: &'out mut [[u8; 32]],
}

impl<'m, 'out> Run<'m, 'out> {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(messages: &'m [[&'m [u8]; 2]; 16], end: u32, out: &'out mut [[u8; 32]]) -> Self {
        Run { group: Group::new(messages), at: 0, end, out }
    }

    /// Writes what is in the lanes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,bmi2")]
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
#[target_feature(enable = "avx512f,avx512bw,bmi2")]
fn advance<const G: usize>(function: Function, runs: &mut [Run<'_, '_>; G], count: u32, state: &mut [W<G>; 8]) {
    for _ in 0..count {
        let (mut words, mut live) = ([[_mm512_setzero_si512(); G]; 16], [0; G]);
        for (g, run) in runs.iter_mut().enumerate() {
            live[g] = run.group.block(run.at, &mut words, g);
            run.at += 1;
        }
        absorb(function, state, &words, live);
    }
}

#[target_feature(enable = "avx512f,avx512bw,bmi2")]
pub(super) fn digests(function: Function, messages: &[[&[u8]; 2]], least: usize, out: &mut [[u8; 32]]) {
    let initial = function.initial().map(|word| set(word));
    let (whole, few) = messages.as_chunks::<16>();
    // The last message also runs in the lanes that are left.
    let mut filled = [[&[][..]; 2]; 16];
    if let Some(last) = few.last() {
        filled = [*last; 16];
        filled[..few.len()].copy_from_slice(few);
    }
    let groups = whole.iter().chain((!few.is_empty()).then_some(&filled));
    let mut waiting = groups.zip(out.chunks_mut(16)).map(|(messages, out)| {
        let end = count(messages[least.min(out.len()) - 1]);
        Run::new(messages, end, out)
    });
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
#[target_feature(enable = "avx512f,avx512bw,bmi2")]
fn alone(function: Function, run: Run<'_, '_>, state: [V; 8]) {
    let (count, mut runs, mut state) = (run.end - run.at, [run], state.map(|v| [v]));
    advance(function, &mut runs, count, &mut state);
    let [run] = runs;
    run.emit(state.map(|[v]| v));
}
