//! The two compression functions, a message a lane. There is no rotation and no function of three words here: a
//! rotation is two shifts, or a shuffle of bytes where it is by eight.

use crate::consts::{SHA256_K, SM3_T};
use crate::simd::Function;
use core::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_and_si256, _mm256_andnot_si256, _mm256_blendv_epi8, _mm256_or_si256,
    _mm256_set1_epi32, _mm256_setr_epi8, _mm256_shuffle_epi8, _mm256_slli_epi32, _mm256_srli_epi32, _mm256_xor_si256,
};

/// Eight 32-bit lanes.
pub(super) type V = __m256i;

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn set(word: u32) -> V {
    _mm256_set1_epi32(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx2")]
fn add(a: V, b: V) -> V {
    _mm256_add_epi32(a, b)
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor(a: V, b: V) -> V {
    _mm256_xor_si256(a, b)
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor3(a: V, b: V, c: V) -> V {
    xor(xor(a, b), c)
}

#[inline]
#[target_feature(enable = "avx2")]
fn majority(a: V, b: V, c: V) -> V {
    _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)))
}

/// b where a has ones, else c.
#[inline]
#[target_feature(enable = "avx2")]
fn choose(a: V, b: V, c: V) -> V {
    _mm256_or_si256(_mm256_and_si256(a, b), _mm256_andnot_si256(a, c))
}

/// Rotation to the left by L; R is 32 - L.
#[inline]
#[target_feature(enable = "avx2")]
fn rol<const L: i32, const R: i32>(a: V) -> V {
    const { assert!(L + R == 32) };
    _mm256_or_si256(_mm256_slli_epi32::<L>(a), _mm256_srli_epi32::<R>(a))
}

/// Rotation to the left by 8.
#[inline]
#[target_feature(enable = "avx2")]
fn rol8(a: V) -> V {
    let bytes = _mm256_setr_epi8(
        3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14, 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14,
    );
    _mm256_shuffle_epi8(a, bytes)
}

/// Absorbs a block, given as words, into the lanes where `live` has ones; the others keep their state. Constant time.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn absorb(function: Function, state: &mut [V; 8], words: &[V; 16], live: V) {
    let new = match function {
        Function::Sha256 => sha256(state, words),
        Function::Sm3 => sm3(state, words),
    };
    for (old, new) in state.iter_mut().zip(new) {
        *old = _mm256_blendv_epi8(*old, new, live);
    }
}

macro_rules! sm3_round {
    ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $ff:ident, $gg:ident, $t:expr, $w:expr, $w4:expr) => {
        let a12 = rol::<12, 20>($a);
        let ss1 = rol::<7, 25>(add(a12, add($e, set($t))));
        let tt1 = add(add($ff($a, $b, $c), add($d, xor($w, $w4))), xor(ss1, a12));
        let tt2 = add(add($gg($e, $f, $g), add($h, $w)), ss1);
        $b = rol::<9, 23>($b);
        $f = rol::<19, 13>($f);
        $d = tt1;
        // The rotations by 9 and 17 are those of x and of x rotated by 8, by 9.
        $h = xor(tt2, rol::<9, 23>(xor(tt2, rol8(tt2))));
    };
}

/// W_(j + 4) in place of W_(j - 12).
macro_rules! sm3_expand {
    ($w:ident, $j:expr) => {
        let x = xor3($w[($j + 4) & 15], $w[($j + 11) & 15], rol::<15, 17>($w[($j + 1) & 15]));
        let p1 = xor(x, rol::<15, 17>(xor(x, rol8(x))));
        $w[($j + 4) & 15] = xor3(p1, rol::<7, 25>($w[($j + 7) & 15]), $w[($j + 14) & 15]);
    };
}

#[target_feature(enable = "avx2")]
fn sm3(state: &[V; 8], words: &[V; 16]) -> [V; 8] {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    let mut w = *words;
    macro_rules! four {
        ($at:expr, $j:literal, $ff:ident, $gg:ident, $first:literal) => {
            if $j >= $first {
                sm3_expand!(w, $j);
            }
            sm3_round!(a b c d e f g h, $ff, $gg, SM3_T[$at + $j], w[$j & 15], w[($j + 4) & 15]);
            if $j >= $first {
                sm3_expand!(w, $j + 1);
            }
            sm3_round!(d a b c h e f g, $ff, $gg, SM3_T[$at + $j + 1], w[($j + 1) & 15], w[($j + 5) & 15]);
            if $j >= $first {
                sm3_expand!(w, $j + 2);
            }
            sm3_round!(c d a b g h e f, $ff, $gg, SM3_T[$at + $j + 2], w[($j + 2) & 15], w[($j + 6) & 15]);
            if $j >= $first {
                sm3_expand!(w, $j + 3);
            }
            sm3_round!(b c d a f g h e, $ff, $gg, SM3_T[$at + $j + 3], w[($j + 3) & 15], w[($j + 7) & 15]);
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
    let mut out = [a, b, c, d, e, f, g, h];
    out.iter_mut().zip(state).for_each(|(new, old)| *new = xor(*new, *old));
    out
}

macro_rules! sha256_round {
    ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $k:expr, $w:expr) => {
        let sum1 = xor3(rol::<26, 6>($e), rol::<21, 11>($e), rol::<7, 25>($e));
        let t1 = add(add(add($h, add($w, set($k))), choose($e, $f, $g)), sum1);
        let sum0 = xor3(rol::<30, 2>($a), rol::<19, 13>($a), rol::<10, 22>($a));
        $d = add($d, t1);
        $h = add(add(sum0, majority($a, $b, $c)), t1);
    };
}

#[target_feature(enable = "avx2")]
fn sha256(state: &[V; 8], words: &[V; 16]) -> [V; 8] {
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
            let s0 = xor3(rol::<25, 7>(w1), rol::<14, 18>(w1), _mm256_srli_epi32::<3>(w1));
            let s1 = xor3(rol::<15, 17>(w14), rol::<13, 19>(w14), _mm256_srli_epi32::<10>(w14));
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
    let mut out = [a, b, c, d, e, f, g, h];
    out.iter_mut().zip(state).for_each(|(new, old)| *new = add(*new, *old));
    out
}
