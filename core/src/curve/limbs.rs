//! 256-bit integers as four 64-bit limbs, the least significant first. Everything here is constant time.

use super::field::Modulus;
use crate::simd::{add_carry, opaque, sub_borrow};

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
pub(crate) fn to_bytes(limbs: Limbs) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (limb, bytes) in limbs.iter().rev().zip(bytes.as_chunks_mut::<8>().0) {
        *bytes = limb.to_be_bytes();
    }
    bytes
}

/// sum + a·b + carry, low and high. Bound: never exceeds 2^128 - 1.
#[inline(always)]
pub(super) fn multiply_add(sum: u64, a: u64, b: u64, carry: u64) -> (u64, u64) {
    let wide = (a as u128).wrapping_mul(b as u128).wrapping_add(sum as u128).wrapping_add(carry as u128);
    (wide as u64, (wide >> 64) as u64)
}

/// Bound: in < 2^256; out the sum mod 2^256 and the carry.
#[inline(always)]
pub(super) fn add(a: Limbs, b: Limbs) -> (Limbs, u8) {
    let (r0, c) = add_carry(a[0], b[0], 0);
    let (r1, c) = add_carry(a[1], b[1], c);
    let (r2, c) = add_carry(a[2], b[2], c);
    let (r3, c) = add_carry(a[3], b[3], c);
    ([r0, r1, r2, r3], c)
}

/// Bound: in < 2^256; out the difference mod 2^256 and the borrow.
#[inline(always)]
pub(super) fn subtract(a: Limbs, b: Limbs) -> (Limbs, u8) {
    let (r0, c) = sub_borrow(a[0], b[0], 0);
    let (r1, c) = sub_borrow(a[1], b[1], c);
    let (r2, c) = sub_borrow(a[2], b[2], c);
    let (r3, c) = sub_borrow(a[3], b[3], c);
    ([r0, r1, r2, r3], c)
}

/// All ones for 1, zero for 0, and the optimiser does not know that it is one of the two.
#[inline(always)]
pub(super) fn mask(bit: u8) -> u64 {
    opaque(u64::from(bit).wrapping_neg())
}

/// The limbs where `mask` is all ones, zero where it is zero.
#[inline(always)]
pub(super) fn masked(limbs: Limbs, mask: u64) -> Limbs {
    [limbs[0] & mask, limbs[1] & mask, limbs[2] & mask, limbs[3] & mask]
}

/// Bound: in limbs + 2^256·carry < 2m; out < m.
#[inline(always)]
pub(super) fn reduce_once(limbs: Limbs, carry: u8, m: Limbs) -> Limbs {
    let (reduced, borrow) = subtract(limbs, m);
    // Add m back when the limbs were less than m and nothing was carried.
    let (_, less) = sub_borrow(u64::from(carry), 0, borrow);
    add(reduced, masked(m, mask(less))).0
}

/// a / 2 mod m. Bound: a < m, m odd; out < m.
#[inline(always)]
pub(super) fn halve(a: Limbs, m: Limbs) -> Limbs {
    let (sum, carry) = add(a, masked(m, mask((a[0] & 1) as u8)));
    let join = |low: u64, high: u64| (low >> 1) | (high << 63);
    [join(sum[0], sum[1]), join(sum[1], sum[2]), join(sum[2], sum[3]), join(sum[3], u64::from(carry))]
}

/// a·2^times mod m, for constants of the source: it branches. Bound: a < m; out < m.
pub(super) const fn shifted(mut a: Limbs, times: u32, m: Limbs) -> Limbs {
    let mut i = 0;
    while i < times {
        let carry = a[3] >> 63;
        a = [a[0] << 1, (a[1] << 1) | (a[0] >> 63), (a[2] << 1) | (a[1] >> 63), (a[3] << 1) | (a[2] >> 63)];
        let (mut reduced, mut borrow, mut j) = ([0; 4], false, 0);
        while j < 4 {
            let (difference, first) = a[j].overflowing_sub(m[j]);
            let (difference, second) = difference.overflowing_sub(borrow as u64);
            (reduced[j], borrow) = (difference, first | second);
            j += 1;
        }
        if carry == 1 || !borrow {
            a = reduced;
        }
        i += 1;
    }
    a
}

/// a·b, low and high.
#[inline(always)]
fn wide(a: u64, b: u64) -> (u64, u64) {
    let product = u128::from(a).wrapping_mul(u128::from(b));
    (product as u64, (product >> 64) as u64)
}

/// Bound: in < 2^256; out < 2^512.
#[inline(always)]
pub(super) fn multiply(a: Limbs, b: Limbs) -> [u64; 8] {
    let mut t = [0u64; 8];
    for i in 0..4 {
        let (l0, h0) = wide(a[i], b[0]);
        let (l1, h1) = wide(a[i], b[1]);
        let (l2, h2) = wide(a[i], b[2]);
        let (l3, h3) = wide(a[i], b[3]);
        // The row by itself, then onto the sum: two chains of carries.
        let (l1, c) = add_carry(l1, h0, 0);
        let (l2, c) = add_carry(l2, h1, c);
        let (l3, c) = add_carry(l3, h2, c);
        let (l4, _) = add_carry(h3, 0, c);
        let (t0, c) = add_carry(t[i], l0, 0);
        let (t1, c) = add_carry(t[i + 1], l1, c);
        let (t2, c) = add_carry(t[i + 2], l2, c);
        let (t3, c) = add_carry(t[i + 3], l3, c);
        let (t4, _) = add_carry(l4, 0, c);
        (t[i], t[i + 1], t[i + 2], t[i + 3], t[i + 4]) = (t0, t1, t2, t3, t4);
    }
    t
}

/// Bound: in < 2^256; out < 2^512. Ten multiplications instead of sixteen.
#[inline(always)]
pub(super) fn square(a: Limbs) -> [u64; 8] {
    // The products of different limbs, once.
    let (t1, h1) = wide(a[0], a[1]);
    let (l2, h2) = wide(a[0], a[2]);
    let (l3, h3) = wide(a[0], a[3]);
    let (t2, c) = add_carry(l2, h1, 0);
    let (t3, c) = add_carry(l3, h2, c);
    let (t4, _) = add_carry(h3, 0, c);
    let (l3, h3) = wide(a[1], a[2]);
    let (l4, h4) = wide(a[1], a[3]);
    let (l5, h5) = wide(a[2], a[3]);
    let (l4, c) = add_carry(l4, h3, 0);
    let (l5, c) = add_carry(l5, h4, c);
    let (t6, _) = add_carry(h5, 0, c);
    let (t3, c) = add_carry(t3, l3, 0);
    let (t4, c) = add_carry(t4, l4, c);
    let (t5, c) = add_carry(l5, 0, c);
    let (t6, _) = add_carry(t6, 0, c);
    // Twice.
    let (t1, c) = add_carry(t1, t1, 0);
    let (t2, c) = add_carry(t2, t2, c);
    let (t3, c) = add_carry(t3, t3, c);
    let (t4, c) = add_carry(t4, t4, c);
    let (t5, c) = add_carry(t5, t5, c);
    let (t6, c) = add_carry(t6, t6, c);
    let t7 = u64::from(c);
    // And the squares of the limbs.
    let (r0, high) = wide(a[0], a[0]);
    let (r1, c) = add_carry(t1, high, 0);
    let (low, high) = wide(a[1], a[1]);
    let (r2, c) = add_carry(t2, low, c);
    let (r3, c) = add_carry(t3, high, c);
    let (low, high) = wide(a[2], a[2]);
    let (r4, c) = add_carry(t4, low, c);
    let (r5, c) = add_carry(t5, high, c);
    let (low, high) = wide(a[3], a[3]);
    let (r6, c) = add_carry(t6, low, c);
    let (r7, _) = add_carry(t7, high, c);
    [r0, r1, r2, r3, r4, r5, r6, r7]
}

/// (t + q·M) / 2^64 with the q < 2^64 that makes it exact, for any odd M. Bound: t, M and out < 2^256.
#[inline(always)]
pub(super) fn montgomery_step<M: Modulus>(t: Limbs) -> Limbs {
    let q = t[0].wrapping_mul(M::NEGATED_INVERSE);
    let (_, c) = multiply_add(t[0], q, M::M[0], 0);
    let (r0, c) = multiply_add(t[1], q, M::M[1], c);
    let (r1, c) = multiply_add(t[2], q, M::M[2], c);
    let (r2, r3) = multiply_add(t[3], q, M::M[3], c);
    [r0, r1, r2, r3]
}

/// The same for p of P-256, where q = t0 and q·p = q·(2^64 - 2^32 + 1)·2^192 + q·2^96 - q.
#[inline(always)]
pub(super) fn montgomery_step_p256(t: Limbs) -> Limbs {
    let q = t[0];
    let (low, high) = multiply_add(0, q, 0xffff_ffff_0000_0001, 0);
    let (r0, c) = add_carry(t[1], q << 32, 0);
    let (r1, c) = add_carry(t[2], q >> 32, c);
    let (r2, c) = add_carry(t[3], low, c);
    let (r3, _) = add_carry(high, 0, c);
    [r0, r1, r2, r3]
}

/// The same for p of SM2, where q = t0 and q·p = q·(2^192 - 2^160 - 2^32 + 1)·2^64 - q.
#[inline(always)]
pub(super) fn montgomery_step_sm2(t: Limbs) -> Limbs {
    let q = t[0];
    let (m0, b) = sub_borrow(q, q << 32, 0);
    let (m1, b) = sub_borrow(0, q >> 32, b);
    let (m2, b) = sub_borrow(0, q << 32, b);
    let (m3, _) = sub_borrow(q, q >> 32, b);
    let (r0, c) = add_carry(t[1], m0, 0);
    let (r1, c) = add_carry(t[2], m1, c);
    let (r2, c) = add_carry(t[3], m2, c);
    let (r3, _) = add_carry(m3, 0, c);
    [r0, r1, r2, r3]
}
