//! A second opinion on uses: everything is searched for in the log from its beginning, slowly and without any state.
//! It takes for granted that the statements in the log were allowed to be made, and judges uses only.

use super::world::Entry;
use sealcore::authority::{
    Application, Content, Digests, Grant, Life, Name, Policy, Role, SealUse, Statement, StatementId,
};
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::{EntryType, KeyChange, statement_id};

/// One entry of the log, decoded.
pub(crate) struct Said {
    time: u64,
    key: u32,
    id: StatementId,
    by: Name,
    content: Option<Content>,
    revokes: Option<u32>,
}

pub(crate) struct Oracle {
    said: Vec<Said>,
}

/// What the use would be judged by.
pub(crate) struct Asked {
    pub(crate) application: StatementId,
    pub(crate) grant: StatementId,
    pub(crate) user: Name,
    pub(crate) document: Digests,
}

impl Oracle {
    pub(crate) fn new(log: &[Entry], ledger: &[u8; 32]) -> Oracle {
        let said = log.iter().map(|entry| {
            let statement =
                (entry.kind == EntryType::Statement).then(|| Statement::decode(&entry.body).expect("a statement"));
            let revokes = match entry.kind {
                EntryType::KeyRevoke => match KeyChange::decode(&entry.body, ledger).expect("a key change") {
                    KeyChange::Revoke { key_idx, .. } => Some(key_idx),
                    KeyChange::Add { .. } | KeyChange::Rotate { .. } => panic!("a revocation"),
                },
                _ => None,
            };
            let by = statement.as_ref().map_or(Name::new("x", "gate").expect("name"), |statement| statement.by.clone());
            let id = StatementId(statement_id(HashAlgorithm::Sha256, &entry.body));
            let content = statement.map(|statement| statement.content);
            Said { time: entry.time, key: entry.key_idx, id, by, content, revokes }
        });
        Oracle { said: said.collect() }
    }

    /// What was said before entry `end`.
    fn before(&self, end: usize) -> impl DoubleEndedIterator<Item = &Said> {
        self.said[..end].iter()
    }

    fn find(&self, end: usize, id: StatementId) -> Option<&Said> {
        self.before(end).find(|said| said.id == id)
    }

    fn application(&self, end: usize, id: StatementId) -> Option<(&Said, &Application)> {
        let said = self.find(end, id)?;
        match &said.content {
            Some(Content::Application(application)) => Some((said, application)),
            _ => None,
        }
    }

    fn grant(&self, end: usize, id: StatementId) -> Option<(&Said, &Grant)> {
        let said = self.find(end, id)?;
        match &said.content {
            Some(Content::Grant(grant)) => Some((said, grant)),
            _ => None,
        }
    }

    fn holds(&self, end: usize, person: &Name, role: Role) -> bool {
        let gone = self
            .before(end)
            .any(|said| matches!(&said.content, Some(Content::PersonLeft(left)) if left.person == *person));
        let last = self.before(end).rev().find_map(|said| match &said.content {
            Some(Content::Person(content)) if content.id == *person => Some(content),
            _ => None,
        });
        !gone && last.is_some_and(|content| content.roles.contains(role))
    }

    fn unit(&self, end: usize, person: &Name) -> Option<&Name> {
        self.before(end).rev().find_map(|said| match &said.content {
            Some(Content::Person(content)) if content.id == *person => Some(&content.unit),
            _ => None,
        })
    }

    fn key_revoked(&self, end: usize, key: u32) -> bool {
        self.before(end).any(|said| said.revokes == Some(key))
    }

    fn policy(&self, end: usize, seal: &Name) -> Option<&Policy> {
        let named = self.before(end).rev().find_map(|said| match &said.content {
            Some(Content::Seal(content)) if content.id == *seal => Some(&content.policy),
            _ => None,
        })?;
        self.before(end).rev().find_map(|said| match &said.content {
            Some(Content::Policy(policy)) if policy.id == *named => Some(policy),
            _ => None,
        })
    }

    fn active(&self, end: usize, seal: &Name, version: u32) -> bool {
        let newest = self.before(end).filter_map(|said| match &said.content {
            Some(Content::Seal(content)) if content.id == *seal => Some(content.version),
            _ => None,
        });
        let state = self.before(end).rev().find_map(|said| match &said.content {
            Some(Content::SealState(step)) if step.seal == *seal && step.version == version => Some(step.state),
            _ => None,
        });
        newest.max() == Some(version) && state == Some(Life::Active)
    }

    fn uses(&self, end: usize) -> impl Iterator<Item = &SealUse> {
        self.before(end).filter_map(|said| match &said.content {
            Some(Content::SealUse(usage)) => Some(usage),
            _ => None,
        })
    }

    /// The grant and those above it, itself first.
    fn chain(&self, end: usize, grant: StatementId) -> Vec<StatementId> {
        let mut chain = vec![grant];
        while let Some((_, link)) = self.grant(end, chain[chain.len() - 1])
            && let Some(parent) = link.parent
        {
            chain.push(parent);
        }
        chain
    }

    /// Uses taken of a grant, those of the grants below it included.
    pub(crate) fn taken(&self, end: usize, grant: StatementId) -> u32 {
        self.uses(end).filter(|usage| self.chain(end, usage.grant).contains(&grant)).count() as u32
    }

    /// Who has approved, counted the plain way: each person once.
    fn approvers(&self, end: usize, application: StatementId, policy: &Policy, not: &[&Name], time: u64) -> Vec<&Name> {
        let mut approvers: Vec<&Name> = Vec::new();
        for said in self.before(end) {
            let Some(Content::Approval(approval)) = &said.content else { continue };
            let named = policy.approvers.contains(&said.by)
                || self.unit(end, &said.by).is_some_and(|unit| policy.approver_units.contains(unit));
            let counts = approval.application == application
                && time < approval.expires
                && named
                && self.holds(end, &said.by, Role::Approver)
                && !self.key_revoked(end, said.key)
                && !not.contains(&&said.by);
            if counts && !approvers.contains(&&said.by) {
                approvers.push(&said.by);
            }
        }
        approvers
    }

    /// Whether the use may be taken as entry `end`, at this time. Policies here have no classes, amounts or places.
    pub(crate) fn allows(&self, end: usize, asked: &Asked, time: u64) -> bool {
        let (Some((filed, application)), Some((_, grant))) =
            (self.application(end, asked.application), self.grant(end, asked.grant))
        else {
            return false;
        };
        let Some(policy) = self.policy(end, &application.seal) else { return false };
        let refused = self.before(end).any(
            |said| matches!(&said.content, Some(Content::Refusal(refusal)) if refusal.application == asked.application),
        );
        let chain = self.chain(end, asked.grant);
        let links_hold = chain.iter().all(|&id| {
            let Some((said, link)) = self.grant(end, id) else { return false };
            let revoked = self
                .before(end)
                .any(|other| matches!(&other.content, Some(Content::GrantRevoke(revoke)) if revoke.grant == id));
            let office = if link.parent.is_some() { Role::Applicant } else { Role::Authoriser };
            !revoked
                && link.valid_from <= time
                && time < link.valid_to
                && self.taken(end, id) < link.max_uses
                && self.holds(end, &said.by, office)
                && !self.key_revoked(end, said.key)
        });
        let grantees: Vec<&Name> =
            chain.iter().filter_map(|&id| self.grant(end, id)).map(|(_, link)| &link.grantee).collect();
        let mut not = grantees.clone();
        not.push(&filed.by);
        let used = self.uses(end).filter(|usage| usage.application == asked.application).count() as u32;
        !refused
            && links_hold
            && grant.grantee == asked.user
            && grantees.contains(&&filed.by)
            && grant.application.is_none_or(|bound| bound == asked.application)
            && (&grant.seal, grant.seal_version) == (&application.seal, application.seal_version)
            && self.active(end, &grant.seal, grant.seal_version)
            && self.holds(end, &asked.user, Role::Applicant)
            && self.holds(end, &filed.by, Role::Applicant)
            && application.documents.contains(&asked.document)
            && (grant.documents.is_empty() || grant.documents.contains(&asked.document))
            && (grant.classes.is_empty() || grant.classes.contains(&application.document_class))
            && used < application.impressions
            && self.approvers(end, asked.application, policy, &not, time).len() >= policy.quorum as usize
    }

    /// Whether every use in the log was allowed when it was taken, was numbered in order, and ended exactly once.
    pub(crate) fn all_uses_are_sound(&self) -> bool {
        (0..self.said.len()).all(|at| {
            let said = &self.said[at];
            let Some(Content::SealUse(usage)) = &said.content else { return true };
            let asked = Asked {
                application: usage.application,
                grant: usage.grant,
                user: usage.user.clone(),
                document: usage.document,
            };
            let ends = self.said[at..].iter().filter(|other| match &other.content {
                Some(Content::UseDelivered(end)) => end.usage == said.id,
                Some(Content::UseFailed(end)) => end.usage == said.id,
                _ => false,
            });
            self.allows(at, &asked, said.time) && usage.number == self.taken(at, usage.grant) + 1 && ends.count() == 1
        })
    }
}
