//! The writer: one per ledger, many threads. Appends are collected into groups; each group becomes durable with one
//! signed checkpoint, and only then is acknowledged.
//!
//! Order of a commit: one record of entries and their checkpoint into the log of entries, sync, watermark into `state`,
//! sync, then `checkpoints.log` and `checkpoint`, which follow from the record, acknowledge, seal whole segments. The first error of the disk ends the writer: nothing of that group is acknowledged, every later call gets the same error,
//! and the next open decides what remains. Index, time and predecessor of an entry are fixed here.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use super::checkpoint::Checkpoint;
use super::entry::{
    self, Entry, EntryType, HEADER_LENGTH, Header, MAX_TIME, NewEntry, SIGNATURE_LENGTH, message_of, statement_id,
};
use super::frames::PREFIX;
use super::genesis::Genesis;
use super::keys::{KeyRow, LEDGER_KEY};
use super::merkle::{Hash, leaf_hash};
use super::note::NoteKey;
use super::proof::verify_inclusion;
use super::reader::StoredEntry;
use super::recovery::{self, Files, Recovery};
use super::store::{self, Directory, Lock};
use super::view::View;
use super::wal::{self, MAX_RECORD, Watermark};
use super::{frames, seal};
use crate::hash::HashAlgorithm;
use crate::sign::{KeyRef, Keys, Signature, SigningKey, VerifyingKey, verify_many};
use crate::{Error, Result};

/// What SEGMENT entries may take of a record: the key table, and a little for each of its parts.
const SEGMENT_ROOM: usize = 16 << 20;
const POISONED: Error = Error::Internal { reason: "a thread panicked while it was appending" };

/// What the appender gets once its entry is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The index of the entry.
    pub index: u64,
    /// The time of the entry, µs since 1970-01-01 UTC.
    pub time: u64,
    /// The statement id of its body.
    pub statement: Hash,
    /// Its leaf hash.
    pub leaf_hash: Hash,
    /// The checkpoint that covers it, as a signed note.
    pub checkpoint: Arc<str>,
    /// The inclusion proof in the tree of that checkpoint, leaf to root.
    pub proof: Vec<Hash>,
}

impl Receipt {
    /// Checks that `key` has signed the checkpoint and the proof leads from the leaf hash to its root.
    ///
    /// # Errors
    /// `InvalidEncoding`, `InvalidSignature` or `InvalidProof`.
    pub fn verify(&self, hash: HashAlgorithm, key: &NoteKey) -> Result<()> {
        let checkpoint = Checkpoint::open(self.checkpoint.as_bytes(), key)?;
        verify_inclusion(hash, self.index, checkpoint.size, &self.leaf_hash, &self.proof, &checkpoint.root)
    }
}

/// Entries of one caller, which become durable together or not at all.
struct Request {
    entries: Vec<NewEntry>,
    /// Which signatures have been checked already.
    verified: Vec<bool>,
    /// The time that the caller has fixed.
    time: Option<u64>,
    /// The bytes that they take.
    length: usize,
    result: Mutex<Option<Result<Vec<Receipt>>>>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Arc<Request>>,
    leading: bool,
}

struct State {
    view: View,
    files: Files,
    note: Arc<str>,
    /// The error that ended this writer.
    failed: Option<Error>,
    _lock: Lock,
}

/// A ledger that is open for writing.
pub struct Ledger {
    genesis: Genesis,
    id: Hash,
    note_key: NoteKey,
    signer: SigningKey,
    recovery: Recovery,
    /// A forked child holds the same lock and must not write.
    process: u32,
    queue: Mutex<Queue>,
    turn: Condvar,
    state: Mutex<State>,
    /// The keys of the rows that are durable, so that signatures can be checked outside the commit.
    known: RwLock<Vec<VerifyingKey>>,
}

impl core::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Ledger({}, {})", self.genesis.origin(), self.genesis.hash().name())
    }
}

/// The entries of a group, ready to be written.
#[derive(Default)]
struct Staged {
    bytes: Vec<u8>,
    /// Entries in `bytes`, the writer's own among them.
    count: u32,
    /// Index, leaf hash, statement id and time of the entries of callers.
    entries: Vec<(u64, Hash, Hash, u64)>,
}

impl Ledger {
    /// Creates a ledger in a new or empty directory, with its genesis entry and a first checkpoint, and opens it.
    ///
    /// The directory appears whole or not at all: it is built beside its place and moved there when it is durable.
    ///
    /// # Errors
    /// `InvalidArgument` when the directory is not empty, `InvalidKey` when `signer` is not the ledger key of the
    /// genesis, `LedgerIo` when the system refuses.
    pub fn create(path: &Path, genesis: &Genesis, signer: &SigningKey) -> Result<Self> {
        Ledger::create_at(path, genesis, signer, now())
    }

    /// [`Ledger::create`] at a given time, for frozen vectors.
    #[doc(hidden)]
    pub fn create_at(path: &Path, genesis: &Genesis, signer: &SigningKey, time: u64) -> Result<Self> {
        let note_key = note_key(genesis, signer)?;
        let hash = genesis.hash();
        let body = genesis.encode()?;
        let first = NewEntry::sign(hash, EntryType::Genesis, LEDGER_KEY, body.clone(), signer)?;
        let header = Header {
            kind: EntryType::Genesis,
            key_idx: LEDGER_KEY,
            index: 0,
            time: time.min(MAX_TIME),
            prev: [0; 32],
            statement: statement_id(hash, &body),
            algorithm: signer.algorithm(),
        };
        let mut bytes = Vec::new();
        entry::write(&mut bytes, &header, &first.signature, &body);
        let root = leaf_hash(hash, &bytes);
        let note = Checkpoint { origin: genesis.origin().to_owned(), size: 1, root }.sign(&note_key, signer)?;
        let (mut entries, mut log) = (Vec::new(), Vec::new());
        frames::push(&mut entries, &bytes);
        frames::push(&mut log, note.as_bytes());
        let mut wal = wal::header(0, &genesis.id()?).to_vec();
        wal.extend_from_slice(&wal::record(0, 1, &entries, 0, note.as_bytes()));
        let watermark = Watermark { size: 1, root, wal: 0, end: wal.len() as u64 };
        let mut state = watermark.encode().to_vec();
        state.resize(wal::STATE, 0);
        let (directory, lock) = Directory::create(path, |new| {
            new.write(store::GENESIS, &body)?;
            new.write(&wal::name(0), &wal)?;
            new.write(store::STATE, &state)?;
            new.write(store::LOG, &log)?;
            new.write(store::CHECKPOINT, note.as_bytes())
        })?;
        Ledger::open_locked(directory, lock, signer)
    }

    /// Opens a ledger for writing, repairing what a crash left.
    ///
    /// # Errors
    /// `LedgerLocked` when another writer has it, `InvalidKey` when `signer` is not its key, `LedgerCorrupt` (with the
    /// offset) or `RootMismatch` when something is missing or altered that a signed checkpoint covers: such a ledger is
    /// never cut, never written to.
    pub fn open(path: &Path, signer: &SigningKey) -> Result<Self> {
        let directory = Directory::open(path)?;
        let lock = directory.lock()?;
        Ledger::open_locked(directory, lock, signer)
    }

    fn open_locked(directory: Directory, lock: Lock, signer: &SigningKey) -> Result<Self> {
        let mut view = View::open(directory)?;
        let note_key = note_key(&view.genesis, signer)?;
        let (files, recovery) = recovery::open(&mut view)?;
        Ok(Ledger {
            genesis: view.genesis.clone(),
            id: *view.chain.ledger_id(),
            note_key,
            signer: signer.clone(),
            recovery,
            process: std::process::id(),
            queue: Mutex::default(),
            turn: Condvar::new(),
            known: RwLock::new(view.chain.keys.rows().iter().map(|row| row.key).collect()),
            state: Mutex::new(State { note: files.note.as_str().into(), view, files, failed: None, _lock: lock }),
        })
    }

    /// The parameters of the ledger.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The ledger's id.
    pub fn id(&self) -> &Hash {
        &self.id
    }

    /// The named key of the checkpoints.
    pub fn note_key(&self) -> &NoteKey {
        &self.note_key
    }

    /// What opening had to repair.
    pub fn recovery(&self) -> Recovery {
        self.recovery
    }

    /// Signs a body with the ledger's own key, for [`Ledger::append_many`].
    ///
    /// # Errors
    /// `InvalidArgument` or `InvalidLength` when no entry can hold the body.
    pub fn sign(&self, kind: EntryType, body: Vec<u8>) -> Result<NewEntry> {
        NewEntry::sign(self.genesis.hash(), kind, LEDGER_KEY, body, &self.signer)
    }

    /// Appends one entry; returns when it is durable.
    ///
    /// # Errors
    /// As [`Ledger::append_many`].
    pub fn append(&self, entry: NewEntry) -> Result<Receipt> {
        self.append_many(vec![entry])?.pop().ok_or(Error::Internal { reason: "an append without a receipt" })
    }

    /// Appends entries, all or none, in this order and next to each other (where a segment begins, its SEGMENT entry
    /// stands between them); returns when they are durable.
    ///
    /// Callers on several threads share one checkpoint and its syncs.
    ///
    /// # Errors
    /// `InvalidSignature` when a signature does not verify; `InvalidKey` when the key is not in force; `InvalidArgument`,
    /// `InvalidLength` or `InvalidEncoding` naming the field of an entry that cannot be. Then nothing was written.
    /// `LedgerIo` when the disk refuses: then nothing is acknowledged and this writer is at its end.
    pub fn append_many(&self, entries: Vec<NewEntry>) -> Result<Vec<Receipt>> {
        self.append_request(entries, None)
    }

    /// [`Ledger::append_many`] at a time that the caller has judged the entries by, in µs since 1970-01-01 UTC.
    ///
    /// # Errors
    /// As [`Ledger::append_many`], and `InvalidArgument` for field `time` when it is before the last entry's.
    pub fn append_many_at(&self, entries: Vec<NewEntry>, time: u64) -> Result<Vec<Receipt>> {
        self.append_request(entries, Some(time))
    }

    fn append_request(&self, entries: Vec<NewEntry>, time: Option<u64>) -> Result<Vec<Receipt>> {
        self.check_process()?;
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let length = entries.iter().map(|entry| PREFIX + HEADER_LENGTH + SIGNATURE_LENGTH + entry.body.len()).sum();
        if length > MAX_RECORD - SEGMENT_ROOM {
            let expected = MAX_RECORD - SEGMENT_ROOM;
            return Err(Error::InvalidLength { field: "entries", expected, actual: length });
        }
        let verified = self.verify_known(&entries)?;
        let request = Arc::new(Request { entries, verified, time, length, result: Mutex::new(None) });
        let mut queue = self.queue.lock().map_err(|_| POISONED)?;
        queue.waiting.push(request.clone());
        loop {
            if let Some(result) = request.result.lock().map_err(|_| POISONED)?.take() {
                return result;
            }
            if queue.leading {
                queue = self.turn.wait(queue).map_err(|_| POISONED)?;
                continue;
            }
            if !queue.waiting.iter().any(|waiting| Arc::ptr_eq(waiting, &request)) {
                return Err(POISONED);
            }
            queue.leading = true;
            // What does not fit into one record waits for the next commit.
            let mut room = MAX_RECORD - SEGMENT_ROOM;
            let fits = queue.waiting.iter().take_while(|waiting| {
                let fits = waiting.length <= room;
                room = room.saturating_sub(waiting.length);
                fits
            });
            let fits = fits.count();
            let group: Vec<Arc<Request>> = queue.waiting.drain(..fits).collect();
            drop(queue);
            let leading = Leading(self);
            self.commit(&group)?;
            drop(leading);
            queue = self.queue.lock().map_err(|_| POISONED)?;
        }
    }

    /// Checks the signatures whose keys are durable rows, all at once; `false` for the others.
    fn verify_known(&self, entries: &[NewEntry]) -> Result<Vec<bool>> {
        let hash = self.genesis.hash();
        let known = self.known.read().map_err(|_| POISONED)?;
        let (mut verified, mut keys, mut messages, mut signatures) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for entry in entries {
            entry::check_body(&entry.body)?;
            let key = known.get(entry.key_idx as usize);
            if let Some(key) = key {
                keys.push(KeyRef::Plain(key));
                messages.push(message_of(&statement_id(hash, &entry.body)));
                signatures.push(Signature::from_bytes(&entry.signature)?);
            }
            verified.push(key.is_some());
        }
        let messages: Vec<&[u8]> = messages.iter().map(<[u8; 48]>::as_slice).collect();
        verify_many(Keys::Each(&keys), &messages, &signatures, None, 0)?.into_result()?;
        Ok(verified)
    }

    /// Writes a group and gives every request its result.
    fn commit(&self, group: &[Arc<Request>]) -> Result<()> {
        let mut state = self.state.lock().map_err(|_| POISONED)?;
        let clock = now();
        let first = state.view.size();
        let mut staged = Staged::default();
        let mut results: Vec<Result<core::ops::Range<usize>>> = Vec::with_capacity(group.len());
        for request in group {
            let before = staged.entries.len();
            let result = match state.failed {
                Some(error) => Err(error),
                None => state.stage(&mut staged, request, clock, &self.signer),
            };
            results.push(result.map(|()| before..staged.entries.len()));
        }
        let mut written = Ok(Vec::new());
        if !staged.entries.is_empty() {
            written = state.write(first, &staged, &self.note_key, &self.signer);
            match &written {
                Ok(_) => self.learn_keys(&state)?,
                Err(error) => state.failed = Some(*error),
            }
        }
        for (request, result) in group.iter().zip(results) {
            let result = result.and_then(|range| match &written {
                Ok(receipts) => Ok(receipts[range].to_vec()),
                Err(error) => Err(*error),
            });
            *request.result.lock().map_err(|_| POISONED)? = Some(result);
        }
        // Acknowledged already: an error here ends the writer, and takes nothing back.
        let State { view, files, failed, .. } = &mut *state;
        if failed.is_none()
            && let Err(error) = seal::seal(view, files)
        {
            *failed = Some(error);
        }
        Ok(())
    }

    fn learn_keys(&self, state: &State) -> Result<()> {
        let rows = state.view.chain.keys.rows();
        let mut known = self.known.write().map_err(|_| POISONED)?;
        let from = known.len();
        known.extend(rows[from..].iter().map(|row| row.key));
        Ok(())
    }

    fn check_process(&self) -> Result<()> {
        // A child of fork() holds the same lock as its parent.
        if std::process::id() == self.process { Ok(()) } else { Err(Error::LedgerLocked) }
    }

    /// The state, unless the writer has failed.
    fn state(&self) -> Result<MutexGuard<'_, State>> {
        self.check_process()?;
        let state = self.state.lock().map_err(|_| POISONED)?;
        match state.failed {
            Some(error) => Err(error),
            None => Ok(state),
        }
    }

    /// The number of durable entries.
    ///
    /// # Errors
    /// The error that ended this writer, if one did; so for every method below.
    pub fn size(&self) -> Result<u64> {
        Ok(self.state()?.view.size())
    }

    /// The newest checkpoint as a signed note.
    ///
    /// # Errors
    /// As [`Ledger::size`].
    pub fn checkpoint_note(&self) -> Result<Arc<str>> {
        Ok(self.state()?.note.clone())
    }

    /// The rows of the key table.
    ///
    /// # Errors
    /// As [`Ledger::size`].
    pub fn keys(&self) -> Result<Vec<KeyRow>> {
        Ok(self.state()?.view.chain.keys.rows().to_vec())
    }

    /// One entry.
    ///
    /// # Errors
    /// `InvalidArgument` when there is no such entry, and as [`Ledger::size`].
    pub fn entry(&self, index: u64) -> Result<StoredEntry> {
        self.state()?.view.entry(index)
    }

    /// The root of the first `size` entries.
    ///
    /// # Errors
    /// `InvalidArgument` when there are fewer, and as [`Ledger::size`].
    pub fn root_at(&self, size: u64) -> Result<Hash> {
        self.state()?.view.root_at(size)
    }

    /// The proof that entry `index` is in the tree of the first `size` entries.
    ///
    /// # Errors
    /// `InvalidArgument` or `InvalidProof` when the numbers do not fit, and as [`Ledger::size`].
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>> {
        self.state()?.view.inclusion_proof(index, size)
    }

    /// The proof that the first `old_size` entries are a prefix of the first `new_size`.
    ///
    /// # Errors
    /// As [`Ledger::inclusion_proof`].
    pub fn consistency_proof(&self, old_size: u64, new_size: u64) -> Result<Vec<Hash>> {
        self.state()?.view.consistency_proof(old_size, new_size)
    }
}

/// Hands the lead on, also when the commit panicked.
struct Leading<'l>(&'l Ledger);

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        if let Ok(mut queue) = self.0.queue.lock() {
            queue.leading = false;
        }
        self.0.turn.notify_all();
    }
}

impl State {
    /// Checks the entries of a request and lays out their bytes; on an error nothing of the request remains.
    fn stage(&mut self, staged: &mut Staged, request: &Request, clock: u64, signer: &SigningKey) -> Result<()> {
        let last_time = self.view.chain.last_time;
        let time = match request.time {
            None => clock.max(last_time),
            Some(time) if time < last_time => {
                return Err(Error::InvalidArgument { field: "time", reason: "is before that of the last entry" });
            }
            Some(time) if time > MAX_TIME => {
                return Err(Error::InvalidArgument { field: "time", reason: "is later than 2^63 - 1 µs" });
            }
            Some(time) => time,
        };
        let mark = self.view.mark();
        let (bytes, count, entries) = (staged.bytes.len(), staged.count, staged.entries.len());
        let staging = request.entries.iter().zip(&request.verified).try_for_each(|(entry, verified)| {
            if entry.kind == EntryType::Segment {
                return Err(Error::InvalidArgument { field: "type", reason: "only the writer makes SEGMENT entries" });
            }
            self.begin_segment(staged, time, signer)?;
            let (index, leaf, statement) = self.stage_one(staged, entry, *verified, time)?;
            staged.entries.push((index, leaf, statement, time));
            Ok(())
        });
        if staging.is_err() {
            self.view.go_back(mark);
            staged.bytes.truncate(bytes);
            staged.count = count;
            staged.entries.truncate(entries);
        }
        staging
    }

    /// Lays out the SEGMENT entries, when the next entry begins a segment.
    fn begin_segment(&mut self, staged: &mut Staged, time: u64, signer: &SigningKey) -> Result<()> {
        self.view.begin_segment()?;
        while let Some(body) = self.view.chain.owed().cloned() {
            let hash = self.view.genesis.hash();
            let entry = NewEntry::sign(hash, EntryType::Segment, LEDGER_KEY, body, signer)?;
            self.stage_one(staged, &entry, true, time)?;
        }
        Ok(())
    }

    /// Lays out one entry; gives its index, leaf hash and statement id.
    fn stage_one(
        &mut self,
        staged: &mut Staged,
        new: &NewEntry,
        verified: bool,
        time: u64,
    ) -> Result<(u64, Hash, Hash)> {
        let hash = self.view.genesis.hash();
        let chain = &self.view.chain;
        let index = chain.size;
        let key = *chain.keys.key_at(new.key_idx, index)?;
        let statement = statement_id(hash, &new.body);
        if !verified {
            key.verify(&message_of(&statement), &Signature::from_bytes(&new.signature)?)?;
        }
        let header = Header {
            kind: new.kind,
            key_idx: new.key_idx,
            index,
            time,
            prev: chain.last_leaf,
            statement,
            algorithm: key.algorithm(),
        };
        let start = staged.bytes.len();
        staged.bytes.extend_from_slice(&[0; PREFIX]);
        entry::write(&mut staged.bytes, &header, &new.signature, &new.body);
        let length = staged.bytes.len() - start - PREFIX;
        staged.bytes[start..start + PREFIX].copy_from_slice(&(length as u16).to_be_bytes());
        let bytes = &staged.bytes[start + PREFIX..];
        let leaf = leaf_hash(hash, bytes);
        let place = self.files.wal.length() + (wal::RECORD + start) as u64;
        self.view.push(&Entry::parse(bytes)?, leaf, place)?;
        staged.count += 1;
        Ok((index, leaf, statement))
    }

    /// Makes the group durable and gives a receipt for each entry of a caller.
    fn write(&mut self, first: u64, staged: &Staged, key: &NoteKey, signer: &SigningKey) -> Result<Vec<Receipt>> {
        let State { view, files, .. } = self;
        let size = view.size();
        let root = view.root_at(size)?;
        let checkpoint = Checkpoint { origin: view.genesis.origin().to_owned(), size, root };
        let note: Arc<str> = checkpoint.sign(key, signer)?.into();
        let note_at = files.log.length();
        files.wal.append(&wal::record(first, staged.count, &staged.bytes, note_at, note.as_bytes()))?;
        files.wal.sync()?;
        view.end = files.wal.length();
        files.state.write(&Watermark { size, root, wal: view.wal_number, end: view.end })?;
        let mut frame = Vec::with_capacity(note.len() + PREFIX);
        frames::push(&mut frame, note.as_bytes());
        files.log.append(&frame)?;
        view.directory.replace_checkpoint(note.as_bytes())?;
        (files.note, files.note_at) = (note.as_ref().to_owned(), note_at);
        self.note = note.clone();
        let receipt = |&(index, leaf_hash, statement, time): &(u64, Hash, Hash, u64)| {
            let proof = self.view.inclusion_proof(index, size)?;
            Ok(Receipt { index, time, statement, leaf_hash, checkpoint: note.clone(), proof })
        };
        staged.entries.iter().map(receipt).collect()
    }
}

fn note_key(genesis: &Genesis, signer: &SigningKey) -> Result<NoteKey> {
    if signer.verifying_key() != *genesis.ledger_key() {
        return Err(Error::InvalidKey {
            field: "ledger_key",
            reason: "is not the key that this ledger's genesis names",
        });
    }
    NoteKey::new(genesis.origin(), *genesis.ledger_key())
}

/// The clock, in µs since 1970-01-01 UTC; never before, never after what an entry can hold.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| u64::try_from(elapsed.as_micros()).unwrap_or(MAX_TIME))
        .min(MAX_TIME)
}
