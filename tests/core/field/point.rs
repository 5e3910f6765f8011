//! Points: every pair that a formula could get wrong, and every way to multiply.

use crate::oracle::{
    Numbers, base, for_both, integer, modulus, multiple, negated, of_affine, of_jacobian, scalar, sum, to_affine, value,
};
use num_bigint::BigUint;
use proptest::prelude::*;
use sealcore::Backend;
use sealcore::curve::{
    Affine, Combination, Curve, FixedTable, Jacobian, P256, PublicTable, Scalar, Sm2, combine_many_vartime,
    double_multiply_vartime,
};

/// The constants satisfy the curve's equation, and n·G is infinity.
fn constants<C: Curve>() {
    let p = modulus::<C::P>();
    let (x, y) = base::<C>().expect("not infinity");
    let right = (&x * &x * &x + value(C::B) + (&p - 3u8) * &x) % &p;
    assert_eq!(&y * &y % &p, right);
    assert_eq!(multiple::<C>(&modulus::<C::N>(), &base::<C>()), None);
    assert_eq!(&p % 4u8, BigUint::from(3u8), "square roots rely on it");
}

#[test]
fn constants_are_those_of_the_curves() {
    for_both(|_| constants::<Sm2>(), |_| constants::<P256>());
}

/// G, 2G, 3G, their negatives and infinity, each with several Z: sums of all pairs, among them P + P, P - P, P + ∞.
fn sums<C: Curve>() {
    let mut points = vec![(Jacobian::<C>::INFINITY, None)];
    for k in 1..4u8 {
        let expected = multiple::<C>(&k.into(), &base::<C>());
        for expected in [expected.clone(), negated::<C>(&expected)] {
            let affine = to_affine::<C>(&expected);
            points.push((affine.into(), expected.clone()));
            // The same point with another Z: infinity in between would lose it, so take a way around.
            let around = Jacobian::from(affine).double().add_vartime(&affine.negate().into());
            points.push((around, expected));
        }
    }
    // Infinity that formulas have produced: P - P keeps some X and Y.
    let cancelled = Jacobian::from(C::G).double().add_vartime(&Jacobian::from(C::G).double().negate());
    points.push((cancelled, None));
    points.push((cancelled.double(), None));
    for (a, x) in &points {
        assert_eq!(of_jacobian(a), *x);
        assert_eq!(of_jacobian(&a.double()), sum::<C>(x, x));
        assert_eq!(of_jacobian(&a.negate()), negated::<C>(x));
        for (b, y) in &points {
            let expected = sum::<C>(x, y);
            assert_eq!(of_jacobian(&a.add_vartime(b)), expected);
            if y.is_some() {
                assert_eq!(of_jacobian(&a.add_vartime(&to_affine(y).into())), expected);
            }
        }
    }
}

#[test]
fn sums_of_all_pairs() {
    for_both(|_| sums::<Sm2>(), |_| sums::<P256>());
}

/// Scalars at the ends of the range, at window boundaries, and the one whose last addition is a doubling.
fn hard_scalars<C: Curve>() -> Vec<BigUint> {
    let n = modulus::<C::N>();
    let mut scalars: Vec<BigUint> = (1..70u8).map(BigUint::from).collect();
    scalars.extend((1..70u8).map(|i| &n - i));
    for bit in 0..256u32 {
        let power = BigUint::from(1u8) << bit;
        scalars.extend([&power - 1u8, power.clone(), &power + 1u8]);
    }
    // 42 windows sum up to 15·2^252 - n, and the last digit adds 15·2^252, which is the same point.
    let doubling = (BigUint::from(30u8) << 252) - &n;
    scalars.extend([&n - &doubling, doubling]);
    // The same of 32 windows of eight bits, whose last digit adds 255·2^248.
    let doubling = (BigUint::from(510u16) << 248) - &n;
    scalars.extend([&n - &doubling, doubling]);
    for digit in 0..8u32 {
        scalars.push((BigUint::from(2 * digit + 1) << 252) - 1u8);
        scalars.push((BigUint::from(2 * digit + 1) << 252) + 1u8);
    }
    // All windows equal.
    for window in [1u8, 31, 32, 62, 63] {
        scalars.push((0..42).fold(BigUint::ZERO, |sum, _| (sum << 6) + window));
    }
    for window in [1u8, 127, 128, 254, 255] {
        scalars.push((0..31).fold(BigUint::ZERO, |sum, _| (sum << 8) + window));
    }
    scalars.push(&n >> 1);
    scalars.push((&n >> 1) + 1u8);
    // n - (2n mod 2^(bit + 1)): the part above the bit and the part below are the same point.
    for bit in 1..255u32 {
        scalars.push(&n - (&n + &n) % (BigUint::from(1u8) << (bit + 1)));
    }
    scalars.retain(|k| *k != BigUint::ZERO && *k < n);
    scalars
}

fn multiples<C: Curve>() {
    let base = base::<C>();
    let q = multiple::<C>(&BigUint::from(0xdead_beef_u32), &base);
    let table = FixedTable::<C>::new(&to_affine(&q));
    let public = PublicTable::<C>::new(&to_affine(&q));
    for k in hard_scalars::<C>() {
        let s = scalar::<C>(&k);
        let expected = multiple::<C>(&k, &base);
        for backend in [Backend::Scalar, Backend::Avx2] {
            assert_eq!(of_jacobian(&C::g_table().multiply(backend, &s)), expected, "constant time, {backend:?}, {k:x}");
        }
        assert_eq!(of_jacobian(&C::public_table().add_multiple_vartime(Jacobian::INFINITY, &s)), expected, "{k:x}");
        let of_q = multiple::<C>(&k, &q);
        assert_eq!(of_jacobian(&table.multiply(Backend::Scalar, &s)), of_q, "table of Q, {k:x}");
        assert_eq!(of_jacobian(&public.add_multiple_vartime(Jacobian::INFINITY, &s)), of_q, "public table of Q, {k:x}");
        let product: Jacobian<C> = double_multiply_vartime(&Scalar::<C>::ZERO, &s, &to_affine(&q));
        assert_eq!(of_jacobian(&product), of_q, "k·Q, {k:x}");
    }
    let zero = C::public_table().add_multiple_vartime(C::G.into(), &Scalar::<C>::ZERO);
    assert_eq!(of_jacobian(&zero), base);
    // Many together, in batches of every kind of size.
    let scalars: Vec<Scalar<C>> = hard_scalars::<C>().iter().map(scalar::<C>).collect();
    for size in [1, 2, 7, 32, 100] {
        for chunk in scalars.chunks(size) {
            for backend in [Backend::Scalar, Backend::Avx2] {
                let products = C::g_table().multiply_many(backend, chunk);
                assert_eq!(products.len(), chunk.len());
                for (product, k) in products.iter().zip(chunk) {
                    assert!(*product == C::g_table().multiply(Backend::Scalar, k).to_affine(), "{:x}", value(*k));
                }
            }
        }
    }
    assert!(C::g_table().multiply_many(Backend::Scalar, &[]).is_empty());
    let with_zero: Vec<Scalar<C>> = core::iter::once(Scalar::<C>::ZERO).chain(scalars.iter().copied()).collect();
    // 700 are more than there are: an entry at a time is then added to every sum.
    let (with_zero, scalars) = (with_zero.repeat(2), scalars.repeat(2));
    for size in [1, 2, 7, 32, 100, 300, 700] {
        for (left, right) in with_zero.chunks(size).zip(scalars.chunks(size)) {
            let pairs = left.iter().zip(right);
            let asked: Vec<_> = pairs.map(|(&a, &b)| Combination { a, b, table: &public }).collect();
            let found = combine_many_vartime(&asked);
            assert_eq!(found.len(), asked.len());
            for (found, Combination { a, b, .. }) in found.iter().zip(&asked) {
                let expected: Jacobian<C> = double_multiply_vartime(a, b, &to_affine(&q));
                assert_eq!(of_jacobian(found), of_jacobian(&expected), "{:x}, {:x}", value(*a), value(*b));
            }
        }
    }
    assert!(combine_many_vartime::<C>(&[]).is_empty());
}

#[test]
fn multiples_by_hard_scalars_of_p256() {
    multiples::<P256>();
}

#[test]
fn multiples_by_hard_scalars_of_sm2() {
    multiples::<Sm2>();
}

/// a·G + b·Q for Q = ±G, ±2G and small a, b of both signs: infinity, doublings and cancellations everywhere.
fn combinations<C: Curve>() {
    let n = modulus::<C::N>();
    let around_zero: Vec<BigUint> = (0..5u8).map(BigUint::from).chain((1..5u8).map(|i| &n - i)).collect();
    for q in [1u8, 2, 64] {
        for q in [BigUint::from(q), &n - q] {
            let point = to_affine::<C>(&multiple::<C>(&q, &base::<C>()));
            let table = PublicTable::<C>::new(&point);
            for a in &around_zero {
                for b in &around_zero {
                    let expected = multiple::<C>(&((a + b * &q) % &n), &base::<C>());
                    let (a, b) = (scalar::<C>(a), scalar::<C>(b));
                    assert_eq!(of_jacobian(&double_multiply_vartime(&a, &b, &point)), expected);
                    let of_g = C::public_table().add_multiple_vartime(Jacobian::INFINITY, &a);
                    assert_eq!(of_jacobian(&table.add_multiple_vartime(of_g, &b)), expected);
                    if value(b) != BigUint::ZERO {
                        let asked = [Combination { a, b, table: &table }];
                        assert_eq!(of_jacobian(&combine_many_vartime(&asked)[0]), expected);
                    }
                }
            }
        }
    }
}

#[test]
fn combinations_that_cancel() {
    for_both(|_| combinations::<Sm2>(), |_| combinations::<P256>());
}

/// x mod n is compared without an inversion, and x may lie between n and p.
fn coordinates_mod_n<C: Curve>() {
    let (p, n) = (modulus::<C::P>(), modulus::<C::N>());
    let (mut above, mut below) = (0, 0);
    for offset in 0..40u32 {
        for (x, counter) in [(&n + offset, &mut above), (BigUint::from(offset), &mut below)] {
            assert!(x < p);
            let Some(point) = Affine::<C>::decompress_vartime(&bytes(&x), false) else { continue };
            *counter += 1;
            // Another Z.
            let point = Jacobian::from(point).double().add_vartime(&point.negate().into());
            assert!(point.has_x_mod_n_vartime(scalar::<C>(&(&x % &n))), "{x:x}");
            for wrong in [&x + 1u8, &x + &n - 1u8] {
                assert!(!point.has_x_mod_n_vartime(scalar::<C>(&(wrong % &n))), "{x:x}");
            }
        }
    }
    assert!(above > 5 && below > 5, "{above} and {below} points found");
    // The largest residue that may stand for two coordinates, and its neighbours.
    let room = &p - &n;
    for residue in [&room - 1u8, room.clone(), &room + 1u8] {
        let Some(point) = Affine::<C>::decompress_vartime(&bytes(&residue), true) else { continue };
        assert!(Jacobian::from(point).has_x_mod_n_vartime(scalar::<C>(&residue)));
    }
    for k in 0..4u8 {
        assert!(!Jacobian::<C>::INFINITY.has_x_mod_n_vartime(scalar::<C>(&k.into())), "infinity has no x");
    }
}

fn bytes(value: &BigUint) -> [u8; 32] {
    let digits = value.to_bytes_be();
    let mut bytes = [0; 32];
    bytes[32 - digits.len()..].copy_from_slice(&digits);
    bytes
}

#[test]
fn coordinates_at_and_above_n() {
    for_both(|_| coordinates_mod_n::<Sm2>(), |_| coordinates_mod_n::<P256>());
}

/// Compression round trips; x without a point, coordinates >= p and points beside the curve are refused.
fn parsing<C: Curve>() {
    let p = modulus::<C::P>();
    let mut numbers = Numbers(2);
    let (mut found, mut refused) = (0, 0);
    for i in 0..200u32 {
        let x = if i < 100 { BigUint::from(i) } else { integer(numbers.limbs()) % &p };
        match (Affine::<C>::decompress_vartime(&bytes(&x), false), Affine::<C>::decompress_vartime(&bytes(&x), true)) {
            (Some(even), Some(odd)) => {
                found += 1;
                assert_eq!(of_affine(&odd), negated::<C>(&of_affine(&even)));
                assert_eq!((value(even.y) % 2u8, value(odd.y) % 2u8), (0u8.into(), 1u8.into()));
                for point in [even, odd] {
                    let (x, y) = (point.x.to_bytes(), point.y.to_bytes());
                    assert_eq!(Affine::from_bytes_vartime(&x, &y), Some(point));
                    let mut beside = y;
                    beside[31] ^= 2;
                    assert_eq!(Affine::<C>::from_bytes_vartime(&x, &beside), None);
                }
            }
            (None, None) => refused += 1,
            _ => panic!("one root without the other"),
        }
    }
    assert!(found > 60 && refused > 60, "about half of all x have points: {found}, {refused}");
    // A coordinate that is right mod p but not less than p.
    for offset in 0..60u32 {
        let Some(point) = Affine::<C>::decompress_vartime(&bytes(&offset.into()), false) else { continue };
        let large = bytes(&(&p + offset));
        assert_eq!(Affine::<C>::decompress_vartime(&large, false), None);
        assert_eq!(Affine::<C>::from_bytes_vartime(&large, &point.y.to_bytes()), None);
    }
    assert_eq!(Affine::<C>::from_bytes_vartime(&[0; 32], &[0; 32]), None);
    assert_eq!(Affine::<C>::from_bytes_vartime(&[0xff; 32], &[0xff; 32]), None);
}

#[test]
fn parsing_of_points() {
    for_both(|_| parsing::<Sm2>(), |_| parsing::<P256>());
}

fn any_scalars<C: Curve>(a: [u64; 4], b: [u64; 4], c: [u64; 4]) {
    let n = modulus::<C::N>();
    let nonzero = |limbs| integer(limbs) % (&n - 1u8) + 1u8;
    let (a, b, c) = (nonzero(a), nonzero(b), nonzero(c));
    let q = C::g_table().multiply(Backend::Scalar, &scalar::<C>(&c)).to_affine();
    assert_eq!(of_affine(&q), multiple::<C>(&c, &base::<C>()));
    let expected = C::g_table().multiply(Backend::Scalar, &scalar::<C>(&((&a + &b * &c) % &n)));
    let sum = double_multiply_vartime(&scalar::<C>(&a), &scalar::<C>(&b), &q);
    assert_eq!(of_jacobian(&sum), of_jacobian(&expected));
    let table = PublicTable::<C>::new(&q);
    let of_g = C::public_table().add_multiple_vartime(Jacobian::INFINITY, &scalar::<C>(&a));
    assert_eq!(of_jacobian(&table.add_multiple_vartime(of_g, &scalar::<C>(&b))), of_jacobian(&expected));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_scalars_agree(a: [u64; 4], b: [u64; 4], c: [u64; 4]) {
        any_scalars::<Sm2>(a, b, c);
        any_scalars::<P256>(a, b, c);
    }
}
