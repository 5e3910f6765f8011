//! Every standard number, each with its clause.

/// Default distinguishing identifier of SM2 signers (GM/T 0009-2012, clause 10).
pub(crate) const DEFAULT_DISTID: &[u8] = b"1234567812345678";
