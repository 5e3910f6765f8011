//! Every touch of the disk, and nothing else: a directory, its files, its lock.
//!
//! Durability is explicit: nothing counts before its `sync` has returned, a new name counts after the directory's. An
//! error carries the operation and errno; what it means is decided by the writer. The only file here that uses `std::fs`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::objects::Objects;
use crate::{Error, Result};

pub(super) const GENESIS: &str = "genesis";
pub(super) const STATE: &str = "state";
const WAL: &str = "wal";
const SEGMENTS: &str = "seg";
pub(super) const CHECKPOINT: &str = "checkpoint";
pub(super) const LOG: &str = "checkpoints.log";
/// ENOENT.
pub(super) const NOT_FOUND: i32 = 2;
const LOCK: &str = "lock";
const CHECKPOINT_NEW: &str = "checkpoint.new";

fn failed(operation: &'static str) -> impl Fn(io::Error) -> Error {
    move |error| Error::LedgerIo { operation, os_code: error.raw_os_error().unwrap_or(0) }
}

/// The directory of a ledger.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// Where the files are, when they are no files of this machine: then they are only read.
    objects: Option<Arc<dyn Objects>>,
    /// Whether nothing is synced before the end: only where a ledger is made that can be made again.
    pub(super) careless: bool,
}

impl Directory {
    fn at(path: PathBuf) -> Self {
        Directory { path, objects: None, careless: false }
    }

    /// A ledger whose files are objects of a store.
    pub(super) fn of(objects: Arc<dyn Objects>) -> Result<Self> {
        let directory = Directory { path: PathBuf::new(), objects: Some(objects), careless: false };
        if directory.open_read(GENESIS, "read genesis").is_err() && directory.names(SEGMENTS)?.is_empty() {
            return Err(Error::InvalidArgument {
                field: "path",
                reason: "holds no ledger: none of its files is there",
            });
        }
        Ok(directory)
    }

    pub(super) fn open(path: &Path) -> Result<Self> {
        let path = newest_epoch(fs::canonicalize(path).map_err(failed("open the ledger directory"))?)?;
        if path.join(GENESIS).is_file() {
            return Ok(Directory::at(path));
        }
        Err(Error::InvalidArgument {
            field: "path",
            reason: "is no ledger: a ledger is a directory with a file `genesis`",
        })
    }

    /// A directory that holds at least one file of a ledger.
    pub(super) fn any(path: &Path) -> Result<Self> {
        let path = newest_epoch(fs::canonicalize(path).map_err(failed("open the ledger directory"))?)?;
        if [GENESIS, WAL, SEGMENTS, CHECKPOINT, LOG].iter().any(|name| path.join(name).exists()) {
            return Ok(Directory::at(path));
        }
        Err(Error::InvalidArgument { field: "path", reason: "holds no ledger: none of its files is there" })
    }

    /// Builds a directory aside, and moves it to `path` when it is whole and durable. `fill` writes the files.
    pub(super) fn create(path: &Path, fill: impl FnOnce(&NewDirectory) -> Result<()>) -> Result<(Self, Lock)> {
        const NOT_EMPTY: Error = Error::InvalidArgument {
            field: "path",
            reason: "exists and is not an empty directory: a ledger is created in a new or empty one",
        };
        let target = resolve(path)?;
        match fs::read_dir(&target) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(NOT_EMPTY);
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) if error.kind() == ErrorKind::NotADirectory => return Err(NOT_EMPTY),
            Err(error) => return Err(failed("look into the new ledger directory")(error)),
        }
        let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else { return Err(NOT_EMPTY) };
        let mut nonce = [0; 8];
        getrandom::fill(&mut nonce).map_err(|_| Error::RandomSource)?;
        let aside = parent.join(format!(".{}.creating-{:016x}", name.to_string_lossy(), u64::from_be_bytes(nonce)));
        fs::create_dir(&aside).map_err(failed("make the new ledger directory"))?;
        let built = (|| {
            let new = NewDirectory { path: aside.clone() };
            for name in [WAL, SEGMENTS] {
                fs::create_dir(aside.join(name)).map_err(failed("make the new ledger directory"))?;
            }
            fill(&new)?;
            let lock = Lock::take(&aside)?;
            for name in [WAL, SEGMENTS] {
                sync_directory(&aside.join(name))?;
            }
            sync_directory(&aside)?;
            fs::rename(&aside, &target).map_err(|error| match error.kind() {
                ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists | ErrorKind::NotADirectory => NOT_EMPTY,
                _ => failed("move the new ledger into place")(error),
            })?;
            sync_directory(parent)?;
            Ok(lock)
        })();
        match built {
            Ok(lock) => Ok((Directory::at(target), lock)),
            Err(error) => {
                // Nothing was acknowledged; what cannot be removed is a hidden directory that nobody opens.
                let _ = fs::remove_dir_all(&aside);
                Err(error)
            }
        }
    }

    /// The epoch of a shared ledger that this directory belongs to, by its name.
    pub(super) fn epoch(&self) -> Option<u64> {
        epoch_of(self.path.file_name()?.to_str()?)
    }

    /// Reads a small file whole; one that is longer than `limit` is refused.
    pub(super) fn read(&self, name: &str, limit: usize, operation: &'static str) -> Result<Vec<u8>> {
        let file = self.open_read(name, operation)?;
        let length = file.length()?;
        if length > limit as u64 {
            return Err(Error::LedgerCorrupt {
                offset: limit as u64,
                reason: "a file is longer than its format allows",
            });
        }
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| Error::Internal { reason: "file length" })?];
        file.read_exact(0, &mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn open_read(&self, name: &str, operation: &'static str) -> Result<ReadFile> {
        let bytes = match &self.objects {
            Some(objects) => {
                let length = objects.length(name).map_err(|found| found.named(operation))?;
                Bytes::Object { objects: objects.clone(), name: name.to_owned(), length }
            }
            None => Bytes::File(File::open(self.path.join(name)).map_err(failed(operation))?),
        };
        Ok(ReadFile { bytes, operation })
    }

    pub(super) fn open_append(&self, name: &str, names: &'static Operations) -> Result<AppendFile> {
        let file = OpenOptions::new().read(true).write(true).open(self.path.join(name)).map_err(failed(names.open))?;
        let length = file.metadata().map_err(failed(names.open))?.len();
        Ok(AppendFile { file, length, names, careless: self.careless })
    }

    pub(super) fn lock(&self) -> Result<Lock> {
        Lock::take(&self.path)
    }

    /// The numbers of the logs, ascending.
    pub(super) fn wal_numbers(&self) -> Result<Vec<u64>> {
        self.numbers(WAL, ".wal")
    }

    /// The numbers of the sealed segments, ascending.
    pub(super) fn segment_numbers(&self) -> Result<Vec<u64>> {
        self.numbers(SEGMENTS, ".slg")
    }

    fn numbers(&self, folder: &str, suffix: &str) -> Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for name in self.names(folder)? {
            let number = name.strip_suffix(suffix).and_then(|number| number.parse::<u64>().ok());
            // Only the one name of each number: 007.slg is no file of a ledger.
            numbers.extend(number.filter(|number| name == format!("{number}{suffix}")));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The names in a folder; none when there is no such folder.
    fn names(&self, folder: &str) -> Result<Vec<String>> {
        const OPERATION: &str = "list the ledger directory";
        if let Some(objects) = &self.objects {
            return objects.list(folder).map_err(|found| found.named(OPERATION));
        }
        let entries = match fs::read_dir(self.path.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(OPERATION)(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry.map_err(failed(OPERATION))?.file_name().into_string().ok());
        }
        Ok(names)
    }

    /// Replaces `checkpoint` atomically. Not durably: the log of the entries holds the same note.
    pub(super) fn replace_checkpoint(&self, bytes: &[u8]) -> Result<()> {
        let new = self.path.join(CHECKPOINT_NEW);
        fs::write(&new, bytes).map_err(failed("write the new checkpoint"))?;
        fs::rename(new, self.path.join(CHECKPOINT)).map_err(failed("replace the checkpoint"))
    }

    /// Makes `checkpoint` durable, before the log that holds the same note goes.
    pub(super) fn sync_checkpoint(&self) -> Result<()> {
        if self.careless {
            return Ok(());
        }
        File::open(self.path.join(CHECKPOINT))
            .and_then(|file| file.sync_all())
            .map_err(failed("sync the checkpoint"))?;
        sync_directory(&self.path)
    }

    /// Writes a file whole and durably, then gives it its name: in its folder, which is `wal` or `seg`. When a file of
    /// that name must be `unique`, one that is there already has to be the same to the byte.
    pub(super) fn publish(
        &self,
        name: &str,
        unique: bool,
        operation: &'static str,
        parts: &mut dyn Iterator<Item = Result<Vec<u8>>>,
    ) -> Result<()> {
        let target = self.path.join(name);
        let new = self.path.join(format!("{name}.new"));
        let mut file = File::create(&new).map_err(failed(operation))?;
        for part in parts {
            file.write_all(&part?).map_err(failed(operation))?;
        }
        if !self.careless {
            file.sync_all().map_err(failed(operation))?;
        }
        if unique && target.try_exists().map_err(failed(operation))? {
            same_content(&new, &target)?;
        }
        fs::rename(&new, &target).map_err(failed(operation))?;
        if self.careless { Ok(()) } else { sync_directory(target.parent().unwrap_or(&self.path)) }
    }

    /// Makes everything durable that was written carelessly.
    pub(super) fn sync_everything(&self) -> Result<()> {
        for folder in [SEGMENTS, WAL, ""] {
            let folder = self.path.join(folder);
            for entry in fs::read_dir(&folder).map_err(failed("list the ledger directory"))? {
                let path = entry.map_err(failed("list the ledger directory"))?.path();
                if path.is_file() {
                    File::open(path).and_then(|file| file.sync_all()).map_err(failed("sync the ledger"))?;
                }
            }
            sync_directory(&folder)?;
        }
        Ok(())
    }

    /// Removes a file whose content stands elsewhere by now.
    pub(super) fn remove(&self, name: &str) -> Result<()> {
        fs::remove_file(self.path.join(name)).map_err(failed("remove an old log"))
    }
}

fn same_content(one: &Path, other: &Path) -> Result<()> {
    const OPERATION: &str = "compare a sealed segment";
    let (one, other) = (File::open(one).map_err(failed(OPERATION))?, File::open(other).map_err(failed(OPERATION))?);
    let (mut a, mut b, mut offset) = (vec![0; 1 << 16], vec![0; 1 << 16], 0);
    loop {
        let (read, found) = (read_at(&one, offset, &mut a, OPERATION)?, read_at(&other, offset, &mut b, OPERATION)?);
        if a[..read] != b[..found] {
            offset += a[..read].iter().zip(&b[..found]).take_while(|(a, b)| a == b).count() as u64;
            let reason = "a sealed segment is there already, and is not what the log holds";
            return Err(Error::LedgerCorrupt { offset, reason });
        }
        if read == 0 {
            return Ok(());
        }
        offset += read as u64;
    }
}

/// A directory that is being built and has not its name yet.
pub(super) struct NewDirectory {
    path: PathBuf,
}

impl NewDirectory {
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        write_new(&self.path.join(name), bytes, "write a file of the new ledger")
    }

    /// Copies the first `length` bytes of a file of another ledger.
    pub(super) fn copy(&self, from: &ReadFile, name: &str, length: u64) -> Result<()> {
        const OPERATION: &str = "write a file of the new ledger";
        let mut file = File::create(self.path.join(name)).map_err(failed(OPERATION))?;
        let mut buffer = vec![0; 1 << 20];
        let mut at = 0;
        while at < length {
            let count = usize::try_from(length - at).map_or(buffer.len(), |rest| rest.min(buffer.len()));
            from.read_exact(at, &mut buffer[..count])?;
            file.write_all(&buffer[..count]).map_err(failed(OPERATION))?;
            at += count as u64;
        }
        file.sync_all().map_err(failed(OPERATION))
    }

    /// Gives a sealed file of another ledger a place here too; without a copy, for nobody writes it again. Says whether it
    /// was there.
    pub(super) fn link(&self, from: &Directory, name: &str) -> Result<bool> {
        match fs::hard_link(from.path.join(name), self.path.join(name)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed("link a sealed segment")(error)),
        }
    }
}

/// The epoch that the name of a directory of a shared ledger says: `epoch-` and ten digits.
fn epoch_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("epoch-").filter(|digits| digits.len() == 10)?;
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Of a shared ledger the directory of its newest epoch, which holds everything that was ever acknowledged; any other path
/// as it is.
fn newest_epoch(path: PathBuf) -> Result<PathBuf> {
    if path.join(GENESIS).exists() {
        return Ok(path);
    }
    let mut newest = None;
    for entry in fs::read_dir(&path).map_err(failed("list the ledger directory"))? {
        let name = entry.map_err(failed("list the ledger directory"))?.file_name();
        newest = newest.max(name.to_str().and_then(epoch_of).map(|epoch| (epoch, name.clone())));
    }
    Ok(newest.map_or(path.clone(), |(_, name)| path.join(name)))
}

fn resolve(path: &Path) -> Result<PathBuf> {
    if let Ok(found) = fs::canonicalize(path) {
        return Ok(found);
    }
    let name = path.file_name().ok_or(Error::InvalidArgument { field: "path", reason: "must name a directory" })?;
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    Ok(fs::canonicalize(parent).map_err(failed("open the directory that the new ledger stands in"))?.join(name))
}

fn write_new(path: &Path, bytes: &[u8], operation: &'static str) -> Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path).map_err(failed(operation))?;
    file.write_all(bytes).map_err(failed(operation))?;
    file.sync_all().map_err(failed(operation))
}

fn sync_directory(path: &Path) -> Result<()> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(failed("sync the ledger directory"))
}

/// The writer's lock, held as long as this lives.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    process: u32,
}

impl Lock {
    fn take(path: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(LOCK))
            .map_err(failed("open the lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { file, process: std::process::id() }),
            Err(TryLockError::WouldBlock) => Err(Error::LedgerLocked),
            Err(TryLockError::Error(error)) => Err(failed("take the lock")(error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A child between fork and exec holds the same open file: without this the lock would outlive its owner for that
        // moment. A forked child that lives on must not give its parent's lock away.
        if self.process == std::process::id() {
            let _ = self.file.unlock();
        }
    }
}

/// Where the bytes of a file are.
#[derive(Debug)]
enum Bytes {
    File(File),
    Object { objects: Arc<dyn Objects>, name: String, length: u64 },
}

/// A file that is read at offsets.
#[derive(Debug)]
pub(super) struct ReadFile {
    bytes: Bytes,
    operation: &'static str,
}

impl ReadFile {
    /// The length; that of an object is what it was when it was opened.
    pub(super) fn length(&self) -> Result<u64> {
        match &self.bytes {
            Bytes::File(file) => Ok(file.metadata().map_err(failed(self.operation))?.len()),
            Bytes::Object { length, .. } => Ok(*length),
        }
    }

    /// How much is best read at a time: half of what a second cache holds, or what is worth a request.
    pub(super) fn stride(&self) -> usize {
        match &self.bytes {
            Bytes::File(_) => 1 << 18,
            Bytes::Object { .. } => 8 << 20,
        }
    }

    /// Fills `out` from `offset`; a file that ends before is damaged.
    pub(super) fn read_exact(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let count = self.read(offset, out)?;
        if count == out.len() { Ok(()) } else { Err(ends_early(offset + count as u64)) }
    }

    /// Fills `out` from `offset` as far as the file goes.
    pub(super) fn read(&self, offset: u64, out: &mut [u8]) -> Result<usize> {
        match &self.bytes {
            Bytes::File(file) => read_at(file, offset, out, self.operation),
            Bytes::Object { objects, name, length } => {
                let left = usize::try_from(length.saturating_sub(offset)).unwrap_or(usize::MAX);
                let count = left.min(out.len());
                if count == 0 {
                    return Ok(0);
                }
                let read = objects.read(name, offset, &mut out[..count]);
                read.map_err(|found| found.named(self.operation)).map(|()| count)
            }
        }
    }
}

fn ends_early(offset: u64) -> Error {
    Error::LedgerCorrupt { offset, reason: "a file ends inside what it must hold" }
}

fn read_exact_at(file: &File, offset: u64, out: &mut [u8], operation: &'static str) -> Result<()> {
    let count = read_at(file, offset, out, operation)?;
    if count == out.len() { Ok(()) } else { Err(ends_early(offset + count as u64)) }
}

fn read_at(file: &File, offset: u64, out: &mut [u8], operation: &'static str) -> Result<usize> {
    #[cfg(unix)]
    use std::os::unix::fs::FileExt;
    #[cfg(windows)]
    use std::os::windows::fs::FileExt;
    let mut done = 0;
    while done < out.len() {
        // Beyond 2^63 no file has anything.
        let at = offset.saturating_add(done as u64);
        if i64::try_from(at).is_err() {
            break;
        }
        #[cfg(unix)]
        let read = file.read_at(&mut out[done..], at);
        #[cfg(windows)]
        let read = file.seek_read(&mut out[done..], at);
        match read {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(operation)(error)),
        }
    }
    Ok(done)
}

/// How the operations on a file are named in errors.
#[derive(Debug)]
pub(super) struct Operations {
    pub(super) open: &'static str,
    pub(super) read: &'static str,
    pub(super) write: &'static str,
    pub(super) truncate: &'static str,
    pub(super) sync: &'static str,
}

pub(super) const WAL_OPERATIONS: Operations = Operations {
    open: "open the log of entries",
    read: "read the log of entries",
    write: "write the log of entries",
    truncate: "truncate the log of entries",
    sync: "sync the log of entries",
};
pub(super) const STATE_OPERATIONS: Operations = Operations {
    open: "open state",
    read: "read state",
    write: "write state",
    truncate: "truncate state",
    sync: "sync state",
};
pub(super) const LOG_OPERATIONS: Operations = Operations {
    open: "open checkpoints.log",
    read: "read checkpoints.log",
    write: "write checkpoints.log",
    truncate: "truncate checkpoints.log",
    sync: "sync checkpoints.log",
};

/// A file that grows at its end.
#[derive(Debug)]
pub(super) struct AppendFile {
    file: File,
    length: u64,
    names: &'static Operations,
    pub(super) careless: bool,
}

impl AppendFile {
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// A second handle for reading the same file.
    pub(super) fn reader(&self) -> Result<ReadFile> {
        let file = self.file.try_clone().map_err(failed(self.names.open))?;
        Ok(ReadFile { bytes: Bytes::File(file), operation: self.names.read })
    }

    /// Appends bytes. When that fails, what was written of them is cut off again, if the disk lets us.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.seek(SeekFrom::Start(self.length)).and_then(|_| self.file.write_all(bytes));
        match written {
            Ok(()) => {
                self.length += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                let _ = self.file.set_len(self.length);
                Err(failed(self.names.write)(error))
            }
        }
    }

    /// Writes over bytes that are there, and makes them durable.
    pub(super) fn overwrite(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.file.write_all(bytes))
            .map_err(failed(self.names.write))?;
        self.sync()
    }

    /// Cuts the file to `length`.
    pub(super) fn truncate(&mut self, length: u64) -> Result<()> {
        self.file.set_len(length).map_err(failed(self.names.truncate))?;
        self.length = length;
        Ok(())
    }

    /// Makes everything that was appended durable. After an error nothing is known, and another try on the same file
    /// would report success without having written.
    pub(super) fn sync(&self) -> Result<()> {
        if self.careless { Ok(()) } else { self.file.sync_data().map_err(failed(self.names.sync)) }
    }

    /// Writes the bytes from `start` to the end again, so that a sync writes them even if an earlier one failed.
    pub(super) fn rewrite_from(&mut self, start: u64) -> Result<()> {
        let mut buffer = vec![0; 1 << 20];
        let mut at = start;
        while at < self.length {
            let count = usize::try_from(self.length - at).map_or(buffer.len(), |rest| rest.min(buffer.len()));
            read_exact_at(&self.file, at, &mut buffer[..count], self.names.read)?;
            self.file
                .seek(SeekFrom::Start(at))
                .and_then(|_| self.file.write_all(&buffer[..count]))
                .map_err(failed(self.names.write))?;
            at += count as u64;
        }
        self.sync()
    }
}
