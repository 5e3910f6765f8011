//! Grants: who may grant what to whom, and that every link only narrows.

use super::applications::within;
use crate::authority::name::Amount;
use crate::authority::records::{GrantRecord, Holder};
use crate::authority::state::{Context, Effect, NONE, State, refuse};
use crate::authority::statement::{Grant, GrantRevoke, Role};
use crate::{Result, Rule};

/// Whether the sorted `part` lies in the sorted `whole`, where an empty `whole` is everything.
fn is_narrower<T: Ord>(part: &[T], whole: &[T]) -> bool {
    whole.is_empty() || (!part.is_empty() && part.iter().all(|item| whole.binary_search(item).is_ok()))
}

/// Every ceiling of `whole` stands in `part`, not higher; `part` may not name a currency that `whole` has not.
fn ceilings_narrower(part: &[Amount], whole: &[Amount]) -> bool {
    whole.is_empty()
        || (!part.is_empty()
            && part
                .iter()
                .all(|own| whole.iter().any(|above| above.currency == own.currency && own.minor <= above.minor)))
}

/// Refuses a child that is wider than its parent in any dimension.
fn narrower(child: &Grant, parent: &Grant, statement: u64) -> Result<()> {
    let wider = |limit, actual| refuse(Rule::GrantWidened, statement, limit, actual);
    if child.seal != parent.seal || child.seal_version != parent.seal_version {
        return wider(u64::from(parent.seal_version), u64::from(child.seal_version));
    }
    if parent.depth_left == 0 || child.depth_left >= parent.depth_left {
        return wider(u64::from(parent.depth_left), u64::from(child.depth_left) + 1);
    }
    if child.max_uses > parent.max_uses {
        return wider(u64::from(parent.max_uses), u64::from(child.max_uses));
    }
    if child.valid_from < parent.valid_from {
        return wider(parent.valid_from, child.valid_from);
    }
    if child.valid_to > parent.valid_to {
        return wider(parent.valid_to, child.valid_to);
    }
    if parent.application.is_some() && child.application != parent.application {
        return wider(1, 0);
    }
    if !is_narrower(&child.documents, &parent.documents) {
        return wider(parent.documents.len() as u64, child.documents.len() as u64);
    }
    if !is_narrower(&child.classes, &parent.classes) {
        return wider(parent.classes.len() as u64, child.classes.len() as u64);
    }
    if !ceilings_narrower(&child.max_amounts, &parent.max_amounts) {
        return wider(parent.max_amounts.len() as u64, child.max_amounts.len() as u64);
    }
    Ok(())
}

impl State {
    /// The places of a grant and of those above it, itself first. Depth falls at every link, so the chain is short.
    pub(crate) fn chain(&self, grant: usize) -> Vec<usize> {
        core::iter::successors(Some(grant), |&place| self.grants[place].parent).collect()
    }

    /// Whether the person grants for this seal by office: an authoriser of the seal's unit or above.
    fn authorises(&self, person: usize, seal: usize) -> bool {
        let record = &self.persons[person];
        record.holds(Role::Authoriser) && self.is_within(self.seals[seal].current().unit, record.current().unit)
    }

    /// One link as it stands now: not revoked, not over, granted by somebody who still may, with a key that nobody has
    /// revoked since.
    pub(crate) fn live_link(&self, place: usize, time: u64) -> Result<()> {
        let record = &self.grants[place];
        if let Some(revoked) = record.revoked {
            return refuse(Rule::GrantRevoked, revoked.index, revoked.time, time);
        }
        if time >= record.grant.valid_to {
            return refuse(Rule::GrantExpired, record.at.index, record.grant.valid_to, time);
        }
        if let Some(revoked) = self.keys[record.key as usize].revoked {
            return refuse(Rule::KeyNotValid, revoked.index, revoked.time, time);
        }
        let may_still = match record.parent {
            None => self.authorises(record.grantor, record.seal),
            Some(_) => self.persons[record.grantor].holds(Role::Applicant),
        };
        if may_still { Ok(()) } else { self.not_permitted(Holder::Person(record.grantor)) }
    }

    pub(crate) fn grant(&self, context: &Context, content: Grant) -> Result<Effect> {
        let grantor = self.person_of_use(context.signer)?;
        let time = context.at.time;
        if let Some(place) = self.grants.place(&context.id) {
            return refuse(Rule::Duplicate, self.grants[place].at.index, 1, 2);
        }
        let grantee = self.persons.known(&content.grantee)?;
        let seal = self.seals.known(&content.seal)?;
        let policy = self.policies[self.active_seal(seal, content.seal_version)?.policy].current();
        if content.valid_to <= time {
            return refuse(Rule::GrantExpired, NONE, content.valid_to, time);
        }
        self.may_apply(grantee, policy)?;
        let parent = content.parent.as_ref().map(|id| self.grants.known(id)).transpose()?;
        let chain = parent.map(|parent| self.chain(parent)).unwrap_or_default();
        match parent {
            None if self.authorises(grantor, seal) => {}
            None => self.not_permitted(context.signer)?,
            Some(parent) => {
                if grantor != self.grants[parent].grantee || !self.persons[grantor].holds(Role::Applicant) {
                    return refuse(Rule::NotPermitted, self.grants[parent].at.index, 1, 0);
                }
                for &link in &chain {
                    self.live_link(link, time)?;
                }
                narrower(&content, &self.grants[parent].grant, self.grants[parent].at.index)?;
            }
        }
        // Nobody grants to himself, not by a detour either.
        let mut users = vec![grantee];
        for &link in &chain {
            users.push(self.grants[link].grantee);
        }
        if grantee == grantor || chain.iter().any(|&link| self.grants[link].grantor == grantee) {
            return refuse(Rule::NotPermitted, self.persons[grantee].current().at.index, 0, 1);
        }
        let application = content.application.as_ref().map(|id| self.applications.known(id)).transpose()?;
        if let Some(place) = application {
            self.rests_on(&content, place, &users, time)?;
        }
        Ok(Effect::Grant(Box::new(GrantRecord {
            id: context.id,
            grantor,
            key: context.key,
            grantee,
            seal,
            application,
            parent,
            grant: content,
            used: 0,
            revoked: None,
            at: context.at,
        })))
    }

    /// A grant on an application: the same seal, among its documents, not more uses, for the applicant (or from him
    /// on), and approved by now.
    fn rests_on(&self, content: &Grant, place: usize, users: &[usize], time: u64) -> Result<()> {
        let record = &self.applications[place];
        let application = &record.application;
        self.not_refused(record)?;
        if application.seal != content.seal || application.seal_version != content.seal_version {
            let (limit, actual) = (u64::from(application.seal_version), u64::from(content.seal_version));
            return refuse(Rule::SealNotActive, record.at.index, limit, actual);
        }
        if !is_narrower(&content.documents, &application.documents) {
            return refuse(
                Rule::DocumentMismatch,
                record.at.index,
                application.documents.len() as u64,
                content.documents.len() as u64,
            );
        }
        if content.max_uses > application.impressions {
            let (limit, actual) = (u64::from(application.impressions), u64::from(content.max_uses));
            return refuse(Rule::LimitExceeded, record.at.index, limit, actual);
        }
        if !content.classes.is_empty() && content.classes.binary_search(&application.document_class).is_err() {
            return refuse(Rule::LimitExceeded, record.at.index, 1, 0);
        }
        within(&content.max_amounts, application.amount, record.at.index)?;
        if !users.contains(&record.applicant) {
            return refuse(Rule::NotPermitted, record.at.index, 1, 0);
        }
        self.quorum(record, users, time, None).map(|_| ())
    }

    /// The grantor, anyone above him in the chain, or an authoriser over the seal.
    pub(crate) fn grant_revoke(&self, context: &Context, content: &GrantRevoke) -> Result<Effect> {
        let grant = self.grants.known(&content.grant)?;
        let record = &self.grants[grant];
        if let Some(revoked) = record.revoked {
            return refuse(Rule::InvalidTransition, revoked.index, 1, 2);
        }
        let Holder::Person(person) = context.signer else { return self.not_permitted(context.signer) };
        let above = self.chain(grant).iter().any(|&link| self.grants[link].grantor == person);
        if above || self.authorises(person, record.seal) {
            Ok(Effect::GrantRevoked(grant))
        } else {
            self.not_permitted(context.signer)
        }
    }
}
