//! The vector routines against the scalar code.

use super::bases;
use crate::cpu::HasIfma;
use crate::curve::{Curve, P256, Residue, Scalar, Sm2};
use crate::simd::ifma::probe::{self, Routine};
use crate::simd::ifma::{self, Prime};

const MASK: u64 = (1 << 52) - 1;

fn token() -> Option<HasIfma> {
    HasIfma::detect()
}

/// A walk through 64-bit words, the same in every run.
pub(crate) struct Walk(pub(crate) u64);

impl Walk {
    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn words(&mut self) -> [u64; 4] {
        [self.word(), self.word(), self.word(), self.word()]
    }
}

fn limbs(w: [u64; 4]) -> [u64; 5] {
    [
        w[0] & MASK,
        (w[0] >> 52 | w[1] << 12) & MASK,
        (w[1] >> 40 | w[2] << 24) & MASK,
        (w[2] >> 28 | w[3] << 36) & MASK,
        w[3] >> 16,
    ]
}

/// Five limbs as a residue: Horner's rule in the scalar field.
fn residue<M: crate::curve::Modulus>(l: [u64; 5]) -> Residue<M> {
    let base = Residue::<M>::from_canonical([1 << 52, 0, 0, 0]);
    l.iter().rev().fold(Residue::ZERO, |sum, &limb| sum.mul(base).add(Residue::from_canonical([limb, 0, 0, 0])))
}

/// 2^-260 in the scalar field.
fn r_inverse<M: crate::curve::Modulus>() -> Residue<M> {
    residue::<M>([0, 0, 0, 0, 1 << 51]).double().invert()
}

/// Values at which carries and borrows run: 0, 1, limbs of all ones, the primes and their neighbours and multiples
/// up to `top`·p, all as digits below 2^52.
fn edges(m: [u64; 4], top: u128) -> Vec<[u64; 5]> {
    let mut values = vec![[0; 5], [1, 0, 0, 0, 0]];
    for i in 0..5 {
        let (mut one, mut ones) = ([0; 5], [0; 5]);
        one[i] = 1;
        ones[i] = if i == 4 { MASK >> 4 } else { MASK };
        values.extend([one, ones]);
    }
    for ones in 0..32u64 {
        let top = |i: u32| if i == 4 { MASK >> 4 } else { MASK };
        values.push(core::array::from_fn(|i| (ones >> i & 1) * top(i as u32)));
    }
    let m = limbs(m);
    for factor in 1..=top {
        for offset in -2i128..=2 {
            let mut carry = offset;
            let mut value = [0; 5];
            for i in 0..5 {
                let sum = carry + (u128::from(m[i]) * factor) as i128;
                value[i] = (sum & i128::from(MASK)) as u64;
                carry = sum >> 52;
            }
            if carry == 0 {
                values.push(value);
            }
        }
    }
    values
}

fn field<C: Curve + Prime>() {
    let Some(token) = token() else { return };
    let inverse_p = r_inverse::<C::P>();
    let inverse_n = r_inverse::<C::N>();
    let mut walk = Walk(1);
    let mut values = edges(<C as Prime>::P_WORDS, 4);
    values.extend(edges(<C as Prime>::N_WORDS, 4));
    values.extend((0..100).map(|_| limbs(walk.words())));
    // Every pair of edge values comes together, and each in every lane.
    for shift in 0..values.len() {
        for start in (0..values.len()).step_by(8) {
            let a = core::array::from_fn(|lane| values[(start + lane) % values.len()]);
            let b = core::array::from_fn(|lane| values[(start + shift + lane) % values.len()]);
            for routine in [
                Routine::Mul,
                Routine::MulPair,
                Routine::Square,
                Routine::SquarePair,
                Routine::OrderMul,
                Routine::Subtract,
            ] {
                let found = probe::run::<C>(token, routine, &a, &b);
                for lane in 0..8 {
                    let (x, y) = (residue::<C::P>(a[lane]), residue::<C::P>(b[lane]));
                    let expected = match routine {
                        Routine::Square | Routine::SquarePair => x.mul(x).mul(inverse_p).to_canonical(),
                        Routine::OrderMul => {
                            residue::<C::N>(a[lane]).mul(residue(b[lane])).mul(inverse_n).to_canonical()
                        }
                        Routine::Subtract => x.sub(y).to_canonical(),
                        _ => x.mul(y).mul(inverse_p).to_canonical(),
                    };
                    assert_eq!(found[lane], expected, "{routine:?} lane {lane} of {:x?} and {:x?}", a[lane], b[lane]);
                }
            }
        }
    }
    for _ in 0..300000 {
        let a: [[u64; 5]; 8] =
            core::array::from_fn(|_| core::array::from_fn(|i| walk.word() & if i == 4 { MASK >> 1 } else { MASK }));
        let b: [[u64; 5]; 8] =
            core::array::from_fn(|_| core::array::from_fn(|i| walk.word() & if i == 4 { MASK >> 3 } else { MASK }));
        let found = probe::run::<C>(token, Routine::MulPair, &a, &b);
        for lane in 0..8 {
            let (x, y) = (residue::<C::P>(a[lane]), residue::<C::P>(b[lane]));
            assert_eq!(
                found[lane],
                x.mul(y).mul(inverse_p).to_canonical(),
                "lane {lane} of {:x?} and {:x?}",
                a[lane],
                b[lane]
            );
        }
    }
    for start in (0..values.len()).step_by(8) {
        let mut a: [[u64; 5]; 8] = core::array::from_fn(|lane| values[(start + lane) % values.len()]);
        for value in &mut a {
            if residue::<C::P>(*value).is_zero_vartime() || residue::<C::N>(*value).is_zero_vartime() {
                value[0] ^= 2;
            }
        }
        let found = probe::run::<C>(token, Routine::Invert, &a, &a);
        let found_n = probe::run::<C>(token, Routine::OrderInvert, &a, &a);
        for lane in 0..8 {
            // (x·R)^-1·R² = x^-1·R: the inverse of a value times R^-2... in the Montgomery domain.
            let x = residue::<C::P>(a[lane]);
            assert_eq!(found[lane], x.mul(inverse_p).mul(inverse_p).invert().to_canonical(), "{:x?}", a[lane]);
            let x = residue::<C::N>(a[lane]);
            assert_eq!(found_n[lane], x.mul(inverse_n).mul(inverse_n).invert().to_canonical(), "{:x?}", a[lane]);
        }
    }
}

#[test]
fn field_agrees_with_the_scalar_code() {
    field::<Sm2>();
    field::<P256>();
}

fn digits<C: Curve + Prime>() {
    let Some(token) = token() else { return };
    let mut walk = Walk(2);
    for width in [2, 5, 6, 7, 8, 10, 11, 12, 13, 16] {
        for round in 0..20 {
            let k: [Scalar<C>; 8] = core::array::from_fn(|lane| match (round, lane) {
                (0, 0..4) => Scalar::<C>::from_canonical([lane as u64 + 1, 0, 0, 0]),
                (0, _) => Scalar::<C>::from_canonical([lane as u64 - 3, 0, 0, 0]).negate(),
                _ => Scalar::<C>::from_canonical(walk.words()),
            });
            let found = probe::digits::<C>(token, width, &k.map(|k| limbs(k.to_canonical())));
            for lane in 0..8 {
                let mut sum = Scalar::<C>::ZERO;
                for digits in found.iter().rev() {
                    for _ in 0..width {
                        sum = sum.double();
                    }
                    let digit = digits[lane];
                    assert!(digit & 1 == 1 && digit.unsigned_abs() < 1 << width);
                    let value = Scalar::<C>::from_canonical([digit.unsigned_abs(), 0, 0, 0]);
                    sum = sum.add(if digit < 0 { value.negate() } else { value });
                }
                assert!(sum.equals_vartime(k[lane]), "width {width}, lane {lane}");
            }
        }
    }
}

#[test]
fn digits_add_up_to_the_scalar() {
    digits::<Sm2>();
    digits::<P256>();
}

fn table<C: Curve + Prime>() {
    let Some(token) = token() else { return };
    for width in [2, 6, 8] {
        let windows = 256usize.div_ceil(width);
        let table = ifma::table::<C>(token, width, &bases::<C>(&C::G, width, windows));
        let mut base = Scalar::<C>::ONE;
        for window in 0..windows {
            for (j, entry) in probe::entries::<C>(token, &table, window).into_iter().enumerate() {
                let k = base.mul(Scalar::<C>::from_canonical([2 * j as u64 + 1, 0, 0, 0]));
                let point = C::g_table().multiply(crate::Backend::Scalar, &k).to_affine();
                let expected = [point.x.to_canonical(), point.y.to_canonical()];
                assert_eq!(entry, expected, "width {width}, window {window}, entry {j}");
            }
            for _ in 0..width {
                base = base.double();
            }
        }
    }
}

#[test]
fn tables_hold_the_odd_multiples() {
    table::<Sm2>();
    table::<P256>();
}
