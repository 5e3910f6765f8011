//! Statements about seals: what they are, in which state, and the policy of their use.

use super::Content;
use crate::authority::fields::{Fields, ToValue, Writer, bytes32, ceilings, count, name, number, text};
use crate::authority::name::{Amount, Name};
use crate::ledger::cbor::Value;
use crate::{Error, Result};

/// The most persons, units or classes that one policy names.
pub const MAX_NAMED: usize = 64;

/// Who must approve, who may apply, and within which limits. A further revision replaces it at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name in seals.
    pub id: Name,
    /// 1 at first, then counted up without gaps.
    pub revision: u32,
    /// k: so many different approvers.
    pub quorum: u32,
    /// n by name: these persons may approve, as long as they hold the role.
    pub approvers: Vec<Name>,
    /// n by role: every approver of these units may.
    pub approver_units: Vec<Name>,
    /// The approvers come from at least so many units.
    pub distinct_units: u32,
    /// Each of these units gives at least one approver.
    pub required_units: Vec<Name>,
    /// Applicants of these units and of the units below may apply.
    pub applicant_units: Vec<Name>,
    /// The document classes it is for; empty: every class.
    pub classes: Vec<Name>,
    /// The highest amount for each currency; empty: no limit and no amount needed.
    pub max_amounts: Vec<Amount>,
}

/// A seal, at one version. A further version has another certificate or engraving and begins as a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Its name.
    pub id: Name,
    /// 1 at first, then counted up without gaps.
    pub version: u32,
    /// Whose seal it is.
    pub unit: Name,
    /// The trade's kind.
    pub kind: SealKind,
    /// Electronic or physical.
    pub form: SealForm,
    /// The policy of its use.
    pub policy: Name,
    /// Width of the imprint, µm.
    pub width_um: u32,
    /// Height of the imprint, µm.
    pub height_um: u32,
    /// SHA-256 of the end-entity certificate (DER); an electronic seal has one.
    pub certificate: Option<[u8; 32]>,
    /// SHA-256 of the imprint's picture.
    pub imprint: Option<[u8; 32]>,
    /// The number under which the seal is filed with the authorities.
    pub filing_number: Option<Name>,
}

/// A step in a seal's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealState {
    /// The seal.
    pub seal: Name,
    /// Its version.
    pub version: u32,
    /// Counts the steps of this version from 1, so that an old step cannot be played again.
    pub step: u32,
    /// The state from now on.
    pub state: Life,
    /// Why, as a short word.
    pub reason: Name,
    /// Commitment to an explanation.
    pub note: Option<[u8; 32]>,
}

/// Gives an enum its words: `name`, `ALL`, reading and writing.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$item_doc:meta])* $item:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$item_doc])* $item,)+ }

        impl $name {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$item,)+];

            /// The word in statements.
            pub fn name(self) -> &'static str {
                match self { $(Self::$item => $word,)+ }
            }

            fn read(field: &'static str, value: &Value) -> Result<Self> {
                match text(field, value)? {
                    $($word => Ok(Self::$item),)+
                    _ => Err(Error::InvalidArgument { field, reason: concat!($what $(, " ", $word)+) }),
                }
            }
        }

        impl ToValue for $name {
            fn to_value(&self) -> Value {
                self.name().to_value()
            }
        }
    };
}

words! {
    /// The kinds of seals that Chinese companies file.
    SealKind, "one of these belongs here:" {
        /// 公章, the company's own.
        Company = "company",
        /// 合同章.
        Contract = "contract",
        /// 财务章.
        Finance = "finance",
        /// 人事章.
        Personnel = "personnel",
        /// 发票章.
        Invoice = "invoice",
        /// 法定代表人章.
        LegalPerson = "legal-person",
    }
}

words! {
    /// What the seal is made of.
    SealForm, "one of these belongs here:" {
        /// A key and a certificate.
        Electronic = "electronic",
        /// An engraved stamp.
        Physical = "physical",
    }
}

words! {
    /// The life of a seal at one version: draft -> active <-> suspended -> revoked or lost -> destroyed.
    Life, "one of these belongs here:" {
        /// Registered, not yet in use.
        Draft = "draft",
        /// In use.
        Active = "active",
        /// Out of use for a time.
        Suspended = "suspended",
        /// Out of use for good.
        Revoked = "revoked",
        /// Nobody knows where it is.
        Lost = "lost",
        /// No longer exists.
        Destroyed = "destroyed",
    }
}

impl Life {
    /// Whether the table allows the step.
    pub fn may_become(self, next: Life) -> bool {
        matches!(
            (self, next),
            (Life::Draft | Life::Suspended, Life::Active)
                | (Life::Active, Life::Suspended)
                | (Life::Draft | Life::Active | Life::Suspended | Life::Lost, Life::Revoked)
                | (Life::Draft | Life::Active | Life::Suspended, Life::Lost)
                | (Life::Revoked | Life::Lost, Life::Destroyed)
        )
    }
}

impl Policy {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Content> {
        let policy = Policy {
            id: fields.required("policy.id", name)?,
            revision: fields.required("policy.revision", count)?,
            quorum: fields.required("policy.quorum", quorum)?,
            approvers: fields.set("policy.approvers", MAX_NAMED, name)?,
            approver_units: fields.set("policy.approver_units", MAX_NAMED, name)?,
            distinct_units: fields.required("policy.distinct_units", quorum)?,
            required_units: fields.set("policy.required_units", MAX_NAMED, name)?,
            applicant_units: fields.set("policy.applicant_units", MAX_NAMED, name)?,
            classes: fields.set("policy.classes", MAX_NAMED, name)?,
            max_amounts: ceilings(fields, "policy.max_amounts")?,
        };
        let wrong = |field, reason| Err(Error::InvalidArgument { field, reason });
        if policy.applicant_units.is_empty() {
            return wrong("policy.applicant_units", "at least one unit belongs here, or nobody could apply");
        }
        if policy.approver_units.is_empty() && policy.approvers.len() < policy.quorum as usize {
            return wrong(
                "policy.quorum",
                "more approvals than approvers: name more approvers or ask for fewer approvals",
            );
        }
        if policy.distinct_units.max(policy.required_units.len() as u32) > policy.quorum {
            return wrong(
                "policy.distinct_units",
                "more units than approvals: raise the quorum or ask for fewer units",
            );
        }
        Ok(Content::Policy(policy))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.put("id", &self.id).put("revision", &self.revision).put("quorum", &self.quorum);
        out.put_list("approvers", &self.approvers).put_list("approver_units", &self.approver_units);
        out.put("distinct_units", &self.distinct_units).put_list("required_units", &self.required_units);
        out.put_list("applicant_units", &self.applicant_units).put_list("classes", &self.classes);
        out.put_list("max_amounts", &self.max_amounts);
    }
}

fn quorum(field: &'static str, value: &Value) -> Result<u32> {
    number(field, value, 1, MAX_NAMED as u64, "a number from 1 to 64 belongs here").map(|n| n as u32)
}

fn size(field: &'static str, value: &Value) -> Result<u32> {
    number(field, value, 1_000, 500_000, "a size from 1,000 to 500,000 µm belongs here").map(|n| n as u32)
}

impl Seal {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Content> {
        let seal = Seal {
            id: fields.required("seal.id", name)?,
            version: fields.required("seal.version", count)?,
            unit: fields.required("seal.unit", name)?,
            kind: fields.required("seal.seal_kind", SealKind::read)?,
            form: fields.required("seal.form", SealForm::read)?,
            policy: fields.required("seal.policy", name)?,
            width_um: fields.required("seal.width_um", size)?,
            height_um: fields.required("seal.height_um", size)?,
            certificate: fields.optional("seal.certificate", bytes32)?,
            imprint: fields.optional("seal.imprint", bytes32)?,
            filing_number: fields.optional("seal.filing_number", name)?,
        };
        if seal.form == SealForm::Electronic && seal.certificate.is_none() {
            let reason = "an electronic seal has a certificate: give the SHA-256 of its DER";
            return Err(Error::InvalidArgument { field: "seal.certificate", reason });
        }
        Ok(Content::Seal(seal))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.put("id", &self.id).put("version", &self.version).put("unit", &self.unit).put("seal_kind", &self.kind);
        out.put("form", &self.form).put("policy", &self.policy).put("width_um", &self.width_um);
        out.put("height_um", &self.height_um).put_some("certificate", &self.certificate);
        out.put_some("imprint", &self.imprint).put_some("filing_number", &self.filing_number);
    }
}

impl SealState {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Content> {
        Ok(Content::SealState(SealState {
            seal: fields.required("seal-state.seal", name)?,
            version: fields.required("seal-state.version", count)?,
            step: fields.required("seal-state.step", count)?,
            state: fields.required("seal-state.state", Life::read)?,
            reason: fields.required("seal-state.reason", name)?,
            note: fields.optional("seal-state.note", bytes32)?,
        }))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.put("seal", &self.seal).put("version", &self.version).put("step", &self.step);
        out.put("state", &self.state).put("reason", &self.reason).put_some("note", &self.note);
    }
}
