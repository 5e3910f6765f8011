//! The ledger: format, tree, proofs, notes, store, verification.

#[path = "ledger/cbor.rs"]
mod cbor;
#[path = "ledger/crash.rs"]
mod crash;
#[path = "ledger/faults.rs"]
mod faults;
#[path = "ledger/frozen.rs"]
mod frozen;
#[path = "ledger/merkle.rs"]
mod merkle;
#[path = "ledger/note.rs"]
mod note;
#[path = "ledger/policy.rs"]
mod policy;
#[path = "ledger/proofs.rs"]
mod proofs;
#[path = "ledger/segments.rs"]
mod segments;
#[path = "ledger/store.rs"]
mod store;
#[path = "ledger/succession.rs"]
mod succession;
#[path = "ledger/tiles.rs"]
mod tiles;
#[path = "ledger/verify.rs"]
mod verify;
#[path = "ledger/world.rs"]
mod world;
