//! A ledger read by an implementation of the C2SP formats that no one here wrote: the crates `tlog_tiles` and
//! `signed_note` of Cloudflare's azul. Only tests are here.
#![cfg(test)]

use std::path::{Path, PathBuf};

use sealcore::hash::HashAlgorithm;
use sealcore::ledger::{EntryType, FOUNDER_KEY, Genesis, Ledger, LedgerReader, NewEntry, NoteSigner, tile_width};
use sealcore::sign::{Algorithm, Ed25519SigningKey, SigningKey};
use tlog_tiles::{Hash, HashReader, Tile, TileHashReader, TileReader};

const ORIGIN: &str = "example.com/seals";

/// A directory that goes away with the test.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A ledger over more than two tiles of leaves, in sealed segments and in the log.
fn ledger(path: &Path, count: usize) -> LedgerReader {
    let key = |algorithm, byte: u8| SigningKey::from_bytes(algorithm, &[byte; 32]).expect("a key");
    let (own, founder) = (key(Algorithm::P256, 0x11), key(Algorithm::Sm2, 0x22));
    let genesis = Genesis::new(ORIGIN, HashAlgorithm::Sha256, own.verifying_key(), founder.verifying_key())
        .and_then(|genesis| genesis.with_segment_bits(8))
        .expect("genesis");
    let ledger = Ledger::create_with(path, &genesis, &own, &[extra()]).expect("creates");
    let statement = |number: usize| {
        let body = format!("statement {number}").into_bytes();
        NewEntry::sign(HashAlgorithm::Sha256, EntryType::Statement, FOUNDER_KEY, body, &founder).expect("signs")
    };
    for start in (0..count).step_by(100) {
        ledger.append_many((start..count.min(start + 100)).map(statement).collect()).expect("appends");
    }
    LedgerReader::open(path).expect("reads")
}

/// The ranges of the entries in a bundle, each after its length.
fn frame_ranges(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut frames, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let end = at + 2 + usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        frames.push(at..end);
        at = end;
    }
    frames
}

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

#[test]
fn others_verify_our_tiles_and_our_notes() {
    let scratch = Scratch(std::env::temp_dir().join(format!("sealcore-interop-{}", std::process::id())));
    let reader = ledger(&scratch.0, 700);
    let size = reader.size();
    assert!(size > 2 * 256 && !size.is_multiple_of(256), "{size}");

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
