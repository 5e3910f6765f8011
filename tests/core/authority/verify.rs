//! Level 4: the audit in the verification, over segments and the tail, with summaries, and where the ledger is damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::world::{document, name};
use sealcore::Error;
use sealcore::authority::{self, Audit, AuditReport, Content, Event, SealUse, Statement, StatementId, UseDelivered};
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::{
    self, Assurance, Entry, EntryType, FOUNDER_KEY, Finding, FindingKind as Kind, Ledger, LedgerReader, Level,
    NewEntry, Report, Synthetic, VerifyOptions,
};
use sealcore::sign::{Algorithm, SigningKey};

/// A folder that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sealcore-level-4-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("makes a folder");
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// 300 uses over seven segments, and a tail.
fn shape(hash: HashAlgorithm) -> Synthetic {
    let algorithm = Algorithm::P256;
    Synthetic { entries: 1800, keys: 7, algorithm, hash, seed: 3, length: 400, batch: 100, segment_bits: 8 }
}

fn made(scratch: &Scratch, hash: HashAlgorithm) -> (PathBuf, SigningKey) {
    let (path, shape) = (scratch.0.join("ledger"), shape(hash));
    authority::generate(&path, &shape, &mut |_, _| Ok(())).expect("generates");
    (path, shape.key(0).expect("a key"))
}

fn look(path: &Path, options: &VerifyOptions<'_>) -> (Report, Option<AuditReport>) {
    authority::verify(path, options, &mut |_, _| Ok(())).expect("runs")
}

/// Appends a statement of the gate.
fn append(path: &Path, key: &SigningKey, content: impl Into<authority::Content>) -> u64 {
    let ledger = Ledger::open(path, key).expect("opens");
    let statement = Statement { by: name("gate"), ledger: *ledger.id(), seen: None, content: content.into() };
    let body = statement.encode().expect("a statement");
    ledger.append(ledger.sign(EntryType::Statement, body).expect("signs")).expect("appends").index
}

#[test]
fn what_was_allowed_has_no_findings() {
    for hash in [HashAlgorithm::Sha256, HashAlgorithm::Sm3] {
        let scratch = Scratch::new();
        let (path, _) = made(&scratch, hash);
        let mut steps = Vec::new();
        let (report, audit) = authority::verify(&path, &VerifyOptions::default(), &mut |done, total| {
            steps.push((done, total));
            Ok(())
        })
        .expect("runs");
        let audit = audit.expect("replayed");
        assert_eq!((report.findings.len(), report.level, audit.total), (0, Level::Authority, 0));
        assert_eq!(report.assurance, Assurance::InternallyConsistent);
        assert_eq!(steps.last(), Some(&(report.size, report.size)));
        assert!(steps.is_sorted());
        // The same as entry by entry.
        let reader = LedgerReader::open(&path).expect("reads");
        let mut slow = Audit::new(reader.entry(0).expect("reads").view().expect("parses").body()).expect("a genesis");
        for stored in reader.entries(1..u64::MAX) {
            let stored = stored.expect("reads");
            slow.feed(&Event::from(stored.view().expect("parses"))).expect("in memory");
        }
        let slow = slow.finish().expect("in memory");
        assert_eq!((audit.entries, slow.entries, slow.total), (report.size, report.size, 0));
        let state = slow.state.expect("in memory");
        let uses = state.uses();
        assert_eq!((uses.len(), uses.iter().filter(|usage| usage.end.is_some()).count()), (300, 300));
        // Level 3 is all of it but the replay, and its summary is taken for level 4 as well.
        let plain = ledger::verify(&path, &VerifyOptions::default(), &mut |_, _| Ok(())).expect("runs");
        assert_eq!(Report { level: Level::Signatures, ..report.clone() }, plain);
        let kept = [plain.summary.expect("a summary")];
        for threads in [0, 1, 2] {
            let options = VerifyOptions { summaries: &kept, threads, ..VerifyOptions::default() };
            let (again, audit) = look(&path, &options);
            assert_eq!(again, report);
            assert_eq!(audit.expect("replayed").entries, report.size);
        }
    }
}

#[test]
fn what_was_not_allowed_is_named() {
    let scratch = Scratch::new();
    let (path, key) = made(&scratch, HashAlgorithm::Sha256);
    let reader = LedgerReader::open(&path).expect("reads");
    let bodies =
        reader.entries(1..u64::MAX).map(|stored| stored.expect("reads").view().expect("parses").body().to_vec());
    let uses = bodies.filter_map(|body| match Statement::decode(&body).ok()?.content {
        Content::SealUse(usage) => Some(usage),
        _ => None,
    });
    let usage = { uses }.nth(7).expect("an eighth use");
    // A second use of a grant for one, its delivery; a use that never ends cannot be made without the rules.
    let second = SealUse { document: document("another"), number: 2, ..usage.clone() };
    let refused = append(&path, &key, second);
    let unknown = UseDelivered { usage: StatementId([9; 32]), document: document("x"), level: name("pades-b-b") };
    let dangling = append(&path, &key, unknown);
    let opaque = {
        let founder = shape(HashAlgorithm::Sha256).key(1).expect("a key");
        let ledger = Ledger::open(&path, &key).expect("opens");
        let body = b"no statement".to_vec();
        let entry = NewEntry::sign(HashAlgorithm::Sha256, EntryType::Statement, FOUNDER_KEY, body, &founder);
        ledger.append(entry.expect("signs")).expect("appends").index
    };
    let heard = std::cell::RefCell::new(Vec::new());
    let listener = |finding: &Finding| heard.borrow_mut().push(finding.clone());
    let (report, audit) = look(&path, &VerifyOptions { found: Some(&listener), ..VerifyOptions::default() });
    let found: Vec<_> = report.findings.iter().map(|f| (f.kind, f.index, f.field)).collect();
    let named = [refused, dangling, opaque].map(|index| (Kind::NotAuthorised, Some(index), "body"));
    assert_eq!((found, audit.expect("replayed").total), (named.to_vec(), 3));
    assert_eq!((report.assurance, report.level), (Assurance::Inconsistent, Level::Authority));
    assert_eq!(*heard.borrow(), report.findings);
    for finding in &report.findings {
        let file = fs::read(path.join(&finding.file)).expect("reads");
        let index = finding.index.expect("an index").to_be_bytes();
        assert_eq!(file[finding.offset as usize - 152..][..8], index);
    }
    // No more than asked for, and the others are counted.
    let (report, _) = look(&path, &VerifyOptions { max_findings: 1, ..VerifyOptions::default() });
    assert_eq!((report.findings.len(), report.findings_dropped), (1, 2));
}

#[test]
fn a_damaged_ledger_is_not_replayed() {
    let scratch = Scratch::new();
    let (path, _) = made(&scratch, HashAlgorithm::Sha256);
    let whole = ledger::verify(&path, &VerifyOptions::default(), &mut |_, _| Ok(())).expect("runs");
    let kept = [whole.summary.expect("a summary")];
    for file in ["seg/2.slg", "wal/7.wal"] {
        let good = fs::read(path.join(file)).expect("reads");
        let mut bad = good.clone();
        bad[5000] ^= 1;
        fs::write(path.join(file), bad).expect("writes");
        for summaries in [&[][..], &kept] {
            for threads in [0, 1] {
                let options = VerifyOptions { summaries, threads, ..VerifyOptions::default() };
                let (report, audit) = look(&path, &options);
                assert!(audit.is_none());
                assert_eq!((report.assurance, report.level), (Assurance::Inconsistent, Level::Signatures));
                assert_eq!(report.findings[0].file, file);
            }
        }
        fs::write(path.join(file), good).expect("writes");
    }
    assert_eq!(look(&path, &VerifyOptions::default()).0.findings, []);
}

#[test]
fn five_people_are_needed() {
    let scratch = Scratch::new();
    let few = Synthetic { keys: 4, ..shape(HashAlgorithm::Sha256) };
    let made = authority::generate(&scratch.0.join("few"), &few, &mut |_, _| Ok(()));
    assert!(matches!(made, Err(sealcore::Error::InvalidArgument { field: "keys", .. })));
}

/// Damages a segment as soon as its first entries are replayed, after its signatures were verified.
#[derive(Debug)]
struct Meddling {
    segment: PathBuf,
    done: AtomicBool,
}

impl ledger::Replay for Meddling {
    fn read<'r>(&'r self, _: &[Entry<'_>]) -> ledger::Take<'r> {
        if !self.done.swap(true, Ordering::Relaxed) {
            let mut bytes = fs::read(&self.segment).expect("reads");
            let late = bytes.len() / 2;
            bytes[late] ^= 1;
            fs::write(&self.segment, bytes).expect("writes");
        }
        Box::new(|| Ok(()))
    }
}

#[test]
fn a_segment_that_changes_between_its_verification_and_its_replay_is_not_believed() {
    let scratch = Scratch::new();
    let path = scratch.0.join("ledger");
    let shape = Synthetic { entries: 20_000, segment_bits: 14, ..shape(HashAlgorithm::Sha256) };
    ledger::generate(&path, &shape, &mut |_, _| Ok(())).expect("generates");
    let mut names = fs::read_dir(path.join("seg")).expect("segments").map(|entry| entry.expect("an entry").path());
    let segment = { names.find(|name| fs::metadata(name).expect("a file").len() > 4 << 20) }.expect("entries");
    for threads in [1, 2] {
        let meddling = Meddling { segment: segment.clone(), done: AtomicBool::new(false) };
        let options =
            VerifyOptions { level: Level::Authority, replay: Some(&meddling), threads, ..VerifyOptions::default() };
        let error = ledger::verify(&path, &options, &mut |_, _| Ok(())).expect_err("the bytes were others");
        assert!(matches!(error, Error::LedgerCorrupt { reason, .. } if reason.contains("changed")), "{error:?}");
        // The same bit once more: whole again.
        let repaired = Meddling { segment: segment.clone(), done: AtomicBool::new(false) };
        drop(ledger::Replay::read(&repaired, &[]));
    }
}

#[test]
fn a_tail_that_goes_before_it_is_replayed_is_missed() {
    let scratch = Scratch::new();
    let (path, _) = made(&scratch, HashAlgorithm::Sha256);
    let mut cut = false;
    let result = authority::verify(&path, &VerifyOptions::default(), &mut |done, total| {
        if done == total && !cut {
            cut = true;
            for file in fs::read_dir(path.join("wal")).expect("a log") {
                let file = fs::OpenOptions::new().write(true).open(file.expect("an entry").path());
                file.and_then(|file| file.set_len(0)).expect("cuts");
            }
        }
        Ok(())
    });
    assert!(cut, "the tail was verified");
    assert!(matches!(result, Err(Error::LedgerCorrupt { reason, .. }) if reason.contains("changed")), "{result:?}");
}
