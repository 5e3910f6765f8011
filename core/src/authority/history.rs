//! Who held what at some time: the question of every audit, answered from the records alone.

use super::records::{GrantRecord, Membership, PersonRecord, SealVersion};
use super::state::State;
use super::statement::{Life, Role};

/// What was in force at one time.
#[derive(Clone, Debug)]
pub struct Holdings<'a> {
    /// Every person who was there, with the revision in force.
    pub persons: Vec<(&'a PersonRecord, &'a Membership)>,
    /// Every seal, at the version and in the state of that time.
    pub seals: Vec<(&'a SealVersion, Life)>,
    /// Every grant within its window, not revoked, whose grantors and grantee held their roles, and the uses taken of it
    /// by then.
    pub grants: Vec<(&'a GrantRecord, u32)>,
}

/// The last of these that began by then; they are in the order of the ledger, so their times never fall.
fn in_force<T>(items: &[T], time: u64, began: impl Fn(&T) -> u64) -> Option<&T> {
    items[..items.partition_point(|item| began(item) <= time)].last()
}

impl State {
    /// What was in force at this time, from the entries applied so far. Takes time in proportion to the state.
    pub fn held_at(&self, time: u64) -> Holdings<'_> {
        let persons = self.persons().iter().filter_map(|person| Some((person, membership_at(person, time)?))).collect();
        let seals = self.seals().iter().filter_map(|seal| {
            let version = in_force(&seal.versions, time, |version| version.at.time)?;
            let state = in_force(&version.steps, time, |(at, _)| at.time).map_or(Life::Draft, |(_, state)| *state);
            Some((version, state))
        });
        let mut used = vec![0_u32; self.grants().len()];
        for usage in self.uses().iter().take_while(|usage| usage.at.time <= time) {
            for place in self.chain(usage.grant) {
                used[place] += 1;
            }
        }
        let granted = self.grants().iter().enumerate().take_while(|(_, grant)| grant.at.time <= time);
        let grants =
            granted.filter(|&(place, _)| self.was_in_force(place, time)).map(|(place, grant)| (grant, used[place]));
        Holdings { persons, seals: seals.collect(), grants: grants.collect() }
    }

    fn was_in_force(&self, grant: usize, time: u64) -> bool {
        let held = |person: usize, role: Role| {
            membership_at(&self.persons[person], time).is_some_and(|membership| membership.roles.contains(role))
        };
        let links_held = self.chain(grant).into_iter().all(|place| {
            let link = &self.grants[place];
            let office = if link.parent.is_none() { Role::Authoriser } else { Role::Applicant };
            let ended = |at: Option<super::At>| at.is_some_and(|at| at.time <= time);
            (link.grant.valid_from..link.grant.valid_to).contains(&time)
                && !ended(link.revoked)
                && !ended(self.keys[link.key as usize].revoked)
                && held(link.grantor, office)
        });
        links_held && held(self.grants[grant].grantee, Role::Applicant)
    }
}

fn membership_at(person: &PersonRecord, time: u64) -> Option<&Membership> {
    if person.left.is_some_and(|left| left.time <= time) {
        return None;
    }
    in_force(&person.revisions, time, |revision| revision.at.time)
}
