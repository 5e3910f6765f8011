//! Statements: everything that changes what is allowed. Each is one map of deterministic CBOR, signed by the person
//! who makes it; unknown fields, other orders and other lengths are refused.

mod people;
mod seals;
mod uses;

pub use people::{Person, PersonKey, PersonLeft, Power, Role, Roles, Unit};
pub use seals::{Life, MAX_NAMED, Policy, Seal, SealForm, SealKind, SealState};
pub use uses::{
    Application, Approval, Grant, GrantRevoke, MAX_APPROVALS, MAX_DEPTH, MAX_DOCUMENTS, Refusal, SealUse, UseDelivered,
    UseFailed,
};

use super::fields::{Fields, ToValue, Writer, bytes32, name, number, text};
use super::name::Name;
use crate::ledger::cbor::{Map, Value};
use crate::{Error, Result};

/// The version of the statements' format.
pub const VERSION: u64 = 1;

/// A statement: who makes it, for which ledger, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The holder of the key that signs: a person's id, `founder` or `gate`.
    pub by: Name,
    /// The statement id of the ledger's genesis body, so that no statement can be played into another ledger.
    pub ledger: [u8; 32],
    /// The last checkpoint that the signer saw: each signer is then a witness of the ledger up to there.
    pub seen: Option<Seen>,
    /// What it says.
    pub content: Content,
}

/// A checkpoint of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The number of entries.
    pub size: u64,
    /// The Merkle root over them.
    pub root: [u8; 32],
}

macro_rules! contents {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $allowed:literal;)+) => {
        /// What a statement says.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Content { $($(#[$doc])* $name($name),)+ }

        impl Content {
            /// The words of every kind of statement.
            pub const KINDS: &'static [&'static str] = &[$($word,)+];

            /// The word of this kind.
            pub fn kind(&self) -> &'static str {
                match self { $(Content::$name(_) => $word,)+ }
            }

            fn read(kind: &str, fields: &mut Fields<'_>) -> Result<(Self, &'static str)> {
                match kind {
                    $($word => Ok(($name::read(fields)?, concat!("unknown field: this statement has v, kind, by, ledger, seen, ", $allowed))),)+
                    _ => Err(Error::InvalidArgument {
                        field: "statement.kind",
                        reason: concat!("one of these belongs here:" $(, " ", $word)+),
                    }),
                }
            }

            fn write(&self, out: &mut Writer) {
                match self { $(Content::$name(content) => content.write(out),)+ }
            }
        }

        $(impl From<$name> for Content {
            fn from(content: $name) -> Self {
                Content::$name(content)
            }
        })+
    };
}

contents! {
    /// A unit of the organisation.
    Unit = "unit", "id, parent, name, region";
    /// A person, the unit and the roles.
    Person = "person", "id, revision, unit, name, roles";
    /// A person has left.
    PersonLeft = "person-left", "person, reason, note";
    /// A key belongs to a person.
    PersonKey = "person-key", "person, key, valid_from, valid_to";
    /// The policy of a seal's use.
    Policy = "policy", "id, revision, quorum, approvers, approver_units, distinct_units, required_units, applicant_units, classes, max_amounts";
    /// A seal at one version.
    Seal = "seal", "id, version, unit, seal_kind, form, policy, width_um, height_um, certificate, imprint, filing_number";
    /// A step in a seal's life.
    SealState = "seal-state", "seal, version, step, state, reason, note";
    /// A person asks for the use of a seal.
    Application = "application", "seal, seal_version, purpose, documents, document_class, impressions, amount, counterparty, positions, on_behalf_of";
    /// A person approves an application.
    Approval = "approval", "application, expires";
    /// A person refuses an application.
    Refusal = "refusal", "application, reason, note";
    /// The counted permission to use a seal.
    Grant = "grant", "grantee, seal, seal_version, max_uses, valid_from, valid_to, depth_left, application, parent, documents, classes, max_amounts";
    /// A grant ends.
    GrantRevoke = "grant-revoke", "grant, reason, note";
    /// The gate takes a use.
    SealUse = "seal-use", "application, grant, approvals, user, seal, seal_version, document, number, of, position";
    /// A use has ended with a sealed document.
    UseDelivered = "use-delivered", "use, document, level";
    /// A use has ended without a sealed document.
    UseFailed = "use-failed", "use, reason, note";
}

impl Statement {
    /// The canonical encoding: the body of the ledger entry.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] and [`Error::InvalidLength`] for a value outside its domain: what does not decode
    /// is not encoded.
    ///
    /// # Source
    /// RFC 8949, 4.2.1.
    ///
    /// # Examples
    /// ```
    /// use sealcore::authority::{Approval, Name, Statement, StatementId};
    /// let content = Approval { application: StatementId([1; 32]), expires: 1_893_456_000_000_000 };
    /// let statement =
    ///     Statement { by: Name::new("by", "ann")?, ledger: [2; 32], seen: None, content: content.into() };
    /// assert_eq!(Statement::decode(&statement.encode()?)?, statement);
    /// # Ok::<(), sealcore::Error>(())
    /// ```
    pub fn encode(&self) -> Result<Vec<u8>> {
        let value = self.to_value();
        Statement::from_value(&value)?;
        value.encode()
    }

    /// Reads the body of a ledger entry.
    ///
    /// # Errors
    /// [`Error::InvalidEncoding`] for bytes that are not canonical, a field that is missing, of another type or
    /// unknown; [`Error::InvalidArgument`] and [`Error::InvalidLength`] for a value outside its domain.
    pub fn decode(body: &[u8]) -> Result<Self> {
        Statement::from_value(&Value::decode(body)?)
    }

    /// Reads a statement from a map of its fields: the one place where statements are judged by themselves.
    ///
    /// # Errors
    /// As [`Statement::decode`].
    pub fn from_value(value: &Value) -> Result<Self> {
        let mut fields = Fields::new("statement", value)?;
        fields.required("statement.v", |field, value| {
            number(field, value, VERSION, VERSION, "only version 1 is known: a newer sealcore may read it")
        })?;
        let kind = fields.required("statement.kind", text)?;
        let by = fields.required("statement.by", name)?;
        let ledger = fields.required("statement.ledger", bytes32)?;
        let seen = fields.optional("statement.seen", seen)?;
        let (content, allowed) = Content::read(kind, &mut fields)?;
        fields.finish(allowed)?;
        Ok(Statement { by, ledger, seen, content })
    }

    /// The map of its fields.
    pub fn to_value(&self) -> Value {
        let mut out = Writer::default();
        out.put("v", &VERSION).put("kind", self.content.kind()).put("by", &self.by).put("ledger", &self.ledger);
        out.put_some("seen", &self.seen);
        self.content.write(&mut out);
        out.finish()
    }
}

impl Content {
    /// Reads what [`Content::to_map`] made of a content of this kind.
    pub(super) fn from_map(kind: &str, map: &Value) -> Result<Self> {
        let mut fields = Fields::new("statement", map)?;
        let (content, allowed) = Content::read(kind, &mut fields)?;
        fields.finish(allowed)?;
        Ok(content)
    }

    /// The map of the fields of this kind, without those that every statement has.
    pub fn to_map(&self) -> Map {
        let mut out = Writer::default();
        self.write(&mut out);
        out.finish_map()
    }
}

fn seen(field: &'static str, value: &Value) -> Result<Seen> {
    let mut fields = Fields::new(field, value)?;
    let size = fields.required("seen.size", |field, value| {
        number(field, value, 1, i64::MAX as u64, "the number of entries, at least 1, belongs here")
    })?;
    let root = fields.required("seen.root", bytes32)?;
    fields.finish("unknown field: a checkpoint has `size` and `root`")?;
    Ok(Seen { size, root })
}

impl ToValue for Seen {
    fn to_value(&self) -> Value {
        Writer::default().put("size", &self.size).put("root", &self.root).finish()
    }
}
