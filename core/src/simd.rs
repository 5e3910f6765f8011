//! Vector programs: the only room with `unsafe`, for loads and stores and for the calls that a token permits.
//!
//! It speaks plain arrays and knows neither keys nor errors. What it computes is defined by the scalar code of
//! `curve`, `sign` and `hash`, which is its oracle.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use crate::consts::{SHA256_IV, SM3_IV};

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "x86_64")]
mod blocks;
mod carry;
mod hamming;
#[cfg(target_arch = "x86_64")]
pub(crate) mod ifma;
#[cfg(target_arch = "x86_64")]
mod memory;
mod opaque;
mod pick;
mod prefetch;
#[cfg(target_arch = "x86_64")]
pub(crate) mod shani;

pub(crate) use carry::{add_carry, sub_borrow};
pub(crate) use hamming::distances;
pub(crate) use opaque::opaque;
pub(crate) use pick::Lookup;
pub(crate) use prefetch::prefetch;

/// A hash function by its compression function: 64-byte blocks of big-endian words, eight words of state.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// FIPS 180-4, 6.2.2.
    Sha256,
    /// GB/T 32905-2016, 5.3.
    Sm3,
}

#[cfg(target_arch = "x86_64")]
impl Function {
    /// The initial value.
    pub(crate) fn initial(self) -> [u32; 8] {
        match self {
            Function::Sha256 => SHA256_IV,
            Function::Sm3 => SM3_IV,
        }
    }
}
