//! Who may put which seal on what: one state machine, used as the gate before a seal's key signs and as the audit that
//! replays a ledger of any size.
#![doc = include_str!("../docs/authority.md")]

mod archive;
mod audit;
mod digest;
mod fields;
mod gate;
mod generate;
mod history;
mod name;
mod queries;
mod records;
mod row;
mod rules;
mod state;
mod statement;
mod table;
mod verify;

pub use audit::{Audit, AuditReport, Finding, MAX_FINDINGS, Violation};
pub use gate::{Request, UseToken};
pub use generate::generate;
pub use history::Holdings;
pub use name::{Amount, Digests, MAX_NAME, MAX_TIME, Name, Position, StatementId, commitment};
pub use queries::GrantStatus;
pub use records::{
    ApplicationRecord, ApprovalRecord, At, GrantRecord, Holder, KeyRecord, Membership, PersonRecord, PolicyRecord,
    SealRecord, SealVersion, UnitRecord, UseEnd, UseRecord,
};
pub use rules::{MAX_KEYS, MAX_UNIT_DEPTH};
pub use state::{Event, State};
pub use statement::{
    Application, Approval, Content, Grant, GrantRevoke, Life, MAX_APPROVALS, MAX_DEPTH, MAX_DOCUMENTS, MAX_NAMED,
    Person, PersonKey, PersonLeft, Policy, Power, Refusal, Role, Roles, Seal, SealForm, SealKind, SealState, SealUse,
    Seen, Statement, Unit, UseDelivered, UseFailed, VERSION,
};
pub use verify::verify;
