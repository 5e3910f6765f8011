//! The frozen ledgers: what was written once is read, verified, proven and continued by every later version.

use std::fs;

use sealcore::hash::HashAlgorithm;
use sealcore::ledger::merkle::{Hash, leaf_hash};
use sealcore::ledger::proof::{verify_consistency, verify_inclusion};
use sealcore::ledger::{
    Assurance, Checkpoint, Entry, KeyChange, LedgerReader, Note, NoteKey, VerifyOptions, statement_id, verify,
};
use sealcore::sign::{Algorithm, VerifyingKey};
use serde_json::{Value, json};
use support::vectors;

use crate::world::{HASHES, ORIGIN, Scratch, World};

const FILES: [&str; 5] = ["genesis", "wal/0.wal", "state", "checkpoint", "checkpoints.log"];

fn file(hash: HashAlgorithm) -> std::path::PathBuf {
    vectors().join("ledger").join(format!("{}.json", hash.name()))
}

fn load(hash: HashAlgorithm) -> Value {
    serde_json::from_slice(&fs::read(file(hash)).expect("the frozen ledger")).expect("json")
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("hexadecimal text")).expect("hexadecimal")
}

fn hash_of(value: &Value) -> Hash {
    bytes(value).try_into().expect("32 bytes")
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

/// Lays the frozen files into a directory.
fn lay(frozen: &Value) -> Scratch {
    let scratch = Scratch::new();
    for folder in ["wal", "seg"] {
        fs::create_dir_all(scratch.join("ledger").join(folder)).expect("mkdir");
    }
    for name in FILES {
        fs::write(scratch.join("ledger").join(name), bytes(&frozen["files"][name])).expect("write");
    }
    scratch
}

#[test]
fn frozen_ledgers_are_read() {
    for hash in HASHES {
        let frozen = load(hash);
        let scratch = lay(&frozen);
        let path = scratch.join("ledger");
        let world = World::new(hash);
        assert_eq!(bytes(&frozen["files"]["genesis"]), world.genesis().encode().expect("encodes"));
        assert_eq!(hash_of(&frozen["ledger_id"]), world.genesis().id().expect("id"));
        let trusted = [VerifyingKey::from_sec1(
            Algorithm::from_name(frozen["ledger_key"]["alg"].as_str().expect("alg")).expect("alg"),
            &bytes(&frozen["ledger_key"]["key"]),
        )
        .expect("a key")];
        let options = VerifyOptions { trusted_keys: &trusted, ..VerifyOptions::default() };
        let report = verify(&path, &options, &mut |_, _| Ok(())).expect("runs");
        assert_eq!((report.findings.len(), report.assurance), (0, Assurance::MatchesOperatorCheckpoint));
        let reader = LedgerReader::open(&path).expect("reads");
        let (entries, roots) = (list(&frozen["entries"]), list(&frozen["roots"]));
        assert_eq!((reader.size() as usize, entries.len(), roots.len()), (12, 12, 12));
        for (index, vector) in (0..).zip(entries) {
            let stored = bytes(&vector["entry"]);
            let entry = Entry::parse(&stored).expect("parses");
            assert_eq!(reader.entry(index).expect("reads").bytes(), stored);
            assert_eq!(leaf_hash(hash, &stored), hash_of(&vector["leaf_hash"]));
            assert_eq!(statement_id(hash, entry.body()), hash_of(&vector["statement"]));
            assert_eq!((entry.index(), entry.kind().name()), (index, vector["type"].as_str().expect("type")));
            assert_eq!(Some(entry.time()), vector["time"].as_u64());
            assert_eq!(reader.root_at(index + 1), Ok(hash_of(&roots[index as usize])));
            let proof: Vec<Hash> = list(&vector["inclusion_proof"]).iter().map(hash_of).collect();
            assert_eq!(reader.inclusion_proof(index, 12).as_ref(), Ok(&proof));
            let root = hash_of(&roots[11]);
            verify_inclusion(hash, index, 12, &hash_of(&vector["leaf_hash"]), &proof, &root).expect("verifies");
            let proof: Vec<Hash> = list(&vector["consistency_proof"]).iter().map(hash_of).collect();
            assert_eq!(reader.consistency_proof(index + 1, 12).as_ref(), Ok(&proof));
            let old = hash_of(&roots[index as usize]);
            verify_consistency(hash, index + 1, 12, &old, &proof, &root).expect("verifies");
        }
        let name = NoteKey::from_vkey(frozen["vkey"].as_str().expect("vkey")).expect("a verifier key");
        assert_eq!(name, NoteKey::new(ORIGIN, trusted[0]).expect("name"));
        let note = frozen["checkpoint"].as_str().expect("a note");
        assert_eq!(reader.checkpoint_note(), note);
        assert_eq!(Checkpoint::open(note.as_bytes(), &name).expect("signed").root, hash_of(&roots[11]));
        assert_eq!(Note::parse(note.as_bytes()).expect("parses").signatures()[0].key_id, name.id());
        // And written on.
        let ledger = world.open(&path).expect("opens");
        assert_eq!(ledger.append(world.statement("later")).expect("appends").index, 12);
    }
}

/// Bodies of key changes are written as they were.
#[test]
fn frozen_bodies_are_written_again() {
    for hash in HASHES {
        let frozen = load(hash);
        let id = hash_of(&frozen["ledger_id"]);
        let mut changes = 0;
        for vector in list(&frozen["entries"]) {
            let stored = bytes(&vector["entry"]);
            let entry = Entry::parse(&stored).expect("parses");
            if vector["type"].as_str().expect("type").starts_with("key-") {
                let change = KeyChange::decode(entry.body(), &id).expect("decodes");
                assert_eq!(change.encode(&id).expect("encodes"), entry.body());
                assert!(KeyChange::decode(entry.body(), &[0; 32]).is_err());
                changes += 1;
            }
        }
        assert_eq!(changes, 3);
    }
}

/// Writes the frozen ledgers anew, when a new version of the format is made: never to make a failing test pass.
#[test]
fn write_frozen_ledgers() {
    if std::env::var_os("SEALCORE_WRITE_LEDGER_VECTORS").is_none() {
        return;
    }
    for hash in HASHES {
        let scratch = Scratch::new();
        let path = scratch.join("ledger");
        World::new(hash).small_ledger(&path);
        let reader = LedgerReader::open(&path).expect("reads");
        let size = reader.size();
        let hexes = |proof: Vec<Hash>| proof.iter().map(hex::encode).collect::<Vec<_>>();
        let entries: Vec<Value> = (0..size)
            .map(|index| {
                let stored = reader.entry(index).expect("reads");
                let entry = stored.view().expect("parses");
                json!({
                    "type": entry.kind().name(),
                    "time": entry.time(),
                    "entry": hex::encode(stored.bytes()),
                    "statement": hex::encode(entry.statement()),
                    "leaf_hash": hex::encode(entry.leaf_hash(hash)),
                    "inclusion_proof": hexes(reader.inclusion_proof(index, size).expect("proof")),
                    "consistency_proof": hexes(reader.consistency_proof(index + 1, size).expect("proof")),
                })
            })
            .collect();
        let roots: Vec<String> = (1..=size).map(|n| hex::encode(reader.root_at(n).expect("root"))).collect();
        let files: serde_json::Map<String, Value> = FILES
            .iter()
            .map(|name| ((*name).to_owned(), hex::encode(fs::read(path.join(name)).expect("read")).into()))
            .collect();
        let key = reader.genesis().ledger_key();
        let frozen = json!({
            "format": "sealcore ledger, version 1: core/docs/ledger-format.md",
            "hash": hash.name(),
            "origin": ORIGIN,
            "ledger_id": hex::encode(reader.id()),
            "ledger_key": {"alg": key.algorithm().name(), "key": hex::encode(key.to_sec1())},
            "vkey": NoteKey::new(ORIGIN, *key).expect("name").to_vkey(),
            "checkpoint": reader.checkpoint_note(),
            "roots": roots,
            "entries": entries,
            "files": files,
        });
        fs::write(file(hash), serde_json::to_string_pretty(&frozen).expect("json") + "\n").expect("write");
    }
}
