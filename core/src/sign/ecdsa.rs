//! ECDSA over P-256 (FIPS 186-5, 6.4).

use super::Signature;
use crate::curve::{Fe, Jacobian, P256, Scalar};

type N = Scalar<P256>;

/// Signs with the nonce k, given k^-1 and the x of k·G. `None` when r or s is zero, and then another nonce is needed.
/// Constant time.
pub(super) fn sign(d: &N, digest: &[u8; 32], inverse: &N, x: Fe<P256>) -> Option<Signature> {
    let (e, _) = N::from_bytes(digest);
    let r = N::from_canonical(x.to_canonical());
    let s = inverse.mul(e.add(r.mul(*d)));
    // Public: a signature that is not given out says nothing about the one that is.
    if r.is_zero().reveal() || s.is_zero().reveal() {
        return None;
    }
    Some(Signature::from_halves(r.to_bytes(), s.to_bytes()))
}

/// r, s and the digest as integers, unless r or s is out of range.
fn open(digest: &[u8; 32], signature: &Signature) -> Option<[N; 3]> {
    let (r, s) = signature.halves();
    let (r, r_in_range) = N::from_bytes(r);
    let (s, s_in_range) = N::from_bytes(s);
    let (e, _) = N::from_bytes(digest);
    let valid = r_in_range.reveal() && s_in_range.reveal() && !r.is_zero_vartime() && !s.is_zero_vartime();
    valid.then_some([r, s, e])
}

/// Whether the signature is valid, given a·G + b·Q as a function of a and b. Variable time.
pub(super) fn verify(digest: &[u8; 32], signature: &Signature, combine: impl Fn(&N, &N) -> Jacobian<P256>) -> bool {
    open(digest, signature).is_some_and(|[r, s, e]| {
        let inverse = s.invert();
        combine(&e.mul(inverse), &r.mul(inverse)).has_x_mod_n_vartime(r)
    })
}

/// For each signature (a, b, x): it is valid when a·G + b·Q has x, mod n. `None` for one that is invalid as it stands.
/// Variable time.
pub(super) fn claims<'a>(items: impl Iterator<Item = (&'a [u8; 32], &'a Signature)>) -> Vec<Option<[N; 3]>> {
    let opened: Vec<Option<[N; 3]>> = items.map(|(digest, signature)| open(digest, signature)).collect();
    let inverses = N::invert_many(&opened.iter().map(|it| it.map_or(N::ONE, |[_, s, _]| s)).collect::<Vec<N>>());
    let all = opened.into_iter().zip(inverses);
    all.map(|(it, inverse)| it.map(|[r, _, e]| [e.mul(inverse), r.mul(inverse), r])).collect()
}
