//! Keys, certificates, requests and signatures in the formats that the rest of the world reads.
//!
//! PKCS#8, SEC 1 and SPKI keys; X.509 certificates (RFC 5280, GB/T 20518) and their chains at an explicit time; PKCS#10
//! requests; a certificate authority for development; CMS SignedData (RFC 5652, GM/T 0010). It keeps the raw bytes that
//! were signed and never re-encodes for verification. It does *not* fetch anything, check revocation, or decide trust:
//! the roots and the time are arguments.
//!
//! # Examples
//! ```
//! use sealcore::{hash::sm3, pki::*, sign::{Algorithm, SigningKey}};
//!
//! let validity = Validity { not_before: 1_767_225_600, not_after: 2_082_758_400 };
//! let root = CertificateAuthority::create_root(SigningKey::generate(Algorithm::Sm2)?, "CN=Root", validity, None)?;
//! let key = SigningKey::generate(Algorithm::Sm2)?;
//! let profile = Profile::Signer { extended_key_usage: &[DOCUMENT_SIGNING] };
//! let certificate = root.issue("CN=合同专用章,O=Example,C=CN", &key.verifying_key(), validity, &profile)?;
//!
//! let cms = sign_cms(&key, &certificate, &sm3(b"content"), &CmsOptions::default())?;
//! let info = verify_cms(&cms, CmsContent::Bytes(b"content"), &CmsVerification::default())?;
//! let roots = [root.certificate().clone()];
//! let path = verify_chain(&info.signer, &info.certificates, &roots, &ChainOptions::at(1_800_000_000))?;
//! assert_eq!(path, [certificate, roots[0].clone()]);
//! # Ok::<(), sealcore::Error>(())
//! ```

mod asn1;
mod ca;
mod certificate;
mod chain;
mod cms;
mod domain;
mod ed25519;
mod extension;
mod key;
mod name;
mod oid;
mod pbes2;
mod pem;
mod request;
mod time;

pub use ca::{CertificateAuthority, DOCUMENT_SIGNING, Profile, Validity};
pub use certificate::Certificate;
pub use chain::{ChainOptions, Usage, verify_chain};
pub use cms::{Attribute, CmsContent, CmsDraft, CmsInfo, CmsOptions, CmsVerification, Deviation};
pub use cms::{cms_certificates, prepare_cms, sign_cms, verify_cms};
pub use ed25519::{dump_ed25519_key, load_ed25519_key};
pub use extension::{BasicConstraints, Extension, KeyUsage};
pub use key::{dump_private_key, dump_public_key, load_private_key, load_public_key};
pub use pem::Format;
pub use request::CertificateRequest;
