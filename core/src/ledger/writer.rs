//! The writer: one per ledger, many threads. Appends are collected into groups; each group becomes durable with one
//! signed checkpoint, and only then is acknowledged.
//!
//! Order of a commit: one record of entries and their checkpoint into the log of entries, sync, the fence when the ledger
//! is shared, watermark into `state`, sync, then `checkpoints.log` and `checkpoint`, which follow from the record,
//! acknowledge, seal whole segments. The first error of the disk ends the writer: nothing of that group is acknowledged,
//! every later call gets the same error, and the next open decides what remains. Index, time and predecessor of an entry
//! are fixed here. While one group is written, the signatures of the next are verified.

mod commit;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, RwLock};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use self::commit::{Request, Staged, State};
use super::checkpoint::Checkpoint;
use super::entry::{self, BODY_OFFSET, EntryType, Header, MAX_TIME, NewEntry, body_digests, message_of, statement_id};
use super::frames::PREFIX;
use super::genesis::Genesis;
use super::keys::{KeyRow, LEDGER_KEY};
use super::merkle::{Hash, leaf_hash};
use super::note::{NoteKey, NoteSigner};
use super::proof::verify_inclusion;
use super::reader::StoredEntry;
use super::recovery::{self, Recovery};
use super::store::{self, Directory, Lock};
use super::view::View;
use super::wal::{self, MAX_RECORD, Watermark};
use super::{frames, seal, succession};
use crate::hash::HashAlgorithm;
use crate::sign::{KeyRef, Keys, PreparedKey, Signature, SigningKey, VerifyingKey, verify_many};
use crate::{Error, Result};

/// What SEGMENT entries may take of a record: the key table, and a little for each of its parts.
const SEGMENT_ROOM: usize = 16 << 20;
/// Entries from which on a caller verifies his signatures himself, on every core, before he waits for his turn.
const ALONE: usize = 64;
/// Rows whose keys are prepared when they sign.
const MAX_PREPARED: usize = 128;
/// Signers of checkpoints besides the ledger's key.
const MAX_FURTHER: usize = 15;
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

#[derive(Default)]
struct Queue {
    waiting: Vec<Arc<Request>>,
    /// Whether one of the callers is forming a group. He stops before it is written.
    leading: bool,
}

/// A commit that is durable and waits for the fence.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'c> {
    /// The ledger.
    pub genesis: &'c Genesis,
    /// What the commit makes of it.
    pub checkpoint: &'c Checkpoint,
    /// The same as a signed note.
    pub note: &'c str,
    /// What the callers will get, in the order of the entries.
    pub receipts: &'c [Receipt],
}

/// What must let a commit pass before it counts, where a writer can be replaced while it lives: the one store that knows
/// which writer is the newest.
pub trait Fence: Send + Sync {
    /// Called once in each commit, when its entries are durable and before anything of it is released: remembers the
    /// checkpoint durably as the newest, or refuses. It must not use the ledger that calls it.
    ///
    /// # Errors
    /// Any error ends this writer; nothing of the commit is acknowledged.
    fn pass(&self, commit: &Commit<'_>) -> Result<()>;
}

/// A key that is in the table durably.
struct Known {
    key: VerifyingKey,
    /// Made at the first use.
    prepared: OnceLock<PreparedKey>,
}

impl Known {
    fn new(row: &KeyRow) -> Self {
        Known { key: row.key, prepared: OnceLock::new() }
    }
}

/// A ledger that is open for writing.
pub struct Ledger {
    genesis: Genesis,
    id: Hash,
    signer: SigningKey,
    /// Who signs checkpoints: the ledger's key, then whoever else.
    signers: Vec<NoteSigner>,
    recovery: Recovery,
    /// A forked child holds the same lock and must not write.
    process: u32,
    queue: Mutex<Queue>,
    state: Mutex<State>,
    /// The keys of the rows that are durable, so that signatures can be checked outside the commit.
    known: RwLock<Vec<Known>>,
}

impl core::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Ledger({}, {})", self.genesis.origin(), self.genesis.hash().name())
    }
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
        Ledger::create_with(path, genesis, signer, &[])
    }

    /// [`Ledger::create`], with further signers of the checkpoints; as for [`Ledger::open_with`].
    ///
    /// # Errors
    /// Those of both.
    pub fn create_with(path: &Path, genesis: &Genesis, signer: &SigningKey, further: &[NoteSigner]) -> Result<Self> {
        Ledger::create_at(path, genesis, signer, further, now())
    }

    /// [`Ledger::create_with`] at a given time, for frozen vectors.
    #[doc(hidden)]
    pub fn create_at(
        path: &Path,
        genesis: &Genesis,
        signer: &SigningKey,
        further: &[NoteSigner],
        time: u64,
    ) -> Result<Self> {
        let signers = signers(genesis, signer, further)?;
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
        let note = Checkpoint { origin: genesis.origin().to_owned(), size: 1, root }.sign(&signers)?;
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
        Ledger::open_locked(directory, lock, signer, further, None)
    }

    /// Opens a ledger for writing, repairing what a crash left.
    ///
    /// # Errors
    /// `LedgerLocked` when another writer has it, `InvalidKey` when `signer` is not its key, `LedgerCorrupt` (with the
    /// offset) or `RootMismatch` when something is missing or altered that a signed checkpoint covers: such a ledger is
    /// never cut, never written to.
    pub fn open(path: &Path, signer: &SigningKey) -> Result<Self> {
        Ledger::open_with(path, signer, &[])
    }

    /// [`Ledger::open`], with further signers: every checkpoint of this writer carries a line of each, after that of the
    /// ledger's key. They are named by the origin; who demands their lines brings their verifier keys.
    ///
    /// # Errors
    /// As [`Ledger::open`], and `InvalidKey` for field `signers` when one has another name than the origin, is a witness,
    /// comes twice, or they are more than 15.
    pub fn open_with(path: &Path, signer: &SigningKey, further: &[NoteSigner]) -> Result<Self> {
        let directory = Directory::open(path)?;
        if directory.epoch().is_some() {
            return Err(Error::InvalidArgument {
                field: "path",
                reason: "is a shared ledger: append through its sequencer, which alone knows the newest writer",
            });
        }
        let lock = directory.lock()?;
        Ledger::open_locked(directory, lock, signer, further, None)
    }

    /// Takes over from the writer of `previous`, who may still be alive: makes `path` a ledger that holds exactly the
    /// first `size` entries of `previous`, and opens it. Both are directories `epoch-…` of one shared ledger, or
    /// `previous` is a ledger that had one writer until now. See the format, "Several writers".
    ///
    /// Sealed segments are linked, the log of the newest entries and `checkpoints.log` are copied. From then on nothing
    /// counts that does not pass `fence`.
    ///
    /// # Errors
    /// `LedgerCorrupt` or `RootMismatch` when `previous` does not hold these entries with this root, or has released
    /// more: then one of the two, it or what `size` and `root` come from, was put back. Others as [`Ledger::create_with`].
    pub fn succeed(
        previous: &Path,
        path: &Path,
        size: u64,
        root: &Hash,
        signer: &SigningKey,
        further: &[NoteSigner],
        fence: Box<dyn Fence>,
    ) -> Result<Self> {
        let (directory, lock) = succession::build(previous, path, size, root)?;
        Ledger::open_locked(directory, lock, signer, further, Some(fence))
    }

    fn open_locked(
        directory: Directory,
        lock: Lock,
        signer: &SigningKey,
        further: &[NoteSigner],
        fence: Option<Box<dyn Fence>>,
    ) -> Result<Self> {
        let mut view = View::open(directory)?;
        let signers = signers(&view.genesis, signer, further)?;
        let (files, recovery) = recovery::open(&mut view)?;
        Ok(Ledger {
            genesis: view.genesis.clone(),
            id: *view.chain.ledger_id(),
            signer: signer.clone(),
            signers,
            recovery,
            process: std::process::id(),
            queue: Mutex::default(),
            known: RwLock::new(view.chain.keys.rows().iter().map(Known::new).collect()),
            state: Mutex::new(State {
                note: files.note.as_str().into(),
                view,
                files,
                fence,
                failed: None,
                _lock: lock,
            }),
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
        self.signers[0].key()
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

    /// Appends entries whose signatures the caller has just made himself, without receipts: for synthetic ledgers.
    pub(crate) fn append_own(&self, entries: Vec<NewEntry>) -> Result<()> {
        let verified = Some(vec![true; entries.len()]);
        self.wait_for(self.request(entries, None, verified, false)?).map(|_| ())
    }

    /// From now on nothing is synced: for synthetic ledgers.
    pub(super) fn sync_at_the_end(&self) -> Result<()> {
        let mut state = self.state()?;
        let State { view, files, .. } = &mut *state;
        view.directory.careless = true;
        for file in [&mut files.wal, &mut files.log] {
            file.careless = true;
        }
        files.state.careless();
        Ok(())
    }

    /// Makes durable what was not synced.
    pub(crate) fn sync_now(&self) -> Result<()> {
        self.state()?.view.directory.sync_everything()
    }

    fn append_request(&self, entries: Vec<NewEntry>, time: Option<u64>) -> Result<Vec<Receipt>> {
        if entries.is_empty() {
            return self.check_process().map(|()| Vec::new());
        }
        let mut request = self.request(entries, time, None, true)?;
        if request.entries.len() >= ALONE {
            let valid = self.judge(&[&request], 0)?.pop().flatten();
            request.verified = Some(valid.ok_or(Error::InvalidSignature)?);
        }
        self.wait_for(request)
    }

    fn request(
        &self,
        entries: Vec<NewEntry>,
        time: Option<u64>,
        verified: Option<Vec<bool>>,
        receipts: bool,
    ) -> Result<Request> {
        self.check_process()?;
        entries.iter().try_for_each(|entry| entry::check_body(&entry.body))?;
        let length = entries.iter().map(|entry| PREFIX + BODY_OFFSET + entry.body.len()).sum();
        if length > MAX_RECORD - SEGMENT_ROOM {
            let expected = MAX_RECORD - SEGMENT_ROOM;
            return Err(Error::InvalidLength { field: "entries", expected, actual: length });
        }
        let bodies: Vec<&[u8]> = entries.iter().map(|entry| entry.body.as_slice()).collect();
        let statements = body_digests(self.genesis.hash(), &bodies);
        let (owner, result) = (thread::current(), Mutex::new(None));
        let (taken, settled) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok(Request { entries, statements, verified, time, length, receipts, owner, taken, settled, result })
    }

    /// Waits until the request is durable or refused, and leads a commit when nobody does.
    fn wait_for(&self, request: Request) -> Result<Vec<Receipt>> {
        let request = Arc::new(request);
        self.queue.lock().map_err(|_| POISONED)?.waiting.push(request.clone());
        loop {
            if let Some(result) = request.result.lock().map_err(|_| POISONED)?.take() {
                return result;
            }
            let mut queue = self.queue.lock().map_err(|_| POISONED)?;
            if queue.leading || request.taken.load(Ordering::Relaxed) {
                drop(queue);
                // Whoever settles the request or hands the lead on wakes this thread; a wake-up in between is kept.
                thread::park();
                continue;
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
            let group = Group(queue.waiting.drain(..fits).collect());
            group.0.iter().for_each(|request| request.taken.store(true, Ordering::Relaxed));
            drop(queue);
            let leading = Leading(self);
            let waiting: Vec<&Request> = group.0.iter().map(Arc::as_ref).filter(|r| r.verified.is_none()).collect();
            let judged = self.judge(&waiting, 0)?;
            // One group waits for the one that is being written, not more: what comes meanwhile makes the next one larger.
            let state = self.state.lock().map_err(|_| POISONED)?;
            drop(leading);
            self.commit(state, &group, judged)?;
        }
    }

    /// Verifies the signatures of these requests whose keys are durable rows, all at once. For each request which
    /// signatures have been verified, or `None` when one does not verify.
    fn judge(&self, requests: &[&Request], threads: usize) -> Result<Vec<Option<Vec<bool>>>> {
        let known = self.known.read().map_err(|_| POISONED)?;
        let (mut keys, mut messages, mut signatures) = (Vec::new(), Vec::new(), Vec::new());
        let mut judged = Vec::with_capacity(requests.len());
        for request in requests {
            let mut verified = Vec::with_capacity(request.entries.len());
            for (entry, statement) in request.entries.iter().zip(&request.statements) {
                let row = entry.key_idx as usize;
                if let Some(known) = known.get(row) {
                    // Tables are large: they are for those who sign most, who are the first to come.
                    keys.push(match row < MAX_PREPARED {
                        true => KeyRef::Prepared(known.prepared.get_or_init(|| known.key.prepare())),
                        false => KeyRef::Plain(&known.key),
                    });
                    messages.push(message_of(statement));
                    signatures.push(Signature::from_bytes(&entry.signature)?);
                }
                verified.push(row < known.len());
            }
            judged.push(Some(verified));
        }
        let messages: Vec<&[u8]> = messages.iter().map(<[u8; 48]>::as_slice).collect();
        let verdicts = verify_many(Keys::Each(&keys), &messages, &signatures, None, threads)?;
        let mut valid = verdicts.as_slice().iter();
        for judged in &mut judged {
            let count = judged.as_ref().map_or(0, |verified| verified.iter().filter(|verified| **verified).count());
            if valid.by_ref().take(count).filter(|valid| !**valid).count() > 0 {
                *judged = None;
            }
        }
        Ok(judged)
    }

    /// Writes a group and gives every request its result.
    fn commit(&self, mut state: MutexGuard<'_, State>, group: &Group, judged: Vec<Option<Vec<bool>>>) -> Result<()> {
        let mut judged = judged.into_iter();
        let clock = now();
        let first = state.view.size();
        let mut staged = Staged::default();
        let mut results: Vec<Result<core::ops::Range<usize>>> = Vec::with_capacity(group.0.len());
        for request in &group.0 {
            let before = staged.entries.len();
            let verified = request.verified.clone().or_else(|| judged.next().flatten());
            let result = match (state.failed, verified) {
                (Some(error), _) => Err(error),
                (None, None) => Err(Error::InvalidSignature),
                (None, Some(verified)) => state.stage(&mut staged, request, &verified, clock, &self.signer),
            };
            results.push(result.map(|()| before..staged.entries.len()));
        }
        let mut written = Ok(Vec::new());
        if staged.count > 0 {
            written = state.write(first, &staged, &self.signers);
            match &written {
                Ok(_) => self.learn_keys(&state)?,
                Err(error) => state.failed = Some(*error),
            }
        }
        for (request, result) in group.0.iter().zip(results).rev() {
            let result = result.and_then(|range| match &mut written {
                Ok(receipts) => Ok(receipts.split_off(range.start)),
                Err(error) => Err(*error),
            });
            request.settle(result);
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
        known.extend(rows[from..].iter().map(Known::new));
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

    /// The proof that the entries [start, end) are those of the first `size`: for `proof::verify_subtree_consistency`.
    ///
    /// # Errors
    /// As the inclusion proof; [start, end) is a subtree when its start is a multiple of the next power of two from its
    /// length on.
    pub fn subtree_proof(&self, start: u64, end: u64, size: u64) -> Result<Vec<Hash>> {
        self.state()?.view.subtree_proof(start, end, size)
    }

    /// The root of the entries [start, end) alone.
    ///
    /// # Errors
    /// As the subtree proof.
    pub fn subtree_root(&self, start: u64, end: u64) -> Result<Hash> {
        self.state()?.view.subtree_root(start, end)
    }
}

/// Requests that are committed together. None is left without an answer, also when the commit panicked.
struct Group(Vec<Arc<Request>>);

impl Drop for Group {
    fn drop(&mut self) {
        self.0.iter().for_each(|request| request.settle(Err(POISONED)));
    }
}

/// Hands the lead on, also when something panicked.
struct Leading<'l>(&'l Ledger);

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        if let Ok(mut queue) = self.0.queue.lock() {
            queue.leading = false;
            if let Some(next) = queue.waiting.first() {
                next.owner.unpark();
            }
        }
    }
}

/// Who signs the checkpoints of this ledger: its own key first.
fn signers(genesis: &Genesis, signer: &SigningKey, further: &[NoteSigner]) -> Result<Vec<NoteSigner>> {
    if signer.verifying_key() != *genesis.ledger_key() {
        return Err(Error::InvalidKey {
            field: "ledger_key",
            reason: "is not the key that this ledger's genesis names",
        });
    }
    let refused = |reason| Err(Error::InvalidKey { field: "signers", reason });
    if further.len() > MAX_FURTHER {
        return refused("more than 15 further signers: readers need not accept more than 16 lines");
    }
    let mut signers = vec![NoteSigner::new(genesis.origin(), signer.clone())?];
    for one in further {
        if one.key().name() != genesis.origin() {
            return refused("a signer of checkpoints is named by the ledger's origin");
        }
        if one.key().is_cosigner() {
            return refused("a witness cosigns what it has checked itself: it is no signer of the ledger");
        }
        if signers.iter().any(|known| known.key().id() == one.key().id()) {
            return refused("a signer comes twice");
        }
        signers.push(one.clone());
    }
    Ok(signers)
}

/// The clock, in µs since 1970-01-01 UTC; never before, never after what an entry can hold.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| u64::try_from(elapsed.as_micros()).unwrap_or(MAX_TIME))
        .min(MAX_TIME)
}
