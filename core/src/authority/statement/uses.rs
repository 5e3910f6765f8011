//! Statements about the use of seals: applications, approvals, grants and the uses themselves.

use super::Content;
use crate::authority::fields::{
    Fields, Writer, bytes32, ceilings, count, digests, name, number, position, statement_id, time,
};
use crate::authority::name::{Amount, Digests, Name, Position, StatementId};
use crate::{Error, Result};

/// The most documents of one application or grant.
pub const MAX_DOCUMENTS: usize = 64;
/// The most links below a grant.
pub const MAX_DEPTH: u8 = 8;
/// The most approvals that one application takes.
pub const MAX_APPROVALS: usize = 64;

/// A person asks for the use of a seal on these documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The seal.
    pub seal: Name,
    /// Its version.
    pub seal_version: u32,
    /// Commitment to the purpose.
    pub purpose: [u8; 32],
    /// The documents, sorted.
    pub documents: Vec<Digests>,
    /// What kind of document, as a short word.
    pub document_class: Name,
    /// How many uses in all.
    pub impressions: u32,
    /// What the document is worth.
    pub amount: Option<Amount>,
    /// Commitment to the other party.
    pub counterparty: Option<[u8; 32]>,
    /// Where the imprints go, sorted; empty: anywhere.
    pub positions: Vec<Position>,
    /// For which unit the applicant asks, when not for his own.
    pub on_behalf_of: Option<Name>,
}

/// A person approves an application, until it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The exact application.
    pub application: StatementId,
    /// From this time on the approval no longer counts.
    pub expires: u64,
}

/// A person refuses an application: final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The exact application.
    pub application: StatementId,
    /// Why, as a short word.
    pub reason: Name,
    /// Commitment to an explanation.
    pub note: Option<[u8; 32]>,
}

/// The counted permission to use a seal, on these documents or for these classes, within a time window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who may use the seal.
    pub grantee: Name,
    /// The seal.
    pub seal: Name,
    /// Its version.
    pub seal_version: u32,
    /// How many uses, counted together with those of every grant below.
    pub max_uses: u32,
    /// From this time on.
    pub valid_from: u64,
    /// Up to, not including, this time.
    pub valid_to: u64,
    /// How many links may follow below.
    pub depth_left: u8,
    /// The approved application on which it rests; none: for every approved application within its limits.
    pub application: Option<StatementId>,
    /// The grant that this one narrows.
    pub parent: Option<StatementId>,
    /// Only these documents, sorted; empty: every document of the classes.
    pub documents: Vec<Digests>,
    /// Only these classes, sorted; empty: every class.
    pub classes: Vec<Name>,
    /// The highest amount for each currency; empty: no limit.
    pub max_amounts: Vec<Amount>,
}

/// A grant ends, and every grant below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRevoke {
    /// The grant.
    pub grant: StatementId,
    /// Why, as a short word.
    pub reason: Name,
    /// Commitment to an explanation.
    pub note: Option<[u8; 32]>,
}

/// The gate takes a use, before the seal's key signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealUse {
    /// The application.
    pub application: StatementId,
    /// The grant, the last of its chain.
    pub grant: StatementId,
    /// The approvals that make the quorum, in ledger order.
    pub approvals: Vec<StatementId>,
    /// Who uses the seal: the grantee.
    pub user: Name,
    /// The seal.
    pub seal: Name,
    /// Its version.
    pub seal_version: u32,
    /// The document before sealing.
    pub document: Digests,
    /// Use k ...
    pub number: u32,
    /// ... of n of this grant.
    pub of: u32,
    /// Where the imprint goes.
    pub position: Option<Position>,
}

/// A use has ended with a sealed document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseDelivered {
    /// The use.
    pub usage: StatementId,
    /// The document after sealing.
    pub document: Digests,
    /// The signature level reached, as a short word.
    pub level: Name,
}

/// A use has ended without a sealed document: counted, and explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseFailed {
    /// The use.
    pub usage: StatementId,
    /// Why, as a short word.
    pub reason: Name,
    /// Commitment to an explanation.
    pub note: Option<[u8; 32]>,
}

impl Application {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Content> {
        let application = Application {
            seal: fields.required("application.seal", name)?,
            seal_version: fields.required("application.seal_version", count)?,
            purpose: fields.required("application.purpose", bytes32)?,
            documents: fields.set("application.documents", MAX_DOCUMENTS, digests)?,
            document_class: fields.required("application.document_class", name)?,
            impressions: fields.required("application.impressions", count)?,
            amount: fields.optional("application.amount", crate::authority::fields::amount)?,
            counterparty: fields.optional("application.counterparty", bytes32)?,
            positions: fields.set("application.positions", MAX_DOCUMENTS, position)?,
            on_behalf_of: fields.optional("application.on_behalf_of", name)?,
        };
        if application.documents.is_empty() {
            let reason = "an application is for exact documents: give the digests of at least one";
            return Err(Error::InvalidArgument { field: "application.documents", reason });
        }
        Ok(Content::Application(application))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.put("seal", &self.seal).put("seal_version", &self.seal_version).put("purpose", &self.purpose);
        out.put_list("documents", &self.documents).put("document_class", &self.document_class);
        out.put("impressions", &self.impressions).put_some("amount", &self.amount);
        out.put_some("counterparty", &self.counterparty).put_list("positions", &self.positions);
        out.put_some("on_behalf_of", &self.on_behalf_of);
    }
}

impl Approval {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Content> {
        let application = fields.required("approval.application", statement_id)?;
        let expires = fields.required("approval.expires", time)?;
        Ok(Content::Approval(Approval { application, expires }))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.put("application", &self.application).put("expires", &self.expires);
    }
}

impl Refusal {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Content> {
        let application = fields.required("refusal.application", statement_id)?;
        let reason = fields.required("refusal.reason", name)?;
        let note = fields.optional("refusal.note", bytes32)?;
        Ok(Content::Refusal(Refusal { application, reason, note }))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.put("application", &self.application).put("reason", &self.reason).put_some("note", &self.note);
    }
}

impl Grant {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Content> {
        let grant = Grant {
            grantee: fields.required("grant.grantee", name)?,
            seal: fields.required("grant.seal", name)?,
            seal_version: fields.required("grant.seal_version", count)?,
            max_uses: fields.required("grant.max_uses", count)?,
            valid_from: fields.required("grant.valid_from", time)?,
            valid_to: fields.required("grant.valid_to", time)?,
            depth_left: fields.required("grant.depth_left", |field, value| {
                let reason = "a number of links from 0 to 8 belongs here";
                number(field, value, 0, u64::from(MAX_DEPTH), reason).map(|n| n as u8)
            })?,
            application: fields.optional("grant.application", statement_id)?,
            parent: fields.optional("grant.parent", statement_id)?,
            documents: fields.set("grant.documents", MAX_DOCUMENTS, digests)?,
            classes: fields.set("grant.classes", MAX_DOCUMENTS, name)?,
            max_amounts: ceilings(fields, "grant.max_amounts")?,
        };
        if grant.valid_from >= grant.valid_to {
            let reason = "the window is empty: valid_to must be later than valid_from";
            return Err(Error::InvalidArgument { field: "grant.valid_to", reason });
        }
        if grant.documents.is_empty() && (grant.classes.is_empty() || grant.application.is_some()) {
            let reason = "a grant without documents needs classes, and one on an application needs documents";
            return Err(Error::InvalidArgument { field: "grant.documents", reason });
        }
        Ok(Content::Grant(grant))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.put("grantee", &self.grantee).put("seal", &self.seal).put("seal_version", &self.seal_version);
        out.put("max_uses", &self.max_uses).put("valid_from", &self.valid_from).put("valid_to", &self.valid_to);
        out.put("depth_left", &self.depth_left).put_some("application", &self.application);
        out.put_some("parent", &self.parent).put_list("documents", &self.documents);
        out.put_list("classes", &self.classes).put_list("max_amounts", &self.max_amounts);
    }
}

impl GrantRevoke {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Content> {
        let grant = fields.required("grant-revoke.grant", statement_id)?;
        let reason = fields.required("grant-revoke.reason", name)?;
        let note = fields.optional("grant-revoke.note", bytes32)?;
        Ok(Content::GrantRevoke(GrantRevoke { grant, reason, note }))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.put("grant", &self.grant).put("reason", &self.reason).put_some("note", &self.note);
    }
}

impl SealUse {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Content> {
        let usage = SealUse {
            application: fields.required("seal-use.application", statement_id)?,
            grant: fields.required("seal-use.grant", statement_id)?,
            approvals: fields.list("seal-use.approvals", MAX_APPROVALS, statement_id)?,
            user: fields.required("seal-use.user", name)?,
            seal: fields.required("seal-use.seal", name)?,
            seal_version: fields.required("seal-use.seal_version", count)?,
            document: fields.required("seal-use.document", digests)?,
            number: fields.required("seal-use.number", count)?,
            of: fields.required("seal-use.of", count)?,
            position: fields.optional("seal-use.position", position)?,
        };
        if usage.approvals.is_empty() {
            let reason = "a use names the approvals on which it rests";
            return Err(Error::InvalidArgument { field: "seal-use.approvals", reason });
        }
        Ok(Content::SealUse(usage))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.put("application", &self.application).put("grant", &self.grant).put_list("approvals", &self.approvals);
        out.put("user", &self.user).put("seal", &self.seal).put("seal_version", &self.seal_version);
        out.put("document", &self.document).put("number", &self.number).put("of", &self.of);
        out.put_some("position", &self.position);
    }
}

impl UseDelivered {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Content> {
        let usage = fields.required("use-delivered.use", statement_id)?;
        let document = fields.required("use-delivered.document", digests)?;
        let level = fields.required("use-delivered.level", name)?;
        Ok(Content::UseDelivered(UseDelivered { usage, document, level }))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.put("use", &self.usage).put("document", &self.document).put("level", &self.level);
    }
}

impl UseFailed {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Content> {
        let usage = fields.required("use-failed.use", statement_id)?;
        let reason = fields.required("use-failed.reason", name)?;
        let note = fields.optional("use-failed.note", bytes32)?;
        Ok(Content::UseFailed(UseFailed { usage, reason, note }))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.put("use", &self.usage).put("reason", &self.reason).put_some("note", &self.note);
    }
}
