//! A public key with a table of its multiples.

use super::engine::{self, Engine, Laned};
use super::verifying::Point;
use super::{Identity, Signature, VerifyingKey, ecdsa, sm2};
use crate::curve::{Affine, Jacobian, P256, PublicTable, Scalar, Sm2, double_multiply_vartime};
use crate::{Error, Result};
use std::sync::Arc;

/// A public key with a table of its multiples (256 KiB) that makes every
/// verification several times faster, shared by clones.
///
/// # Examples
/// ```
/// # use sealcore::sign::{Algorithm, SigningKey};
/// let key = SigningKey::generate(Algorithm::P256)?;
/// let prepared = key.verifying_key().prepare();
/// prepared.verify(b"message", &key.sign(b"message"))?;
/// # Ok::<(), sealcore::Error>(())
/// ```
#[derive(Clone)]
pub struct PreparedKey {
    key: VerifyingKey,
    /// With the default distid.
    identity: Identity,
    table: Arc<Table>,
}

enum Table {
    Sm2(Multiples<Sm2>),
    P256(Multiples<P256>),
}

/// The table of a key, for the scalar code.
#[derive(Clone, Copy)]
pub(super) enum ScalarTable<'t> {
    Sm2(&'t PublicTable<Sm2>),
    P256(&'t PublicTable<P256>),
}

/// A table for the code that will use it.
enum Multiples<C: Laned> {
    Scalar(PublicTable<C>),
    Lanes(engine::Table, Engine, Affine<C>),
}

impl<C: Laned> Multiples<C> {
    #[cfg_attr(not(target_arch = "x86_64"), allow(unreachable_code, reason = "there is no engine, and no table of it"))]
    fn new(engine: Option<Engine>, point: &Affine<C>) -> Self {
        match engine {
            Some(engine) => Multiples::Lanes(engine.key_table(point), engine, *point),
            None => Multiples::Scalar(PublicTable::new(point)),
        }
    }

    /// a·G + b·Q. Variable time.
    fn combine(&self, a: &Scalar<C>, b: &Scalar<C>) -> Jacobian<C> {
        match self {
            Multiples::Scalar(table) => {
                table.add_multiple_vartime(C::public_table().add_multiple_vartime(Jacobian::INFINITY, a), b)
            }
            Multiples::Lanes(table, engine, point) => {
                engine.combine(table, a, b).unwrap_or_else(|| double_multiply_vartime(a, b, point))
            }
        }
    }

    fn lanes(&self) -> Option<&engine::Table> {
        match self {
            Multiples::Scalar(_) => None,
            Multiples::Lanes(table, ..) => Some(table),
        }
    }

    fn scalar(&self) -> Option<&PublicTable<C>> {
        match self {
            Multiples::Scalar(table) => Some(table),
            Multiples::Lanes(..) => None,
        }
    }
}

impl PreparedKey {
    pub(super) fn new(key: VerifyingKey, engine: Option<Engine>) -> Self {
        let table = match &key.0 {
            Point::Sm2(point) => Table::Sm2(Multiples::new(engine, point)),
            Point::P256(point) => Table::P256(Multiples::new(engine, point)),
        };
        PreparedKey { key, identity: key.identity(), table: Arc::new(table) }
    }

    /// The table of the vector engine, if that is what this key has.
    pub(super) fn lanes_table(&self) -> Option<&engine::Table> {
        match &*self.table {
            Table::Sm2(table) => table.lanes(),
            Table::P256(table) => table.lanes(),
        }
    }

    /// The table of the scalar code, if that is what this key has.
    pub(super) fn scalar_table(&self) -> Option<ScalarTable<'_>> {
        match &*self.table {
            Table::Sm2(table) => table.scalar().map(ScalarTable::Sm2),
            Table::P256(table) => table.scalar().map(ScalarTable::P256),
        }
    }

    /// With the default distid.
    pub(super) fn identity(&self) -> Identity {
        self.identity
    }

    /// The key that was prepared.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.key
    }

    /// As [`VerifyingKey::message_digest`].
    pub fn message_digest(&self, message: &[u8]) -> [u8; 32] {
        self.identity.message_digest(message)
    }

    /// As [`VerifyingKey::verify_digest`].
    ///
    /// # Errors
    /// [`Error::InvalidSignature`].
    pub fn verify_digest(&self, digest: &[u8; 32], signature: &Signature) -> Result<()> {
        let valid = match &*self.table {
            Table::Sm2(table) => sm2::verify(digest, signature, |a, b| table.combine(a, b)),
            Table::P256(table) => ecdsa::verify(digest, signature, |a, b| table.combine(a, b)),
        };
        if valid { Ok(()) } else { Err(Error::InvalidSignature) }
    }

    /// As [`VerifyingKey::verify`].
    ///
    /// # Errors
    /// [`Error::InvalidSignature`].
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<()> {
        self.verify_digest(&self.message_digest(message), signature)
    }

    /// As [`VerifyingKey::verify_with_distid`].
    ///
    /// # Errors
    /// [`Error::InvalidSignature`]; [`Error::InvalidArgument`] for a distid of more than 8191 bytes or a P-256 key.
    pub fn verify_with_distid(&self, distid: &[u8], message: &[u8], signature: &Signature) -> Result<()> {
        self.verify_digest(&self.key.message_digest_with_distid(distid, message)?, signature)
    }
}

impl PartialEq for PreparedKey {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for PreparedKey {}

impl core::fmt::Debug for PreparedKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "PreparedKey({}, {})", self.key.algorithm().name(), self.key)
    }
}
