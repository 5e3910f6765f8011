//! Deterministic CBOR: one encoding for each value, and nothing else decodes.

use proptest::prelude::*;
use sealcore::Error;
use sealcore::ledger::cbor::{Fields, MAX_DEPTH, MAX_LENGTH, Map, Value};

/// RFC 8949, appendix A: the rows whose values bodies may hold.
const APPENDIX_A: &[(&str, &str)] = &[
    ("0", "00"),
    ("1", "01"),
    ("10", "0a"),
    ("23", "17"),
    ("24", "1818"),
    ("25", "1819"),
    ("100", "1864"),
    ("1000", "1903e8"),
    ("1000000", "1a000f4240"),
    ("1000000000000", "1b000000e8d4a51000"),
    ("-1", "20"),
    ("-10", "29"),
    ("-100", "3863"),
    ("-1000", "3903e7"),
    ("false", "f4"),
    ("true", "f5"),
    ("null", "f6"),
    ("\"\"", "60"),
    ("\"a\"", "6161"),
    ("\"IETF\"", "6449455446"),
    ("\"\\\"\\\\\"", "62225c"),
    ("\"ü\"", "62c3bc"),
    ("\"水\"", "63e6b0b4"),
    ("[]", "80"),
    ("[1,2,3]", "83010203"),
    ("[1,[2,3],[4,5]]", "8301820203820405"),
    ("{}", "a0"),
    ("{\"a\":1,\"b\":[2,3]}", "a26161016162820203"),
    ("[\"a\",{\"b\":\"c\"}]", "826161a161626163"),
    ("{\"a\":\"A\",\"b\":\"B\",\"c\":\"C\",\"d\":\"D\",\"e\":\"E\"}", "a56161614161626142616361436164614461656145"),
];

fn from_json(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(b) => Value::Bool(*b),
        serde_json::Value::Number(n) => Value::Int(n.as_i64().expect("integer")),
        serde_json::Value::String(s) => s.as_str().into(),
        serde_json::Value::Array(items) => Value::Array(items.iter().map(from_json).collect()),
        serde_json::Value::Object(map) => Value::map(map.iter().map(|(k, v)| (k.as_str(), from_json(v)))),
    }
}

#[test]
fn appendix_a_of_the_rfc() {
    for (json, hex_bytes) in APPENDIX_A {
        let value = from_json(&serde_json::from_str(json).expect("json"));
        let bytes = hex::decode(hex_bytes).expect("hex");
        assert_eq!(value.encode().expect("encodes"), bytes, "{json}");
        assert_eq!(Value::decode(&bytes), Ok(value), "{json}");
    }
    let bytes = hex::decode("4401020304").expect("hex");
    assert_eq!(Value::decode(&bytes), Ok(Value::Bytes(vec![1, 2, 3, 4])));
}

#[test]
fn the_edges_of_integers() {
    for number in [
        0,
        23,
        24,
        255,
        256,
        65_535,
        65_536,
        4_294_967_295,
        4_294_967_296,
        i64::MAX,
        -1,
        -24,
        -25,
        -256,
        -257,
        i64::MIN,
    ] {
        let bytes = Value::Int(number).encode().expect("encodes");
        assert_eq!(Value::decode(&bytes), Ok(Value::Int(number)));
    }
    for wide in ["1b8000000000000000", "3b8000000000000000", "1bffffffffffffffff"] {
        assert!(Value::decode(&hex::decode(wide).expect("hex")).is_err(), "{wide} is outside 64 bits");
    }
}

/// Every form that RFC 8949 allows and clause 4.2.1 or the body format does not, with the offset of the finding.
#[test]
fn what_is_not_the_one_encoding_is_refused() {
    for (hex_bytes, offset) in [
        ("", 0),
        ("1800", 0),                 // 0 in two bytes
        ("1817", 0),                 // 23 in two bytes
        ("1900ff", 0),               // 255 in three bytes
        ("3800", 0),                 // -1 in two bytes
        ("5801aa", 0),               // a long head of a byte string
        ("780161", 0),               // a long head of a text
        ("980101", 0),               // a long head of an array
        ("b801616101", 0),           // a long head of a map
        ("5f4101ff", 0),             // indefinite byte string
        ("7f6161ff", 0),             // indefinite text
        ("9f01ff", 0),               // indefinite array
        ("bf616101ff", 0),           // indefinite map
        ("a2616201616101", 4),       // keys out of order
        ("a262616101616201", 5),     // a longer key first
        ("a2616101616102", 4),       // a key twice
        ("a10101", 1),               // a key that is no text
        ("f97e00", 0),               // a float
        ("fb3ff0000000000000", 0),   // a double
        ("f7", 0),                   // undefined
        ("e0", 0),                   // a simple value
        ("c11a514b67b0", 0),         // a tag
        ("0000", 1),                 // two values
        ("61ff", 0),                 // a text that is not UTF-8
        ("8201", 2),                 // ends too early
        ("9bffffffffffffffff", 9),   // an array of 2^64 - 1 items
        ("5bffffffffffffffff00", 0), // a byte string of 2^64 - 1 bytes
        ("bbffffffffffffffff", 9),   // a map of 2^64 - 1 pairs
    ] {
        match Value::decode(&hex::decode(hex_bytes).expect("hex")) {
            Err(Error::InvalidEncoding { field: "cbor", offset: at, .. }) => assert_eq!(at, offset, "{hex_bytes}"),
            other => panic!("{hex_bytes}: {other:?}"),
        }
    }
}

/// Every input of up to two bytes, and three bytes with every first byte: what decodes has exactly this encoding.
#[test]
fn short_inputs_decode_only_to_what_encodes_to_them() {
    let mut accepted = 0;
    let mut check = |input: &[u8]| {
        if let Ok(value) = Value::decode(input) {
            accepted += 1;
            assert_eq!(value.encode().expect("encodes"), input);
        }
    };
    for a in 0..=255u8 {
        check(&[a]);
        for b in 0..=255u8 {
            check(&[a, b]);
            for c in [0, 1, 0x17, 0x18, 0x40, 0x60, 0x61, 0x80, 0xa0, 0xf4, 0xff] {
                check(&[a, b, c]);
            }
        }
    }
    assert!(accepted > 800, "{accepted}");
}

#[test]
fn depth_and_length_are_bounded() {
    let nest = |depth: usize| (1..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    let deepest = nest(MAX_DEPTH).encode().expect("depth 16 encodes");
    assert_eq!(Value::decode(&deepest), Ok(nest(MAX_DEPTH)));
    assert!(matches!(nest(MAX_DEPTH + 1).encode(), Err(Error::InvalidArgument { field: "cbor", .. })));
    let mut deeper = vec![0x81; MAX_DEPTH];
    deeper.push(0xf6);
    assert!(matches!(Value::decode(&deeper), Err(Error::InvalidEncoding { offset: MAX_DEPTH, .. })));
    // A hostile nest of the full length ends at the bound, not in the stack.
    assert!(Value::decode(&vec![0x81; MAX_LENGTH]).is_err());
    let longest = Value::Bytes(vec![0; MAX_LENGTH - 3]);
    assert_eq!(Value::decode(&longest.encode().expect("fits")), Ok(longest));
    assert!(Value::Bytes(vec![0; MAX_LENGTH - 2]).encode().is_err());
    assert!(Value::decode(&vec![0; MAX_LENGTH + 1]).is_err());
}

#[test]
fn maps_sort_themselves_and_fields_are_closed() {
    let map: Map = [("bb", 1), ("a", 2), ("c", 3), ("aaa", 4)].into_iter().map(|(k, v)| (k, Value::Int(v))).collect();
    assert_eq!(map.iter().map(|(k, _)| k).collect::<Vec<_>>(), ["a", "c", "bb", "aaa"]);
    assert_eq!(map.get("bb"), Some(&Value::Int(1)));
    let mut fields =
        Fields::new("test", Value::map([("n", Value::Int(1)), ("b", vec![7u8; 3].as_slice().into())])).expect("a map");
    assert_eq!(fields.int("n"), Ok(1));
    assert_eq!(fields.int("n"), Err(Error::InvalidArgument { field: "n", reason: "missing from the map" }));
    assert!(matches!(fields.text("b"), Err(Error::InvalidArgument { field: "b", .. })));
    let fields = Fields::new("test", Value::map([("extra", Value::Null)])).expect("a map");
    assert!(matches!(fields.finish(), Err(Error::InvalidEncoding { field: "test", .. })));
    let mut fields = Fields::new("test", Value::map([("b", vec![7u8; 3].as_slice().into())])).expect("a map");
    assert_eq!(fields.bytes::<4>("b"), Err(Error::InvalidLength { field: "b", expected: 4, actual: 3 }));
    assert!(Fields::new("test", Value::Null).is_err());
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        ".{0,20}".prop_map(Value::Text),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((".{0,6}", inner), 0..6).prop_map(|pairs| Value::Map(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn values_come_back(value in any_value()) {
        let bytes = value.encode().expect("encodes");
        prop_assert_eq!(Value::decode(&bytes), Ok(value));
    }

    #[test]
    fn an_altered_encoding_is_another_value_or_refused(value in any_value(), at in any::<prop::sample::Index>(), flip in 1u8..) {
        let mut bytes = value.encode().expect("encodes");
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(other) = Value::decode(&bytes) {
            prop_assert_ne!(&other, &value);
            prop_assert_eq!(other.encode().expect("encodes"), bytes);
        }
    }
}
