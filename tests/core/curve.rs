//! The curves through the public interface, against big integers: edge values, exceptional points, wrapped x.

#[path = "curve/big.rs"]
mod big;

use big::{BigCurve, Point, from_bytes, to_bytes};
use num_bigint::BigUint;
use sealcore::sign::{
    Algorithm, KeyRef, Keys, PreparedKey, Signature, SigningKey, VerifyingKey, hazmat, verify_digest_many,
};

const BOTH: [Algorithm; 2] = [Algorithm::Sm2, Algorithm::P256];

/// The largest private key.
fn largest(curve: &BigCurve) -> BigUint {
    &curve.n - if curve.algorithm == Algorithm::Sm2 { 2u32 } else { 1u32 }
}

/// Scalars in 1..n at which carries, windows and reductions change.
fn edges(curve: &BigCurve) -> Vec<BigUint> {
    let n = &curve.n;
    let mut all: Vec<BigUint> = (1..=70u32).map(BigUint::from).collect();
    all.extend((1..=70u32).map(|i| n - i));
    // Each bit alone, its neighbours, and the same from above: carries through every limb.
    for bit in 0..256u32 {
        let power = BigUint::from(1u32) << bit;
        all.extend([&power - 1u32, power.clone(), &power + 1u32]);
        all.push((n + n - &power) % n);
    }
    // Limbs of ones beside limbs of zeros, for limbs of 64 and of 52 bits.
    for width in [26u32, 32, 52, 64] {
        let limb = (BigUint::from(1u32) << width) - 1u32;
        for mask in 1..(1u32 << 256u32.div_ceil(width).min(8)) {
            let limbs = 0..256 / width;
            let sum =
                limbs.filter(|i| mask >> (i % 8) & 1 == 1).fold(BigUint::ZERO, |sum, i| sum | &limb << (width * i));
            all.push(sum % n);
        }
    }
    // Windows of a table where sum and summand meet: k = ±2·j·2^w, for the width of every usual window.
    for j in (1..64u32).step_by(2) {
        for shift in 246..=255u32 {
            let double = (BigUint::from(2 * j) << shift) % n;
            all.extend([n - &double, double]);
        }
    }
    all.extend([n >> 1u32, (n >> 1u32) + 1u32, n / 3u32]);
    // The order of the other curve and both primes, mod n.
    for algorithm in BOTH {
        let other = BigCurve::new(algorithm);
        all.extend([&other.n % n, &other.p % n, (&other.p - 1u32) % n]);
    }
    all.retain(|k| *k > BigUint::ZERO && k < n);
    all.sort();
    all.dedup();
    all
}

/// A public key, plain and prepared.
struct Judge {
    plain: VerifyingKey,
    prepared: PreparedKey,
}

impl Judge {
    fn new(curve: &BigCurve, point: &Point) -> Self {
        let plain = VerifyingKey::from_sec1(curve.algorithm, &curve.sec1(point)).expect("point");
        Judge { plain, prepared: plain.prepare() }
    }

    /// The verdict, the same from both and from a batch in which the signature stands between others.
    fn accepts(&self, digest: &[u8; 32], signature: &Signature) -> bool {
        let valid = self.plain.verify_digest(digest, signature).is_ok();
        assert_eq!(self.prepared.verify_digest(digest, signature).is_ok(), valid, "a prepared key judges alike");
        let wrong = Signature::from([1; 64]);
        for key in [KeyRef::from(&self.plain), KeyRef::from(&self.prepared)] {
            let signatures = [wrong, *signature, wrong];
            let verdicts = verify_digest_many(Keys::One(key), &[*digest; 3], &signatures, 1).expect("counts");
            assert_eq!(verdicts.as_slice(), [false, valid, false], "a batch judges alike");
        }
        valid
    }
}

#[test]
fn public_keys_of_edge_values() {
    for algorithm in BOTH {
        let curve = BigCurve::new(algorithm);
        let largest = largest(&curve);
        let edges = edges(&curve);
        assert!(edges.len() > 1500, "{}", edges.len());
        let mut judged = 0;
        for d in edges.iter().filter(|d| **d <= largest) {
            let key = SigningKey::from_bytes(algorithm, &to_bytes(d)).expect("in range");
            let expected = curve.sec1(&curve.multiply_g(d).expect("not infinity"));
            assert_eq!(key.verifying_key().to_sec1(), expected, "{algorithm:?} {d:x}");
            judged += 1;
        }
        assert!(edges.len() - judged <= 1, "only SM2's n - 1 is left out");
    }
}

#[test]
fn signatures_with_edge_nonces() {
    for algorithm in BOTH {
        let curve = BigCurve::new(algorithm);
        let key = SigningKey::from_bytes(algorithm, &[0x42; 32]).expect("key");
        let d = from_bytes(&[0x42; 32]);
        let edges = edges(&curve);
        for (index, k) in edges.iter().enumerate() {
            // Digests at and above n are reduced.
            let digest = match index % 4 {
                0 => [0; 32],
                1 => [0xff; 32],
                2 => to_bytes(&curve.n),
                _ => to_bytes(k),
            };
            let expected = curve.sign(&d, &from_bytes(&digest), k).expect("no edge gives r or s = 0");
            let signature = hazmat::sign_digest_with_nonce(&key, &digest, &to_bytes(k)).expect("signature");
            assert_eq!(signature, expected, "{algorithm:?} {k:x}");
            assert_eq!(key.verifying_key().verify_digest(&digest, &signature), Ok(()), "{algorithm:?} {k:x}");
        }
    }
}

/// u1·G + u2·Q for chosen u1, u2 and Q = d·G: doublings, opposite summands, infinity at every stage.
#[test]
fn exceptional_sums() {
    for algorithm in BOTH {
        let curve = BigCurve::new(algorithm);
        let n = &curve.n;
        let small: Vec<BigUint> = [1u32, 2, 3, 5, 15, 16, 17, 31, 63, 64].map(BigUint::from).to_vec();
        let keys: Vec<BigUint> = small.iter().cloned().chain(small.iter().map(|k| n - k)).chain([n >> 1u32]).collect();
        let (mut valid, mut infinity) = (0, 0);
        for d in keys.iter().filter(|d| **d <= largest(&curve)) {
            let public = curve.multiply_g(d).expect("not infinity");
            let key = Judge::new(&curve, &public);
            for u2 in [1u32, 2, 4, 7, 33].map(BigUint::from).into_iter().flat_map(|u| [n - &u, u]) {
                // The summands are equal, opposite, differ by G or 2G, or the first is absent.
                let product = &u2 * d % n;
                let offsets = [0u32, 1, 2].map(BigUint::from);
                let near = offsets.iter().flat_map(|o| [(&product + o) % n, (n + &product - o) % n]);
                let near: Vec<BigUint> = near.flat_map(|u| [(n - &u) % n, u]).chain([BigUint::ZERO]).collect();
                for u1 in near {
                    let Some((digest, signature, at_infinity)) = curve.craft(d, &u1, &u2) else { continue };
                    let accepted = key.accepts(&digest, &signature);
                    assert_eq!(accepted, !at_infinity, "{algorithm:?} d = {d:x}, u1 = {u1:x}, u2 = {u2:x}");
                    infinity += usize::from(at_infinity);
                    valid += usize::from(!at_infinity);
                }
            }
        }
        assert!(valid > 1500 && infinity > 150, "{valid} valid, {infinity} at infinity");
    }
}

/// x of R lies in n..p, so that it differs from r (or r - e): accepted. The same x without a wrap: refused.
#[test]
fn x_above_n_wraps() {
    for algorithm in BOTH {
        let curve = BigCurve::new(algorithm);
        let n = &curve.n;
        let mut judged = 0;
        for above in 0..20u32 {
            let x = n + above;
            assert!(x < curve.p);
            let Some(point) = curve.lift_x(&x) else { continue };
            for (u1, u2) in [(1u32, 1u32), (0, 1), (7, 3), (12345, 67890)] {
                let (u1, u2) = (BigUint::from(u1), BigUint::from(u2));
                // Q = u2^-1 (R - u1·G), so that nobody knows its d, and the sum is R.
                let rest = curve.add(Some(point.clone()), curve.multiply_g(&((n - &u1) % n)));
                let public = curve.multiply(&curve.invert(&u2), rest).expect("not infinity");
                let key = Judge::new(&curve, &public);
                let Some((digest, signature)) = curve.craft_from_x(&x, &u1, &u2) else { continue };
                assert!(key.accepts(&digest, &signature), "{algorithm:?} x = n + {above}");
                judged += 1;
                // r itself may not be written as x.
                if algorithm == Algorithm::P256 {
                    let mut bytes = signature.to_bytes();
                    bytes[..32].copy_from_slice(&to_bytes(&x));
                    assert!(!key.accepts(&digest, &Signature::from(bytes)), "r >= n is out of range");
                }
            }
        }
        assert!(judged >= 20, "{algorithm:?}: {judged}");
    }
}

/// The smallest r for which r + n < p fails must not wrap into a false acceptance.
#[test]
fn r_plus_n_beyond_p_is_no_second_chance() {
    for algorithm in BOTH {
        let curve = BigCurve::new(algorithm);
        let gap = &curve.p - &curve.n;
        let mut judged = 0;
        // r = x + p - n, so that r + n = x mod p for a point of this small x.
        for x in 0..40u32 {
            let x = BigUint::from(x);
            let Some(point) = curve.lift_x(&x) else { continue };
            let claimed = &gap + &x;
            let (u1, u2) = (BigUint::from(3u32), BigUint::from(5u32));
            let rest = curve.add(Some(point), curve.multiply_g(&(&curve.n - &u1)));
            let public = curve.multiply(&curve.invert(&u2), rest).expect("not infinity");
            let key = Judge::new(&curve, &public);
            let (digest, signature) = curve.craft_from_x(&claimed, &u1, &u2).expect("r and s are not 0");
            assert!(!key.accepts(&digest, &signature), "{algorithm:?} {x}");
            let honest = curve.craft_from_x(&x, &u1, &u2);
            if let Some((digest, signature)) = honest {
                assert!(key.accepts(&digest, &signature), "the same sum with its own x");
            }
            judged += 1;
        }
        assert!(judged >= 10, "{judged}");
    }
}

/// Coordinates at the ends of the field go in and out, and verification runs on them.
#[test]
fn points_at_the_ends_of_the_field() {
    for algorithm in BOTH {
        let curve = BigCurve::new(algorithm);
        let p = &curve.p;
        let mut candidates: Vec<BigUint> = (0..20u32).map(BigUint::from).collect();
        candidates.extend((1..20u32).map(|i| p - i));
        candidates.extend((0..256u32).flat_map(|bit| {
            let power = BigUint::from(1u32) << bit;
            [&power - 1u32, power.clone(), (p + p - &power) % p]
        }));
        let mut points = 0;
        for x in candidates.iter().filter(|x| *x < p) {
            let mut compressed = [2; 33];
            compressed[1..].copy_from_slice(&to_bytes(x));
            let ours = VerifyingKey::from_sec1(algorithm, &compressed);
            let Some(point) = curve.lift_x(x) else {
                assert!(ours.is_err(), "{algorithm:?} {x:x} is on no point");
                continue;
            };
            let key = ours.expect("a point");
            let even = if point.1.bit(0) { curve.negate(&point) } else { point };
            assert_eq!(key.to_sec1(), curve.sec1(&even));
            compressed[0] = 3;
            let odd = VerifyingKey::from_sec1(algorithm, &compressed).expect("the opposite point");
            assert_eq!(odd.to_sec1(), curve.sec1(&curve.negate(&even)));
            // R = u1·G + u2·Q computed with big integers: the signature for it is valid.
            let (u1, u2) = (BigUint::from(9u32), BigUint::from(11u32));
            let sum = curve.add(curve.multiply_g(&u1), curve.multiply(&u2, Some(even))).expect("not infinity");
            let (digest, signature) = curve.craft_from_x(&sum.0, &u1, &u2).expect("r and s are not 0");
            assert_eq!(key.verify_digest(&digest, &signature), Ok(()), "{algorithm:?} {x:x}");
            assert_eq!(key.prepare().verify_digest(&digest, &signature), Ok(()), "{algorithm:?} {x:x}");
            points += 1;
        }
        assert!(points > 300, "{points}");
    }
}
