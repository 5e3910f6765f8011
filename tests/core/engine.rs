//! The vector engine against the scalar code: the same signatures and the same verdicts, on every shape of batch and
//! at every exceptional point.

use sealcore::Backend;
use sealcore::curve::{Affine, Curve, Jacobian, P256, Scalar, Sm2};
use sealcore::sign::hazmat::{
    prepare_on, sign_digest_many_with, sign_digest_on, sign_digest_with_nonce_on, verify_digest_many_with,
};
use sealcore::sign::{Algorithm, KeyRef, Keys, PreparedKey, Signature, SigningKey, VerifyingKey};

const ALGORITHMS: [Algorithm; 2] = [Algorithm::Sm2, Algorithm::P256];
/// Below, at and beyond a vector, a pair of vectors, a batch.
const COUNTS: [usize; 14] = [0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 127, 129, 300];

/// Whether the engine runs here; where it must (`SEALCORE_REQUIRE_BACKENDS`), its absence is a failure.
fn engine() -> bool {
    let required = std::env::var("SEALCORE_REQUIRE_BACKENDS").unwrap_or_default();
    let available = Backend::Ifma.is_available();
    assert!(available || !required.split(',').any(|name| name.trim() == "ifma"), "ifma is required and missing");
    if !available {
        eprintln!("left out: this processor has no AVX-512 IFMA");
    }
    available
}

/// A walk through 64-bit words, the same in every run.
struct Walk(u64);

impl Walk {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.as_chunks_mut::<8>().0.iter_mut().for_each(|chunk| *chunk = self.word().to_be_bytes());
        bytes
    }

    fn scalar<C: Curve>(&mut self) -> Scalar<C> {
        Scalar::<C>::from_bytes(&self.bytes()).0
    }
}

fn order(algorithm: Algorithm) -> [u8; 32] {
    let hex = match algorithm {
        Algorithm::Sm2 => "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123",
        Algorithm::P256 => "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    };
    hex::decode(hex).expect("hexadecimal").try_into().expect("32 bytes")
}

/// bytes + offset, big-endian.
fn plus(mut bytes: [u8; 32], offset: i64) -> [u8; 32] {
    let mut carry = i128::from(offset);
    for byte in bytes.iter_mut().rev() {
        let sum = i128::from(*byte) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    bytes
}

/// Digests around 0, n and 2^256, then a walk.
fn digests(algorithm: Algorithm, count: usize) -> Vec<[u8; 32]> {
    let n = order(algorithm);
    let edges = [[0; 32], plus([0; 32], 1), plus(n, -1), n, plus(n, 1), [0xff; 32]];
    let mut walk = Walk(count as u64);
    (0..count).map(|index| edges.get(index).copied().unwrap_or_else(|| walk.bytes())).collect()
}

/// Added randomness.
fn hedge(walk: &mut Walk) -> [u8; 16] {
    *walk.bytes().first_chunk().expect("enough")
}

#[test]
fn the_same_signatures() {
    // Of AVX2 only the nonces are made in lanes, and entries looked up.
    let backends: Vec<Backend> = [Backend::Avx2, Backend::Ifma].into_iter().filter(|&b| support::has(b)).collect();
    for algorithm in ALGORITHMS {
        let n = order(algorithm);
        for d in [plus([0; 32], 1), plus(n, -2), Walk(3).bytes()] {
            let key = SigningKey::from_bytes(algorithm, &d).expect("key");
            for count in COUNTS {
                let digests = digests(algorithm, count);
                let mut walk = Walk(7);
                let added: Vec<[u8; 16]> = digests.iter().map(|_| hedge(&mut walk)).collect();
                for added in [None, Some(added.as_slice())] {
                    let expected = sign_digest_many_with(Backend::Scalar, &key, &digests, added, 1);
                    for (&backend, threads) in backends.iter().flat_map(|backend| [(backend, 1), (backend, 0)]) {
                        let found = sign_digest_many_with(backend, &key, &digests, added, threads);
                        assert!(found == expected, "{backend:?}, {algorithm:?}, {count} digests");
                    }
                }
            }
        }
    }
}

/// One signature at a time: the nonces of the edges, among them the one whose last addition is a doubling.
fn the_same_single_signatures<C: Scheme>() {
    let n = order(C::ALGORITHM);
    let key = SigningKey::from_bytes(C::ALGORITHM, &Walk(23).bytes()).expect("key");
    let mut nonces: Vec<[u8; 32]> = (1..40).flat_map(|small| [plus([0; 32], small), plus(n, -small)]).collect();
    let doubling = last_addition_doubles(&n);
    nonces.extend([doubling, Scalar::<C>::from_bytes(&doubling).0.negate().to_bytes()]);
    for bit in 0..255 {
        let mut power = [0; 32];
        power[31 - bit / 8] = 1 << (bit % 8);
        nonces.extend([power, plus(power, 1), plus(power, -1)]);
    }
    let mut walk = Walk(29);
    nonces.extend((0..2000).map(|_| walk.bytes()));
    for k in nonces {
        let digest = walk.bytes();
        let sign = |backend| sign_digest_with_nonce_on(backend, &key, &digest, &k);
        assert!(sign(Backend::Ifma) == sign(Backend::Scalar), "nonce {k:02x?}");
    }
    for digest in digests(C::ALGORITHM, 300) {
        for added in [None, Some(&hedge(&mut walk))] {
            let sign = |backend| sign_digest_on(backend, &key, &digest, added);
            assert!(sign(Backend::Ifma) == sign(Backend::Scalar));
        }
    }
}

/// The K in whose product the two halves of the lanes hold the same point: with n = Σ d_i·2^(16 i), all d_i odd and
/// |d_i| < 2^16, K = n - 2·Σ d_i·2^(16 i) over the even i.
fn last_addition_doubles(n: &[u8; 32]) -> [u8; 32] {
    // With h = (n >> 1) | 2^255 in 16-bit windows u, d = 2u - 65535.
    let words: Vec<i64> = n.chunks(2).rev().map(|pair| i64::from(pair[0]) << 8 | i64::from(pair[1])).collect();
    let (mut k, mut carry) = ([0; 32], 0i64);
    for i in 0..16 {
        let next = if i < 15 { words[i + 1] & 1 } else { 1 };
        let digit = 2 * (words[i] >> 1 | next << 15) - 65535;
        let value = carry + if i % 2 == 0 { -digit } else { digit };
        k[30 - 2 * i] = (value >> 8) as u8;
        k[31 - 2 * i] = value as u8;
        carry = value >> 16;
    }
    assert_eq!(carry, 0, "0 < K < 2^256");
    k
}

#[test]
fn the_same_single_signatures_sm2() {
    if engine() {
        the_same_single_signatures::<Sm2>();
    }
}

#[test]
fn the_same_single_signatures_p256() {
    if engine() {
        the_same_single_signatures::<P256>();
    }
}

/// Signatures of which about a third are wrong, each in another way.
fn spoil(algorithm: Algorithm, signatures: &mut [Signature], digests: &mut [[u8; 32]]) {
    let n = order(algorithm);
    for (index, (signature, digest)) in signatures.iter_mut().zip(digests).enumerate() {
        let mut bytes = signature.to_bytes();
        match index % 33 {
            0 => bytes[index % 64] ^= 1 << (index % 8),
            3 => bytes[..32].fill(0),
            6 => bytes[32..].fill(0),
            9 => bytes[..32].copy_from_slice(&n),
            12 => bytes[32..].copy_from_slice(&n),
            15 => bytes.fill(0xff),
            18 => digest[31] ^= 1,
            // r + s = n.
            21 => {
                let r = Scalar::<Sm2>::from_bytes(&bytes[..32].try_into().expect("32 bytes")).0;
                bytes[32..].copy_from_slice(&r.negate().to_bytes());
            }
            24 => bytes.swap(5, 40),
            27 => bytes.fill(0),
            _ => {}
        }
        *signature = Signature::from(bytes);
    }
}

fn verdicts(
    backend: Backend,
    keys: Keys<'_>,
    digests: &[[u8; 32]],
    signatures: &[Signature],
    threads: usize,
) -> Vec<bool> {
    verify_digest_many_with(backend, keys, digests, signatures, threads).expect("counts").as_slice().to_vec()
}

#[test]
fn the_same_verdicts_with_one_key() {
    if !engine() {
        return;
    }
    for algorithm in ALGORITHMS {
        let key = SigningKey::from_bytes(algorithm, &Walk(5).bytes()).expect("key");
        let public = key.verifying_key();
        let prepared = public.prepare();
        for count in COUNTS {
            let mut digests = digests(algorithm, count);
            let mut signatures = sign_digest_many_with(Backend::Scalar, &key, &digests, None, 1);
            for spoiled in [false, true] {
                if spoiled {
                    spoil(algorithm, &mut signatures, &mut digests);
                }
                let expected = verdicts(Backend::Scalar, Keys::from(&public), &digests, &signatures, 1);
                assert_eq!(expected.iter().all(|&valid| valid), !spoiled || count == 0);
                for keys in [Keys::from(&public), Keys::from(&prepared)] {
                    for threads in [1, 2] {
                        let found = verdicts(Backend::Ifma, keys, &digests, &signatures, threads);
                        assert_eq!(found, expected, "{algorithm:?}, {count} signatures");
                    }
                }
            }
        }
    }
}

/// Both curves, keys that occur once, a few times and often, plain and prepared, in one batch.
#[test]
fn the_same_verdicts_with_mixed_keys() {
    if !engine() {
        return;
    }
    let mut walk = Walk(11);
    let (mut keys, mut prepared): (Vec<SigningKey>, Vec<PreparedKey>) = (Vec::new(), Vec::new());
    for algorithm in ALGORITHMS {
        for _ in 0..40 {
            keys.push(SigningKey::from_bytes(algorithm, &walk.bytes()).expect("key"));
        }
    }
    let public: Vec<VerifyingKey> = keys.iter().map(SigningKey::verifying_key).collect();
    prepared.extend([3, 45].map(|position: usize| public[position].prepare()));
    for count in [1, 17, 100, 1000] {
        let (mut refs, mut digests, mut signatures) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..count {
            // Every fourth signature is by one of four keys.
            let position = if index % 4 == 0 { index / 4 % 4 * 20 } else { walk.word() as usize % keys.len() };
            let digest = walk.bytes();
            refs.push(match position {
                3 => KeyRef::from(&prepared[0]),
                45 => KeyRef::from(&prepared[1]),
                _ => KeyRef::from(&public[position]),
            });
            signatures.push(keys[position].sign_digest(&digest));
            digests.push(digest);
        }
        assert!(verdicts(Backend::Ifma, Keys::Each(&refs), &digests, &signatures, 1).iter().all(|&valid| valid));
        spoil(Algorithm::Sm2, &mut signatures, &mut digests);
        let expected = verdicts(Backend::Scalar, Keys::Each(&refs), &digests, &signatures, 0);
        for threads in [0, 1, 2] {
            assert_eq!(verdicts(Backend::Ifma, Keys::Each(&refs), &digests, &signatures, threads), expected);
        }
    }
}

/// A curve and the equation of its signatures.
trait Scheme: Curve {
    const ALGORITHM: Algorithm;
    /// Digest and signature whose verification computes u·G + v·Q and expects x.
    fn claim(u: &Scalar<Self>, v: &Scalar<Self>, x: &Scalar<Self>) -> ([u8; 32], Signature);
}

fn signature<C: Curve>(r: Scalar<C>, s: Scalar<C>) -> Signature {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&r.to_bytes());
    bytes[32..].copy_from_slice(&s.to_bytes());
    Signature::from(bytes)
}

impl Scheme for P256 {
    const ALGORITHM: Algorithm = Algorithm::P256;
    fn claim(u: &Scalar<Self>, v: &Scalar<Self>, x: &Scalar<Self>) -> ([u8; 32], Signature) {
        let s = x.mul(v.invert());
        (u.mul(s).to_bytes(), signature::<P256>(*x, s))
    }
}

impl Scheme for Sm2 {
    const ALGORITHM: Algorithm = Algorithm::Sm2;
    fn claim(u: &Scalar<Self>, v: &Scalar<Self>, x: &Scalar<Self>) -> ([u8; 32], Signature) {
        let r = v.sub(*u);
        (r.sub(*x).to_bytes(), signature::<Sm2>(r, *u))
    }
}

fn verifying_key<C: Scheme>(point: &Affine<C>) -> VerifyingKey {
    let mut bytes = vec![4];
    bytes.extend(point.x.to_bytes());
    bytes.extend(point.y.to_bytes());
    VerifyingKey::from_sec1(C::ALGORITHM, &bytes).expect("a point of the curve")
}

fn x_mod_n<C: Curve>(k: &Scalar<C>) -> Scalar<C> {
    Scalar::<C>::from_bytes(&C::g_table().multiply(Backend::Scalar, k).to_affine().x.to_bytes()).0
}

/// Claims in which additions meet equal, opposite and absent points, and what they must give.
fn exceptional<C: Scheme>() -> Vec<(VerifyingKey, [u8; 32], Signature, bool)> {
    let one = Scalar::<C>::ONE;
    let mut walk = Walk(17);
    let mut secrets = vec![one, one.negate(), one.double(), walk.scalar::<C>()];
    secrets.push(secrets[3].negate());
    let mut special = vec![one, one.double(), one.negate(), one.double().negate()];
    // K = n - (2n mod 2^(b + 1)) makes both halves of a sum that is cut at bit b equal.
    let n = order(C::ALGORITHM);
    for bit in 1..255 {
        let mut rest = n;
        for (index, byte) in rest.iter_mut().rev().enumerate() {
            let kept = (bit as usize).saturating_sub(8 * index).min(8);
            *byte &= (0xff_u16 >> (8 - kept)) as u8;
        }
        special.push(Scalar::<C>::from_bytes(&rest).0.double().negate());
    }
    // A last window of unknown keys that doubles: K = n - 2·digit.
    special.extend((0..16).map(|j| Scalar::<C>::from_canonical([4 * j + 2, 0, 0, 0]).negate()));
    let mut claims = Vec::new();
    for d in &secrets {
        let key = verifying_key::<C>(&C::g_table().multiply(Backend::Scalar, d).to_affine());
        let mut pairs = Vec::new();
        for &value in &special {
            pairs.extend([(value, walk.scalar::<C>()), (walk.scalar::<C>(), value), (value, value)]);
            // u·G = v·Q: the sum is a doubling.
            pairs.push((value.mul(*d), value));
        }
        for (u, v) in pairs {
            let sum = u.add(v.mul(*d));
            if sum.is_zero_vartime() || v.is_zero_vartime() || u.is_zero_vartime() {
                continue;
            }
            let x = x_mod_n::<C>(&sum);
            let (digest, signature) = C::claim(&u, &v, &x);
            let in_range = C::ALGORITHM == Algorithm::P256 || !v.sub(u).is_zero_vartime();
            claims.push((key, digest, signature, in_range));
            let (digest, signature) = C::claim(&u, &v, &x.add(one));
            claims.push((key, digest, signature, false));
        }
        for value in [walk.scalar::<C>(), one] {
            // u·G = -v·Q: infinity, which has no x.
            let (u, x) = (value.mul(*d).negate(), walk.scalar::<C>());
            for x in [x, x_mod_n::<C>(&value), x_mod_n::<C>(&u)] {
                let (digest, signature) = C::claim(&u, &value, &x);
                claims.push((key, digest, signature, false));
            }
            // u = 0, which only ECDSA can have.
            if C::ALGORITHM == Algorithm::P256 {
                for (x, valid) in [(x_mod_n::<C>(&value.mul(*d)), true), (walk.scalar::<C>(), false)] {
                    let (digest, signature) = C::claim(&Scalar::<C>::ZERO, &value, &x);
                    claims.push((key, digest, signature, valid));
                    claims.push((key, n, signature, valid));
                }
            }
        }
    }
    // x of the sum is n + a little: it is compared mod n.
    for little in 0..40 {
        let x = plus(n, little);
        let Some(r) = Affine::<C>::decompress_vartime(&x, little % 2 == 1) else { continue };
        let (u, v) = (walk.scalar::<C>(), walk.scalar::<C>());
        let inverse = v.invert();
        // Q = v^-1·(R - u·G).
        let table = sealcore::curve::FixedTable::<C>::new(&r);
        let q: Jacobian<C> = C::g_table()
            .multiply(Backend::Scalar, &u.mul(inverse).negate())
            .add_vartime(&table.multiply(Backend::Scalar, &inverse));
        let x = Scalar::<C>::from_bytes(&x).0;
        if x.is_zero_vartime() && C::ALGORITHM == Algorithm::P256 {
            continue;
        }
        let (digest, signature) = C::claim(&u, &v, &x);
        claims.push((verifying_key::<C>(&q.to_affine()), digest, signature, true));
    }
    claims
}

fn exceptional_points<C: Scheme>() {
    let claims = exceptional::<C>();
    assert!(claims.iter().filter(|claim| claim.3).count() > 500);
    let expected: Vec<bool> = claims.iter().map(|claim| claim.3).collect();
    let keys: Vec<KeyRef<'_>> = claims.iter().map(|claim| KeyRef::from(&claim.0)).collect();
    let digests: Vec<[u8; 32]> = claims.iter().map(|claim| claim.1).collect();
    let signatures: Vec<Signature> = claims.iter().map(|claim| claim.2).collect();
    assert_eq!(verdicts(Backend::Scalar, Keys::Each(&keys), &digests, &signatures, 0), expected);
    // With tables: every key occurs often.
    assert_eq!(verdicts(Backend::Ifma, Keys::Each(&keys), &digests, &signatures, 1), expected);
    // One by one, by prepared keys.
    let mut prepared: Vec<(VerifyingKey, PreparedKey)> = Vec::new();
    for ((key, digest, signature, valid), index) in claims.iter().zip(0..) {
        if !prepared.iter().any(|(known, _)| known == key) {
            prepared.push((*key, prepare_on(Backend::Ifma, key)));
        }
        let (_, table) = prepared.iter().find(|(known, _)| known == key).expect("pushed");
        assert_eq!(table.verify_digest(digest, signature).is_ok(), *valid, "claim {index}");
    }
    // Without: batches so small that no key occurs often, and every claim in every lane.
    for shift in 0..8 {
        for start in (0..claims.len()).step_by(24) {
            let range = (start + shift).min(claims.len())..(start + shift + 24).min(claims.len());
            let found = verdicts(
                Backend::Ifma,
                Keys::Each(&keys[range.clone()]),
                &digests[range.clone()],
                &signatures[range.clone()],
                1,
            );
            assert_eq!(found, expected[range]);
        }
    }
}

#[test]
fn exceptional_points_sm2() {
    if engine() {
        exceptional_points::<Sm2>();
    }
}

#[test]
fn exceptional_points_p256() {
    if engine() {
        exceptional_points::<P256>();
    }
}
