//! Arithmetic modulo a 256-bit prime, in the Montgomery domain, four 64-bit limbs.

use super::invert::{Quotient, invert};
use super::limbs::{self, Limbs};
use super::{Choice, sealed::Sealed};
use core::marker::PhantomData;
use zeroize::Zeroize;

/// An odd prime between 2^255 and 2^256, and what follows from it.
pub trait Modulus: Sealed + Copy + core::fmt::Debug + Eq + Send + Sync + 'static {
    /// The prime, least significant limb first.
    const M: Limbs;
    /// -M^-1 mod 2^64: 1 for both field primes.
    const NEGATED_INVERSE: u64 = negated_inverse(Self::M[0]);
    /// 2^256 mod M, the one of the Montgomery domain.
    const R: Limbs = limbs::shifted([1, 0, 0, 0], 256, Self::M);
    /// 2^512 mod M, which leads into the Montgomery domain.
    const R2: Limbs = limbs::shifted(Self::R, 256, Self::M);
    /// (t + q·M) / 2^64 with the q < 2^64 that makes it exact. Bound: t and out < 2^256.
    fn step(t: Limbs) -> Limbs;
}

/// An element of the integers mod `M`, always canonical: limbs < M in the Montgomery domain.
#[derive(Debug)]
pub struct Residue<M> {
    limbs: Limbs,
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
    pub(super) const fn from_montgomery(limbs: Limbs) -> Self {
        Residue { limbs, modulus: PhantomData }
    }

    /// Domain: Montgomery.
    #[inline(always)]
    pub(super) fn to_montgomery(self) -> Limbs {
        self.limbs
    }

    /// Domain: integers to Montgomery. Bound: limbs < 2^256, of which the residue is taken.
    pub fn from_canonical(limbs: Limbs) -> Self {
        Self::from_montgomery(montgomery_reduce::<M>(limbs::multiply(limbs, M::R2)))
    }

    /// The same for a constant of the source. Bound: limbs < M. Variable time.
    pub(super) const fn constant(limbs: Limbs) -> Self {
        Self::from_montgomery(limbs::shifted(limbs, 256, M::M))
    }

    /// Domain: Montgomery to integers. Bound: out < M.
    pub fn to_canonical(self) -> Limbs {
        let [a, b, c, d] = self.limbs;
        montgomery_reduce::<M>([a, b, c, d, 0, 0, 0, 0])
    }

    /// Big-endian bytes and whether they are less than M; the residue is taken in any case.
    pub fn from_bytes(bytes: &[u8; 32]) -> (Self, Choice) {
        let limbs = limbs::from_bytes(bytes);
        let (_, borrow) = limbs::subtract(limbs, M::M);
        (Self::from_canonical(limbs), Choice::from_bit(borrow.into()))
    }

    /// The residue of big-endian bytes, as an integer.
    pub fn reduce(bytes: &[u8; 32]) -> Limbs {
        // 2^256 < 2M.
        limbs::reduce_once(limbs::from_bytes(bytes), 0, M::M)
    }

    /// Big-endian bytes, 32.
    pub fn to_bytes(self) -> [u8; 32] {
        limbs::to_bytes(self.to_canonical())
    }

    /// self + other.
    #[inline(always)]
    pub fn add(self, other: Self) -> Self {
        let (sum, carry) = limbs::add(self.limbs, other.limbs);
        Self::from_montgomery(limbs::reduce_once(sum, carry, M::M))
    }

    /// self - other.
    #[inline(always)]
    pub fn sub(self, other: Self) -> Self {
        let (difference, borrow) = limbs::subtract(self.limbs, other.limbs);
        let correction = limbs::masked(M::M, limbs::mask(borrow));
        Self::from_montgomery(limbs::add(difference, correction).0)
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

    /// self / 2.
    #[inline(always)]
    pub fn halve(self) -> Self {
        Self::from_montgomery(limbs::halve(self.limbs, M::M))
    }

    /// self · other.
    #[inline(always)]
    pub fn mul(self, other: Self) -> Self {
        Self::from_montgomery(montgomery_reduce::<M>(limbs::multiply(self.limbs, other.limbs)))
    }

    /// self².
    #[inline(always)]
    pub fn square(self) -> Self {
        Self::from_montgomery(montgomery_reduce::<M>(limbs::square(self.limbs)))
    }

    /// self to the power of a public exponent. Variable time in the exponent only.
    pub fn power(self, exponent: &Limbs) -> Self {
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
        let [inverse] = invert(&[self.reciprocal()]);
        Self::from_montgomery(inverse)
    }

    /// The inverses of both, faster than one after the other. Constant time.
    pub fn invert_with<L: Modulus>(self, other: Residue<L>) -> (Self, Residue<L>) {
        let [first, second] = invert(&[self.reciprocal(), other.reciprocal()]);
        (Self::from_montgomery(first), Residue::from_montgomery(second))
    }

    /// The inverses of numbers of which none is zero, with one inversion. Constant time.
    pub fn invert_many(numbers: &[Self]) -> Vec<Self> {
        let mut product = Self::ONE;
        let mut inverses = Vec::with_capacity(numbers.len());
        for &number in numbers {
            inverses.push(product);
            product = product.mul(number);
        }
        let mut running = product.invert();
        for (inverse, &number) in inverses.iter_mut().zip(numbers).rev() {
            *inverse = inverse.mul(running);
            running = running.mul(number);
        }
        inverses
    }

    /// From y·R to y^-1·R: R² / (y·R).
    fn reciprocal(self) -> Quotient {
        Quotient { y: self.limbs, scale: M::R2, m: M::M, negated_inverse: M::NEGATED_INVERSE }
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

/// t·2^-256 mod M. Bound: t < 2^256·M; out < M.
#[inline(always)]
fn montgomery_reduce<M: Modulus>(t: [u64; 8]) -> Limbs {
    let low = M::step(M::step(M::step(M::step([t[0], t[1], t[2], t[3]]))));
    let (r, carry) = limbs::add(low, [t[4], t[5], t[6], t[7]]);
    limbs::reduce_once(r, carry, M::M)
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
