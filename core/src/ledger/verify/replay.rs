//! Level 4: the layer above takes every entry in turn, while segments are verified side by side.

use core::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::super::entry::Entry;
use crate::Result;

/// What a reading leaves to be done when its turn comes. An error ends the verification.
pub type Take<'r> = Box<dyn FnOnce() -> Result<()> + Send + 'r>;

/// A layer above the ledger that follows its entries from entry 0 on.
///
/// What it has taken counts only when the report has no findings: entries come before the segment that they stand in has
/// been verified to its end.
pub trait Replay: fmt::Debug + Sync {
    /// Reads consecutive entries, on any thread and before their turn. What it returns is called in the order of the
    /// ledger, once, and takes them.
    fn read<'r>(&'r self, entries: &[Entry<'_>]) -> Take<'r>;
}

/// Whose turn it is.
#[derive(Debug)]
pub(super) struct Turns {
    /// The number of the segment; `None` when the replay has been given up.
    next: Mutex<Option<u64>>,
    came: Condvar,
    /// Readings that a segment may collect before it waits for its turn.
    most: usize,
}

impl Turns {
    pub(super) fn new(most: usize) -> Self {
        Turns { next: Mutex::new(Some(0)), came: Condvar::new(), most }
    }

    fn lock(&self) -> MutexGuard<'_, Option<u64>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, next: Option<u64>) {
        *self.lock() = next;
        self.came.notify_all();
    }

    /// Whether the replay goes on, once it is this segment's turn.
    fn wait(&self, number: u64) -> bool {
        let waits = |next: &mut Option<u64>| next.is_some_and(|next| next != number);
        self.came.wait_while(self.lock(), waits).unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Nothing is taken any more.
    pub(super) fn give_up(&self) {
        self.set(None);
    }

    /// Whether everything was taken up to this segment.
    pub(super) fn are_at(&self, number: u64) -> bool {
        *self.lock() == Some(number)
    }
}

/// The readings of one segment. Dropped before [`Turn::end`], it ends the replay.
pub(super) struct Turn<'t> {
    turns: &'t Turns,
    number: u64,
    waiting: Vec<Take<'t>>,
    ended: bool,
}

impl<'t> Turn<'t> {
    pub(super) fn new(turns: &'t Turns, number: u64) -> Self {
        Turn { turns, number, waiting: Vec::new(), ended: false }
    }

    pub(super) fn push(&mut self, take: Take<'t>) -> Result<()> {
        self.waiting.push(take);
        if self.waiting.len() >= self.turns.most || self.turns.are_at(self.number) {
            self.take()?;
        }
        Ok(())
    }

    fn take(&mut self) -> Result<()> {
        if self.turns.wait(self.number) {
            self.waiting.drain(..).try_for_each(|take| take())
        } else {
            self.waiting.clear();
            Ok(())
        }
    }

    /// Nothing is wrong with the segment: the next one comes.
    pub(super) fn end(mut self) -> Result<()> {
        self.take()?;
        self.ended = true;
        let mut next = self.turns.lock();
        *next = next.map(|_| self.number + 1);
        self.turns.came.notify_all();
        Ok(())
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.turns.give_up();
        }
    }
}
