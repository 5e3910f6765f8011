//! Signing and verifying beside OpenSSL's P-256. `make bench ROOM=sign`.
//!
//! The program runs once on the fastest backend of the machine, and starts itself again for the scalar code.

use bench::{Bench, Row};
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;
use openssl::pkey::Private;
use sealcore::Backend;
use sealcore::sign::{Algorithm, KeyRef, Keys, SigningKey, VerifyingKey, sign_digest_many, verify_digest_many};
use std::hint::black_box;
use std::process::Command;

const DIGEST: [u8; 32] = [7; 32];
const SIGN: &str = "OpenSSL P-256 sign";
const VERIFY: &str = "OpenSSL P-256 verify";

/// OpenSSL's P-256 key, a signature of the digest.
struct Peer {
    key: EcKey<Private>,
    signature: EcdsaSig,
}

impl Peer {
    fn new() -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("P-256");
        let key = EcKey::generate(&group).expect("key");
        let signature = EcdsaSig::sign(&DIGEST, &key).expect("signature");
        Peer { key, signature }
    }

    fn sign(&self) -> EcdsaSig {
        EcdsaSig::sign(&DIGEST, &self.key).expect("signature")
    }

    fn verify(&self) {
        assert!(self.signature.verify(&DIGEST, &self.key).expect("verification"));
    }
}

/// The targets of an algorithm on a backend.
struct Targets {
    known: f64,
    unknown: Option<f64>,
    sign_many: f64,
    sign: f64,
    verify: f64,
    prepared: Option<f64>,
}

fn targets(backend: Backend, algorithm: Algorithm) -> Targets {
    let sm2 = algorithm == Algorithm::Sm2;
    match backend {
        Backend::Ifma => Targets {
            known: if sm2 { 45.0 } else { 38.0 },
            unknown: Some(if sm2 { 9.0 } else { 8.0 }),
            sign_many: if sm2 { 16.0 } else { 15.0 },
            sign: 2.2,
            verify: 1.0,
            prepared: Some(4.5),
        },
        Backend::Avx512 | Backend::Avx2 => {
            Targets { known: 2.5, unknown: None, sign_many: 2.0, sign: 1.6, verify: 1.0, prepared: None }
        }
        Backend::Scalar => {
            Targets { known: 2.5, unknown: None, sign_many: 2.0, sign: 1.4, verify: 0.85, prepared: None }
        }
    }
}

/// Digest i is the SHA-256 of i.
fn digests(count: usize) -> Vec<[u8; 32]> {
    (0..count).map(|index| sealcore::hash::sha256(&index.to_be_bytes())).collect()
}

/// Keys, and signatures of which the i-th is by key i mod the number of keys.
struct Signed {
    public: Vec<VerifyingKey>,
    digests: Vec<[u8; 32]>,
    signatures: Vec<sealcore::sign::Signature>,
}

impl Signed {
    fn new(algorithm: Algorithm, items: usize, distinct: usize) -> Self {
        let keys: Vec<SigningKey> = (0..distinct).map(|_| SigningKey::generate(algorithm).expect("key")).collect();
        let digests = digests(items);
        let signatures = digests.iter().enumerate().map(|(i, digest)| keys[i % distinct].sign_digest(digest)).collect();
        Signed { public: keys.iter().map(SigningKey::verifying_key).collect(), digests, signatures }
    }

    fn refs(&self) -> Vec<KeyRef<'_>> {
        (0..self.digests.len()).map(|index| KeyRef::from(&self.public[index % self.public.len()])).collect()
    }

    fn verify(&self, refs: &[KeyRef<'_>], threads: usize) {
        let verdicts = verify_digest_many(Keys::Each(refs), &self.digests, &self.signatures, threads).expect("counts");
        assert!(verdicts.all_valid());
    }
}

/// A row of one thread beside OpenSSL.
fn row<'a>(
    operation: &'a str,
    backend: &'a str,
    size: &'a str,
    items: usize,
    peer: &'a str,
    target: Option<f64>,
) -> Row<'a> {
    Row { operation, backend, size, unit: "/s", work: items as f64, peer, peer_work: 1.0, target, threads: 1 }
}

fn main() {
    let backend = sealcore::backends().expect("backends").sign;
    let again = std::env::var_os("SEALCORE_BACKEND").is_some();
    let mut bench = Bench::new("sign", again);
    if !again {
        Bench::head();
    }
    let (peer, name) = (Peer::new(), backend.name());
    for algorithm in [Algorithm::Sm2, Algorithm::P256] {
        batches(&mut bench, &peer, backend, algorithm);
        singles(&mut bench, &peer, backend, algorithm);
    }
    if backend == Backend::Scalar {
        return;
    }
    others(&mut bench, &peer);
    drop(bench);
    let program = std::env::current_exe().expect("this program");
    let status = Command::new(program).env("SEALCORE_BACKEND", "scalar").status().expect("this program starts again");
    assert!(status.success(), "the run after {name}");
}

fn batches(bench: &mut Bench, peer: &Peer, backend: Backend, algorithm: Algorithm) {
    let (name, targets) = (backend.name(), targets(backend, algorithm));
    for (items, keys, target) in [(65_536, 16, Some(targets.known)), (4096, 4096, targets.unknown)] {
        let signed = Signed::new(algorithm, items, keys);
        let refs = signed.refs();
        let (operation, size) = (format!("verify_many {}, {keys} keys", algorithm.name()), items.to_string());
        let row = row(&operation, name, &size, items, VERIFY, target);
        bench.row(&row, || signed.verify(&refs, 1), || peer.verify());
        bench.threaded_row(
            &Row { peer: "one thread", peer_work: row.work, target: Some(1.9), threads: 2, ..row },
            || signed.verify(&refs, 2),
            || signed.verify(&refs, 1),
        );
    }
    let key = SigningKey::generate(algorithm).expect("key");
    let operation = format!("sign_many {}", algorithm.name());
    let batch = digests(4096);
    let row = row(&operation, name, "4096", batch.len(), SIGN, Some(targets.sign_many));
    bench.row(&row, || sign_digest_many(&key, &batch, 1), || peer.sign());
    let batch = digests(16_384);
    bench.threaded_row(
        &Row {
            size: "16384",
            work: 16_384.0,
            peer: "one thread",
            peer_work: 16_384.0,
            target: Some(1.9),
            threads: 2,
            ..row
        },
        || sign_digest_many(&key, &batch, 2),
        || sign_digest_many(&key, &batch, 1),
    );
}

fn singles(bench: &mut Bench, peer: &Peer, backend: Backend, algorithm: Algorithm) {
    let (name, targets) = (backend.name(), targets(backend, algorithm));
    let key = SigningKey::generate(algorithm).expect("key");
    let operation = format!("sign {}", algorithm.name());
    bench.row(
        &row(&operation, name, "1", 1, SIGN, Some(targets.sign)),
        || key.sign_digest(black_box(&DIGEST)),
        || peer.sign(),
    );
    let (public, signature) = (key.verifying_key(), key.sign_digest(&DIGEST));
    let operation = format!("verify {}", algorithm.name());
    bench.row(
        &row(&operation, name, "1", 1, VERIFY, Some(targets.verify)),
        || public.verify_digest(black_box(&DIGEST), &signature).expect("valid"),
        || peer.verify(),
    );
    let prepared = public.prepare();
    let operation = format!("verify {}, prepared", algorithm.name());
    bench.row(
        &row(&operation, name, "1", 1, VERIFY, targets.prepared),
        || prepared.verify_digest(black_box(&DIGEST), &signature).expect("valid"),
        || peer.verify(),
    );
    bench.row(&row("prepare", name, algorithm.name(), 1, VERIFY, None), || public.prepare(), || peer.verify());
}

/// Other libraries beside the same peer, for comparison.
fn others(bench: &mut Bench, peer: &Peer) {
    rustcrypto_p256(bench, peer);
    rustcrypto_sm2(bench, peer);
    ring_p256(bench, peer);
}

fn rustcrypto_p256(bench: &mut Bench, peer: &Peer) {
    use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
    let key = p256::ecdsa::SigningKey::from_slice(&[5; 32]).expect("key");
    let sign = || -> p256::ecdsa::Signature { key.sign_prehash(black_box(&DIGEST)).expect("signature") };
    bench.row(&row("sign p256", "RustCrypto p256", "1", 1, SIGN, None), sign, || peer.sign());
    let (public, signature) = (p256::ecdsa::VerifyingKey::from(&key), sign());
    bench.row(
        &row("verify p256", "RustCrypto p256", "1", 1, VERIFY, None),
        || public.verify_prehash(black_box(&DIGEST), &signature).expect("valid"),
        || peer.verify(),
    );
}

fn rustcrypto_sm2(bench: &mut Bench, peer: &Peer) {
    use sm2::dsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
    let key = sm2::dsa::SigningKey::from_slice("1234567812345678", &[5; 32]).expect("key");
    let sign = || -> sm2::dsa::Signature { key.sign_prehash(black_box(&DIGEST)).expect("signature") };
    bench.row(&row("sign sm2", "RustCrypto sm2", "1", 1, SIGN, None), sign, || peer.sign());
    let (public, signature) = (key.verifying_key(), sign());
    bench.row(
        &row("verify sm2", "RustCrypto sm2", "1", 1, VERIFY, None),
        || public.verify_prehash(black_box(&DIGEST), &signature).expect("valid"),
        || peer.verify(),
    );
}

/// ring signs messages, here of 32 bytes.
fn ring_p256(bench: &mut Bench, peer: &Peer) {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("key");
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_ref(), &random).expect("key");
    let sign = || key.sign(&random, black_box(&DIGEST)).expect("signature");
    bench.row(&row("sign p256", "ring", "1", 1, SIGN, None), sign, || peer.sign());
    let public = ring::signature::UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref());
    let signature = sign();
    bench.row(
        &row("verify p256", "ring", "1", 1, VERIFY, None),
        || public.verify(black_box(&DIGEST), signature.as_ref()).expect("valid"),
        || peer.verify(),
    );
}
