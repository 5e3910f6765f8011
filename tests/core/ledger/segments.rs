//! Sealed segments, small ones of 256 entries: what they hold, proofs across them, crashes while they are made, damage.

use std::fs;
use std::path::Path;

use sealcore::Error;
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::proof::{verify_consistency, verify_inclusion};
use sealcore::ledger::{
    Anchor, Checkpoint, EntryType, FindingKind as Kind, KeyChange, Ledger, LedgerReader, Level, Recovery, Redaction,
    Summary, Synthetic, VerifyOptions, generate, sealed_segments, verify, verify_segment,
};
use sealcore::sign::Algorithm;

use crate::verify::check;
use crate::world::{HASHES, Scratch, World, copy, frame_ranges, key, records};

const BITS: u32 = 8;

impl World {
    /// A ledger with small segments, `count` statements in batches of growing size, and two keys more.
    pub(crate) fn segmented(&self, path: &Path, count: usize) -> Ledger {
        let genesis = self.genesis().with_segment_bits(BITS).expect("bits");
        let ledger = Ledger::create(path, &genesis, &self.ledger_key).expect("creates");
        let add = |key: &sealcore::sign::SigningKey| KeyChange::Add { key: key.verifying_key(), label: Some([7; 32]) };
        let both = vec![self.change(&ledger, &add(&self.sm2)), self.change(&ledger, &add(&self.p256))];
        ledger.append_many(both).expect("appends");
        let (mut made, mut batch) = (0, 1);
        while made < count {
            let size = batch.min(count - made);
            let kind = EntryType::Statement;
            let statements = (made..made + size).map(|i| match i % 3 {
                0 => self.statement(&format!("statement {i}")),
                1 => self.sign(kind, 2, format!("by SM2 {i}").as_bytes(), &self.sm2),
                _ => self.sign(kind, 3, &vec![0x61; i % 97 + 1], &self.p256),
            });
            let receipts = ledger.append_many(statements.collect()).expect("appends");
            for receipt in receipts.iter().step_by(1 + size / 3) {
                receipt.verify(self.hash, ledger.note_key()).expect("verifies");
            }
            (made, batch) = (made + size, batch * 2 + 1);
        }
        ledger
    }
}

fn files(path: &Path, folder: &str) -> Vec<String> {
    let list = fs::read_dir(path.join(folder)).expect("list");
    let mut names: Vec<_> =
        list.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn whole_segments_are_sealed_and_everything_can_still_be_read() {
    for hash in HASHES {
        let scratch = Scratch::new();
        let (path, world) = (scratch.join("ledger"), World::new(hash));
        let ledger = world.segmented(&path, 1100);
        let size = ledger.size().expect("size");
        // Genesis, two keys, 1100 statements and the SEGMENT entries at 256, 512, 768 and 1024.
        assert_eq!(size, 1107);
        assert_eq!(files(&path, "wal"), ["4.wal"]);
        let sealed: Vec<String> = (0..4).flat_map(|n| [format!("{n}.slg"), format!("{n}.slh")]).collect();
        assert_eq!(files(&path, "seg"), sealed);
        assert_eq!(fs::metadata(path.join("seg/0.slh")).expect("stat").len(), 8192 + 32);
        let reader = LedgerReader::open(&path).expect("reads");
        assert_eq!(reader.keys(), ledger.keys().expect("keys"));
        let root = reader.checkpoint().root;
        assert_eq!(ledger.root_at(size), Ok(root));
        let mut prev = [0; 32];
        for (index, stored) in (0..).zip(reader.entries(0..u64::MAX)) {
            let stored = stored.expect("reads");
            let entry = stored.view().expect("parses");
            assert_eq!((entry.index(), entry.prev()), (index, prev));
            assert_eq!((entry.kind() == EntryType::Segment), index > 0 && index % 256 == 0, "{index}");
            entry.check_signature(&reader.keys()[entry.key_idx() as usize].key).expect("signature");
            prev = entry.leaf_hash(hash);
            assert_eq!(reader.leaf_hash(index), Ok(prev));
            assert_eq!(ledger.entry(index).as_ref(), Ok(&stored));
            let file = fs::read(path.join(stored.file())).expect("read");
            assert_eq!(&file[stored.offset() as usize..][..stored.bytes().len()], stored.bytes());
            if index % 29 == 0 || index % 256 < 2 {
                for size in [index + 1, size.min(index + 300), size] {
                    let proof = reader.inclusion_proof(index, size).expect("proof");
                    let root = reader.root_at(size).expect("root");
                    verify_inclusion(hash, index, size, &prev, &proof, &root).expect("verifies");
                    assert_eq!(ledger.inclusion_proof(index, size), Ok(proof));
                    let proof = reader.consistency_proof(index + 1, size).expect("proof");
                    let old = reader.root_at(index + 1).expect("root");
                    verify_consistency(hash, index + 1, size, &old, &proof, &root).expect("verifies");
                }
            }
        }
        let report = check(&path);
        assert_eq!((report.findings.len(), report.size, report.signatures_checked), (0, size, size));
        assert_eq!(report.entries, [1, 1100, 2, 0, 0, 4, 0, 0]);
        // The files of hashes are a convenience.
        fs::remove_file(path.join("seg/1.slh")).expect("remove");
        fs::write(path.join("seg/2.slh"), vec![0; 100]).expect("write");
        let reader = LedgerReader::open(&path).expect("reads");
        for index in [300, 600] {
            let proof = reader.inclusion_proof(index, size).expect("proof");
            verify_inclusion(hash, index, size, &reader.leaf_hash(index).expect("leaf"), &proof, &root)
                .expect("proves");
            reader.entry(index).expect("reads");
        }
        // And it goes on.
        drop(ledger);
        let ledger = world.open(&path).expect("opens");
        assert_eq!((ledger.recovery(), ledger.size()), (Recovery::default(), Ok(size)));
        let more = (0..400).map(|i| world.statement(&format!("more {i}"))).collect();
        assert_eq!(ledger.append_many(more).expect("appends").last().map(|r| r.index), Some(1507));
        assert_eq!(files(&path, "wal"), ["5.wal"]);
    }
}

#[test]
fn a_reader_follows_over_segments() {
    let scratch = Scratch::new();
    let (path, world) = (scratch.join("ledger"), World::new(HashAlgorithm::Sha256));
    let ledger = world.segmented(&path, 100);
    let mut reader = LedgerReader::open(&path).expect("reads");
    for round in 0..8 {
        let old = reader.checkpoint().clone();
        ledger.append_many(vec![world.statement("on and on"); 60 + round * 40]).expect("appends");
        assert_eq!(reader.refresh(), Ok(true));
        let new = reader.checkpoint().clone();
        let proof = reader.consistency_proof(old.size, new.size).expect("proof");
        verify_consistency(world.hash, old.size, new.size, &old.root, &proof, &new.root).expect("extends");
        assert_eq!(reader.entry(old.size).expect("reads").view().expect("parses").index(), old.size);
    }
    // One batch over several segments is one commit.
    let before = ledger.size().expect("size");
    let receipts = ledger.append_many(vec![world.statement("a large batch"); 1000]).expect("appends");
    let notes: std::collections::BTreeSet<_> = receipts.iter().map(|receipt| receipt.checkpoint.clone()).collect();
    assert_eq!(notes.len(), 1);
    for receipt in &receipts {
        receipt.verify(world.hash, ledger.note_key()).expect("verifies");
    }
    assert!(ledger.size().expect("size") > before + 1002);
    assert_eq!(check(&path).findings, []);
}

/// Sealing can stop after each of its steps, and is done again.
#[test]
fn sealing_is_done_again_after_a_crash() {
    let world = World::new(HashAlgorithm::Sha256);
    let scratch = Scratch::new();
    let before = scratch.join("before");
    drop(world.segmented(&before, 250));
    let after = scratch.join("after");
    copy(&before, &after);
    let ledger = world.open(&after).expect("opens");
    // Stop in the middle of sealing: the old log, with a record that crosses the border, is still there.
    ledger.append_many(vec![world.statement("over the border"); 20]).expect("appends");
    drop(ledger);
    let whole = fs::read(before.join("wal/0.wal")).expect("read");
    let note = fs::read(after.join("checkpoint")).expect("read");
    let reader = LedgerReader::open(&after).expect("reads");
    let size = reader.size();
    let entries: Vec<Vec<u8>> = (253..size).map(|index| reader.entry(index).expect("reads").bytes().to_vec()).collect();
    let log = fs::read(after.join("checkpoints.log")).expect("read");
    let at = frame_ranges(&log).last().expect("a note").start as u64;
    let old_log = [whole, crate::world::record(253, &entries, at, &note)].concat();
    assert_eq!(
        records(&old_log).last().expect("a record").entries.len(),
        entries.iter().map(|e| e.len() + 2).sum::<usize>()
    );
    let segment =
        [fs::read(after.join("seg/0.slg")), fs::read(after.join("seg/0.slh"))].map(|file| file.expect("read"));
    for step in 0..5 {
        let path = scratch.join(&format!("step-{step}"));
        copy(&after, &path);
        fs::write(path.join("wal/0.wal"), &old_log).expect("write");
        if step < 4 {
            fs::remove_file(path.join("wal/1.wal")).expect("remove");
        }
        if step < 3 {
            fs::remove_file(path.join("seg/0.slh")).expect("remove");
        }
        match step {
            0 => fs::remove_file(path.join("seg/0.slg")).expect("remove"),
            1 => {
                fs::remove_file(path.join("seg/0.slg")).expect("remove");
                fs::write(path.join("seg/0.slg.new"), &segment[0][..5000]).expect("write");
            }
            _ => {}
        }
        let seen = LedgerReader::open(&path).expect("reads before it is repaired");
        assert_eq!((seen.size(), seen.checkpoint()), (size, reader.checkpoint()), "{step}");
        assert_eq!(check(&path).findings, [], "{step}");
        let ledger = world.open(&path).expect("opens");
        assert_eq!((ledger.size(), ledger.recovery()), (Ok(size), Recovery::default()), "{step}");
        ledger.append(world.statement("and on")).expect("appends");
        drop(ledger);
        assert_eq!(files(&path, "wal"), ["1.wal"], "{step}");
        assert_eq!(fs::read(path.join("seg/0.slg")).expect("read"), segment[0]);
        assert_eq!(fs::read(path.join("seg/0.slh")).expect("read"), segment[1]);
        assert_eq!(check(&path).findings, [], "{step}");
    }
    // A segment of that number that is another one is never overwritten.
    let path = scratch.join("other");
    copy(&after, &path);
    fs::remove_file(path.join("wal/1.wal")).expect("remove");
    fs::write(path.join("wal/0.wal"), &old_log).expect("write");
    let mut other = segment[0].clone();
    other[5000] ^= 1;
    fs::write(path.join("seg/0.slg"), &other).expect("write");
    assert!(matches!(world.open(&path), Err(Error::LedgerCorrupt { offset: 5000, .. })));
    assert_eq!(fs::read(path.join("seg/0.slg")).expect("read"), other);
}

/// Every byte of a segment's files: damage is found, and what is read is what was signed.
#[test]
fn flips_in_a_segment_are_found() {
    let world = World::new(HashAlgorithm::Sha256);
    let scratch = Scratch::new();
    let path = scratch.join("ledger");
    drop(world.segmented(&path, 600));
    let good = fs::read(path.join("seg/0.slg")).expect("read");
    let end = good.len() - 128 - 16;
    // The header is one value; entries here and there, the offsets and the footer byte for byte.
    let places = (0..4096).step_by(97).chain((4096..end).step_by(211)).chain(end..good.len());
    for at in places {
        let mut flipped = good.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(path.join("seg/0.slg"), &flipped).expect("write");
        let report = check(&path);
        assert!(report.findings.iter().any(|f| f.file == "seg/0.slg"), "byte {at}: {:?}", report.findings);
        if !(4096..end).contains(&at) {
            assert_eq!(report.findings[0].kind, Kind::FrameDamaged, "byte {at}");
            assert!(LedgerReader::open(&path).is_err(), "byte {at}");
        } else if let Ok(reader) = LedgerReader::open(&path) {
            let all: Result<Vec<_>, _> = reader.entries(0..256).collect();
            assert!(all.is_err(), "byte {at}: read as if nothing were");
        }
    }
    fs::write(path.join("seg/0.slg"), &good).expect("write");
    assert_eq!(check(&path).findings, []);
    fs::remove_file(path.join("seg/0.slg")).expect("remove");
    let report = check(&path);
    assert_eq!((report.findings[0].kind, report.findings[0].file.as_str()), (Kind::MissingFile, "seg/0.slg"));
    assert!(world.open(&path).is_err());
}

/// Segments are verified by themselves, in any order and grouping, and the report is the same.
#[test]
fn summaries_join_in_any_grouping() {
    for hash in HASHES {
        let scratch = Scratch::new();
        let (path, world) = (scratch.join("ledger"), World::new(hash));
        drop(world.segmented(&path, 1800));
        let plain = check(&path);
        assert_eq!(sealed_segments(&path), Ok(7));
        let one = |number| verify_segment(&path, number, Level::Signatures).expect("runs").expect("nothing is wrong");
        let all: Vec<Summary> = (0..7).map(one).collect();
        for summary in &all {
            assert_eq!(Summary::decode(&summary.encode().expect("encodes")).as_ref(), Ok(summary));
        }
        let join = |range: std::ops::Range<usize>| {
            let mut joined = all[range.start].clone();
            all[range][1..].iter().for_each(|right| joined.merge(right).expect("neighbours"));
            joined
        };
        // Every way to cut seven segments into runs, and to join the runs.
        for cuts in 0u32..1 << 6 {
            let mut runs = Vec::new();
            let mut start = 0;
            for place in 1..=7 {
                if place == 7 || cuts >> (place - 1) & 1 == 1 {
                    runs.push(join(start..place));
                    start = place;
                }
            }
            let mut joined = runs[0].clone();
            runs[1..].iter().for_each(|right| joined.merge(right).expect("neighbours"));
            assert_eq!(joined, join(0..7));
            let mut options = VerifyOptions { summaries: &runs, ..VerifyOptions::default() };
            assert_eq!(verify(&path, &options, &mut |_, _| Ok(())).as_ref(), Ok(&plain));
            // A machine that failed leaves a gap: it is verified here.
            options.summaries = &runs[runs.len() / 2..];
            assert_eq!(verify(&path, &options, &mut |_, _| Ok(())).as_ref(), Ok(&plain));
        }
        assert_eq!(plain.summary, Some(join(0..7)));
        // What does not follow is not joined.
        assert!(all[0].clone().merge(&all[2]).is_err());
        assert!(all[1].clone().merge(&all[0]).is_err());
        let mut bytes = all[1].encode().expect("encodes");
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            if let Ok(other) = Summary::decode(&bytes) {
                assert_ne!(other, all[1]);
            }
            bytes[at] ^= 1;
        }
        // It goes on from a summary, and sees when the segments are others.
        let ledger = world.open(&path).expect("opens");
        ledger.append_many(vec![world.statement("later"); 700]).expect("appends");
        drop(ledger);
        let kept = [plain.summary.clone().expect("a summary")];
        let options = VerifyOptions { summaries: &kept, ..VerifyOptions::default() };
        let resumed = verify(&path, &options, &mut |_, _| Ok(())).expect("runs");
        assert_eq!(resumed, check(&path));
        assert!(resumed.summary.as_ref().is_some_and(|summary| summary.end() > kept[0].end()));
        let other = scratch.join("other");
        let ledger = world.segmented(&other, 1700);
        ledger.append_many(vec![world.statement("another history"); 300]).expect("appends");
        drop(ledger);
        let report = verify(&other, &options, &mut |_, _| Ok(())).expect("runs");
        assert!(report.findings.iter().any(|f| f.kind == Kind::ChangedSinceSummary), "{:?}", report.findings);
    }
}

#[test]
fn levels() {
    let scratch = Scratch::new();
    let (path, world) = (scratch.join("ledger"), World::new(HashAlgorithm::Sha256));
    drop(world.segmented(&path, 600));
    let at =
        |level| verify(&path, &VerifyOptions { level, ..VerifyOptions::default() }, &mut |_, _| Ok(())).expect("runs");
    let full = at(Level::Signatures);
    for level in [Level::Structure, Level::Tree, Level::Checkpoints, Level::Signatures] {
        let report = at(level);
        assert_eq!((report.findings.len(), report.level, report.root), (0, level, full.root));
        let assurance = if level == Level::Structure { "well-formed" } else { "internally consistent" };
        assert_eq!(report.assurance.name(), assurance);
        assert_eq!((report.size, report.entries, report.bytes), (full.size, full.entries, full.bytes));
        // Those of the newest entries are checked at level 3 only, too.
        assert_eq!(report.signatures_checked, if level == Level::Signatures { full.size } else { 0 });
        assert_eq!(Level::from_number(level.number()), Ok(level));
        // Less than what is asked for is not taken.
        let kept = [report.summary.expect("a summary")];
        let options = VerifyOptions { summaries: &kept, ..VerifyOptions::default() };
        assert_eq!(verify(&path, &options, &mut |_, _| Ok(())).as_ref(), Ok(&full));
    }
    assert!(Level::from_number(5).is_err());
    let replaying = VerifyOptions { level: Level::Authority, ..VerifyOptions::default() };
    assert!(matches!(
        verify(&path, &replaying, &mut |_, _| Ok(())),
        Err(Error::InvalidArgument { field: "level", .. })
    ));
    // An entry whose signature somebody replaced, in a ledger that he rebuilt with the operator's key.
    let checkpoints = fs::read(path.join("checkpoints.log")).expect("read");
    fs::write(path.join("checkpoints.log"), &checkpoints[..checkpoints.len() / 2]).expect("write");
    assert_eq!(at(Level::Tree).findings, []);
    assert_ne!(at(Level::Checkpoints).findings, []);
}

/// A segment's hash file: every tile is compared; the finding says where.
#[test]
fn flips_in_the_hashes_are_found() {
    let scratch = Scratch::new();
    let (path, world) = (scratch.join("ledger"), World::new(HashAlgorithm::Sm3));
    drop(world.segmented(&path, 600));
    let good = fs::read(path.join("seg/1.slh")).expect("read");
    let expect = |offset: u64| {
        let found: Vec<_> = check(&path).findings.into_iter().map(|f| (f.kind, f.file, f.offset)).collect();
        assert_eq!(found, [(Kind::HashesAltered, "seg/1.slh".to_owned(), offset)]);
    };
    for at in (0..good.len()).step_by(131).chain(8192..good.len()) {
        let mut flipped = good.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(path.join("seg/1.slh"), &flipped).expect("write");
        expect(at as u64);
    }
    fs::write(path.join("seg/1.slh"), &good[..100]).expect("write");
    expect(100);
    fs::write(path.join("seg/1.slh"), [good.clone(), vec![0]].concat()).expect("write");
    expect(good.len() as u64);
    fs::remove_file(path.join("seg/1.slh")).expect("remove");
    expect(0);
}

/// What is done to entries of a sealed segment is named as precisely as in the log.
#[test]
fn tampering_in_a_segment_is_named() {
    let scratch = Scratch::new();
    let (path, world) = (scratch.join("ledger"), World::new(HashAlgorithm::Sha256));
    drop(world.segmented(&path, 900));
    let good = fs::read(path.join("seg/1.slg")).expect("read");
    let end = good.len() - 128 - 16;
    let entries: Vec<Vec<u8>> =
        frame_ranges(&good[4096..end]).into_iter().map(|f| good[4096 + f.start + 2..4096 + f.end].to_vec()).collect();
    // Header, offsets and footer are made to fit: only the entries are left to tell.
    let rebuilt = |list: &[Vec<u8>]| {
        let body: Vec<u8> = list.iter().flat_map(|e| [&(e.len() as u16).to_be_bytes()[..], e].concat()).collect();
        let mut out = [&good[..4096], &body].concat();
        let mut rest = [4096u64.to_be_bytes(), (out.len() as u64).to_be_bytes()].concat();
        rest.extend_from_slice(&good[good.len() - 128..good.len() - 12]);
        let crc = crate::world::crc32c(&[&good[..4096], &rest].concat());
        out.extend(rest);
        out.extend(crc.to_be_bytes());
        out.extend(b"sealend1");
        fs::write(path.join("seg/1.slg"), out).expect("write");
        let report = check(&path);
        report.findings.iter().map(|f| (f.kind, f.index, f.field)).collect::<Vec<_>>()
    };
    assert_eq!(rebuilt(&entries), []);
    let with = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut list = entries.clone();
        change(&mut list);
        rebuilt(&list)
    };
    for place in [1usize, 7, 100, 254] {
        let index = Some(256 + place as u64);
        let flip = |at: usize| with(&|list: &mut Vec<Vec<u8>>| list[place][at] ^= 1);
        assert_eq!(flip(160), [(Kind::StatementMismatch, index, "body"), (Kind::EntryAltered, index, "entry")]);
        let signed: std::collections::BTreeSet<_> = flip(100).into_iter().map(|(kind, at, _)| (kind, at)).collect();
        assert_eq!(signed, [(Kind::SignatureInvalid, index), (Kind::EntryAltered, index)].into());
        // The lowest bit of the time: the entry may now be before the one before it.
        let timed = flip(23);
        assert!(timed.iter().all(|(kind, at, _)| {
            matches!(kind, Kind::EntryAltered | Kind::TimeBackwards) && (*at == index || *at == index.map(|i| i + 1))
        }));
        assert!(timed.iter().any(|(kind, at, _)| (*kind, *at) == (Kind::EntryAltered, index)), "{timed:?}");
        assert_eq!(with(&|list| drop(list.remove(place))), [(Kind::Deleted, index, "entry")]);
        assert_eq!(
            with(&|list: &mut Vec<Vec<u8>>| list.insert(place, list[place].clone())),
            [(Kind::Duplicated, index, "entry")]
        );
        let swapped = with(&|list: &mut Vec<Vec<u8>>| list.swap(place, place - 1));
        assert!(swapped.iter().any(|(kind, _, _)| matches!(kind, Kind::Moved | Kind::SegmentInvalid)), "{swapped:?}");
    }
    assert_eq!(with(&|list| list.truncate(200)), [(Kind::Truncated, Some(456), "entry")]);
    // The last entry, also where its time is now before that of the entry before it.
    let last = with(&|list: &mut Vec<Vec<u8>>| list[255][23] ^= 1);
    assert!(last.iter().any(|(kind, at, _)| (*kind, *at) == (Kind::EntryAltered, Some(511))), "{last:?}");
    let backwards = with(&|list: &mut Vec<Vec<u8>>| list[255][16..24].fill(0));
    assert_eq!(backwards, [(Kind::TimeBackwards, Some(511), "time"), (Kind::EntryAltered, Some(511), "entry")]);
}

/// A synthetic ledger is like any other, and the same for the same seed but for its times and signatures.
#[test]
fn synthetic_ledgers() {
    let scratch = Scratch::new();
    for (hash, algorithm) in [(HashAlgorithm::Sha256, Algorithm::P256), (HashAlgorithm::Sm3, Algorithm::Sm2)] {
        let shape =
            Synthetic { entries: 3000, keys: 5, algorithm, hash, seed: 7, length: 400, batch: 700, segment_bits: 16 };
        let path = scratch.join(hash.name());
        let mut steps = Vec::new();
        generate(&path, &shape, &mut |done, total| {
            steps.push((done, total));
            Ok(())
        })
        .expect("generates");
        assert_eq!(steps, [(700, 3000), (1400, 3000), (2100, 3000), (2800, 3000), (3000, 3000)]);
        let report = check(&path);
        assert_eq!((report.findings.len(), report.size), (0, 3006));
        let reader = LedgerReader::open(&path).expect("reads");
        for (index, stored) in (6..).zip(reader.entries(6..3006)) {
            let stored = stored.expect("reads");
            assert_eq!(stored.bytes().len(), 400);
            assert_eq!(stored.view().expect("parses").key_idx(), 2 + (index - 6) % 5);
        }
        assert_eq!(reader.keys()[3].key, shape.key(3).expect("a key").verifying_key());
        // Its keys are known, so it can be written on.
        let ledger = Ledger::open(&path, &shape.key(0).expect("a key")).expect("opens");
        ledger.append(ledger.sign(EntryType::Statement, b"on".to_vec()).expect("signs")).expect("appends");
        for length in [250, 251, 300, 515, 516, 517, 600, 65_535] {
            let shape = Synthetic { entries: 2, length, ..shape };
            let path = scratch.join(&format!("{}-{length}", hash.name()));
            generate(&path, &shape, &mut |_, _| Ok(())).expect("generates");
            let reader = LedgerReader::open(&path).expect("reads");
            // One length cannot be had: where the head of the padding grows.
            let made = reader.entry(7).expect("reads").bytes().len();
            assert!(made == length || made + 1 == length, "{length}: {made}");
        }
        for wrong in [
            Synthetic { keys: 0, ..shape },
            Synthetic { length: 249, ..shape },
            Synthetic { length: 65_536, ..shape },
            Synthetic { batch: 0, ..shape },
            Synthetic { segment_bits: 7, ..shape },
        ] {
            let made = generate(&scratch.join("wrong"), &wrong, &mut |_, _| Ok(()));
            assert!(matches!(made, Err(Error::InvalidArgument { .. })));
        }
    }
}

/// SEGMENT entries carry the key table; the other types of the ledger's own are judged by their form.
#[test]
fn the_ledgers_own_entries() {
    let world = World::new(HashAlgorithm::Sm3);
    let scratch = Scratch::new();
    let path = scratch.join("ledger");
    let ledger = world.segmented(&path, 10);
    let id = *ledger.id();
    let founder = |kind, body: Vec<u8>| world.sign(kind, 1, &body, &world.founder);
    let statement = ledger.entry(4).expect("reads").view().expect("parses").statement();
    let redaction = Redaction { entry: 4, statement, fields: vec![[1; 32], [2; 32]], reason: Some([3; 32]) };
    let body = redaction.encode(&id).expect("encodes");
    assert_eq!(Redaction::decode(&body, &id).as_ref(), Ok(&redaction));
    let index = ledger.append(founder(EntryType::Redact, body.clone())).expect("appends").index;
    assert_eq!(ledger.entry(index).expect("reads").view().expect("parses").kind(), EntryType::Redact);
    let checkpoint =
        Checkpoint::open(ledger.checkpoint_note().expect("note").as_bytes(), ledger.note_key()).expect("ok");
    let anchor =
        Anchor { size: checkpoint.size, root: checkpoint.root, form: "rfc3161".into(), token: b"a token".to_vec() };
    let anchored = anchor.encode(&id).expect("encodes");
    assert_eq!(Anchor::decode(&anchored, &id).as_ref(), Ok(&anchor));
    ledger.append(founder(EntryType::Anchor, anchored.clone())).expect("appends");
    let ahead = |size| Anchor { size, ..anchor.clone() }.encode(&id).expect("encodes");
    let later = Redaction { entry: 10_000, ..redaction.clone() }.encode(&id).expect("encodes");
    for (kind, body) in [
        (EntryType::Redact, later),
        (EntryType::Redact, anchored.clone()),
        (EntryType::Anchor, body),
        (EntryType::Anchor, ahead(0)),
        (EntryType::Anchor, ahead(10_000)),
        (EntryType::Anchor, anchor.encode(&[0; 32]).expect("encodes")),
    ] {
        assert!(ledger.append(founder(kind, body)).is_err());
    }
    for wrong in [vec![], vec![[2; 32], [1; 32]], vec![[1; 32], [1; 32]], vec![[0; 32]; 257]] {
        assert!(Redaction { fields: wrong, ..redaction.clone() }.encode(&id).is_err());
    }
    assert!(Anchor { form: String::new(), ..anchor.clone() }.encode(&id).is_err());
    assert!(Anchor { token: vec![0; 60_001], ..anchor.clone() }.encode(&id).is_err());
    // A key hands over to the next one with its own signature, and with no other.
    let next = key(Algorithm::Sm2, 0x66);
    let rotate = |key_idx| KeyChange::Rotate { key_idx, key: next.verifying_key(), label: None };
    let body = |key_idx| rotate(key_idx).encode(&id).expect("encodes");
    assert!(ledger.append(founder(EntryType::KeyRotate, body(2))).is_err());
    assert!(ledger.append(world.sign(EntryType::KeyAdd, 2, &body(2), &world.sm2)).is_err());
    assert!(ledger.append(ledger.sign(EntryType::KeyRotate, body(0)).expect("signs")).is_err());
    let at = ledger.append(world.sign(EntryType::KeyRotate, 2, &body(2), &world.sm2)).expect("appends").index;
    assert!(ledger.append(world.sign(EntryType::Statement, 2, b"the old key", &world.sm2)).is_err());
    ledger.append(world.sign(EntryType::Statement, 4, b"the new key", &next)).expect("appends");
    let keys: Vec<_> = ledger.keys().expect("keys").iter().map(|row| (row.from, row.until)).collect();
    assert_eq!(keys, [(0, None), (1, None), (2, Some(at)), (3, None), (at + 1, None)]);
    // After a segment the table comes from its SEGMENT entry, as many parts as it takes.
    let change = |n: u16| {
        let mut scalar = [9; 32];
        scalar[30..].copy_from_slice(&n.to_be_bytes());
        let key = sealcore::sign::SigningKey::from_bytes(Algorithm::P256, &scalar).expect("in range");
        world.change(&ledger, &KeyChange::Add { key: key.verifying_key(), label: None })
    };
    ledger.append_many((0..700).map(change).collect()).expect("appends");
    drop(ledger);
    let reader = LedgerReader::open(&path).expect("reads");
    assert_eq!((reader.keys().len(), reader.keys()[2].until, reader.keys()[4].from), (705, Some(at), at + 1));
    let kinds = |range: std::ops::Range<u64>| -> Vec<_> {
        reader.entries(range).map(|e| e.expect("reads").view().expect("parses").kind()).collect()
    };
    assert_eq!(kinds(511..515), [EntryType::KeyAdd, EntryType::Segment, EntryType::KeyAdd, EntryType::KeyAdd]);
    assert_eq!(check(&path).findings, []);
    let ledger = world.open(&path).expect("opens");
    ledger.append_many(vec![world.statement("on"); 100]).expect("appends");
    let kinds: Vec<_> =
        (768..771).map(|index| ledger.entry(index).expect("reads").view().expect("parses").kind()).collect();
    assert_eq!(kinds, [EntryType::Segment, EntryType::Segment, EntryType::Statement]);
    assert_eq!(check(&path).findings, []);
}
