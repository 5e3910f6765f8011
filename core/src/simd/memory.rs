//! Loads and stores of vectors, which need no alignment.

use core::arch::x86_64::{
    __m128i, __m256i, _mm_loadu_si128, _mm_storeu_si128, _mm256_loadu_si256, _mm256_storeu_si256,
};

/// Bound: 16 bytes.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load16<T>(bytes: &[T]) -> __m128i {
    assert_eq!(size_of_val(bytes), 16);
    // SAFETY: the slice is valid for 16 bytes, and the instruction needs no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

/// Bound: 16 bytes.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn store16(out: &mut [u32], v: __m128i) {
    assert_eq!(size_of_val(out), 16);
    // SAFETY: the slice is valid for 16 bytes, and the instruction needs no alignment.
    unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), v) }
}

/// Bound: 32 bytes.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load32<T>(bytes: &[T]) -> __m256i {
    assert_eq!(size_of_val(bytes), 32);
    // SAFETY: the slice is valid for 32 bytes, and the instruction needs no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// Bound: 32 bytes, of integers.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn store32<T>(out: &mut [T], v: __m256i) {
    assert_eq!(size_of_val(out), 32);
    // SAFETY: the slice is valid for 32 bytes, and the instruction needs no alignment.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), v) }
}
