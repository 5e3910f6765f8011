//! SHA-256 by the processor's SHA instructions: one stream, or two whose operations alternate.
//!
//! The instruction of two rounds waits longer for its operands than for its turn, so that a second stream runs in the
//! gaps of the first. The compiler would put all rounds of one stream before those of the other, further apart than the
//! processor looks ahead: the instruction is written as assembly, whose order it keeps. Four streams were slower:
//! their words no longer fit into sixteen registers.

use super::Function;
use super::blocks::{Blocks, count};
use super::memory::{load16, store16};
use crate::consts::SHA256_K;
use crate::cpu::HasShaNi;
use core::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_set_epi8, _mm_set_epi32, _mm_setzero_si128, _mm_sha256msg1_epu32,
    _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8, _mm_shuffle_epi32,
};

/// Four words of N streams.
type W<const N: usize> = [__m128i; N];

/// Absorbs `blocks` into `state`. Constant time.
pub(crate) fn compress(_: HasShaNi, state: &mut [u32; 8], blocks: &[[u8; 64]]) {
    #[target_feature(enable = "avx2,sha")]
    fn run(state: &mut [u32; 8], blocks: &[[u8; 64]]) {
        let mut packed = pack([state]);
        for block in blocks {
            absorb(&mut packed, [block]);
        }
        unpack(packed, [state]);
    }
    // SAFETY: the token proves that the processor has the instructions.
    unsafe { run(state, blocks) }
}

/// Hashes messages two at a time. A message is given in two parts, the first less than a block; in all less than 2^37
/// bytes. The time depends on the lengths only.
pub(crate) fn digests(_: HasShaNi, messages: &[[&[u8]; 2]], out: &mut [[u8; 32]]) {
    assert_eq!(messages.len(), out.len());
    // SAFETY: the token proves that the processor has the instructions.
    unsafe { pairs(messages, out) }
}

/// A message on its way: the next block is `at`, behind the last one the digest goes to `out`.
struct Run<'a, 'out> {
    blocks: Blocks<'a>,
    at: u32,
    end: u32,
    state: [u32; 8],
    out: Option<&'out mut [u8; 32]>,
}

impl<'a, 'out> Run<'a, 'out> {
    /// No message.
    fn new() -> Self {
        Run { blocks: Blocks::new(), at: 0, end: 0, state: [0; 8], out: None }
    }

    fn left(&self) -> u32 {
        self.end - self.at
    }

    /// The digest of the message that has ended, and the next message, if there is one.
    #[inline]
    fn turn(&mut self, next: Option<(&[&'a [u8]; 2], &'out mut [u8; 32])>) {
        if let Some(out) = self.out.take() {
            for (bytes, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(self.state) {
                *bytes = word.to_be_bytes();
            }
        }
        if let Some((message, out)) = next {
            self.blocks.set(*message);
            (self.at, self.end, self.state, self.out) = (0, count(*message), Function::Sha256.initial(), Some(out));
        }
    }
}

#[target_feature(enable = "avx2,sha")]
fn pairs(messages: &[[&[u8]; 2]], out: &mut [[u8; 32]]) {
    let mut waiting = messages.iter().zip(out);
    let mut runs = [Run::new(), Run::new()];
    loop {
        for run in &mut runs {
            if run.left() == 0 {
                run.turn(waiting.next());
            }
        }
        let [first, second] = &mut runs;
        match (first.left(), second.left()) {
            (0, 0) => return,
            (steps, 0) => advance([first], steps),
            (0, steps) => advance([second], steps),
            (one, other) => advance([first, second], one.min(other)),
        }
    }
}

/// Absorbs the next `steps` blocks of every run.
#[target_feature(enable = "avx2,sha")]
fn advance<const N: usize>(mut runs: [&mut Run<'_, '_>; N], steps: u32) {
    let mut packed = pack(runs.each_ref().map(|run| &run.state));
    for step in 0..steps {
        absorb(&mut packed, runs.each_ref().map(|run| run.blocks.get(run.at + step)));
    }
    unpack(packed, runs.each_mut().map(|run| &mut run.state));
    runs.iter_mut().for_each(|run| run.at += steps);
}

/// Rounds of the words in the lower half of `words`; stays in its place among the others.
#[inline]
#[target_feature(enable = "avx2,sha")]
fn two_rounds_of_one(mut cdgh: __m128i, abef: __m128i, words: __m128i) -> __m128i {
    // SAFETY: the instruction reads and writes these registers only; without `pure` it is not moved past another.
    unsafe {
        core::arch::asm!(
            "sha256rnds2 {cdgh}, {abef}",
            cdgh = inout(xmm_reg) cdgh,
            abef = in(xmm_reg) abef,
            in("xmm0") words,
            options(nomem, nostack, preserves_flags),
        );
    }
    cdgh
}

macro_rules! each_stream {
    (fn $name:ident($($argument:ident),+) = $one:expr;) => {
        #[inline]
        #[target_feature(enable = "avx2,sha")]
        fn $name<const N: usize>($($argument: W<N>),+) -> W<N> {
            let mut out = [_mm_setzero_si128(); N];
            for (stream, slot) in out.iter_mut().enumerate() {
                $(let $argument = $argument[stream];)+
                *slot = $one;
            }
            out
        }
    };
}

each_stream! { fn add(a, b) = _mm_add_epi32(a, b); }
// Of one stream the compiler finds a better order by itself: 7% faster.
each_stream! {
    fn two_rounds(cdgh, abef, words) =
        if N == 1 { _mm_sha256rnds2_epu32(cdgh, abef, words) } else { two_rounds_of_one(cdgh, abef, words) };
}
each_stream! { fn upper(a) = _mm_shuffle_epi32::<0x0e>(a); }
each_stream! { fn schedule1(a, b) = _mm_sha256msg1_epu32(a, b); }
each_stream! { fn schedule2(a, b) = _mm_sha256msg2_epu32(a, b); }
each_stream! { fn from_second(a, b) = _mm_alignr_epi8::<4>(b, a); }

/// The states as the instruction has them: words a, b, e, f and words c, d, g, h, the first one highest.
#[inline]
#[target_feature(enable = "avx2,sha")]
fn pack<const N: usize>(states: [&[u32; 8]; N]) -> [W<N>; 2] {
    let word = |words: [u32; 4]| {
        let [a, b, c, d] = words.map(u32::cast_signed);
        _mm_set_epi32(a, b, c, d)
    };
    let mut packed = [[_mm_setzero_si128(); N]; 2];
    for (stream, &&[a, b, c, d, e, f, g, h]) in states.iter().enumerate() {
        packed[0][stream] = word([a, b, e, f]);
        packed[1][stream] = word([c, d, g, h]);
    }
    packed
}

#[inline]
#[target_feature(enable = "avx2,sha")]
fn unpack<const N: usize>(packed: [W<N>; 2], states: [&mut [u32; 8]; N]) {
    for (stream, state) in states.into_iter().enumerate() {
        let mut words = [[0; 4]; 2];
        words.iter_mut().zip(packed).for_each(|(words, v)| store16(words, v[stream]));
        let [[f, e, b, a], [h, g, d, c]] = words;
        *state = [a, b, c, d, e, f, g, h];
    }
}

/// Absorbs a block into each state. Constant time.
#[inline]
#[target_feature(enable = "avx2,sha")]
fn absorb<const N: usize>(state: &mut [W<N>; 2], blocks: [&[u8; 64]; N]) {
    let swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    let mut m = [[_mm_setzero_si128(); N]; 4];
    for (i, words) in m.iter_mut().enumerate() {
        for (words, block) in words.iter_mut().zip(blocks) {
            *words = _mm_shuffle_epi8(load16(&block[16 * i..16 * i + 16]), swap);
        }
    }
    let [mut abef, mut cdgh] = *state;
    macro_rules! four_rounds {
        ($t:expr) => {
            let kw = add(m[$t & 3], [load16(&SHA256_K[4 * $t..4 * $t + 4]); N]);
            cdgh = two_rounds(cdgh, abef, kw);
            abef = two_rounds(abef, cdgh, upper(kw));
        };
    }
    // The words of sixteen rounds later take the place of those of now.
    macro_rules! expand {
        ($t:expr) => {
            let [w, w1, w2, w3] = [m[$t & 3], m[($t + 1) & 3], m[($t + 2) & 3], m[($t + 3) & 3]];
            m[$t & 3] = schedule2(add(schedule1(w, w1), from_second(w2, w3)), w3);
        };
    }
    macro_rules! sixteen_rounds {
        ($($t:literal)+) => {$(
            four_rounds!($t);
            expand!($t);
        )+};
    }
    sixteen_rounds!(0 1 2 3);
    sixteen_rounds!(4 5 6 7);
    sixteen_rounds!(8 9 10 11);
    four_rounds!(12);
    four_rounds!(13);
    four_rounds!(14);
    four_rounds!(15);
    *state = [add(state[0], abef), add(state[1], cdgh)];
}
