//! The Rust side of the rows of the Python border: `benches/border` starts it and asks for spells in turn with
//! its own, so that both are measured in one run.
//!
//! Reads lines `verify_many sm2` or `sign p256`, answers each with the seconds of processor time that one call took.

use sealcore::sign::{Algorithm, KeyRef, Keys, SigningKey, VerifyingKey, sign_digest_many, verify_digest_many};
use std::hint::black_box;
use std::io::{BufRead, Write};

const DIGEST: [u8; 32] = [7; 32];
const KEYS: usize = 16;
const ITEMS: usize = 65_536;

/// Seconds of processor time of this thread that one of `calls` calls takes.
fn seconds(calls: u32, mut operation: impl FnMut()) -> f64 {
    let now = || {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the pointer is to a local of the type that the call fills.
        assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) }, 0, "the thread clock");
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    };
    let start = now();
    (0..calls).for_each(|_| operation());
    (now() - start) / f64::from(calls)
}

/// What `benches/border` verifies: digest i is that of i, signed by key i mod 16.
struct Batch {
    public: Vec<VerifyingKey>,
    digests: Vec<[u8; 32]>,
    signatures: Vec<sealcore::sign::Signature>,
}

impl Batch {
    fn new(algorithm: Algorithm) -> Self {
        let keys: Vec<SigningKey> = (0..KEYS).map(|_| SigningKey::generate(algorithm).expect("key")).collect();
        let digests: Vec<_> = (0..ITEMS).map(|index| sealcore::hash::sha256(&index.to_be_bytes())).collect();
        let mut signatures = vec![sealcore::sign::Signature::from([0; 64]); ITEMS];
        for (number, key) in keys.iter().enumerate() {
            let own: Vec<[u8; 32]> = digests.iter().skip(number).step_by(KEYS).copied().collect();
            let made = sign_digest_many(key, &own, 0);
            signatures.iter_mut().skip(number).step_by(KEYS).zip(made).for_each(|(place, one)| *place = one);
        }
        Batch { public: keys.iter().map(SigningKey::verifying_key).collect(), digests, signatures }
    }

    fn verify(&self) {
        let refs: Vec<_> = (0..ITEMS).map(|index| KeyRef::from(&self.public[index % KEYS])).collect();
        let verdicts = verify_digest_many(Keys::Each(&refs), &self.digests, &self.signatures, 1).expect("counts");
        assert!(verdicts.all_valid());
    }
}

fn main() {
    let names = ["sm2", "p256"];
    let algorithms = [Algorithm::Sm2, Algorithm::P256];
    let keys = algorithms.map(|algorithm| SigningKey::generate(algorithm).expect("key"));
    let mut batches: [Option<Batch>; 2] = [None, None];
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let (operation, name) = line.split_once(' ').expect("operation and algorithm");
        let at = names.iter().position(|known| *known == name).expect("sm2 or p256");
        let found = match operation {
            "sign" => seconds(2000, || _ = black_box(keys[at].sign_digest(black_box(&DIGEST)))),
            "verify_many" => {
                let batch = batches[at].get_or_insert_with(|| Batch::new(algorithms[at]));
                seconds(1, || batch.verify())
            }
            _ => panic!("unknown operation {operation}"),
        };
        println!("{found:e}");
        std::io::stdout().flush().expect("standard output");
    }
}
