//! SHA-256 and SM3 in sixteen lanes of AVX-512, and the HMAC generator of nonces on top of them.

mod compress;
mod drbg;

pub(crate) use compress::Function;

use crate::cpu::HasAvx512;

/// The first candidates for k of RFC 6979 (3.2, steps b to h.2, with the data of 3.6), sixteen at a time, as four
/// words, least first. Constant time.
///
/// `d`: the private key; `digests`: mod n, both big-endian; `hedges`: the additional data, or none.
pub(crate) fn nonces(
    _: HasAvx512,
    function: Function,
    d: &[u8; 32],
    digests: &[[u8; 32]; 16],
    hedges: Option<&[[u8; 32]; 16]>,
) -> [[u64; 4]; 16] {
    // SAFETY: the token `HasAvx512` proves that the processor has these instructions.
    unsafe { drbg::nonces(function, d, digests, hedges) }
}
