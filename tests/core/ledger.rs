//! The ledger: format, tree, proofs, notes, store, verification.

#[path = "ledger/cbor.rs"]
mod cbor;
#[path = "ledger/merkle.rs"]
mod merkle;
#[path = "ledger/store.rs"]
mod store;
#[path = "ledger/world.rs"]
mod world;
