//! SM2 signatures (GB/T 32918.2-2016) and the hash Z_A of the signer's identity.

use super::Signature;
use crate::consts::{SM2_B, SM2_GX, SM2_GY, SM2_P};
use crate::curve::{Affine, Fe, Jacobian, Scalar, Sm2};
use crate::hash::HashAlgorithm;
use crate::{Error, Result};

type N = Scalar<Sm2>;

/// The longest distid: its length in bits is written in two bytes.
const MAX_DISTID: usize = 8191;

/// Signs with the nonce k; `inverse` is (1 + d)^-1, `x` that of k·G. `None` when r, r + k or s is zero, and then another nonce is
/// needed. Constant time.
///
/// s = (1 + d)^-1 (k - r·d) is computed as (1 + d)^-1 (k + r) - r.
pub(super) fn sign(inverse: &N, e: &[u8; 32], k: &N, x: Fe<Sm2>) -> Option<Signature> {
    let (e, _) = N::from_bytes(e);
    let r = e.add(N::from_canonical(x.to_canonical()));
    let sum = r.add(*k);
    let s = inverse.mul(sum).sub(r);
    // Public: a signature that is not given out says nothing about the one that is.
    if r.is_zero().reveal() || sum.is_zero().reveal() || s.is_zero().reveal() {
        return None;
    }
    Some(Signature::from_halves(r.to_bytes(), s.to_bytes()))
}

/// (a, b, x): the signature is valid when a·G + b·Q has x, mod n. `None` for one that is invalid as it stands. Variable
/// time.
pub(super) fn claim(e: &[u8; 32], signature: &Signature) -> Option<[N; 3]> {
    let (r, s) = signature.halves();
    let (r, r_in_range) = N::from_bytes(r);
    let (s, s_in_range) = N::from_bytes(s);
    let t = r.add(s);
    let (e, _) = N::from_bytes(e);
    let valid = r_in_range.reveal() && s_in_range.reveal() && [r, s, t].iter().all(|it| !it.is_zero_vartime());
    valid.then(|| [s, t, r.sub(e)])
}

/// Whether the signature is valid, given a·G + b·Q as a function of a and b. Variable time.
pub(super) fn verify(e: &[u8; 32], signature: &Signature, combine: impl Fn(&N, &N) -> Jacobian<Sm2>) -> bool {
    claim(e, signature).is_some_and(|[a, b, x]| combine(&a, &b).has_x_mod_n_vartime(x))
}

/// Z_A = SM3(ENTL || distid || a || b || x_G || y_G || x_A || y_A) (GB/T 32918.2-2016, 5.5).
pub(super) fn identity_digest(point: &Affine<Sm2>, distid: &[u8]) -> Result<[u8; 32]> {
    if distid.len() > MAX_DISTID {
        return Err(Error::InvalidArgument {
            field: "distid",
            reason: "at most 8191 bytes, because its length in bits is written in two bytes",
        });
    }
    let mut hasher = HashAlgorithm::Sm3.hasher();
    hasher.update(&(distid.len() as u16 * 8).to_be_bytes());
    hasher.update(distid);
    // a = p - 3
    let mut a = SM2_P;
    a[0] -= 3;
    for number in [a, SM2_B, SM2_GX, SM2_GY] {
        number.iter().rev().for_each(|limb| hasher.update(&limb.to_be_bytes()));
    }
    hasher.update(&point.x.to_bytes());
    hasher.update(&point.y.to_bytes());
    Ok(hasher.finalize())
}

/// e = SM3(Z_A || M) (GB/T 32918.2-2016, 6.1, steps A1 and A2).
pub(super) fn message_digest(identity: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let mut hasher = HashAlgorithm::Sm3.hasher();
    hasher.update(identity);
    hasher.update(message);
    hasher.finalize()
}
