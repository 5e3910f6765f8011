//! Policies of witnesses: which cosignatures count, k of n in groups, freshness, what is no policy.

use sealcore::Error;
use sealcore::ledger::{Checkpoint, Note, NoteSigner, Policy};
use sealcore::sign::{Algorithm, Ed25519SigningKey};

use crate::world::{ORIGIN, key};

const NOW: u64 = 1_800_000_000;

fn witness(byte: u8) -> NoteSigner {
    NoteSigner::cosigner(&format!("witness.example/w{byte}"), Ed25519SigningKey::from_seed(&[byte; 32])).expect("name")
}

fn policy(quorum: &str) -> String {
    let witnesses: String =
        (1..=5).map(|byte| format!("witness w{byte} {}\n", witness(byte).key().to_vkey())).collect();
    format!("# two houses\n\n{witnesses}group a 2 w1 w2\tw3\n  group b any w4 w5 \ngroup both all a b\n{quorum}\n")
}

/// A checkpoint with the cosignatures of these witnesses, each at its age.
fn note(cosigned: &[(u8, u64)]) -> String {
    let signer = NoteSigner::new(ORIGIN, key(Algorithm::P256, 0x21)).expect("name");
    let checkpoint = Checkpoint { origin: ORIGIN.into(), size: 7, root: [7; 32] };
    let mut note = checkpoint.sign(&[signer]).expect("signs");
    for (byte, age) in cosigned {
        note += &witness(*byte).sign(&checkpoint.to_text(), NOW - age).expect("cosigns");
    }
    note
}

fn quorum(policy: &Policy, cosigned: &[(u8, u64)], max_age: Option<u64>) -> bool {
    policy.judge(&Note::parse(note(cosigned).as_bytes()).expect("a note"), NOW, max_age).quorum
}

#[test]
fn groups_are_k_of_n() {
    let policy = Policy::parse(&policy("quorum both")).expect("parses");
    assert_eq!(policy.witnesses().len(), 5);
    for (cosigned, expected) in [
        (&[1, 2, 4][..], true),
        (&[1, 3, 5], true),
        (&[1, 2, 3, 4, 5], true),
        (&[1, 2], false),
        (&[1, 4, 5], false),
        (&[4, 5], false),
        (&[], false),
    ] {
        let cosigned: Vec<_> = cosigned.iter().map(|byte| (*byte, 10)).collect();
        assert_eq!(quorum(&policy, &cosigned, None), expected, "{cosigned:?}");
    }
    let one = Policy::parse(&self::policy("quorum w5")).expect("parses");
    assert!(quorum(&one, &[(5, 0)], None) && !quorum(&one, &[(4, 0)], None));
    let none = Policy::parse("quorum none").expect("parses");
    assert!(quorum(&none, &[], None));
}

#[test]
fn only_timely_and_valid_cosignatures_count() {
    let policy = Policy::parse(&policy("quorum a")).expect("parses");
    assert!(quorum(&policy, &[(1, 100), (2, 100)], Some(100)));
    assert!(!quorum(&policy, &[(1, 100), (2, 101)], Some(100)));
    assert!(quorum(&policy, &[(1, 100), (2, 1_000_000_000)], None));
    // The newest of several counts, and the same witness counts once.
    assert!(quorum(&policy, &[(1, 100), (2, 500), (2, 50)], Some(100)));
    assert!(!quorum(&policy, &[(1, 100), (1, 50), (1, 20)], None));
    // Of the future, beyond what clocks differ by: not.
    let text = note(&[(1, 0)]);
    let parsed = Note::parse(text.as_bytes()).expect("a note");
    let judged = |now| policy.judge(&parsed, now, Some(60));
    assert_eq!(judged(NOW - 300).counted, [(0, NOW)]);
    assert_eq!((judged(NOW - 301).counted.len(), judged(NOW - 301).untimely), (0, vec![(0, NOW)]));
    assert_eq!((judged(NOW + 61).counted.len(), judged(NOW + 61).untimely), (0, vec![(0, NOW)]));
    // A false line beside a right one takes nothing away: anybody can add it.
    let false_line = witness(1).sign("another text\n", NOW).expect("cosigns");
    let both = format!("{}{false_line}", note(&[(1, 5), (2, 5)]));
    assert!(policy.judge(&Note::parse(both.as_bytes()).expect("a note"), NOW, None).quorum);
    let only_false = format!("{}{false_line}", note(&[(2, 5)]));
    assert!(!policy.judge(&Note::parse(only_false.as_bytes()).expect("a note"), NOW, None).quorum);
    // The key of a witness that signs the text like a log, without a time, has cosigned nothing.
    let key = Ed25519SigningKey::from_seed(&[1; 32]);
    let signer = NoteSigner::ed25519("witness.example/w1", key).expect("name");
    let plain = format!("{}{}", note(&[(2, 5)]), signer.sign(parsed.text(), NOW).expect("signs"));
    assert!(!policy.judge(&Note::parse(plain.as_bytes()).expect("a note"), NOW, None).quorum);
}

#[test]
fn what_is_no_policy() {
    let vkey = witness(1).key().to_vkey();
    let other = witness(2).key().to_vkey();
    let log = NoteSigner::new(ORIGIN, key(Algorithm::Sm2, 1)).expect("name").key().to_vkey();
    let good = format!("log {log} https://example.com/\nwitness w {vkey} https://w.example/\nquorum w\n");
    let policy = Policy::parse(&good).expect("parses");
    assert_eq!((policy.logs()[0].name(), policy.witnesses()[0].url.as_deref()), (ORIGIN, Some("https://w.example/")));
    for (bad, offset) in [
        (String::new(), 0),
        (format!("witness w {vkey}\n"), 11 + vkey.len()),
        ("quorum w\n".into(), 0),
        ("quorum none\nquorum none\n".into(), 12),
        (format!("witness w {vkey}\nwitness v {vkey}\nquorum w\n"), 11 + vkey.len()),
        (format!("witness w {vkey}\nwitness w {other}\nquorum w\n"), 11 + vkey.len()),
        (format!("witness none {vkey}\nquorum none\n"), 0),
        (format!("witness w {log}\nquorum w\n"), 0),
        (format!("log {vkey}\nquorum none\n"), 0),
        (format!("witness w {vkey}\ngroup g 2 w\nquorum g\n"), 11 + vkey.len()),
        (format!("witness w {vkey}\ngroup g 0 w\nquorum g\n"), 11 + vkey.len()),
        (format!("witness w {vkey}\ngroup g +1 w\nquorum g\n"), 11 + vkey.len()),
        (format!("witness w {vkey}\ngroup g 1\nquorum g\n"), 11 + vkey.len()),
        (format!("witness w {vkey}\ngroup g all w w\nquorum g\n"), 11 + vkey.len()),
        (format!("witness w {vkey}\ngroup g all none\nquorum g\n"), 11 + vkey.len()),
        (format!("witness w {vkey}\ngroup g any w\ngroup h any w\nquorum g\n"), 25 + vkey.len()),
        ("group g any h\nquorum g\n".into(), 0),
        ("logs\nquorum none\n".into(), 0),
        ("log\nquorum none\n".into(), 0),
        ("quorum none\n\r\n".into(), 12),
    ] {
        let error = Policy::parse(&bad).expect_err(&bad);
        assert!(
            matches!(error, Error::InvalidEncoding { field: "policy", offset: at, .. } if at == offset),
            "{error:?}: {bad}"
        );
    }
    assert!(matches!(Policy::parse("witness w a+b+c\n"), Err(Error::InvalidEncoding { field: "vkey", .. })));
}
