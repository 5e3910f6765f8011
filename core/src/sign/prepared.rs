//! A public key with a table of its multiples.

use super::engine::{self, Engine};
use super::verifying::Point;
use super::{Identity, Signature, VerifyingKey, ecdsa, sm2};
use crate::curve::{Curve, FixedTable, Jacobian, P256, Scalar, Sm2};
use crate::{Error, Result, cpu};
use std::sync::Arc;

/// A public key with tables of its multiples: 86 KiB, and 256 KiB more where the vector engine runs, that make every
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
    tables: Arc<Tables>,
}

struct Tables {
    /// For one signature.
    one: Table,
    /// For many, where the engine runs.
    many: Option<engine::Table>,
}

enum Table {
    Sm2(FixedTable<Sm2>),
    P256(FixedTable<P256>),
}

impl PreparedKey {
    pub(super) fn new(key: VerifyingKey) -> Self {
        let table = match &key.0 {
            Point::Sm2(point) => Table::Sm2(FixedTable::new(point)),
            Point::P256(point) => Table::P256(FixedTable::new(point)),
        };
        let many = Engine::new(cpu::sign_backend()).map(|engine| key.lanes_table(engine));
        PreparedKey { key, identity: key.identity(), tables: Arc::new(Tables { one: table, many }) }
    }

    /// The table of the vector engine.
    pub(super) fn lanes_table(&self) -> Option<&engine::Table> {
        self.tables.many.as_ref()
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
        let valid = match &self.tables.one {
            Table::Sm2(table) => sm2::verify(digest, signature, |a, b| combine(table, a, b)),
            Table::P256(table) => ecdsa::verify(digest, signature, |a, b| combine(table, a, b)),
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

/// a·G + b·Q. Variable time.
fn combine<C: Curve>(table: &FixedTable<C>, a: &Scalar<C>, b: &Scalar<C>) -> Jacobian<C> {
    table.add_multiple_vartime(C::g_table().add_multiple_vartime(Jacobian::INFINITY, a), b)
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
