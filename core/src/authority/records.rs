//! What the state remembers of each statement. Records name one another by their place in the state's tables; places
//! are never reused.

use super::name::{Name, StatementId};
use super::statement::{
    Application, Grant, Life, Policy, Refusal, Role, Roles, Seal, SealUse, Unit, UseDelivered, UseFailed,
};
use crate::sign::VerifyingKey;

/// Where a statement stands in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// The index of the entry.
    pub index: u64,
    /// The time of the entry, µs since 1970 UTC.
    pub time: u64,
}

/// Who signs with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Nobody yet: the key can do nothing.
    Nobody,
    /// The gate: row 0.
    Gate,
    /// The founder: row 1.
    Founder,
    /// The person at this place.
    Person(usize),
}

/// A row of the key table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key.
    pub key: VerifyingKey,
    /// Who added the row.
    pub added_by: Holder,
    /// Who signs with it.
    pub holder: Holder,
    /// From this time on.
    pub valid_from: u64,
    /// Up to, not including, this time; `u64::MAX`: no end.
    pub valid_to: u64,
    /// The entry that added the row.
    pub added: At,
    /// The statement that gave it to its holder.
    pub given: Option<At>,
    /// The entry that ended it.
    pub revoked: Option<At>,
}

impl KeyRecord {
    /// Whether it may still sign at this time or later.
    pub fn is_usable(&self, time: u64) -> bool {
        self.revoked.is_none() && time < self.valid_to
    }
}

/// A unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitRecord {
    /// The statement.
    pub unit: Unit,
    /// The place of the unit above.
    pub parent: Option<usize>,
    /// 0 for the headquarters.
    pub depth: u32,
    /// Where it stands.
    pub at: At,
}

/// One revision of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Where it stands.
    pub at: At,
    /// The place of the unit.
    pub unit: usize,
    /// The roles.
    pub roles: Roles,
    /// Commitment to the person's name.
    pub name: [u8; 32],
}

/// A person, with the whole history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRecord {
    /// The id.
    pub id: Name,
    /// Every revision, oldest first; at least one.
    pub revisions: Vec<Membership>,
    /// The rows of the key table that the person holds or held.
    pub keys: Vec<u32>,
    /// When the person left.
    pub left: Option<At>,
}

impl PersonRecord {
    /// The revision in force.
    pub fn current(&self) -> &Membership {
        self.revisions.last().expect("a person has a first revision")
    }

    /// Whether the person is here and holds the role.
    pub fn holds(&self, role: Role) -> bool {
        self.left.is_none() && self.current().roles.contains(role)
    }
}

/// A policy, with every revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRecord {
    /// Every revision, oldest first; at least one.
    pub revisions: Vec<(At, Policy)>,
}

impl PolicyRecord {
    /// The revision in force and where it stands.
    pub fn current(&self) -> &(At, Policy) {
        self.revisions.last().expect("a policy has a first revision")
    }
}

/// One version of a seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealVersion {
    /// Where it stands.
    pub at: At,
    /// The statement.
    pub seal: Seal,
    /// The place of the unit whose seal it is.
    pub unit: usize,
    /// The place of the policy.
    pub policy: usize,
    /// Every step after the draft, oldest first.
    pub steps: Vec<(At, Life)>,
}

impl SealVersion {
    /// The state now.
    pub fn state(&self) -> Life {
        self.steps.last().map_or(Life::Draft, |(_, state)| *state)
    }

    /// The statement that made the state what it is.
    pub fn state_at(&self) -> At {
        self.steps.last().map_or(self.at, |(at, _)| *at)
    }
}

/// A seal, with every version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealRecord {
    /// Every version, oldest first; at least one.
    pub versions: Vec<SealVersion>,
}

impl SealRecord {
    /// The version in force.
    pub fn current(&self) -> &SealVersion {
        self.versions.last().expect("a seal has a first version")
    }
}

/// An approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRecord {
    /// Its id.
    pub id: StatementId,
    /// The place of the approver.
    pub approver: usize,
    /// The row of the key that signed.
    pub key: u32,
    /// From this time on it no longer counts.
    pub expires: u64,
    /// Where it stands.
    pub at: At,
}

/// An application with what was said to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationRecord {
    /// Its id.
    pub id: StatementId,
    /// The place of the applicant.
    pub applicant: usize,
    /// The place of the seal.
    pub seal: usize,
    /// The statement.
    pub application: Application,
    /// The approvals in ledger order, at most one a person.
    pub approvals: Vec<ApprovalRecord>,
    /// The refusal and the place of who refused.
    pub refused: Option<(At, usize, Refusal)>,
    /// How many uses are taken.
    pub used: u32,
    /// Where it stands.
    pub at: At,
}

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRecord {
    /// Its id.
    pub id: StatementId,
    /// The place of who granted.
    pub grantor: usize,
    /// The row of the key that signed.
    pub key: u32,
    /// The place of the grantee.
    pub grantee: usize,
    /// The place of the seal.
    pub seal: usize,
    /// The place of the application on which it rests.
    pub application: Option<usize>,
    /// The place of the grant above.
    pub parent: Option<usize>,
    /// The statement.
    pub grant: Grant,
    /// How many uses are taken, those of the grants below included.
    pub used: u32,
    /// When it was revoked itself (one above may be revoked too).
    pub revoked: Option<At>,
    /// Where it stands.
    pub at: At,
}

/// How a use ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UseEnd {
    /// With a sealed document.
    Delivered(UseDelivered),
    /// Without.
    Failed(UseFailed),
}

/// A use of a seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseRecord {
    /// Its id.
    pub id: StatementId,
    /// The place of the application.
    pub application: usize,
    /// The place of the grant.
    pub grant: usize,
    /// The places of the approvers, in the order of the approvals.
    pub approvers: Vec<usize>,
    /// The statement.
    pub usage: SealUse,
    /// How it ended.
    pub end: Option<(At, UseEnd)>,
    /// Where it stands.
    pub at: At,
}
