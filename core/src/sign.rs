//! ECDSA over P-256 with SHA-256 (FIPS 186-5, SEC 1) and SM2 with SM3 (GB/T 32918.2-2016).
//!
//! Keys and signatures carry their algorithm, and one set of functions serves both. Work that depends on a
//! private key or a nonce takes constant time; verification takes variable time, which is safe because all that
//! it sees is public. Not here: key files and certificates (`pki`), SM2 encryption and key exchange, other curves.
//!
#![doc = include_str!("../docs/constant-time.md")]

mod batch;
mod der;
mod ecdsa;
mod ed25519;
#[cfg(target_arch = "x86_64")]
mod engine;
#[cfg(not(target_arch = "x86_64"))]
#[path = "sign/engine_none.rs"]
mod engine;
#[doc(hidden)]
pub mod hazmat;
mod key;
mod nonce;
mod prepared;
mod signature;
mod signing;
mod sm2;
mod verifying;

pub use batch::{KeyRef, Keys, Verdicts, sign_digest_many, sign_many, verify_digest_many, verify_many};
pub use ed25519::{Ed25519SigningKey, Ed25519VerifyingKey};
pub use key::SigningKey;
pub use prepared::PreparedKey;
pub use signature::Signature;
pub use verifying::VerifyingKey;

use crate::{Error, Result, hash::HashAlgorithm};

/// The distinguishing identifier of SM2 signers who agreed on none (GM/T 0009-2012, clause 10).
pub const DEFAULT_DISTID: &[u8] = crate::consts::DEFAULT_DISTID;

/// A signature algorithm: a curve and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// SM2 with SM3.
    Sm2,
    /// ECDSA over P-256 with SHA-256.
    P256,
}

impl Algorithm {
    /// `"sm2"` or `"p256"`.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Sm2 => "sm2",
            Algorithm::P256 => "p256",
        }
    }

    /// The algorithm of this name.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for any other name.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "sm2" => Ok(Algorithm::Sm2),
            "p256" => Ok(Algorithm::P256),
            _ => Err(Error::InvalidArgument { field: "algorithm", reason: "expected \"sm2\" or \"p256\"" }),
        }
    }

    /// The hash that the algorithm signs with: SM3 for SM2, SHA-256 for P-256.
    pub fn hash(self) -> HashAlgorithm {
        match self {
            Algorithm::Sm2 => HashAlgorithm::Sm3,
            Algorithm::P256 => HashAlgorithm::Sha256,
        }
    }
}

/// What is hashed before a message.
#[derive(Clone, Copy)]
enum Identity {
    /// Z_A of the signer.
    Sm2([u8; 32]),
    /// Nothing.
    P256,
}

impl Identity {
    /// The hash function of what is signed.
    fn hash(&self) -> HashAlgorithm {
        match self {
            Identity::Sm2(_) => HashAlgorithm::Sm3,
            Identity::P256 => HashAlgorithm::Sha256,
        }
    }

    /// What is hashed before a message.
    fn before(&self) -> &[u8] {
        match self {
            Identity::Sm2(identity) => identity,
            Identity::P256 => &[],
        }
    }

    fn message_digest(&self, message: &[u8]) -> [u8; 32] {
        match self {
            Identity::Sm2(identity) => sm2::message_digest(identity, message),
            Identity::P256 => crate::hash::sha256(message),
        }
    }
}
