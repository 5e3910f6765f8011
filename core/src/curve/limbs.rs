//! 256-bit integers as four 64-bit limbs, the least significant first. Everything here is constant time.

use super::field::Modulus;
use crate::simd::opaque;

/// Four limbs.
pub(super) type Limbs = [u64; 4];

/// Bound: in any; out < 2^256.
pub(super) fn from_bytes(bytes: &[u8; 32]) -> Limbs {
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_be_bytes(*bytes);
    }
    limbs
}

/// Bound: in < 2^256; out 32 bytes, big-endian.
pub(super) fn to_bytes(limbs: Limbs) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (limb, bytes) in limbs.iter().rev().zip(bytes.as_chunks_mut::<8>().0) {
        *bytes = limb.to_be_bytes();
    }
    bytes
}

/// a + b + carry.
#[inline(always)]
pub(super) const fn carrying_add(a: u64, b: u64, carry: bool) -> (u64, bool) {
    let (sum, first) = a.overflowing_add(b);
    let (sum, second) = sum.overflowing_add(carry as u64);
    (sum, first | second)
}

/// a - b - borrow.
#[inline(always)]
pub(super) const fn borrowing_sub(a: u64, b: u64, borrow: bool) -> (u64, bool) {
    let (difference, first) = a.overflowing_sub(b);
    let (difference, second) = difference.overflowing_sub(borrow as u64);
    (difference, first | second)
}

/// sum + a·b + carry, low and high. Bound: never exceeds 2^128 - 1.
#[inline(always)]
pub(super) const fn multiply_add(sum: u64, a: u64, b: u64, carry: u64) -> (u64, u64) {
    let wide = (a as u128).wrapping_mul(b as u128).wrapping_add(sum as u128).wrapping_add(carry as u128);
    (wide as u64, (wide >> 64) as u64)
}

/// Bound: in < 2^256; out the sum mod 2^256 and the carry.
#[inline(always)]
pub(super) const fn add(a: Limbs, b: Limbs) -> (Limbs, bool) {
    let (r0, c) = carrying_add(a[0], b[0], false);
    let (r1, c) = carrying_add(a[1], b[1], c);
    let (r2, c) = carrying_add(a[2], b[2], c);
    let (r3, c) = carrying_add(a[3], b[3], c);
    ([r0, r1, r2, r3], c)
}

/// Bound: in < 2^256; out the difference mod 2^256 and the borrow.
#[inline(always)]
pub(super) const fn subtract(a: Limbs, b: Limbs) -> (Limbs, bool) {
    let (r0, c) = borrowing_sub(a[0], b[0], false);
    let (r1, c) = borrowing_sub(a[1], b[1], c);
    let (r2, c) = borrowing_sub(a[2], b[2], c);
    let (r3, c) = borrowing_sub(a[3], b[3], c);
    ([r0, r1, r2, r3], c)
}

/// All ones for yes, zero for no, and the optimiser does not know that it is one of the two.
#[inline(always)]
pub(super) fn mask(yes: bool) -> u64 {
    opaque(u64::from(yes)).wrapping_neg()
}

/// The limbs where `mask` is all ones, zero where it is zero.
#[inline(always)]
pub(super) fn masked(limbs: Limbs, mask: u64) -> Limbs {
    [limbs[0] & mask, limbs[1] & mask, limbs[2] & mask, limbs[3] & mask]
}

/// Bound: in limbs + 2^256·carry < 2m; out < m.
#[inline(always)]
pub(super) fn reduce_once(limbs: Limbs, carry: bool, m: Limbs) -> Limbs {
    let (reduced, keep) = subtract_once(limbs, carry, m);
    let keep = mask(keep);
    let select = |i: usize| reduced[i] ^ (keep & (reduced[i] ^ limbs[i]));
    [select(0), select(1), select(2), select(3)]
}

/// The same for constants: it branches.
pub(super) const fn reduce_once_public(limbs: Limbs, carry: bool, m: Limbs) -> Limbs {
    let (reduced, keep) = subtract_once(limbs, carry, m);
    if keep { limbs } else { reduced }
}

/// The limbs less m, and whether they were less than m and nothing was carried.
#[inline(always)]
const fn subtract_once(limbs: Limbs, carry: bool, m: Limbs) -> (Limbs, bool) {
    let (reduced, borrow) = subtract(limbs, m);
    (reduced, borrowing_sub(carry as u64, 0, borrow).1)
}

/// Bound: in < 2^256; out < 2^512.
#[inline(always)]
pub(super) const fn multiply(a: Limbs, b: Limbs) -> [u64; 8] {
    let mut t = [0u64; 8];
    let mut i = 0;
    while i < 4 {
        let (t0, c) = multiply_add(t[i], a[i], b[0], 0);
        let (t1, c) = multiply_add(t[i + 1], a[i], b[1], c);
        let (t2, c) = multiply_add(t[i + 2], a[i], b[2], c);
        let (t3, c) = multiply_add(t[i + 3], a[i], b[3], c);
        t[i] = t0;
        t[i + 1] = t1;
        t[i + 2] = t2;
        t[i + 3] = t3;
        t[i + 4] = c;
        i += 1;
    }
    t
}

/// Bound: in < 2^256; out < 2^512. Ten multiplications instead of sixteen.
#[inline(always)]
pub(super) const fn square(a: Limbs) -> [u64; 8] {
    // The products of different limbs, once.
    let (t1, c) = multiply_add(0, a[0], a[1], 0);
    let (t2, c) = multiply_add(0, a[0], a[2], c);
    let (t3, t4) = multiply_add(0, a[0], a[3], c);
    let (t3, c) = multiply_add(t3, a[1], a[2], 0);
    let (t4, t5) = multiply_add(t4, a[1], a[3], c);
    let (t5, t6) = multiply_add(t5, a[2], a[3], 0);
    // Twice.
    let d7 = t6 >> 63;
    let d6 = (t6 << 1) | (t5 >> 63);
    let d5 = (t5 << 1) | (t4 >> 63);
    let d4 = (t4 << 1) | (t3 >> 63);
    let d3 = (t3 << 1) | (t2 >> 63);
    let d2 = (t2 << 1) | (t1 >> 63);
    let d1 = t1 << 1;
    // And the squares of the limbs.
    let (r0, high) = multiply_add(0, a[0], a[0], 0);
    let (r1, c) = carrying_add(d1, high, false);
    let (low, high) = multiply_add(0, a[1], a[1], 0);
    let (r2, c) = carrying_add(d2, low, c);
    let (r3, c) = carrying_add(d3, high, c);
    let (low, high) = multiply_add(0, a[2], a[2], 0);
    let (r4, c) = carrying_add(d4, low, c);
    let (r5, c) = carrying_add(d5, high, c);
    let (low, high) = multiply_add(0, a[3], a[3], 0);
    let (r6, c) = carrying_add(d6, low, c);
    let (r7, _) = carrying_add(d7, high, c);
    [r0, r1, r2, r3, r4, r5, r6, r7]
}

/// (t + q·M) / 2^64 with the q < 2^64 that makes it exact, for any odd M. Bound: t, M and out < 2^256.
#[inline(always)]
pub(super) const fn montgomery_step<M: Modulus>(t: Limbs) -> Limbs {
    let q = t[0].wrapping_mul(M::NEGATED_INVERSE);
    let (_, c) = multiply_add(t[0], q, M::M[0], 0);
    let (r0, c) = multiply_add(t[1], q, M::M[1], c);
    let (r1, c) = multiply_add(t[2], q, M::M[2], c);
    let (r2, r3) = multiply_add(t[3], q, M::M[3], c);
    [r0, r1, r2, r3]
}

/// The same for p of P-256, where q = t0 and q·p = q·(2^64 - 2^32 + 1)·2^192 + q·2^96 - q.
#[inline(always)]
pub(super) const fn montgomery_step_p256(t: Limbs) -> Limbs {
    let q = t[0];
    let (low, high) = multiply_add(0, q, 0xffff_ffff_0000_0001, 0);
    let (r0, c) = carrying_add(t[1], q << 32, false);
    let (r1, c) = carrying_add(t[2], q >> 32, c);
    let (r2, c) = carrying_add(t[3], low, c);
    let (r3, _) = carrying_add(high, 0, c);
    [r0, r1, r2, r3]
}

/// The same for p of SM2, where q = t0 and q·p = q·(2^192 - 2^160 - 2^32 + 1)·2^64 - q.
#[inline(always)]
pub(super) const fn montgomery_step_sm2(t: Limbs) -> Limbs {
    let q = t[0];
    let (m0, b) = borrowing_sub(q, q << 32, false);
    let (m1, b) = borrowing_sub(0, q >> 32, b);
    let (m2, b) = borrowing_sub(0, q << 32, b);
    let (m3, _) = borrowing_sub(q, q >> 32, b);
    let (r0, c) = carrying_add(t[1], m0, false);
    let (r1, c) = carrying_add(t[2], m1, c);
    let (r2, c) = carrying_add(t[3], m2, c);
    let (r3, _) = carrying_add(m3, 0, c);
    [r0, r1, r2, r3]
}
