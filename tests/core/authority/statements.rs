//! Statements: the frozen vectors, one encoding for one statement, and hostile bytes.

use super::world::{World, name};
use proptest::prelude::*;
use sealcore::Error;
use sealcore::authority::{Approval, Content, Statement, StatementId};
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::cbor::Value;
use sealcore::ledger::statement_id;
use serde_json::Value as Json;
use std::collections::BTreeSet;

fn vectors() -> Json {
    let path = support::vectors().join("authority/statements.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("the vectors")).expect("JSON")
}

fn rows(vectors: &Json, list: &str) -> Vec<Json> {
    vectors[list].as_array().expect("a list").clone()
}

fn bytes(row: &Json, field: &str) -> Vec<u8> {
    hex::decode(row[field].as_str().expect("a text")).expect("hex")
}

/// A field of a vector as a value; bytes stand as {"$hex": "…"}.
fn value(json: &Json) -> Value {
    match json {
        Json::Number(number) => Value::Int(number.as_i64().expect("64 bits")),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::Array(items.iter().map(value).collect()),
        Json::Object(map) => match map.get("$hex") {
            Some(hex) => Value::Bytes(hex::decode(hex.as_str().expect("a text")).expect("hex")),
            None => Value::map(map.iter().map(|(key, item)| (key.as_str(), value(item)))),
        },
        Json::Null | Json::Bool(_) => panic!("no vector holds this"),
    }
}

#[test]
fn the_frozen_statements_decode_and_encode_to_themselves() {
    let vectors = vectors();
    let mut kinds = BTreeSet::new();
    for row in rows(&vectors, "accepted") {
        let body = bytes(&row, "body");
        let statement = Statement::decode(&body).unwrap_or_else(|error| panic!("{}: {error}", row["name"]));
        assert_eq!(statement.encode().expect("encodes"), body, "{}", row["name"]);
        assert_eq!(statement.to_value(), value(&row["fields"]), "{}", row["name"]);
        assert_eq!(Statement::from_value(&value(&row["fields"])).expect("reads"), statement, "{}", row["name"]);
        assert_eq!(statement_id(HashAlgorithm::Sha256, &body).to_vec(), bytes(&row, "id_sha256"));
        assert_eq!(statement_id(HashAlgorithm::Sm3, &body).to_vec(), bytes(&row, "id_sm3"));
        kinds.insert(statement.content.kind());
    }
    assert_eq!(kinds, Content::KINDS.iter().copied().collect(), "every kind has a vector");
}

#[test]
fn the_frozen_refusals_name_the_field() {
    let vectors = vectors();
    let refused = rows(&vectors, "refused");
    assert!(refused.len() > 40);
    for row in refused {
        let error = Statement::decode(&bytes(&row, "body")).expect_err(row["name"].as_str().expect("a name"));
        let (kind, field) = match error {
            Error::InvalidEncoding { field, .. } => ("InvalidEncoding", field),
            Error::InvalidArgument { field, .. } => ("InvalidArgument", field),
            Error::InvalidLength { field, .. } => ("InvalidLength", field),
            other => panic!("{}: {other}", row["name"]),
        };
        assert_eq!(
            (kind, field),
            (row["error"].as_str().expect("error"), row["field"].as_str().expect("field")),
            "{}",
            row["name"]
        );
    }
}

#[test]
fn an_unknown_field_is_found_at_its_offset() {
    for row in rows(&vectors(), "accepted") {
        for unknown in ["a", "by2", "unknown", "a-longer-name-than-all-the-others"] {
            let Value::Map(mut map) = value(&row["fields"]) else { panic!("a map") };
            map.insert(unknown, Value::Int(1));
            let body = Value::Map(map).encode().expect("encodes");
            let Err(Error::InvalidEncoding { field: "statement", offset, reason }) = Statement::decode(&body) else {
                panic!("{} with {unknown}", row["name"])
            };
            // The offset is that of the key: a text head, then the key itself.
            let key = &body[offset..];
            let head = if unknown.len() < 24 { 1 } else { 2 };
            assert_eq!(key[0] >> 5, 3, "{}", row["name"]);
            assert_eq!(&key[head..head + unknown.len()], unknown.as_bytes(), "{}", row["name"]);
            let kind = row["fields"]["kind"].as_str().expect("kind");
            assert!(
                reason.starts_with("unknown field: this statement has v, kind, by, ledger, seen"),
                "{kind}: {reason}"
            );
            for known in row["fields"].as_object().expect("fields").keys() {
                assert!(reason.contains(known.as_str()), "{kind}: the remedy does not name {known}");
            }
        }
    }
}

#[test]
fn a_crowd_of_unknown_fields_is_refused_at_the_first() {
    let row = &rows(&vectors(), "accepted")[0];
    for many in [18, 19, 20, 26, 27, 28, 300] {
        let Value::Map(mut map) = value(&row["fields"]) else { panic!("a map") };
        (0..many).for_each(|number| drop(map.insert(format!("unknown-{number:03}"), Value::Int(0))));
        let pairs = map.len();
        let body = Value::Map(map).encode().expect("encodes");
        let Err(Error::InvalidEncoding { field: "statement", offset, reason }) = Statement::decode(&body) else {
            panic!("{many} unknown fields")
        };
        if pairs > 32 {
            assert!(reason.contains("at most 32"), "{reason}");
        } else {
            assert_eq!(&body[offset + 1..offset + 12], b"unknown-000", "{pairs} pairs");
        }
    }
}

#[test]
fn every_missing_field_and_every_null_is_refused() {
    // What the format may leave out; everything else must be there.
    let optional = [
        "seen",
        "parent",
        "region",
        "roles",
        "note",
        "valid_from",
        "valid_to",
        "approvers",
        "approver_units",
        "required_units",
        "classes",
        "max_amounts",
        "certificate",
        "imprint",
        "filing_number",
        "amount",
        "counterparty",
        "positions",
        "on_behalf_of",
        "application",
        "documents",
        "position",
    ];
    for row in rows(&vectors(), "accepted") {
        let fields = value(&row["fields"]);
        let Value::Map(map) = &fields else { panic!("a map") };
        for (key, _) in map.iter() {
            let (mut without, mut null) = (map.clone(), map.clone());
            without.remove(key);
            null.insert(key, Value::Null);
            assert!(Statement::from_value(&Value::Map(null)).is_err(), "{}: {key} null", row["name"]);
            if Statement::from_value(&Value::Map(without)).is_ok() {
                assert!(optional.contains(&key), "{}: {key} left out", row["name"]);
            }
        }
    }
}

#[test]
fn no_flipped_bit_and_no_cut_panics_or_has_a_second_encoding() {
    let mut accepted = 0;
    for row in rows(&vectors(), "accepted") {
        let body = bytes(&row, "body");
        for at in 0..body.len() {
            assert!(Statement::decode(&body[..at]).is_err(), "{}: cut at {at}", row["name"]);
            for bit in 0..8 {
                let mut flipped = body.clone();
                flipped[at] ^= 1 << bit;
                if let Ok(statement) = Statement::decode(&flipped) {
                    accepted += 1;
                    assert_eq!(
                        statement.encode().expect("encodes"),
                        flipped,
                        "{}: bit {bit} of byte {at}",
                        row["name"]
                    );
                }
            }
        }
    }
    assert!(accepted > 1_000, "bits inside digests and names may flip to another statement");
}

#[test]
fn what_does_not_decode_does_not_encode() {
    let statement = |expires| Statement {
        by: name("ann"),
        ledger: [0; 32],
        seen: None,
        content: Approval { application: StatementId([0; 32]), expires }.into(),
    };
    statement(253_402_300_799_999_999).encode().expect("the last microsecond of 9999");
    for expires in [253_402_300_800_000_000, 1 << 63, u64::MAX] {
        let refused = statement(expires).encode();
        assert!(matches!(refused, Err(Error::InvalidArgument { field: "approval.expires", .. })), "{refused:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// A valid statement with bytes replaced, removed and inserted: a typed error, or exactly one encoding; and the
    /// state takes or refuses it without a panic, unchanged when it refuses.
    #[test]
    fn damaged_statements_never_panic(
        row in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..6),
    ) {
        let vectors = rows(&vectors(), "accepted");
        let mut body = bytes(&vectors[row.index(vectors.len())], "body");
        for (at, byte, how) in changes {
            if body.is_empty() {
                break;
            }
            let at = at.index(body.len());
            match how {
                0 => body[at] = byte,
                1 => drop(body.remove(at)),
                _ => body.insert(at, byte),
            }
        }
        if let Ok(statement) = Statement::decode(&body) {
            prop_assert_eq!(&statement.encode().expect("encodes"), &body);
        }
        let mut world = World::company();
        let before = world.state.digest().expect("digest");
        if world.append(sealcore::ledger::EntryType::Statement, 0, body).is_err() {
            prop_assert_eq!(world.state.digest().expect("digest"), before);
        }
    }

    #[test]
    fn random_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Statement::decode(&body).is_err());
    }
}
