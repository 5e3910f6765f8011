//! Many digests at once: every backend against a stream at a time, at every count and length around the lanes, the
//! blocks and the batches.

use proptest::prelude::*;
use sealcore::Backend;
use sealcore::hash::HashAlgorithm;
use sha2::Digest;

const BOTH: [HashAlgorithm; 2] = [HashAlgorithm::Sha256, HashAlgorithm::Sm3];

/// Every backend of this processor.
fn backends() -> impl Iterator<Item = Backend> {
    [Backend::Scalar, Backend::Avx2, Backend::Avx512, Backend::Ifma].into_iter().filter(|b| support::has(*b))
}

/// What RustCrypto computes.
fn oracle(algorithm: HashAlgorithm, parts: [&[u8]; 2]) -> [u8; 32] {
    let message = parts.concat();
    match algorithm {
        HashAlgorithm::Sha256 => sha2::Sha256::digest(message).into(),
        HashAlgorithm::Sm3 => ::sm3::Sm3::digest(message).into(),
    }
}

/// Bytes without a pattern that a hash could like.
fn noise(length: usize) -> Vec<u8> {
    (0..length as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

/// Every backend gives the digests of `messages` that the oracle gives.
fn check(head: &[u8], messages: &[&[u8]], threads: usize) {
    for algorithm in BOTH {
        let expected: Vec<_> = messages.iter().map(|message| oracle(algorithm, [head, message])).collect();
        for backend in backends() {
            let mut digests = vec![[0; 32]; messages.len()];
            algorithm.digest_each_with(backend, |i| [head, messages[i]], &mut digests, threads);
            if let Some(at) = (0..messages.len()).find(|at| digests[*at] != expected[*at]) {
                let lengths: Vec<_> = messages.iter().map(|message| message.len()).collect();
                panic!("{algorithm:?} {backend:?}: message {at} behind {} bytes of {lengths:?}", head.len());
            }
        }
    }
}

#[test]
fn every_length() {
    let data = noise(400);
    for length in 0..=300 {
        // Each lane has its own message.
        let messages: Vec<&[u8]> = (0..50).map(|i| &data[i..i + length]).collect();
        for head in [&[][..], &[1], &[2; 32], &[3; 63]] {
            check(head, &messages, 1);
        }
    }
}

#[test]
fn every_count() {
    // Lanes of 2, 4, 8 and 16, pairs of groups, batches of 512, with their tails; lengths that end in every part of a
    // block, so that the lanes end at different times.
    let data = noise(1000);
    for count in (0..=70).chain([127, 128, 129, 511, 512, 513, 1025, 1600]) {
        let messages: Vec<&[u8]> = (0..count).map(|i| &data[i % 200..][..i * 37 % 190]).collect();
        check(&[], &messages, 1);
        check(&[0], &messages, 1);
    }
}

#[test]
fn on_threads() {
    let data = noise(3000);
    let messages: Vec<&[u8]> = (0..2000).map(|i| &data[i % 400..][..i * 997 % 2500]).collect();
    for threads in [0, 1, 2, 3, 1000] {
        check(&[1], &messages, threads);
        check(&[], &messages[..3], threads);
    }
}

#[test]
fn a_long_message_among_short_ones() {
    let data = noise(100_000);
    for lone in [0, 1, 15, 16, 40, 99] {
        for length in [16_319, 16_320, 16_383, 16_384, 16_385, 100_000] {
            let mut messages = vec![&data[..70]; 100];
            messages[lone] = &data[..length];
            check(&[], &messages, 1);
            // Two lengths above the limit of the counting sort, descending and ascending.
            messages[(lone + 1) % 100] = &data[..50_000];
            messages[(lone + 7) % 100] = &data[7..20_000];
            check(&[0], &messages, 1);
        }
    }
    // Fewer long messages than lanes, of all lengths.
    for count in 1..40 {
        let messages: Vec<&[u8]> = (0..count).map(|i| &data[..i * 2500]).collect();
        check(&[], &messages, 1);
    }
}

#[test]
fn messages_at_the_edge_of_their_allocation() {
    // Under a checker of memory, a block that reads one byte too many is seen; here it must at least not matter.
    for length in [0, 1, 31, 55, 56, 63, 64, 65, 119, 128] {
        let owned: Vec<Box<[u8]>> = (0..33).map(|_| noise(length).into_boxed_slice()).collect();
        let messages: Vec<&[u8]> = owned.iter().map(|message| &message[..]).collect();
        check(&[], &messages, 1);
        check(&[9], &messages, 1);
    }
}

#[test]
fn the_public_function_is_one_of_the_backends() {
    let data = noise(700);
    let messages: Vec<&[u8]> = (0..700).map(|i| &data[..i]).collect();
    for algorithm in BOTH {
        let expected: Vec<_> = messages.iter().map(|message| oracle(algorithm, [&[], message])).collect();
        for threads in [0, 1, 2] {
            assert_eq!(algorithm.digest_many(&messages, threads), expected);
        }
    }
}

proptest! {
    #[test]
    fn random_batches(
        lengths in proptest::collection::vec(prop_oneof![0..150usize, 0..2000usize, Just(64), Just(20_000)], 0..120),
        head in proptest::collection::vec(any::<u8>(), 0..64),
        seed in any::<u8>(),
    ) {
        let data: Vec<u8> = noise(20_300).iter().map(|byte| byte ^ seed).collect();
        let messages: Vec<&[u8]> = lengths.iter().enumerate().map(|(i, length)| &data[i..i + length]).collect();
        check(&head, &messages, 1);
    }
}
