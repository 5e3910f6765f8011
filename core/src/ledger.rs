//! The tamper-evident ledger: entries in an RFC 6962 tree with the hash chain inside the leaves.
//!
//! It stores signed entries durably, proves what it holds (inclusion, consistency) and verifies everything offline. It
//! follows RFC 6962 for the tree and the C2SP signed-note and tlog-checkpoint formats for checkpoints. What a statement
//! means, and who may make it, is not decided here but in authority.
#![doc = "\n---\n"]
#![doc = include_str!("../docs/ledger-format.md")]

pub mod cbor;
mod chain;
mod checkpoint;
mod crc;
mod entry;
mod frames;
mod generate;
mod genesis;
mod keys;
pub mod merkle;
mod note;
mod objects;
mod policy;
pub mod proof;
mod reader;
mod records;
mod recovery;
mod seal;
mod segment;
mod store;
mod succession;
mod tiles;
mod tlog_proof;
mod verify;
mod view;
mod wal;
mod writer;

pub use checkpoint::Checkpoint;
pub use entry::{
    Entry, EntryType, FLAG_HINT, HEADER_LENGTH, MAGIC, MAX_BODY_LENGTH, MAX_ENTRY_LENGTH, MAX_TIME, NewEntry,
    SIGNATURE_LENGTH, message_of, statement_id, statement_message,
};
pub use generate::{Synthetic, generate};
pub use genesis::{Genesis, MAX_ORIGIN_LENGTH};
pub use keys::{FOUNDER_KEY, KeyChange, KeyRow, KeyTable, LEDGER_KEY};
pub use note::{MAX_NOTE_LENGTH, MAX_SIGNATURES, Note, NoteKey, NoteSignature, NoteSigner, SM2_IDENTIFIER, sign_note};
pub use objects::{Location, ObjectError, Objects};
pub use policy::{MAX_POLICY_LENGTH, Policy, Witness, Witnessed};
pub use reader::{LedgerReader, StoredEntry};
pub use records::{Anchor, MAX_REDACTED, Redaction};
pub use recovery::Recovery;
pub use tiles::{MAX_TILE_LEVELS, tile_width};
pub use tlog_proof::{MAX_PROOF_LENGTH, TlogProof};
pub use verify::{
    Assurance, Finding, FindingKind, Level, Replay, Report, Summary, Take, VerifyOptions, Witnessing, sealed_segments,
    verify, verify_segment,
};
pub use writer::{Commit, Fence, Ledger, Receipt};
