//! Signing and verifying.

use sealcore::sign::{Algorithm, Keys, SigningKey, VerifyingKey, hazmat, sign_many, verify_many};

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    hex::decode(hex).expect("hexadecimal").try_into().expect("length")
}

/// GB/T 32918.5-2017, A.2.
#[test]
fn sm2_published_signature() {
    let d = bytes::<32>("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8");
    let key = SigningKey::from_bytes(Algorithm::Sm2, &d).expect("key");
    assert_eq!(
        hex::encode_upper(key.verifying_key().to_sec1()),
        "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
    );
    let e = key.verifying_key().message_digest(b"message digest");
    assert_eq!(hex::encode_upper(e), "F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640");
    let k = bytes("59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21");
    let signature = hazmat::sign_digest_with_nonce(&key, &e, &k).expect("signature");
    assert_eq!(
        hex::encode_upper(signature.to_bytes()),
        "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
    );
    key.verifying_key().verify(b"message digest", &signature).expect("valid");
}

/// RFC 6979, A.2.5.
#[test]
fn p256_published_signature() {
    let d = bytes::<32>("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
    let key = SigningKey::from_bytes(Algorithm::P256, &d).expect("key");
    let digest = key.verifying_key().message_digest(b"sample");
    let signature = hazmat::sign_digest_with_hedge(&key, &digest, None);
    assert_eq!(
        hex::encode_upper(signature.to_bytes()),
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
    );
    key.verifying_key().verify(b"sample", &signature).expect("valid");
}

#[test]
fn a_batch_signs_and_verifies() {
    for algorithm in [Algorithm::Sm2, Algorithm::P256] {
        let key = SigningKey::generate(algorithm).expect("key");
        let messages: Vec<Vec<u8>> = (0..50u8).map(|i| vec![i; usize::from(i)]).collect();
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let mut signatures = sign_many(&key, &messages, None, 0).expect("signatures");
        signatures[7] = signatures[8];
        let public = key.verifying_key();
        let verdicts = verify_many(Keys::from(&public), &messages, &signatures, None, 0).expect("verdicts");
        assert_eq!(verdicts.failed(), [7]);
        public.prepare().verify(messages[3], &signatures[3]).expect("valid");
        let again = VerifyingKey::from_sec1(algorithm, &public.to_sec1_compressed()).expect("point");
        assert_eq!(again, public);
    }
}
