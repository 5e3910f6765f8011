//! SM3 of one stream: the words of the message are expanded three at a time in a vector, the rounds run in the general
//! registers beside them.

use crate::consts::SM3_T;
use crate::simd::memory::{load16, store16};
use crate::simd::opaque;
use core::arch::x86_64::{
    __m128i, _mm_blend_epi16, _mm_or_si128, _mm_set_epi8, _mm_setzero_si128, _mm_shuffle_epi8, _mm_slli_epi32,
    _mm_slli_si128, _mm_srli_epi32, _mm_srli_si128, _mm_xor_si128,
};

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn rol<const L: i32, const R: i32>(a: __m128i) -> __m128i {
    const { assert!(L + R == 32) };
    _mm_or_si128(_mm_slli_epi32::<L>(a), _mm_srli_epi32::<R>(a))
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn xor(a: __m128i, b: __m128i) -> __m128i {
    _mm_xor_si128(a, b)
}

/// Words j - 1 to j + 2 of the expanded message. The last three are new: none of them needs another.
///
/// `before`: words j - 16 to j - 13, j - 13 to j - 10, and so on up to j - 4 to j - 1.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn expand([first, second, third, fourth, last]: [__m128i; 5]) -> __m128i {
    let rol8 = _mm_set_epi8(14, 13, 12, 15, 10, 9, 8, 11, 6, 5, 4, 7, 2, 1, 0, 3);
    let x = xor(xor(_mm_slli_si128::<4>(first), third), rol::<15, 17>(last));
    let p1 = xor(x, rol::<15, 17>(xor(x, _mm_shuffle_epi8(x, rol8))));
    let new = xor(xor(p1, rol::<7, 25>(_mm_slli_si128::<4>(second))), fourth);
    _mm_blend_epi16::<0b11>(new, _mm_srli_si128::<12>(last))
}

/// Absorbs `blocks`. Constant time.
#[target_feature(enable = "avx2,bmi1,bmi2")]
pub(super) fn sm3(state: &mut [u32; 8], blocks: &[[u8; 64]]) {
    let swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    for block in blocks {
        // Group i holds words 3i to 3i + 3, here at i mod 5; of W and of W' = W_j ^ W_(j + 4).
        let mut groups = [_mm_setzero_si128(); 5];
        let (mut w, mut w4) = ([0u32; 72], [0u32; 68]);
        for (i, group) in groups.iter_mut().enumerate() {
            *group = _mm_shuffle_epi8(load16(&block[12 * i..12 * i + 16]), swap);
            store16(&mut w[3 * i..3 * i + 4], *group);
        }
        // W' of three words needs the group behind them too.
        macro_rules! group {
            ($i:expr) => {
                if $i >= 5 {
                    let before = [0, 1, 2, 3, 4].map(|i| groups[($i + i) % 5]);
                    groups[$i % 5] = expand(before);
                    store16(&mut w[3 * $i..3 * $i + 4], groups[$i % 5]);
                }
                let whole = xor(groups[($i + 4) % 5], _mm_srli_si128::<4>(groups[$i % 5]));
                store16(&mut w4[3 * $i - 3..3 * $i + 1], whole);
            };
        }
        group!(1);
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
        // b and f are rotated, d becomes the new a, h the new e.
        macro_rules! round {
            ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $j:expr) => {
                let (ff, gg) = if $j < 16 {
                    ($a ^ $b ^ $c, $e ^ $f ^ $g)
                } else {
                    (($a & $b) | ($c & ($a | $b)), ($e & $f) | (!$e & $g))
                };
                let a12 = $a.rotate_left(12);
                // e comes last: its sum with the others must not wait for that with the constant.
                let early = opaque(u64::from(a12.wrapping_add(SM3_T[$j]))) as u32;
                let ss1 = early.wrapping_add($e).rotate_left(7);
                let tt1 = ff.wrapping_add($d).wrapping_add(w4[$j]).wrapping_add(ss1 ^ a12);
                let tt2 = gg.wrapping_add($h).wrapping_add(w[$j]).wrapping_add(ss1);
                $b = $b.rotate_left(9);
                $d = tt1;
                $f = $f.rotate_left(19);
                $h = tt2 ^ tt2.rotate_left(9) ^ tt2.rotate_left(17);
            };
        }
        // After four rounds every role is back in its own word. A group is made three rounds ahead.
        macro_rules! twelve {
            ($j:literal, $first:literal $second:literal $third:literal $fourth:literal) => {
                group!($first);
                round!(a b c d e f g h, $j);
                round!(d a b c h e f g, $j + 1);
                round!(c d a b g h e f, $j + 2);
                group!($second);
                round!(b c d a f g h e, $j + 3);
                round!(a b c d e f g h, $j + 4);
                round!(d a b c h e f g, $j + 5);
                group!($third);
                round!(c d a b g h e f, $j + 6);
                round!(b c d a f g h e, $j + 7);
                round!(a b c d e f g h, $j + 8);
                group!($fourth);
                round!(d a b c h e f g, $j + 9);
                round!(c d a b g h e f, $j + 10);
                round!(b c d a f g h e, $j + 11);
            };
        }
        twelve!(0, 2 3 4 5);
        twelve!(12, 6 7 8 9);
        twelve!(24, 10 11 12 13);
        twelve!(36, 14 15 16 17);
        twelve!(48, 18 19 20 21);
        group!(22);
        round!(a b c d e f g h, 60);
        round!(d a b c h e f g, 61);
        round!(c d a b g h e f, 62);
        round!(b c d a f g h e, 63);
        for (word, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *word ^= new;
        }
    }
}
