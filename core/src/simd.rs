//! Vector programs: the only room with `unsafe`, for loads and stores and for the calls that a token permits.
//!
//! It speaks plain arrays and knows neither keys nor errors. What it computes is defined by the scalar code of
//! `curve`, `sign` and `hash`, which is its oracle.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "x86_64")]
pub(crate) mod ifma;
mod opaque;

pub(crate) use opaque::opaque;
