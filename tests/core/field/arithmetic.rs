//! Arithmetic mod p and n: every operation at the values where carries, borrows and reductions change.

use crate::oracle::{Numbers, integer, inverse, limbs, modulus, residue, value};
use num_bigint::BigUint;
use proptest::prelude::*;
use sealcore::curve::{Choice, Curve, Modulus, P256, Residue, Sm2};

/// Every combination of limbs that are zero, one, all ones, or on one side of a 32-bit or 63-bit boundary.
fn patterns() -> Vec<[u64; 4]> {
    const LIMBS: [u64; 7] = [0, 1, 0xffff_ffff, 1 << 32, 1 << 63, u64::MAX - 1, u64::MAX];
    let mut all = Vec::new();
    for a in LIMBS {
        for b in LIMBS {
            for c in LIMBS {
                for d in LIMBS {
                    all.push([a, b, c, d]);
                }
            }
        }
    }
    all
}

/// Values that matter for themselves: around 0 and the modulus, its half, powers of two and their neighbours.
fn edges<M: Modulus>() -> Vec<[u64; 4]> {
    let m = modulus::<M>();
    let mut all: Vec<BigUint> = (0..4u8).map(BigUint::from).collect();
    all.extend((1..4u8).map(|i| &m - i));
    all.extend((0..2u8).map(|i| &m + i));
    all.push(&m >> 1);
    all.push((&m >> 1) + 1u8);
    let top = BigUint::from(1u8) << 256;
    all.extend((1..3u8).map(|i| &top - i));
    // 2^256 - m, the one of the Montgomery domain, and its square.
    let r = &top - &m;
    all.push(&r * &r % &m);
    all.push(r);
    for bit in [31, 32, 63, 64, 95, 96, 127, 128, 160, 191, 192, 223, 224, 254, 255] {
        let power: BigUint = BigUint::from(1u8) << bit;
        all.extend([&power - 1u8, power.clone(), &power + 1u8]);
    }
    all.iter().map(limbs).collect()
}

/// The element whose limbs in the Montgomery domain are these (mod M).
fn with_inner_limbs<M: Modulus>(inner: [u64; 4]) -> (Residue<M>, BigUint) {
    let m = modulus::<M>();
    let r = (BigUint::from(1u8) << 256) % &m;
    let x = integer(inner) * inverse(&r, &m) % &m;
    (residue(&x), x)
}

fn check_one<M: Modulus>(a: Residue<M>, x: &BigUint) {
    let m = modulus::<M>();
    assert_eq!(value(a), *x, "the value itself");
    assert_eq!(value(a.square()), x * x % &m, "square of {x:x}");
    assert_eq!(value(a.double()), (x + x) % &m, "double of {x:x}");
    assert!(a.halve().double().equals_vartime(a), "half of {x:x}");
    assert!(value(a.halve()) < m, "half of {x:x}");
    assert_eq!(value(a.negate()), (&m - x) % &m, "negative of {x:x}");
    assert_eq!(a.is_zero().reveal(), *x == BigUint::ZERO);
    assert_eq!(a.is_zero_vartime(), *x == BigUint::ZERO);
    let (again, in_range) = Residue::<M>::from_bytes(&a.to_bytes());
    assert!(in_range.reveal() && again.equals_vartime(a), "bytes of {x:x}");
}

fn check_two<M: Modulus>((a, x): &(Residue<M>, BigUint), (b, y): &(Residue<M>, BigUint)) {
    let m = modulus::<M>();
    assert_eq!(value(a.add(*b)), (x + y) % &m, "{x:x} + {y:x}");
    assert_eq!(value(a.sub(*b)), (x + &m - y) % &m, "{x:x} - {y:x}");
    assert_eq!(value(a.mul(*b)), x * y % &m, "{x:x} * {y:x}");
    assert_eq!(a.equals(*b).reveal(), x == y, "{x:x} = {y:x}");
    assert_eq!(a.equals_vartime(*b), x == y, "{x:x} = {y:x}");
    assert!(Residue::select(Choice::from_bit(1), *a, *b).equals_vartime(*a));
    assert!(Residue::select(Choice::from_bit(0), *a, *b).equals_vartime(*b));
}

fn arithmetic<M: Modulus>() {
    let m = modulus::<M>();
    let outer = edges::<M>().into_iter().map(|limbs| {
        let x = integer(limbs) % &m;
        (Residue::<M>::from_canonical(limbs), x)
    });
    let edges: Vec<_> = outer.chain(edges::<M>().into_iter().map(with_inner_limbs)).collect();
    for edge in &edges {
        check_one(edge.0, &edge.1);
        for other in &edges {
            check_two(edge, other);
        }
    }
    let few: Vec<_> = edges.iter().step_by(5).collect();
    for (i, inner) in patterns().into_iter().enumerate() {
        let element = with_inner_limbs::<M>(inner);
        check_one(element.0, &element.1);
        check_two(&element, few[i % few.len()]);
        check_two(&edges[i % edges.len()], &element);
    }
}

#[test]
fn arithmetic_mod_p_of_p256() {
    arithmetic::<<P256 as Curve>::P>();
}

#[test]
fn arithmetic_mod_n_of_p256() {
    arithmetic::<<P256 as Curve>::N>();
}

#[test]
fn arithmetic_mod_p_of_sm2() {
    arithmetic::<<Sm2 as Curve>::P>();
}

#[test]
fn arithmetic_mod_n_of_sm2() {
    arithmetic::<<Sm2 as Curve>::N>();
}

/// Inversion takes ten times 59 steps whatever the value: small values, values near the modulus, powers of two (the
/// longest runs of even numbers), and values that agree with the modulus in their top bits. Alone, with another modulus
/// beside it, and many together.
fn inversion<M: Modulus, L: Modulus>() {
    let m = modulus::<M>();
    let mut values: Vec<[u64; 4]> = edges::<M>();
    values.extend(patterns());
    values.extend((0..256).map(|bit| limbs(&(BigUint::from(1u8) << bit))));
    for shift in 1..200u32 {
        values.push(limbs(&(&m - (BigUint::from(3u8) << shift))));
        values.push(limbs(&((&m >> 1) + (BigUint::from(5u8) << shift))));
    }
    let mut numbers = Numbers(1);
    values.extend((0..20_000).map(|_| numbers.limbs()));
    values.extend((0..2_000).map(|i| limbs(&(integer(numbers.limbs()) >> (i % 256)))));
    let other = Residue::<L>::from_canonical([5, 6, 7, 8]);
    let all: Vec<Residue<M>> = values.iter().map(|inner| Residue::<M>::from_canonical(*inner)).collect();
    let all: Vec<Residue<M>> = all.into_iter().filter(|a| !a.is_zero_vartime()).collect();
    for chunk in all.chunks(777) {
        for (a, inverse) in chunk.iter().zip(Residue::invert_many(chunk)) {
            assert!(inverse.mul(*a).equals_vartime(Residue::ONE), "among many, inverse of {:x}", value(*a));
        }
    }
    assert!(Residue::<M>::invert_many(&[]).is_empty());
    for inner in values {
        let a = Residue::<M>::from_canonical(inner);
        let inverse = a.invert();
        let (beside, of_other) = a.invert_with(other);
        assert!(beside.equals_vartime(inverse) && of_other.equals_vartime(other.invert()));
        let one = if a.is_zero_vartime() { Residue::ZERO } else { Residue::ONE };
        assert!(inverse.mul(a).equals_vartime(one), "inverse of {:x}", value(a));
        // Canonical, as every other operation leaves it.
        assert!(value(inverse) < m);
        assert!(inverse.invert().equals_vartime(a));
    }
}

#[test]
fn inversion_mod_p_of_p256() {
    inversion::<<P256 as Curve>::P, <P256 as Curve>::N>();
}

#[test]
fn inversion_mod_n_of_p256() {
    inversion::<<P256 as Curve>::N, <P256 as Curve>::P>();
}

#[test]
fn inversion_mod_p_of_sm2() {
    inversion::<<Sm2 as Curve>::P, <Sm2 as Curve>::N>();
}

#[test]
fn inversion_mod_n_of_sm2() {
    inversion::<<Sm2 as Curve>::N, <Sm2 as Curve>::P>();
}

/// Bytes at and above the modulus are reported as out of range, and reduced.
fn ranges<M: Modulus>() {
    let m = modulus::<M>();
    for (offset, expected) in [(-2i32, true), (-1, true), (0, false), (1, false)] {
        let x = if offset < 0 { &m - offset.unsigned_abs() } else { &m + offset.unsigned_abs() };
        let mut bytes = [0; 32];
        bytes.copy_from_slice(&x.to_bytes_be());
        let (element, in_range) = Residue::<M>::from_bytes(&bytes);
        assert_eq!(in_range.reveal(), expected, "{x:x}");
        assert_eq!(value(element), x % &m);
    }
    let (element, in_range) = Residue::<M>::from_bytes(&[0xff; 32]);
    assert!(!in_range.reveal());
    assert_eq!(value(element), ((BigUint::from(1u8) << 256) - 1u8) % &m);
    let (element, in_range) = Residue::<M>::from_bytes(&[0; 32]);
    assert!(in_range.reveal() && element.is_zero_vartime());
}

#[test]
fn ranges_of_all_four() {
    ranges::<<P256 as Curve>::P>();
    ranges::<<P256 as Curve>::N>();
    ranges::<<Sm2 as Curve>::P>();
    ranges::<<Sm2 as Curve>::N>();
}

#[test]
fn choices() {
    for (word, zero) in [(0, true), (1, false), (1 << 63, false), (u64::MAX, false), (1 << 32, false)] {
        assert_eq!(Choice::is_zero(word).reveal(), zero, "{word:x}");
        assert_eq!(Choice::is_zero(word).not().reveal(), !zero);
    }
    let (yes, no) = (Choice::from_bit(1), Choice::from_bit(0));
    assert_eq!((yes.mask(), no.mask()), (u64::MAX, 0));
    assert_eq!((yes.select(3, 4), no.select(3, 4)), (3, 4));
    assert!(yes.and(yes).reveal() && !yes.and(no).reveal() && !no.and(no).reveal());
}

fn laws<M: Modulus>(a: [u64; 4], b: [u64; 4], c: [u64; 4], exponent: [u64; 4]) {
    let [a, b, c] = [a, b, c].map(Residue::<M>::from_canonical);
    let (x, y) = (value(a), value(b));
    check_one(a, &x);
    check_two(&(a, x.clone()), &(b, y));
    assert!(a.add(b).mul(c).equals_vartime(a.mul(c).add(b.mul(c))), "distributive");
    assert!(a.sub(b).add(b).equals_vartime(a));
    assert_eq!(value(a.power(&exponent)), x.modpow(&integer(exponent), &modulus::<M>()));
    assert_eq!(value(a.invert()), inverse(&x, &modulus::<M>()));
}

proptest! {
    #[test]
    fn laws_hold(a: [u64; 4], b: [u64; 4], c: [u64; 4], exponent: [u64; 4]) {
        laws::<<P256 as Curve>::P>(a, b, c, exponent);
        laws::<<P256 as Curve>::N>(a, b, c, exponent);
        laws::<<Sm2 as Curve>::P>(a, b, c, exponent);
        laws::<<Sm2 as Curve>::N>(a, b, c, exponent);
    }
}
