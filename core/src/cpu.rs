//! What the machine offers and what of it is used: the backend and the threads.

use crate::{Error, Result};
use rayon::prelude::*;
use std::sync::{Arc, Mutex};

/// A way of computing. `Scalar` runs everywhere and is the oracle of every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Backend {
    /// Plain 64-bit Rust.
    Scalar,
}

/// The names that `SEALCORE_BACKEND` knows, slowest first, and the backend of this build, if it has one.
const NAMES: [(&str, Option<Backend>); 4] =
    [("scalar", Some(Backend::Scalar)), ("avx2", None), ("avx512", None), ("ifma", None)];

impl Backend {
    /// `"scalar"`.
    pub fn name(self) -> &'static str {
        match self {
            Backend::Scalar => "scalar",
        }
    }
}

/// The backend that each room runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backends {
    /// Digests, single and many.
    pub hash: Backend,
    /// Signatures, single and many.
    pub sign: Backend,
}

/// What runs on this machine under this environment.
///
/// `SEALCORE_BACKEND=scalar|avx2|avx512|ifma` is an upper bound: the fastest backend not above it runs.
/// `SEALCORE_REQUIRE_BACKENDS` is a comma-separated list of backends that must be there, for CI.
///
/// # Errors
/// [`Error::InvalidArgument`] for a name in one of the two variables that no backend has, and for a required
/// backend that this machine or this build lacks. A program that does not call this function runs on the
/// slowest backend, `scalar`, when the variable holds an unknown name.
pub fn backends() -> Result<Backends> {
    judge(std::env::var_os("SEALCORE_BACKEND"), std::env::var_os("SEALCORE_REQUIRE_BACKENDS"))
}

fn judge(cap: Option<std::ffi::OsString>, required: Option<std::ffi::OsString>) -> Result<Backends> {
    let known = |name: &str| NAMES.iter().find(|(known, _)| *known == name);
    if let Some(cap) = cap.filter(|cap| !cap.is_empty()) {
        cap.to_str().and_then(known).ok_or(Error::InvalidArgument {
            field: "SEALCORE_BACKEND",
            reason: "unknown backend in the environment; expected scalar, avx2, avx512 or ifma, or no such variable",
        })?;
    }
    if let Some(required) = required.filter(|required| !required.is_empty()) {
        let field = "SEALCORE_REQUIRE_BACKENDS";
        let unknown = Error::InvalidArgument {
            field,
            reason: "unknown backend in the environment; expected a comma-separated list of scalar, avx2, avx512, ifma",
        };
        for name in required.to_str().ok_or(unknown)?.split(',').map(str::trim) {
            let (_, backend) = known(name).ok_or(unknown)?;
            backend.ok_or(Error::InvalidArgument {
                field,
                reason: "a required backend is missing: this build of sealcore has only scalar",
            })?;
        }
    }
    Ok(Backends { hash: Backend::Scalar, sign: Backend::Scalar })
}

/// The thread pool and the process that made it: a forked child inherits the memory but not the threads.
static POOL: Mutex<Option<(u32, Arc<rayon::ThreadPool>)>> = Mutex::new(None);

/// The pool of this process, or `None` when there is nothing to gain or no thread to be had.
fn pool() -> Option<Arc<rayon::ThreadPool>> {
    // The lock is held for moments only, unless a fork happened meanwhile: then the work runs on this thread.
    let mut slot = (0..1000).find_map(|_| {
        let slot = POOL.try_lock().ok();
        if slot.is_none() {
            std::thread::yield_now();
        }
        slot
    })?;
    let process = std::process::id();
    if let Some((owner, pool)) = &*slot
        && *owner == process
    {
        return Some(pool.clone());
    }
    let pool = Arc::new(rayon::ThreadPoolBuilder::new().thread_name(|i| format!("sealcore-{i}")).build().ok()?);
    // The parent's pool has no threads here and may not be dropped: that would wait for them.
    core::mem::forget(slot.replace((process, pool.clone())));
    Some(pool)
}

/// Fills `out` by calling `work(start, chunk)` for disjoint chunks on at most `threads` threads (0: every core).
/// Fewer than `grain` items never leave the calling thread.
pub(crate) fn fill_chunks<T: Send>(
    out: &mut [T],
    threads: usize,
    grain: usize,
    work: impl Fn(usize, &mut [T]) + Sync + Send,
) {
    if threads == 1 || out.len() <= grain {
        return work(0, out);
    }
    let Some(pool) = pool() else { return work(0, out) };
    let size = if threads == 0 { grain } else { out.len().div_ceil(threads).max(grain) };
    pool.install(|| out.par_chunks_mut(size).enumerate().for_each(|(i, chunk)| work(i * size, chunk)));
}
