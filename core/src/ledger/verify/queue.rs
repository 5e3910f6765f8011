//! Segments on many threads, their results in order.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::segment::Look;
use crate::{Error, Result, cpu};

#[derive(Default)]
struct State {
    looks: HashMap<usize, Result<Look>>,
    panicked: bool,
}

/// Results that are under way. No task waits for who takes its result: that would keep a thread of the pool.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A task: looks at a place, and leaves the result.
    pub(super) fn look(&self, place: usize, look: impl FnOnce() -> Result<Look>) {
        // A panic must not leave the other side waiting.
        struct Guard<'q>(&'q Queue);
        impl Drop for Guard<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    self.0.lock().panicked = true;
                }
                self.0.changed.notify_all();
            }
        }
        let _guard = Guard(self);
        let found = look();
        self.lock().looks.insert(place, found);
    }

    /// The result at a place. `tick` is called ten times a second while it waits.
    pub(super) fn take(&self, place: usize, tick: &mut dyn FnMut() -> Result<()>) -> Result<Look> {
        let mut state = self.lock();
        loop {
            if let Some(look) = state.looks.remove(&place) {
                return look;
            }
            if state.panicked {
                return Err(Error::Internal { reason: "a thread that verifies has ended" });
            }
            let waited = self.changed.wait_timeout(state, Duration::from_millis(100));
            let (after, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = after;
            if timeout.timed_out() {
                drop(state);
                tick()?;
                state = self.lock();
            }
        }
    }
}

/// How many tasks may be under way: every core has the next one waiting, fewer threads have one each.
pub(super) fn ahead(threads: usize) -> usize {
    let most = cpu::threads(threads);
    if most == cpu::threads(0) { 2 * most } else { most }
}
