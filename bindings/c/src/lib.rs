//! The C ABI of sealcore: hash, sign and verify. No struct crosses it by value, every entry catches
//! panics, and status numbers are never reused.
#![allow(clippy::missing_safety_doc, reason = "the header states the contract of every pointer")]
#![allow(unreachable_pub, reason = "C reaches these by their symbols")]

mod boundary;
mod hash;
mod sign;
mod status;

/// Returns: the number of the ABI; it changes when a program must be recompiled.
#[unsafe(no_mangle)]
pub extern "C" fn sealcore_abi_version() -> u32 {
    0
}

/// Returns: the version of the library as a static, NUL-terminated string.
#[unsafe(no_mangle)]
pub extern "C" fn sealcore_version() -> *const std::ffi::c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
