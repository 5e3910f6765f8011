//! Subtree proofs and tiles of a ledger, and a log of static tiles that no one here wrote.

use std::fs;

use base64ct::{Base64, Encoding};
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::merkle::leaf_hash;
use sealcore::ledger::{Checkpoint, Ledger, LedgerReader, Note, NoteKey, proof};
use support::shared_data;

use crate::world::{Scratch, World, frame_ranges};

/// A ledger over more than two tiles of leaves, in sealed segments and in the log.
fn ledger(scratch: &Scratch, hash: HashAlgorithm, count: usize) -> LedgerReader {
    let (world, path) = (World::new(hash), scratch.join("ledger"));
    let genesis = world.genesis().with_segment_bits(8).expect("bits");
    let ledger = Ledger::create(&path, &genesis, &world.ledger_key).expect("creates");
    for start in (0..count).step_by(100) {
        let entries = (start..count.min(start + 100)).map(|n| world.statement(&format!("statement {n}")));
        ledger.append_many(entries.collect()).expect("appends");
    }
    LedgerReader::open(&path).expect("reads")
}

/// Every subtree proof that the ledger gives verifies, and none with another root.
#[test]
fn subtrees_of_a_ledger_are_proven() {
    for hash in [HashAlgorithm::Sha256, HashAlgorithm::Sm3] {
        let scratch = Scratch::new();
        let reader = ledger(&scratch, hash, 600);
        let size = reader.size();
        let root = reader.root_at(size).expect("root");
        for (start, end) in [(0, 1), (0, 256), (256, 512), (512, size), (512, 513), (300, 304), (0, size)] {
            let subtree = reader.subtree_root(start, end).expect("root");
            let found = reader.subtree_proof(start, end, size).expect("proof");
            let verify = |subtree: &[u8], root: &[u8]| {
                proof::verify_subtree_consistency(hash, start, end, size, subtree, &found, root)
            };
            assert_eq!(verify(&subtree, &root), Ok(()), "[{start}, {end})");
            assert!(verify(&subtree, &[1; 32]).is_err() && verify(&[1; 32], &root).is_err(), "[{start}, {end})");
        }
        for (start, end, of) in [(1, 3, size), (5, 5, size), (6, 5, size), (0, size + 1, size), (0, 5, size + 1)] {
            assert!(reader.subtree_proof(start, end, of).is_err(), "[{start}, {end}) of {of}");
        }
        for (level, number, width) in
            [(0, 0, 257), (0, 0, 0), (0, size / 256 + 1, 1), (1, 0, 3), (2, 0, 1), (8, 0, 1), (64, 0, 1)]
        {
            assert!(reader.tile(level, number, width).is_err(), "tile {level}/{number}.p/{width}");
        }
        assert_eq!(reader.tile(1, 0, 2).expect("a tile").len(), 64);
        assert!(reader.bundle(0, 257).is_err() && reader.bundle(u64::MAX, 1).is_err());
    }
}

/// The log of Tessera's test data, at each of its sizes: entries, tiles, roots, the signed checkpoint.
#[test]
fn a_log_of_tessera_is_read() {
    let Some(data) = shared_data() else { return };
    let log = data.join("ledger/tessera-log");
    let vkey = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
    let key = NoteKey::from_vkey(vkey).expect("a key");
    let read = |name: String| fs::read(log.join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let words = [
        "one", "two", "three", "four", "five", "six", "seven", "eit", "nain", "ten", "ileven", "twelf", "threeten",
        "fourten", "fivten",
    ];
    for size in 1..=15 {
        let note = read(format!("checkpoint.{size}"));
        let checkpoint = Checkpoint::open(&note, &key).expect("signed");
        assert_eq!((checkpoint.size, checkpoint.origin.as_str()), (size as u64, "example.com/log/testdata"));
        let bundle = read(format!("tile/entries/000.p/{size}"));
        let entries: Vec<&[u8]> = frame_ranges(&bundle).into_iter().map(|f| &bundle[f.start + 2..f.end]).collect();
        assert_eq!(entries, words[..size].iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
        let mut tree = sealcore::ledger::merkle::CompactRange::new(HashAlgorithm::Sha256, 0);
        let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(HashAlgorithm::Sha256, entry)).collect();
        leaves.iter().for_each(|leaf| tree.append(leaf).expect("appends"));
        assert_eq!(leaves.as_flattened(), read(format!("tile/0/000.p/{size}")), "tile of {size}");
        assert_eq!(tree.root(), Some(checkpoint.root), "root of {size}");
        // No bit of a signed note is loose.
        let mut broken = note.clone();
        let at = broken.len() - 10;
        broken[at] ^= 1;
        assert!(Checkpoint::open(&broken, &key).is_err());
    }
    let empty = read("checkpoint.0".into());
    assert_eq!(Checkpoint::open(&empty, &key).expect("signed").size, 0);
    let text = Note::parse(&empty).expect("a note").text().to_owned();
    assert!(text.contains(&Base64::encode_string(&sealcore::hash::sha256(b""))));
}
