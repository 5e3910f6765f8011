//! Faults of the disk and of people: every system call of the writer, a full disk, two writers, files put back.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use sealcore::Error;
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::{FindingKind, Ledger};

use crate::crash::{FILES, Said, States, child_command, soak};
use crate::verify::{check, kinds};
use crate::world::{Scratch, WAL, World, copy};

/// A ledger three entries before the end of its first segment, and a record that a crash has cut.
fn before_the_seal(path: &Path) {
    let world = World::new(HashAlgorithm::Sha256);
    let genesis = world.genesis().with_segment_bits(8).expect("bits");
    let ledger = Ledger::create(path, &genesis, &world.ledger_key).expect("creates");
    let statement = world.statement("before");
    ledger.append_many(vec![statement; 252]).expect("appends");
    drop(ledger);
    let mut wal = fs::read(path.join(WAL)).expect("read");
    wal.extend_from_slice(b"swr1 a record that was on its way");
    fs::write(path.join(WAL), wal).expect("write");
}

/// The calls that the writer makes on its files, and errors that a disk, a file system or a limit gives.
const FAULTS: [(&str, &str); 16] = [
    ("write", "ENOSPC"),
    ("write", "EIO"),
    ("fdatasync", "EIO"),
    ("fsync", "EIO"),
    ("fsync", "ENOSPC"),
    ("rename", "EIO"),
    ("openat", "EMFILE"),
    ("openat", "EACCES"),
    ("lseek", "EIO"),
    ("ftruncate", "EIO"),
    ("pread64", "EIO"),
    ("getdents64", "EIO"),
    ("statx", "EIO"),
    ("unlink", "EROFS"),
    ("flock", "ENOLCK"),
    ("readlink", "EIO"),
];

/// Every system call of the writer on its files fails, once or from then on: through opening after a crash, committing and
/// sealing a segment. Whatever was acknowledged is there afterwards, and the ledger goes on.
#[test]
fn every_system_call_fails() {
    let available = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    if !available.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none(), "CI needs strace (apt-get install strace), and leave to trace");
        eprintln!("left out: strace is not here or may not trace");
        return;
    }
    let scratch = Scratch::new();
    before_the_seal(&scratch.join("before"));
    // The short run takes every seventh call, other ones for each error.
    let every = soak("SEALCORE_SOAK_FAULTS", 0) > 0;
    let step = if every { 1 } else { 7 };
    let (mut failures, mut runs, mut acknowledged) = (BTreeSet::new(), 0, 0);
    for (at, (call, error)) in FAULTS.iter().enumerate() {
        for persistent in ["", "+"] {
            for when in (1 + at % step..).step_by(step) {
                let home = scratch.join("run");
                let path = home.join("ledger");
                let _ = fs::remove_dir_all(&home);
                copy(&scratch.join("before"), &path);
                let inject = format!("inject={call}:error={error}:when={when}{persistent}");
                let trace = home.join("trace").display().to_string();
                let mut wrapper = vec!["strace", "-f", "-qq", "-o", &trace, "-e", &inject];
                let names = [
                    "wal",
                    "seg",
                    "state",
                    "checkpoints.log",
                    "checkpoint",
                    "checkpoint.new",
                    "genesis",
                    "lock",
                    WAL,
                    "wal/1.wal",
                    "wal/1.wal.new",
                    "seg/0.slg",
                    "seg/0.slg.new",
                    "seg/0.slh",
                    "seg/0.slh.new",
                    "",
                ];
                let paths = names.map(|name| path.join(name).display().to_string().trim_end_matches('/').to_owned());
                paths.iter().for_each(|path| wrapper.extend(["-P", path]));
                let child = child_command(&wrapper, &home, Some(4)).spawn().expect("strace");
                let (said, status) = Said::of(child);
                assert!(status.success(), "{inject}: the child itself must not fail");
                for error in &said.errors {
                    // What cannot be looked at may look like no ledger at all.
                    assert!(error.contains("LedgerIo") || error.contains("field: \"path\""), "{inject}: {error}");
                    failures.insert(error.split('"').nth(1).expect("an operation").to_owned());
                }
                said.check(&path);
                (runs, acknowledged) = (runs + 1, acknowledged + said.acks.len());
                if !fs::read_to_string(&trace).expect("a trace").contains("(INJECTED)") {
                    // More calls than that are not made.
                    break;
                }
            }
        }
    }
    eprintln!(
        "{runs} runs with a failing call, {acknowledged} entries acknowledged in them, {} operations",
        failures.len()
    );
    assert!(failures.len() >= 9, "{failures:?}");
    let operations = [
        "open the log of entries",
        "read the log of entries",
        "truncate the log of entries",
        "write the log of entries",
        "sync the log of entries",
        "list the ledger directory",
        "open the lock",
        "write state",
        "sync state",
        "write checkpoints.log",
        "sync checkpoints.log",
        "write the new checkpoint",
        "replace the checkpoint",
        "sync the checkpoint",
        "write a segment",
        "write the hashes of a segment",
        "write a new log",
        "remove an old log",
    ];
    for operation in operations.into_iter().filter(|_| every) {
        assert!(failures.contains(operation), "{operation} never failed: {failures:?}");
    }
}

/// A file system that is really full, where this user may mount one.
#[test]
fn a_full_file_system() {
    let scratch = Scratch::new();
    let disk = scratch.join("disk");
    fs::create_dir(&disk).expect("mkdir");
    let mount = |options: &str| {
        let arguments = ["-t", "tmpfs", "-o", options, "tmpfs"];
        let run = Command::new("mount").args(arguments).arg(&disk).stderr(Stdio::null()).status();
        run.is_ok_and(|status| status.success())
    };
    if !mount("size=200k") {
        eprintln!("left out: this user may not mount; the limit of the file size stands for it");
        return;
    }
    struct Mounted<'p>(&'p Path);
    impl Drop for Mounted<'_> {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg("-l").arg(self.0).status();
        }
    }
    let mounted = Mounted(&disk);
    let (said, status) = Said::of(child_command(&[], &disk, Some(10_000)).spawn().expect("starts"));
    assert!(status.success());
    assert!(!said.acks.is_empty() && !said.errors.is_empty());
    for error in &said.errors {
        assert!(error.contains("LedgerIo") && error.contains("os_code: 28") && error.contains("write"), "{error}");
    }
    // While it is full: readable, sound, and opening says what is wrong, or succeeds, and loses nothing.
    let path = disk.join("ledger");
    assert_eq!(check(&path).findings, []);
    match World::new(HashAlgorithm::Sha256).open(&path) {
        Ok(_) | Err(Error::LedgerIo { os_code: 28, .. }) => {}
        other => panic!("{other:?}"),
    }
    assert!(mount("remount,size=8m"), "makes room");
    said.check(&path);
    let world = World::new(HashAlgorithm::Sha256);
    world.open(&path).expect("opens").append(world.statement("there is room")).expect("appends");
    eprintln!("{} acknowledged until the disk was full", said.acks.len());
    drop(mounted);
}

/// Two processes want to write: one does, the other is told so at once.
#[test]
fn two_writers() {
    let scratch = Scratch::new();
    let path = scratch.join("ledger");
    let world = World::new(HashAlgorithm::Sha256);
    drop(world.create(&path));
    let children: Vec<_> =
        (0..4).map(|_| child_command(&[], scratch.path(), Some(200)).spawn().expect("starts")).collect();
    let said: Vec<Said> = children.into_iter().map(|child| Said::of(child).0).collect();
    let mut wrote = 0;
    for said in &said {
        wrote += usize::from(!said.acks.is_empty());
        assert!(said.errors.iter().all(|error| error.trim_end() == "error LedgerLocked"), "{:?}", said.errors);
        assert_ne!(said.acks.is_empty(), said.errors.is_empty());
    }
    assert!(wrote >= 1);
    said.iter().for_each(|said| said.check(&path));
    let text = Error::LedgerLocked.to_string();
    assert!(text.contains("another process") && text.contains("wait for it or stop it"), "{text}");
}

/// Of the four files that a commit writes, any that were put back to the state before it, alone or together: the writer
/// goes on with all that is durable, or refuses. Only all four together are a ledger again, an older one: that is found
/// with an earlier checkpoint (`a_truncated_tail_is_found`), or by the coordination store (`putting_back_is_named`).
#[test]
fn files_put_back_in_every_combination() {
    let states = States::new(HashAlgorithm::Sha256);
    for old in 0..16usize {
        let pick = |file: usize| if old >> file & 1 == 1 { &states.before[file] } else { &states.after[file] };
        let path = states.lay([pick(0), pick(1), pick(2), pick(3)]);
        let names: Vec<&str> = (0..4).filter(|file| old >> file & 1 == 1).map(|file| FILES[file]).collect();
        let report = check(&path);
        match states.world.open(&path) {
            Ok(ledger) => {
                let size = if old == 15 { 2 } else { 4 };
                assert_eq!(ledger.size(), Ok(size), "{names:?}");
                assert!(old == 15 || !names.contains(&WAL), "{names:?}");
            }
            Err(Error::LedgerCorrupt { .. }) => {
                assert!(names.contains(&WAL), "{names:?}");
                assert!(!report.findings.is_empty(), "{names:?}");
                if !names.contains(&"checkpoints.log") && names.len() == 3 {
                    assert_eq!(kinds(&report), [(FindingKind::RolledBack, Some(4))], "{names:?}");
                }
            }
            Err(other) => panic!("{names:?}: {other:?}"),
        }
    }
}
