//! What the test files share: where the data is.
#![allow(missing_docs, reason = "only the tests of this project read it")]

pub mod craft;
pub mod evp;
pub mod pictures;

use std::path::PathBuf;

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
