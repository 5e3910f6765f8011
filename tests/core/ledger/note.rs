//! Signed notes and checkpoints: the vectors of others, both algorithms, every byte of a note.

use std::fs;

use base64ct::{Base64, Encoding};
use sealcore::Error;
use sealcore::ledger::{Checkpoint, MAX_SIGNATURES, Note, NoteKey, NoteSigner, sign_note};
use sealcore::sign::{Algorithm, Ed25519SigningKey};
use serde_json::Value;
use support::shared_data;

use crate::world::{ORIGIN, key};

/// Every note must parse or be refused as the file says, and every signature of a type that is judged here must be judged
/// as it says: Ed25519, P-256, cosignatures. RFC 6962 (05) and ML-DSA (06) keys are refused, and their lines ignored.
#[test]
fn the_notes_of_others() {
    let Some(data) = shared_data() else { return };
    let vectors: Vec<Value> =
        serde_json::from_slice(&fs::read(data.join("ledger/notes/signed-notes.json")).expect("read")).expect("json");
    assert_eq!(vectors.len(), 36);
    let mut counts = std::collections::BTreeMap::new();
    let mut count = |what: String| *counts.entry(what).or_insert(0) += 1;
    for vector in &vectors {
        let text = |name: &str| vector[name].as_str();
        let (id, expect) = (text("id").expect("id"), text("expect").expect("expect"));
        let foreign = |vkey: &str| {
            let kind = Base64::decode_vec(vkey.splitn(3, '+').nth(2).unwrap_or_default()).unwrap_or_default();
            matches!(kind.first(), Some(5 | 6))
        };
        if let Some(vkey) = text("vkey") {
            let ours = NoteKey::from_vkey(vkey);
            if expect == "ok-vkey" && !foreign(vkey) {
                assert_eq!(ours.expect("a key").to_vkey(), vkey, "{id}");
                count("vkey read".into());
            } else {
                assert!(ours.is_err(), "{id}: bad, or of a type that is not judged: {ours:?}");
                count(format!("{expect} refused"));
            }
            continue;
        }
        let note = match (text("note"), text("note_b64")) {
            (Some(note), _) => note.as_bytes().to_vec(),
            (_, Some(encoded)) => Base64::decode_vec(encoded).expect("base64"),
            // The time in a cosignature, without a note: 8 bytes after the key ID, which parses as a line says them.
            _ => {
                let line = Base64::decode_vec(text("sig_b64").expect("a signature")).expect("base64");
                assert_eq!(
                    expect,
                    format!("timestamp {}", u64::from_be_bytes(line[4..12].try_into().expect("8 bytes")))
                );
                count("time read".into());
                continue;
            }
        };
        if expect == "malformed" {
            assert!(matches!(Note::parse(&note), Err(Error::InvalidEncoding { field: "note", .. })), "{id}");
            count(expect.into());
            continue;
        }
        let note = Note::parse(&note).unwrap_or_else(|error| panic!("{id}: {error}"));
        let names: Vec<&str> = vector["vkeys"].as_array().expect("vkeys").iter().filter_map(Value::as_str).collect();
        let known: Vec<NoteKey> =
            names.iter().filter(|name| !foreign(name)).filter_map(|name| NoteKey::from_vkey(name).ok()).collect();
        let verdict = note.verify(&known.iter().collect::<Vec<_>>());
        match expect {
            "valid" if known.is_empty() => assert_eq!(verdict, Err(Error::InvalidSignature), "{id}: no key of ours"),
            "valid" => {
                assert_eq!(verdict, Ok((0..known.len()).collect()), "{id}");
                let cosigners = known.iter().filter(|key| key.is_cosigner()).count();
                assert_eq!(note.cosignatures(&known.iter().collect::<Vec<_>>()).len(), cosigners, "{id}");
                if cosigners > 0 {
                    count("cosigned".into());
                }
            }
            "unverified" | "invalid-signature" | "reject" => {
                assert_eq!(verdict, Err(Error::InvalidSignature), "{id}");
                assert!(note.cosignatures(&known.iter().collect::<Vec<_>>()).is_empty(), "{id}");
            }
            "parse-only" => {}
            other => panic!("{id}: {other}"),
        }
        count(if known.is_empty() { format!("{expect}, no key") } else { expect.into() });
    }
    let counts: Vec<String> = counts.into_iter().map(|(what, count)| format!("{count} {what}")).collect();
    assert_eq!(counts.join(", "), COUNTS);
}

const COUNTS: &str = "6 bad-vkey refused, 3 cosigned, 1 invalid-signature, 8 malformed, 1 ok-vkey refused, \
    1 parse-only, no key, 1 parses; key ID inconsistent refused, 1 reject, 1 time read, 1 unverified, 1 unverified, no key, \
    12 valid, 2 vkey read";

/// A private key of each kind, from a byte.
fn signers(name: &str, byte: u8) -> Vec<NoteSigner> {
    let ed25519 = || Ed25519SigningKey::from_seed(&[byte; 32]);
    vec![
        NoteSigner::new(name, key(Algorithm::P256, byte)).expect("name"),
        NoteSigner::new(name, key(Algorithm::Sm2, byte)).expect("name"),
        NoteSigner::ed25519(name, ed25519()).expect("name"),
    ]
}

#[test]
fn every_algorithm_signs_notes() {
    for kind in 0..3 {
        let signer = signers(ORIGIN, 0x21).remove(kind);
        let name = signer.key().clone();
        assert_eq!(NoteKey::from_vkey(&name.to_vkey()), Ok(name.clone()));
        let checkpoint = Checkpoint { origin: ORIGIN.into(), size: 20_852_163, root: [0xab; 32] };
        let note = checkpoint.sign(&[signer]).expect("signs");
        assert_eq!(Checkpoint::open(note.as_bytes(), &name), Ok(checkpoint.clone()));
        // Another key, another name, another algorithm: not signed.
        let others = signers(ORIGIN, 0x22).into_iter().chain(signers("example.com/other", 0x21));
        for other in others {
            assert_eq!(Checkpoint::open(note.as_bytes(), other.key()), Err(Error::InvalidSignature));
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
    let signer = NoteSigner::new("näme", signer).expect("names may be any other text");
    let name = signer.key().clone();
    let signer = [signer];
    for text in ["", "no newline", "\n", "control \u{1}\n"] {
        assert!(sign_note(text, &signer).is_err(), "{text:?}");
    }
    assert!(sign_note("empty\n\nlines may stand inside\n", &signer).is_ok());
    assert!(matches!(sign_note("no signer\n", &[]), Err(Error::InvalidEncoding { .. })));
    let witness = NoteSigner::cosigner("w", Ed25519SigningKey::from_seed(&[7; 32])).expect("name");
    assert!(matches!(sign_note("text\n", &[witness]), Err(Error::InvalidKey { field: "signers", .. })));
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

/// Keys of small order, under which one signature fits many messages, and what is no point.
#[test]
fn weak_ed25519_keys_are_refused() {
    use sealcore::sign::Ed25519VerifyingKey;
    for bytes in [
        [0; 32],
        {
            let mut one = [0; 32];
            one[0] = 1;
            one
        },
        [0xff; 32],
        [2; 32],
    ] {
        assert!(matches!(Ed25519VerifyingKey::from_bytes(&bytes), Err(Error::InvalidKey { .. })), "{bytes:?}");
    }
    // RFC 8032, clause 7.1, test 2.
    let bytes = |text: &str| hex::decode(text).expect("hex");
    let seed = bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    let key = Ed25519SigningKey::from_seed(&seed.try_into().expect("32 bytes"));
    let public = key.verifying_key();
    assert_eq!(public.to_bytes()[..], bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"));
    let signature = key.sign(&[0x72]);
    let expected = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                    085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
    assert_eq!(signature[..], bytes(expected));
    assert_eq!(public.verify(&[0x72], &signature), Ok(()));
    assert_eq!(public.verify(&[0x73], &signature), Err(Error::InvalidSignature));
    assert_eq!(public.verify(&[0x72], &signature[..63]), Err(Error::InvalidSignature));
    assert_eq!(format!("{key:?}"), "Ed25519SigningKey(…)");
}
