//! P-256 and SM2 over one generic curve implementation.
