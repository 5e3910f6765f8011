//! A hint to the caches.

/// Brings what `value` points to nearer, without waiting for it. Changes nothing, so that any reference will do.
#[inline(always)]
#[allow(unused_unsafe, reason = "later compilers may have this intrinsic as safe")]
pub(crate) fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of every x86-64 processor; a prefetch neither faults nor has an effect on values.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(value).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
