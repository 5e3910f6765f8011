//! Statements about the organisation: units, persons and their roles.

use super::Content;
use crate::authority::fields::{Fields, ToValue, Writer, bytes32, count, name, point, text, time};
use crate::authority::name::Name;
use crate::ledger::cbor::Value;
use crate::{Error, Result};

/// A unit of the organisation. The one without a parent is the headquarters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its name in every other statement.
    pub id: Name,
    /// The unit above; none for the headquarters.
    pub parent: Option<Name>,
    /// Commitment to the unit's name.
    pub name: [u8; 32],
    /// Where it is, as a short word.
    pub region: Option<Name>,
}

/// A person, the unit and the roles. A further revision replaces unit and roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Name in every other statement.
    pub id: Name,
    /// 1 for the first statement about this person, then counted up without gaps.
    pub revision: u32,
    /// The unit.
    pub unit: Name,
    /// Commitment to the person's name.
    pub name: [u8; 32],
    /// The roles, all of one power.
    pub roles: Roles,
}

/// A person has left: final, with every role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonLeft {
    /// Who left.
    pub person: Name,
    /// Why, as a short word.
    pub reason: Name,
    /// Commitment to an explanation.
    pub note: Option<[u8; 32]>,
}

/// A row of the key table belongs to a person from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonKey {
    /// Whose key it is.
    pub person: Name,
    /// The key, as it stands in the key table: the point 04 ‖ x ‖ y.
    pub key: [u8; 65],
    /// The person may sign with it from this time on; none: from now on.
    pub valid_from: Option<u64>,
    /// Up to, not including, this time; none: until it is revoked.
    pub valid_to: Option<u64>,
}

/// What a person may do. The roles belong to three powers, and nobody holds roles of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Keeps units, persons, policies and seals; uses no seal.
    Manager,
    /// Applies for the use of a seal and is granted it.
    Applicant,
    /// Approves or refuses applications.
    Approver,
    /// Grants the use of a seal.
    Authoriser,
    /// Sees everything in the unit and below; changes nothing.
    Auditor,
}

/// The three separated powers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Manager.
    Management,
    /// Applicant, approver, authoriser.
    Use,
    /// Auditor.
    Oversight,
}

impl Role {
    /// Every role, in the order of their names' first appearance in the documentation.
    pub const ALL: [Role; 5] = [Role::Manager, Role::Applicant, Role::Approver, Role::Authoriser, Role::Auditor];

    /// The word in statements.
    pub fn name(self) -> &'static str {
        match self {
            Role::Manager => "manager",
            Role::Applicant => "applicant",
            Role::Approver => "approver",
            Role::Authoriser => "authoriser",
            Role::Auditor => "auditor",
        }
    }

    /// The power that the role belongs to.
    pub fn power(self) -> Power {
        match self {
            Role::Manager => Power::Management,
            Role::Applicant | Role::Approver | Role::Authoriser => Power::Use,
            Role::Auditor => Power::Oversight,
        }
    }

    fn read(field: &'static str, value: &Value) -> Result<Self> {
        let word = text(field, value)?;
        Role::ALL.into_iter().find(|role| role.name() == word).ok_or(Error::InvalidArgument {
            field,
            reason: "a role is one of manager, applicant, approver, authoriser, auditor",
        })
    }
}

/// A set of roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles(u8);

impl Roles {
    /// The set of these roles.
    pub fn of(roles: &[Role]) -> Self {
        Roles(roles.iter().fold(0, |bits, &role| bits | 1 << role as u8))
    }

    /// Whether the role is in the set.
    pub fn contains(self, role: Role) -> bool {
        self.0 & (1 << role as u8) != 0
    }

    /// The roles, in the order of their words.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        let mut roles: Vec<Role> = Role::ALL.into_iter().filter(|&role| self.contains(role)).collect();
        roles.sort_by_key(|role| role.name());
        roles.into_iter()
    }

    fn of_one_power(self) -> bool {
        let mut powers = self.iter().map(Role::power);
        powers.next().is_none_or(|first| powers.all(|power| power == first))
    }
}

impl ToValue for Role {
    fn to_value(&self) -> Value {
        self.name().to_value()
    }
}

impl Unit {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Content> {
        let id = fields.required("unit.id", name)?;
        let parent = fields.optional("unit.parent", name)?;
        let unit_name = fields.required("unit.name", bytes32)?;
        let region = fields.optional("unit.region", name)?;
        Ok(Content::Unit(Unit { id, parent, name: unit_name, region }))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.put("id", &self.id)
            .put("name", &self.name)
            .put_some("parent", &self.parent)
            .put_some("region", &self.region);
    }
}

impl Person {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Content> {
        let id = fields.required("person.id", name)?;
        if id.is_reserved() {
            let reason = "gate and founder are the holders of key rows 0 and 1: give the person another id";
            return Err(Error::InvalidArgument { field: "person.id", reason });
        }
        let revision = fields.required("person.revision", count)?;
        let unit = fields.required("person.unit", name)?;
        let person_name = fields.required("person.name", bytes32)?;
        // A set of words: sorted as words, so that one set has one encoding.
        let words = fields.set("person.roles", Role::ALL.len(), name)?;
        let mut roles = Vec::with_capacity(words.len());
        for word in &words {
            roles.push(Role::read("person.roles", &word.to_value())?);
        }
        let roles = Roles::of(&roles);
        if !roles.of_one_power() {
            let reason =
                "manager | applicant, approver, authoriser | auditor are three powers: one person holds roles of one";
            return Err(Error::InvalidArgument { field: "person.roles", reason });
        }
        Ok(Content::Person(Person { id, revision, unit, name: person_name, roles }))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        let roles: Vec<Role> = self.roles.iter().collect();
        out.put("id", &self.id).put("revision", &self.revision).put("unit", &self.unit);
        out.put("name", &self.name).put_list("roles", &roles);
    }
}

impl PersonKey {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Content> {
        let person = fields.required("person-key.person", name)?;
        let key = fields.required("person-key.key", point)?;
        let valid_from = fields.optional("person-key.valid_from", time)?;
        let valid_to = fields.optional("person-key.valid_to", time)?;
        if valid_from.zip(valid_to).is_some_and(|(from, to)| from >= to) {
            let reason = "the window is empty: valid_to must be later than valid_from";
            return Err(Error::InvalidArgument { field: "person-key.valid_to", reason });
        }
        Ok(Content::PersonKey(PersonKey { person, key, valid_from, valid_to }))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.put("person", &self.person).put("key", &self.key);
        out.put_some("valid_from", &self.valid_from).put_some("valid_to", &self.valid_to);
    }
}

impl PersonLeft {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Content> {
        let person = fields.required("person-left.person", name)?;
        let reason = fields.required("person-left.reason", name)?;
        let note = fields.optional("person-left.note", bytes32)?;
        Ok(Content::PersonLeft(PersonLeft { person, reason, note }))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.put("person", &self.person).put("reason", &self.reason).put_some("note", &self.note);
    }
}
