//! CMS SignedData (RFC 5652) with one signer: built detached with signed attributes, verified in the forms that real
//! software writes, those of GM/T 0010 included.
//!
//! The structures are read and written with the `der` crate directly. The `cms` crate is a release candidate, and its
//! types decode into owned, re-sorted sets, while a verifier must judge the bytes that were signed.

mod build;

pub use build::{CmsDraft, CmsOptions, prepare_cms, sign_cms};
