//! What the state knows, for showing and storing: records in the order of the ledger, and one by its name.

use super::name::{Name, StatementId};
use super::records::{
    ApplicationRecord, GrantRecord, KeyRecord, PersonRecord, PolicyRecord, SealRecord, UnitRecord, UseRecord,
};
use super::state::State;
use crate::{Result, Rule};

/// How a grant stands at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GrantStatus {
    /// It can be used, as far as the grant itself goes.
    Active,
    /// Its window has not begun.
    NotYet,
    /// Its window, or that of one above, is over.
    Expired,
    /// It, or one above, is revoked.
    Revoked,
    /// Every use of it, or of one above, is taken.
    Exhausted,
    /// The grantor of a link no longer may grant, or the key that signed it is revoked.
    Void,
}

impl GrantStatus {
    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            GrantStatus::Active => "active",
            GrantStatus::NotYet => "not-yet",
            GrantStatus::Expired => "expired",
            GrantStatus::Revoked => "revoked",
            GrantStatus::Exhausted => "exhausted",
            GrantStatus::Void => "void",
        }
    }
}

/// The audit that keeps a part of its state gives nobody that state.
const WHOLE: &str = "a state that can be asked holds every record";

impl State {
    /// Every unit.
    pub fn units(&self) -> &[UnitRecord] {
        self.units.rows()
    }

    /// Every person.
    pub fn persons(&self) -> &[PersonRecord] {
        self.persons.rows()
    }

    /// Every row of the key table, the ledger's own and the founder's first.
    pub fn keys(&self) -> &[KeyRecord] {
        self.keys.rows()
    }

    /// Every policy.
    pub fn policies(&self) -> &[PolicyRecord] {
        self.policies.rows()
    }

    /// Every seal.
    pub fn seals(&self) -> &[SealRecord] {
        self.seals.rows()
    }

    /// Every application.
    pub fn applications(&self) -> &[ApplicationRecord] {
        self.applications.all().expect(WHOLE)
    }

    /// Every grant.
    pub fn grants(&self) -> &[GrantRecord] {
        self.grants.all().expect(WHOLE)
    }

    /// Every use.
    pub fn uses(&self) -> &[UseRecord] {
        self.uses.all().expect(WHOLE)
    }

    /// The uses that have begun and not ended: after a crash each is to be ended as failed.
    pub fn open_uses(&self) -> impl Iterator<Item = &UseRecord> {
        self.open_uses.iter().map(|&place| &self.uses[place])
    }

    /// The unit of this name.
    ///
    /// # Errors
    /// [`Rule::UnknownReference`], as for all of these.
    pub fn unit_record(&self, id: &Name) -> Result<&UnitRecord> {
        Ok(&self.units[self.units.known(id)?])
    }

    /// The person of this name.
    ///
    /// # Errors
    /// [`Rule::UnknownReference`].
    pub fn person_record(&self, id: &Name) -> Result<&PersonRecord> {
        Ok(&self.persons[self.persons.known(id)?])
    }

    /// The policy of this name.
    ///
    /// # Errors
    /// [`Rule::UnknownReference`].
    pub fn policy_record(&self, id: &Name) -> Result<&PolicyRecord> {
        Ok(&self.policies[self.policies.known(id)?])
    }

    /// The seal of this name.
    ///
    /// # Errors
    /// [`Rule::UnknownReference`].
    pub fn seal_record(&self, id: &Name) -> Result<&SealRecord> {
        Ok(&self.seals[self.seals.known(id)?])
    }

    /// The application with this id.
    ///
    /// # Errors
    /// [`Rule::UnknownReference`].
    pub fn application_record(&self, id: &StatementId) -> Result<&ApplicationRecord> {
        Ok(&self.applications[self.applications.known(id)?])
    }

    /// The grant with this id.
    ///
    /// # Errors
    /// [`Rule::UnknownReference`].
    pub fn grant_record(&self, id: &StatementId) -> Result<&GrantRecord> {
        Ok(&self.grants[self.grants.known(id)?])
    }

    /// The use with this id.
    ///
    /// # Errors
    /// [`Rule::UnknownReference`].
    pub fn use_record(&self, id: &StatementId) -> Result<&UseRecord> {
        Ok(&self.uses[self.uses.known(id)?])
    }

    /// How the grant stands at this time, the grants above it included. The seal, the policy and the application are
    /// the gate's matter.
    ///
    /// # Errors
    /// [`Rule::UnknownReference`] for a grant that the ledger does not hold.
    pub fn grant_status(&self, id: &StatementId, now: u64) -> Result<GrantStatus> {
        let grant = self.grants.known(id)?;
        for place in self.chain(grant) {
            let link = &self.grants[place];
            match self.live_link(place, now) {
                Ok(()) => {}
                Err(crate::Error::Refused { rule: Rule::GrantRevoked, .. }) => return Ok(GrantStatus::Revoked),
                Err(crate::Error::Refused { rule: Rule::GrantExpired, .. }) => return Ok(GrantStatus::Expired),
                Err(_) => return Ok(GrantStatus::Void),
            }
            if link.used >= link.grant.max_uses {
                return Ok(GrantStatus::Exhausted);
            }
            if now < link.grant.valid_from {
                return Ok(GrantStatus::NotYet);
            }
        }
        Ok(GrantStatus::Active)
    }

    /// The grants from the root of the chain down to this one.
    ///
    /// # Errors
    /// [`Rule::UnknownReference`] for a grant that the ledger does not hold.
    pub fn grant_chain(&self, id: &StatementId) -> Result<Vec<&GrantRecord>> {
        let mut chain: Vec<&GrantRecord> =
            self.chain(self.grants.known(id)?).into_iter().map(|place| &self.grants[place]).collect();
        chain.reverse();
        Ok(chain)
    }
}
