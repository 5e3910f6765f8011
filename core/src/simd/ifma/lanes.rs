//! The instructions under their plain names, and the only place where vectors meet memory.

use core::arch::x86_64::{
    __m512i, _MM_HINT_T0, _mm_prefetch, _mm512_add_epi64, _mm512_and_si512, _mm512_loadu_si512, _mm512_madd52hi_epu64,
    _mm512_madd52lo_epu64, _mm512_or_si512, _mm512_permutex2var_epi64, _mm512_set1_epi64, _mm512_setzero_si512,
    _mm512_slli_epi64, _mm512_srai_epi64, _mm512_srli_epi64, _mm512_storeu_si512, _mm512_sub_epi64,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
};

/// Eight 64-bit lanes.
pub(super) type V = __m512i;

/// sum + the low 52 bits of a·b, of whose factors only the low 52 bits count.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn low(sum: V, a: V, b: V) -> V {
    _mm512_madd52lo_epu64(sum, a, b)
}

/// sum + the high 52 bits of a·b, of whose factors only the low 52 bits count.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn high(sum: V, a: V, b: V) -> V {
    _mm512_madd52hi_epu64(sum, a, b)
}

/// a + b mod 2^64.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn add(a: V, b: V) -> V {
    _mm512_add_epi64(a, b)
}

/// a - b mod 2^64.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn sub(a: V, b: V) -> V {
    _mm512_sub_epi64(a, b)
}

/// a & b.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn and(a: V, b: V) -> V {
    _mm512_and_si512(a, b)
}

/// a | b.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn or(a: V, b: V) -> V {
    _mm512_or_si512(a, b)
}

/// All zero.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn zero() -> V {
    _mm512_setzero_si512()
}

/// The same word in every lane.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn set(word: u64) -> V {
    _mm512_set1_epi64(word.cast_signed())
}

/// The same limbs in every lane.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn broadcast(limbs: &[u64; 5]) -> [V; 5] {
    [set(limbs[0]), set(limbs[1]), set(limbs[2]), set(limbs[3]), set(limbs[4])]
}

/// a << N.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn shift_left<const N: u32>(a: V) -> V {
    _mm512_slli_epi64::<N>(a)
}

/// a >> N, zeros from above.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn shift_right<const N: u32>(a: V) -> V {
    _mm512_srli_epi64::<N>(a)
}

/// a >> N, the sign from above.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn shift_right_signed<const N: u32>(a: V) -> V {
    _mm512_srai_epi64::<N>(a)
}

/// Eight words from memory.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn load(words: &[u64; 8]) -> V {
    // SAFETY: the reference is valid for 64 bytes, and the instruction needs no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

/// Eight words to memory.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn store(words: &mut [u64; 8], v: V) {
    // SAFETY: the reference is valid for 64 bytes, and the instruction needs no alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), v) }
}

/// Asks for a cache line that will be loaded soon.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
#[allow(unused_unsafe, reason = "the least supported compiler has this intrinsic as unsafe, later ones do not")]
pub(super) fn prefetch(words: &[u64; 8]) {
    // SAFETY: a prefetch is a hint that neither faults nor changes anything.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(words.as_ptr().cast()) }
}

/// As a new array.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn stored(v: V) -> [u64; 8] {
    let mut words = [0; 8];
    store(&mut words, v);
    words
}

/// The transpose of an 8 x 8 matrix of words.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn transpose(r: &[V; 8]) -> [V; 8] {
    // Pairs of rows, then pairs of 128-bit pieces, then halves.
    let a = [
        _mm512_unpacklo_epi64(r[0], r[1]),
        _mm512_unpackhi_epi64(r[0], r[1]),
        _mm512_unpacklo_epi64(r[2], r[3]),
        _mm512_unpackhi_epi64(r[2], r[3]),
        _mm512_unpacklo_epi64(r[4], r[5]),
        _mm512_unpackhi_epi64(r[4], r[5]),
        _mm512_unpacklo_epi64(r[6], r[7]),
        _mm512_unpackhi_epi64(r[6], r[7]),
    ];
    let even = load(&[0, 1, 8, 9, 4, 5, 12, 13]);
    let odd = load(&[2, 3, 10, 11, 6, 7, 14, 15]);
    let b = [
        _mm512_permutex2var_epi64(a[0], even, a[2]),
        _mm512_permutex2var_epi64(a[1], even, a[3]),
        _mm512_permutex2var_epi64(a[0], odd, a[2]),
        _mm512_permutex2var_epi64(a[1], odd, a[3]),
        _mm512_permutex2var_epi64(a[4], even, a[6]),
        _mm512_permutex2var_epi64(a[5], even, a[7]),
        _mm512_permutex2var_epi64(a[4], odd, a[6]),
        _mm512_permutex2var_epi64(a[5], odd, a[7]),
    ];
    let first = load(&[0, 1, 2, 3, 8, 9, 10, 11]);
    let second = load(&[4, 5, 6, 7, 12, 13, 14, 15]);
    [
        _mm512_permutex2var_epi64(b[0], first, b[4]),
        _mm512_permutex2var_epi64(b[1], first, b[5]),
        _mm512_permutex2var_epi64(b[2], first, b[6]),
        _mm512_permutex2var_epi64(b[3], first, b[7]),
        _mm512_permutex2var_epi64(b[0], second, b[4]),
        _mm512_permutex2var_epi64(b[1], second, b[5]),
        _mm512_permutex2var_epi64(b[2], second, b[6]),
        _mm512_permutex2var_epi64(b[3], second, b[7]),
    ]
}
