//! Digests beside OpenSSL's. `make bench ROOM=hash`.

use bench::{Bench, Row};
use openssl::hash::{MessageDigest, hash};
use sealcore::Backend;
use sealcore::hash::HashAlgorithm;
use std::hint::black_box;

/// Bytes of a batch for one thread: what the second cache holds. A batch for two is the whole of `DATA`.
const BATCH: usize = 1 << 20;
const DATA: usize = 16 << 20;

/// A hash function here and there.
struct Pair {
    algorithm: HashAlgorithm,
    peer: MessageDigest,
    peer_name: &'static str,
}

impl Pair {
    fn peer(&self, message: &[u8]) {
        black_box(hash(self.peer, black_box(message)).expect("digest"));
    }
}

/// Messages of one buffer: the i-th is bytes `ranges[i].0` to `ranges[i].1`.
struct Messages<'a> {
    data: &'a [u8],
    ranges: Vec<(usize, usize)>,
}

impl<'a> Messages<'a> {
    fn equal(data: &'a [u8], bytes: usize, length: usize) -> Self {
        Messages { data, ranges: (0..bytes / length).map(|i| (i * length, (i + 1) * length)).collect() }
    }

    /// Lengths from 0 to 2 · `mean`, all as likely as any other.
    fn unequal(data: &'a [u8], mean: usize) -> Self {
        let (mut at, mut walk) = (0, 0x9e37_79b9_7f4a_7c15_u64);
        let mut next = || {
            walk ^= walk << 13;
            walk ^= walk >> 7;
            walk ^= walk << 17;
            let start = at;
            at += (walk >> 20) as usize % (2 * mean + 1);
            (start, at)
        };
        Messages { data, ranges: (0..BATCH / mean).map(|_| next()).collect() }
    }

    fn get(&self, i: usize) -> &'a [u8] {
        &self.data[self.ranges[i].0..self.ranges[i].1]
    }

    fn bytes(&self) -> f64 {
        self.ranges.iter().map(|(start, end)| (end - start) as f64).sum()
    }

    /// Blocks, padding included.
    fn blocks(&self) -> f64 {
        self.ranges.iter().map(|(start, end)| ((end - start + 8) / 64 + 1) as f64).sum()
    }

    fn hash(&self, algorithm: HashAlgorithm, backend: Backend, head: &[u8], digests: &mut [[u8; 32]], threads: usize) {
        let digests = &mut digests[..self.ranges.len()];
        algorithm.digest_each_with(backend, |i| [head, self.get(i)], digests, threads);
    }
}

fn target(algorithm: HashAlgorithm, backend: Backend, length: usize) -> Option<f64> {
    match (algorithm, backend, length) {
        (HashAlgorithm::Sm3, Backend::Avx512, 64 | 1024) => Some(15.0),
        (HashAlgorithm::Sm3, Backend::Avx512, 4096) => Some(13.0),
        (HashAlgorithm::Sm3, Backend::Avx2, 1024) => Some(3.5),
        (HashAlgorithm::Sha256, Backend::Avx512, 64) => Some(6.0),
        (HashAlgorithm::Sha256, Backend::Avx512, 1024) => Some(3.4),
        (HashAlgorithm::Sha256, Backend::Avx512, 4096) => Some(3.0),
        (HashAlgorithm::Sha256, Backend::Avx2, 1024) => Some(1.6),
        _ => None,
    }
}

fn main() {
    let mut bench = Bench::new("hash", false);
    Bench::head();
    let data: Vec<u8> = (0..DATA as u32).map(|i| (i.wrapping_mul(0x9e37_79b1) >> 13) as u8).collect();
    let sm3 = MessageDigest::from_name("sm3").expect("OpenSSL with SM3");
    for pair in [
        Pair { algorithm: HashAlgorithm::Sm3, peer: sm3, peer_name: "OpenSSL SM3" },
        Pair { algorithm: HashAlgorithm::Sha256, peer: MessageDigest::sha256(), peer_name: "OpenSSL SHA-256" },
    ] {
        stream(&mut bench, &pair, &data);
        for backend in [Backend::Scalar, Backend::Avx2, Backend::Avx512] {
            if backend.is_available() {
                many(&mut bench, &pair, backend, &data);
                shapes(&mut bench, &pair, backend, &data);
            }
        }
    }
}

fn stream(bench: &mut Bench, pair: &Pair, data: &[u8]) {
    let message = &data[..1 << 20];
    let row = Row {
        operation: pair.algorithm.name(),
        backend: sealcore::backends().expect("backends").hash.name(),
        size: "1 MiB",
        unit: "MB/s",
        work: message.len() as f64 / 1e6,
        peer: pair.peer_name,
        peer_work: message.len() as f64 / 1e6,
        target: Some(1.0),
        threads: 1,
    };
    bench.row(&row, || pair.algorithm.digest(black_box(message)), || pair.peer(message));
}

/// Messages of one length, on one thread and on two.
fn many(bench: &mut Bench, pair: &Pair, backend: Backend, data: &[u8]) {
    let mut digests = vec![[0; 32]; DATA / 64];
    for (length, size) in [(64, "64 B"), (400, "400 B"), (1024, "1 KiB"), (4096, "4 KiB")] {
        let messages = Messages::equal(data, BATCH, length);
        let peers = messages.ranges.len().min(64);
        let row = Row {
            operation: &format!("digest_many {}", pair.algorithm.name()),
            backend: backend.name(),
            size,
            unit: "/s",
            work: messages.ranges.len() as f64,
            peer: pair.peer_name,
            peer_work: peers as f64,
            target: target(pair.algorithm, backend, length),
            threads: 1,
        };
        bench.row(
            &row,
            || messages.hash(pair.algorithm, backend, &[], &mut digests, 1),
            || (0..peers).for_each(|i| pair.peer(messages.get(i))),
        );
        let messages = Messages::equal(data, DATA, length);
        let work = messages.ranges.len() as f64;
        let row = Row { work, peer: "one thread", peer_work: work, target: Some(1.9), threads: 2, ..row };
        let mut others = digests.clone();
        bench.threaded_row(
            &row,
            || messages.hash(pair.algorithm, backend, &[], &mut digests, 2),
            || messages.hash(pair.algorithm, backend, &[], &mut others, 1),
        );
    }
}

/// What a ledger hashes: entries of unequal lengths beside equal ones, and nodes.
fn shapes(bench: &mut Bench, pair: &Pair, backend: Backend, data: &[u8]) {
    let mut digests = vec![[0; 32]; DATA / 64];
    let mut others = digests.clone();
    let (algorithm, name) = (pair.algorithm, pair.algorithm.name());
    for mean in [128, 400, 2048] {
        let messages = Messages::unequal(data, mean);
        // Equal lengths of as many blocks on average, counted in blocks; and of as many bytes, counted in bytes.
        let blocks = (messages.blocks() / messages.ranges.len() as f64).round() as usize * 64 - 20;
        let kinds = [("blocks", blocks, Messages::blocks as fn(&_) -> f64), ("bytes", mean, Messages::bytes)];
        for (unit, length, work) in kinds {
            let equal = Messages::equal(data, BATCH, length);
            let row = Row {
                operation: &format!("digest_many {name}, 0 to {} B", 2 * mean),
                backend: backend.name(),
                size: "1 MiB",
                unit: &format!("{unit}/s"),
                work: work(&messages),
                peer: "equal lengths",
                peer_work: work(&equal),
                target: Some(0.9),
                threads: 1,
            };
            bench.row(
                &row,
                || messages.hash(algorithm, backend, &[0], &mut digests, 1),
                || equal.hash(algorithm, backend, &[0], &mut others, 1),
            );
        }
    }
    let nodes = Messages::equal(data, BATCH, 64);
    let row = Row {
        operation: &format!("nodes {name}"),
        backend: backend.name(),
        size: "16384",
        unit: "/s",
        work: nodes.ranges.len() as f64,
        peer: pair.peer_name,
        peer_work: 64.0,
        target: None,
        threads: 1,
    };
    bench.row(
        &row,
        || nodes.hash(algorithm, backend, &[1], &mut digests, 1),
        || (0..64).for_each(|i| pair.peer(&data[65 * i..65 * i + 65])),
    );
}
