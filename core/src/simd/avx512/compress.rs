//! The two compression functions, a message a lane.

use crate::consts::{SHA256_IV, SHA256_K, SM3_IV, SM3_T_HIGH, SM3_T_LOW};
use core::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_loadu_si512, _mm512_rol_epi32, _mm512_ror_epi32, _mm512_set1_epi32,
    _mm512_setzero_si512, _mm512_srli_epi32, _mm512_storeu_si512, _mm512_ternarylogic_epi32, _mm512_xor_si512,
};

/// Sixteen 32-bit lanes.
pub(super) type V = __m512i;

/// A compression function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// FIPS 180-4, 6.2.2.
    Sha256,
    /// GB/T 32905-2016, 5.3.
    Sm3,
}

impl Function {
    /// The initial value.
    pub(crate) fn initial(self) -> [u32; 8] {
        match self {
            Function::Sha256 => SHA256_IV,
            Function::Sm3 => SM3_IV,
        }
    }
}

/// T_j rotated by j, for every round.
const T: [u32; 64] = {
    let mut t = [0; 64];
    let mut j = 0;
    while j < 64 {
        let constant = if j < 16 { SM3_T_LOW } else { SM3_T_HIGH };
        t[j] = constant.rotate_left(j as u32 % 32);
        j += 1;
    }
    t
};

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load(words: &[u32; 16]) -> V {
    // SAFETY: the reference is valid for 64 bytes, and the instruction needs no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn stored(v: V) -> [u32; 16] {
    let mut words = [0; 16];
    // SAFETY: the reference is valid for 64 bytes, and the instruction needs no alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), v) };
    words
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn set(word: u32) -> V {
    _mm512_set1_epi32(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add(a: V, b: V) -> V {
    _mm512_add_epi32(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn xor(a: V, b: V) -> V {
    _mm512_xor_si512(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor3(a: V, b: V, c: V) -> V {
    _mm512_ternarylogic_epi32::<0x96>(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn majority(a: V, b: V, c: V) -> V {
    _mm512_ternarylogic_epi32::<0xe8>(a, b, c)
}

/// b where a has ones, else c.
#[inline]
#[target_feature(enable = "avx512f")]
fn choose(a: V, b: V, c: V) -> V {
    _mm512_ternarylogic_epi32::<0xca>(a, b, c)
}

/// Absorbs a block, given as words; `state` and `words` are sixteen messages side by side. Constant time.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn absorb(function: Function, state: &mut [V; 8], words: &[V; 16]) {
    match function {
        Function::Sha256 => sha256(state, words),
        Function::Sm3 => sm3(state, words),
    }
}

macro_rules! sm3_round {
    ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $ff:ident, $gg:ident, $t:expr, $w:expr, $w4:expr) => {
        let a12 = _mm512_rol_epi32::<12>($a);
        let ss1 = _mm512_rol_epi32::<7>(add(a12, add($e, set($t))));
        let tt1 = add(add($ff($a, $b, $c), add($d, xor($w, $w4))), xor(ss1, a12));
        let tt2 = add(add($gg($e, $f, $g), add($h, $w)), ss1);
        $b = _mm512_rol_epi32::<9>($b);
        $f = _mm512_rol_epi32::<19>($f);
        $d = tt1;
        $h = xor3(tt2, _mm512_rol_epi32::<9>(tt2), _mm512_rol_epi32::<17>(tt2));
    };
}

/// W_(j + 4) in place of W_(j - 12).
macro_rules! sm3_expand {
    ($w:ident, $j:expr) => {
        let x = xor3($w[($j + 4) & 15], $w[($j + 11) & 15], _mm512_rol_epi32::<15>($w[($j + 1) & 15]));
        let p1 = xor3(x, _mm512_rol_epi32::<15>(x), _mm512_rol_epi32::<23>(x));
        $w[($j + 4) & 15] = xor3(p1, _mm512_rol_epi32::<7>($w[($j + 7) & 15]), $w[($j + 14) & 15]);
    };
}

#[target_feature(enable = "avx512f")]
fn sm3(state: &mut [V; 8], words: &[V; 16]) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    let mut w = *words;
    macro_rules! four {
        ($at:expr, $j:literal, $ff:ident, $gg:ident, $first:literal) => {
            if $j >= $first {
                sm3_expand!(w, $j);
            }
            sm3_round!(a b c d e f g h, $ff, $gg, T[$at + $j], w[$j & 15], w[($j + 4) & 15]);
            if $j >= $first {
                sm3_expand!(w, $j + 1);
            }
            sm3_round!(d a b c h e f g, $ff, $gg, T[$at + $j + 1], w[($j + 1) & 15], w[($j + 5) & 15]);
            if $j >= $first {
                sm3_expand!(w, $j + 2);
            }
            sm3_round!(c d a b g h e f, $ff, $gg, T[$at + $j + 2], w[($j + 2) & 15], w[($j + 6) & 15]);
            if $j >= $first {
                sm3_expand!(w, $j + 3);
            }
            sm3_round!(b c d a f g h e, $ff, $gg, T[$at + $j + 3], w[($j + 3) & 15], w[($j + 7) & 15]);
        };
    }
    four!(0, 0, xor3, xor3, 12);
    four!(0, 4, xor3, xor3, 12);
    four!(0, 8, xor3, xor3, 12);
    four!(0, 12, xor3, xor3, 12);
    for at in [16, 32, 48] {
        four!(at, 0, majority, choose, 0);
        four!(at, 4, majority, choose, 0);
        four!(at, 8, majority, choose, 0);
        four!(at, 12, majority, choose, 0);
    }
    for (old, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *old = xor(*old, new);
    }
}

macro_rules! sha256_round {
    ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $k:expr, $w:expr) => {
        let sum1 = xor3(_mm512_ror_epi32::<6>($e), _mm512_ror_epi32::<11>($e), _mm512_ror_epi32::<25>($e));
        let t1 = add(add(add($h, add($w, set($k))), choose($e, $f, $g)), sum1);
        let sum0 = xor3(_mm512_ror_epi32::<2>($a), _mm512_ror_epi32::<13>($a), _mm512_ror_epi32::<22>($a));
        $d = add($d, t1);
        $h = add(add(sum0, majority($a, $b, $c)), t1);
    };
}

#[target_feature(enable = "avx512f")]
fn sha256(state: &mut [V; 8], words: &[V; 16]) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    let mut w = *words;
    macro_rules! eight {
        ($at:expr, $j:literal) => {
            sha256_round!(a b c d e f g h, SHA256_K[$at + $j], w[$j]);
            sha256_round!(h a b c d e f g, SHA256_K[$at + $j + 1], w[$j + 1]);
            sha256_round!(g h a b c d e f, SHA256_K[$at + $j + 2], w[$j + 2]);
            sha256_round!(f g h a b c d e, SHA256_K[$at + $j + 3], w[$j + 3]);
            sha256_round!(e f g h a b c d, SHA256_K[$at + $j + 4], w[$j + 4]);
            sha256_round!(d e f g h a b c, SHA256_K[$at + $j + 5], w[$j + 5]);
            sha256_round!(c d e f g h a b, SHA256_K[$at + $j + 6], w[$j + 6]);
            sha256_round!(b c d e f g h a, SHA256_K[$at + $j + 7], w[$j + 7]);
        };
    }
    macro_rules! expand {
        ($($j:literal)+) => {$(
            let (w1, w14) = (w[($j + 1) & 15], w[($j + 14) & 15]);
            let s0 = xor3(_mm512_ror_epi32::<7>(w1), _mm512_ror_epi32::<18>(w1), _mm512_srli_epi32::<3>(w1));
            let s1 = xor3(_mm512_ror_epi32::<17>(w14), _mm512_ror_epi32::<19>(w14), _mm512_srli_epi32::<10>(w14));
            w[$j] = add(add(w[$j], w[($j + 9) & 15]), add(s0, s1));
        )+};
    }
    eight!(0, 0);
    eight!(0, 8);
    for at in [16, 32, 48] {
        expand!(0 1 2 3 4 5 6 7);
        eight!(at, 0);
        expand!(8 9 10 11 12 13 14 15);
        eight!(at, 8);
    }
    for (old, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *old = add(*old, new);
    }
}

/// Sixteen numbers side by side, from one a lane.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn gather<const N: usize>(word: impl Fn(usize, usize) -> u32) -> [V; N] {
    let mut out = [_mm512_setzero_si512(); N];
    for (i, v) in out.iter_mut().enumerate() {
        let mut words = [0; 16];
        for (lane, slot) in words.iter_mut().enumerate() {
            *slot = word(lane, i);
        }
        *v = load(&words);
    }
    out
}
