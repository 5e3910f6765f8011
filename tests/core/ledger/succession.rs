//! Several writers, one after the other, while the old ones may still be alive: none of them can fork the ledger.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use sealcore::Error;
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::{Commit, Fence, Ledger, LedgerReader, Level, NewEntry, VerifyOptions, verify};

use crate::verify::check;
use crate::world::{HASHES, Scratch, World, copy};

/// What the coordination store keeps: the newest epoch, whose directory counts, and the newest checkpoint.
#[derive(Clone, Debug)]
struct Row {
    epoch: u64,
    home: u64,
    size: u64,
    root: [u8; 32],
    notes: Vec<String>,
}

struct Store {
    base: PathBuf,
    row: Arc<Mutex<Row>>,
    world: World,
}

/// A writer's fence, with his epoch.
struct Token {
    row: Arc<Mutex<Row>>,
    epoch: u64,
}

impl Fence for Token {
    fn pass(&self, commit: &Commit<'_>) -> sealcore::Result<()> {
        let mut row = self.row.lock().expect("not poisoned");
        let first = commit.receipts.first().expect("a receipt").index;
        if row.epoch != self.epoch || row.home != self.epoch {
            return Err(Error::LedgerFenced);
        }
        assert!(row.size <= first && first < commit.checkpoint.size);
        (row.size, row.root) = (commit.checkpoint.size, commit.checkpoint.root);
        row.notes.push(commit.note.to_owned());
        Ok(())
    }
}

impl Store {
    fn new(base: &Path, hash: HashAlgorithm) -> Self {
        let world = World::new(hash);
        fs::create_dir(base).expect("mkdir");
        let genesis = world.genesis().with_segment_bits(8).expect("bits");
        let ledger = Ledger::create(&base.join("epoch-0000000001"), &genesis, &world.ledger_key).expect("creates");
        let root = ledger.root_at(1).expect("root");
        let row = Row { epoch: 1, home: 1, size: 1, root, notes: Vec::new() };
        Store { base: base.to_owned(), row: Arc::new(Mutex::new(row)), world }
    }

    fn directory(&self, epoch: u64) -> PathBuf {
        self.base.join(format!("epoch-{epoch:010}"))
    }

    /// Takes the lease, whoever has it.
    fn begin(&self) -> Row {
        let mut row = self.row.lock().expect("not poisoned");
        row.epoch += 1;
        row.clone()
    }

    fn build(&self, term: &Row) -> sealcore::Result<Ledger> {
        let (from, to) = (self.directory(term.home), self.directory(term.epoch));
        let fence = Box::new(Token { row: self.row.clone(), epoch: term.epoch });
        Ledger::succeed(&from, &to, term.size, &term.root, &self.world.ledger_key, &[], fence)
    }

    fn take_over(&self) -> Ledger {
        let term = self.begin();
        let ledger = self.build(&term).expect("takes over");
        self.row.lock().expect("not poisoned").home = term.epoch;
        ledger
    }

    fn statements(&self, what: &str, count: usize) -> Vec<NewEntry> {
        (0..count).map(|i| self.world.statement(&format!("{what} {i}"))).collect()
    }

    /// What a reader finds is the ledger, and every checkpoint that ever passed is part of it.
    fn check(&self) {
        let row = self.row.lock().expect("not poisoned").clone();
        let report = check(&self.base);
        assert_eq!((report.findings, report.size), (vec![], row.size));
        assert_eq!(LedgerReader::open(&self.base).expect("reads").checkpoint().root, row.root);
        for note in row.notes.iter().step_by(3).chain(row.notes.last()) {
            // The signatures of the entries are verified above.
            let level = Level::Checkpoints;
            let options = VerifyOptions { earlier_checkpoint: Some(note), level, ..VerifyOptions::default() };
            let report = verify(&self.base, &options, &mut |_, _| Ok(())).expect("runs");
            assert_eq!(report.findings, []);
        }
    }
}

#[test]
fn an_old_writer_is_fenced_and_leaves_nothing() {
    for hash in HASHES {
        let scratch = Scratch::new();
        let store = Store::new(&scratch.join("shared"), hash);
        let mut old = store.take_over();
        old.append_many(store.statements("first", 3)).expect("appends");
        // Steps that end before, at and after the end of a segment, so that the old writer also seals.
        for (round, count) in [1, 40, 200, 9, 1, 255, 256, 257, 5, 700].into_iter().enumerate() {
            let new = store.take_over();
            assert_eq!(new.size(), Ok(store.row.lock().expect("row").size));
            let receipts = new.append_many(store.statements(&format!("new {round}"), count)).expect("appends");
            receipts.iter().step_by(17).for_each(|r| r.verify(hash, new.note_key()).expect("verifies"));
            // The old one wakes up. He finds his directory as he left it, and appends.
            let fenced = old.append_many(store.statements("of the dead", 3 * round + 1));
            assert_eq!(fenced, Err(Error::LedgerFenced));
            assert_eq!(old.append(store.world.statement("again")), Err(Error::LedgerFenced));
            assert_eq!(old.size(), Err(Error::LedgerFenced));
            new.append(store.world.statement("and on")).expect("appends");
            store.check();
            old = new;
        }
        // Sealed segments are there once, whatever the number of directories.
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let inode = |epoch| fs::metadata(store.directory(epoch).join("seg/0.slg")).map(|data| data.ino()).ok();
            assert_eq!(inode(11), inode(12));
            assert!(inode(12).is_some());
        }
    }
}

/// The old writer is at work at the same time: appending, sealing, being fenced at some moment.
#[test]
fn taking_over_while_the_old_writer_appends() {
    let scratch = Scratch::new();
    let store = Store::new(&scratch.join("shared"), HashAlgorithm::Sha256);
    let statements = store.statements("batch", 50);
    let mut acknowledged = 1;
    let mut old = store.take_over();
    for _ in 0..12 {
        let (new, count) = std::thread::scope(|scope| {
            let writing = scope.spawn(|| {
                let mut count = 0;
                loop {
                    match old.append_many(statements.clone()) {
                        Ok(_) => count += 1,
                        Err(error) => break (error, count),
                    }
                }
            });
            std::thread::sleep(std::time::Duration::from_millis(15));
            let new = store.take_over();
            let (error, count) = writing.join().expect("no panic");
            assert_eq!(error, Error::LedgerFenced);
            (new, count)
        });
        acknowledged += 50 * count;
        let size = new.size().expect("size");
        // Genesis and SEGMENT entries come on top of what was acknowledged.
        assert_eq!(size - (size - 1) / 256, acknowledged);
        store.check();
        old = new;
    }
    assert!(acknowledged > 500, "{acknowledged}");
}

/// A leader who ends at whatever point of taking over leaves nothing that the next one stumbles over.
#[test]
fn taking_over_that_is_not_finished() {
    let scratch = Scratch::new();
    let store = Store::new(&scratch.join("shared"), HashAlgorithm::Sm3);
    let first = store.take_over();
    first.append_many(store.statements("first", 300)).expect("appends");
    // He has the lease, and no directory.
    store.begin();
    // He has a directory, and has not moved in: nothing of him can pass.
    let term = store.begin();
    let idle = store.build(&term).expect("takes over");
    assert_eq!(idle.append(store.world.statement("too early")), Err(Error::LedgerFenced));
    assert_eq!(first.append(store.world.statement("too late")), Err(Error::LedgerFenced));
    store.check();
    // He builds his directory after the next one has moved in.
    let late = store.begin();
    let new = store.take_over();
    new.append(store.world.statement("and on")).expect("appends");
    drop(store.build(&late).expect("nobody hinders him"));
    store.check();
    assert_eq!(new.append(store.world.statement("and on")).expect("appends").index, 303);
    store.check();
    // Where his directory is already, an epoch was given twice: the store was put back.
    assert!(matches!(store.build(&late).err(), Some(Error::InvalidArgument { field: "path", .. })));
}

/// What was put back to an older state is named, whichever of the two it is.
#[test]
fn putting_back_is_named() {
    let scratch = Scratch::new();
    let store = Store::new(&scratch.join("shared"), HashAlgorithm::Sha256);
    let ledger = store.take_over();
    ledger.append_many(store.statements("one", 5)).expect("appends");
    let older = store.row.lock().expect("row").clone();
    copy(&store.directory(2), &scratch.join("kept"));
    ledger.append_many(store.statements("two", 5)).expect("appends");
    drop(ledger);
    let said = |result: sealcore::Result<Ledger>| result.expect_err("refused").to_string();
    // The store.
    let newer = store.row.lock().expect("row").clone();
    let put_back = Row { home: 2, epoch: 3, ..older };
    assert!(said(store.build(&put_back)).contains("the store was put back"));
    // The directory.
    fs::remove_dir_all(store.directory(2)).expect("remove");
    copy(&scratch.join("kept"), &store.directory(2));
    let term = Row { epoch: 3, ..newer.clone() };
    assert!(said(store.build(&term)).contains("the directory was put back"));
    // Another history of the same length.
    let wrong = Row { root: [7; 32], size: 6, epoch: 3, ..newer };
    assert_eq!(store.build(&wrong).err(), Some(Error::RootMismatch { tree_size: 6 }));
    assert!(!store.directory(3).exists(), "nothing is left");
}

#[test]
fn a_shared_ledger_is_not_opened_by_one_writer() {
    let scratch = Scratch::new();
    let store = Store::new(&scratch.join("shared"), HashAlgorithm::Sha256);
    for path in [store.base.clone(), store.directory(1)] {
        let error = store.world.open(&path).expect_err("refused");
        assert!(matches!(error, Error::InvalidArgument { field: "path", .. }), "{error}");
        assert!(error.to_string().contains("sequencer"));
        assert_eq!(LedgerReader::open(&path).expect("reads").size(), 1);
    }
    // What only looks like an epoch is none.
    for name in ["epoch-2", "epoch-00000000x2", "epoch-+000000002", ".epoch-0000000009.creating-00"] {
        fs::create_dir(store.base.join(name)).expect("mkdir");
    }
    assert_eq!(LedgerReader::open(&store.base).expect("reads").size(), 1);
    // A ledger that had one writer becomes a shared one.
    let plain = scratch.join("plain");
    let ledger = store.world.segmented(&plain, 300);
    let (size, root) = (ledger.size().expect("size"), ledger.root_at(ledger.size().expect("size")).expect("root"));
    let row = Arc::new(Mutex::new(Row { epoch: 1, home: 1, size, root, notes: Vec::new() }));
    fs::create_dir(scratch.join("other")).expect("mkdir");
    let first = scratch.join("other/epoch-0000000001");
    let fence = Box::new(Token { row: row.clone(), epoch: 1 });
    let shared = Ledger::succeed(&plain, &first, size, &root, &store.world.ledger_key, &[], fence).expect("shares");
    assert_eq!(shared.append(store.world.statement("shared")).expect("appends").index, size);
    assert_eq!(check(&scratch.join("other")).size, size + 1);
}
