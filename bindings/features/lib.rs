//! Nothing: what this crate is for is said in its `Cargo.toml`.
