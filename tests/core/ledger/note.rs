//! Signed notes and checkpoints: the vectors of others, both algorithms, every byte of a note.

use std::fs;

use base64ct::{Base64, Encoding};
use sealcore::Error;
use sealcore::ledger::{Checkpoint, MAX_SIGNATURES, Note, NoteKey, sign_note};
use sealcore::sign::Algorithm;
use serde_json::Value;
use support::shared_data;

use crate::world::{ORIGIN, key};

/// Which vectors are judged: every note must parse or be refused as the file says; signatures are judged where the key is
/// P-256 (type 02). Notes whose keys are Ed25519, cosignatures, RFC 6962 or ML-DSA keep those lines as unknown signatures,
/// so that nothing verifies; their verifier keys are refused as unsupported.
#[test]
fn the_notes_of_others() {
    let Some(data) = shared_data() else { return };
    let vectors: Vec<Value> =
        serde_json::from_slice(&fs::read(data.join("ledger/notes/signed-notes.json")).expect("read")).expect("json");
    assert_eq!(vectors.len(), 36);
    let (mut parsed, mut refused, mut judged, mut keys) = (0, 0, 0, 0);
    for vector in &vectors {
        let text = |name: &str| vector[name].as_str();
        let (id, expect) = (text("id").expect("id"), text("expect").expect("expect"));
        if let Some(vkey) = text("vkey") {
            keys += 1;
            let ours = NoteKey::from_vkey(vkey);
            assert!(ours.is_err(), "{id}: bad, or of a type that is not judged: {ours:?}");
            continue;
        }
        let note = match (text("note"), text("note_b64")) {
            (Some(note), _) => note.as_bytes().to_vec(),
            (_, Some(encoded)) => Base64::decode_vec(encoded).expect("base64"),
            _ => continue,
        };
        if expect == "malformed" {
            refused += 1;
            assert!(matches!(Note::parse(&note), Err(Error::InvalidEncoding { field: "note", .. })), "{id}");
            continue;
        }
        let note = Note::parse(&note).unwrap_or_else(|error| panic!("{id}: {error}"));
        parsed += 1;
        let names: Vec<&str> = vector["vkeys"].as_array().expect("vkeys").iter().filter_map(Value::as_str).collect();
        let known: Vec<NoteKey> = names.iter().filter_map(|name| NoteKey::from_vkey(name).ok()).collect();
        let verdict = note.verify(&known.iter().collect::<Vec<_>>());
        if known.is_empty() {
            assert_eq!(verdict, Err(Error::InvalidSignature), "{id}: no key of ours, nothing verifies");
            continue;
        }
        judged += 1;
        assert_eq!(known.len(), names.len(), "{id}");
        assert_eq!(known.iter().map(NoteKey::to_vkey).collect::<Vec<_>>(), names, "{id}");
        match expect {
            "valid" => {
                assert_eq!(verdict, Ok(vec![0]), "{id}");
                let checkpoint = Checkpoint::parse(note.text()).expect("a checkpoint");
                assert_eq!(checkpoint.to_text(), note.text(), "{id}");
                assert!([798_034, 10].contains(&checkpoint.size));
            }
            "unverified" | "reject" => assert_eq!(verdict, Err(Error::InvalidSignature), "{id}"),
            other => panic!("{id}: {other}"),
        }
    }
    assert_eq!((parsed, refused, judged, keys), (17, 8, 4, 10), "parsed, refused, judged, keys");
}

#[test]
fn both_algorithms_sign_notes() {
    for algorithm in [Algorithm::P256, Algorithm::Sm2] {
        let signer = key(algorithm, 0x21);
        let name = NoteKey::new(ORIGIN, signer.verifying_key()).expect("name");
        assert_eq!(NoteKey::from_vkey(&name.to_vkey()), Ok(name.clone()));
        let checkpoint = Checkpoint { origin: ORIGIN.into(), size: 20_852_163, root: [0xab; 32] };
        let note = checkpoint.sign(&name, &signer).expect("signs");
        assert_eq!(Checkpoint::open(note.as_bytes(), &name), Ok(checkpoint.clone()));
        // Another key, another name, another algorithm: not signed.
        for (other, other_name) in [(key(algorithm, 0x22), ORIGIN), (key(algorithm, 0x21), "example.com/other")] {
            let other = NoteKey::new(other_name, other.verifying_key()).expect("name");
            assert_eq!(Checkpoint::open(note.as_bytes(), &other), Err(Error::InvalidSignature));
        }
        // Unknown lines before and after are ignored; a known line that fails is not.
        let (text, line) = note.split_once("\n\n").expect("two parts");
        let unknown = format!("\u{2014} witness.example.org {}\n", Base64::encode_string(b"1234 and a signature"));
        let more = format!("{text}\n\n{unknown}{line}{unknown}");
        assert_eq!(Checkpoint::open(more.as_bytes(), &name), Ok(checkpoint.clone()));
        let mut forged = Base64::decode_vec(line.trim_end().rsplit(' ').next().expect("base64")).expect("base64");
        *forged.last_mut().expect("bytes") ^= 1;
        let forged = format!("\u{2014} {ORIGIN} {}\n", Base64::encode_string(&forged));
        let both = format!("{note}{forged}");
        assert_eq!(Checkpoint::open(both.as_bytes(), &name), Err(Error::InvalidSignature));
        let only_unknown = format!("{text}\n\n{unknown}");
        assert_eq!(Checkpoint::open(only_unknown.as_bytes(), &name), Err(Error::InvalidSignature));
        assert!(Note::parse(format!("{note}{}", unknown.repeat(MAX_SIGNATURES - 1)).as_bytes()).is_ok());
        assert!(Note::parse(format!("{note}{}", unknown.repeat(MAX_SIGNATURES)).as_bytes()).is_err());
        assert!(matches!(checkpoint.sign(&name, &key(algorithm, 0x22)), Err(Error::InvalidKey { .. })));
        // No byte of a note can be changed, left out or doubled.
        for at in 0..note.len() {
            for bit in 0..8 {
                let mut flipped = note.clone().into_bytes();
                flipped[at] ^= 1 << bit;
                assert!(Checkpoint::open(&flipped, &name).is_err(), "byte {at}, bit {bit}");
            }
            let mut shorter = note.clone().into_bytes();
            shorter.remove(at);
            assert!(Checkpoint::open(&shorter, &name).is_err(), "without byte {at}");
            let mut doubled = note.clone().into_bytes();
            doubled.insert(at, doubled[at]);
            assert!(Checkpoint::open(&doubled, &name).is_err(), "byte {at} twice");
        }
    }
}

#[test]
fn what_is_no_checkpoint() {
    let root = Base64::encode_string(&[1; 32]);
    let good = format!("a\n7\n{root}\n");
    assert_eq!(Checkpoint::parse(&good).expect("parses").to_text(), good);
    assert!(Checkpoint::parse(&format!("a\n0\n{root}\n")).is_ok());
    assert!(Checkpoint::parse(&format!("a\n{}\n{root}\n", u64::MAX)).is_ok());
    for bad in [
        String::new(),
        format!("a\n7\n{root}"),
        format!("\n7\n{root}\n"),
        format!("a\n07\n{root}\n"),
        format!("a\n+7\n{root}\n"),
        format!("a\n-7\n{root}\n"),
        format!("a\n\n{root}\n"),
        format!("a\n7 \n{root}\n"),
        format!("a\n18446744073709551616\n{root}\n"),
        format!("a\n7\n{}\n", Base64::encode_string(&[1; 31])),
        format!("a\n7\n{}\n", Base64::encode_string(&[1; 33])),
        format!("a\n7\n{}\n", root.trim_end_matches('=')),
        format!("a\n7\n{}\n", root.replace("AQE=", "AQF=")),
        "a\n7\n\n".into(),
        "a\n7\n".into(),
        format!("a\n7\n{root}\nextension\n"),
        format!("a\n7\n{root}\n\n"),
    ] {
        assert!(matches!(Checkpoint::parse(&bad), Err(Error::InvalidEncoding { field: "checkpoint", .. })), "{bad:?}");
    }
    let signer = key(Algorithm::P256, 0x21);
    for name in ["", "a b", "a+b", "a\u{a0}b", "a\nb", "a\tb"] {
        assert!(NoteKey::new(name, signer.verifying_key()).is_err(), "{name:?}");
    }
    let name = NoteKey::new("näme", signer.verifying_key()).expect("names may be any other text");
    for text in ["", "no newline", "\n", "control \u{1}\n"] {
        assert!(sign_note(text, &name, &signer).is_err(), "{text:?}");
    }
    assert!(sign_note("empty\n\nlines may stand inside\n", &name, &signer).is_ok());
    for vkey in ["", "a", "a+b", "a+12345678+", "a+12345678+AA==", "+12345678+AgEB"] {
        assert!(NoteKey::from_vkey(vkey).is_err(), "{vkey:?}");
    }
    let vkey = name.to_vkey();
    // The key ID of a P-256 key covers the key, not the name (as the standard has it): the name is followed by both.
    for at in name.name().len()..vkey.len() {
        let mut flipped = vkey.clone().into_bytes();
        flipped[at] ^= 1;
        if let Ok(text) = String::from_utf8(flipped) {
            assert!(NoteKey::from_vkey(&text).is_err(), "byte {at}");
        }
    }
}
