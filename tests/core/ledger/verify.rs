//! Verification: a good ledger is assured, and everything that can be done to it is found and named.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sealcore::Error;
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::{
    Assurance, Checkpoint, EntryType, FindingKind as Kind, Ledger, LedgerReader, NoteKey, NoteSigner, Report,
    VerifyOptions, verify,
};
use sealcore::sign::Algorithm;

use crate::world::{
    HASHES, ORIGIN, RECORD, Scratch, WAL, WAL_HEADER, World, copy, entries, entry_ranges, frame_ranges, key, records,
    write_entries, write_state,
};

pub(crate) fn check(path: &Path) -> Report {
    check_with(path, &VerifyOptions::default())
}

fn check_with(path: &Path, options: &VerifyOptions<'_>) -> Report {
    verify(path, options, &mut |_, _| Ok(())).expect("verification runs")
}

/// Kind and index of every finding.
pub(crate) fn kinds(report: &Report) -> Vec<(Kind, Option<u64>)> {
    report.findings.iter().map(|f| (f.kind, f.index)).collect()
}

struct Fixture {
    scratch: Scratch,
    world: World,
}

impl Fixture {
    fn new(hash: HashAlgorithm) -> Self {
        let scratch = Scratch::new();
        let world = World::new(hash);
        world.small_ledger(&scratch.join("good"));
        Fixture { scratch, world }
    }

    fn good(&self) -> std::path::PathBuf {
        self.scratch.join("good")
    }

    /// A fresh copy of the good ledger to work on.
    fn copy(&self) -> std::path::PathBuf {
        let path = self.scratch.join("copy");
        copy(&self.good(), &path);
        path
    }

    fn with_frames(&self, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Report {
        let path = self.copy();
        let mut list = entries(&path);
        change(&mut list);
        write_entries(&path, &list);
        check(&path)
    }
}

#[test]
fn a_good_ledger_is_assured_as_far_as_the_caller_can_judge() {
    for hash in HASHES {
        let fixture = Fixture::new(hash);
        let report = check(&fixture.good());
        assert_eq!(report.findings, []);
        assert_eq!(report.assurance, Assurance::InternallyConsistent);
        assert_eq!((report.size, report.entries.iter().sum::<u64>()), (12, 12));
        assert_eq!(report.entries, [1, 8, 2, 1, 0, 0, 0, 0]);
        assert_eq!((report.signatures_checked, report.unacknowledged_bytes), (12, 0));
        assert_eq!(report.checkpoints_checked, 9 + 1);
        let stored = entries(&fixture.good()).iter().map(|entry| 2 + entry.len() as u64).sum::<u64>();
        assert_eq!(report.bytes, stored);
        assert_eq!((report.hash, report.origin.as_deref()), (Some(hash), Some(ORIGIN)));
        let reader = LedgerReader::open(&fixture.good()).expect("reads");
        assert_eq!((report.root, report.id), (Some(reader.checkpoint().root), Some(*reader.id())));
        assert_eq!(report.checkpoint.as_deref(), Some(reader.checkpoint_note()));

        let (trusted, other) = (fixture.world.ledger_key.verifying_key(), key(Algorithm::Sm2, 0x77).verifying_key());
        let options = VerifyOptions { trusted_keys: &[other, trusted], ..VerifyOptions::default() };
        assert_eq!(check_with(&fixture.good(), &options).assurance, Assurance::MatchesOperatorCheckpoint);
        let options = VerifyOptions { trusted_keys: &[other], ..VerifyOptions::default() };
        let report = check_with(&fixture.good(), &options);
        assert_eq!(
            (kinds(&report), report.assurance),
            (vec![(Kind::UntrustedLedgerKey, None)], Assurance::Inconsistent)
        );

        // Every checkpoint there ever was is extended by the ledger.
        for note in notes(&fixture.good()) {
            let options = VerifyOptions { earlier_checkpoint: Some(&note), ..VerifyOptions::default() };
            let report = check_with(&fixture.good(), &options);
            assert_eq!((kinds(&report), report.assurance), (vec![], Assurance::ExtendsEarlierCheckpoint));
        }
        assert!(Assurance::ExtendsEarlierCheckpoint > Assurance::MatchesOperatorCheckpoint);
        assert!(Assurance::InternallyConsistent > Assurance::Inconsistent);
    }
}

fn notes(path: &Path) -> Vec<String> {
    let bytes = fs::read(path.join("checkpoints.log")).expect("read");
    let text = |frame: std::ops::Range<usize>| bytes[frame.start + 2..frame.end].to_vec();
    frame_ranges(&bytes).into_iter().map(|frame| String::from_utf8(text(frame)).expect("UTF-8")).collect()
}

/// Every byte of every file, with a bit of it flipped (each bit position in turn): found, and the entry named. With
/// SM3, whose code differs in the hash only, every third byte. The older slot of `state` is read by nobody.
#[test]
fn every_byte_flipped_is_found() {
    for hash in HASHES {
        let fixture = Fixture::new(hash);
        let good = fixture.good();
        let bounds = entry_ranges(&fs::read(good.join(WAL)).expect("read"));
        for file in ["genesis", WAL, "checkpoint", "checkpoints.log", "state"] {
            let bytes = fs::read(good.join(file)).expect("read");
            let workers = 2;
            std::thread::scope(|scope| {
                for worker in 0..workers {
                    let (bytes, bounds, fixture) = (&bytes, &bounds, &fixture);
                    scope.spawn(move || {
                        let path = fixture.scratch.join(&format!("flip-{worker}"));
                        copy(&fixture.good(), &path);
                        let stride = if hash == HashAlgorithm::Sm3 { 3 * workers } else { workers };
                        for at in (worker..bytes.len()).step_by(stride) {
                            let mut flipped = bytes.clone();
                            flipped[at] ^= 1 << (at % 8);
                            fs::write(path.join(file), &flipped).expect("write");
                            let report = check_with(&path, &VerifyOptions { threads: 1, ..VerifyOptions::default() });
                            let place = format!("{file} byte {at} of {}, bit {}", hash.name(), at % 8);
                            if file == "state" && (at < 64) == (newest_slot(bytes) == 1) {
                                assert_eq!(report.findings, [], "{place}");
                                continue;
                            }
                            assert!(!report.findings.is_empty(), "{place}: not found");
                            assert_eq!(report.assurance, Assurance::Inconsistent);
                            let index = bounds.iter().position(|frame| frame.contains(&at));
                            if let (WAL, Some(index)) = (file, index) {
                                check_flip(&report, index as u64, at - bounds[index].start, &place);
                            }
                            if file == WAL {
                                assert!(LedgerReader::open(&path).is_err(), "{place}: the reader took it");
                            } else {
                                assert!(
                                    report
                                        .findings
                                        .iter()
                                        .all(|f| f.file == file || file == "genesis" || f.file == WAL),
                                    "{place}: {:?}",
                                    report.findings
                                );
                            }
                        }
                        fs::write(path.join(file), bytes).expect("write");
                    });
                }
            });
        }
    }
}

/// The slot of `state` with the larger size.
fn newest_slot(state: &[u8]) -> usize {
    usize::from(state[64 + 8..64 + 16] > state[8..16])
}

/// One flipped bit at this offset of the frame of entry `index`: what the findings must say.
fn check_flip(report: &Report, index: u64, at: usize, place: &str) {
    let last = index == 11;
    let named: BTreeSet<u64> = report.findings.iter().filter(|f| f.file == WAL).filter_map(|f| f.index).collect();
    assert!(named.contains(&index) || last, "{place}: {:?}", report.findings);
    let fields: BTreeSet<&str> = report.findings.iter().filter(|f| f.index == Some(index)).map(|f| f.field).collect();
    let expected: &[&str] = match at {
        0..2 => &["length"],
        2..4 => &["magic"],
        4 => &["type", "header", "body"],
        5 => &["flags", "header"],
        6..10 => &["key_idx", "sig_alg", "signature", "header"],
        10..18 => &["seq"],
        18..26 => &["time", "header"],
        26..58 => &["prev"],
        58..90 => &["stmt"],
        90 => &["sig_alg"],
        91 => &["hint"],
        92..94 => &["sig_len", "length"],
        94..98 => &["body_len", "length"],
        98..162 => &["signature"],
        _ => &["body"],
    };
    assert!(expected.iter().any(|field| fields.contains(field)), "{place}: {:?}", report.findings);
    // Others may be named only where the entry changed what they mean: keys (0, 2, 3 and 6), or their neighbour.
    if !matches!(index, 0 | 2 | 3 | 6) {
        let far: Vec<_> = named.iter().filter(|i| **i != index && **i != index + 1).collect();
        assert!(far.is_empty(), "{place}: {:?}", report.findings);
    }
}

#[test]
fn a_deleted_entry_is_named() {
    for hash in HASHES {
        let fixture = Fixture::new(hash);
        for index in 0..12u64 {
            let report = fixture.with_frames(|list| drop(list.remove(index as usize)));
            let (kind, _) = (Kind::Deleted, ());
            let found = kinds(&report);
            let expected = if index == 11 { Kind::Truncated } else { kind };
            assert!(found.contains(&(expected, Some(index))), "{index}: {:?}", report.findings);
            // A missing key entry takes its signatures with it; nothing else is said.
            if ![0, 2, 3].contains(&index) {
                assert_eq!(found, [(expected, Some(index))], "{index}");
            }
        }
        let report = fixture.with_frames(|list| drop(list.drain(5..8)));
        assert!(kinds(&report).contains(&(Kind::Deleted, Some(5))), "{:?}", report.findings);
        assert!(report.findings.iter().any(|f| f.detail.contains("3 entries are missing, 5 to 7")));
    }
}

#[test]
fn a_duplicated_entry_is_named() {
    let fixture = Fixture::new(HashAlgorithm::Sha256);
    for index in 0..12usize {
        for place in 0..=12usize {
            let report = fixture.with_frames(|list| list.insert(place, list[index].clone()));
            if place == index || place == index + 1 {
                // Two alike next to each other: the second is the one too many.
                assert_eq!(kinds(&report), [(Kind::Duplicated, Some(index as u64))], "{index} at {place}");
            } else {
                let found = kinds(&report);
                assert!(
                    found.contains(&(Kind::Duplicated, Some(index as u64)))
                        || found.contains(&(Kind::Moved, Some(index as u64))),
                    "{index} at {place}: {:?}",
                    report.findings
                );
            }
        }
        if index > 0 {
            // A copy in the place of another: one too many, one too few.
            let report = fixture.with_frames(|list| list[index] = list[index - 1].clone());
            let gone = if index == 11 { Kind::Truncated } else { Kind::Deleted };
            assert!(kinds(&report).contains(&(gone, Some(index as u64))), "{index}: {:?}", report.findings);
            assert!(
                kinds(&report).contains(&(Kind::Duplicated, Some(index as u64 - 1))),
                "{index}: {:?}",
                report.findings
            );
        }
    }
}

#[test]
fn swapped_entries_are_named() {
    for hash in HASHES {
        let fixture = Fixture::new(hash);
        for a in 0..12usize {
            for b in a + 1..12 {
                let report = fixture.with_frames(|list| list.swap(a, b));
                let found = kinds(&report);
                let moved = |index: usize| found.contains(&(Kind::Moved, Some(index as u64)));
                assert!(moved(a) || moved(b), "{a} and {b}: {:?}", report.findings);
                // Between entries that carry no key, two entries are all that is named: these, or, where three stand
                // backwards, another two of the three.
                if a > 6 || (a == 4 && b == 5) {
                    let named: BTreeSet<u64> = report.findings.iter().filter_map(|f| f.index).collect();
                    let between = (a as u64..=b as u64).filter(|i| b - a == 2 || *i == a as u64 || *i == b as u64);
                    assert!(named.is_subset(&between.collect()), "{a} and {b}: {:?}", report.findings);
                    assert!(
                        found.len() <= 2 && found.iter().all(|(kind, _)| *kind == Kind::Moved),
                        "{:?}",
                        report.findings
                    );
                }
            }
        }
    }
}

/// A tail cut off is found against the checkpoint of the directory, and, when that is put back too, against an earlier
/// checkpoint of the auditor.
#[test]
fn a_truncated_tail_is_found() {
    for hash in HASHES {
        let fixture = Fixture::new(hash);
        let good = fixture.good();
        let newest = fs::read_to_string(good.join("checkpoint")).expect("read");
        for keep in 0..12usize {
            let report = fixture.with_frames(|list| list.truncate(keep));
            if keep > 0 {
                assert_eq!(kinds(&report), [(Kind::Truncated, Some(keep as u64))], "{keep}");
            }
            assert_eq!(report.assurance, Assurance::Inconsistent);
        }
        let path = fixture.copy();
        let bytes = fs::read(good.join(WAL)).expect("read");
        for length in (0..bytes.len()).step_by(7) {
            fs::write(path.join(WAL), &bytes[..length]).expect("write");
            let found = kinds(&check(&path));
            let last_note = records(&bytes).last().expect("a record").note.contains(&length);
            assert!(found.iter().any(|(kind, _)| matches!(kind, Kind::Truncated)) || last_note, "{length}");
            assert!(!found.is_empty(), "{length}");
        }
        // The whole directory put back to each older state: consistent in itself, and found with the newest checkpoint.
        let all = notes(&good);
        let list = entries(&good);
        for count in 1..all.len() {
            let path = fixture.copy();
            let key = NoteKey::new(ORIGIN, fixture.world.ledger_key.verifying_key()).expect("name");
            let older = Checkpoint::open(all[count - 1].as_bytes(), &key).expect("opens");
            let log: Vec<u8> = all[..count]
                .iter()
                .flat_map(|n| [&(n.len() as u16).to_be_bytes()[..], n.as_bytes()].concat())
                .collect();
            fs::write(path.join("checkpoints.log"), log).expect("write");
            fs::write(path.join("checkpoint"), &all[count - 1]).expect("write");
            write_entries(&path, &list[..older.size as usize]);
            // The watermark knows better, unless it is put back, too.
            assert_eq!(kinds(&check(&path)), [(Kind::RolledBack, Some(12))]);
            write_state(&path, older.size, &older.root);
            let report = check(&path);
            assert_eq!((kinds(&report), report.assurance), (vec![], Assurance::InternallyConsistent));
            let options = VerifyOptions { earlier_checkpoint: Some(&newest), ..VerifyOptions::default() };
            let report = check_with(&path, &options);
            assert_eq!(kinds(&report), [(Kind::TruncatedSinceEarlier, Some(12))]);
            assert_eq!(report.assurance, Assurance::Inconsistent);
        }
    }
}

/// The operator himself rewrites history with his key: an earlier checkpoint convicts him.
#[test]
fn a_fork_is_found_with_an_earlier_checkpoint() {
    let fixture = Fixture::new(HashAlgorithm::Sha256);
    let world = &fixture.world;
    let mine = notes(&fixture.good());
    let other = fixture.scratch.join("other");
    let ledger = world.create(&other);
    for i in 0..14 {
        ledger.append(world.statement(&format!("another history {i}"))).expect("appends");
    }
    drop(ledger);
    assert_eq!(check(&other).assurance, Assurance::InternallyConsistent);
    for note in &mine {
        let options = VerifyOptions { earlier_checkpoint: Some(note), ..VerifyOptions::default() };
        let report = check_with(&other, &options);
        let key = NoteKey::new(ORIGIN, world.ledger_key.verifying_key()).expect("name");
        let size = Checkpoint::open(note.as_bytes(), &key).expect("opens").size;
        assert_eq!(kinds(&report), [(Kind::ForkedSinceEarlier, Some(size))]);
    }
    // A ledger by another key under the same name.
    let stranger = World { ledger_key: key(Algorithm::P256, 0x78), ..World::new(HashAlgorithm::Sha256) };
    let theirs = fixture.scratch.join("stranger");
    stranger.small_ledger(&theirs);
    let options = VerifyOptions { earlier_checkpoint: Some(&mine[3]), ..VerifyOptions::default() };
    let found: BTreeSet<Kind> = check_with(&theirs, &options).findings.iter().map(|f| f.kind).collect();
    assert_eq!(found, BTreeSet::from([Kind::EarlierSignatureInvalid, Kind::ForkedSinceEarlier]));
    let other_name = Checkpoint { origin: "example.com/else".into(), size: 3, root: [0; 32] };
    let name = NoteSigner::new("example.com/else", world.ledger_key.clone()).expect("name");
    let note = other_name.sign(&[name]).expect("signs");
    let options = VerifyOptions { earlier_checkpoint: Some(&note), ..VerifyOptions::default() };
    assert!(kinds(&check_with(&fixture.good(), &options)).contains(&(Kind::EarlierOriginWrong, Some(3))));
    let options = VerifyOptions { earlier_checkpoint: Some("no note"), ..VerifyOptions::default() };
    assert!(matches!(verify(&other, &options, &mut |_, _| Ok(())), Err(Error::InvalidEncoding { field: "note", .. })));
}

/// Entries rewritten with new links, so that the chain holds: the signed roots name the range.
#[test]
fn a_rewritten_chain_contradicts_the_checkpoints() {
    let fixture = Fixture::new(HashAlgorithm::Sha256);
    let hash = HashAlgorithm::Sha256;
    for from in 4..12usize {
        let report = fixture.with_frames(|list| {
            list[from][23] ^= 1; // the lowest bit of the time
            for i in from + 1..list.len() {
                let prev = sealcore::ledger::merkle::leaf_hash(hash, &list[i - 1]);
                list[i][24..56].copy_from_slice(&prev);
            }
        });
        assert!(report.findings.iter().any(|f| f.kind == Kind::RootMismatch), "{from}: {:?}", report.findings);
        assert!(
            report
                .findings
                .iter()
                .all(|f| matches!(f.kind, Kind::RootMismatch | Kind::TimeBackwards | Kind::EntryAltered)),
            "{:?}",
            report.findings
        );
    }
}

#[test]
fn files_that_are_missing_or_put_back() {
    let fixture = Fixture::new(HashAlgorithm::Sm3);
    for (file, kind) in [
        ("genesis", Kind::MissingFile),
        (WAL, Kind::MissingFile),
        ("state", Kind::MissingFile),
        ("checkpoint", Kind::MissingFile),
        ("checkpoints.log", Kind::MissingFile),
    ] {
        let path = fixture.copy();
        fs::remove_file(path.join(file)).expect("remove");
        let report = check(&path);
        assert_eq!((report.findings[0].kind, report.findings[0].file.as_str()), (kind, file));
        assert_eq!(report.assurance, Assurance::Inconsistent);
        // A power failure can leave `checkpoint` missing or empty; the log of entries holds it.
        let repaired = file == "checkpoint";
        assert_eq!(fixture.world.open(&path).is_ok(), repaired, "{file}");
        fs::write(path.join(file), b"").expect("write");
        assert!(!check(&path).findings.is_empty(), "{file} empty");
        assert_eq!(fixture.world.open(&path).is_ok(), repaired || file == "checkpoints.log", "{file} empty");
        fs::remove_dir_all(&path).expect("remove");
    }
    let empty = fixture.scratch.join("empty");
    fs::create_dir(&empty).expect("mkdir");
    let options = VerifyOptions::default();
    assert!(matches!(verify(&empty, &options, &mut |_, _| Ok(())), Err(Error::InvalidArgument { field: "path", .. })));
    assert!(matches!(
        verify(&fixture.scratch.join("none"), &options, &mut |_, _| Ok(())),
        Err(Error::LedgerIo { os_code: 2, .. })
    ));
    // Only the file `checkpoint` put back: the log knows better.
    let path = fixture.copy();
    fs::write(path.join("checkpoint"), &notes(&path)[2]).expect("write");
    let report = check(&path);
    assert_eq!(kinds(&report), [(Kind::CheckpointStale, Some(4))]);
    assert_eq!(report.size, 12);
    // A checkpoint that is signed but not in the log.
    let path = fixture.copy();
    let forged = Checkpoint { origin: ORIGIN.into(), size: 12, root: [3; 32] }
        .sign(&[NoteSigner::new(ORIGIN, fixture.world.ledger_key.clone()).expect("name")])
        .expect("signs");
    fs::write(path.join("checkpoint"), forged).expect("write");
    let found: BTreeSet<Kind> = check(&path).findings.iter().map(|f| f.kind).collect();
    assert!(found.contains(&Kind::CheckpointNotLogged) && found.contains(&Kind::RootMismatch), "{found:?}");
    // Notes in the wrong order.
    let path = fixture.copy();
    let mut log = notes(&path);
    log.swap(2, 3);
    let bytes: Vec<u8> =
        log.iter().flat_map(|n| [&(n.len() as u16).to_be_bytes()[..], n.as_bytes()].concat()).collect();
    fs::write(path.join("checkpoints.log"), bytes).expect("write");
    let found = kinds(&check(&path));
    assert_eq!(found[0], (Kind::CheckpointOrderWrong, Some(4)));
    assert!(found[1..].iter().all(|(kind, _)| *kind == Kind::CheckpointNotLogged), "{found:?}");
}

#[test]
fn the_cap_counts_on_and_progress_can_stop() {
    let fixture = Fixture::new(HashAlgorithm::Sha256);
    let path = fixture.copy();
    let mut list = entries(&path);
    for frame in &mut list[1..] {
        *frame.last_mut().expect("a body") ^= 1;
    }
    write_entries(&path, &list);
    let all = check(&path);
    assert!(all.findings.len() > 15, "{}", all.findings.len());
    let some = check_with(&path, &VerifyOptions { max_findings: 3, ..VerifyOptions::default() });
    assert_eq!(some.findings, all.findings[..3]);
    assert_eq!(some.findings_dropped as usize, all.findings.len() - 3);
    let none = check_with(&path, &VerifyOptions { max_findings: 0, ..VerifyOptions::default() });
    assert_eq!((none.findings.len(), none.assurance), (0, Assurance::Inconsistent));
    let stop = Error::Internal { reason: "stop" };
    assert_eq!(verify(&path, &VerifyOptions::default(), &mut |_, _| Err(stop)), Err(stop));
    let mut calls = Vec::new();
    verify(&fixture.good(), &VerifyOptions::default(), &mut |done, total| {
        calls.push((done, total));
        Ok(())
    })
    .expect("runs");
    assert_eq!(calls.last(), Some(&(12, 12)));
}

/// Bytes after the newest checkpoint were never acknowledged: not judged, whatever they are.
#[test]
fn what_no_checkpoint_covers_is_not_judged() {
    let fixture = Fixture::new(HashAlgorithm::Sha256);
    let path = fixture.copy();
    let good = fs::read(path.join(WAL)).expect("read");
    let longer = fixture.scratch.join("longer");
    copy(&fixture.good(), &longer);
    let ledger = fixture.world.open(&longer).expect("opens");
    ledger.append_many((0..3).map(|i| fixture.world.statement(&format!("more {i}"))).collect()).expect("appends");
    drop(ledger);
    let more = fs::read(longer.join(WAL)).expect("read");
    for end in good.len()..=more.len() {
        fs::write(path.join(WAL), &more[..end]).expect("write");
        let report = check(&path);
        assert_eq!(report.findings, [], "{end}");
        assert_eq!((report.unacknowledged_bytes as usize, report.size), (end - good.len(), 12));
    }
    for garbage in [vec![0; 100], vec![0xff; 70_000], b"\x00\x01".to_vec()] {
        fs::write(path.join(WAL), [good.clone(), garbage.clone()].concat()).expect("write");
        let report = check(&path);
        assert_eq!((report.findings.len(), report.unacknowledged_bytes), (0, garbage.len() as u64));
    }
}

/// What is around the entries in their log is judged, too.
#[test]
fn damaged_records_are_named() {
    let fixture = Fixture::new(HashAlgorithm::Sha256);
    let path = fixture.copy();
    let good = fs::read(path.join(WAL)).expect("read");
    let third = &records(&good)[2];
    for (at, field) in
        [(3, "header"), (WAL_HEADER - 1, "header"), (third.start, "record"), (third.start + 15, "record")]
    {
        let mut bad = good.clone();
        bad[at] ^= 4;
        fs::write(path.join(WAL), &bad).expect("write");
        let report = check(&path);
        let found: Vec<_> = report.findings.iter().map(|f| (f.kind, f.field, f.file.as_str())).collect();
        assert_eq!(found, [(Kind::FrameDamaged, field, WAL)], "{at}");
        assert_eq!(report.entries.iter().sum::<u64>(), 12, "the entries are found all the same");
    }
    // A record with another note.
    let mut bad = good.clone();
    bad[third.note.start + 30] ^= 1;
    fs::write(path.join(WAL), &bad).expect("write");
    assert_eq!(kinds(&check(&path)).len(), 1);
    assert_eq!(third.entries.start, third.start + RECORD);
}

/// A verifier beside a running writer never raises a false alarm.
#[test]
fn verifying_while_a_writer_appends() {
    let fixture = Fixture::new(HashAlgorithm::Sha256);
    let path = fixture.good();
    let world = &fixture.world;
    let ledger = world.open(&path).expect("opens");
    let statements: Vec<_> = (0..5).map(|i| world.statement(&format!("live {i}"))).collect();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..150 {
                ledger.append_many(statements[..1 + round % 5].to_vec()).expect("appends");
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        let mut last: Option<String> = None;
        let mut rounds = 0;
        while !done.load(std::sync::atomic::Ordering::Relaxed) || rounds == 0 {
            let options = VerifyOptions { earlier_checkpoint: last.as_deref(), threads: 1, ..VerifyOptions::default() };
            let report = check_with(&path, &options);
            assert_eq!(report.findings, []);
            let reader = LedgerReader::open(&path).expect("reads");
            assert!(reader.size() + 5 >= report.size);
            last = report.checkpoint;
            rounds += 1;
        }
        assert!(rounds > 1, "{rounds}");
    });
    assert_eq!(check(&path).size, ledger.size().expect("size"));
}

#[test]
fn keys_that_are_not_in_force_are_named() {
    let fixture = Fixture::new(HashAlgorithm::Sha256);
    let world = &fixture.world;
    // By a key that comes in only later (entry 1 by row 3), by one that is gone (entry 8 by row 2), by none.
    for (index, key_idx, kind) in [(1, 3u32, Kind::KeyUnknown), (8, 2, Kind::KeyNotInForce), (8, 9, Kind::KeyUnknown)] {
        let report = fixture.with_frames(|list| list[index][4..8].copy_from_slice(&key_idx.to_be_bytes()));
        assert!(kinds(&report).contains(&(kind, Some(index as u64))), "{:?}", report.findings);
        assert!(kinds(&report).contains(&(Kind::EntryAltered, Some(index as u64))), "{:?}", report.findings);
    }
    // The names of kinds are unique and stable.
    let names: BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), Kind::ALL.len());
    let types = ["genesis", "statement", "key-add", "key-revoke", "redact", "segment", "anchor", "key-rotate"];
    assert_eq!(EntryType::ALL.map(EntryType::name), types);
    drop(Ledger::open(&fixture.good(), &world.ledger_key).expect("untouched"));
}
