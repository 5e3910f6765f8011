//! The vector engine behind batches: what it takes from keys and signatures, and the tables that it keeps.

use super::nonce::{HEDGE, Hedge};
use super::{Signature, SigningKey};
use crate::cpu::{Backend, HasAvx512, HasIfma};
use crate::curve::{Affine, Choice, Curve, Jacobian, P256, Scalar, Sm2, lanes, limbs_to_bytes};
use crate::simd::Function;
use crate::simd::avx512::{self, NONCES, Seed};
pub(super) use crate::simd::ifma::Table;
use crate::simd::ifma::{self, Claim, Comb, Prime, SPREAD_WIDTH, Secret, Spread};
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// Bits of a window: of the base point in verification (1.5 MiB), of a key (256 KiB), of the base point in signing.
const BASE_WIDTH: usize = 11;
const KEY_WIDTH: usize = 8;
const COMB_WIDTH: usize = 7;

/// The engine; having one proves that the processor can run it.
#[derive(Clone, Copy)]
pub(super) struct Engine {
    ifma: HasIfma,
    avx512: HasAvx512,
}

/// A curve in lanes.
pub(super) trait Laned: Curve + Prime {
    /// The hash of its signatures.
    const FUNCTION: Function;
    /// The table of G for verification, built at first use.
    fn base(engine: Engine) -> &'static Table;
    /// The table of G for signing many, built at first use.
    fn comb(engine: Engine) -> &'static Comb;
    /// The table of G for signing one, built at first use.
    fn spread(engine: Engine) -> &'static Spread;
}

macro_rules! laned {
    ($curve:ty, $function:ident) => {
        impl Laned for $curve {
            const FUNCTION: Function = Function::$function;
            fn base(engine: Engine) -> &'static Table {
                static TABLE: OnceLock<Table> = OnceLock::new();
                TABLE.get_or_init(|| engine.table::<Self>(&Self::G, BASE_WIDTH))
            }
            fn comb(engine: Engine) -> &'static Comb {
                static COMB: OnceLock<Comb> = OnceLock::new();
                COMB.get_or_init(|| ifma::comb(engine.ifma, &engine.table::<Self>(&Self::G, COMB_WIDTH)))
            }
            fn spread(engine: Engine) -> &'static Spread {
                static SPREAD: OnceLock<Spread> = OnceLock::new();
                SPREAD.get_or_init(|| ifma::spread(engine.ifma, &engine.table::<Self>(&Self::G, SPREAD_WIDTH)))
            }
        }
    };
}

laned!(Sm2, Sm3);
laned!(P256, Sha256);

/// A signature to verify, and the digest that it is of.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) digest: &'a [u8; 32],
    pub(super) signature: &'a Signature,
}

impl<'a> Item<'a> {
    fn claim(self) -> Claim<'a> {
        Claim { digest: self.digest, signature: self.signature.as_bytes() }
    }
}

impl Engine {
    /// The engine, where the backend and the processor allow it.
    pub(super) fn new(backend: Backend) -> Option<Self> {
        if backend < Backend::Ifma {
            return None;
        }
        Some(Engine { ifma: HasIfma::detect()?, avx512: HasAvx512::detect()? })
    }

    fn table<C: Laned>(self, point: &Affine<C>, width: usize) -> Table {
        ifma::table::<C>(self.ifma, width, &lanes::bases(point, width, ifma::windows(width)))
    }

    /// The table of a public key.
    pub(super) fn key_table<C: Laned>(self, point: &Affine<C>) -> Table {
        self.table(point, KEY_WIDTH)
    }

    /// k·G for 1 <= k < n. Constant time.
    pub(super) fn multiply_base<C: Laned>(self, k: &Scalar<C>) -> Jacobian<C> {
        let k = Zeroizing::new(k.to_canonical());
        let product = Zeroizing::new(ifma::multiply::<C>(self.ifma, C::spread(self), &k));
        Jacobian::from_integers(*product)
    }

    /// a·G + b·Q, or nothing where a or b is 0 or the lanes met an exceptional case. Variable time.
    pub(super) fn combine<C: Laned>(self, table: &Table, a: &Scalar<C>, b: &Scalar<C>) -> Option<Jacobian<C>> {
        if a.is_zero_vartime() || b.is_zero_vartime() {
            return None;
        }
        let (a, b) = (a.to_canonical(), b.to_canonical());
        ifma::combine::<C>(self.ifma, C::base(self), table, &a, &b).map(Jacobian::from_integers)
    }

    /// Verifies by keys with tables, those of `key_table`.
    pub(super) fn verify_known<'a, C: Laned>(
        self,
        item: impl Fn(usize) -> Item<'a>,
        table: impl Fn(usize) -> &'a Table,
        out: &mut [bool],
    ) {
        ifma::verify::<C>(self.ifma, C::base(self), |index| item(index).claim(), table, out);
    }

    /// Verifies by keys without tables.
    pub(super) fn verify_unknown<'a, C: Laned>(
        self,
        item: impl Fn(usize) -> Item<'a>,
        key: impl Fn(usize) -> &'a Affine<C>,
        out: &mut [bool],
    ) {
        ifma::verify_unknown::<C>(
            self.ifma,
            C::base(self),
            |index| item(index).claim(),
            |index| key(index).to_words(),
            out,
        );
    }

    /// Signs each digest. `secret` is d for ECDSA, (1 + d)^-1 for SM2. Constant time.
    pub(super) fn sign<C: Laned>(
        self,
        key: &SigningKey,
        d: &Scalar<C>,
        secret: &Scalar<C>,
        digests: &[[u8; 32]],
        hedges: &[Hedge],
        out: &mut [Signature],
    ) {
        let d = Zeroizing::new(d.to_bytes());
        let secret = Zeroizing::new(secret.to_canonical());
        let mut nonces = Zeroizing::new(vec![[0u64; 4]; digests.len()]);
        let numbers: Vec<[u64; 4]> = digests.iter().map(Scalar::<C>::reduce).collect();
        let seed = &key.secret.seed;
        let seed = Seed { function: C::FUNCTION, states: [&seed.inner, &seed.outer], d: &d };
        for (start, nonces) in (0..).step_by(NONCES).zip(nonces.chunks_mut(NONCES)) {
            let range = start..start + nonces.len();
            let mut reduced = [[0; 32]; NONCES];
            for (bytes, number) in reduced.iter_mut().zip(&numbers[range.clone()]) {
                *bytes = limbs_to_bytes(*number);
            }
            // One random source serves the batch: either all are hedged or none is.
            let mut additions = Zeroizing::new([[0; HEDGE]; NONCES]);
            let hedged = additions
                .iter_mut()
                .zip(&hedges[range])
                .all(|(addition, hedge)| hedge.fixed_bytes().map(|hedge| *addition = *hedge).is_some());
            let count = nonces.len();
            let additions = hedged.then_some(&additions[..count]);
            avx512::nonces(self.avx512, seed, &reduced[..count], additions, nonces);
        }
        ifma::sign::<C>(self.ifma, C::comb(self), Secret(&secret), &numbers, &nonces, |index, valid, [r, s]| {
            // Public: a nonce that gives no signature is not used, and says nothing about the next.
            out[index] = if Choice::from_bit(valid).reveal() {
                Signature::from_halves(limbs_to_bytes(r), limbs_to_bytes(s))
            } else {
                key.sign_digest_on(Backend::Ifma, &digests[index], &hedges[index])
            };
        });
    }
}
