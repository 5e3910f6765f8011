//! What the vector programs need to know of the curves.

use super::invert::{Quotient, invert};
use super::{Affine, Curve, Jacobian, Modulus, P256, P256Field, P256Order, Sm2, Sm2Field, Sm2Order};
use crate::consts::{P256_N, P256_P, SM2_N, SM2_P};
use crate::simd::ifma::Prime;

impl Prime for P256 {
    const SM2: bool = false;
    const P_WORDS: [u64; 4] = P256_P;
    const N_WORDS: [u64; 4] = P256_N;
    fn invert_mod_p(x: [u64; 4]) -> [u64; 4] {
        inverse::<P256Field>(x)
    }
    fn invert_mod_n(x: [u64; 4]) -> [u64; 4] {
        inverse::<P256Order>(x)
    }
}

impl Prime for Sm2 {
    const SM2: bool = true;
    const P_WORDS: [u64; 4] = SM2_P;
    const N_WORDS: [u64; 4] = SM2_N;
    fn invert_mod_p(x: [u64; 4]) -> [u64; 4] {
        inverse::<Sm2Field>(x)
    }
    fn invert_mod_n(x: [u64; 4]) -> [u64; 4] {
        inverse::<Sm2Order>(x)
    }
}

/// x^-1 mod M, and 0 for 0. Domain: integers. Bound: in and out < M. Constant time.
fn inverse<M: Modulus>(x: [u64; 4]) -> [u64; 4] {
    let [inverse] = invert(&[Quotient { y: x, scale: [1, 0, 0, 0], m: M::M, negated_inverse: M::NEGATED_INVERSE }]);
    inverse
}

/// The multiples of a point by 2^(width · i), for `count` values of i: x and y, least word first. Variable time.
pub(crate) fn bases<C: Curve>(point: &Affine<C>, width: usize, count: usize) -> Vec<[u64; 8]> {
    let mut base = Jacobian::from(*point);
    let mut bases = Vec::with_capacity(count);
    for _ in 0..count {
        bases.push(base);
        for _ in 0..width {
            base = base.double();
        }
    }
    // No multiple is infinity: n is an odd prime.
    Jacobian::many_to_affine(&bases).iter().map(Affine::to_words).collect()
}

#[cfg(test)]
mod tests;
