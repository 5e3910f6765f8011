//! Many signatures in one call.

use super::{BOTH, fixed_key};
use sealcore::Error;
use sealcore::sign::{
    Algorithm, KeyRef, Keys, PreparedKey, Signature, VerifyingKey, sign_digest_many, sign_many, verify_digest_many,
    verify_many,
};

/// Lane counts with their tails, the limit of one thread, and counts at which a batch makes tables of its own.
const COUNTS: [usize; 10] = [0, 1, 7, 8, 9, 23, 24, 31, 33, 65];

fn messages(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|i| vec![i as u8; i * 11 % 150]).collect()
}

fn slices(messages: &[Vec<u8>]) -> Vec<&[u8]> {
    messages.iter().map(Vec::as_slice).collect()
}

/// Which of a batch to spoil: none, each end, some in the middle, all.
fn patterns(count: usize) -> Vec<Vec<usize>> {
    let mut patterns = vec![vec![], (0..count).collect(), (0..count).filter(|i| i % 3 == 1).collect()];
    if count > 0 {
        patterns.extend([vec![0], vec![count - 1], vec![count / 2]]);
    }
    patterns
}

#[test]
fn the_verdicts_name_exactly_the_bad_ones() {
    for algorithm in BOTH {
        let key = fixed_key(algorithm, 5);
        let public = key.verifying_key();
        let prepared = public.prepare();
        for count in COUNTS {
            let messages = messages(count);
            let messages = slices(&messages);
            let good = sign_many(&key, &messages, None, 0).expect("signatures");
            assert_eq!(good.len(), count);
            for bad in patterns(count) {
                let mut signatures = good.clone();
                for (turn, &index) in bad.iter().enumerate() {
                    let mut bytes = signatures[index].to_bytes();
                    match turn % 4 {
                        0 => bytes[40] ^= 1,
                        1 => bytes = [0; 64],
                        2 => bytes = [0xff; 64],
                        _ => bytes[..32].fill(0),
                    }
                    signatures[index] = Signature::from(bytes);
                }
                let expected: Vec<bool> = (0..count).map(|index| !bad.contains(&index)).collect();
                for keys in [KeyRef::from(&public), KeyRef::from(&prepared)] {
                    for threads in [0, 1, 2] {
                        let verdicts =
                            verify_many(Keys::One(keys), &messages, &signatures, None, threads).expect("counts");
                        assert_eq!(verdicts.as_slice(), expected, "{algorithm:?} {count} {threads}");
                        assert_eq!(verdicts.failed(), bad);
                        assert_eq!(verdicts.all_valid(), bad.is_empty());
                        assert_eq!((verdicts.len(), verdicts.is_empty()), (count, count == 0));
                        let result = if bad.is_empty() { Ok(()) } else { Err(Error::InvalidSignature) };
                        assert_eq!(verdicts.into_result(), result);
                    }
                }
            }
        }
    }
}

#[test]
fn each_item_may_have_its_own_key() {
    // Both algorithms, plain and prepared, one key often (so that the batch makes a table) and others once.
    let keys: Vec<_> = (0..6).map(|i| fixed_key(BOTH[i % 2], i as u8)).collect();
    let publics: Vec<VerifyingKey> = keys.iter().map(|key| key.verifying_key()).collect();
    let prepared: Vec<PreparedKey> = publics.iter().map(VerifyingKey::prepare).collect();
    let messages = messages(97);
    let messages = slices(&messages);
    let owner = |index: usize| if index % 4 == 3 { index % 6 } else { index % 2 };
    let mut signatures: Vec<Signature> = (0..97).map(|index| keys[owner(index)].sign(messages[index])).collect();
    // Valid under another key of the batch.
    signatures[5] = keys[3].sign(messages[5]);
    signatures[64] = keys[2].sign(messages[64]);
    let roster: Vec<KeyRef<'_>> =
        (0..97)
            .map(|index| {
                if index % 5 == 0 {
                    KeyRef::from(&prepared[owner(index)])
                } else {
                    KeyRef::from(&publics[owner(index)])
                }
            })
            .collect();
    for threads in [0, 1, 2] {
        let verdicts = verify_many(Keys::Each(&roster), &messages, &signatures, None, threads).expect("counts");
        assert_eq!(verdicts.failed(), [5, 64]);
    }
}

#[test]
fn digests_and_distids() {
    let key = fixed_key(Algorithm::Sm2, 9);
    let public = key.verifying_key();
    let messages = messages(31);
    let messages = slices(&messages);
    for distid in [&b""[..], b"1234567812345678", b"seal@example.com", &[b'x'; 8191]] {
        let signatures = sign_many(&key, &messages, Some(distid), 2).expect("signatures");
        for (message, signature) in messages.iter().zip(&signatures) {
            public.verify_with_distid(distid, message, signature).expect("valid");
        }
        let verdicts = verify_many(Keys::from(&public), &messages, &signatures, Some(distid), 0).expect("counts");
        assert!(verdicts.all_valid());
        let other = verify_many(Keys::from(&public), &messages, &signatures, Some(b"other"), 0).expect("counts");
        assert_eq!(other.failed().len(), 31, "another distid verifies none");
    }
    for algorithm in BOTH {
        let key = fixed_key(algorithm, 10);
        let digests: Vec<[u8; 32]> = (0..31).map(|i| [i; 32]).collect();
        for threads in [0, 1, 2] {
            let signatures = sign_digest_many(&key, &digests, threads);
            let public = key.verifying_key();
            assert!(
                verify_digest_many(Keys::from(&public), &digests, &signatures, threads).expect("counts").all_valid()
            );
        }
    }
}

#[test]
fn wrong_counts_and_distids_are_refused() {
    let key = fixed_key(Algorithm::P256, 3);
    let public = key.verifying_key();
    let signature = key.sign(b"m");
    let keys = [KeyRef::from(&public); 2];
    let field = |error: Error| match error {
        Error::InvalidArgument { field, .. } => field,
        other => panic!("{other}"),
    };
    let messages: [&[u8]; 2] = [b"m", b"m"];
    let refused = verify_many(Keys::from(&public), &messages, &[signature], None, 0).expect_err("refused");
    assert_eq!(field(refused), "messages");
    let refused = verify_digest_many(Keys::from(&public), &[[0; 32]], &[], 0).expect_err("refused");
    assert_eq!(field(refused), "digests");
    let refused = verify_digest_many(Keys::Each(&keys), &[[0; 32]], &[signature], 0).expect_err("refused");
    assert_eq!(field(refused), "keys");
    let refused = verify_digest_many(Keys::Each(&[]), &[[0; 32]], &[signature], 0).expect_err("refused");
    assert_eq!(field(refused), "keys");
    let refused = verify_many(Keys::from(&public), &messages, &[signature; 2], Some(b"x"), 0).expect_err("refused");
    assert_eq!(field(refused), "distid");
    assert_eq!(field(sign_many(&key, &messages, Some(b"x"), 0).expect_err("refused")), "distid");
    let long = [0; 8192];
    let sm2 = fixed_key(Algorithm::Sm2, 3);
    assert_eq!(field(sign_many(&sm2, &messages, Some(&long), 0).expect_err("refused")), "distid");
}
