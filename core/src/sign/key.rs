//! The private key of both algorithms.

use super::nonce::{Hedge, Seed};
use super::verifying::Point;
use super::{Algorithm, Identity, Signature, VerifyingKey};
use crate::curve::{Affine, Choice, Curve, P256, Scalar, Sm2};
use crate::{Error, Result, cpu};
use zeroize::{Zeroize, Zeroizing};

/// A private key. Zeroized on drop; `Debug` shows no secret; equality takes constant time.
///
/// # Examples
/// ```
/// use sealcore::sign::{Algorithm, SigningKey};
/// let key = SigningKey::generate(Algorithm::Sm2)?;
/// let signature = key.sign(b"message");
/// key.verifying_key().verify(b"message", &signature)?;
/// # Ok::<(), sealcore::Error>(())
/// ```
#[derive(Clone)]
pub struct SigningKey {
    /// Boxed, so that moving the key leaves no copy behind.
    pub(super) secret: Box<Secret>,
    public: VerifyingKey,
    /// With the default distid.
    identity: Identity,
}

#[derive(Clone)]
pub(super) struct Secret {
    pub(super) scalars: Scalars,
    /// For the nonces.
    pub(super) seed: Seed,
}

#[derive(Clone)]
pub(super) enum Scalars {
    Sm2 {
        d: Scalar<Sm2>,
        /// (1 + d)^-1.
        inverse: Scalar<Sm2>,
    },
    P256 {
        d: Scalar<P256>,
    },
}

impl Drop for Scalars {
    fn drop(&mut self) {
        match self {
            Scalars::Sm2 { d, inverse } => {
                d.zeroize();
                inverse.zeroize();
            }
            Scalars::P256 { d } => d.zeroize(),
        }
    }
}

impl SigningKey {
    /// A new key from the operating system's random source.
    ///
    /// # Errors
    /// [`Error::RandomSource`] when that source fails.
    ///
    /// # Source
    /// FIPS 186-5, A.2.2 (rejection sampling); GB/T 32918.1-2016, 6.1.
    pub fn generate(algorithm: Algorithm) -> Result<Self> {
        let mut d = Zeroizing::new([0; 32]);
        loop {
            getrandom::fill(d.as_mut()).map_err(|_| Error::RandomSource)?;
            if let Ok(key) = Self::from_bytes(algorithm, d.as_ref()) {
                return Ok(key);
            }
        }
    }

    /// From d, 32 bytes, big-endian; 1 <= d <= n-1 (P-256), 1 <= d <= n-2 (SM2).
    ///
    /// # Errors
    /// [`Error::InvalidLength`], and [`Error::InvalidKey`] when d is out of range.
    ///
    /// # Timing
    /// Constant, apart from whether d is in range.
    pub fn from_bytes(algorithm: Algorithm, d: &[u8]) -> Result<Self> {
        let wrong = Error::InvalidLength { field: "private key", expected: 32, actual: d.len() };
        let bytes: &[u8; 32] = d.try_into().map_err(|_| wrong)?;
        match algorithm {
            Algorithm::Sm2 => {
                let (d, in_range) = Scalar::<Sm2>::from_bytes(bytes);
                let mut successor = Zeroizing::new(d.add(Scalar::<Sm2>::ONE));
                let scalars = Scalars::Sm2 { d, inverse: successor.invert() };
                let point = public_point::<Sm2>(&d, in_range.and(successor.is_zero().not()));
                successor.zeroize();
                let point =
                    point.ok_or(Error::InvalidKey { field: "private key", reason: "an SM2 key is from 1 to n - 2" })?;
                Ok(SigningKey::new(scalars, bytes, Point::Sm2(point)))
            }
            Algorithm::P256 => {
                let (d, in_range) = Scalar::<P256>::from_bytes(bytes);
                let scalars = Scalars::P256 { d };
                let point = public_point::<P256>(&d, in_range)
                    .ok_or(Error::InvalidKey { field: "private key", reason: "a P-256 key is from 1 to n - 1" })?;
                Ok(SigningKey::new(scalars, bytes, Point::P256(point)))
            }
        }
    }

    fn new(scalars: Scalars, d: &[u8; 32], point: Point) -> Self {
        let public = VerifyingKey::from(point);
        let secret = Box::new(Secret { scalars, seed: Seed::new(public.algorithm().hash(), d) });
        SigningKey { secret, public, identity: public.identity() }
    }

    /// d, 32 bytes, big-endian; zeroized when dropped.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(match &self.secret.scalars {
            Scalars::Sm2 { d, .. } => d.to_bytes(),
            Scalars::P256 { d } => d.to_bytes(),
        })
    }

    /// The algorithm that this key signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.public.algorithm()
    }

    /// The public key d·G.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.public
    }

    /// Signs a 32-byte digest (SM2: e, that is SM3(Z_A || M)).
    ///
    /// # Timing
    /// Constant in the key, the nonce and the digest.
    ///
    /// # Source
    /// FIPS 186-5, 6.4.1; GB/T 32918.2-2016, 6.1. Nonce: RFC 6979 with added randomness (3.6); when the random
    /// source of the operating system fails, without it.
    pub fn sign_digest(&self, digest: &[u8; 32]) -> Signature {
        self.sign_digest_on(cpu::sign_backend(), digest, &Hedge::random())
    }

    /// Hashes and signs; SM2 takes the default distid.
    pub fn sign(&self, message: &[u8]) -> Signature {
        self.sign_digest(&self.identity.message_digest(message))
    }

    /// SM2 only: hashes with Z_A of this distid (empty allowed, at most 8191 bytes) and signs.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a longer distid or a P-256 key.
    pub fn sign_with_distid(&self, distid: &[u8], message: &[u8]) -> Result<Signature> {
        Ok(self.sign_digest(&self.public.message_digest_with_distid(distid, message)?))
    }

    /// With the default distid.
    pub(super) fn identity(&self) -> Identity {
        self.identity
    }
}

/// d·G, or nothing when d is zero or not `valid`.
fn public_point<C: Curve>(d: &Scalar<C>, valid: Choice) -> Option<Affine<C>> {
    // Public: a key that is out of range is refused.
    valid.and(d.is_zero().not()).reveal().then(|| C::g_table().multiply(cpu::sign_backend(), d).to_affine())
}

impl PartialEq for SigningKey {
    /// Constant time in both keys.
    fn eq(&self, other: &Self) -> bool {
        let equal = match (&self.secret.scalars, &other.secret.scalars) {
            (Scalars::Sm2 { d, .. }, Scalars::Sm2 { d: other, .. }) => d.equals(*other),
            (Scalars::P256 { d }, Scalars::P256 { d: other }) => d.equals(*other),
            _ => return false,
        };
        // Public: the caller asked for it.
        equal.reveal()
    }
}

impl Eq for SigningKey {}

impl core::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SigningKey({}, public {})", self.algorithm().name(), self.public)
    }
}
