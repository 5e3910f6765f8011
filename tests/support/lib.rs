//! What the test files share: where the data is.
#![allow(missing_docs, reason = "only the tests of this project read it")]

pub mod craft;
pub mod evp;
pub mod model;
pub mod pictures;

use sealcore::Backend;
use std::path::PathBuf;

/// Whether this processor has the backend.
///
/// # Panics
/// When `SEALCORE_REQUIRE_BACKENDS` names it and it has not: what CI requires is never left out.
pub fn has(backend: Backend) -> bool {
    let required = std::env::var("SEALCORE_REQUIRE_BACKENDS").unwrap_or_default();
    let available = backend.is_available();
    assert!(available || !required.split(',').any(|name| name.trim() == backend.name()), "{backend:?} is missing");
    if !available {
        eprintln!("left out: this processor has no {}", backend.name());
    }
    available
}

/// The folder of test data that others made, or `None` in a clone that has it not.
///
/// # Panics
/// In CI (`CI=true`) a missing folder is a failure, never a skip.
pub fn shared_data() -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "CI needs the test data of others at {}", path.display());
    eprintln!("left out: the test data of others is not here ({})", path.display());
    None
}

/// The folder of published numbers and frozen formats, part of the project.
pub fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors")
}
