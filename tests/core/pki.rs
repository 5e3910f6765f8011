//! Keys, names, certificates, chains and the development authority: each rule with its refusal.

use sealcore::Error;
use sealcore::pki::*;
use sealcore::sign::{Algorithm, SigningKey, VerifyingKey};
use support::craft::{self, Recipe, oid, seq, tlv};

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

fn refused_encoding<T>(result: sealcore::Result<T>, text: &str) -> usize {
    match result {
        Err(Error::InvalidEncoding { reason, offset, .. }) if reason.contains(text) => offset,
        Err(other) => panic!("expected {text:?}, got {other:?}"),
        Ok(_) => panic!("expected {text:?}, but it was accepted"),
    }
}

// --- private and public keys ---

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

fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in base64(der).as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).expect("ASCII"));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text.into_bytes()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            out.push(if i <= chunk.len() { DIGITS[(word >> (18 - 6 * i)) as usize & 63] as char } else { '=' });
        }
    }
    out
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

// --- names ---

#[test]
fn names_read_as_rfc_4514_and_return() {
    let key = key(Algorithm::P256);
    let show = |text: &str| CertificateRequest::create(&key, text).map(|r| r.subject().to_owned());
    for (text, shown) in [
        ("CN=合同专用章,O=Example,C=CN", "CN=合同专用章,O=Example,C=CN"),
        ("cn=a, o = b", "CN=a,O=b"),
        (r"CN=Doe\, John", r"CN=Doe\, John"),
        (r"CN=Doe\2C John", r"CN=Doe\, John"),
        (r"CN=\E5\90\88", "CN=合"),
        (r"CN=a\\\,b", r"CN=a\\\,b"),
        (r"CN=a\\,O=b", r"CN=a\\,O=b"),
        (r"CN=\ a\ ", r"CN=\ a\ "),
        (r"CN=\#a", r"CN=\#a"),
        (r#"CN=\"\+\;\<\>"#, r#"CN=\"\+\;\<\>"#),
        ("CN=a=b", "CN=a=b"),
        ("CN=a+OU=b,O=c", "CN=a+OU=b,O=c"),
        ("OU=b+CN=a", "CN=a+OU=b"),
        ("2.5.4.3=x", "CN=x"),
        ("CN=#0c0178", "CN=x"),
        ("1.2.3.4=#0c0178", "1.2.3.4=#0c0178"),
        ("DC=example,DC=com", "DC=example,DC=com"),
    ] {
        assert_eq!(show(text).as_deref(), Ok(shown), "{text}");
        assert_eq!(show(shown).as_deref(), Ok(shown), "{shown}");
    }
    for (text, reason, offset) in [
        ("", "a part like", 0),
        ("CN", "a part like", 0),
        ("CN=", "empty", 3),
        ("CN=a,", "a part like", 5),
        ("CN=a+", "a part like", 5),
        ("Bogus=a", "unknown kind", 0),
        ("C=China", "two letters", 2),
        ("C=C1", "two letters", 2),
        ("CN=a;b", "must be escaped", 4),
        ("CN=a\"", "must be escaped", 4),
        ("CN=a\0", "must be escaped", 4),
        ("CN=a\\", "has no character", 5),
        ("CN=a\\x", "two hex digits", 5),
        ("CN=a\\+1\\合", "two hex digits", 8),
        ("CN=\\ff", "not UTF-8", 6),
        ("CN=#0c", "hexadecimal", 4),
        ("CN=#0c01780", "hexadecimal", 4),
        ("CN=#", "hexadecimal", 4),
        ("emailAddress=合@b", "ASCII", 13),
    ] {
        assert_eq!(refused_encoding(show(text), reason), offset, "{text:?}");
    }
    assert!(show(&format!("CN={}", "章".repeat(64))).is_ok());
    refused_encoding(show(&format!("CN={}", "章".repeat(65))), "64 characters");
}

// --- chains ---

const NOW: i64 = 1_750_000_000;
const LIFE: (&str, &str) = ("250101000000Z", "260101000000Z");

fn ca<'a>(subject: &'a str, issuer: &'a str) -> Recipe<'a> {
    let extensions = vec![craft::basic_constraints(true, None), craft::key_usage(0x04)];
    Recipe { subject, issuer, validity: LIFE, extensions }
}

fn leaf<'a>(subject: &'a str, issuer: &'a str) -> Recipe<'a> {
    Recipe { subject, issuer, validity: LIFE, extensions: vec![craft::key_usage(0xc0)] }
}

/// Keys of root, intermediate and leaf.
struct Keys([SigningKey; 3]);

impl Keys {
    fn new() -> Self {
        Keys([key(Algorithm::Sm2), key(Algorithm::P256), key(Algorithm::Sm2)])
    }

    /// Verifies root -> middle -> leaf as the recipes have them.
    fn verify(
        &self,
        root: &Recipe<'_>,
        middle: &Recipe<'_>,
        leaf: &Recipe<'_>,
        options: &ChainOptions<'_>,
    ) -> sealcore::Result<usize> {
        let [r, m, l] = &self.0;
        let root = root.certificate(&r.verifying_key(), r);
        let middle = middle.certificate(&m.verifying_key(), r);
        let leaf = leaf.certificate(&l.verifying_key(), m);
        verify_chain(&leaf, &[middle], &[root], options).map(|path| path.len())
    }
}

fn refused(result: sealcore::Result<usize>, depth: usize, reason: &str) {
    match result {
        Err(Error::InvalidCertificate { depth: d, reason: r }) if d == depth && r.contains(reason) => {}
        other => panic!("expected {reason:?} at depth {depth}, got {other:?}"),
    }
}

#[test]
fn each_chain_rule_refuses() {
    let keys = Keys::new();
    let options = ChainOptions::at(NOW);
    let (root, middle, end) = (ca("root", "root"), ca("middle", "root"), leaf("leaf", "middle"));
    let with = |recipe: &Recipe<'static>, extensions: Vec<Vec<u8>>| Recipe { extensions, ..recipe.clone() };
    assert_eq!(keys.verify(&root, &middle, &end, &options), Ok(3), "the chain that the refusals are made from");

    // Basic constraints and key usage of authorities.
    let no_constraints = with(&middle, vec![craft::key_usage(0x04)]);
    refused(keys.verify(&root, &no_constraints, &end, &options), 1, "not a certificate authority");
    let not_ca = with(&middle, vec![craft::basic_constraints(false, None), craft::key_usage(0x04)]);
    refused(keys.verify(&root, &not_ca, &end, &options), 1, "not a certificate authority");
    let no_cert_sign = with(&middle, vec![craft::basic_constraints(true, None), craft::key_usage(0x80)]);
    refused(keys.verify(&root, &no_cert_sign, &end, &options), 1, "sign certificates");
    let root_no_cert_sign = with(&root, vec![craft::basic_constraints(true, None), craft::key_usage(0x02)]);
    refused(keys.verify(&root_no_cert_sign, &middle, &end, &options), 2, "sign certificates");
    let version1 = with(&root, vec![]);
    refused(keys.verify(&version1, &middle, &end, &options), 2, "not a certificate authority");
    let no_key_usage = with(&middle, vec![craft::basic_constraints(true, None)]);
    assert_eq!(keys.verify(&root, &no_key_usage, &end, &options), Ok(3), "without keyUsage nothing is restricted");

    // Path length.
    let zero = with(&root, vec![craft::basic_constraints(true, Some(0)), craft::key_usage(0x04)]);
    refused(keys.verify(&zero, &middle, &end, &options), 2, "path length");
    let one = with(&root, vec![craft::basic_constraints(true, Some(1)), craft::key_usage(0x04)]);
    assert_eq!(keys.verify(&one, &middle, &end, &options), Ok(3));
    let zero = with(&middle, vec![craft::basic_constraints(true, Some(0)), craft::key_usage(0x04)]);
    assert_eq!(keys.verify(&root, &zero, &end, &options), Ok(3), "an end entity does not count");

    // Time: both ends belong to the validity, 2025-01-01 to 2026-01-01.
    let (first, last) = (1_735_689_600, 1_767_225_600);
    for at in [first, last] {
        assert_eq!(keys.verify(&root, &middle, &end, &ChainOptions::at(at)), Ok(3));
    }
    refused(keys.verify(&root, &middle, &end, &ChainOptions::at(first - 1)), 0, "not yet valid");
    refused(keys.verify(&root, &middle, &end, &ChainOptions::at(last + 1)), 0, "expired");
    let past = Recipe { validity: ("200101000000Z", "210101000000Z"), ..middle.clone() };
    refused(keys.verify(&root, &past, &end, &options), 1, "expired");
    let future = Recipe { validity: ("300101000000Z", "310101000000Z"), ..root.clone() };
    refused(keys.verify(&future, &middle, &end, &options), 2, "not yet valid");

    // Critical extensions.
    let unknown = |recipe: &Recipe<'static>, critical| {
        let mut extensions = recipe.extensions.clone();
        extensions.push(craft::extension("1.2.3.4", critical, &[5, 0]));
        with(recipe, extensions)
    };
    assert_eq!(keys.verify(&root, &middle, &unknown(&end, false), &options), Ok(3));
    refused(keys.verify(&root, &middle, &unknown(&end, true), &options), 0, "critical extension");
    refused(keys.verify(&root, &unknown(&middle, true), &end, &options), 1, "critical extension");
    refused(keys.verify(&unknown(&root, true), &middle, &end, &options), 2, "critical extension");
    let mut constrained = middle.extensions.clone();
    constrained.push(craft::extension("2.5.29.30", false, &seq(&[])));
    refused(keys.verify(&root, &with(&middle, constrained), &end, &options), 1, "name constraints");

    // Names.
    refused(keys.verify(&root, &middle, &leaf("leaf", "another"), &options), 0, "neither among");
    refused(keys.verify(&root, &ca("middle", "another"), &end, &options), 1, "neither among");
    refused(keys.verify(&root, &middle, &leaf("leaf", "leaf"), &options), 0, "self-issued and not among");

    // Uses.
    for (bits, usage, accepted) in [
        (0x80, Usage::Signature, true),
        (0x40, Usage::Signature, true),
        (0x20, Usage::Signature, false),
        (0x80, Usage::DigitalSignature, true),
        (0x40, Usage::DigitalSignature, false),
        (0x40, Usage::NonRepudiation, true),
        (0x80, Usage::NonRepudiation, false),
        (0x20, Usage::Any, true),
        (0x04, Usage::CertificateSigning, false),
    ] {
        let end = with(&end, vec![craft::key_usage(bits)]);
        let result = keys.verify(&root, &middle, &end, &ChainOptions { usage, ..options });
        if accepted { assert_eq!(result, Ok(3)) } else { refused(result, 0, "") }
    }
    let none = with(&end, vec![craft::basic_constraints(false, None)]);
    assert_eq!(keys.verify(&root, &middle, &none, &options), Ok(3), "without keyUsage nothing is restricted");

    // Purposes.
    let purpose = ChainOptions { extended_key_usage: Some(DOCUMENT_SIGNING), ..options };
    refused(keys.verify(&root, &middle, &end, &purpose), 0, "no extended key usage");
    for (has, accepted) in [(DOCUMENT_SIGNING, true), ("2.5.29.37.0", true), ("1.3.6.1.5.5.7.3.1", false)] {
        let result = keys.verify(&root, &middle, &with(&end, vec![craft::extended_key_usage(has)]), &purpose);
        if accepted { assert_eq!(result, Ok(3)) } else { refused(result, 0, "does not allow the purpose") }
    }
    let mut narrow = middle.extensions.clone();
    narrow.push(craft::extended_key_usage("1.3.6.1.5.5.7.3.1"));
    let good_end = with(&end, vec![craft::extended_key_usage(DOCUMENT_SIGNING)]);
    refused(keys.verify(&root, &with(&middle, narrow), &good_end, &purpose), 1, "does not allow the purpose");
}

#[test]
fn signatures_and_keys_of_the_chain_are_checked() {
    let [r, m, l] = [key(Algorithm::Sm2), key(Algorithm::P256), key(Algorithm::Sm2)];
    let stranger = key(Algorithm::P256);
    let root = ca("root", "root").certificate(&r.verifying_key(), &r);
    let middle = ca("middle", "root").certificate(&m.verifying_key(), &r);
    let end = leaf("leaf", "middle");
    let options = ChainOptions::at(NOW);
    let verify = |leaf: &Certificate, middle: &Certificate, root: &Certificate| {
        verify_chain(leaf, std::slice::from_ref(middle), std::slice::from_ref(root), &options).map(|path| path.len())
    };
    refused(verify(&end.certificate(&l.verifying_key(), &stranger), &middle, &root), 0, "does not verify");
    refused(verify(&end.certificate(&l.verifying_key(), &l), &middle, &root), 0, "signature algorithm");
    let impostor = ca("middle", "root").certificate(&m.verifying_key(), &key(Algorithm::Sm2));
    refused(verify(&end.certificate(&l.verifying_key(), &m), &impostor, &root), 1, "does not verify");
    let other_root = ca("root", "root").certificate(&stranger.verifying_key(), &stranger);
    refused(verify(&end.certificate(&l.verifying_key(), &m), &middle, &other_root), 1, "signature algorithm");

    // A self-signed certificate is trusted when it is a root, and only then.
    let own = leaf("own", "own").certificate(&l.verifying_key(), &l);
    assert_eq!(verify_chain(&own, &[], std::slice::from_ref(&own), &options).map(|p| p.len()), Ok(1));
    refused(
        verify_chain(&own, std::slice::from_ref(&own), &[root], &options).map(|p| p.len()),
        0,
        "not among the roots",
    );

    // Another distid for the whole chain, only when asked for.
    let tbs_with = |distid: &[u8]| {
        let template = leaf("leaf", "root").der(&l.verifying_key(), &r);
        let parsed = Certificate::from_der(&template).expect("parses");
        let signature = r.sign_with_distid(distid, parsed.tbs()).expect("signed").to_der();
        let algorithm = craft::signature_algorithm(Algorithm::Sm2);
        Certificate::from_der(&seq(&[parsed.tbs(), &algorithm, &tlv(0x03, &[&[0], &signature])])).expect("parses")
    };
    let root = ca("root", "root").certificate(&r.verifying_key(), &r);
    for (made, asked, accepted) in [
        (&b"1234567812345678"[..], None, true),
        (b"", None, false),
        (b"", Some(&b""[..]), true),
        (b"1234567812345678", Some(b""), false),
        (b"mine", Some(b"mine"), true),
    ] {
        let result =
            verify_chain(&tbs_with(made), &[], std::slice::from_ref(&root), &ChainOptions { distid: asked, ..options });
        assert_eq!(result.is_ok(), accepted, "made {made:?}, asked {asked:?}");
    }
}

#[test]
fn loops_depth_and_crowds_end_quickly() {
    let options = ChainOptions::at(NOW);
    let [a, b, l] = [key(Algorithm::P256), key(Algorithm::P256), key(Algorithm::P256)];
    // Two authorities that certify each other.
    let circle = [ca("a", "b").certificate(&a.verifying_key(), &b), ca("b", "a").certificate(&b.verifying_key(), &a)];
    let end = leaf("leaf", "a").certificate(&l.verifying_key(), &a);
    refused(verify_chain(&end, &circle, &[], &options).map(|p| p.len()), 2, "");

    // Every name is the same and every authority has certified every other: paths without number.
    let crowd: Vec<SigningKey> = (0..12).map(|_| key(Algorithm::P256)).collect();
    let mut intermediates = Vec::new();
    for subject in &crowd {
        for issuer in &crowd {
            intermediates.push(ca("x", "x").certificate(&subject.verifying_key(), issuer));
        }
    }
    let end = leaf("leaf", "x").certificate(&l.verifying_key(), &crowd[0]);
    let started = std::time::Instant::now();
    match verify_chain(&end, &intermediates, &[], &options) {
        Err(Error::InvalidCertificate { reason, .. }) => assert!(reason.contains("100 signature checks"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert!(started.elapsed().as_secs() < 10);

    // A path of 10 certificates, and of 11.
    for (length, accepted) in [(10, true), (11, false)] {
        let keys: Vec<SigningKey> = (0..length).map(|_| key(Algorithm::P256)).collect();
        let names: Vec<String> = (0..length).map(|i| format!("level {i}")).collect();
        let root = ca(&names[0], &names[0]).certificate(&keys[0].verifying_key(), &keys[0]);
        let below = |i: usize| ca(&names[i], &names[i - 1]).certificate(&keys[i].verifying_key(), &keys[i - 1]);
        let intermediates: Vec<Certificate> = (1..length - 1).map(below).collect();
        let last = length - 1;
        let end = leaf(&names[last], &names[last - 1]).certificate(&keys[last].verifying_key(), &keys[last - 1]);
        let result = verify_chain(&end, &intermediates, &[root], &options).map(|p| p.len());
        if accepted { assert_eq!(result, Ok(length)) } else { refused(result, 10, "longer than 10") }
    }
}

#[test]
fn a_detour_over_a_useless_intermediate_is_left_again() {
    let [r, m, l] = [key(Algorithm::P256), key(Algorithm::P256), key(Algorithm::P256)];
    let root = ca("root", "root").certificate(&r.verifying_key(), &r);
    let good = ca("middle", "root").certificate(&m.verifying_key(), &r);
    let expired = Recipe { validity: ("200101000000Z", "210101000000Z"), ..ca("middle", "root") };
    let useless = [
        expired.certificate(&m.verifying_key(), &r),
        ca("middle", "nobody").certificate(&m.verifying_key(), &r),
        ca("middle", "root").certificate(&l.verifying_key(), &r),
    ];
    let end = leaf("leaf", "middle").certificate(&l.verifying_key(), &m);
    for position in 0..=useless.len() {
        let mut intermediates = useless.to_vec();
        intermediates.insert(position, good.clone());
        let path =
            verify_chain(&end, &intermediates, std::slice::from_ref(&root), &ChainOptions::at(NOW)).expect("path");
        assert_eq!(path, [end.clone(), good.clone(), root.clone()]);
    }
}

// --- certificates ---

#[test]
fn odd_certificates_are_refused() {
    let k = key(Algorithm::P256);
    let der = |extensions| Recipe { extensions, ..leaf("a", "a") }.der(&k.verifying_key(), &k);
    let twice = vec![craft::key_usage(0x80), craft::key_usage(0x80)];
    refused_encoding(Certificate::from_der(&der(twice)), "occurs twice");
    refused_encoding(Certificate::from_der(&der(vec![craft::extension("2.5.29.15", true, &[4, 0])])), "");
    refused_encoding(Certificate::from_der(&der(vec![craft::extension("2.5.29.37", false, &seq(&[]))])), "");
    let mut good = der(vec![craft::key_usage(0x80)]);
    Certificate::from_der(&good).expect("parses");
    good.push(0);
    refused_encoding(Certificate::from_der(&good), "after the end");
    refused_encoding(Certificate::from_pem(&good), "no PEM text");
    refused_encoding(Certificate::load_all(b"-----BEGIN X-----\n-----END X-----\n"), "CERTIFICATE");

    // A certificate with an RSA key is read and shown; its key is refused when asked for.
    let certificate = Certificate::from_der(&der(vec![craft::key_usage(0x80)])).expect("parses");
    let rsa =
        seq(&[&seq(&[&oid("1.2.840.113549.1.1.1"), &[5, 0]]), &tlv(0x03, &[&[0], &seq(&[&[2, 1, 3], &[2, 1, 3]])])]);
    let spki = certificate.spki().to_vec();
    let at = certificate.tbs().windows(spki.len()).position(|w| w == spki).expect("there");
    let header = certificate.tbs().len() - Certificate::from_der(certificate.der()).expect("parses").tbs().len();
    assert_eq!(header, 0);
    let content = &certificate.tbs()
        [if certificate.tbs()[1] & 0x80 == 0 { 2 } else { 2 + (certificate.tbs()[1] & 0x7f) as usize }..];
    let at = at - (certificate.tbs().len() - content.len());
    let tbs = seq(&[&content[..at], &rsa, &content[at + spki.len()..]]);
    let algorithm = craft::signature_algorithm(Algorithm::P256);
    let signature = k.sign(&tbs).to_der();
    let rsa = Certificate::from_der(&seq(&[&tbs, &algorithm, &tlv(0x03, &[&[0], &signature])])).expect("parses");
    refused_key(rsa.public_key(), "neither P-256 nor SM2");
    rsa.verify_signature(&k.verifying_key(), None).expect("its issuer's signature is good");
    let result = verify_chain(&rsa, &[], std::slice::from_ref(&rsa), &ChainOptions::at(NOW)).map(|p| p.len());
    refused(result, 0, "neither P-256 nor SM2");
}

// --- the authority ---

const VALIDITY: Validity = Validity { not_before: NOW - 1000, not_after: NOW + 1000 };

fn root(algorithm: Algorithm, path_length: Option<u8>) -> CertificateAuthority {
    CertificateAuthority::create_root(key(algorithm), "CN=Root,C=CN", VALIDITY, path_length).expect("root")
}

#[test]
fn the_authority_issues_what_verifies() {
    for (above, below) in
        [(Algorithm::Sm2, Algorithm::Sm2), (Algorithm::P256, Algorithm::P256), (Algorithm::Sm2, Algorithm::P256)]
    {
        let root = root(above, Some(1));
        assert!(root.certificate().is_self_signed());
        let issuing_key = key(below);
        let certificate = root
            .issue("CN=Issuing", &issuing_key.verifying_key(), VALIDITY, &Profile::Authority { path_length: Some(0) })
            .expect("issued");
        let issuing = CertificateAuthority::new(issuing_key, certificate).expect("authority");
        let signer = key(below);
        let request = CertificateRequest::create(&signer, "CN=印章,O=甲").expect("request");
        request.verify(None).expect("valid");
        let request = CertificateRequest::load(request.to_pem().expect("PEM").as_bytes()).expect("read");
        let purposes = [DOCUMENT_SIGNING, "2.25.340282366920938463463374607431768211455"];
        let profile = Profile::Signer { extended_key_usage: &purposes };
        let end = issuing.issue_request(&request, VALIDITY, &profile).expect("issued");
        assert_eq!(end.subject(), "CN=印章,O=甲");
        assert_eq!(end.issuer(), "CN=Issuing");
        assert_eq!((end.not_before(), end.not_after()), (VALIDITY.not_before, VALIDITY.not_after));
        assert_eq!(end.extended_key_usage().expect("purposes"), purposes);
        assert_eq!(end.key_usage().expect("usage").names(), ["digital_signature", "non_repudiation"]);
        assert_eq!(end.authority_key_id(), issuing.certificate().subject_key_id());
        assert!(end.public_key().expect("key") == signer.verifying_key());
        assert!(end.serial().len() >= 16 && (0x40..0x80).contains(&end.serial()[0]), "random and positive");
        let options = ChainOptions { extended_key_usage: Some(DOCUMENT_SIGNING), ..ChainOptions::at(NOW) };
        let path = verify_chain(&end, &[issuing.certificate().clone()], &[root.certificate().clone()], &options);
        assert_eq!(path.expect("path").len(), 3);
        let again = issuing.issue_request(&request, VALIDITY, &profile).expect("issued");
        assert_ne!(again.serial(), end.serial());
    }
}

#[test]
fn the_authority_refuses() {
    let ca = root(Algorithm::P256, Some(0));
    let signer = Profile::Signer { extended_key_usage: &[] };
    let public: VerifyingKey = key(Algorithm::P256).verifying_key();
    let argument = |result: sealcore::Result<Certificate>, name: &str| match result {
        Err(Error::InvalidArgument { field, .. }) if field == name => {}
        other => panic!("expected {name}, got {other:?}"),
    };
    for validity in [
        Validity { not_before: VALIDITY.not_before - 1, ..VALIDITY },
        Validity { not_after: VALIDITY.not_after + 1, ..VALIDITY },
        Validity { not_before: NOW, not_after: NOW - 1 },
    ] {
        argument(ca.issue("CN=a", &public, validity, &signer), "validity");
    }
    for path_length in [None, Some(0), Some(1)] {
        argument(ca.issue("CN=a", &public, VALIDITY, &Profile::Authority { path_length }), "path_length");
    }
    argument(
        ca.issue("CN=a", &public, VALIDITY, &Profile::Signer { extended_key_usage: &["nonsense"] }),
        "extended_key_usage",
    );
    for wrong in
        ["", "1", "3.1", "1.40", "1.2.", "1..2", "1.02", "1.2.-3", "1.2.340282366920938463463374607431768211456"]
    {
        argument(
            ca.issue("CN=a", &public, VALIDITY, &Profile::Signer { extended_key_usage: &[wrong] }),
            "extended_key_usage",
        );
    }
    refused_encoding(ca.issue("nonsense", &public, VALIDITY, &signer), "a part like");
    for (before, after) in [(-1, 1), (0, 253_402_300_800)] {
        let validity = Validity { not_before: before, not_after: after };
        let made = CertificateAuthority::create_root(key(Algorithm::P256), "CN=a", validity, None).map(|_| ());
        assert!(matches!(made, Err(Error::InvalidArgument { .. })), "{made:?}");
    }
    let end = ca.issue("CN=a", &public, VALIDITY, &signer).expect("issued");
    refused_key(CertificateAuthority::new(key(Algorithm::P256), ca.certificate().clone()), "not the key");
    let end_key = key(Algorithm::Sm2);
    let end_of = ca.issue("CN=b", &end_key.verifying_key(), VALIDITY, &signer).expect("issued");
    assert!(matches!(CertificateAuthority::new(end_key, end_of), Err(Error::InvalidCertificate { depth: 0, .. })));
    let request = CertificateRequest::create(&key(Algorithm::Sm2), "CN=c").expect("request");
    let mut forged = request.der().to_vec();
    let at = forged.windows(3).position(|w| w == b"\x0c\x01c").expect("CN") + 2;
    forged[at] = b'd';
    let forged = CertificateRequest::from_der(&forged).expect("parses");
    assert_eq!(ca.issue_request(&forged, VALIDITY, &signer), Err(Error::InvalidSignature));
    // Beyond 2049 the dates are GeneralizedTime.
    let late = Validity { not_before: NOW, not_after: 253_402_300_799 };
    let root = CertificateAuthority::create_root(key(Algorithm::P256), "CN=late", late, None).expect("root");
    assert_eq!(root.certificate().not_after(), 253_402_300_799);
    assert!(end.to_pem().expect("PEM").starts_with("-----BEGIN CERTIFICATE-----\n"));
}
