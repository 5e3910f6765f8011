//! CMS SignedData (RFC 5652) with one signer: built detached with signed attributes, verified in the forms that real
//! software writes, those of GM/T 0010 included.
//!
//! The structures are read and written with the `der` crate directly. The `cms` crate is a release candidate, and its
//! types decode into owned, re-sorted sets, while a verifier must judge the bytes that were signed.

mod build;
mod read;
mod verify;

pub use build::{CmsDraft, CmsOptions, prepare_cms, sign_cms};
pub use read::{Attribute, cms_certificates};
pub use verify::{CmsContent, CmsInfo, CmsVerification, Deviation, verify_cms};
