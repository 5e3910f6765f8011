//! Keys in files: every form that is read, and each refusal.

use sealcore::Error;
use sealcore::pki::*;
use sealcore::sign::{Algorithm, SigningKey};
use support::craft::{oid, pem, seq, tlv};

const BOTH: [Algorithm; 2] = [Algorithm::P256, Algorithm::Sm2];

fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm).expect("random source")
}

fn refused_key<T>(result: sealcore::Result<T>, text: &str) {
    match result {
        Err(Error::InvalidKey { reason, .. }) if reason.contains(text) => {}
        Err(other) => panic!("expected {text:?}, got {other:?}"),
        Ok(_) => panic!("expected {text:?}, but it was accepted"),
    }
}

fn refused_encoding<T>(result: sealcore::Result<T>, text: &str) {
    match result {
        Err(Error::InvalidEncoding { reason, .. }) if reason.contains(text) => {}
        Err(other) => panic!("expected {text:?}, got {other:?}"),
        Ok(_) => panic!("expected {text:?}, but it was accepted"),
    }
}

#[test]
fn private_keys_return_from_every_form() {
    for algorithm in BOTH {
        let key = key(algorithm);
        for format in [Format::Pem, Format::Der] {
            let plain = dump_private_key(&key, None, format).expect("written");
            assert!(load_private_key(&plain, None).expect("read") == key);
            let locked = dump_private_key(&key, Some("口令".as_bytes()), format).expect("written");
            assert!(load_private_key(&locked, Some("口令".as_bytes())).expect("read") == key);
            assert_eq!(load_private_key(&locked, Some(b"other")).map(|_| ()), Err(Error::WrongPassword));
            assert_eq!(load_private_key(&locked, Some(b"")).map(|_| ()), Err(Error::WrongPassword));
            let missing = load_private_key(&locked, None).map(|_| ());
            assert!(matches!(missing, Err(Error::InvalidArgument { field: "password", .. })), "{missing:?}");
            let needless = load_private_key(&plain, Some(b"x")).map(|_| ());
            assert!(matches!(needless, Err(Error::InvalidArgument { field: "password", .. })), "{needless:?}");
        }
        let empty = dump_private_key(&key, Some(b""), Format::Pem).map(|_| ());
        assert!(matches!(empty, Err(Error::InvalidArgument { field: "password", .. })), "{empty:?}");
        // Each encryption has its own salt and IV.
        let twice = [0, 1].map(|_| dump_private_key(&key, Some(b"p"), Format::Der).expect("written"));
        assert_ne!(twice[0].as_slice(), twice[1].as_slice());
    }
}

/// ECPrivateKey of `d`, with what may stand in it.
fn sec1(d: &[u8], parameters: &[u8], public: &[u8]) -> Vec<u8> {
    let parameters = if parameters.is_empty() { Vec::new() } else { tlv(0xa0, &[parameters]) };
    let public = if public.is_empty() { Vec::new() } else { tlv(0xa1, &[&tlv(0x03, &[&[0], public])]) };
    seq(&[&[2, 1, 1], &tlv(0x04, &[d]), &parameters, &public])
}

fn pkcs8(algorithm: &[u8], sec1: &[u8]) -> Vec<u8> {
    seq(&[&[2, 1, 0], algorithm, &tlv(0x04, &[sec1])])
}

const EC: &str = "1.2.840.10045.2.1";
const P256: &str = "1.2.840.10045.3.1.7";
const SM2: &str = "1.2.156.10197.1.301";

#[test]
fn every_shape_of_a_private_key_is_read() {
    let (sm2, p256) = (key(Algorithm::Sm2), key(Algorithm::P256));
    let d = sm2.to_bytes();
    let point = sm2.verifying_key().to_sec1();
    let bare = sec1(d.as_slice(), &[], &[]);
    let accepted: Vec<(&str, Vec<u8>)> = vec![
        ("PKCS#8, named curve", pkcs8(&seq(&[&oid(EC), &oid(SM2)]), &bare)),
        ("PKCS#8, SM2 as algorithm", pkcs8(&seq(&[&oid(SM2)]), &bare)),
        ("PKCS#8, SM2 as algorithm, NULL", pkcs8(&seq(&[&oid(SM2), &[5, 0]]), &bare)),
        ("PKCS#8, SM2 twice", pkcs8(&seq(&[&oid(SM2), &oid(SM2)]), &bare)),
        ("PKCS#8, curve inside too", pkcs8(&seq(&[&oid(EC), &oid(SM2)]), &sec1(d.as_slice(), &oid(SM2), &point))),
        ("PKCS#8 with attributes", seq(&[&[2, 1, 0], &seq(&[&oid(SM2)]), &tlv(0x04, &[&bare]), &tlv(0xa0, &[])])),
        ("PKCS#8 version 2", seq(&[&[2, 1, 1], &seq(&[&oid(SM2)]), &tlv(0x04, &[&bare]), &tlv(0x81, &[&[0], &point])])),
        ("PKCS#8 PEM", pem("PRIVATE KEY", &pkcs8(&seq(&[&oid(SM2)]), &bare))),
        ("SEC 1", sec1(d.as_slice(), &oid(SM2), &[])),
        ("SEC 1, compressed point", sec1(d.as_slice(), &oid(SM2), &sm2.verifying_key().to_sec1_compressed())),
        ("EC PRIVATE KEY", pem("EC PRIVATE KEY", &sec1(d.as_slice(), &oid(SM2), &point))),
        ("SM2 PRIVATE KEY", pem("SM2 PRIVATE KEY", &bare)),
        ("EC PARAMETERS before", [pem("EC PARAMETERS", &oid(SM2)), pem("EC PRIVATE KEY", &bare)].concat()),
        (
            "text around",
            [b"Bag \xe5\x8d\xb0\r\n".to_vec(), pem("EC PRIVATE KEY", &sec1(d.as_slice(), &oid(SM2), &[]))].concat(),
        ),
    ];
    for (name, data) in accepted {
        let read = load_private_key(&data, None).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(read == sm2, "{name}");
    }
    let other = p256.verifying_key().to_sec1();
    let foreign = key(Algorithm::Sm2).verifying_key().to_sec1();
    refused_key(load_private_key(&bare, None), "the curve is missing");
    refused_key(load_private_key(&pem("EC PRIVATE KEY", &bare), None), "the curve is missing");
    refused_key(
        load_private_key(&pem("SM2 PRIVATE KEY", &sec1(d.as_slice(), &oid(P256), &[])), None),
        "two different curves",
    );
    refused_key(
        load_private_key(&pkcs8(&seq(&[&oid(EC), &oid(P256)]), &sec1(d.as_slice(), &oid(SM2), &[])), None),
        "two different curves",
    );
    refused_key(load_private_key(&pkcs8(&seq(&[&oid(SM2), &oid(P256)]), &bare), None), "names the curve P-256");
    refused_key(load_private_key(&sec1(d.as_slice(), &oid(SM2), &foreign), None), "does not belong");
    refused_key(load_private_key(&sec1(d.as_slice(), &oid(SM2), &other), None), "");
    let version2 = seq(&[&[2, 1, 1], &seq(&[&oid(SM2)]), &tlv(0x04, &[&bare]), &tlv(0x81, &[&[0], &foreign])]);
    refused_key(load_private_key(&version2, None), "does not belong");
    let version1 = seq(&[&[2, 1, 0], &seq(&[&oid(SM2)]), &tlv(0x04, &[&bare]), &tlv(0x81, &[&[0], &point])]);
    refused_key(load_private_key(&version1, None), "version");
    let version2_without = seq(&[&[2, 1, 1], &seq(&[&oid(SM2)]), &tlv(0x04, &[&bare])]);
    refused_key(load_private_key(&version2_without, None), "version");
    refused_key(
        load_private_key(&pkcs8(&seq(&[&oid(EC), &oid("1.3.132.0.10")]), &bare), None),
        "neither P-256 nor SM2",
    );
    refused_key(
        load_private_key(&pkcs8(&seq(&[&oid("1.2.840.113549.1.1.1"), &[5, 0]]), &bare), None),
        "neither P-256 nor SM2",
    );
    refused_key(load_private_key(&pem("RSA PRIVATE KEY", &bare), None), "neither P-256 nor SM2");
    for length in [0, 31, 33] {
        let short = load_private_key(&sec1(&vec![1; length], &oid(SM2), &[]), None).map(|_| ());
        assert!(matches!(short, Err(Error::InvalidLength { expected: 32, .. })), "{short:?}");
    }
    for out_of_range in [[0u8; 32], [0xff; 32]] {
        refused_key(load_private_key(&sec1(&out_of_range, &oid(P256), &[]), None), "");
    }
}

#[test]
fn pem_texts_that_are_no_single_private_key_are_refused() {
    let one = pem("PRIVATE KEY", &dump_private_key(&key(Algorithm::P256), None, Format::Der).expect("written"));
    refused_encoding(load_private_key(&[one.clone(), one.clone()].concat(), None), "several");
    refused_encoding(load_private_key(&pem("CERTIFICATE", &[0x30, 0]), None), "no private key");
    refused_encoding(load_private_key(b"", None), "truncated");
    refused_encoding(load_private_key(b"hello", None), "");
    let text = String::from_utf8(one).expect("ASCII");
    refused_encoding(
        load_private_key(text.replace("END PRIVATE KEY", "END EC PRIVATE KEY").as_bytes(), None),
        "no END line",
    );
    refused_encoding(load_private_key(text.replacen('M', "*", 1).as_bytes(), None), "not base64");
    let legacy = text.replace("KEY-----\nM", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nM");
    refused_encoding(load_private_key(legacy.as_bytes(), None), "openssl pkcs8 -topk8");
    load_private_key(text.replace('\n', "\r\n").as_bytes(), None).expect("CRLF");
    load_private_key(text.replace('\n', " \n\n").as_bytes(), None).expect("white space");
    let long = load_private_key(&vec![b'x'; (1 << 18) + 1], None).map(|_| ());
    assert!(matches!(long, Err(Error::InvalidLength { .. })), "{long:?}");
}

/// EncryptedPrivateKeyInfo with these PBES2 parameters.
fn encrypted(kdf: &[u8], cipher: &str) -> Vec<u8> {
    let scheme = seq(&[&oid(cipher), &tlv(0x04, &[&[0; 16]])]);
    let algorithm = seq(&[&oid("1.2.840.113549.1.5.13"), &seq(&[kdf, &scheme])]);
    seq(&[&algorithm, &tlv(0x04, &[&[0; 32]])])
}

fn integer(value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let start = bytes.iter().position(|b| *b != 0).unwrap_or(7);
    let sign: &[u8] = if bytes[start] & 0x80 != 0 { &[0] } else { &[] };
    tlv(0x02, &[sign, &bytes[start..]])
}

fn pbkdf2(iterations: u64, extra: &[u8]) -> Vec<u8> {
    seq(&[&oid("1.2.840.113549.1.5.12"), &seq(&[&tlv(0x04, &[b"salt"]), &integer(iterations), extra])])
}

fn scrypt(n: u64, r: u64, p: u64) -> Vec<u8> {
    let parameters = seq(&[&tlv(0x04, &[b"salt"]), &integer(n), &integer(r), &integer(p)]);
    seq(&[&oid("1.3.6.1.4.1.11591.4.11"), &parameters])
}

#[test]
fn hostile_and_unsupported_encryption_is_named_and_costs_nothing() {
    const AES: &str = "2.16.840.1.101.3.4.1.42";
    let started = std::time::Instant::now();
    let refuse = |file: &[u8], text: &str| refused_key(load_private_key(file, Some(b"p")), text);
    refuse(&encrypted(&pbkdf2(0, &[]), AES), "iteration count");
    refuse(&encrypted(&pbkdf2(10_000_001, &[]), AES), "iteration count");
    refuse(&encrypted(&pbkdf2(u64::MAX, &[]), AES), "iteration count");
    refuse(&encrypted(&pbkdf2(1, &integer(16)), AES), "another length");
    refuse(&encrypted(&pbkdf2(1, &seq(&[&oid("1.2.840.113549.2.8"), &[5, 0]])), AES), "PRF");
    for (n, r, p) in [
        (1 << 30, 8, 1),
        (1 << 20, 64, 1),
        (1 << 14, 8, 1 << 20),
        (3, 8, 1),
        (0, 8, 1),
        (1, 8, 1),
        (u64::MAX, u64::MAX, u64::MAX),
        (1 << 63, 2, 1),
    ] {
        refuse(&encrypted(&scrypt(n, r, p), AES), "scrypt");
    }
    for (n, r, p) in [(1 << 14, 0, 1), (1 << 14, 8, 0)] {
        refuse(&encrypted(&scrypt(n, r, p), AES), "scrypt");
    }
    refuse(&encrypted(&seq(&[&oid("1.2.3.4"), &seq(&[])]), AES), "neither PBKDF2 nor scrypt");
    for (cipher, name) in [
        ("1.2.840.113549.3.7", "DES-EDE3-CBC"),
        ("1.2.840.113549.3.2", "RC2-CBC"),
        ("1.3.14.3.2.7", "DES-CBC"),
        ("2.16.840.1.101.3.4.1.46", "AES-GCM"),
        ("1.2.156.10197.1.104", "SM4"),
        ("1.2.3.4", "other than"),
    ] {
        refuse(&encrypted(&pbkdf2(1, &[]), cipher), name);
    }
    let pbes1 = seq(&[&oid("1.2.840.113549.1.5.3"), &seq(&[&tlv(0x04, &[&[0; 8]]), &integer(1)])]);
    refuse(&seq(&[&pbes1, &tlv(0x04, &[&[0; 16]])]), "only PBES2");
    let algorithm =
        seq(&[&oid("1.2.840.113549.1.5.13"), &seq(&[&pbkdf2(1, &[]), &seq(&[&oid(AES), &tlv(0x04, &[&[0; 8]])])])]);
    let short_iv = load_private_key(&seq(&[&algorithm, &tlv(0x04, &[&[0; 16]])]), Some(b"p")).map(|_| ());
    assert!(matches!(short_iv, Err(Error::InvalidLength { field: "initialisation vector", .. })), "{short_iv:?}");
    assert!(started.elapsed().as_secs() < 20, "refused before the work");
}

#[test]
fn the_scrypt_example_of_rfc_7914_is_beyond_the_memory_bound() {
    // N = 2^20, r = 8: one gibibyte. OpenSSL refuses it for the same reason.
    let text = std::fs::read(support::vectors().join("pki/rfc7914_scrypt.pem")).expect("vector");
    refused_key(load_private_key(&text, Some(b"Rabbit")), "scrypt cost");
}

/// SpecifiedECDomain of SM2, changed by `change`.
fn explicit(change: impl Fn(&mut [Vec<u8>; 6])) -> Vec<u8> {
    let hex = |text: &str| hex::decode(text).expect("hex");
    let p = hex("fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff");
    let a = hex("fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc");
    let b = hex("28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93");
    let g = hex(concat!(
        "0432c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7",
        "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
    ));
    let n = hex("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123");
    let mut parts = [p, a, b, g, n, vec![1]];
    change(&mut parts);
    let [p, a, b, g, n, h] = parts;
    let unsigned = |bytes: &[u8]| tlv(0x02, &[if bytes[0] & 0x80 != 0 { &[0] } else { &[] }, bytes]);
    seq(&[
        &[2, 1, 1],
        &seq(&[&oid("1.2.840.10045.1.1"), &unsigned(&p)]),
        &seq(&[&tlv(0x04, &[&a]), &tlv(0x04, &[&b])]),
        &tlv(0x04, &[&g]),
        &unsigned(&n),
        &unsigned(&h),
    ])
}

#[test]
fn public_keys_come_in_three_shapes_and_never_on_another_generator() {
    let key = key(Algorithm::Sm2).verifying_key();
    let spki = |algorithm: &[u8]| seq(&[algorithm, &tlv(0x03, &[&[0], &key.to_sec1()])]);
    let explicit_key = |parameters: &[u8]| load_public_key(&spki(&seq(&[&oid(EC), parameters])));
    for algorithm in [
        seq(&[&oid(EC), &oid(SM2)]),
        seq(&[&oid(SM2)]),
        seq(&[&oid(SM2), &oid(SM2)]),
        seq(&[&oid(EC), &explicit(|_| {})]),
    ] {
        assert!(load_public_key(&spki(&algorithm)).expect("a shape of SM2") == key);
    }
    let compressed = explicit_key(&explicit(|parts| {
        parts[3] = [&[2], &parts[3][1..33]].concat();
    }));
    assert!(compressed.expect("compressed generator") == key);
    for part in 0..6 {
        refused_key(
            explicit_key(&explicit(|parts| *parts[part].last_mut().expect("byte") ^= 2)),
            "explicit curve parameters",
        );
    }
    // CVE-2020-0601: the victim's own point as generator.
    refused_key(explicit_key(&explicit(|parts| parts[3] = key.to_sec1().to_vec())), "explicit curve parameters");
    refused_key(explicit_key(&explicit(|parts| parts[3][0] = 3)), "explicit curve parameters");
    refused_key(load_public_key(&spki(&seq(&[&oid(EC), &[5, 0]]))), "not named");
    refused_key(load_public_key(&spki(&seq(&[&oid(EC)]))), "missing");
    refused_key(load_public_key(&spki(&seq(&[&oid("1.3.101.112")]))), "neither");
    let mut off = key.to_sec1();
    off[64] ^= 1;
    refused_key(load_public_key(&seq(&[&seq(&[&oid(SM2)]), &tlv(0x03, &[&[0], &off])])), "");
    for algorithm in BOTH {
        let key = SigningKey::generate(algorithm).expect("random source").verifying_key();
        for format in [Format::Pem, Format::Der] {
            assert!(load_public_key(&dump_public_key(&key, format).expect("written")).expect("read") == key);
        }
    }
}
