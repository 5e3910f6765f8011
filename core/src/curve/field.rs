//! Arithmetic modulo a 256-bit prime, in the Montgomery domain, four 64-bit limbs.

use super::{Choice, sealed::Sealed};
use core::marker::PhantomData;
use zeroize::Zeroize;

/// An odd prime between 2^255 and 2^256, and what follows from it.
pub trait Modulus: Sealed + Copy + core::fmt::Debug + Eq + Send + Sync + 'static {
    /// The prime, least significant limb first.
    const M: [u64; 4];
    /// -M^-1 mod 2^64: 1 for both field primes.
    const NEGATED_INVERSE: u64 = negated_inverse(Self::M[0]);
    /// 2^256 mod M, the one of the Montgomery domain.
    const R: [u64; 4] = sub_wide([0; 4], Self::M);
    /// 2^512 mod M, which leads into the Montgomery domain.
    const R2: [u64; 4] = r_squared(Self::M);
    /// M - 2, the exponent of inversion.
    const M_MINUS_2: [u64; 4] = sub_wide(Self::M, [2, 0, 0, 0]);
}

/// An element of the integers mod `M`, always canonical: limbs < M in the Montgomery domain.
#[derive(Debug)]
pub struct Residue<M> {
    limbs: [u64; 4],
    modulus: PhantomData<M>,
}

impl<M> Clone for Residue<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Residue<M> {}

impl<M: Modulus> Residue<M> {
    /// The zero element.
    pub const ZERO: Self = Self::from_montgomery([0; 4]);
    /// The one element.
    pub const ONE: Self = Self::from_montgomery(M::R);

    /// Domain: Montgomery. Bound: limbs < M.
    #[inline(always)]
    const fn from_montgomery(limbs: [u64; 4]) -> Self {
        Residue { limbs, modulus: PhantomData }
    }

    /// Domain: integers to Montgomery. Bound: limbs < 2^256, of which the residue is taken.
    pub const fn from_canonical(limbs: [u64; 4]) -> Self {
        Self::from_montgomery(montgomery_multiply::<M>(limbs, M::R2))
    }

    /// Domain: Montgomery to integers. Bound: out < M.
    pub const fn to_canonical(self) -> [u64; 4] {
        montgomery_multiply::<M>(self.limbs, [1, 0, 0, 0])
    }

    /// Big-endian bytes and whether they are less than M; the residue is taken in any case.
    pub fn from_bytes(bytes: &[u8; 32]) -> (Self, Choice) {
        let limbs = limbs_from_bytes(bytes);
        let (_, borrow) = subtract(limbs, M::M);
        (Self::from_canonical(limbs), Choice::from_bit(borrow))
    }

    /// Big-endian bytes, 32.
    pub fn to_bytes(self) -> [u8; 32] {
        bytes_from_limbs(self.to_canonical())
    }

    /// self + other.
    #[inline(always)]
    pub fn add(self, other: Self) -> Self {
        let (sum, carry) = add(self.limbs, other.limbs);
        Self::from_montgomery(reduce_once::<M>(sum, carry))
    }

    /// self - other.
    #[inline(always)]
    pub fn sub(self, other: Self) -> Self {
        let (difference, borrow) = subtract(self.limbs, other.limbs);
        let mask = borrow.wrapping_neg();
        let correction = [M::M[0] & mask, M::M[1] & mask, M::M[2] & mask, M::M[3] & mask];
        Self::from_montgomery(add(difference, correction).0)
    }

    /// -self.
    #[inline(always)]
    pub fn negate(self) -> Self {
        Self::ZERO.sub(self)
    }

    /// 2·self.
    #[inline(always)]
    pub fn double(self) -> Self {
        self.add(self)
    }

    /// self · other.
    #[inline(always)]
    pub fn mul(self, other: Self) -> Self {
        Self::from_montgomery(montgomery_multiply::<M>(self.limbs, other.limbs))
    }

    /// self².
    #[inline(always)]
    pub fn square(self) -> Self {
        self.mul(self)
    }

    /// self to the power of a public exponent. Variable time in the exponent only.
    pub fn power(self, exponent: &[u64; 4]) -> Self {
        let mut powers = [Self::ONE; 16];
        for i in 1..16 {
            powers[i] = powers[i - 1].mul(self);
        }
        let mut result = Self::ONE;
        for nibble in (0..64).rev() {
            for _ in 0..4 {
                result = result.square();
            }
            result = result.mul(powers[(exponent[nibble / 16] >> (4 * (nibble % 16))) as usize & 15]);
        }
        powers.iter_mut().for_each(Zeroize::zeroize);
        result
    }

    /// self^-1, and 0 for 0. Constant time.
    pub fn invert(self) -> Self {
        self.power(&M::M_MINUS_2)
    }

    /// Whether this is zero.
    #[inline(always)]
    pub fn is_zero(self) -> Choice {
        Choice::is_zero(self.limbs[0] | self.limbs[1] | self.limbs[2] | self.limbs[3])
    }

    /// Whether both are equal.
    #[inline(always)]
    pub fn equals(self, other: Self) -> Choice {
        let mut difference = 0;
        for i in 0..4 {
            difference |= self.limbs[i] ^ other.limbs[i];
        }
        Choice::is_zero(difference)
    }

    /// `yes` or `no`.
    #[inline(always)]
    pub fn select(choice: Choice, yes: Self, no: Self) -> Self {
        let mut limbs = [0; 4];
        for i in 0..4 {
            limbs[i] = choice.select(yes.limbs[i], no.limbs[i]);
        }
        Self::from_montgomery(limbs)
    }

    /// Whether this is zero. Variable time.
    #[inline(always)]
    pub fn is_zero_vartime(self) -> bool {
        self.limbs == [0; 4]
    }

    /// Whether both are equal. Variable time.
    #[inline(always)]
    pub fn equals_vartime(self, other: Self) -> bool {
        self.limbs == other.limbs
    }
}

impl<M> Zeroize for Residue<M> {
    fn zeroize(&mut self) {
        self.limbs.zeroize();
    }
}

/// Bound: in any; out < 2^256.
pub(super) fn limbs_from_bytes(bytes: &[u8; 32]) -> [u64; 4] {
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_be_bytes(*bytes);
    }
    limbs
}

/// Bound: in < 2^256; out 32 bytes, big-endian.
pub(super) fn bytes_from_limbs(limbs: [u64; 4]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (limb, bytes) in limbs.iter().rev().zip(bytes.as_chunks_mut::<8>().0) {
        *bytes = limb.to_be_bytes();
    }
    bytes
}

/// a + b + carry. Bound: carry and carry out 0 or 1.
#[inline(always)]
const fn carrying_add(a: u64, b: u64, carry: u64) -> (u64, u64) {
    let sum = (a as u128).wrapping_add(b as u128).wrapping_add(carry as u128);
    (sum as u64, (sum >> 64) as u64)
}

/// a - b - borrow. Bound: borrow and borrow out 0 or 1.
#[inline(always)]
const fn borrowing_sub(a: u64, b: u64, borrow: u64) -> (u64, u64) {
    let difference = (a as u128).wrapping_sub(b as u128).wrapping_sub(borrow as u128);
    (difference as u64, (difference >> 127) as u64)
}

/// sum + a·b + carry. Bound: never exceeds 2^128 - 1.
#[inline(always)]
const fn multiply_add(sum: u64, a: u64, b: u64, carry: u64) -> (u64, u64) {
    let wide = (a as u128).wrapping_mul(b as u128).wrapping_add(sum as u128).wrapping_add(carry as u128);
    (wide as u64, (wide >> 64) as u64)
}

/// Bound: in < 2^256; out the sum mod 2^256 and the carry.
#[inline(always)]
const fn add(a: [u64; 4], b: [u64; 4]) -> ([u64; 4], u64) {
    let (r0, c) = carrying_add(a[0], b[0], 0);
    let (r1, c) = carrying_add(a[1], b[1], c);
    let (r2, c) = carrying_add(a[2], b[2], c);
    let (r3, c) = carrying_add(a[3], b[3], c);
    ([r0, r1, r2, r3], c)
}

/// Bound: in < 2^256; out the difference mod 2^256 and the borrow.
#[inline(always)]
pub(super) const fn subtract(a: [u64; 4], b: [u64; 4]) -> ([u64; 4], u64) {
    let (r0, c) = borrowing_sub(a[0], b[0], 0);
    let (r1, c) = borrowing_sub(a[1], b[1], c);
    let (r2, c) = borrowing_sub(a[2], b[2], c);
    let (r3, c) = borrowing_sub(a[3], b[3], c);
    ([r0, r1, r2, r3], c)
}

/// Bound: in limbs + 2^256·carry < 2M; out < M.
#[inline(always)]
const fn reduce_once<M: Modulus>(limbs: [u64; 4], carry: u64) -> [u64; 4] {
    let (reduced, borrow) = subtract(limbs, M::M);
    // Keep the limbs when they are less than M and nothing was carried; a carry implies a borrow here.
    let mask = carry.wrapping_sub(borrow);
    let mut out = [0; 4];
    let mut i = 0;
    while i < 4 {
        out[i] = reduced[i] ^ (mask & (reduced[i] ^ limbs[i]));
        i += 1;
    }
    out
}

/// a·b·2^-256 mod M. Bound: a < 2^256, b < M (then the sum stays below 2M); out < M.
#[inline(always)]
const fn montgomery_multiply<M: Modulus>(a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
    let mut t = [0u64; 4];
    let mut top = 0u64;
    let mut i = 0;
    while i < 4 {
        let (t0, c) = multiply_add(t[0], a[i], b[0], 0);
        let (t1, c) = multiply_add(t[1], a[i], b[1], c);
        let (t2, c) = multiply_add(t[2], a[i], b[2], c);
        let (t3, c) = multiply_add(t[3], a[i], b[3], c);
        let (t4, t5) = carrying_add(top, c, 0);
        let q = t0.wrapping_mul(M::NEGATED_INVERSE);
        let (_, c) = multiply_add(t0, q, M::M[0], 0);
        let (u0, c) = multiply_add(t1, q, M::M[1], c);
        let (u1, c) = multiply_add(t2, q, M::M[2], c);
        let (u2, c) = multiply_add(t3, q, M::M[3], c);
        let (u3, c) = carrying_add(t4, c, 0);
        t = [u0, u1, u2, u3];
        top = t5.wrapping_add(c);
        i += 1;
    }
    reduce_once::<M>(t, top)
}

/// -m^-1 mod 2^64 for odd m, by Newton's iteration.
const fn negated_inverse(m: u64) -> u64 {
    let mut inverse = 1u64;
    let mut i = 0;
    while i < 6 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(m.wrapping_mul(inverse)));
        i += 1;
    }
    inverse.wrapping_neg()
}

/// a - b mod 2^256.
const fn sub_wide(a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
    subtract(a, b).0
}

/// 2^512 mod m, by doubling 2^256 mod m. Bound: 2^255 < m < 2^256.
const fn r_squared(m: [u64; 4]) -> [u64; 4] {
    let mut r = sub_wide([0; 4], m);
    let mut i = 0;
    while i < 256 {
        let (double, carry) = add(r, r);
        let (reduced, borrow) = subtract(double, m);
        r = if carry == 1 || borrow == 0 { reduced } else { double };
        i += 1;
    }
    r
}
