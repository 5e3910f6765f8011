//! What the machine offers and what of it is used: the backend and the threads.

use crate::{Error, Result};
use rayon::prelude::*;
use std::ffi::OsString;
use std::sync::{Arc, Mutex, OnceLock};

/// A way of computing. `Scalar` runs everywhere and is the oracle of every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Backend {
    /// Plain 64-bit Rust.
    Scalar,
    /// 256-bit vectors.
    Avx2,
    /// 512-bit vectors.
    Avx512,
    /// 512-bit vectors with the 52-bit multiplier.
    Ifma,
}

impl Backend {
    /// Slowest first.
    const ALL: [Backend; 4] = [Backend::Scalar, Backend::Avx2, Backend::Avx512, Backend::Ifma];

    /// `"scalar"`, `"avx2"`, `"avx512"` or `"ifma"`.
    pub fn name(self) -> &'static str {
        match self {
            Backend::Scalar => "scalar",
            Backend::Avx2 => "avx2",
            Backend::Avx512 => "avx512",
            Backend::Ifma => "ifma",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|backend| backend.name() == name)
    }

    /// Whether this processor has it.
    pub fn is_available(self) -> bool {
        match self {
            Backend::Scalar => true,
            Backend::Avx2 => HasAvx2::detect().is_some(),
            Backend::Avx512 => HasAvx512::detect().is_some(),
            Backend::Ifma => HasIfma::detect().is_some() && HasAvx512::detect().is_some(),
        }
    }
}

macro_rules! proof {
    ($(#[$doc:meta])* $name:ident: $($feature:tt)+) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name(());

        impl $name {
            /// The proof, if it can be given.
            pub(crate) fn detect() -> Option<Self> {
                #[cfg(target_arch = "x86_64")]
                let found = $(std::arch::is_x86_feature_detected!($feature))&&+;
                #[cfg(not(target_arch = "x86_64"))]
                let found = false;
                found.then_some($name(()))
            }
        }
    };
}

proof! {
    /// Proof that the processor has AVX2.
    HasAvx2: "avx2"
}
proof! {
    /// Proof that the processor has AVX2 and BMI 1 and 2.
    HasBmi: "avx2" "bmi1" "bmi2"
}
proof! {
    /// Proof that the processor has AVX2 and counts bits in one instruction.
    HasPopcount: "avx2" "popcnt"
}
proof! {
    /// Proof that the processor has AVX2 and the SHA instructions.
    HasShaNi: "avx2" "sha"
}
proof! {
    /// Proof that the processor has AVX-512 F and BW, and BMI2 as all of these have.
    HasAvx512: "avx512f" "avx512bw" "bmi2"
}
proof! {
    /// Proof that the processor has AVX-512 F, BW, IFMA and VBMI2.
    HasIfma: "avx512f" "avx512bw" "avx512ifma" "avx512vbmi2"
}

/// The backend that each room runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backends {
    /// Digests, single and many.
    pub hash: Backend,
    /// Signatures, many.
    pub sign: Backend,
}

/// What runs on this machine under this environment.
///
/// `SEALCORE_BACKEND=scalar|avx2|avx512|ifma` is an upper bound: the fastest backend not above it runs.
/// `SEALCORE_REQUIRE_BACKENDS` is a comma-separated list of backends that must be there, for CI.
///
/// # Errors
/// [`Error::InvalidArgument`] for a name in one of the two variables that no backend has, and for a required
/// backend that this machine lacks or the bound excludes. A program that does not call this function runs on the
/// slowest backend, `scalar`, when the variable holds an unknown name.
pub fn backends() -> Result<Backends> {
    judge(std::env::var_os("SEALCORE_BACKEND"), std::env::var_os("SEALCORE_REQUIRE_BACKENDS"))
}

fn judge(cap: Option<OsString>, required: Option<OsString>) -> Result<Backends> {
    let known = |name: &OsString| name.to_str().and_then(Backend::from_name);
    let cap = match cap.filter(|cap| !cap.is_empty()) {
        None => Backend::Ifma,
        Some(cap) => known(&cap).ok_or(Error::InvalidArgument {
            field: "SEALCORE_BACKEND",
            reason: "unknown backend in the environment; expected scalar, avx2, avx512 or ifma, or no such variable",
        })?,
    };
    if let Some(required) = required.filter(|required| !required.is_empty()) {
        let field = "SEALCORE_REQUIRE_BACKENDS";
        let unknown = Error::InvalidArgument {
            field,
            reason: "unknown backend in the environment; expected a comma-separated list of scalar, avx2, avx512, ifma",
        };
        for name in required.to_str().ok_or(unknown)?.split(',').map(str::trim) {
            let backend = Backend::from_name(name).ok_or(unknown)?;
            if backend > cap || !backend.is_available() {
                return Err(Error::InvalidArgument {
                    field,
                    reason: "a required backend is missing: this processor lacks it, or SEALCORE_BACKEND excludes it",
                });
            }
        }
    }
    // The fastest of those that a room has, slowest first.
    let best = |backends: &[Backend]| {
        let mut usable = backends.iter().rev().filter(|backend| **backend <= cap && backend.is_available());
        usable.next().copied().unwrap_or(Backend::Scalar)
    };
    Ok(Backends { hash: best(&[Backend::Avx2, Backend::Avx512]), sign: best(&[Backend::Avx2, Backend::Ifma]) })
}

/// The backend of digests, decided at the first use.
pub(crate) fn hash_backend() -> Backend {
    static CHOSEN: OnceLock<Backend> = OnceLock::new();
    *CHOSEN.get_or_init(|| backends().map_or(Backend::Scalar, |backends| backends.hash))
}

/// The backend of signatures, decided at the first use.
pub(crate) fn sign_backend() -> Backend {
    static CHOSEN: OnceLock<Backend> = OnceLock::new();
    *CHOSEN.get_or_init(|| backends().map_or(Backend::Scalar, |backends| backends.sign))
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

/// Threads that a call with this argument has at most: `threads`, or a thread for every core for 0.
pub(crate) fn threads(threads: usize) -> usize {
    // Asked for once: the answer is read from several files of the system.
    static CORES: OnceLock<usize> = OnceLock::new();
    let cores = *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from));
    if threads == 0 { cores } else { threads.min(cores) }
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
    // Where every thread of the pool may work, small parts even out what other programs take from one core.
    let every = threads == 0 || threads >= pool.current_num_threads();
    let size = if every { grain } else { out.len().div_ceil(threads).max(grain) };
    pool.install(|| out.par_chunks_mut(size).enumerate().for_each(|(i, chunk)| work(i * size, chunk)));
}

/// Calls `here` on the calling thread with a scope in which it may put tasks on the pool, and returns when all are done;
/// with `None` where there are no other threads, or `limit` is 1. What one task waits for must be done by an earlier one
/// or by nobody of the pool: tasks begin in the order in which they come.
pub(crate) fn with_tasks<'t, R>(limit: usize, here: impl FnOnce(Option<&rayon::Scope<'t>>) -> R) -> R {
    match pool().filter(|_| limit != 1) {
        Some(pool) => pool.in_place_scope(|scope| here(Some(scope))),
        None => here(None),
    }
}
