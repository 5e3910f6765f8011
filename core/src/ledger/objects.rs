//! Ledgers whose files are not in a directory of this machine: objects of a store, files of a web server, an archive.
//!
//! Only reading: the writer needs locks and syncs that no object store has. What speaks to the store is the caller's;
//! here is only what it must be able to do.

use core::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::store::{Directory, NOT_FOUND};
use crate::{Error, Result};

/// Why an object could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectError {
    /// There is no object of this name.
    NotFound,
    /// The store cannot be reached, refuses, or gave fewer bytes than it said that there are: an errno, or 0.
    Failed(i32),
}

impl ObjectError {
    pub(super) fn named(self, operation: &'static str) -> Error {
        let os_code = match self {
            ObjectError::NotFound => NOT_FOUND,
            ObjectError::Failed(os_code) => os_code,
        };
        Error::LedgerIo { operation, os_code }
    }
}

/// The files of a ledger, as objects that are read. Names are those of the format, such as `seg/3.slg` or `checkpoint`.
pub trait Objects: Debug + Send + Sync {
    /// The names in the folder `seg` or `wal`, without the folder; none when there is no such folder.
    ///
    /// # Errors
    /// Anything but that the folder is not there.
    fn list(&self, folder: &str) -> core::result::Result<Vec<String>, ObjectError>;

    /// The length of an object.
    ///
    /// # Errors
    /// When it is not there, or cannot be asked for.
    fn length(&self, name: &str) -> core::result::Result<u64, ObjectError>;

    /// Fills `out` from `offset`; the object is known to reach that far.
    ///
    /// # Errors
    /// When not every byte could be read.
    fn read(&self, name: &str, offset: u64, out: &mut [u8]) -> core::result::Result<(), ObjectError>;
}

/// Where a ledger is.
#[derive(Clone, Debug)]
pub enum Location {
    /// A directory of this machine.
    Directory(PathBuf),
    /// Objects of a store.
    Objects(Arc<dyn Objects>),
}

impl<P: AsRef<Path> + ?Sized> From<&P> for Location {
    fn from(path: &P) -> Self {
        Location::Directory(path.as_ref().to_owned())
    }
}

impl From<Arc<dyn Objects>> for Location {
    fn from(objects: Arc<dyn Objects>) -> Self {
        Location::Objects(objects)
    }
}

impl Location {
    /// Any that holds at least one file of a ledger.
    pub(super) fn any(&self) -> Result<Directory> {
        match self {
            Location::Directory(path) => Directory::any(path),
            Location::Objects(objects) => Directory::of(objects.clone()),
        }
    }

    /// One that holds a genesis.
    pub(super) fn open(&self) -> Result<Directory> {
        match self {
            Location::Directory(path) => Directory::open(path),
            Location::Objects(objects) => Directory::of(objects.clone()),
        }
    }
}
