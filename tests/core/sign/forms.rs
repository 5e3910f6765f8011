//! Keys and signatures as bytes, what is refused, and the three conventions of Z_A.

use super::{BOTH, fixed_key, judge};
use sealcore::Error;
use sealcore::hash::sm3;
use sealcore::sign::{Algorithm, Signature, SigningKey, VerifyingKey};

fn order(algorithm: Algorithm) -> [u8; 32] {
    let n = match algorithm {
        Algorithm::P256 => "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        Algorithm::Sm2 => "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123",
    };
    hex::decode(n).expect("hexadecimal").try_into().expect("length")
}

/// n + offset.
fn near_order(algorithm: Algorithm, offset: i16) -> [u8; 32] {
    let mut n = order(algorithm);
    n[31] = (i16::from(n[31]) + offset) as u8;
    n
}

#[test]
fn private_keys_are_in_range() {
    for algorithm in BOTH {
        let mut one = [0; 32];
        one[31] = 1;
        let largest = if algorithm == Algorithm::Sm2 { -2 } else { -1 };
        for d in [one, near_order(algorithm, largest - 1), near_order(algorithm, largest)] {
            let key = SigningKey::from_bytes(algorithm, &d).expect("in range");
            assert_eq!(*key.to_bytes(), d);
            assert!(judge(&key.verifying_key(), &[5; 32], &key.sign_digest(&[5; 32])));
        }
        let above = (largest + 1..=2).map(|offset| near_order(algorithm, offset));
        for d in above.chain([[0; 32], [0xff; 32]]) {
            let error = SigningKey::from_bytes(algorithm, &d).expect_err("out of range");
            assert!(matches!(error, Error::InvalidKey { field: "private key", .. }), "{error}");
            assert!(error.to_string().contains("from 1 to n - "), "{error}");
        }
        for length in [0, 1, 31, 33, 64] {
            let error = SigningKey::from_bytes(algorithm, &vec![1; length]).expect_err("length");
            assert_eq!(error, Error::InvalidLength { field: "private key", expected: 32, actual: length });
        }
    }
}

#[test]
fn private_keys_show_nothing() {
    for algorithm in BOTH {
        let key = fixed_key(algorithm, 4);
        let shown = format!("{key:?}");
        assert_eq!(shown, format!("SigningKey({}, public {})", algorithm.name(), key.verifying_key()));
        assert!(!shown.contains(&hex::encode(*key.to_bytes())[..8]), "{shown}");
        assert!(key == key.clone() && key != fixed_key(algorithm, 5));
    }
    assert!(fixed_key(Algorithm::Sm2, 4) != fixed_key(Algorithm::P256, 4));
}

#[test]
fn public_keys_in_both_forms() {
    for algorithm in BOTH {
        let mut parities = [0, 0];
        for number in 0..20 {
            let key = fixed_key(algorithm, number).verifying_key();
            let (long, short) = (key.to_sec1(), key.to_sec1_compressed());
            assert_eq!(long[0], 4);
            assert_eq!(short[0], 2 + (long[64] & 1));
            assert_eq!(short[1..], long[1..33]);
            parities[usize::from(short[0] - 2)] += 1;
            for form in [&long[..], &short] {
                assert!(VerifyingKey::from_sec1(algorithm, form) == Ok(key));
            }
            assert_eq!(key.to_string(), hex::encode(short));
        }
        assert!(parities[0] > 0 && parities[1] > 0, "both parities occurred");
    }
}

#[test]
fn public_keys_that_are_none() {
    for algorithm in BOTH {
        let other = if algorithm == Algorithm::Sm2 { Algorithm::P256 } else { Algorithm::Sm2 };
        let good = fixed_key(algorithm, 6).verifying_key().to_sec1();
        let error = |bytes: &[u8]| VerifyingKey::from_sec1(algorithm, bytes).map(|_| ()).expect_err("refused");
        assert!(matches!(error(&fixed_key(other, 6).verifying_key().to_sec1()), Error::InvalidKey { .. }));
        for index in 1..65 {
            for bit in 0..8 {
                let mut bytes = good;
                bytes[index] ^= 1 << bit;
                assert!(matches!(error(&bytes), Error::InvalidKey { field: "public key", .. }), "{index} {bit}");
            }
        }
        for first in (0..=255).filter(|first| ![2, 3, 4].contains(first)) {
            let mut bytes = good;
            bytes[0] = first;
            assert!(matches!(error(&bytes), Error::InvalidEncoding { field: "public key", offset: 0, .. }));
        }
        assert!(matches!(error(&[0]), Error::InvalidEncoding { offset: 0, .. }), "infinity");
        for (bytes, expected, actual) in [
            (&[][..], 65, 0),
            (&good[..64], 65, 64),
            (&[&good[..], &[0]].concat(), 65, 66),
            (&[2; 65], 33, 65),
            (&[3; 32], 33, 32),
        ] {
            assert_eq!(error(bytes), Error::InvalidLength { field: "public key", expected, actual });
        }
        // Coordinates of p and above, in both forms: p is 0 mod p, and x = 0 is on both curves.
        let p = match algorithm {
            Algorithm::P256 => "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
            Algorithm::Sm2 => "fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff",
        };
        let p = hex::decode(p).expect("hexadecimal");
        let zero = VerifyingKey::from_sec1(algorithm, &[&[2][..], &[0; 32]].concat()).expect("x = 0 is on the curve");
        for first in [2, 3] {
            assert!(matches!(error(&[&[first][..], &p].concat()), Error::InvalidKey { .. }));
            assert!(matches!(error(&[&[first][..], &[0xff; 32]].concat()), Error::InvalidKey { .. }));
        }
        assert!(matches!(error(&[&[4][..], &p, &zero.to_sec1()[33..]].concat()), Error::InvalidKey { .. }));
        // About half of all x have no point.
        let without = (0..64u8).filter(|&x| {
            let mut bytes = [0; 33];
            (bytes[0], bytes[32]) = (2, x);
            VerifyingKey::from_sec1(algorithm, &bytes).is_err()
        });
        assert!((16..48).contains(&without.count()));
    }
}

#[test]
fn every_flipped_bit_spoils_a_signature() {
    for algorithm in BOTH {
        let key = fixed_key(algorithm, 7);
        let public = key.verifying_key();
        let digest = public.message_digest(b"message");
        let signature = key.sign(b"message");
        assert!(judge(&public, &digest, &signature));
        let prepared = public.prepare();
        for bit in 0..512 {
            let mut bytes = signature.to_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let spoiled = Signature::from(bytes);
            assert_eq!(public.verify_digest(&digest, &spoiled), Err(Error::InvalidSignature), "bit {bit}");
            assert_eq!(prepared.verify_digest(&digest, &spoiled), Err(Error::InvalidSignature), "bit {bit}");
        }
        for bit in 0..256 {
            let mut digest = digest;
            digest[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(public.verify_digest(&digest, &signature), Err(Error::InvalidSignature), "digest bit {bit}");
        }
        let der = signature.to_der();
        for bit in 0..8 * der.len() {
            let mut der = der.clone();
            der[bit / 8] ^= 1 << (bit % 8);
            let accepted = Signature::from_der(&der).is_ok_and(|s| public.verify_digest(&digest, &s).is_ok());
            assert!(!accepted, "bit {bit} of the DER");
        }
    }
}

#[test]
fn der_is_strict_and_round_trips() {
    let scalar = |first: u8| {
        let mut bytes = [0x5a; 32];
        bytes[0] = first;
        bytes
    };
    let mut small = [0; 32];
    small[31] = 1;
    let mut sign_bit = [0; 32];
    sign_bit[30] = 0x80;
    let values = [[0; 32], small, sign_bit, scalar(0x7f), scalar(0x80), scalar(0xff), scalar(0)];
    for r in values {
        for s in values {
            let signature = Signature::from_bytes(&[r, s].concat()).expect("64 bytes");
            let der = signature.to_der();
            assert_eq!(Signature::from_der(&der), Ok(signature));
            for cut in 0..der.len() {
                assert!(matches!(Signature::from_der(&der[..cut]), Err(Error::InvalidEncoding { .. })), "cut at {cut}");
            }
            assert!(matches!(
                Signature::from_der(&[&der[..], &[0]].concat()),
                Err(Error::InvalidEncoding { reason: "trailing bytes after the SEQUENCE", offset, .. }) if offset == der.len()
            ));
        }
    }
    for (der, what) in [
        (&[0x30, 0x81, 6, 2, 1, 1, 2, 1, 1][..], "long form of a short length"),
        (&[0x30, 0x80, 2, 1, 1, 2, 1, 1, 0, 0], "indefinite length"),
        (&[0x31, 6, 2, 1, 1, 2, 1, 1], "a SET"),
        (&[0x30, 7, 2, 2, 0, 1, 2, 1, 1], "a leading zero"),
        (&[0x30, 6, 2, 1, 0x81, 2, 1, 1], "a negative integer"),
        (&[0x30, 5, 2, 0, 2, 1, 1], "an empty integer"),
        (&[0x30, 3, 2, 1, 1], "one integer"),
        (&[0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1], "three integers"),
        (&[0x30, 6, 3, 1, 1, 2, 1, 1], "a BIT STRING"),
        (&[0x30, 6, 2, 0x81, 1, 1, 2, 1, 1], "long form of an integer's length"),
        (&[0x30, 0], "nothing inside"),
        (&[], "nothing"),
    ] {
        assert!(matches!(Signature::from_der(der), Err(Error::InvalidEncoding { field: "signature", .. })), "{what}");
    }
    for length in [0, 63, 65, 72] {
        let error = Signature::from_bytes(&vec![1; length]).expect_err("length");
        assert_eq!(error, Error::InvalidLength { field: "signature", expected: 64, actual: length });
    }
}

#[test]
fn the_three_conventions_of_the_identity_never_verify_each_other() {
    let key = fixed_key(Algorithm::Sm2, 8);
    let public = key.verifying_key();
    let prepared = public.prepare();
    let message = b"message";
    let ways = [
        ("default distid", public.message_digest(message), key.sign(message)),
        (
            "empty distid",
            public.message_digest_with_distid(b"", message).expect("distid"),
            key.sign_with_distid(b"", message).expect("distid"),
        ),
        ("no identity", sm3(message), key.sign_digest(&sm3(message))),
    ];
    for (i, (signed, ..)) in ways.iter().enumerate() {
        for (j, (verified, digest, _)) in ways.iter().enumerate() {
            assert_eq!(judge(&public, digest, &ways[i].2), i == j, "signed with {signed}, verified with {verified}");
        }
        let default = [public.verify(message, &ways[i].2), prepared.verify(message, &ways[i].2)];
        assert_eq!(default.map(|result| result.is_ok()), [i == 0; 2]);
        let empty = public.verify_with_distid(b"", message, &ways[i].2);
        assert_eq!((empty.is_ok(), prepared.verify_with_distid(b"", message, &ways[i].2)), (i == 1, empty));
    }
    assert_eq!(
        public.message_digest(message),
        public.message_digest_with_distid(sealcore::sign::DEFAULT_DISTID, message).expect("distid")
    );
    let too_long = key.sign_with_distid(&[0; 8192], message).expect_err("refused");
    assert!(matches!(too_long, Error::InvalidArgument { field: "distid", .. }));
    let p256 = fixed_key(Algorithm::P256, 8);
    for refused in [
        p256.sign_with_distid(b"", message).map(|_| ()),
        p256.verifying_key().verify_with_distid(b"", message, &p256.sign(message)),
        p256.verifying_key().prepare().verify_with_distid(b"", message, &p256.sign(message)),
        p256.verifying_key().identity_digest(b"").map(|_| ()),
    ] {
        assert!(matches!(refused, Err(Error::InvalidArgument { field: "distid", .. })));
    }
}

#[test]
fn algorithm_names() {
    for algorithm in BOTH {
        assert_eq!(Algorithm::from_name(algorithm.name()), Ok(algorithm));
    }
    for wrong in ["", "SM2", "P-256", "secp256r1"] {
        assert!(matches!(Algorithm::from_name(wrong), Err(Error::InvalidArgument { field: "algorithm", .. })));
    }
}

proptest::proptest! {
    /// Whatever bytes come, DER is refused or is the one encoding of what was read.
    #[test]
    fn what_der_reads_it_writes_alike(der in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
        if let Ok(signature) = Signature::from_der(&der) {
            assert_eq!(signature.to_der(), der);
        }
    }

    #[test]
    fn any_signature_bytes_are_judged(bytes in proptest::array::uniform32(proptest::num::u8::ANY)) {
        for algorithm in BOTH {
            let signature = Signature::from_bytes(&[bytes, bytes].concat()).expect("64 bytes");
            assert!(!judge(&fixed_key(algorithm, 1).verifying_key(), &bytes, &signature));
        }
    }
}
