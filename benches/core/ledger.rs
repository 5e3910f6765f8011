//! The ledger: verifying, appending, proving. `make bench ROOM=ledger`; `ENTRIES=10000000` for the size of the table.
//!
//! Ledgers are made once under `target/bench` and used again. The fastest full verification that is published is that of
//! Tessera's `fsck`: 643,000 entries/s (54,364,768 entries of 240 bytes in 84.5 s, transparency-dev/tessera#962); the
//! rows of verification are in its terms. Appending is held against what is asked of it, and depends on the disk.

use bench::{Bench, Row};
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::{
    EntryType, FOUNDER_KEY, Ledger, LedgerReader, Level, NewEntry, Synthetic, VerifyOptions, generate, verify,
};
use sealcore::sign::Algorithm;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Entries a second of Tessera's `fsck`.
const TESSERA: f64 = 643_000.0;
const PEER: &str = "Tessera, published";
const REPEATS: usize = 5;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench")
}

fn synthetic(hash: HashAlgorithm, entries: u64) -> (PathBuf, Synthetic) {
    let shape = Synthetic { entries, keys: 16, algorithm: Algorithm::Sm2, hash, seed: 1, length: 400, batch: 1000 };
    let path = folder().join(format!("ledger-{}-{entries}", hash.name()));
    let whole = LedgerReader::open(&path).is_ok_and(|reader| reader.size() >= entries);
    if !whole {
        let _ = std::fs::remove_dir_all(&path);
        generate(&path, &shape, &mut |_, _| Ok(())).expect("a synthetic ledger");
    }
    (path, shape)
}

/// The best of some runs by the clock on the wall, in calls a second.
fn best(mut run: impl FnMut()) -> f64 {
    run();
    let mut best = f64::INFINITY;
    for _ in 0..REPEATS {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    1.0 / best
}

fn row<'a>(operation: &'a str, size: &'a str, peer: &'a str, target: f64, threads: usize) -> Row<'a> {
    let backend = sealcore::backends().map_or("scalar", |backends| backends.sign.name());
    Row { operation, backend, size, unit: "/s", work: 1.0, peer, peer_work: 1.0, target: Some(target), threads }
}

fn verifying(bench: &mut Bench, entries: u64) {
    let size = entries.to_string();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for (hash, level, operation, target) in [
        (HashAlgorithm::Sha256, Level::Tree, "verify L1 sha256", 13e6),
        (HashAlgorithm::Sm3, Level::Tree, "verify L1 sm3", 14e6),
        (HashAlgorithm::Sm3, Level::Signatures, "verify L3 sm2, 16 keys", 1.5e6),
        (HashAlgorithm::Sha256, Level::Signatures, "verify L3 sha256, sm2, 16 keys", 1.5e6),
    ] {
        let (path, _) = synthetic(hash, entries);
        let options = VerifyOptions { level, ..VerifyOptions::default() };
        let rate = entries as f64
            * best(|| {
                let report = verify(&path, &options, &mut |_, _| Ok(())).expect("runs");
                assert!(report.findings.is_empty(), "{:?}", report.findings.first());
            });
        bench.report(&row(operation, &size, PEER, target / TESSERA, cores), rate, rate / TESSERA);
    }
}

fn proving(bench: &mut Bench, entries: u64) {
    let (path, _) = synthetic(HashAlgorithm::Sha256, entries);
    let reader = LedgerReader::open(&path).expect("reads");
    let mut index = 0;
    let rate = 1000.0
        * best(|| {
            for _ in 0..1000 {
                index = (index + 7_654_321) % entries;
                black_box(reader.inclusion_proof(index, reader.size()).expect("a proof"));
            }
        });
    let size = entries.to_string();
    bench.report(&row("inclusion proof, at random", &size, "100 us", 1.0, 1), rate, rate / 10_000.0);
}

fn appending(bench: &mut Bench) {
    let path = folder().join("ledger-appended");
    let _ = std::fs::remove_dir_all(&path);
    let (_, shape) = synthetic(HashAlgorithm::Sha256, 1000);
    generate(&path, &Synthetic { entries: 0, ..shape }, &mut |_, _| Ok(())).expect("a ledger");
    let ledger = Ledger::open(&path, &shape.key(0).expect("a key")).expect("opens");
    let key = shape.key(2).expect("a key");
    let new = |number: usize| {
        let body = [&number.to_be_bytes()[..], &[7; 232]].concat();
        NewEntry::sign(HashAlgorithm::Sha256, EntryType::Statement, FOUNDER_KEY + 1, body, &key).expect("signs")
    };
    let entries: Vec<NewEntry> = (0..1000).map(new).collect();
    let rate = 50_000.0
        * best(|| {
            for _ in 0..50 {
                black_box(ledger.append_many(entries.clone()).expect("appends"));
            }
        });
    bench.report(&row("append durably, batches of 1000", "400 B", "400,000/s", 1.0, 2), rate, rate / 400_000.0);
    let rate = 6400.0
        * best(|| {
            std::thread::scope(|scope| {
                for thread in 0..64 {
                    let (ledger, entries) = (&ledger, &entries);
                    scope.spawn(move || {
                        for round in 0..100 {
                            black_box(ledger.append(entries[(thread * 100 + round) % 1000].clone()).expect("appends"));
                        }
                    });
                }
            });
        });
    bench.report(&row("append durably, 64 threads", "400 B", "50,000/s", 1.0, 64), rate, rate / 50_000.0);
    drop(ledger);
    let _ = std::fs::remove_dir_all(&path);
}

fn main() {
    let entries = std::env::var("ENTRIES").map_or(1_000_000, |text| text.parse().expect("ENTRIES is a number"));
    Bench::head();
    let mut bench = Bench::new("ledger", false);
    verifying(&mut bench, entries);
    proving(&mut bench, entries);
    appending(&mut bench);
}
