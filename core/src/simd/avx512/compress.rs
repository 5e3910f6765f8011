//! The two compression functions, a message a lane, in G groups of sixteen lanes whose operations alternate.

use crate::consts::{SHA256_K, SM3_T};
use crate::simd::Function;
use core::arch::x86_64::{
    __m512i, __mmask16, _mm512_add_epi32, _mm512_loadu_si512, _mm512_mask_add_epi32, _mm512_mask_xor_epi32,
    _mm512_rol_epi32, _mm512_ror_epi32, _mm512_set1_epi32, _mm512_srli_epi32, _mm512_storeu_si512,
    _mm512_ternarylogic_epi32, _mm512_xor_si512,
};

/// Sixteen 32-bit lanes.
pub(super) type V = __m512i;

/// Groups of sixteen lanes side by side.
pub(super) type W<const G: usize> = [V; G];

#[inline]
#[target_feature(enable = "avx512f")]
fn add(a: V, b: V) -> V {
    _mm512_add_epi32(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor(a: V, b: V) -> V {
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

/// Absorbs a block, given as words, into the lanes of `live`; the others keep their state. Constant time.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn absorb<const G: usize>(
    function: Function,
    state: &mut [W<G>; 8],
    words: &[W<G>; 16],
    live: [__mmask16; G],
) {
    match function {
        Function::Sha256 => sha256(state, words, live),
        Function::Sm3 => sm3(state, words, live),
    }
}

macro_rules! sm3_round {
    ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $ff:ident, $gg:ident, $t:expr, $w:expr, $w4:expr) => {
        for i in 0..G {
            let a12 = _mm512_rol_epi32::<12>($a[i]);
            let ss1 = _mm512_rol_epi32::<7>(add(a12, add($e[i], set($t))));
            let tt1 = add(add($ff($a[i], $b[i], $c[i]), add($d[i], xor($w[i], $w4[i]))), xor(ss1, a12));
            let tt2 = add(add($gg($e[i], $f[i], $g[i]), add($h[i], $w[i])), ss1);
            $b[i] = _mm512_rol_epi32::<9>($b[i]);
            $f[i] = _mm512_rol_epi32::<19>($f[i]);
            $d[i] = tt1;
            $h[i] = xor3(tt2, _mm512_rol_epi32::<9>(tt2), _mm512_rol_epi32::<17>(tt2));
        }
    };
}

/// W_(j + 4) in place of W_(j - 12).
macro_rules! sm3_expand {
    ($w:ident, $j:expr) => {
        for i in 0..G {
            let x = xor3($w[($j + 4) & 15][i], $w[($j + 11) & 15][i], _mm512_rol_epi32::<15>($w[($j + 1) & 15][i]));
            let p1 = xor3(x, _mm512_rol_epi32::<15>(x), _mm512_rol_epi32::<23>(x));
            $w[($j + 4) & 15][i] = xor3(p1, _mm512_rol_epi32::<7>($w[($j + 7) & 15][i]), $w[($j + 14) & 15][i]);
        }
    };
}

#[target_feature(enable = "avx512f")]
fn sm3<const G: usize>(state: &mut [W<G>; 8], words: &[W<G>; 16], live: [__mmask16; G]) {
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
    for (old, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        for ((old, new), live) in old.iter_mut().zip(new).zip(live) {
            *old = _mm512_mask_xor_epi32(*old, live, *old, new);
        }
    }
}

macro_rules! sha256_round {
    ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $k:expr, $w:expr) => {
        for i in 0..G {
            let e = $e[i];
            let sum1 = xor3(_mm512_ror_epi32::<6>(e), _mm512_ror_epi32::<11>(e), _mm512_ror_epi32::<25>(e));
            let t1 = add(add(add($h[i], add($w[i], set($k))), choose(e, $f[i], $g[i])), sum1);
            let a = $a[i];
            let sum0 = xor3(_mm512_ror_epi32::<2>(a), _mm512_ror_epi32::<13>(a), _mm512_ror_epi32::<22>(a));
            $d[i] = add($d[i], t1);
            $h[i] = add(add(sum0, majority(a, $b[i], $c[i])), t1);
        }
    };
}

#[target_feature(enable = "avx512f")]
fn sha256<const G: usize>(state: &mut [W<G>; 8], words: &[W<G>; 16], live: [__mmask16; G]) {
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
            for i in 0..G {
                let (w1, w14) = (w[($j + 1) & 15][i], w[($j + 14) & 15][i]);
                let s0 = xor3(_mm512_ror_epi32::<7>(w1), _mm512_ror_epi32::<18>(w1), _mm512_srli_epi32::<3>(w1));
                let s1 = xor3(_mm512_ror_epi32::<17>(w14), _mm512_ror_epi32::<19>(w14), _mm512_srli_epi32::<10>(w14));
                w[$j][i] = add(add(w[$j][i], w[($j + 9) & 15][i]), add(s0, s1));
            }
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
        for ((old, new), live) in old.iter_mut().zip(new).zip(live) {
            *old = _mm512_mask_add_epi32(*old, live, *old, new);
        }
    }
}
