//! Crashes: files cut at every byte, kill -9, a full disk, every system call of the writer failing once.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sealcore::Error;
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::{Ledger, LedgerReader, Recovery};

use crate::verify::check;
use crate::world::{HASHES, Scratch, WAL, World, copy, records};

pub(crate) const FILES: [&str; 4] = [WAL, "state", "checkpoints.log", "checkpoint"];

fn read(path: &Path, file: &str) -> Vec<u8> {
    fs::read(path.join(file)).expect("read")
}

/// Opens, and on success sees that the ledger is whole, can be verified and goes on.
fn open_and_go_on(world: &World, path: &Path, size: u64) -> Recovery {
    let ledger = world.open(path).expect("opens");
    assert_eq!(ledger.size(), Ok(size));
    let recovery = ledger.recovery();
    assert_eq!(ledger.append(world.statement("and on")).expect("appends").index, size);
    drop(ledger);
    let report = check(path);
    assert_eq!((report.findings.len(), report.size, report.unacknowledged_bytes), (0, size + 1, 0));
    recovery
}

/// Two states of a ledger, one commit apart.
pub(crate) struct States {
    scratch: Scratch,
    pub(crate) world: World,
    pub(crate) before: [Vec<u8>; 4],
    pub(crate) after: [Vec<u8>; 4],
    size: u64,
}

impl States {
    pub(crate) fn new(hash: HashAlgorithm) -> Self {
        let scratch = Scratch::new();
        let world = World::new(hash);
        let path = scratch.join("ledger");
        let ledger = world.create(&path);
        ledger.append(world.statement("acknowledged")).expect("appends");
        let before = FILES.map(|file| read(&path, file));
        ledger.append_many(vec![world.statement("in flight"), world.statement("too")]).expect("appends");
        let after = FILES.map(|file| read(&path, file));
        States { scratch, world, before, after, size: 2 }
    }

    /// A ledger of these four files.
    pub(crate) fn lay(&self, files: [&[u8]; 4]) -> std::path::PathBuf {
        let path = self.scratch.join("laid");
        copy(&self.scratch.join("ledger"), &path);
        for (file, bytes) in FILES.iter().zip(files) {
            fs::write(path.join(file), bytes).expect("write");
        }
        path
    }

    fn refused(&self, path: &Path, offset: usize, what: &str) {
        match self.world.open(path) {
            Err(Error::LedgerCorrupt { offset: found, .. }) => assert_eq!(found, offset as u64, "{what}"),
            other => panic!("{what}: {other:?}"),
        }
    }
}

/// What a crash can leave: each file cut at each byte, in the order in which the writer writes them.
#[test]
fn every_cut_is_recovered_or_refused() {
    for hash in HASHES {
        let states = States::new(hash);
        let [wal, state, log, checkpoint] = states.before.each_ref().map(Vec::as_slice);
        let [new_wal, new_state, new_log, new_checkpoint] = states.after.each_ref().map(Vec::as_slice);
        let world = &states.world;
        // The record is on its way: nothing of it counts.
        for cut in wal.len()..new_wal.len() {
            let path = states.lay([&new_wal[..cut], state, log, checkpoint]);
            let recovery = open_and_go_on(world, &path, states.size);
            assert_eq!(recovery, Recovery { entries_cut: (cut - wal.len()) as u64, ..Recovery::default() });
        }
        // It is whole, and perhaps nobody was told so: it stays. The watermark is on its way, torn at each byte.
        let completed = Recovery { checkpoint_completed: true, ..Recovery::default() };
        for cut in 0..=64 {
            let slot = if new_state[..64] == state[..64] { 64 } else { 0 };
            let mut torn = state.to_vec();
            torn[slot..slot + cut].copy_from_slice(&new_state[slot..slot + cut]);
            let path = states.lay([new_wal, &torn, log, checkpoint]);
            assert_eq!(open_and_go_on(world, &path, 4), completed, "{cut}");
            assert_eq!(read(&path, "checkpoints.log")[..new_log.len()], *new_log);
        }
        // The two files that follow from the record, at whatever point, also after a power failure: zeros, or nothing.
        for cut in 0..new_log.len() {
            let path = states.lay([new_wal, new_state, &new_log[..cut], checkpoint]);
            assert_eq!(open_and_go_on(world, &path, 4), completed, "{cut}");
            let zeros = [&new_log[..cut], &[0; 700]].concat();
            let path = states.lay([new_wal, new_state, &zeros, b""]);
            assert!(open_and_go_on(world, &path, 4).log_cut >= 690, "{cut}");
            assert_eq!(read(&path, "checkpoints.log")[..new_log.len()], *new_log);
        }
        let path = states.lay([new_wal, new_state, new_log, checkpoint]);
        assert_eq!(open_and_go_on(world, &path, 4), completed);
        let path = states.lay([new_wal, new_state, new_log, new_checkpoint]);
        assert_eq!(open_and_go_on(world, &path, 4), Recovery::default());
        // Space that the file system gave and did not fill.
        let path = states.lay([&[wal, &[0; 5000]].concat(), state, log, checkpoint]);
        assert_eq!(open_and_go_on(world, &path, 2).entries_cut, 5000);
        // Anything shorter than what is durable or released is refused, with the place, and not touched.
        let starts: Vec<usize> = records(new_wal).iter().map(|record| record.start).collect();
        for cut in 0..new_wal.len() {
            let place = starts.iter().copied().filter(|start| *start <= cut).max().unwrap_or(cut);
            for files in [[new_state, checkpoint], [state, new_checkpoint], [new_state, new_checkpoint]] {
                let path = states.lay([&new_wal[..cut], files[0], log, files[1]]);
                states.refused(&path, place, "the log of entries");
                assert_eq!(read(&path, WAL), new_wal[..cut]);
            }
        }
        for cut in 1..new_checkpoint.len() {
            let path = states.lay([new_wal, new_state, new_log, &new_checkpoint[..cut]]);
            assert!(matches!(world.open(&path), Err(Error::LedgerCorrupt { .. })), "checkpoint {cut}");
        }
        for cut in 0..128 {
            let path = states.lay([new_wal, &new_state[..cut], new_log, new_checkpoint]);
            assert!(matches!(world.open(&path), Err(Error::LedgerCorrupt { .. })), "state {cut}");
        }
        // Notes that the log of entries does not have are no crash.
        let again = [new_log, &new_log[log.len()..]].concat();
        for more in [[new_log, &b"\x00\x01xyz"[..]].concat(), [new_log, &[7; 300_000][..]].concat(), again] {
            let path = states.lay([new_wal, new_state, &more, new_checkpoint]);
            assert!(matches!(world.open(&path), Err(Error::LedgerCorrupt { .. })));
            assert_eq!(read(&path, "checkpoints.log"), more);
        }
    }
}

/// Every byte flipped that the writer relies on: it refuses, or what it opens is whole.
#[test]
fn the_writer_never_goes_on_over_damage() {
    let states = States::new(HashAlgorithm::Sha256);
    let good = states.after.each_ref().map(Vec::as_slice);
    for (place, file) in FILES.iter().enumerate() {
        for at in 0..good[place].len() {
            let mut flipped = good[place].to_vec();
            flipped[at] ^= 1 << (at % 8);
            let mut files = good;
            files[place] = &flipped;
            let path = states.lay(files);
            // One of the two watermarks may be lost: a torn write does no more.
            let opened = states.world.open(&path);
            assert_eq!(opened.is_ok(), *file == "state", "{file} byte {at}");
            match opened {
                Ok(ledger) => assert_eq!(ledger.size(), Ok(4)),
                Err(_) => assert_eq!(read(&path, file), flipped),
            }
        }
    }
    let genesis = read(&states.scratch.join("ledger"), "genesis");
    for at in 0..genesis.len() {
        let mut flipped = genesis.clone();
        flipped[at] ^= 1 << (at % 8);
        let path = states.lay(good);
        fs::write(path.join("genesis"), flipped).expect("write");
        assert!(states.world.open(&path).is_err(), "genesis byte {at}");
    }
}

// What the children do. They are this test binary, started again with a directory to work in.

const DIRECTORY: &str = "SEALCORE_TEST_CRASH_DIRECTORY";
const ROUNDS: &str = "SEALCORE_TEST_CRASH_ROUNDS";

/// A number that `make soak` sets, or that of the short run.
pub(crate) fn soak(name: &str, short: u64) -> u64 {
    std::env::var(name).map_or(short, |text| text.parse().expect("a number"))
}

/// Not a test by itself: appends in the directory that the parent names, and prints what was acknowledged.
#[test]
fn child() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let rounds: u64 = std::env::var(ROUNDS).map_or(u64::MAX, |text| text.parse().expect("a number"));
    let path = Path::new(&directory).join("ledger");
    let world = World::new(HashAlgorithm::Sha256);
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush()).expect("stdout");
    };
    // Small segments: a seal is under way often.
    let genesis = world.genesis().with_segment_bits(8).expect("bits");
    let opened = if path.exists() { world.open(&path) } else { Ledger::create(&path, &genesis, &world.ledger_key) };
    let ledger = match opened {
        Ok(ledger) => ledger,
        Err(error) => return say(format!("error {error:?}")),
    };
    say("open".into());
    let bodies: Vec<_> = (0..7usize).map(|i| world.statement(&"x".repeat(1 + i * 700))).collect();
    std::thread::scope(|scope| {
        for thread in 0..2u64 {
            let (ledger, bodies) = (&ledger, &bodies);
            scope.spawn(move || {
                for round in thread..rounds {
                    match ledger.append_many(bodies[..1 + round as usize % 7].to_vec()) {
                        Ok(receipts) => {
                            let acks = receipts.iter().map(|r| format!("ack {} {}", r.index, hex::encode(r.leaf_hash)));
                            say(acks.collect::<Vec<_>>().join("\n"));
                        }
                        Err(error) => {
                            // The writer is at its end and says so every time.
                            assert_eq!(ledger.append(bodies[0].clone()), Err(error));
                            assert_eq!(ledger.size(), Err(error));
                            return say(format!("error {error:?}"));
                        }
                    }
                }
            });
        }
    });
}

/// The child as a command, run by `wrapper` when that is not empty.
pub(crate) fn child_command(wrapper: &[&str], directory: &Path, rounds: Option<u64>) -> Command {
    let exe = std::env::current_exe().expect("this binary");
    let mut command = match wrapper {
        [] => Command::new(exe),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(exe);
            command
        }
    };
    command.args(["--exact", "crash::child", "--nocapture", "--quiet", "--test-threads=1"]);
    command.env(DIRECTORY, directory).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(rounds) = rounds {
        command.env(ROUNDS, rounds.to_string());
    }
    command
}

#[derive(Default)]
pub(crate) struct Said {
    pub(crate) acks: Vec<(u64, String)>,
    pub(crate) errors: Vec<String>,
}

impl Said {
    /// Whole lines only: a line that was cut by the kill acknowledges nothing.
    fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.trim_end().split(' ').collect();
        match words.as_slice() {
            ["ack", index, leaf] if leaf.len() == 64 => {
                self.acks.push((index.parse().expect("index"), (*leaf).to_owned()))
            }
            ["error", ..] => self.errors.push(line.to_owned()),
            _ => {}
        }
    }

    pub(crate) fn of(child: Child) -> (Self, std::process::ExitStatus) {
        let output = child.wait_with_output().expect("the child ends");
        let mut said = Said::default();
        String::from_utf8_lossy(&output.stdout).split_inclusive('\n').for_each(|line| said.hear(line));
        (said, output.status)
    }

    /// Everything that was acknowledged is there, and the ledger verifies and goes on.
    pub(crate) fn check(&self, path: &Path) {
        if !path.exists() {
            assert!(self.acks.is_empty());
            return;
        }
        let world = World::new(HashAlgorithm::Sha256);
        let before = check(path);
        assert_eq!(before.findings, []);
        drop(world.open(path).expect("opens after a crash"));
        let reader = LedgerReader::open(path).expect("reads");
        for (index, leaf) in &self.acks {
            assert_eq!(hex::encode(reader.leaf_hash(*index).expect("an acknowledged entry")), *leaf);
        }
        let report = check(path);
        assert_eq!((report.findings.len(), report.unacknowledged_bytes), (0, 0));
    }
}

#[test]
fn killed_again_and_again() {
    let kills = soak("SEALCORE_SOAK_KILLS", 40);
    let (mut scratch, mut said) = (Scratch::new(), Said::default());
    let (mut torn, mut acknowledged, mut ledgers, mut sealed) = (0, 0, 1, 0);
    for round in 0..kills {
        // Verifying all of it each time takes longer and longer: a new one from time to time.
        if round % 100 == 99 {
            (acknowledged, ledgers) = (acknowledged + said.acks.len(), ledgers + 1);
            (scratch, said) = (Scratch::new(), Said::default());
        }
        let path = scratch.join("ledger");
        let mut child = child_command(&[], scratch.path(), None).spawn().expect("starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout"));
        let mut line = String::new();
        // Some are killed while they create or open, the others after some acknowledgements, or near the end of a segment.
        let wanted = match round % 5 {
            0 => said.acks.len(),
            1..4 => said.acks.len() + 1 + round as usize % 4,
            _ => (said.acks.len() / 256 + 1) * 256,
        };
        while said.acks.len() < wanted {
            line.clear();
            assert_ne!(lines.read_line(&mut line).expect("the child speaks"), 0);
            said.hear(&line);
        }
        std::thread::sleep(Duration::from_micros(round * 731 % 6000));
        child.kill().expect("SIGKILL");
        loop {
            line.clear();
            if lines.read_line(&mut line).expect("the rest") == 0 {
                break;
            }
            if line.ends_with('\n') {
                said.hear(&line);
            }
        }
        child.wait().expect("it ends");
        assert_eq!(said.errors, [] as [String; 0]);
        if path.exists() {
            torn += u64::from(check(&path).unacknowledged_bytes > 0);
            sealed = sealed.max(fs::read_dir(path.join("seg")).expect("list").count());
        }
        said.check(&path);
    }
    acknowledged += said.acks.len();
    assert!(acknowledged > 50, "{acknowledged} acknowledged");
    eprintln!(
        "{kills} kills, {acknowledged} entries acknowledged and none lost, {torn} kills left unacknowledged bytes, \
         {ledgers} ledgers, up to {sealed} files of segments"
    );
}

/// The limit of the file size stands for a full disk: it needs no rights, and stops a write in the middle.
#[test]
fn a_full_disk() {
    let mut stopped = Vec::new();
    for blocks in [0, 1, 2, 3, 5, 8, 13, 21, 34, 55] {
        let scratch = Scratch::new();
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let child = child_command(&["sh", "-c", &script, "sh"], scratch.path(), Some(1000)).spawn().expect("sh");
        let (said, status) = Said::of(child);
        assert!(status.success(), "{blocks} blocks: the child itself must not fail");
        assert!(!said.errors.is_empty(), "{blocks} blocks");
        for error in &said.errors {
            // EFBIG, and the operation by name.
            assert!(error.contains("LedgerIo") && error.contains("os_code: 27") && error.contains("write"), "{error}");
            stopped.push(error.clone());
        }
        let path = scratch.join("ledger");
        assert!(path.exists() || said.acks.is_empty());
        said.check(&path);
        let leftovers = fs::read_dir(scratch.path()).expect("list").count();
        assert_eq!(leftovers, usize::from(path.exists()), "{blocks} blocks");
    }
    assert!(stopped.iter().any(|e| e.contains("write the log of entries")), "{stopped:?}");
    assert!(stopped.iter().any(|e| e.contains("write a file of the new ledger")), "{stopped:?}");
}
