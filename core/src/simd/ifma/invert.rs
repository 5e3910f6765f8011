//! Inversion of a vector: the lanes are multiplied together, one number is inverted, and the way is gone back.
//! Constant time.

use super::field::{self, Loose, Operand};
use super::lanes::{V, broadcast, stored};
use super::order;
use super::prime::{Prime, limbs};
use core::arch::x86_64::{_mm512_permutex_epi64, _mm512_shuffle_epi32, _mm512_shuffle_i64x2};

/// The limbs of every lane's partner at distance 1, 2 or 4.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn partner<const DISTANCE: usize>(a: &[V; 5]) -> [V; 5] {
    let mut out = *a;
    for limb in &mut out {
        *limb = match DISTANCE {
            1 => _mm512_shuffle_epi32::<0b01_00_11_10>(*limb),
            2 => _mm512_permutex_epi64::<0b01_00_11_10>(*limb),
            _ => _mm512_shuffle_i64x2::<0b01_00_11_10>(*limb, *limb),
        };
    }
    out
}

/// Lane 0 as four words. Bound: digits, value < 2^256.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn first_lane(a: &Loose) -> [u64; 4] {
    let w: [V; 4] = a.to_words();
    [stored(w[0])[0], stored(w[1])[0], stored(w[2])[0], stored(w[3])[0]]
}

/// The Montgomery inverse mod p of each lane, of which none is zero. Bound: value < 4p; out < 2p.
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn invert<P: Prime>(a: &Operand) -> Operand {
    let mul = |a: &Operand, b: &Operand| field::mul::<P>(a, b).carry();
    let pairs = mul(a, &Operand(partner::<1>(&a.0)));
    let fours = mul(&pairs, &Operand(partner::<2>(&pairs.0)));
    let all = field::mul::<P>(&fours, &Operand(partner::<4>(&fours.0)));
    // The number inverted is x·R, so its inverse is x^-1·R^-1; a product by R³ makes it x^-1·R.
    let inverse = P::invert_mod_p(first_lane(&all.canonical::<P>()));
    let inverse = mul(&Operand(broadcast(&limbs(inverse))), &Operand(broadcast(&P::R3)));
    let inverse = mul(&inverse, &Operand(partner::<4>(&fours.0)));
    let inverse = mul(&inverse, &Operand(partner::<2>(&pairs.0)));
    mul(&inverse, &Operand(partner::<1>(&a.0)))
}

/// The Montgomery inverse mod n of each lane, of which none is zero. Bound: value < 4n; out < 2n.
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn invert_mod_n<P: Prime>(a: &Operand) -> Operand {
    let pairs = order::mul::<P>(a, &Operand(partner::<1>(&a.0)));
    let fours = order::mul::<P>(&pairs, &Operand(partner::<2>(&pairs.0)));
    let all = order::mul::<P>(&fours, &Operand(partner::<4>(&fours.0)));
    let inverse = P::invert_mod_n(first_lane(&order::canonical::<P>(&all)));
    let inverse = order::mul::<P>(&Operand(broadcast(&limbs(inverse))), &Operand(broadcast(&P::N_R3)));
    let inverse = order::mul::<P>(&inverse, &Operand(partner::<4>(&fours.0)));
    let inverse = order::mul::<P>(&inverse, &Operand(partner::<2>(&pairs.0)));
    order::mul::<P>(&inverse, &Operand(partner::<1>(&a.0)))
}
