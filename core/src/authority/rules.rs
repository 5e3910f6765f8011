//! The rules: each statement's preconditions and effect. They only read the state; what they allow is an `Effect`.

mod applications;
mod grants;
mod keys;
mod people;
mod seals;

pub(super) use applications::within;

use super::name::Name;
use super::records::Holder;
use super::state::{NONE, State, refuse};
use super::statement::{Power, Role, Roles};
use crate::{Result, Rule};

/// The deepest unit below the headquarters.
pub const MAX_UNIT_DEPTH: u32 = 16;
/// The most keys that one person is given.
pub const MAX_KEYS: usize = 64;

impl State {
    /// Whether `unit` is `above` or lies below it.
    pub(super) fn is_within(&self, unit: usize, above: usize) -> bool {
        let mut place = Some(unit);
        while let Some(unit) = place {
            if unit == above {
                return true;
            }
            place = self.units[unit].parent;
        }
        false
    }

    /// Whether `unit` is one of these or lies below one of them. The names are sorted.
    pub(super) fn is_within_any(&self, unit: usize, above: &[Name]) -> bool {
        let mut place = Some(unit);
        while let Some(unit) = place {
            if above.binary_search(&self.units[unit].unit.id).is_ok() {
                return true;
            }
            place = self.units[unit].parent;
        }
        false
    }

    /// Whether the signer is a manager of the unit or of one above it.
    pub(super) fn manages(&self, signer: Holder, unit: usize) -> bool {
        matches!(signer, Holder::Person(person)
            if self.persons[person].holds(Role::Manager)
                && self.is_within(unit, self.persons[person].current().unit))
    }

    /// The signer must be a manager of the headquarters.
    pub(super) fn headquarters(&self, signer: Holder) -> Result<()> {
        match signer {
            Holder::Person(person)
                if self.persons[person].holds(Role::Manager)
                    && self.units[self.persons[person].current().unit].parent.is_none() =>
            {
                Ok(())
            }
            _ => self.not_permitted(signer),
        }
    }

    /// Who may make or change a person with these roles in this unit: a manager of the unit or above; for managers one
    /// strictly above; in the headquarters also the founder.
    pub(super) fn keeps_person(&self, signer: Holder, unit: usize, roles: Roles) -> Result<()> {
        let at_the_top = self.units[unit].parent.is_none();
        let permitted = match signer {
            Holder::Founder => at_the_top,
            Holder::Person(person) if roles.contains(Role::Manager) => {
                self.manages(signer, unit) && self.persons[person].current().unit != unit
            }
            Holder::Person(_) => self.manages(signer, unit),
            Holder::Gate | Holder::Nobody => false,
        };
        if permitted { Ok(()) } else { self.not_permitted(signer) }
    }

    /// The signer as a person of the power of use; everyone else is refused.
    pub(super) fn person_of_use(&self, signer: Holder) -> Result<usize> {
        match signer {
            Holder::Person(person) if self.persons[person].current().roles.iter().any(|r| r.power() == Power::Use) => {
                Ok(person)
            }
            _ => self.not_permitted(signer),
        }
    }

    /// A refusal that names the statement from which the signer has his roles.
    pub(super) fn not_permitted<T>(&self, signer: Holder) -> Result<T> {
        let statement = match signer {
            Holder::Person(person) => self.persons[person].left.unwrap_or(self.persons[person].current().at).index,
            _ => NONE,
        };
        refuse(Rule::NotPermitted, statement, 1, 0)
    }
}
