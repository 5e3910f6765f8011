//! The two compression functions, a message a lane, in G groups of sixteen lanes whose operations alternate.

use crate::consts::{SHA256_K, SM3_T};
use crate::simd::Function;
use core::arch::x86_64::{
    __m512i, __mmask16, _mm512_add_epi32, _mm512_loadu_si512, _mm512_mask_add_epi32, _mm512_mask_xor_epi32,
    _mm512_rol_epi32, _mm512_ror_epi32, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_srli_epi32,
    _mm512_ternarylogic_epi32, _mm512_xor_si512,
};

/// Sixteen 32-bit lanes.
pub(super) type V = __m512i;

/// Groups of sixteen lanes side by side.
pub(super) type W<const G: usize> = [V; G];

macro_rules! each_group {
    ($(#[$doc:meta])* fn $name:ident $(<const $n:ident: $kind:ty>)? ($($argument:ident),+) = $one:expr;) => {
        $(#[$doc])*
        #[inline]
        #[target_feature(enable = "avx512f")]
        fn $name<$(const $n: $kind,)? const G: usize>($($argument: W<G>),+) -> W<G> {
            let mut out = [_mm512_setzero_si512(); G];
            for (group, slot) in out.iter_mut().enumerate() {
                $(let $argument = $argument[group];)+
                *slot = $one;
            }
            out
        }
    };
}

each_group! { fn add(a, b) = _mm512_add_epi32(a, b); }
each_group! { fn xor(a, b) = _mm512_xor_si512(a, b); }
each_group! { fn xor3(a, b, c) = _mm512_ternarylogic_epi32::<0x96>(a, b, c); }
each_group! { fn majority(a, b, c) = _mm512_ternarylogic_epi32::<0xe8>(a, b, c); }
each_group! {
    /// b where a has ones, else c.
    fn choose(a, b, c) = _mm512_ternarylogic_epi32::<0xca>(a, b, c);
}
each_group! { fn rol<const N: i32>(a) = _mm512_rol_epi32::<N>(a); }
each_group! { fn ror<const N: i32>(a) = _mm512_ror_epi32::<N>(a); }
each_group! { fn shr<const N: u32>(a) = _mm512_srli_epi32::<N>(a); }

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load(words: &[u32; 16]) -> V {
    // SAFETY: the reference is valid for 64 bytes, and the instruction needs no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
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
        let a12 = rol::<12, G>($a);
        let ss1 = rol::<7, G>(add(a12, add($e, [set($t); G])));
        let tt1 = add(add($ff($a, $b, $c), add($d, xor($w, $w4))), xor(ss1, a12));
        let tt2 = add(add($gg($e, $f, $g), add($h, $w)), ss1);
        $b = rol::<9, G>($b);
        $f = rol::<19, G>($f);
        $d = tt1;
        $h = xor3(tt2, rol::<9, G>(tt2), rol::<17, G>(tt2));
    };
}

/// W_(j + 4) in place of W_(j - 12).
macro_rules! sm3_expand {
    ($w:ident, $j:expr) => {
        let x = xor3($w[($j + 4) & 15], $w[($j + 11) & 15], rol::<15, G>($w[($j + 1) & 15]));
        let p1 = xor3(x, rol::<15, G>(x), rol::<23, G>(x));
        $w[($j + 4) & 15] = xor3(p1, rol::<7, G>($w[($j + 7) & 15]), $w[($j + 14) & 15]);
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
        let sum1 = xor3(ror::<6, G>($e), ror::<11, G>($e), ror::<25, G>($e));
        let t1 = add(add(add($h, add($w, [set($k); G])), choose($e, $f, $g)), sum1);
        let sum0 = xor3(ror::<2, G>($a), ror::<13, G>($a), ror::<22, G>($a));
        $d = add($d, t1);
        $h = add(add(sum0, majority($a, $b, $c)), t1);
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
            let (w1, w14) = (w[($j + 1) & 15], w[($j + 14) & 15]);
            let s0 = xor3(ror::<7, G>(w1), ror::<18, G>(w1), shr::<3, G>(w1));
            let s1 = xor3(ror::<17, G>(w14), ror::<19, G>(w14), shr::<10, G>(w14));
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
        for ((old, new), live) in old.iter_mut().zip(new).zip(live) {
            *old = _mm512_mask_add_epi32(*old, live, *old, new);
        }
    }
}
