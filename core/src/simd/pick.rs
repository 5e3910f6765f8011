//! Lookup at a secret index: the whole table is read.

use crate::cpu::Backend;
#[cfg(target_arch = "x86_64")]
use crate::cpu::HasAvx2;

/// What looks entries up.
#[derive(Clone, Copy)]
pub(crate) struct Lookup {
    #[cfg(target_arch = "x86_64")]
    avx2: Option<HasAvx2>,
}

impl Lookup {
    /// On this backend, or the fastest below it that there is.
    pub(crate) fn new(backend: Backend) -> Self {
        #[cfg(not(target_arch = "x86_64"))]
        let _ = backend;
        Lookup {
            #[cfg(target_arch = "x86_64")]
            avx2: (backend >= Backend::Avx2).then(HasAvx2::detect).flatten(),
        }
    }

    /// The entry at `index`, or zeros if there is none. Constant time.
    #[inline(always)]
    pub(crate) fn pick(self, entries: &[[u64; 8]], index: u64) -> [u64; 8] {
        #[cfg(target_arch = "x86_64")]
        if self.avx2.is_some() {
            // SAFETY: the token proves that the processor has the instructions.
            return unsafe { pick_avx2(entries, index) };
        }
        pick(entries, index)
    }
}

/// [`pick`] with registers of twice the width.
#[target_feature(enable = "avx2")]
#[cfg(target_arch = "x86_64")]
fn pick_avx2(entries: &[[u64; 8]], index: u64) -> [u64; 8] {
    use super::memory::{load32, store32};
    use core::arch::x86_64::{
        _mm256_add_epi32, _mm256_blendv_epi8, _mm256_cmpeq_epi32, _mm256_set1_epi32, _mm256_setzero_si256,
    };
    let (wanted, one) = (_mm256_set1_epi32(super::opaque(index) as i32), _mm256_set1_epi32(1));
    let (mut number, mut found) = (_mm256_setzero_si256(), [_mm256_setzero_si256(); 2]);
    for entry in entries {
        let here = _mm256_cmpeq_epi32(number, wanted);
        for (half, found) in entry.as_chunks::<4>().0.iter().zip(&mut found) {
            *found = _mm256_blendv_epi8(*found, load32(half), here);
        }
        number = _mm256_add_epi32(number, one);
    }
    let mut words = [0; 8];
    for (half, found) in words.as_chunks_mut::<4>().0.iter_mut().zip(found) {
        store32(half, found);
    }
    words
}

/// The entry at `index`, or zeros if there is none. Constant time.
#[inline(always)]
#[cfg(target_arch = "x86_64")]
#[allow(unused_unsafe, reason = "the least supported compiler has these intrinsics as unsafe, later ones do not")]
fn pick(entries: &[[u64; 8]], index: u64) -> [u64; 8] {
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
fn pick(entries: &[[u64; 8]], index: u64) -> [u64; 8] {
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
