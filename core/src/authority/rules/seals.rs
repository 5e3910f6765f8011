//! Policies and seals.

use crate::authority::records::SealVersion;
use crate::authority::state::{Context, Effect, NONE, State, refuse};
use crate::authority::statement::{Life, Policy, Seal, SealState};
use crate::{Result, Rule};

impl State {
    pub(crate) fn policy(&self, context: &Context, content: Policy) -> Result<Effect> {
        self.headquarters(context.signer)?;
        for person in &content.approvers {
            self.persons.known(person)?;
        }
        for unit in content.approver_units.iter().chain(&content.required_units).chain(&content.applicant_units) {
            self.units.known(unit)?;
        }
        let place = self.policies.place(&content.id);
        let (last, next) = place.map_or((NONE, 1), |place| {
            let record = &self.policies[place];
            (record.current().0.index, record.revisions.len() as u64 + 1)
        });
        self.follows(u64::from(content.revision), next, last)?;
        Ok(Effect::Policy { place, policy: Box::new(content) })
    }

    pub(crate) fn seal(&self, context: &Context, content: Seal) -> Result<Effect> {
        self.headquarters(context.signer)?;
        let unit = self.units.known(&content.unit)?;
        let policy = self.policies.known(&content.policy)?;
        let place = self.seals.place(&content.id);
        let (last, next) = place.map_or((NONE, 1), |place| {
            let record = &self.seals[place];
            (record.current().at.index, record.versions.len() as u64 + 1)
        });
        self.follows(u64::from(content.version), next, last)?;
        let version = SealVersion { at: context.at, seal: content, unit, policy, steps: Vec::new() };
        Ok(Effect::Seal { place, version: Box::new(version) })
    }

    /// Versions and revisions count up without gaps; the first one again is a duplicate.
    fn follows(&self, number: u64, next: u64, last: u64) -> Result<()> {
        match number {
            number if number == next => Ok(()),
            1 => refuse(Rule::Duplicate, last, 1, 2),
            number => refuse(Rule::InvalidTransition, last, next, number),
        }
    }

    /// A brake is easier to pull than to release: every manager over the seal's unit may suspend it or report it lost,
    /// every other step is the headquarters'.
    pub(crate) fn seal_state(&self, context: &Context, content: &SealState) -> Result<Effect> {
        let seal = self.seals.known(&content.seal)?;
        let current = self.seals[seal].current();
        let brake = matches!(content.state, Life::Suspended | Life::Lost) && self.manages(context.signer, current.unit);
        if !brake {
            self.headquarters(context.signer)?;
        }
        if content.version != current.seal.version {
            let (limit, actual) = (u64::from(current.seal.version), u64::from(content.version));
            return refuse(Rule::InvalidTransition, current.at.index, limit, actual);
        }
        let next = current.steps.len() as u64 + 1;
        if u64::from(content.step) != next {
            return refuse(Rule::InvalidTransition, current.state_at().index, next, u64::from(content.step));
        }
        if !current.state().may_become(content.state) {
            let (limit, actual) = (current.state() as u64, content.state as u64);
            return refuse(Rule::InvalidTransition, current.state_at().index, limit, actual);
        }
        Ok(Effect::SealStep { seal, state: content.state })
    }

    /// The version must be the one in force, and active.
    pub(crate) fn active_seal(&self, seal: usize, version: u32) -> Result<&SealVersion> {
        let current = self.seals[seal].current();
        if current.seal.version != version {
            let (limit, actual) = (u64::from(current.seal.version), u64::from(version));
            return refuse(Rule::SealNotActive, current.at.index, limit, actual);
        }
        if current.state() != Life::Active {
            let (limit, actual) = (Life::Active as u64, current.state() as u64);
            return refuse(Rule::SealNotActive, current.state_at().index, limit, actual);
        }
        Ok(current)
    }
}
