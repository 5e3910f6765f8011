//! The Python border. This file only lists exports; each room of the core has one file here.
mod bytes;
mod error;

/// The native half of sealcore.
#[pyo3::pymodule]
mod _core {
    // hash
    // sign
    // pki
    // ledger
    // authority
    // imprint
}
