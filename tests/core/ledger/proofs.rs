//! Proofs as text: the vectors of others, both hashes, every line.

use std::fs;

use sealcore::Error;
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::{LedgerReader, NoteKey, TlogProof};
use serde_json::Value;
use support::shared_data;

use crate::world::{HASHES, ORIGIN, Scratch, World};

#[test]
fn the_proofs_of_others_parse_as_they_say() {
    let Some(data) = shared_data() else { return };
    let bytes = fs::read(data.join("ledger/notes/tlog-proof-parse.json")).expect("read");
    let json: Value = serde_json::from_slice(&bytes).expect("json");
    let vectors = json["vectors"].as_array().expect("vectors");
    assert_eq!(vectors.len(), 10);
    let mut parsed = 0;
    for vector in vectors {
        let (id, text) = (vector["id"].as_str().expect("id"), vector["proof"].as_str().expect("proof"));
        let ours = TlogProof::parse(text);
        if vector["expect"] == "parses" {
            let proof = ours.unwrap_or_else(|error| panic!("{id}: {error}"));
            assert_eq!(proof.to_text(), text, "{id}");
            parsed += 1;
        } else {
            assert!(matches!(ours, Err(Error::InvalidEncoding { field: "proof", .. })), "{id}: {ours:?}");
        }
    }
    assert_eq!(parsed, 3);
}

#[test]
fn a_proof_is_written_read_and_checked() {
    for hash in HASHES {
        let (scratch, world) = (Scratch::new(), World::new(hash));
        let path = scratch.join("ledger");
        world.small_ledger(&path);
        let reader = LedgerReader::open(&path).expect("reads");
        let key = NoteKey::new(ORIGIN, world.ledger_key.verifying_key()).expect("name");
        for index in 0..reader.size() {
            let text = reader.prove(index).expect("proves").to_text();
            let first =
                if hash == HashAlgorithm::Sha256 { "c2sp.org/tlog-proof@v1\n" } else { "sealcore/tlog-proof-sm3/v1\n" };
            assert!(text.starts_with(first));
            let proof = TlogProof::parse(&text).expect("parses");
            assert_eq!(proof.to_text(), text);
            let (entry, checkpoint) = proof.verify_entry(&key).expect("holds");
            assert_eq!((entry.index(), checkpoint.size), (index, reader.size()));
            assert_eq!(entry.bytes(), reader.entry(index).expect("reads").bytes());
        }
        let proof = reader.prove(5).expect("proves");
        let other = NoteKey::new("example.com/other", world.ledger_key.verifying_key()).expect("name");
        assert!(matches!(proof.verify_entry(&other), Err(Error::InvalidProof { .. })));
        let other = NoteKey::new(ORIGIN, world.founder.verifying_key()).expect("name");
        assert_eq!(proof.verify_entry(&other).map(|_| ()), Err(Error::InvalidSignature));
        let bare = TlogProof { extra: None, ..proof.clone() };
        assert!(matches!(bare.verify_entry(&key), Err(Error::InvalidArgument { field: "extra", .. })));
        assert!(bare.verify(&reader.leaf_hash(5).expect("leaf"), &key).is_ok());
        assert!(matches!(bare.verify(&reader.leaf_hash(4).expect("leaf"), &key), Err(Error::InvalidProof { .. })));
        let moved = TlogProof { index: 4, ..proof.clone() };
        assert!(matches!(moved.verify_entry(&key), Err(Error::InvalidProof { .. })));
        // The entry of another index, with its own proof, under a false index: the tree says no.
        let swapped = TlogProof { extra: reader.prove(4).expect("proves").extra, ..proof.clone() };
        assert!(matches!(swapped.verify_entry(&key), Err(Error::InvalidProof { .. })));
        // No byte can be changed. (One that fails may also not be UTF-8 any more.)
        let text = proof.to_text();
        for at in 0..text.len() {
            let mut flipped = text.clone().into_bytes();
            flipped[at] ^= 1;
            let holds = String::from_utf8(flipped)
                .is_ok_and(|text| TlogProof::parse(&text).is_ok_and(|proof| proof.verify_entry(&key).is_ok()));
            assert!(!holds, "byte {at}");
        }
        // Cut anywhere it is no proof.
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            let holds = TlogProof::parse(&text[..end]).is_ok_and(|proof| proof.verify_entry(&key).is_ok());
            assert!(!holds, "cut at {end}");
        }
    }
}

#[test]
fn what_is_no_proof() {
    let hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let good = format!("c2sp.org/tlog-proof@v1\nindex 7\n{hash}\n\nnote\n");
    assert!(TlogProof::parse(&good).is_ok());
    for (bad, offset) in [
        (good.replace("index 7", "index 07"), 23),
        (good.replace("index 7", "index +7"), 23),
        (good.replace("index 7", "index 18446744073709551616"), 23),
        (good.replace("index 7", "index  7"), 23),
        (good.replace("index 7", "Index 7"), 23),
        (good.replace("v1\n", "v1\r\n"), 0),
        (good.replace("v1\n", "v2\n"), 0),
        (good.replace(hash, "AAAA"), 31),
        (good.replace("\n\nnote\n", "\n"), 76),
        (good.replace("note\n", ""), 77),
        (good.replace(hash, &vec![hash; 65].join("\n")), 31 + 64 * 45),
    ] {
        let error = TlogProof::parse(&bad).expect_err(&bad);
        assert!(
            matches!(error, Error::InvalidEncoding { field: "proof", offset: at, .. } if at == offset),
            "{error:?}: {bad}"
        );
    }
    assert!(TlogProof::parse(&"x".repeat(1 << 20)).is_err());
}
