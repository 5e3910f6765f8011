//! Signing by both algorithms: one digest, many together, and what is chosen for how many.

use super::engine::{Engine, Laned};
use super::key::Scalars;
use super::nonce::{Candidates, Hedge};
use super::{Signature, SigningKey, ecdsa, sm2};
use crate::cpu::Backend;
use crate::curve::{Affine, Curve, Jacobian, Modulus, P256, Residue, Scalar, Sm2, limbs_to_bytes};
use crate::hash::BESIDE;
use crate::{Error, Result};
use zeroize::Zeroizing;

/// From so many digests on, lanes are faster than one after the other.
const LANES_FROM: usize = 4;
/// Digests whose points the scalar code adds together, and the least number for which that pays.
pub(super) const TOGETHER: usize = 64;
const TOGETHER_FROM: usize = 4;

impl SigningKey {
    /// Signs with the first nonce that gives a signature: practically always the first.
    pub(super) fn sign_digest_on(&self, backend: Backend, digest: &[u8; 32], hedge: &Hedge) -> Signature {
        match &self.secret.scalars {
            Scalars::Sm2 { d, inverse } => {
                let mut candidates = self.candidates(backend, d, [digest], [hedge]);
                first::<Sm2>(&mut candidates, |k| sm2::sign(inverse, digest, k, base::<Sm2>(backend, k).affine_x()))
            }
            Scalars::P256 { d } => {
                let mut candidates = self.candidates(backend, d, [digest], [hedge]);
                first::<P256>(&mut candidates, |k| sign_p256(backend, d, digest, k))
            }
        }
    }

    /// Signs each digest with the hedge of the same index, on this thread.
    pub(super) fn sign_digests_on(
        &self,
        backend: Backend,
        digests: &[[u8; 32]],
        hedges: &[Hedge],
        out: &mut [Signature],
    ) {
        match (Engine::new(backend).filter(|_| digests.len() >= LANES_FROM), &self.secret.scalars) {
            (Some(engine), Scalars::Sm2 { d, inverse }) => engine.sign::<Sm2>(self, d, inverse, digests, hedges, out),
            (Some(engine), Scalars::P256 { d }) => engine.sign::<P256>(self, d, d, digests, hedges, out),
            (None, _) => {
                let chunks = digests.chunks(TOGETHER).zip(hedges.chunks(TOGETHER)).zip(out.chunks_mut(TOGETHER));
                chunks.for_each(|((digests, hedges), out)| self.sign_together(backend, digests, hedges, out));
            }
        }
    }

    /// The scalar code for a few digests, whose additions share their inversions.
    fn sign_together(&self, backend: Backend, digests: &[[u8; 32]], hedges: &[Hedge], out: &mut [Signature]) {
        let found = match &self.secret.scalars {
            Scalars::Sm2 { d, inverse } => self.points::<Sm2>(backend, d, digests, hedges).map(|(nonces, points)| {
                let all = digests.iter().zip(&*nonces).zip(points);
                all.map(|((digest, k), point)| sm2::sign(inverse, digest, k, point.x)).collect()
            }),
            Scalars::P256 { d } => self.points::<P256>(backend, d, digests, hedges).map(|(nonces, points)| {
                let inverses = Zeroizing::new(Scalar::<P256>::invert_many(&nonces));
                let all = digests.iter().zip(&*inverses).zip(points);
                all.map(|((digest, inverse), point)| ecdsa::sign(d, digest, inverse, point.x)).collect()
            }),
        };
        let found: Vec<Option<Signature>> = found.unwrap_or_else(|| vec![None; digests.len()]);
        for (((out, found), digest), hedge) in out.iter_mut().zip(found).zip(digests).zip(hedges) {
            *out = found.unwrap_or_else(|| self.sign_digest_on(backend, digest, hedge));
        }
    }

    /// The first candidates and their multiples of G; nothing when one of them is no nonce, or they are too few.
    #[expect(clippy::type_complexity, reason = "two lists of one length")]
    fn points<C: Curve>(
        &self,
        backend: Backend,
        d: &Scalar<C>,
        digests: &[[u8; 32]],
        hedges: &[Hedge],
    ) -> Option<(Zeroizing<Vec<Scalar<C>>>, Vec<Affine<C>>)> {
        if digests.len() < TOGETHER_FROM {
            return None;
        }
        let mut nonces = Zeroizing::new(Vec::with_capacity(digests.len()));
        let (eights, others) = digests.as_chunks::<BESIDE>();
        let (hedges_of_eights, hedges_of_others) = hedges.as_chunks::<BESIDE>();
        for (digests, hedges) in eights.iter().zip(hedges_of_eights) {
            let drawn = self.candidates(backend, d, digests.each_ref(), hedges.each_ref()).draw();
            for candidate in &*drawn {
                nonces.push(*nonce::<C>(candidate)?);
            }
        }
        for (digest, hedge) in others.iter().zip(hedges_of_others) {
            nonces.push(*nonce::<C>(&self.candidates(backend, d, [digest], [hedge]).draw()[0])?);
        }
        let points = C::g_table().multiply_many(backend, &nonces);
        Some((nonces, points))
    }

    fn candidates<N: Modulus, const L: usize>(
        &self,
        backend: Backend,
        d: &Residue<N>,
        digests: [&[u8; 32]; L],
        hedges: [&Hedge; L],
    ) -> Candidates<L> {
        let d = Zeroizing::new(d.to_bytes());
        let reduced = digests.map(|digest| limbs_to_bytes(Residue::<N>::reduce(digest)));
        Candidates::new((self.algorithm().hash(), backend), &self.secret.seed, &d, &reduced, hedges)
    }

    pub(super) fn sign_digest_with_nonce(
        &self,
        backend: Backend,
        digest: &[u8; 32],
        k: &[u8; 32],
    ) -> Result<Signature> {
        let signature = match &self.secret.scalars {
            Scalars::Sm2 { inverse, .. } => {
                nonce::<Sm2>(k).and_then(|k| sm2::sign(inverse, digest, &k, base::<Sm2>(backend, &k).affine_x()))
            }
            Scalars::P256 { d } => nonce::<P256>(k).and_then(|k| sign_p256(backend, d, digest, &k)),
        };
        signature.ok_or(Error::InvalidArgument { field: "k", reason: "this nonce gives no signature; 1 <= k < n" })
    }
}

fn first<C: Curve>(candidates: &mut Candidates<1>, sign: impl Fn(&Scalar<C>) -> Option<Signature>) -> Signature {
    loop {
        if let Some(signature) = nonce::<C>(&candidates.draw()[0]).and_then(|k| sign(&k)) {
            return signature;
        }
        candidates.reject();
    }
}

fn sign_p256(backend: Backend, d: &Scalar<P256>, digest: &[u8; 32], k: &Scalar<P256>) -> Option<Signature> {
    let (x, inverse) = base::<P256>(backend, k).affine_x_and_inverse(k);
    ecdsa::sign(d, digest, &Zeroizing::new(inverse), x)
}

/// The nonce of these bytes, unless it is zero or not below n.
fn nonce<C: Curve>(bytes: &[u8; 32]) -> Option<Zeroizing<Scalar<C>>> {
    let (k, in_range) = Scalar::<C>::from_bytes(bytes);
    let k = Zeroizing::new(k);
    // Public: a candidate that is not taken says nothing about the one that is.
    in_range.and(k.is_zero().not()).reveal().then_some(k)
}

/// k·G. Constant time.
fn base<C: Laned>(backend: Backend, k: &Scalar<C>) -> Zeroizing<Jacobian<C>> {
    Zeroizing::new(match Engine::new(backend) {
        Some(engine) => engine.multiply_base::<C>(k),
        None => C::g_table().multiply(backend, k),
    })
}
