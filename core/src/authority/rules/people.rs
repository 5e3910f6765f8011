//! Units and persons.

use super::MAX_UNIT_DEPTH;
use crate::authority::records::{Holder, Membership, PersonRecord, UnitRecord};
use crate::authority::state::{Context, Effect, NONE, State, refuse};
use crate::authority::statement::{Person, PersonLeft, Unit};
use crate::{Result, Rule};

impl State {
    pub(crate) fn unit(&self, context: &Context, content: Unit) -> Result<Effect> {
        if let Some(place) = self.units.place(&content.id) {
            return refuse(Rule::Duplicate, self.units[place].at.index, 1, 2);
        }
        let Some(parent) = &content.parent else {
            if context.signer != Holder::Founder {
                return self.not_permitted(context.signer);
            }
            if let Some(first) = self.units.rows().first() {
                return refuse(Rule::Duplicate, first.at.index, 1, 2);
            }
            return Ok(Effect::Unit(Box::new(UnitRecord { unit: content, parent: None, depth: 0, at: context.at })));
        };
        let parent = self.units.known(parent)?;
        if !self.manages(context.signer, parent) {
            return self.not_permitted(context.signer);
        }
        let depth = self.units[parent].depth + 1;
        if depth > MAX_UNIT_DEPTH {
            return refuse(
                Rule::LimitExceeded,
                self.units[parent].at.index,
                u64::from(MAX_UNIT_DEPTH),
                u64::from(depth),
            );
        }
        Ok(Effect::Unit(Box::new(UnitRecord { unit: content, parent: Some(parent), depth, at: context.at })))
    }

    pub(crate) fn person(&self, context: &Context, content: &Person) -> Result<Effect> {
        let unit = self.units.known(&content.unit)?;
        let membership = Membership { at: context.at, unit, roles: content.roles, name: content.name };
        let Some(person) = self.persons.place(&content.id) else {
            if content.revision != 1 {
                return refuse(Rule::InvalidTransition, NONE, 1, u64::from(content.revision));
            }
            self.keeps_person(context.signer, unit, content.roles)?;
            let record =
                PersonRecord { id: content.id.clone(), revisions: vec![membership], keys: Vec::new(), left: None };
            return Ok(Effect::Person(Box::new(record)));
        };
        let record = &self.persons[person];
        if let Some(left) = record.left {
            return refuse(Rule::InvalidTransition, left.index, left.time, context.at.time);
        }
        let current = record.current();
        if content.revision == 1 {
            return refuse(Rule::Duplicate, record.revisions[0].at.index, 1, 2);
        }
        let next = record.revisions.len() as u64 + 1;
        if u64::from(content.revision) != next {
            return refuse(Rule::InvalidTransition, current.at.index, next, u64::from(content.revision));
        }
        // Who changes a person must be entitled to what he was as well as to what he will be.
        self.keeps_person(context.signer, current.unit, current.roles)?;
        self.keeps_person(context.signer, unit, content.roles)?;
        Ok(Effect::Membership { person, membership })
    }

    pub(crate) fn person_left(&self, context: &Context, content: &PersonLeft) -> Result<Effect> {
        let person = self.persons.known(&content.person)?;
        let record = &self.persons[person];
        if let Some(left) = record.left {
            return refuse(Rule::InvalidTransition, left.index, left.time, context.at.time);
        }
        self.keeps_person(context.signer, record.current().unit, record.current().roles)?;
        Ok(Effect::Left(person))
    }
}
