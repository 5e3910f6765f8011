//! Writing and reading: receipts, reopening, the lock, what is refused.

use std::fs;
use std::sync::Arc;

use sealcore::Error;
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::merkle::leaf_hash;
use sealcore::ledger::proof::{verify_consistency, verify_inclusion};
use sealcore::ledger::{
    Checkpoint, EntryType, FOUNDER_KEY, Genesis, KeyChange, Ledger, LedgerReader, MAX_BODY_LENGTH, NewEntry, Recovery,
    statement_message,
};
use sealcore::sign::{Algorithm, Signature};

use crate::world::{HASHES, ORIGIN, Scratch, World, key};

#[test]
fn a_ledger_is_written_read_and_proven() {
    for hash in HASHES {
        let scratch = Scratch::new();
        let path = scratch.join("ledger");
        let world = World::new(hash);
        world.small_ledger(&path);
        let reader = LedgerReader::open(&path).expect("reads");
        assert_eq!(reader.size(), 12);
        assert_eq!(reader.genesis(), &world.genesis());
        assert_eq!(*reader.id(), world.genesis().id().expect("id"));
        let note = Checkpoint::open(
            reader.checkpoint_note().as_bytes(),
            &sealcore::ledger::NoteKey::new(ORIGIN, world.ledger_key.verifying_key()).expect("name"),
        );
        assert_eq!(note.as_ref(), Ok(reader.checkpoint()));
        let mut prev = [0; 32];
        let mut time = 0;
        for (index, stored) in (0..).zip(reader.entries(0..u64::MAX)) {
            let stored = stored.expect("reads");
            let entry = stored.view().expect("parses");
            assert_eq!((entry.index(), entry.prev()), (index, prev));
            assert!(entry.time() >= time);
            entry.check_statement(hash).expect("stmt");
            let key = reader.keys()[entry.key_idx() as usize];
            assert!(key.in_force(index));
            entry.check_signature(&key.key).expect("signature");
            // The signature as its author made it, over the public message.
            let signature = Signature::from_bytes(&entry.signature()).expect("64 bytes");
            key.key.verify(&statement_message(hash, entry.body()), &signature).expect("signature");
            (prev, time) = (leaf_hash(hash, stored.bytes()), entry.time());
            assert_eq!(reader.leaf_hash(index), Ok(prev));
            for size in index + 1..=reader.size() {
                let proof = reader.inclusion_proof(index, size).expect("proof");
                let root = reader.root_at(size).expect("root");
                verify_inclusion(hash, index, size, &prev, &proof, &root).expect("verifies");
                let proof = reader.consistency_proof(index + 1, size).expect("proof");
                let old = reader.root_at(index + 1).expect("root");
                verify_consistency(hash, index + 1, size, &old, &proof, &root).expect("verifies");
            }
        }
        let kinds: Vec<_> = reader.entries(0..5).map(|e| e.expect("reads").view().expect("parses").kind()).collect();
        use EntryType::{Genesis as G, KeyAdd, Statement};
        assert_eq!(kinds, [G, Statement, KeyAdd, KeyAdd, Statement]);
        let keys: Vec<_> = reader.keys().iter().map(|row| (row.from, row.until)).collect();
        assert_eq!(keys, [(0, None), (1, None), (3, Some(6)), (4, None)]);
        assert!(reader.entry(12).is_err());
        assert!(reader.inclusion_proof(0, 13).is_err());
        assert!(reader.inclusion_proof(5, 5).is_err());
        assert!(reader.consistency_proof(0, 5).is_err());
    }
}

/// Across the borders of bundles (256 entries) every receipt verifies, and so does every later proof.
#[test]
fn receipts_and_proofs_of_many_bundles() {
    let scratch = Scratch::new();
    let path = scratch.join("ledger");
    let world = World::new(HashAlgorithm::Sha256);
    let ledger = world.create(&path);
    let one = world.statement("again and again");
    let mut receipts = Vec::new();
    for count in [1, 2, 251, 1, 1, 3, 255, 256, 257, 513] {
        receipts.extend(ledger.append_many(vec![one.clone(); count]).expect("appends"));
    }
    let size = ledger.size().expect("size");
    assert_eq!(size, 1541);
    for (index, receipt) in (1..).zip(&receipts) {
        assert_eq!(receipt.index, index);
        receipt.verify(world.hash, ledger.note_key()).expect("verifies");
        let mut other = receipt.clone();
        other.index -= 1;
        assert!(matches!(other.verify(world.hash, ledger.note_key()), Err(Error::InvalidProof { .. })));
    }
    let reader = LedgerReader::open(&path).expect("reads");
    let root = reader.checkpoint().root;
    for receipt in receipts.iter().step_by(17) {
        let then = Checkpoint::open(receipt.checkpoint.as_bytes(), ledger.note_key()).expect("opens");
        assert_eq!(reader.root_at(then.size), Ok(then.root));
        assert_eq!(ledger.root_at(then.size), Ok(then.root));
        let proof = reader.consistency_proof(then.size, size).expect("proof");
        assert_eq!(ledger.consistency_proof(then.size, size).as_ref(), Ok(&proof));
        verify_consistency(world.hash, then.size, size, &then.root, &proof, &root).expect("verifies");
        for at in [receipt.index + 1, then.size, size] {
            let proof = reader.inclusion_proof(receipt.index, at).expect("proof");
            assert_eq!(ledger.inclusion_proof(receipt.index, at).as_ref(), Ok(&proof));
            verify_inclusion(
                world.hash,
                receipt.index,
                at,
                &receipt.leaf_hash,
                &proof,
                &reader.root_at(at).expect("root"),
            )
            .expect("verifies");
        }
        assert_eq!(reader.entry(receipt.index), ledger.entry(receipt.index));
    }
}

#[test]
fn reopening_goes_on_where_it_ended() {
    for hash in HASHES {
        let scratch = Scratch::new();
        let path = scratch.join("ledger");
        let world = World::new(hash);
        world.small_ledger(&path);
        let mut reader = LedgerReader::open(&path).expect("reads");
        assert_eq!(reader.refresh(), Ok(false));
        let old = reader.checkpoint().clone();
        for round in 0..3 {
            let ledger = world.open(&path).expect("opens");
            assert_eq!(ledger.recovery(), Recovery::default());
            let receipt = ledger.append(world.statement("more")).expect("appends");
            assert_eq!(receipt.index, old.size + round);
        }
        assert_eq!(reader.refresh(), Ok(true));
        let new = reader.checkpoint().clone();
        assert_eq!(new.size, old.size + 3);
        let proof = reader.consistency_proof(old.size, new.size).expect("proof");
        verify_consistency(hash, old.size, new.size, &old.root, &proof, &new.root).expect("verifies");
    }
}

#[test]
fn one_writer_at_a_time() {
    let scratch = Scratch::new();
    let path = scratch.join("ledger");
    let world = World::new(HashAlgorithm::Sha256);
    let ledger = world.create(&path);
    assert_eq!(world.open(&path).err(), Some(Error::LedgerLocked));
    assert_eq!(LedgerReader::open(&path).expect("readers need no lock").size(), 1);
    drop(ledger);
    assert!(world.open(&path).is_ok());
}

#[test]
fn creating_is_refused_where_something_stands() {
    let scratch = Scratch::new();
    let world = World::new(HashAlgorithm::Sm3);
    let create = |name: &str| Ledger::create(&scratch.join(name), &world.genesis(), &world.ledger_key).map(|_| ());
    fs::create_dir(scratch.join("empty")).expect("mkdir");
    assert_eq!(create("empty"), Ok(()));
    assert!(matches!(create("empty"), Err(Error::InvalidArgument { field: "path", .. })));
    fs::create_dir(scratch.join("full")).expect("mkdir");
    fs::write(scratch.join("full/letter"), b"dear").expect("write");
    assert!(matches!(create("full"), Err(Error::InvalidArgument { field: "path", .. })));
    assert_eq!(fs::read(scratch.join("full/letter")).expect("kept"), b"dear");
    fs::write(scratch.join("file"), b"x").expect("write");
    assert!(matches!(create("file"), Err(Error::InvalidArgument { field: "path", .. })));
    assert!(matches!(create("missing/ledger"), Err(Error::LedgerIo { os_code: 2, .. })));
    for (os_code, remedy) in [(28, "make room"), (13, "access"), (30, "can be written"), (2, "directory of a ledger?")]
    {
        let said = Error::LedgerIo { operation: "write entries", os_code }.to_string();
        assert!(said.starts_with("ledger: write entries failed: ") && said.contains(remedy), "{said}");
    }
    // Nothing else was left behind.
    let mut names: Vec<_> =
        fs::read_dir(scratch.path()).expect("list").map(|e| e.expect("entry").file_name()).collect();
    names.sort();
    assert_eq!(names, ["empty", "file", "full"]);
    assert!(matches!(world.open(&scratch.join("full")), Err(Error::InvalidArgument { field: "path", .. })));
    assert!(matches!(world.open(&scratch.join("nowhere")), Err(Error::LedgerIo { os_code: 2, .. })));
    assert!(!scratch.join("full/lock").exists(), "looking does not leave a lock");
    let other = key(Algorithm::Sm2, 0x55);
    assert!(matches!(Ledger::open(&scratch.join("empty"), &other), Err(Error::InvalidKey { field: "ledger_key", .. })));
    assert!(matches!(
        Ledger::create(&scratch.join("new"), &world.genesis(), &other),
        Err(Error::InvalidKey { field: "ledger_key", .. })
    ));
    let (ledger, founder) = (world.ledger_key.verifying_key(), world.founder.verifying_key());
    for origin in ["", "a b", "a+b", "naïve", "a\nb", &"x".repeat(256)] {
        let made = Genesis::new(origin, world.hash, ledger, founder);
        assert!(matches!(made, Err(Error::InvalidArgument { field: "origin", .. })), "{origin}");
    }
    assert!(matches!(
        Genesis::new("a", world.hash, ledger, ledger),
        Err(Error::InvalidArgument { field: "founder_key", .. })
    ));
    assert_ne!(
        Genesis::new("a", world.hash, ledger, founder),
        Genesis::new("a", world.hash, ledger, founder),
        "the nonce is fresh"
    );
}

/// Everything that the writer must not take, each leaving the ledger as it was.
#[test]
fn what_cannot_be_appended() {
    let scratch = Scratch::new();
    let path = scratch.join("ledger");
    let world = World::new(HashAlgorithm::Sha256);
    world.small_ledger(&path);
    let ledger = world.open(&path).expect("opens");
    let before = fs::read(path.join("wal/0.wal")).expect("read");
    let statement = world.statement("fine");
    let refused = |entry: NewEntry| {
        let error = ledger.append(entry.clone()).expect_err("refused");
        // A good entry beside it goes down with it.
        assert_eq!(ledger.append_many(vec![statement.clone(), entry]).expect_err("refused"), error);
        error
    };
    let mut forged = statement.clone();
    forged.signature[40] ^= 1;
    assert_eq!(refused(forged), Error::InvalidSignature);
    let mut changed = statement.clone();
    changed.body = b"fine!".to_vec();
    assert_eq!(refused(changed), Error::InvalidSignature);
    assert_eq!(refused(world.sign(EntryType::Statement, 3, b"x", &world.founder)), Error::InvalidSignature);
    assert!(matches!(
        refused(world.sign(EntryType::Statement, 4, b"x", &world.founder)),
        Error::InvalidKey { field: "key_idx", .. }
    ));
    assert!(matches!(
        refused(world.sign(EntryType::Statement, 2, b"x", &world.sm2)),
        Error::InvalidKey { field: "key_idx", .. }
    ));
    assert!(matches!(
        refused(NewEntry { kind: EntryType::Genesis, ..statement.clone() }),
        Error::InvalidArgument { field: "type", .. }
    ));
    assert!(matches!(
        refused(NewEntry { kind: EntryType::Segment, ..statement.clone() }),
        Error::InvalidArgument { field: "type", .. }
    ));
    assert!(matches!(
        refused(NewEntry { body: Vec::new(), ..statement.clone() }),
        Error::InvalidArgument { field: "body", .. }
    ));
    let long = NewEntry { body: vec![0; MAX_BODY_LENGTH + 1], ..statement.clone() };
    assert!(matches!(refused(long), Error::InvalidLength { field: "body", .. }));
    // A revoked key does not come back, not even with the founder's old signature on it.
    let again = KeyChange::Add { key: world.sm2.verifying_key(), label: Some([7; 32]) };
    assert!(matches!(refused(world.change(&ledger, &again)), Error::InvalidKey { field: "key", .. }));
    for key_idx in [0, 2, 9] {
        let revoke = KeyChange::Revoke { key_idx, reason: None };
        assert!(
            matches!(refused(world.change(&ledger, &revoke)), Error::InvalidKey { field: "key_idx", .. }),
            "{key_idx}"
        );
    }
    // A key change for another ledger, under another type, or that is none.
    let add = KeyChange::Add { key: key(Algorithm::P256, 0x66).verifying_key(), label: None };
    let elsewhere = world.sign(EntryType::KeyAdd, FOUNDER_KEY, &add.encode(&[1; 32]).expect("encodes"), &world.founder);
    assert!(matches!(refused(elsewhere), Error::InvalidArgument { field: "ledger", .. }));
    let crossed =
        world.sign(EntryType::KeyRevoke, FOUNDER_KEY, &add.encode(ledger.id()).expect("encodes"), &world.founder);
    assert!(matches!(refused(crossed), Error::InvalidArgument { field: "kind", .. }));
    let none = world.sign(EntryType::KeyAdd, FOUNDER_KEY, b"\xa0", &world.founder);
    assert!(matches!(refused(none), Error::InvalidArgument { field: "ledger", .. }));
    assert_eq!(fs::read(path.join("wal/0.wal")).expect("read"), before);
    assert_eq!(ledger.append_many(Vec::new()), Ok(Vec::new()));
    // A batch may use the key that it adds, and the longest body fits.
    let newcomer = key(Algorithm::P256, 0x66);
    let longest = world.sign(EntryType::Statement, 4, &vec![1; MAX_BODY_LENGTH], &newcomer);
    let receipts = ledger.append_many(vec![world.change(&ledger, &add), longest.clone(), statement]).expect("appends");
    assert_eq!(receipts.iter().map(|r| r.index).collect::<Vec<_>>(), [12, 13, 14]);
    assert_eq!(ledger.entry(13).expect("reads").bytes().len(), 65_535);
    assert_eq!(ledger.append(longest).expect("appends").index, 15);
}

#[test]
fn time_never_goes_back() {
    let scratch = Scratch::new();
    let world = World::new(HashAlgorithm::Sm3);
    let path = scratch.join("ledger");
    // As if the clock had been far ahead when the ledger was made: it stands still until the clock is there again.
    let ahead = 4_000_000_000_000_000;
    let ledger = Ledger::create_at(&path, &world.genesis(), &world.ledger_key, &[], ahead).expect("creates");
    assert_eq!(ledger.append(world.statement("t")).expect("appends").time, ahead);
    let at = |time| ledger.append_many_at(vec![world.statement("t")], time).map(|receipts| receipts[0].time);
    assert_eq!(at(ahead + 5), Ok(ahead + 5));
    assert_eq!(at(ahead + 5), Ok(ahead + 5));
    for wrong in [0, ahead + 4, i64::MAX as u64 + 1, u64::MAX] {
        assert!(matches!(at(wrong), Err(Error::InvalidArgument { field: "time", .. })), "{wrong}");
    }
    assert_eq!(at(i64::MAX as u64), Ok(i64::MAX as u64));
    drop(ledger);
    let ledger = world.open(&path).expect("opens");
    assert_eq!(ledger.append(world.statement("t")).expect("appends").time, i64::MAX as u64);
    drop(ledger);
    // With a clock that is right, entries bear its time.
    let path = scratch.join("now");
    let ledger = world.create(&path);
    let now =
        || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_micros() as u64;
    let before = now();
    let time = ledger.append(world.statement("t")).expect("appends").time;
    assert!((before..=now()).contains(&time));
}

/// Threads that append at once: every entry once, each receipt good, the entries of one batch together.
#[test]
fn many_threads_append() {
    let scratch = Scratch::new();
    let path = scratch.join("ledger");
    let world = Arc::new(World::new(HashAlgorithm::Sha256));
    let ledger = Arc::new(world.create(&path));
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let (world, ledger) = (world.clone(), ledger.clone());
            std::thread::spawn(move || {
                let mut receipts = Vec::new();
                for round in 0..12 {
                    let batch = (0..=round % 3).map(|i| world.statement(&format!("{thread}/{round}/{i}"))).collect();
                    let made = ledger.append_many(batch).expect("appends");
                    assert!(made.windows(2).all(|pair| pair[0].index + 1 == pair[1].index));
                    receipts.extend(made);
                    // Others fail beside it and disturb nobody.
                    let mut bad = world.statement("bad");
                    bad.signature[0] ^= 1;
                    assert_eq!(ledger.append(bad), Err(Error::InvalidSignature));
                }
                receipts
            })
        })
        .collect();
    let mut receipts: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect();
    receipts.sort_by_key(|receipt| receipt.index);
    assert_eq!(receipts.iter().map(|r| r.index).collect::<Vec<_>>(), (1..=8 * 24).collect::<Vec<_>>());
    for receipt in &receipts {
        receipt.verify(world.hash, ledger.note_key()).expect("verifies");
    }
    let reader = LedgerReader::open(&path).expect("reads");
    let mut bodies: Vec<_> =
        reader.entries(1..193).map(|e| e.expect("reads").view().expect("parses").body().to_vec()).collect();
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 192);
}

/// One file of the room touches the disk; that is where durability is decided.
#[test]
fn only_the_store_touches_the_disk() {
    let room = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src/ledger");
    let mut pending = vec![room];
    let mut seen = 0;
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).expect("the sources") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                pending.push(path);
            } else if path.file_name().is_some_and(|name| name != "store.rs") {
                let text = fs::read_to_string(&path).expect("UTF-8");
                for word in ["std::fs", "std::io", "File::", "OpenOptions"] {
                    assert!(
                        !text.lines().any(|line| line.contains(&format!("use {word}"))),
                        "{}: {word}",
                        path.display()
                    );
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 15, "{seen}");
}
