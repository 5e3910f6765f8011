//! Lookup at a secret index: the whole table is read.

/// The entry at `index`, or zeros if there is none. Constant time.
#[inline(always)]
#[cfg(target_arch = "x86_64")]
#[allow(unused_unsafe, reason = "the least supported compiler has these intrinsics as unsafe, later ones do not")]
pub(crate) fn pick(entries: &[[u64; 8]], index: u64) -> [u64; 8] {
    use core::arch::x86_64::{
        __m128i, _mm_add_epi32, _mm_and_si128, _mm_cmpeq_epi32, _mm_loadu_si128, _mm_or_si128, _mm_set1_epi32,
        _mm_setzero_si128, _mm_storeu_si128,
    };
    let mut words = [0; 8];
    // SAFETY: SSE2 is part of every x86-64 processor; loads and stores stay in the 64 bytes of an entry and need no
    // alignment.
    unsafe {
        let (wanted, one) = (_mm_set1_epi32(super::opaque(index) as i32), _mm_set1_epi32(1));
        let (mut number, mut found) = (_mm_setzero_si128(), [_mm_setzero_si128(); 4]);
        for entry in entries {
            let here = _mm_cmpeq_epi32(number, wanted);
            let quarters = entry.as_ptr().cast::<__m128i>();
            for (i, found) in found.iter_mut().enumerate() {
                *found = _mm_or_si128(*found, _mm_and_si128(here, _mm_loadu_si128(quarters.add(i))));
            }
            number = _mm_add_epi32(number, one);
        }
        for (i, found) in found.into_iter().enumerate() {
            _mm_storeu_si128(words.as_mut_ptr().cast::<__m128i>().add(i), found);
        }
    }
    words
}

/// The entry at `index`, or zeros if there is none. Constant time.
#[inline(always)]
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn pick(entries: &[[u64; 8]], index: u64) -> [u64; 8] {
    let mut words = [0; 8];
    for (number, entry) in (0u64..).zip(entries) {
        let difference = super::opaque(number ^ index);
        // All ones for no difference.
        let here = super::opaque(((difference | difference.wrapping_neg()) >> 63).wrapping_sub(1));
        for (word, entry) in words.iter_mut().zip(entry) {
            *word |= entry & here;
        }
    }
    words
}
