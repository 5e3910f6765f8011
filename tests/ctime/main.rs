//! The program of the constant-time test: signs with secrets that valgrind's memcheck holds for undefined.
//!
//! Memcheck reports every branch and every address that depends on undefined bits, so a report is a leak of timing
//! and silence is the proof that this run had none. `ctime <case>…` runs these cases; `leak-*` cases leak on purpose.
//! What is secret and what is declassified: core/docs/constant-time.md. Outside valgrind it refuses to run.

mod memcheck;

use core::hint::black_box;
use memcheck::{declassify, secret, taint_of, under_valgrind};
use sealcore::hash::HashAlgorithm;
use sealcore::sign::{Algorithm, Signature, SigningKey, hazmat};

const D: [u8; 32] = *b"\x17constant-time test: private key";
const K: [u8; 32] = *b"\x23constant-time test: chosen nonc";
const DIGEST: [u8; 32] = [0x5a; 32];

/// Every case and what it runs.
const CASES: [(&str, fn()); 11] = [
    ("sm2-hedged", || hedged(Algorithm::Sm2)),
    ("p256-hedged", || hedged(Algorithm::P256)),
    ("sm2-deterministic", || deterministic(Algorithm::Sm2)),
    ("p256-deterministic", || deterministic(Algorithm::P256)),
    ("sm2-nonce", || nonce(Algorithm::Sm2)),
    ("p256-nonce", || nonce(Algorithm::P256)),
    ("key", || each(key)),
    ("batch", || each(batch)),
    ("hash", hash),
    ("leak-branch", leak_branch),
    ("leak-index", leak_index),
];

fn each(case: fn(Algorithm)) {
    case(Algorithm::Sm2);
    case(Algorithm::P256);
}

fn main() {
    let names: Vec<String> = std::env::args().skip(1).collect();
    if names.is_empty() {
        eprintln!("signing on {}", sealcore::backends().expect("backends").sign.name());
        CASES.iter().for_each(|(name, _)| println!("{name}"));
        return;
    }
    assert!(under_valgrind(), "run this under valgrind: outside it nothing is marked and nothing is found");
    // The table of G is public and made at first use: not while everything around it is secret.
    each(|algorithm| drop(SigningKey::from_bytes(algorithm, &[1; 32]).expect("key")));
    for name in names {
        let (_, case) = CASES.iter().find(|(known, _)| *known == name).expect("one of the cases that ctime lists");
        case();
        println!("{name}: done");
    }
}

/// A key whose d memcheck holds for undefined.
fn secret_key(algorithm: Algorithm) -> SigningKey {
    let mut d = D;
    secret(&mut d);
    let key = SigningKey::from_bytes(algorithm, &d).expect("in range");
    let mut public = key.verifying_key().to_sec1();
    assert!(taint_of(&public[1..]) > 0, "the public key comes from d, so the marks went through");
    declassify(&mut public);
    key
}

/// A signature depends on the secrets in every byte, or the marks were lost on the way; then it is public.
fn publish(key: &SigningKey, signature: Signature) {
    let mut bytes = signature.to_bytes();
    assert!(taint_of(&bytes) >= 500, "r and s come from the secrets, so the marks went through");
    declassify(&mut bytes);
    let mut public = key.verifying_key().to_sec1();
    declassify(&mut public);
    let public = sealcore::sign::VerifyingKey::from_sec1(key.algorithm(), &public).expect("point");
    public.verify_digest(&DIGEST, &Signature::from(bytes)).expect("valid");
}

fn hedged(algorithm: Algorithm) {
    let key = secret_key(algorithm);
    let mut hedge = [7; 16];
    secret(&mut hedge);
    publish(&key, hazmat::sign_digest_with_hedge(&key, &DIGEST, Some(&hedge)));
}

fn deterministic(algorithm: Algorithm) {
    let key = secret_key(algorithm);
    publish(&key, hazmat::sign_digest_with_hedge(&key, &DIGEST, None));
}

/// The nonce itself is the secret, and a digest that nobody may learn from the time either.
fn nonce(algorithm: Algorithm) {
    let key = SigningKey::from_bytes(algorithm, &D).expect("in range");
    let (mut k, mut digest) = (K, DIGEST);
    secret(&mut k);
    secret(&mut digest);
    publish(&key, hazmat::sign_digest_with_nonce(&key, &digest, &k).expect("in range"));
}

/// The public interface: message form with a random hedge, comparison, export, a batch.
fn key(algorithm: Algorithm) {
    let key = secret_key(algorithm);
    publish(&key, key.sign_digest(&DIGEST));
    assert!(key == key.clone());
    assert!(taint_of(key.to_bytes().as_ref()) > 0);
    black_box(key.sign(b"message"));
    for signature in sealcore::sign::sign_digest_many(&key, &[DIGEST; 5], 1) {
        publish(&key, signature);
    }
}

/// A batch of more signatures than there are lanes, with an end that does not fill them.
fn batch(algorithm: Algorithm) {
    let key = secret_key(algorithm);
    for signature in sealcore::sign::sign_digest_many(&key, &[DIGEST; 37], 1) {
        publish(&key, signature);
    }
}

/// Digests and HMAC of secret bytes.
fn hash() {
    let mut data = [0x31; 150];
    secret(&mut data);
    for algorithm in [HashAlgorithm::Sha256, HashAlgorithm::Sm3] {
        assert_eq!(taint_of(&algorithm.digest(&data)), 256);
        assert_eq!(taint_of(&algorithm.hmac(&data[..32], &data)), 256);
        assert_eq!(taint_of(&algorithm.hmac(&data, b"longer than a block")), 256);
        let many = algorithm.digest_many(&[&data, &data[..70], &data[..9]], 1);
        assert!(many.iter().all(|digest| taint_of(digest) == 256));
    }
}

/// A branch on one bit of the key: memcheck must report it.
fn leak_branch() {
    let mut d = D;
    secret(&mut d);
    if black_box(&d)[31] & 1 == 1 {
        println!("odd");
    } else {
        println!("even");
    }
}

/// A table indexed with the key: memcheck must report it, and the rule for `reveal` must not excuse it.
fn leak_index() {
    let mut d = D;
    secret(&mut d);
    let table: Vec<u64> = (0..256).collect();
    black_box(black_box(&table)[usize::from(black_box(&d)[0] & 0x7f)]);
}
