//! The ledger: verifying, appending, proving. `make bench ROOM=ledger`; `ENTRIES=10000000` for the size of the table.
//! `ROWS=verify` runs the rows whose names begin so. `CLOCK=processor` takes the processor time of all threads, divided
//! by the cores, instead of the time that passes: what the machine would do if nobody else used it.
//!
//! Ledgers are made once under `target/bench` and used again. The fastest full verification that is published is that of
//! Tessera's `fsck`: 643,000 entries/s (54,364,768 entries of 240 bytes in 84.5 s, transparency-dev/tessera#962); the
//! rows of verification are in its terms. Appending is held against what is asked of it, and depends on the disk.

use bench::{Bench, Row, is_wanted};
use sealcore::authority;
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
/// Set for a process of which the memory is measured.
const PEAK: &str = "SEALCORE_BENCH_PEAK";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench")
}

/// A ledger of opaque statements, or of those of authority; made once.
fn synthetic(hash: HashAlgorithm, entries: u64, statements: bool) -> (PathBuf, Synthetic) {
    let (algorithm, segment_bits) = (Algorithm::Sm2, 16);
    let shape = Synthetic { entries, keys: 16, algorithm, hash, seed: 1, length: 400, batch: 1000, segment_bits };
    let kind = if statements { "authority" } else { "ledger" };
    let path = folder().join(format!("{kind}-{}-{entries}", hash.name()));
    let whole = LedgerReader::open(&path).is_ok_and(|reader| reader.size() >= entries);
    if !whole {
        let _ = std::fs::remove_dir_all(&path);
        let generate = if statements { authority::generate } else { generate };
        generate(&path, &shape, &mut |_, _| Ok(())).expect("a synthetic ledger");
    }
    (path, shape)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Seconds so far, by the clock of the table.
fn now(start: Instant) -> f64 {
    if std::env::var("CLOCK").is_ok_and(|clock| clock == "processor") {
        bench::process_seconds() / cores() as f64
    } else {
        start.elapsed().as_secs_f64()
    }
}

/// The best of some runs, in calls a second.
fn best(mut run: impl FnMut()) -> f64 {
    run();
    let mut best = f64::INFINITY;
    let start = Instant::now();
    for _ in 0..REPEATS {
        let before = now(start);
        run();
        best = best.min(now(start) - before);
    }
    1.0 / best
}

fn row<'a>(operation: &'a str, size: &'a str, peer: &'a str, target: f64, threads: usize) -> Row<'a> {
    let backend = sealcore::backends().map_or("scalar", |backends| backends.sign.name());
    Row { operation, backend, size, unit: "/s", work: 1.0, peer, peer_work: 1.0, target: Some(target), threads }
}

/// Verifies a ledger that is whole.
fn verified(path: &Path, level: Level, threads: usize) {
    let options = VerifyOptions { level, threads, ..VerifyOptions::default() };
    let report = match level {
        Level::Authority => authority::verify(path, &options, &mut |_, _| Ok(())).expect("runs").0,
        _ => verify(path, &options, &mut |_, _| Ok(())).expect("runs"),
    };
    assert!(report.findings.is_empty(), "{:?}", report.findings.first());
    assert_eq!(report.level, level);
}

/// The most memory of a process that verifies, in MiB.
fn peak(path: &Path, level: Level) -> f64 {
    let this = std::env::current_exe().expect("a program");
    let output = std::process::Command::new(this)
        .env(PEAK, format!("{} {}", level.number(), path.display()))
        .output()
        .expect("runs itself");
    let said = String::from_utf8(output.stdout).expect("a number");
    said.trim().parse().unwrap_or_else(|_| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)))
}

/// In that process.
fn tell_peak(task: &str) {
    let (level, path) = task.split_once(' ').expect("a level and a path");
    let level = Level::from_number(level.parse().expect("a level")).expect("a level");
    verified(Path::new(path), level, 0);
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    println!("{}", kib / 1024.0);
}

fn verifying(bench: &mut Bench, entries: u64) {
    let size = entries.to_string();
    let (sha256, sm3) = (HashAlgorithm::Sha256, HashAlgorithm::Sm3);
    for (hash, level, operation, target) in [
        (sha256, Level::Structure, "verify L0 sha256", 13e6),
        (sha256, Level::Tree, "verify L1 sha256", 13e6),
        (sm3, Level::Tree, "verify L1 sm3", 14e6),
        (sm3, Level::Signatures, "verify L3 sm3, sm2, 16 keys", 1.5e6),
        (sha256, Level::Signatures, "verify L3 sha256, sm2, 16 keys", 1.5e6),
        (sha256, Level::Authority, "verify L4 sha256, sm2, 16 people", 1e6),
    ] {
        if !is_wanted(operation) {
            continue;
        }
        let (path, _) = synthetic(hash, entries, level == Level::Authority);
        let rate = entries as f64 * best(|| verified(&path, level, 0));
        bench.report(&row(operation, &size, PEER, target / TESSERA, cores()), rate, rate / TESSERA);
    }
    for (level, operation) in
        [(Level::Tree, "memory L1"), (Level::Signatures, "memory L3"), (Level::Authority, "memory L4")]
    {
        if is_wanted(operation) {
            let (path, _) = synthetic(sha256, entries, level == Level::Authority);
            let peak = peak(&path, level);
            let row = Row { unit: "MiB", ..row(operation, &size, "256 MiB, at most", 1.0, cores()) };
            bench.report(&row, peak, 256.0 / peak);
        }
    }
}

fn proving(bench: &mut Bench, entries: u64) {
    let (path, _) = synthetic(HashAlgorithm::Sha256, entries, false);
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
    let (_, shape) = synthetic(HashAlgorithm::Sha256, 1000, false);
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
    if let Ok(task) = std::env::var(PEAK) {
        return tell_peak(&task);
    }
    let entries = std::env::var("ENTRIES").map_or(1_000_000, |text| text.parse().expect("ENTRIES is a number"));
    Bench::head();
    let mut bench = Bench::new("ledger", false);
    verifying(&mut bench, entries);
    if is_wanted("inclusion") {
        proving(&mut bench, entries);
    }
    if is_wanted("append") {
        appending(&mut bench);
    }
}
