//! Against RustCrypto: the same public keys, the same deterministic signatures, the same verdicts.

use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use proptest::prelude::*;
use sealcore::sign::{Algorithm, Signature, SigningKey, hazmat};

const DISTID: &str = "1234567812345678";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn p256_agrees(d in any::<[u8; 32]>(), digest in any::<[u8; 32]>(), hedge in any::<[u8; 16]>(), bit in 0usize..512) {
        let Ok(key) = SigningKey::from_bytes(Algorithm::P256, &d) else { return Err(TestCaseError::reject("range")) };
        let theirs = p256::ecdsa::SigningKey::from_slice(&d).expect("in range");
        let verifier = theirs.verifying_key();
        prop_assert_eq!(&key.verifying_key().to_sec1()[..], &*verifier.to_sec1_bytes());
        let signature: p256::ecdsa::Signature = theirs.sign_prehash(&digest).expect("signature");
        let ours = hazmat::sign_digest_with_hedge(&key, &digest, None);
        prop_assert_eq!(&ours.to_bytes()[..], &signature.to_bytes()[..]);
        let der = signature.to_der();
        prop_assert_eq!(&ours.to_der()[..], der.as_bytes());
        let hedged = hazmat::sign_digest_with_hedge(&key, &digest, Some(&hedge));
        let mut bytes = hedged.to_bytes();
        let judge = |bytes: &[u8; 64]| {
            p256::ecdsa::Signature::from_slice(bytes).is_ok_and(|s| verifier.verify_prehash(&digest, &s).is_ok())
        };
        prop_assert!(judge(&bytes) && super::judge(&key.verifying_key(), &digest, &hedged));
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(judge(&bytes), super::judge(&key.verifying_key(), &digest, &Signature::from(bytes)));
    }

    #[test]
    fn sm2_agrees(d in any::<[u8; 32]>(), message in any::<Vec<u8>>(), hedge in any::<[u8; 16]>(), bit in 0usize..512) {
        use ::sm2::dsa::signature::{Signer, Verifier};
        let Ok(key) = SigningKey::from_bytes(Algorithm::Sm2, &d) else { return Err(TestCaseError::reject("range")) };
        let public = key.verifying_key();
        let theirs = ::sm2::dsa::SigningKey::from_slice(DISTID, &d).expect("in range");
        prop_assert_eq!(&public.to_sec1()[..], &*theirs.verifying_key().to_sec1_bytes());
        let digest = public.message_digest(&message);
        // Both derive the nonce as RFC 6979 does, with SM3 and e.
        let signature: ::sm2::dsa::Signature = theirs.sign(&message);
        let ours = hazmat::sign_digest_with_hedge(&key, &digest, None);
        prop_assert_eq!(&ours.to_bytes()[..], &signature.to_bytes()[..]);
        prop_assert!(super::judge(&public, &digest, &ours));
        for distid in [DISTID, "", "seal@example.com"] {
            let verifier = ::sm2::dsa::VerifyingKey::from_sec1_bytes(distid, &public.to_sec1()).expect("point");
            let digest = public.message_digest_with_distid(distid.as_bytes(), &message).expect("distid");
            let hedged = hazmat::sign_digest_with_hedge(&key, &digest, Some(&hedge));
            let judge = |bytes: &[u8; 64]| {
                ::sm2::dsa::Signature::from_slice(bytes).is_ok_and(|s| verifier.verify(&message, &s).is_ok())
            };
            let mut bytes = hedged.to_bytes();
            prop_assert!(judge(&bytes));
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(judge(&bytes), super::judge(&public, &digest, &Signature::from(bytes)));
        }
    }
}
