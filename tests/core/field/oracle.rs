//! The oracle: arbitrary-precision integers, affine addition with an inversion each time.

use num_bigint::BigUint;
use sealcore::curve::{Affine, Curve, Jacobian, Modulus, P256, Residue, Scalar, Sm2};

pub(crate) fn integer(limbs: [u64; 4]) -> BigUint {
    limbs.iter().rev().fold(BigUint::ZERO, |sum, limb| (sum << 64) + limb)
}

/// The lowest 256 bits.
pub(crate) fn limbs(value: &BigUint) -> [u64; 4] {
    let mut limbs = [0; 4];
    for (limb, digit) in limbs.iter_mut().zip(value.iter_u64_digits()) {
        *limb = digit;
    }
    limbs
}

pub(crate) fn modulus<M: Modulus>() -> BigUint {
    integer(M::M)
}

pub(crate) fn residue<M: Modulus>(value: &BigUint) -> Residue<M> {
    Residue::from_canonical(limbs(&(value % modulus::<M>())))
}

pub(crate) fn value<M: Modulus>(residue: Residue<M>) -> BigUint {
    integer(residue.to_canonical())
}

/// a^-1 mod m by Fermat, 0 for 0.
pub(crate) fn inverse(a: &BigUint, m: &BigUint) -> BigUint {
    a.modpow(&(m - 2u8), m)
}

/// A point as integers; `None` is infinity.
pub(crate) type Point = Option<(BigUint, BigUint)>;

pub(crate) fn of_affine<C: Curve>(point: &Affine<C>) -> Point {
    Some((value(point.x), value(point.y)))
}

pub(crate) fn of_jacobian<C: Curve>(point: &Jacobian<C>) -> Point {
    if point.is_infinity_vartime() { None } else { of_affine(&point.to_affine()) }
}

pub(crate) fn to_affine<C: Curve>(point: &Point) -> Affine<C> {
    let (x, y) = point.as_ref().expect("not infinity");
    Affine { x: residue(x), y: residue(y) }
}

pub(crate) fn negated<C: Curve>(point: &Point) -> Point {
    let p = modulus::<C::P>();
    point.as_ref().map(|(x, y)| (x.clone(), (&p - y) % &p))
}

/// The chord and the tangent (a = -3).
pub(crate) fn sum<C: Curve>(a: &Point, b: &Point) -> Point {
    let p = modulus::<C::P>();
    let (Some((x1, y1)), Some((x2, y2))) = (a, b) else { return a.clone().or_else(|| b.clone()) };
    let slope = if x1 != x2 {
        (y2 + &p - y1) * inverse(&((x2 + &p - x1) % &p), &p) % &p
    } else if y1 == y2 {
        (x1 * x1 * 3u8 + &p - 3u8) * inverse(&(y1 * 2u8 % &p), &p) % &p
    } else {
        return None;
    };
    let x = (&slope * &slope + &p + &p - x1 - x2) % &p;
    let y = (&slope * (x1 + &p - &x) + &p - y1) % &p;
    Some((x, y))
}

/// k·P with one inversion: (X/Z², Y/Z³), where Z = 0 is infinity.
pub(crate) fn multiple<C: Curve>(k: &BigUint, point: &Point) -> Point {
    let p = &modulus::<C::P>();
    let minus = |a: BigUint, b: &BigUint| (a + p - b % p) % p;
    let double = |[x, y, z]: [BigUint; 3]| {
        let (zz, yy) = (&z * &z % p, &y * &y % p);
        let beta = &x * &yy % p;
        let alpha = 3u8 * minus(x.clone(), &zz) * (x + zz) % p;
        let next = minus(&alpha * &alpha, &(8u8 * &beta));
        let y_next = minus(alpha * minus(4u8 * beta, &next), &(8u8 * &yy * &yy));
        [next, y_next, 2u8 * y * z % p]
    };
    let Some((px, py)) = point else { return None };
    let infinity = [BigUint::from(1u8), BigUint::from(1u8), BigUint::ZERO];
    let [x, y, z] = (0..k.bits()).rev().fold(infinity, |sum, bit| {
        let sum = double(sum);
        if !k.bit(bit) {
            return sum;
        }
        let [x, y, z] = &sum;
        if *z == BigUint::ZERO {
            return [px.clone(), py.clone(), BigUint::from(1u8)];
        }
        let h = minus(px * z * z, x);
        let r = minus(py * z * z * z, y);
        if h == BigUint::ZERO {
            let opposite = [BigUint::from(1u8), BigUint::from(1u8), BigUint::ZERO];
            return if r == BigUint::ZERO { double(sum) } else { opposite };
        }
        let (hh, hhh) = (&h * &h % p, &h * &h * &h % p);
        let v = x * hh % p;
        let next = minus(minus(&r * &r, &hhh), &(2u8 * &v));
        let y_next = minus(r * minus(v, &next), &(y * hhh));
        [next, y_next, z * h % p]
    });
    let inverse = inverse(&z, p);
    (z != BigUint::ZERO).then(|| (x * &inverse * &inverse % p, y * &inverse * &inverse * inverse % p))
}

pub(crate) fn base<C: Curve>() -> Point {
    of_affine(&C::G)
}

pub(crate) fn scalar<C: Curve>(value: &BigUint) -> Scalar<C> {
    residue(value)
}

/// Numbers from a fixed seed (SplitMix64), the same in every run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn limbs(&mut self) -> [u64; 4] {
        std::array::from_fn(|_| self.word())
    }
}

/// Runs a generic test for both curves.
pub(crate) fn for_both(sm2: impl FnOnce(Sm2), p256: impl FnOnce(P256)) {
    sm2(Sm2);
    p256(P256);
}
