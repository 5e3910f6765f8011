//! A value of which the optimiser knows nothing.

/// `word`, as if it came from outside: what is made from it cannot become a branch.
///
/// Without it LLVM may see that a mask is all ones or all zeros, and jump where the source selects; it did so in
/// release builds. Costs no instruction where there is inline assembly.
#[inline(always)]
pub(crate) fn opaque(word: u64) -> u64 {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    {
        let mut word = word;
        // SAFETY: an empty sequence, which leaves the register as it is and touches neither memory nor flags.
        unsafe {
            core::arch::asm!("/* {0} */", inout(reg) word, options(pure, nomem, nostack, preserves_flags));
        }
        word
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        core::hint::black_box(word)
    }
}
