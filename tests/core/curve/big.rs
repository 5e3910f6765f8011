//! Both curves over big integers: slow, plain, written from the textbook and independent of the core.

use num_bigint::BigUint;
use sealcore::sign::{Algorithm, Signature};

/// (x, y).
pub(crate) type Point = (BigUint, BigUint);
/// (X, Y, Z) for (X/Z², Y/Z³).
type Jacobian = [BigUint; 3];

/// y² = x³ - 3x + b mod p, with G of order n.
pub(crate) struct BigCurve {
    pub(crate) algorithm: Algorithm,
    pub(crate) p: BigUint,
    pub(crate) n: BigUint,
    b: BigUint,
    g: Point,
    /// 2^i·G.
    powers: Vec<Option<Point>>,
}

pub(crate) fn from_bytes(bytes: &[u8; 32]) -> BigUint {
    BigUint::from_bytes_be(bytes)
}

pub(crate) fn to_bytes(number: &BigUint) -> [u8; 32] {
    let bytes = number.to_bytes_be();
    let mut out = [0; 32];
    out[32 - bytes.len()..].copy_from_slice(&bytes);
    out
}

fn number(hex: &str) -> BigUint {
    BigUint::parse_bytes(hex.as_bytes(), 16).expect("hexadecimal")
}

impl BigCurve {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let [p, n, b, x, y] = match algorithm {
            // SP 800-186, 3.2.1.3.
            Algorithm::P256 => [
                "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
                "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
                "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
                "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
                "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
            ],
            // GB/T 32918.5-2017, clause 4.
            Algorithm::Sm2 => [
                "fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff",
                "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123",
                "28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93",
                "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7",
                "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0",
            ],
        }
        .map(number);
        let mut curve = BigCurve { algorithm, p, n, b, g: (x, y), powers: Vec::new() };
        assert!(curve.is_on_curve(&curve.g));
        let mut power = Some(curve.g.clone());
        for _ in 0..256 {
            curve.powers.push(power.clone());
            power = curve.add(power.clone(), power);
        }
        assert_eq!(curve.multiply(&curve.n, Some(curve.g.clone())), None, "n·G is infinity");
        curve
    }

    fn right_side(&self, x: &BigUint) -> BigUint {
        (x * x * x + (&self.p - 3u32) * x + &self.b) % &self.p
    }

    fn is_on_curve(&self, (x, y): &Point) -> bool {
        y * y % &self.p == self.right_side(x)
    }

    /// A point with this x.
    pub(crate) fn lift_x(&self, x: &BigUint) -> Option<Point> {
        let square = self.right_side(&(x % &self.p));
        let y = square.modpow(&((&self.p + 1u32) >> 2u32), &self.p);
        (&y * &y % &self.p == square).then(|| (x % &self.p, y))
    }

    pub(crate) fn negate(&self, (x, y): &Point) -> Point {
        (x.clone(), (&self.p - y) % &self.p)
    }

    pub(crate) fn add(&self, a: Option<Point>, b: Option<Point>) -> Option<Point> {
        let (Some(a), Some(b)) = (a.clone(), b.clone()) else { return a.or(b) };
        let p = &self.p;
        if a.0 == b.0 && a.1 != b.1 {
            return None;
        }
        let (rise, run) =
            if a == b { (3u32 * &a.0 * &a.0 + p - 3u32, 2u32 * &a.1) } else { (p + &b.1 - &a.1, p + &b.0 - &a.0) };
        let slope = rise * run.modpow(&(p - 2u32), p) % p;
        let x = (&slope * &slope + p + p - &a.0 - &b.0) % p;
        let y = (slope * (p + &a.0 - &x) + p - &a.1) % p;
        Some((x, y))
    }

    pub(crate) fn multiply(&self, k: &BigUint, point: Option<Point>) -> Option<Point> {
        let point = point?;
        let mut sum = None;
        for bit in (0..k.bits()).rev() {
            sum = self.double_jacobian(sum);
            if k.bit(bit) {
                sum = self.add_jacobian(sum, &point);
            }
        }
        self.affine(sum)
    }

    pub(crate) fn multiply_g(&self, k: &BigUint) -> Option<Point> {
        let powers = (0..k.bits()).filter(|&bit| k.bit(bit)).map(|bit| self.powers[bit as usize].as_ref());
        self.affine(powers.fold(None, |sum, power| self.add_jacobian(sum, power.expect("2^i is not 0 mod n"))))
    }

    fn affine(&self, sum: Option<Jacobian>) -> Option<Point> {
        let p = &self.p;
        let [x, y, z] = sum?;
        let inverse = z.modpow(&(p - 2u32), p);
        let square = &inverse * &inverse % p;
        Some((x * &square % p, y * square % p * inverse % p))
    }

    fn double_jacobian(&self, sum: Option<Jacobian>) -> Option<Jacobian> {
        let p = &self.p;
        let [x, y, z] = sum?;
        let z2 = &z * &z % p;
        let slope = 3u32 * (&x * &x + (p - 1u32) * (&z2 * &z2 % p)) % p;
        let y2 = &y * &y % p;
        let between = 4u32 * &x * &y2 % p;
        let x3 = (&slope * &slope + 2u32 * (p - &between)) % p;
        let y3 = (slope * (p + between - &x3) + (p - 8u32 * &y2 * &y2 % p)) % p;
        Some([x3, y3, 2u32 * y * z % p])
    }

    fn add_jacobian(&self, sum: Option<Jacobian>, (x2, y2): &Point) -> Option<Jacobian> {
        let p = &self.p;
        let Some([x, y, z]) = sum else { return Some([x2.clone(), y2.clone(), BigUint::from(1u32)]) };
        let z2 = &z * &z % p;
        let run = (x2 * &z2 + p - &x) % p;
        let rise = (y2 * (z2 * &z % p) + p - &y) % p;
        if run == BigUint::ZERO {
            return if rise == BigUint::ZERO { self.double_jacobian(Some([x, y, z])) } else { None };
        }
        let run2 = &run * &run % p;
        let run3 = &run2 * &run % p;
        let between = x * run2 % p;
        let x3 = (&rise * &rise + (p - &run3) + 2u32 * (p - &between)) % p;
        let y3 = (rise * (p + between - &x3) + (p - y * run3 % p)) % p;
        Some([x3, y3, z * run % p])
    }

    /// k^-1 mod n.
    pub(crate) fn invert(&self, k: &BigUint) -> BigUint {
        k.modpow(&(&self.n - 2u32), &self.n)
    }

    pub(crate) fn sec1(&self, (x, y): &Point) -> [u8; 65] {
        let mut bytes = [4; 65];
        bytes[1..33].copy_from_slice(&to_bytes(x));
        bytes[33..].copy_from_slice(&to_bytes(y));
        bytes
    }

    fn signature(&self, r: &BigUint, s: &BigUint) -> Option<Signature> {
        let zero = BigUint::ZERO;
        (*r != zero && *s != zero)
            .then(|| Signature::from_bytes(&[to_bytes(r), to_bytes(s)].concat()).expect("64 bytes"))
    }

    /// FIPS 186-5, 6.4.1, and GB/T 32918.2-2016, 6.1, as they stand there.
    pub(crate) fn sign(&self, d: &BigUint, e: &BigUint, k: &BigUint) -> Option<Signature> {
        let n = &self.n;
        let (x, _) = self.multiply_g(k)?;
        match self.algorithm {
            Algorithm::P256 => {
                let r = x % n;
                let s = self.invert(k) * (e + &r * d) % n;
                self.signature(&r, &s)
            }
            Algorithm::Sm2 => {
                let r = (e + x) % n;
                if (&r + k) % n == BigUint::ZERO {
                    return None;
                }
                let s = self.invert(&(d + 1u32)) * (k + n * n - &r * d) % n;
                self.signature(&r, &s)
            }
        }
    }

    /// Digest and signature for which verification computes u1·G + u2·Q, Q = d·G, and whether that is infinity (then
    /// the signature claims x = 0 and is wrong). `None` when r or s would be 0.
    pub(crate) fn craft(&self, d: &BigUint, u1: &BigUint, u2: &BigUint) -> Option<([u8; 32], Signature, bool)> {
        match self.multiply_g(&((u1 + u2 * d) % &self.n)) {
            Some((x, _)) => self.craft_from_x(&x, u1, u2).map(|(digest, signature)| (digest, signature, false)),
            // For ECDSA r = 0 is out of range: claim any other r.
            None => {
                let x = BigUint::from(u32::from(self.algorithm == Algorithm::P256));
                self.craft_from_x(&x, u1, u2).map(|(digest, signature)| (digest, signature, true))
            }
        }
    }

    /// As `craft`, when x of the sum is known.
    pub(crate) fn craft_from_x(&self, x: &BigUint, u1: &BigUint, u2: &BigUint) -> Option<([u8; 32], Signature)> {
        let n = &self.n;
        match self.algorithm {
            // u1 = e/s, u2 = r/s.
            Algorithm::P256 => {
                let r = x % n;
                let s = &r * self.invert(u2) % n;
                let e = u1 * &s % n;
                self.signature(&r, &s).map(|signature| (to_bytes(&e), signature))
            }
            // u1 = s, u2 = t = r + s, e = r - x.
            Algorithm::Sm2 => {
                let r = (n + u2 - u1) % n;
                let e = (&r + n + n - x) % n;
                self.signature(&r, u1).map(|signature| (to_bytes(&e), signature))
            }
        }
    }
}
