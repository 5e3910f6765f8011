//! A ledger read by an implementation of the C2SP formats that no one here wrote: the crates `tlog_tiles` and
//! `signed_note` of Cloudflare's azul. And a log that no one here wrote, read by ours.

use std::fs;

use base64ct::{Base64, Encoding};
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::merkle::leaf_hash;
use sealcore::ledger::{Checkpoint, Ledger, LedgerReader, Note, NoteKey, NoteSigner, proof, tile_width};
use sealcore::sign::Ed25519SigningKey;
use support::shared_data;
use tlog_tiles::{Hash, HashReader, Tile, TileHashReader, TileReader};

use crate::world::{ORIGIN, Scratch, World, frame_ranges};

/// Serves the tiles of a ledger to the foreign reader, which checks them against the root that it was given.
struct Served<'r>(&'r LedgerReader);

impl TileReader for Served<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &Tile| {
            let (level, width) = (u32::from(tile.level()), u64::from(tile.width()));
            self.0.tile(level, tile.level_index(), width).map_err(|_| tlog_tiles::Error::InvalidTile)
        };
        tiles.iter().map(read).collect()
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}

fn extra() -> NoteSigner {
    NoteSigner::ed25519(ORIGIN, Ed25519SigningKey::from_seed(&[0x55; 32])).expect("a signer")
}

/// A ledger over more than two tiles of leaves, in sealed segments and in the log.
fn ledger(scratch: &Scratch, hash: HashAlgorithm, count: usize) -> LedgerReader {
    let (world, path) = (World::new(hash), scratch.join("ledger"));
    let genesis = world.genesis().with_segment_bits(8).expect("bits");
    let ledger = Ledger::create_with(&path, &genesis, &world.ledger_key, &[extra()]).expect("creates");
    for start in (0..count).step_by(100) {
        let entries = (start..count.min(start + 100)).map(|n| world.statement(&format!("statement {n}")));
        ledger.append_many(entries.collect()).expect("appends");
    }
    LedgerReader::open(&path).expect("reads")
}

#[test]
fn others_verify_our_tiles_and_our_notes() {
    let scratch = Scratch::new();
    let reader = ledger(&scratch, HashAlgorithm::Sha256, 700);
    let size = reader.size();
    assert!(size > 2 * 256 && size % 256 != 0, "{size}");

    // The note, with the line of row 0 (P-256, which that implementation does not know) and the Ed25519 line.
    let note = signed_note::Note::from_bytes(reader.checkpoint_note().as_bytes()).expect("a note to others");
    let vkey = extra().key().to_vkey();
    let verifier = signed_note::StandardVerifier::new(&vkey).expect("a key to others");
    let known = signed_note::VerifierList::new(vec![Box::new(verifier)]);
    let (verified, unverified) = note.verify(&known).expect("verifies");
    assert_eq!((verified.len(), unverified.len()), (1, 1));
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).expect("a checkpoint to others");
    assert_eq!((checkpoint.origin(), checkpoint.size(), checkpoint.extension()), (ORIGIN, size, ""));
    let root = Hash(checkpoint.hash().0);

    // Every entry of every bundle hashes to what the tiles hold, which lead to the signed root.
    let (served, mut index) = (Served(&reader), 0);
    let hashes = TileHashReader::new(size, root, &served);
    for number in 0.. {
        let width = tile_width(0, number, size);
        if width == 0 {
            break;
        }
        let bundle = reader.bundle(number, width).expect("a bundle");
        let frames = frame_ranges(&bundle);
        assert_eq!(frames.len() as u64, width);
        for frame in frames {
            let leaf = tlog_tiles::record_hash(&bundle[frame.start + 2..frame.end]);
            let stored = hashes.read_hashes(&[tlog_tiles::stored_hash_index(0, index)]).expect("in the tree");
            assert_eq!(stored[0].0, leaf.0, "entry {index}");
            index += 1;
        }
    }
    assert_eq!(index, size);

    // Their proofs verify with ours, and ours with theirs.
    for index in [0, 1, 255, 256, 511, size - 1] {
        let leaf = Hash(reader.leaf_hash(index).expect("leaf"));
        let theirs = tlog_tiles::prove_record(size, index, &hashes).expect("proves");
        let ours = reader.inclusion_proof(index, size).expect("proves");
        assert_eq!(theirs.iter().map(|hash| hash.0).collect::<Vec<_>>(), ours);
        let ours = ours.into_iter().map(Hash).collect();
        tlog_tiles::check_record(&ours, size, Hash(root.0), index, leaf).expect("verifies");
    }
    for old in [1, 2, 255, 256, 257, 512, size - 1] {
        let theirs = tlog_tiles::prove_tree(size, old, &hashes).expect("proves");
        let ours = reader.consistency_proof(old, size).expect("proves");
        assert_eq!(theirs.iter().map(|hash| hash.0).collect::<Vec<_>>(), ours);
        let old_root = Hash(reader.root_at(old).expect("root"));
        tlog_tiles::check_tree(&ours.into_iter().map(Hash).collect(), size, Hash(root.0), old, old_root)
            .expect("verifies");
    }
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
