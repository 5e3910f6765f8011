//! The core of sealcore: it computes, and nothing else. The modules stand in layer order: each may use
//! those above it, never those below (`tests/core/architecture.rs` checks it).
#![deny(unsafe_code)]

mod consts;
mod error;

mod cpu;

mod simd;

#[doc(hidden)]
pub mod curve;
pub mod hash;

pub mod imprint;

pub mod sign;

pub mod pki;

pub mod ledger;

pub mod authority;

pub use cpu::{Backend, Backends, backends};
pub use error::{Error, Result, Rule};
