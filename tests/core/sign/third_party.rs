//! Wycheproof, Tongsuo, and the assembled SM2 vectors.

use super::{bytes, json, judge, text, unhex};
use sealcore::sign::{Algorithm, Signature, SigningKey, VerifyingKey, hazmat};
use sealcore::{Error, hash::sha256, hash::sm3};
use support::evp;

fn wycheproof(name: &str, decode: impl Fn(&[u8]) -> sealcore::Result<Signature>) -> (usize, usize, u64) {
    let Some(data) = support::shared_data() else { return (0, 0, 0) };
    let file = json(&data.join("eseal/vectors").join(name));
    let (mut valid, mut invalid) = (0, 0);
    for group in file["testGroups"].as_array().expect("groups") {
        assert_eq!(text(&group["sha"]), "SHA-256");
        let key = VerifyingKey::from_sec1(Algorithm::P256, &unhex(&group["publicKey"]["uncompressed"])).expect("key");
        for case in group["tests"].as_array().expect("tests") {
            let digest = sha256(&unhex(&case["msg"]));
            let accepted = decode(&unhex(&case["sig"])).is_ok_and(|signature| judge(&key, &digest, &signature));
            match text(&case["result"]) {
                "valid" => {
                    assert!(accepted, "{case}");
                    valid += 1;
                }
                "invalid" => {
                    assert!(!accepted, "{case}");
                    invalid += 1;
                }
                other => panic!("{other}: {case}"),
            }
        }
    }
    (valid, invalid, file["numberOfTests"].as_u64().expect("number"))
}

#[test]
fn wycheproof_der() {
    let judged = wycheproof("wycheproof_ecdsa_secp256r1_sha256_test.json", Signature::from_der);
    if judged.2 > 0 {
        assert_eq!(judged, (174, 310, 484));
    }
}

#[test]
fn wycheproof_p1363() {
    let judged = wycheproof("wycheproof_ecdsa_secp256r1_sha256_p1363_test.json", Signature::from_bytes);
    if judged.2 > 0 {
        assert_eq!(judged, (173, 89, 262));
    }
}

fn point(case: &serde_json::Value) -> VerifyingKey {
    let bytes = [vec![4], unhex(&case["px"]), unhex(&case["py"])].concat();
    VerifyingKey::from_sec1(Algorithm::Sm2, &bytes).expect("a point of SM2")
}

fn assembled() -> Option<serde_json::Value> {
    support::shared_data().map(|data| json(&data.join("eseal/vectors/sm2_sm3_vectors.json")))
}

/// Every section of the file is judged here or in the tests of `hash`, or named as out of scope.
#[test]
fn assembled_sections() {
    let Some(file) = assembled() else { return };
    let count = |name: &str| file[name].as_array().expect(name).len();
    let judged = ["sign", "verify_digest", "sm3", "za", "reject"].map(|name| (name, count(name)));
    assert_eq!(judged, [("sign", 3), ("verify_digest", 5), ("sm3", 14), ("za", 1), ("reject", 10)]);
    // SM2 encryption and SM2EnvelopedKey: this crate signs and does not encrypt.
    let left_out = ["encrypt", "enveloped_key"].map(|name| (name, count(name)));
    assert_eq!(left_out, [("encrypt", 5), ("enveloped_key", 3)]);
    let described = ["note", "curve"];
    assert_eq!(file.as_object().expect("object").len(), judged.len() + left_out.len() + described.len());
}

/// GB/T 32918.5 A.2 and Bouncy Castle's cases with a chosen nonce.
#[test]
fn assembled_signatures_with_chosen_nonces() {
    let Some(file) = assembled() else { return };
    let (mut with_sm3, mut with_sha256) = (0, 0);
    for case in file["sign"].as_array().expect("sign") {
        let key = SigningKey::from_bytes(Algorithm::Sm2, &unhex(&case["d"])).expect("key");
        let public = key.verifying_key();
        assert!(public == point(case), "{case}");
        let (distid, message) = (text(&case["id"]).as_bytes(), text(&case["msg"]).as_bytes());
        let e = bytes(&case["e"]);
        let signature = Signature::from_bytes(&[unhex(&case["r"]), unhex(&case["s"])].concat()).expect("64 bytes");
        match text(&case["digest"]) {
            "sm3" => {
                assert_eq!(public.message_digest_with_distid(distid, message), Ok(e), "{case}");
                public.verify_with_distid(distid, message, &signature).expect("valid");
                public.prepare().verify_with_distid(distid, message, &signature).expect("valid");
                with_sm3 += 1;
            }
            // Z_A and e by SHA-256, which no standard allows: only the signature of e is judged.
            "sha256" => with_sha256 += 1,
            other => panic!("{other}"),
        }
        assert_eq!(hazmat::sign_digest_with_nonce(&key, &e, &bytes(&case["k"])), Ok(signature), "{case}");
        assert!(judge(&public, &e, &signature));
    }
    assert_eq!((with_sm3, with_sha256), (2, 1));
}

/// Cloud key services, Tongsuo, and the signature of emmansun/gmsm issue 560, which a carry bug refused.
#[test]
fn assembled_signatures_of_digests() {
    let Some(file) = assembled() else { return };
    let mut issue_560 = 0;
    let cases = file["verify_digest"].as_array().expect("verify_digest");
    for case in cases {
        assert_eq!(case["valid"], true);
        let signature = Signature::from_der(&unhex(&case["sig_der"])).expect("DER");
        assert!(judge(&point(case), &bytes(&case["e"]), &signature), "{case}");
        assert_eq!(signature.to_der(), unhex(&case["sig_der"]));
        issue_560 += usize::from(text(&case["source"]).contains("#560"));
        if text(&case["source"]).contains("KMS") {
            assert_eq!(bytes(&case["e"]), sm3(b"abc"), "no Z_A step");
            // The three conventions never verify each other.
            assert_eq!(point(case).verify(b"abc", &signature), Err(Error::InvalidSignature));
            assert_eq!(point(case).verify_with_distid(b"", b"abc", &signature), Err(Error::InvalidSignature));
        }
    }
    assert_eq!((cases.len(), issue_560), (5, 1));
}

#[test]
fn assembled_identities() {
    let Some(file) = assembled() else { return };
    let cases = file["za"].as_array().expect("za");
    for case in cases {
        assert_eq!(point(case).identity_digest(text(&case["id"]).as_bytes()), Ok(bytes(&case["za"])));
    }
    assert_eq!(cases.len(), 1);
}

#[test]
fn assembled_must_reject() {
    let Some(file) = assembled() else { return };
    let (mut keys, mut signatures, mut too_long) = (0, 0, 0);
    for case in file["reject"].as_array().expect("reject") {
        assert_eq!(case["valid"], false);
        if let Some(public) = case.get("public_key") {
            let refused = VerifyingKey::from_sec1(Algorithm::Sm2, &unhex(public)).expect_err("refused");
            match text(&case["why"]) {
                why if why.starts_with("point not on curve") => {
                    assert!(matches!(refused, Error::InvalidKey { field: "public key", .. }), "{refused}");
                }
                _ => assert!(
                    matches!(refused, Error::InvalidEncoding { field: "public key", offset: 0, .. }),
                    "{refused}"
                ),
            }
            keys += 1;
            continue;
        }
        let [r, s] = ["r", "s"].map(|name| format!("{:0>64}", text(&case[name])));
        if r.len() > 64 {
            // More than 256 bits: no 64-byte form at all, and DER refuses it.
            let integer = |hex: &str| {
                let mut bytes = hex::decode(format!("{hex:0>66}")).expect("hexadecimal");
                while bytes[0] == 0 && bytes[1] < 0x80 {
                    bytes.remove(0);
                }
                [&[2, bytes.len() as u8][..], &bytes].concat()
            };
            let content = [integer(&r), integer(&s)].concat();
            let der = [&[0x30, content.len() as u8][..], &content].concat();
            let refused = Signature::from_der(&der).expect_err("refused");
            assert!(matches!(refused, Error::InvalidEncoding { field: "signature", .. }), "{refused}");
            too_long += 1;
            continue;
        }
        let signature = Signature::from_bytes(&hex::decode(r + &s).expect("hexadecimal")).expect("64 bytes");
        assert!(!judge(&point(case), &bytes(&case["e"]), &signature), "{case}");
        signatures += 1;
    }
    assert_eq!((keys, signatures, too_long), (2, 7, 1));
}

#[test]
fn tongsuo_evppkey() {
    let Some(data) = support::shared_data() else { return };
    let file = std::fs::read_to_string(data.join("eseal/vectors/tongsuo_evppkey_sm2.txt")).expect("readable");
    let cases = evp::cases(&file);
    let key = cases.iter().find(|case| case.has("PrivateKey")).expect("the key").get("PrivateKey");
    let (name, pem) = key.split_once('\n').expect("name and PEM");
    let key = sealcore::pki::load_private_key(pem.as_bytes(), None).expect("PKCS #8");
    let public = key.verifying_key();
    let (mut verified, mut other_digest, mut signed, mut generated, mut decrypted) = (0, 0, 0, 0, 0);
    for case in &cases {
        if case.has("Verify") && case.get("Ctrl") == "digest:SM3" {
            assert_eq!(case.get("Verify"), name);
            let e: [u8; 32] = case.bytes("Input").try_into().expect("32 bytes");
            assert!(judge(&public, &e, &Signature::from_der(&case.bytes("Output")).expect("DER")), "{case:?}");
            verified += 1;
        } else if case.has("Verify") {
            // SM2 with SHA-512 is refused there; here no digest of 64 bytes can be given at all.
            assert_eq!(case.get("Result"), "PKEY_CTRL_ERROR");
            assert_eq!(case.bytes("Input").len(), 64);
            other_digest += 1;
        } else if case.has("Sign") {
            // A signature of another nonce is asked for: it must differ, and both must verify.
            assert_eq!(case.get("Result"), "KEYOP_MISMATCH");
            let e: [u8; 32] = case.bytes("Input").try_into().expect("32 bytes");
            let signature = key.sign_digest(&e);
            assert!(signature.to_der() != case.bytes("Output") && judge(&public, &e, &signature));
            signed += 1;
        } else if case.has("KeyGen") {
            let key = SigningKey::generate(Algorithm::Sm2).expect("random source");
            assert!(judge(&key.verifying_key(), &[3; 32], &key.sign_digest(&[3; 32])));
            generated += 1;
        } else if case.has("Decrypt") {
            // Out of scope: this crate does not encrypt.
            decrypted += 1;
        } else {
            assert!(case.has("Title") || case.has("PrivateKey"), "{case:?}");
        }
    }
    assert_eq!((verified, other_digest, signed, generated), (2, 1, 1, 2));
    assert_eq!(decrypted, 5, "left out: SM2 encryption");
}
