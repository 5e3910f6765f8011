//! Rows of the table of benchmarks: `room/operation/backend/size  value unit  ratio  target  met`.
//!
//! A row measures its operation and its peer in turn, in short spells, and reports medians: on a machine that others
//! use too, the ratio holds where single times do not. Every row is printed, and written to
//! `target/bench/<room>.jsonl`, one object a line.

use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// Spells of a row, at least; operation and peer take turns.
const SPELLS: usize = 15;
/// Seconds of a spell, at least: short, so that the host is as loud in one as in the next.
const LEAST: f64 = 0.002;
/// Seconds of all spells of a row, at least.
const ROW: f64 = 0.5;

/// What a row says of itself.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// What is done: `verify_many sm2, 16 keys`.
    pub operation: &'a str,
    /// The backend that it runs on, or the name of somebody else's library.
    pub backend: &'a str,
    /// Items or bytes: `65536`, `1 KiB`.
    pub size: &'a str,
    /// Unit of `work`: `/s`, `MB/s`.
    pub unit: &'a str,
    /// Units that one call of the operation does.
    pub work: f64,
    /// Who it is compared with.
    pub peer: &'a str,
    /// Units that one call of the peer does.
    pub peer_work: f64,
    /// The ratio that must be reached; none for a row that only informs.
    pub target: Option<f64>,
    /// Threads of the operation.
    pub threads: usize,
}

/// The rows of a room.
pub struct Bench {
    room: &'static str,
    file: File,
}

/// Which clock a row is measured by.
#[derive(Clone, Copy)]
enum Clock {
    /// The processor time of this thread: what others do on the machine hardly counts.
    Thread,
    /// Time that passes, for what runs on several threads.
    Wall,
}

impl Clock {
    fn seconds(self) -> impl Fn() -> f64 {
        let start = Instant::now();
        move || match self {
            Clock::Wall => start.elapsed().as_secs_f64(),
            Clock::Thread => {
                let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
                // SAFETY: the pointer is to a local of the type that the call fills.
                let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
                assert_eq!(status, 0, "the thread clock");
                time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
            }
        }
    }
}

/// Whether a row is to be measured: `ROWS=sign` runs those whose names begin so.
pub fn is_wanted(operation: &str) -> bool {
    std::env::var("ROWS").map_or(true, |start| operation.starts_with(&start))
}

/// The processor time of all threads of this process so far, in seconds.
pub fn process_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a local of the type that the call fills.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    assert_eq!(status, 0, "the process clock");
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Seconds a call, over a spell.
fn spell<T>(clock: Clock, operation: &mut impl FnMut() -> T) -> f64 {
    let now = clock.seconds();
    let (start, mut calls) = (now(), 0u32);
    loop {
        black_box(operation());
        calls += 1;
        let elapsed = now() - start;
        if elapsed >= LEAST {
            return elapsed / f64::from(calls);
        }
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

impl Bench {
    /// The rows of `room`. A run on another backend than the first adds to the file (`append`).
    pub fn new(room: &'static str, append: bool) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
        std::fs::create_dir_all(&folder).expect("target/bench can be made");
        let path = folder.join(format!("{room}.jsonl"));
        let file = File::options().create(true).write(true).append(append).truncate(!append).open(path);
        Bench { room, file: file.expect("target/bench/<room>.jsonl can be written") }
    }

    /// Measures the operation and its peer in turn, on this thread.
    pub fn row<T, U>(&mut self, row: &Row<'_>, mut operation: impl FnMut() -> T, mut peer: impl FnMut() -> U) {
        if !is_wanted(row.operation) {
            return;
        }
        black_box(operation());
        black_box(peer());
        let (mut values, mut ratios, start) = (Vec::new(), Vec::new(), Instant::now());
        while values.len() < SPELLS || start.elapsed().as_secs_f64() < ROW {
            let value = row.work / spell(Clock::Thread, &mut operation);
            values.push(value);
            ratios.push(value * spell(Clock::Thread, &mut peer) / row.peer_work);
        }
        self.report(row, median(&mut values), median(&mut ratios));
    }

    /// The same for an operation on several threads: by the clock on the wall, the best spell of each.
    pub fn threaded_row<T, U>(&mut self, row: &Row<'_>, mut operation: impl FnMut() -> T, mut peer: impl FnMut() -> U) {
        if !is_wanted(row.operation) {
            return;
        }
        black_box(operation());
        black_box(peer());
        let (mut best, mut peer_best, mut spells, start) = (f64::INFINITY, f64::INFINITY, 0, Instant::now());
        while spells < SPELLS || start.elapsed().as_secs_f64() < ROW {
            spells += 1;
            best = best.min(spell(Clock::Wall, &mut operation));
            peer_best = peer_best.min(spell(Clock::Wall, &mut peer));
        }
        let value = row.work / best;
        self.report(row, value, value * peer_best / row.peer_work);
    }

    /// Prints and writes what was found for a row: the value, and the value divided by the peer's.
    pub fn report(&mut self, row: &Row<'_>, value: f64, ratio: f64) {
        let met = row.target.map(|target| ratio >= target);
        let name = format!("{}/{}/{}/{}", self.room, row.operation, row.backend, row.size);
        let target = row.target.map_or_else(String::new, |target| format!("{target:.2}x"));
        let said = match met {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "",
        };
        println!("{name:<48} {value:>11.0} {:<5} {ratio:>6.2}x  {:<20} {target:>7}  {said}", row.unit, row.peer);
        let quoted = |text: &str| format!("{text:?}");
        let optional = |text: Option<String>| text.unwrap_or_else(|| "null".to_owned());
        writeln!(
            self.file,
            "{{\"room\": {}, \"operation\": {}, \"backend\": {}, \"size\": {}, \"value\": {value:.1}, \"unit\": {}, \
             \"peer\": {}, \"ratio\": {ratio:.3}, \"target\": {}, \"met\": {}, \"threads\": {}}}",
            quoted(self.room),
            quoted(row.operation),
            quoted(row.backend),
            quoted(row.size),
            quoted(row.unit),
            quoted(row.peer),
            optional(row.target.map(|target| target.to_string())),
            optional(met.map(|met| met.to_string())),
            row.threads,
        )
        .expect("target/bench/<room>.jsonl can be written");
    }

    /// The head of the table.
    pub fn head() {
        println!(
            "{:<48} {:>17} {:>7}  {:<20} {:>7}  met",
            "room/operation/backend/size", "value", "ratio", "peer", "target"
        );
    }
}
