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
        fs::copy(entry.path(), to.join(entry.file_name())).expect("copy");
    }
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
        let kind = match change {
            KeyChange::Add { .. } => EntryType::KeyAdd,
            KeyChange::Revoke { .. } => EntryType::KeyRevoke,
        };
        self.sign(kind, FOUNDER_KEY, &change.encode(ledger.id()).expect("encodes"), &self.founder)
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
