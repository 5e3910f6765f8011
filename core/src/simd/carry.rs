//! Addition and subtraction of words with carries that stay in the processor's flag.
//!
//! The same in plain Rust is correct, but LLVM rewrites it where an operand is constant, and then carries travel
//! through registers: a modular addition takes twice as long.

/// a + b + carry, and the carry. Bound: carries are 0 or 1.
#[inline(always)]
#[allow(unused_unsafe, reason = "the least supported compiler has this intrinsic as unsafe, later ones do not")]
pub(crate) fn add_carry(a: u64, b: u64, carry: u8) -> (u64, u8) {
    #[cfg(target_arch = "x86_64")]
    {
        let mut sum = 0;
        // SAFETY: `adc` is part of every x86-64 processor; the result goes to a local.
        let carry = unsafe { core::arch::x86_64::_addcarry_u64(carry, a, b, &mut sum) };
        (sum, carry)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let (sum, first) = a.overflowing_add(b);
        let (sum, second) = sum.overflowing_add(u64::from(carry));
        (sum, u8::from(first | second))
    }
}

/// a - b - borrow, and the borrow. Bound: borrows are 0 or 1.
#[inline(always)]
#[allow(unused_unsafe, reason = "the least supported compiler has this intrinsic as unsafe, later ones do not")]
pub(crate) fn sub_borrow(a: u64, b: u64, borrow: u8) -> (u64, u8) {
    #[cfg(target_arch = "x86_64")]
    {
        let mut difference = 0;
        // SAFETY: `sbb` is part of every x86-64 processor; the result goes to a local.
        let borrow = unsafe { core::arch::x86_64::_subborrow_u64(borrow, a, b, &mut difference) };
        (difference, borrow)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let (difference, first) = a.overflowing_sub(b);
        let (difference, second) = difference.overflowing_sub(u64::from(borrow));
        (difference, u8::from(first | second))
    }
}
