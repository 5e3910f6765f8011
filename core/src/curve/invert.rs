//! Inversion modulo an odd prime by the binary GCD on approximations, in constant time.
//!
//! Source: T. Pornin, "Optimized Binary GCD for Modular Inversion" (IACR ePrint 2020/972), algorithm 2 with k = 32.
//! Invariants: a = y·u and b = y·v mod m. Each outer step runs 31 steps of the binary GCD on 64-bit approximations
//! of a and b, which give factors f, g of at most 2^31, and applies them to the full numbers. len(a) + len(b)
//! falls by one a step, so that after 2·256 - 1 = 511 steps b = gcd(y, m); 17 outer steps run 527.

use super::limbs::{Limbs, add, mask, masked, multiply_add, reduce_once};
use crate::simd::{add_carry, opaque, sub_borrow};
use zeroize::Zeroize;

const OUTER: usize = 17;
const INNER: u32 = 31;

/// `scale` / y mod m, and 0 for y = 0. Bound: y, scale < m; m an odd prime, 2^255 < m < 2^256; out < m.
/// `negated_inverse` is -m^-1 mod 2^64.
pub(super) fn invert(y: Limbs, scale: Limbs, m: Limbs, negated_inverse: u64) -> Limbs {
    let (mut a, mut b, mut u, mut v) = (y, m, scale, [0; 4]);
    for _ in 0..OUTER {
        let (mut first, mut second) = approximate_steps(&a, &b);
        let new_a = combine_exact(&a, &b, &mut first);
        let new_b = combine_exact(&a, &b, &mut second);
        let new_u = combine_modular(&u, &v, first, &m, negated_inverse);
        let new_v = combine_modular(&u, &v, second, &m, negated_inverse);
        (a, b, u, v) = (new_a, new_b, new_u, new_v);
    }
    a.zeroize();
    b.zeroize();
    u.zeroize();
    // For y = 0 nothing ever changed v, which is 0; for any other y, b is 1 and v is the inverse.
    v
}

/// 31 steps of the binary GCD on (low 31 bits, high 33 bits) of a and b: the factors of the new a and of the new b.
/// Bound: |f| + |g| <= 2^31.
#[inline(always)]
fn approximate_steps(a: &Limbs, b: &Limbs) -> ((i64, i64), (i64, i64)) {
    const LOW: u64 = (1 << INNER) - 1;
    // The two highest limbs that are not both zero, or the lowest limb alone.
    let (mut a_high, mut a_low, mut b_high, mut b_low) = (0, 0, 0, 0);
    let (mut take_high, mut take_low) = (u64::MAX, u64::MAX);
    for i in (0..4).rev() {
        a_high ^= (a_high ^ a[i]) & take_high;
        b_high ^= (b_high ^ b[i]) & take_high;
        a_low ^= (a_low ^ a[i]) & take_low;
        b_low ^= (b_low ^ b[i]) & take_low;
        take_low = take_high;
        let any = a[i] | b[i];
        take_high &= opaque((any | any.wrapping_neg()) >> 63).wrapping_sub(1);
    }
    // `take_low` is still set when only the lowest limb counts; then nothing is shifted.
    let shift = u64::from(((a_high | b_high) | 1).leading_zeros()) & !take_low;
    let top = |high: u64, low: u64| (high << shift) | ((low >> 1) >> (63 - shift));
    let mut x = (a[0] & LOW) | (top(a_high, a_low) & !LOW);
    let mut y = (b[0] & LOW) | (top(b_high, b_low) & !LOW);
    // f in the low half, g in the high half of a word, each -2^31 < f <= 2^31.
    let (mut first, mut second) = (1u64, 1u64 << 32);
    for _ in 0..INNER {
        // An odd x becomes |x - y|, and y the lesser of both; the factors follow. Then x is even, and is halved.
        let odd = opaque(x & 1).wrapping_neg();
        let (difference, less) = sub_borrow(x, y & odd, 0);
        let less = mask(less);
        let factor = first.wrapping_sub(second & odd);
        y = y.wrapping_add(difference & less);
        second = second.wrapping_add(factor & less).wrapping_shl(1);
        x = (difference ^ less).wrapping_sub(less) >> 1;
        first = (factor ^ less).wrapping_sub(less);
    }
    (unpack(first), unpack(second))
}

/// Both halves of a packed word. Bound: halves in -2^31 + 1 ..= 2^31.
#[inline(always)]
fn unpack(word: u64) -> (i64, i64) {
    const BIAS: u64 = 0x7fff_ffff;
    let word = word.wrapping_add(BIAS | BIAS << 32);
    ((word & 0xffff_ffff) as i64 - BIAS as i64, (word >> 32) as i64 - BIAS as i64)
}

/// |a·f + b·g| / 2^31, exact; when it was negative, f and g are negated. Bound: a, b, out < 2^256.
#[inline(always)]
fn combine_exact(a: &Limbs, b: &Limbs, factors: &mut (i64, i64)) -> Limbs {
    let (sum, top) = combine(a, b, *factors);
    let out = shift_right(&sum, top);
    let negative = opaque((top >> 63) as u64);
    factors.0 = (factors.0 ^ negative as i64).wrapping_sub(negative as i64);
    factors.1 = (factors.1 ^ negative as i64).wrapping_sub(negative as i64);
    // Two's complement of the negative result.
    let flipped = [out[0] ^ negative, out[1] ^ negative, out[2] ^ negative, out[3] ^ negative];
    add(flipped, [negative & 1, 0, 0, 0]).0
}

/// (u·f + v·g) / 2^31 mod m. Bound: u, v, out < m.
#[inline(always)]
fn combine_modular(u: &Limbs, v: &Limbs, factors: (i64, i64), m: &Limbs, negated_inverse: u64) -> Limbs {
    let (sum, top) = combine(u, v, factors);
    // Adding q·m with 0 <= q < 2^31 makes it divisible; it lies in -2^31·m .. 2^31·m before, -m .. 2m after.
    let q = sum[0].wrapping_mul(negated_inverse) & ((1 << INNER) - 1);
    let (t0, c) = multiply_add(sum[0], q, m[0], 0);
    let (t1, c) = multiply_add(sum[1], q, m[1], c);
    let (t2, c) = multiply_add(sum[2], q, m[2], c);
    let (t3, c) = multiply_add(sum[3], q, m[3], c);
    let top = top.wrapping_add(c as i64);
    let out = shift_right(&[t0, t1, t2, t3], top);
    let top = top >> INNER;
    let negative = opaque((top >> 63) as u64);
    let (raised, carry) = add(out, masked(*m, negative));
    // Negative: the carry cancels the sign. Otherwise `top` is 0 or 1.
    let top = (top as u64).wrapping_add(u64::from(carry));
    reduce_once(raised, (top & 1) as u8, *m)
}

/// x·f + y·g as four limbs and a signed fifth. Bound: |f| + |g| <= 2^31.
#[inline(always)]
fn combine(x: &Limbs, y: &Limbs, (f, g): (i64, i64)) -> (Limbs, i64) {
    // x·f = x·|f| with the sign applied as two's complement.
    let (f_sign, g_sign) = (opaque((f >> 63) as u64), opaque((g >> 63) as u64));
    let (f, g) = ((f as u64 ^ f_sign).wrapping_sub(f_sign), (g as u64 ^ g_sign).wrapping_sub(g_sign));
    let (mut out, mut carry) = ([0; 4], 0);
    let (mut high_x, mut high_y) = (0, 0);
    let (mut one_x, mut one_y) = ((f_sign & 1) as u8, (g_sign & 1) as u8);
    for i in 0..4 {
        let (low, high) = multiply_add(0, x[i], f, high_x);
        high_x = high;
        let (signed_x, c) = add_carry(low ^ f_sign, 0, one_x);
        one_x = c;
        let (low, high) = multiply_add(0, y[i], g, high_y);
        high_y = high;
        let (signed_y, c) = add_carry(low ^ g_sign, 0, one_y);
        one_y = c;
        (out[i], carry) = add_carry(signed_x, signed_y, carry);
    }
    let top_x = (high_x ^ f_sign).wrapping_add(u64::from(one_x));
    let top_y = (high_y ^ g_sign).wrapping_add(u64::from(one_y));
    (out, top_x.wrapping_add(top_y).wrapping_add(u64::from(carry)) as i64)
}

/// Five limbs shifted right by 31, the lowest four of them.
#[inline(always)]
fn shift_right(limbs: &Limbs, top: i64) -> Limbs {
    let join = |low: u64, high: u64| (low >> INNER) | (high << (64 - INNER));
    [join(limbs[0], limbs[1]), join(limbs[1], limbs[2]), join(limbs[2], limbs[3]), join(limbs[3], top as u64)]
}
