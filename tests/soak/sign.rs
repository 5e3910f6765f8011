//! The long run over signatures, by hand: `make soak ROOM=sign`.
//!
//! `soak-sign [SIGNATURES] [SEED]` signs that many digests (ten million), half with SM2 and half with P-256, with many
//! keys, and judges each: the batch of the fastest backend against the scalar code, signature for signature; verified
//! in batches and by prepared keys; and one spoiled of every 64, which must be found. Numbers, keys and nonces come from
//! a walk that every eighth time stands at an edge of the limbs, where carries are lost. It prints its counts, and ends
//! at the first difference with the seed that makes it again.

use sealcore::Backend;
use sealcore::sign::hazmat::{prepare_on, sign_digest_many_with, sign_digest_with_nonce_on, verify_digest_many_with};
use sealcore::sign::{Algorithm, KeyRef, Keys, Signature, SigningKey, VerifyingKey};
use std::process::ExitCode;
use std::time::Instant;

/// Signatures of a round: keys of both kinds sign in turn.
const ROUND: usize = 1 << 15;
/// Keys of a round; some sign often enough for a table, the last ones once.
const KEYS: usize = 24;
/// Nonces of a round that are chosen at the edges, one by one.
const NONCES: usize = 256;
/// One of so many signatures is spoiled.
const SPOILED: usize = 64;

/// A walk through 64-bit words, the same for a seed.
struct Walk(u64);

impl Walk {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below 2^256, big-endian; every eighth time made of limbs at their edges, of 64 or of 52 bits.
    fn number(&mut self) -> [u8; 32] {
        let kind = self.word() % 16;
        let mut bytes = [0; 32];
        for chunk in bytes.as_chunks_mut::<8>().0 {
            let edges = [0, 1, 2, !0, !0 - 1, 1 << 63, (1 << 63) - 1, 1 << 32, (1 << 32) - 1, !0 << 32];
            let word = if kind == 0 { edges[self.word() as usize % edges.len()] } else { self.word() };
            *chunk = word.to_be_bytes();
        }
        if kind == 1 {
            // Runs of ones and zeros that begin and end at any bit, so at those of 52-bit limbs too.
            let (from, to) = (self.word() as usize % 256, self.word() as usize % 257);
            let fill = self.word() & 1;
            for bit in from.min(to)..from.max(to) {
                let mask = 1 << (bit % 8);
                bytes[31 - bit / 8] = if fill == 1 { bytes[31 - bit / 8] | mask } else { bytes[31 - bit / 8] & !mask };
            }
        }
        bytes
    }

    fn key(&mut self, algorithm: Algorithm) -> SigningKey {
        loop {
            if let Ok(key) = SigningKey::from_bytes(algorithm, &self.number()) {
                return key;
            }
        }
    }
}

/// What was done so far.
#[derive(Default)]
struct Counts {
    signed: u64,
    nonces: u64,
    verified: u64,
    spoiled: u64,
}

/// One round; the first difference, in words.
fn round(algorithm: Algorithm, fastest: Backend, seed: u64, counts: &mut Counts) -> Result<(), String> {
    let mut walk = Walk(seed);
    let keys: Vec<SigningKey> = (0..KEYS).map(|_| walk.key(algorithm)).collect();
    let digests: Vec<[u8; 32]> = (0..ROUND).map(|_| walk.number()).collect();
    // Key i signs the i-th part: half of what is left each time, so that every way of verifying has its share.
    let (mut start, mut left) = (0, ROUND);
    let (mut owners, mut signatures) = (Vec::new(), Vec::new());
    for (number, key) in keys.iter().enumerate() {
        let share = if number + 1 == KEYS { left } else { left.div_ceil(2).min(left) };
        let part = &digests[start..start + share];
        let made = sign_digest_many_with(fastest, key, part, None, 0);
        let scalar = sign_digest_many_with(Backend::Scalar, key, part, None, 0);
        if let Some(at) = (0..share).find(|at| made[*at] != scalar[*at]) {
            return Err(format!("signature {} of key {number} differs from the scalar code", start + at));
        }
        if let Some(at) = (0..share.min(16)).find(|at| made[*at] != sign_one(fastest, key, &part[*at])) {
            return Err(format!("signature {} of key {number} differs from one made alone", start + at));
        }
        signatures.extend(made);
        owners.extend(std::iter::repeat_n(number, share));
        (start, left) = (start + share, left - share);
    }
    counts.signed += ROUND as u64;
    let public: Vec<VerifyingKey> = keys.iter().map(SigningKey::verifying_key).collect();
    verify(&public, &owners, &digests, &signatures, fastest, &[], counts)?;
    let mut spoiled = signatures.clone();
    let mut failing = Vec::new();
    for index in (walk.word() as usize % SPOILED..ROUND).step_by(SPOILED) {
        let mut bytes = spoiled[index].to_bytes();
        let bit = walk.word() as usize % 512;
        bytes[bit / 8] ^= 1 << (bit % 8);
        spoiled[index] = Signature::from(bytes);
        failing.push(index);
    }
    verify(&public, &owners, &digests, &spoiled, fastest, &failing, counts)?;
    counts.spoiled += failing.len() as u64;
    for number in 0..NONCES {
        let (key, digest, k) = (&keys[number % KEYS], &digests[number], walk.number());
        let made = sign_digest_with_nonce_on(fastest, key, digest, &k);
        if made != sign_digest_with_nonce_on(Backend::Scalar, key, digest, &k) {
            return Err(format!("nonce {number} differs from the scalar code"));
        }
        if let Ok(signature) = made {
            key.verifying_key().verify_digest(digest, &signature).map_err(|_| format!("nonce {number} is refused"))?;
            counts.nonces += 1;
        }
    }
    Ok(())
}

fn sign_one(backend: Backend, key: &SigningKey, digest: &[u8; 32]) -> Signature {
    sealcore::sign::hazmat::sign_digest_on(backend, key, digest, None)
}

/// Verifies all, on each backend and by keys with and without tables: `failing` must fail, and nothing else.
fn verify(
    public: &[VerifyingKey],
    owners: &[usize],
    digests: &[[u8; 32]],
    signatures: &[Signature],
    fastest: Backend,
    failing: &[usize],
    counts: &mut Counts,
) -> Result<(), String> {
    let mut backends = vec![fastest, Backend::Scalar];
    backends.dedup();
    for backend in backends {
        let prepared: Vec<_> = public.iter().map(|key| prepare_on(backend, key)).collect();
        let plain: Vec<KeyRef<'_>> = owners.iter().map(|owner| KeyRef::from(&public[*owner])).collect();
        let ready: Vec<KeyRef<'_>> = owners.iter().map(|owner| KeyRef::from(&prepared[*owner])).collect();
        for (keys, name) in [(plain, "keys"), (ready, "prepared keys")] {
            let verdicts = verify_digest_many_with(backend, Keys::Each(&keys), digests, signatures, 0)
                .map_err(|error| error.to_string())?;
            if verdicts.failed() != failing {
                return Err(format!("{} by {name}: {:?} failed, not {failing:?}", backend.name(), verdicts.failed()));
            }
            counts.verified += signatures.len() as u64;
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<u64> = std::env::args().skip(1).map(|text| text.parse().expect("a number")).collect();
    let wanted = arguments.first().copied().unwrap_or(10_000_000);
    let seed = arguments.get(1).copied().unwrap_or(1);
    let fastest = sealcore::backends().expect("the environment names backends").sign;
    let rounds = wanted.div_ceil(2 * ROUND as u64);
    println!("{wanted} signatures, {} against scalar, from seed {seed}", fastest.name());
    let start = Instant::now();
    for algorithm in [Algorithm::Sm2, Algorithm::P256] {
        let mut counts = Counts::default();
        for number in 0..rounds {
            let seed = seed.wrapping_add(number);
            if let Err(difference) = round(algorithm, fastest, seed, &mut counts) {
                println!("{}, seed {seed}: {difference}", algorithm.name());
                return ExitCode::FAILURE;
            }
            if number % 16 == 15 || number + 1 == rounds {
                println!(
                    "{}: {} signed, {} more with chosen nonces, {} verified, {} spoiled and found; {:.0} s",
                    algorithm.name(),
                    counts.signed,
                    counts.nonces,
                    counts.verified,
                    counts.spoiled,
                    start.elapsed().as_secs_f64(),
                );
            }
        }
    }
    ExitCode::SUCCESS
}
