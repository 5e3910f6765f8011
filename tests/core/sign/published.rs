//! RFC 6979, A.2.5, and GB/T 32918.5-2017, A.2.

use super::{bytes, json, judge, text, unhex};
use sealcore::sign::{Algorithm, Signature, SigningKey, hazmat};

#[test]
fn published_signatures() {
    let mut judged = 0;
    for algorithm in super::BOTH {
        let file = json(&support::vectors().join(format!("sign/{}.json", algorithm.name())));
        let key = SigningKey::from_bytes(algorithm, &unhex(&file["d"])).expect("key");
        let public = key.verifying_key();
        assert_eq!(public.to_sec1(), bytes(&file["public_key"]));
        if algorithm == Algorithm::Sm2 {
            let identity = public.identity_digest(text(&file["distid"]).as_bytes()).expect("Z_A");
            assert_eq!(identity, bytes(&file["za"]));
        }
        for case in file["signatures"].as_array().expect("signatures") {
            let message = text(&case["message"]).as_bytes();
            let digest = public.message_digest(message);
            assert_eq!(digest, bytes(&case["digest"]));
            let expected = Signature::from(bytes(&case["signature"]));
            let signature = hazmat::sign_digest_with_nonce(&key, &digest, &bytes(&case["k"])).expect("signature");
            assert_eq!(signature, expected, "{case}");
            if algorithm == Algorithm::P256 {
                assert_eq!(hazmat::sign_digest_with_hedge(&key, &digest, None), expected, "{case}");
            }
            public.verify(message, &expected).expect("valid");
            assert!(judge(&public, &digest, &expected));
            judged += 1;
        }
    }
    assert_eq!(judged, 3);
}

/// Frozen: another nonce for the same key, digest and added bytes would be a change that nobody asked for.
#[test]
fn frozen_nonces() {
    let file = json(&support::vectors().join("sign/nonces.json"));
    let cases = file["signatures"].as_array().expect("signatures");
    let (mut plain, mut hedged) = (0, 0);
    for case in cases {
        let algorithm = Algorithm::from_name(text(&case["algorithm"])).expect("name");
        let key = SigningKey::from_bytes(algorithm, &unhex(&case["d"])).expect("key");
        let digest = bytes(&case["digest"]);
        let expected = Signature::from_bytes(&[unhex(&case["r"]), unhex(&case["s"])].concat()).expect("64 bytes");
        let added = Some(unhex(&case["added"])).filter(|added| !added.is_empty());
        let added: Option<[u8; 16]> = added.map(|added| added.try_into().expect("16 bytes"));
        *(if added.is_some() { &mut hedged } else { &mut plain }) += 1;
        assert_eq!(hazmat::sign_digest_with_hedge(&key, &digest, added.as_ref()), expected, "{case}");
        assert_eq!(hazmat::sign_digest_with_nonce(&key, &digest, &bytes(&case["k"])), Ok(expected), "{case}");
        assert!(judge(&key.verifying_key(), &digest, &expected));
    }
    assert_eq!((plain, hedged), (8, 8));
}

/// SM2 gives no signature for r = 0 (e = -x) and for r + k = n (e = -k - x).
#[test]
fn nonces_that_give_no_signature_are_refused() {
    use sealcore::curve::{Curve, Scalar, Sm2};
    let key = super::fixed_key(Algorithm::Sm2, 3);
    let k = Scalar::<Sm2>::from_canonical([1234, 5, 6, 7]);
    let (x, _) =
        Scalar::<Sm2>::from_bytes(&Sm2::g_table().multiply(sealcore::Backend::Scalar, &k).to_affine().x.to_bytes());
    for (e, signs) in [(x.negate(), false), (k.add(x).negate(), false), (x, true)] {
        let result = hazmat::sign_digest_with_nonce(&key, &e.to_bytes(), &k.to_bytes());
        match result {
            Ok(signature) => assert!(signs && judge(&key.verifying_key(), &e.to_bytes(), &signature)),
            Err(error) => assert!(!signs && matches!(error, sealcore::Error::InvalidArgument { field: "k", .. })),
        }
    }
}

#[test]
fn nonces_out_of_range_are_refused() {
    let order = [
        (Algorithm::P256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
        (Algorithm::Sm2, "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123"),
    ];
    for (algorithm, n) in order {
        let key = super::fixed_key(algorithm, 1);
        let n: [u8; 32] = hex::decode(n).expect("hexadecimal").try_into().expect("length");
        let mut above = n;
        above[31] += 1;
        for k in [[0; 32], n, above, [0xff; 32]] {
            let error = hazmat::sign_digest_with_nonce(&key, &[7; 32], &k).expect_err("refused");
            assert!(matches!(error, sealcore::Error::InvalidArgument { field: "k", .. }), "{error}");
        }
        let mut below = n;
        below[31] -= 1;
        let signature = hazmat::sign_digest_with_nonce(&key, &[7; 32], &below).expect("n - 1");
        assert!(judge(&key.verifying_key(), &[7; 32], &signature));
    }
}

#[test]
fn added_randomness_changes_the_nonce() {
    for algorithm in super::BOTH {
        let key = super::fixed_key(algorithm, 2);
        let digest = [9; 32];
        let plain = hazmat::sign_digest_with_hedge(&key, &digest, None);
        assert_eq!(hazmat::sign_digest_with_hedge(&key, &digest, None), plain);
        let hedged = hazmat::sign_digest_with_hedge(&key, &digest, Some(&[1; 16]));
        assert_eq!(hazmat::sign_digest_with_hedge(&key, &digest, Some(&[1; 16])), hedged);
        let other = hazmat::sign_digest_with_hedge(&key, &digest, Some(&[2; 16]));
        let random = [key.sign_digest(&digest), key.sign_digest(&digest)];
        let mut all = vec![plain, hedged, other, random[0], random[1]];
        for signature in &all {
            assert!(judge(&key.verifying_key(), &digest, signature));
        }
        all.sort_by_key(Signature::to_bytes);
        all.dedup();
        assert_eq!(all.len(), 5, "five nonces");
    }
}
