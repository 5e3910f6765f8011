//! What the ledger tests share: keys, small ledgers, scratch directories.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use sealcore::hash::HashAlgorithm;
use sealcore::ledger::{EntryType, FOUNDER_KEY, Genesis, KeyChange, Ledger, NewEntry};
use sealcore::sign::{Algorithm, SigningKey};

pub(crate) const ORIGIN: &str = "example.com/seals";
pub(crate) const HASHES: [HashAlgorithm; 2] = [HashAlgorithm::Sha256, HashAlgorithm::Sm3];

/// A directory that goes away with the test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sealcore-ledger-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        // In memory where there is such a place: a sync there costs nothing, and the tests make tens of thousands.
        let memory = PathBuf::from("/dev/shm");
        let path = if memory.is_dir() { memory } else { std::env::temp_dir() }.join(name);
        fs::create_dir(&path).expect("scratch directory");
        Scratch(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("copy");
    for entry in fs::read_dir(from).expect("copy") {
        let entry = entry.expect("copy");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copy");
        }
    }
}

/// Bytes of the header of the log of entries, and of a record before its entries.
pub(crate) const WAL_HEADER: usize = 48;
pub(crate) const RECORD: usize = 40;
/// The log of a ledger that has no sealed segment.
pub(crate) const WAL: &str = "wal/0.wal";

/// A record of the log of entries: where it starts, where its entries stand, where its checkpoint stands.
pub(crate) struct Record {
    pub(crate) start: usize,
    pub(crate) entries: std::ops::Range<usize>,
    pub(crate) note: std::ops::Range<usize>,
}

/// The records of a log that is whole.
pub(crate) fn records(wal: &[u8]) -> Vec<Record> {
    let number = |at: usize| u32::from_be_bytes(wal[at..at + 4].try_into().expect("4 bytes")) as usize;
    let (mut records, mut start) = (Vec::new(), WAL_HEADER);
    while start < wal.len() {
        let entries = start + RECORD..start + RECORD + number(start + 20);
        let note = entries.end..entries.end + number(start + 32);
        let end = note.end;
        records.push(Record { start, entries, note });
        start = end;
    }
    records
}

/// The ranges of the frames in some bytes of them.
pub(crate) fn frame_ranges(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut frames, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let end = at + 2 + usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        frames.push(at..end);
        at = end;
    }
    frames
}

/// Where the frame of each entry stands in the log.
pub(crate) fn entry_ranges(wal: &[u8]) -> Vec<std::ops::Range<usize>> {
    let shifted = |record: Record| {
        let frames = frame_ranges(&wal[record.entries.clone()]);
        frames.into_iter().map(move |frame| record.entries.start + frame.start..record.entries.start + frame.end)
    };
    records(wal).into_iter().flat_map(shifted).collect()
}

/// The entries of a ledger that has no sealed segment.
pub(crate) fn entries(path: &Path) -> Vec<Vec<u8>> {
    let wal = fs::read(path.join(WAL)).expect("read");
    entry_ranges(&wal).into_iter().map(|frame| wal[frame.start + 2..frame.end].to_vec()).collect()
}

/// CRC-32C, a bit at a time.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg()))
    })
}

/// A record as the writer makes it.
pub(crate) fn record(first: u64, entries: &[Vec<u8>], log: u64, note: &[u8]) -> Vec<u8> {
    let framed: Vec<u8> = entries.iter().flat_map(|e| [&(e.len() as u16).to_be_bytes()[..], e].concat()).collect();
    let mut out = b"swr1\0\0\0\0".to_vec();
    out.extend(first.to_be_bytes());
    out.extend((entries.len() as u32).to_be_bytes());
    out.extend((framed.len() as u32).to_be_bytes());
    out.extend(log.to_be_bytes());
    out.extend((note.len() as u32).to_be_bytes());
    out.extend([0; 4]);
    out.extend(framed);
    out.extend_from_slice(note);
    let crc = crc32c(&out[8..]);
    out[4..8].copy_from_slice(&crc.to_be_bytes());
    out
}

/// Puts these entries into the log, in one record with the released checkpoint, as somebody would who knows the format.
pub(crate) fn write_entries(path: &Path, entries: &[Vec<u8>]) {
    let mut wal = fs::read(path.join(WAL)).expect("read")[..WAL_HEADER].to_vec();
    let log = fs::read(path.join("checkpoints.log")).expect("read");
    let at = frame_ranges(&log).last().map_or(0, |frame| frame.start);
    let note = fs::read(path.join("checkpoint")).expect("read");
    if !entries.is_empty() {
        wal.extend(record(0, entries, at as u64, &note));
    }
    fs::write(path.join(WAL), wal).expect("write");
}

/// Writes a watermark into both slots.
pub(crate) fn write_state(path: &Path, size: u64, root: &[u8; 32]) {
    let end = fs::metadata(path.join(WAL)).expect("stat").len();
    let mut slot = b"sst1\0\0\0\0".to_vec();
    slot.extend(size.to_be_bytes());
    slot.extend(0u64.to_be_bytes());
    slot.extend(end.to_be_bytes());
    slot.extend(root);
    let crc = crc32c(&slot[8..]);
    slot[4..8].copy_from_slice(&crc.to_be_bytes());
    fs::write(path.join("state"), [slot.clone(), slot].concat()).expect("write");
}

/// A key that is the same in every run.
pub(crate) fn key(algorithm: Algorithm, number: u8) -> SigningKey {
    SigningKey::from_bytes(algorithm, &[number; 32]).expect("in range")
}

/// The people of the tests: an SM2 or P-256 ledger key after the hash, a founder, and a signer of each algorithm.
pub(crate) struct World {
    pub(crate) hash: HashAlgorithm,
    pub(crate) ledger_key: SigningKey,
    pub(crate) founder: SigningKey,
    pub(crate) sm2: SigningKey,
    pub(crate) p256: SigningKey,
}

impl World {
    pub(crate) fn new(hash: HashAlgorithm) -> Self {
        let algorithm = match hash {
            HashAlgorithm::Sha256 => Algorithm::P256,
            HashAlgorithm::Sm3 => Algorithm::Sm2,
        };
        World {
            hash,
            ledger_key: key(algorithm, 0x11),
            founder: key(Algorithm::P256, 0x22),
            sm2: key(Algorithm::Sm2, 0x33),
            p256: key(Algorithm::P256, 0x44),
        }
    }

    pub(crate) fn genesis(&self) -> Genesis {
        let (ledger, founder) = (self.ledger_key.verifying_key(), self.founder.verifying_key());
        Genesis::with_nonce(ORIGIN, self.hash, ledger, founder, [9; 16]).expect("genesis")
    }

    pub(crate) fn create(&self, path: &Path) -> Ledger {
        Ledger::create(path, &self.genesis(), &self.ledger_key).expect("creates")
    }

    pub(crate) fn open(&self, path: &Path) -> sealcore::Result<Ledger> {
        Ledger::open(path, &self.ledger_key)
    }

    /// A statement by the founder.
    pub(crate) fn statement(&self, text: &str) -> NewEntry {
        self.sign(EntryType::Statement, FOUNDER_KEY, text.as_bytes(), &self.founder)
    }

    pub(crate) fn sign(&self, kind: EntryType, key_idx: u32, body: &[u8], key: &SigningKey) -> NewEntry {
        NewEntry::sign(self.hash, kind, key_idx, body.to_vec(), key).expect("signs")
    }

    /// A key change, signed by the founder.
    pub(crate) fn change(&self, ledger: &Ledger, change: &KeyChange) -> NewEntry {
        self.sign(change.entry_type(), FOUNDER_KEY, &change.encode(ledger.id()).expect("encodes"), &self.founder)
    }

    /// A ledger of twelve entries with two more keys, one of them revoked, in several groups.
    pub(crate) fn small_ledger(&self, path: &Path) {
        let ledger = self.create(path);
        let add = |key: &SigningKey| KeyChange::Add { key: key.verifying_key(), label: Some([7; 32]) };
        ledger.append(self.statement("one")).expect("appends");
        let both = vec![self.change(&ledger, &add(&self.sm2)), self.change(&ledger, &add(&self.p256))];
        ledger.append_many(both).expect("appends");
        ledger.append(self.sign(EntryType::Statement, 2, b"by the SM2 key", &self.sm2)).expect("appends");
        ledger.append(self.sign(EntryType::Statement, 3, b"by the P-256 key", &self.p256)).expect("appends");
        ledger.append(self.change(&ledger, &KeyChange::Revoke { key_idx: 2, reason: None })).expect("appends");
        let three = (0..3).map(|i| self.statement(&format!("group {i}"))).collect();
        ledger.append_many(three).expect("appends");
        ledger.append(ledger.sign(EntryType::Statement, b"by the gate".to_vec()).expect("signs")).expect("appends");
        ledger.append(self.sign(EntryType::Statement, 3, &[0xa5; 90], &self.p256)).expect("appends");
    }
}
