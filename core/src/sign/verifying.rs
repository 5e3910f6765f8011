//! The public key of both algorithms.

use super::engine::Engine;
use super::{Algorithm, DEFAULT_DISTID, Identity, PreparedKey, Signature, ecdsa, sm2};
use crate::curve::{Affine, Curve, P256, Sm2, double_multiply_vartime};
use crate::{Error, Result, cpu};

/// A public key: a point on the curve, never infinity. Prints as its compressed point in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey(pub(super) Point);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    Sm2(Affine<Sm2>),
    P256(Affine<P256>),
}

impl From<Point> for VerifyingKey {
    fn from(point: Point) -> Self {
        VerifyingKey(point)
    }
}

impl VerifyingKey {
    /// From SEC 1: 65 bytes 04 || x || y, or 33 bytes 02/03 || x.
    ///
    /// # Errors
    /// [`Error::InvalidLength`], [`Error::InvalidEncoding`] for another first byte (00, infinity, among them), and
    /// [`Error::InvalidKey`] when the point is not on the curve of `algorithm`.
    ///
    /// # Source
    /// SEC 1, 2.3.4; GB/T 32918.1-2016, 4.2.10.
    pub fn from_sec1(algorithm: Algorithm, point: &[u8]) -> Result<Self> {
        match algorithm {
            Algorithm::Sm2 => parse(point).map(Point::Sm2),
            Algorithm::P256 => parse(point).map(Point::P256),
        }
        .map(VerifyingKey)
    }

    /// 04 || x || y.
    pub fn to_sec1(&self) -> [u8; 65] {
        let (x, y) = self.coordinates();
        let mut bytes = [4; 65];
        bytes[1..33].copy_from_slice(&x);
        bytes[33..].copy_from_slice(&y);
        bytes
    }

    /// 02 or 03 || x; 03 when y is odd.
    pub fn to_sec1_compressed(&self) -> [u8; 33] {
        let (x, y) = self.coordinates();
        let mut bytes = [2 + (y[31] & 1); 33];
        bytes[1..].copy_from_slice(&x);
        bytes
    }

    /// The algorithm that this key verifies.
    pub fn algorithm(&self) -> Algorithm {
        match self.0 {
            Point::Sm2(_) => Algorithm::Sm2,
            Point::P256(_) => Algorithm::P256,
        }
    }

    /// The digest that `verify` checks: SHA-256(M), or SM3(Z_A || M) with the default distid.
    pub fn message_digest(&self, message: &[u8]) -> [u8; 32] {
        self.identity().message_digest(message)
    }

    /// With the default distid.
    pub(super) fn identity(&self) -> Identity {
        match &self.0 {
            Point::Sm2(point) => match sm2::identity_digest(point, DEFAULT_DISTID) {
                Ok(identity) => Identity::Sm2(identity),
                Err(_) => unreachable!("the default distid has 16 bytes"),
            },
            Point::P256(_) => Identity::P256,
        }
    }

    /// SM2 only: SM3(Z_A || M) with Z_A of this distid (empty allowed: ENTL = 0).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a distid of more than 8191 bytes or a P-256 key.
    ///
    /// # Source
    /// GB/T 32918.2-2016, 5.5 and 6.1.
    pub fn message_digest_with_distid(&self, distid: &[u8], message: &[u8]) -> Result<[u8; 32]> {
        Ok(sm2::message_digest(&self.identity_digest(distid)?, message))
    }

    /// SM2 only: Z_A of this distid (empty allowed: ENTL = 0).
    ///
    /// # Errors
    /// As [`Self::message_digest_with_distid`].
    pub fn identity_digest(&self, distid: &[u8]) -> Result<[u8; 32]> {
        match &self.0 {
            Point::Sm2(point) => sm2::identity_digest(point, distid),
            Point::P256(_) => {
                Err(Error::InvalidArgument { field: "distid", reason: "belongs to SM2; a P-256 key takes none" })
            }
        }
    }

    /// Verifies the signature of a 32-byte digest (SM2: e, that is SM3(Z_A || M)).
    ///
    /// # Errors
    /// [`Error::InvalidSignature`].
    ///
    /// # Timing
    /// Variable: key, digest and signature are public.
    ///
    /// # Source
    /// FIPS 186-5, 6.4.2; GB/T 32918.2-2016, 7.1.
    pub fn verify_digest(&self, digest: &[u8; 32], signature: &Signature) -> Result<()> {
        let valid = match &self.0 {
            Point::Sm2(q) => sm2::verify(digest, signature, |a, b| double_multiply_vartime(a, b, q)),
            Point::P256(q) => ecdsa::verify(digest, signature, |a, b| double_multiply_vartime(a, b, q)),
        };
        if valid { Ok(()) } else { Err(Error::InvalidSignature) }
    }

    /// Hashes and verifies; SM2 takes the default distid.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`].
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<()> {
        self.verify_digest(&self.message_digest(message), signature)
    }

    /// SM2 only: hashes with Z_A of this distid and verifies.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`]; [`Error::InvalidArgument`] for a distid of more than 8191 bytes or a P-256 key.
    pub fn verify_with_distid(&self, distid: &[u8], message: &[u8], signature: &Signature) -> Result<()> {
        self.verify_digest(&self.message_digest_with_distid(distid, message)?, signature)
    }

    /// This key with a table of its multiples: worth it from about ten verifications on.
    pub fn prepare(&self) -> PreparedKey {
        PreparedKey::new(*self, Engine::new(cpu::sign_backend()))
    }

    fn coordinates(&self) -> ([u8; 32], [u8; 32]) {
        match &self.0 {
            Point::Sm2(point) => (point.x.to_bytes(), point.y.to_bytes()),
            Point::P256(point) => (point.x.to_bytes(), point.y.to_bytes()),
        }
    }
}

fn parse<C: Curve>(bytes: &[u8]) -> Result<Affine<C>> {
    const FIELD: &str = "public key";
    let off_curve = Error::InvalidKey { field: FIELD, reason: "not a point on the curve of its algorithm" };
    let first = *bytes.first().ok_or(Error::InvalidLength { field: FIELD, expected: 65, actual: 0 })?;
    let wrong_length = |expected| Error::InvalidLength { field: FIELD, expected, actual: bytes.len() };
    match first {
        4 => {
            let bytes: &[u8; 65] = bytes.try_into().map_err(|_| wrong_length(65))?;
            let ([x, y], []) = bytes[1..].as_chunks::<32>() else { unreachable!("64 bytes are two chunks of 32") };
            Affine::from_bytes_vartime(x, y).ok_or(off_curve)
        }
        2 | 3 => {
            let bytes: &[u8; 33] = bytes.try_into().map_err(|_| wrong_length(33))?;
            let ([x], []) = bytes[1..].as_chunks::<32>() else { unreachable!("32 bytes are one chunk of 32") };
            Affine::decompress_vartime(x, first == 3).ok_or(off_curve)
        }
        _ => Err(Error::InvalidEncoding {
            field: FIELD,
            offset: 0,
            reason: "expected 04 (uncompressed), 02 or 03 (compressed) as the first byte",
        }),
    }
}

impl core::hash::Hash for VerifyingKey {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        core::hash::Hash::hash(&self.algorithm(), state);
        self.to_sec1_compressed().hash(state);
    }
}

impl core::fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.to_sec1_compressed().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl core::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "VerifyingKey({}, {self})", self.algorithm().name())
    }
}
