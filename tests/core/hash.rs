//! SHA-256, SM3 and HMAC.

use sealcore::Backend;
use sealcore::hash::{HashAlgorithm, Hmac, sha256};
use sha2::Digest;
use support::evp;

const BOTH: [HashAlgorithm; 2] = [HashAlgorithm::Sha256, HashAlgorithm::Sm3];

fn json(path: &std::path::Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).expect("readable")).expect("JSON")
}

fn unhex(value: &serde_json::Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("text")).expect("hexadecimal")
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().expect("text")
}

/// What RustCrypto computes.
fn oracle(algorithm: HashAlgorithm, data: &[u8]) -> [u8; 32] {
    match algorithm {
        HashAlgorithm::Sha256 => sha2::Sha256::digest(data).into(),
        HashAlgorithm::Sm3 => ::sm3::Sm3::digest(data).into(),
    }
}

/// HMAC written down from RFC 2104 over the oracle.
fn oracle_hmac(algorithm: HashAlgorithm, key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut block = [0u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&oracle(algorithm, key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = oracle(algorithm, &[&block.map(|byte| byte ^ 0x36), data].concat());
    oracle(algorithm, &[&block.map(|byte| byte ^ 0x5c)[..], &inner].concat())
}

/// The digest, in one call and as one of many, where enough go together for every lane of every backend.
fn digest(algorithm: HashAlgorithm, message: &[u8]) -> [u8; 32] {
    let digest = algorithm.digest(message);
    for other in algorithm.digest_many(&[message; 37], 1) {
        assert_eq!(other, digest);
    }
    digest
}

/// Bytes without a pattern that a hash could like.
fn noise(length: usize) -> Vec<u8> {
    (0..length as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

/// FIPS 180-4 and GB/T 32905-2016.
#[test]
fn published_digests() {
    let mut judged = 0;
    for name in ["sha256", "sm3"] {
        let algorithm = HashAlgorithm::from_name(name).expect("name");
        let file = json(&support::vectors().join(format!("hash/{name}.json")));
        for case in file["digests"].as_array().expect("digests") {
            let message = text(&case["message"]).repeat(case["repeat"].as_u64().expect("repeat") as usize);
            assert_eq!(hex::encode(digest(algorithm, message.as_bytes())), text(&case["digest"]), "{case}");
            judged += 1;
        }
    }
    assert_eq!(judged, 5);
}

/// RFC 4231 and GM/T 0042-2015, D.3.
#[test]
fn published_tags() {
    let mut judged = 0;
    for name in ["sha256", "sm3"] {
        let algorithm = HashAlgorithm::from_name(name).expect("name");
        let file = json(&support::vectors().join(format!("hash/hmac_{name}.json")));
        for case in file["tags"].as_array().expect("tags") {
            let tag = algorithm.hmac(&unhex(&case["key"]), &unhex(&case["message"]));
            assert_eq!(hex::encode(tag), text(&case["tag"]), "{case}");
            judged += 1;
        }
    }
    assert_eq!(judged, 10);
}

#[test]
fn digests_of_tongsuo() {
    let Some(data) = support::shared_data() else { return };
    let read = |name: &str| std::fs::read_to_string(data.join("eseal/vectors").join(name)).expect(name);
    let (mut judged, mut others) = (0, Vec::new());
    for case in evp::cases(&read("tongsuo_evpmd_sm3.txt")).iter().filter(|case| case.has("Digest")) {
        match case.get("Digest") {
            "SM3" => {
                assert_eq!(
                    digest(HashAlgorithm::Sm3, &case.bytes("Input")).as_slice(),
                    case.bytes("Output"),
                    "{case:?}"
                );
                judged += 1;
            }
            other => others.push(other.to_lowercase()),
        }
    }
    // Two cases at the end of the file are of functions that this crate does not have.
    assert_eq!(others, ["sha3-256", "sha512"]);
    assert_eq!(judged, 8);
    let mut judged = 0;
    for case in evp::cases(&read("tongsuomini_sm3.txt")).iter().filter(|case| case.has("Count")) {
        assert_eq!(digest(HashAlgorithm::Sm3, &case.bytes("Input")).as_slice(), case.bytes("Output"), "{case:?}");
        judged += 1;
    }
    assert_eq!(judged, 8);
    for name in ["tongsuo_evpmac_sm3.txt", "tongsuomini_hmac_sm3.txt"] {
        let mut judged = 0;
        for case in evp::cases(&read(name)).iter().filter(|case| case.has("Key")) {
            assert_eq!(case.get_or("MAC", "HMAC"), "HMAC");
            assert_eq!(case.get_or("Algorithm", "SM3"), "SM3");
            let tag = HashAlgorithm::Sm3.hmac(&case.bytes("Key"), &case.bytes("Input"));
            assert_eq!(tag.as_slice(), case.bytes("Output"), "{case:?}");
            judged += 1;
        }
        assert_eq!(judged, 4, "{name}");
    }
}

#[test]
fn assembled_sm3_digests() {
    let Some(data) = support::shared_data() else { return };
    let file = json(&data.join("eseal/vectors/sm2_sm3_vectors.json"));
    let cases = file["sm3"].as_array().expect("sm3");
    for case in cases {
        let message = match case.get("repeat") {
            Some(piece) => unhex(piece).repeat(case["count"].as_u64().expect("count") as usize),
            None => unhex(&case["msg"]),
        };
        assert_eq!(hex::encode(digest(HashAlgorithm::Sm3, &message)), text(&case["digest"]), "{case}");
    }
    assert_eq!(cases.len(), 14);
}

#[test]
fn wycheproof_hmac_sm3() {
    let Some(data) = support::shared_data() else { return };
    let file = json(&data.join("eseal/vectors/wycheproof_hmac_sm3_test.json"));
    let (mut valid, mut invalid) = (0, 0);
    for group in file["testGroups"].as_array().expect("groups") {
        let size = group["tagSize"].as_u64().expect("tagSize") as usize / 8;
        for case in group["tests"].as_array().expect("tests") {
            let tag = HashAlgorithm::Sm3.hmac(&unhex(&case["key"]), &unhex(&case["msg"]));
            let equal = tag[..size] == unhex(&case["tag"]);
            match text(&case["result"]) {
                "valid" => valid += usize::from(equal),
                "invalid" => invalid += usize::from(!equal),
                other => panic!("{other}: {case}"),
            }
        }
    }
    assert_eq!((valid, invalid), (66, 108));
    assert_eq!(file["numberOfTests"], 174);
}

#[test]
fn every_length_around_the_block_agrees_with_the_oracle() {
    for algorithm in BOTH {
        for length in (0..=260).chain([1000, 4095, 4096, 4097, 65_537]) {
            let message = noise(length);
            assert_eq!(algorithm.digest(&message), oracle(algorithm, &message), "{algorithm:?} {length}");
            let tag = oracle_hmac(algorithm, &message, b"data");
            assert_eq!(algorithm.hmac(&message, b"data"), tag, "{algorithm:?}: a key of {length} bytes");
            let tag = oracle_hmac(algorithm, b"key", &message);
            assert_eq!(algorithm.hmac(b"key", &message), tag, "{algorithm:?}: data of {length} bytes");
        }
    }
}

#[test]
fn a_stream_may_be_cut_anywhere() {
    let message = noise(200);
    for algorithm in BOTH {
        let whole = algorithm.digest(&message);
        let tag = algorithm.hmac(b"key", &message);
        for first in 0..=message.len() {
            for second in (first..=message.len()).step_by(13) {
                let pieces = [&message[..first], &message[first..second], &message[second..]];
                let mut hasher = algorithm.hasher();
                let mut hmac = Hmac::new(algorithm, b"key");
                for piece in pieces {
                    hasher.update(piece);
                    hmac.update(piece);
                }
                assert_eq!(hasher.finalize(), whole, "{algorithm:?} cut at {first} and {second}");
                assert_eq!(hmac.finalize(), tag, "{algorithm:?} cut at {first} and {second}");
            }
        }
        let mut hasher = algorithm.hasher();
        message.iter().for_each(|byte| hasher.update(core::slice::from_ref(byte)));
        assert_eq!(hasher.finalize(), whole);
    }
}

#[test]
fn a_clone_goes_its_own_way() {
    for algorithm in BOTH {
        let mut hasher = algorithm.hasher();
        hasher.update(&noise(70));
        let other = hasher.clone();
        hasher.update(b"more");
        assert_eq!(other.finalize(), algorithm.digest(&noise(70)));
        assert_eq!(hasher.finalize(), algorithm.digest(&[&noise(70)[..], b"more"].concat()));
    }
}

#[test]
fn names() {
    for algorithm in BOTH {
        assert_eq!(HashAlgorithm::from_name(algorithm.name()), Ok(algorithm));
        assert_eq!(algorithm.hasher().algorithm(), algorithm);
    }
    for wrong in ["", "SM3", "sha-256", "sha512", "sm3 "] {
        let error = HashAlgorithm::from_name(wrong).expect_err(wrong);
        assert!(matches!(error, sealcore::Error::InvalidArgument { field: "hash algorithm", .. }));
        assert!(error.to_string().contains("\"sha256\" or \"sm3\""), "{error}");
    }
    assert_eq!(sha256(b""), HashAlgorithm::Sha256.digest(b""));
}

#[test]
fn debug_output_shows_no_state() {
    let mut hasher = HashAlgorithm::Sm3.hasher();
    hasher.update(b"secret");
    assert_eq!(format!("{hasher:?}"), "Hasher(sm3, 6 bytes)");
    assert_eq!(format!("{:?}", Hmac::new(HashAlgorithm::Sha256, b"secret")), "Hmac(sha256, …)");
}

/// All of the above once more under each backend of this processor, by the variable that chooses it.
#[test]
fn every_backend_gives_the_same_answers() {
    const CHILD: &str = "SEALCORE_TEST_HASH_BACKEND";
    if let Ok(expected) = std::env::var(CHILD) {
        assert_eq!(sealcore::backends().expect("backends").hash.name(), expected);
        return;
    }
    for (backend, hash) in [
        (Backend::Scalar, Backend::Scalar),
        (Backend::Avx2, Backend::Avx2),
        (Backend::Avx512, Backend::Avx512),
        (Backend::Ifma, Backend::Avx512),
    ] {
        if !support::has(backend) {
            continue;
        }
        let output = std::process::Command::new(std::env::current_exe().expect("this test"))
            .env("SEALCORE_BACKEND", backend.name())
            // What CI requires of the machine is more than this child may use.
            .env_remove("SEALCORE_REQUIRE_BACKENDS")
            .env(CHILD, hash.name())
            .output()
            .expect("the test runs");
        assert!(output.status.success(), "{backend:?}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

proptest::proptest! {
    #[test]
    fn random_messages_agree_with_the_oracle(
        message in proptest::collection::vec(proptest::num::u8::ANY, 0..700),
        key in proptest::collection::vec(proptest::num::u8::ANY, 0..150),
    ) {
        for algorithm in BOTH {
            assert_eq!(algorithm.digest(&message), oracle(algorithm, &message));
            assert_eq!(algorithm.hmac(&key, &message), oracle_hmac(algorithm, &key, &message));
        }
    }
}
