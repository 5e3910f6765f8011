//! Applications, approvals, refusals, and the quorum.

use crate::authority::name::{Amount, StatementId};
use crate::authority::records::{ApplicationRecord, ApprovalRecord, At, Holder};
use crate::authority::state::{Context, Effect, NONE, State, refuse};
use crate::authority::statement::{Application, Approval, MAX_APPROVALS, Policy, Refusal, Role};
use crate::{Result, Rule};

/// An amount against ceilings: without ceilings everything fits, with ceilings an amount must be there.
pub(crate) fn within(ceilings: &[Amount], amount: Option<Amount>, statement: u64) -> Result<()> {
    if ceilings.is_empty() {
        return Ok(());
    }
    let minor = amount.map_or(0, |amount| amount.minor);
    let ceiling = ceilings.iter().find(|ceiling| Some(ceiling.currency) == amount.map(|amount| amount.currency));
    match ceiling {
        Some(ceiling) if minor <= ceiling.minor => Ok(()),
        Some(ceiling) => refuse(Rule::LimitExceeded, statement, ceiling.minor, minor),
        // No amount, or one in a currency that has no ceiling.
        None => refuse(Rule::LimitExceeded, statement, 0, minor),
    }
}

impl State {
    pub(crate) fn application(&self, context: &Context, content: Application) -> Result<Effect> {
        let applicant = self.person_of_use(context.signer)?;
        if let Some(place) = self.applications.place(&context.id) {
            return refuse(Rule::Duplicate, self.applications[place].at.index, 1, 2);
        }
        let seal = self.seals.known(&content.seal)?;
        let policy = self.active_seal(seal, content.seal_version)?.policy;
        self.within_policy(self.policies[policy].current(), &content, applicant)?;
        Ok(Effect::Application(Box::new(ApplicationRecord {
            id: context.id,
            applicant,
            seal,
            application: content,
            approvals: Vec::new(),
            refused: None,
            used: 0,
            at: context.at,
        })))
    }

    /// What the policy demands of an application, when it is filed and again when it is used.
    pub(crate) fn within_policy(&self, policy: &(At, Policy), content: &Application, applicant: usize) -> Result<()> {
        self.may_apply(applicant, policy)?;
        let (at, policy) = policy;
        if !policy.classes.is_empty() && policy.classes.binary_search(&content.document_class).is_err() {
            return refuse(Rule::LimitExceeded, at.index, policy.classes.len() as u64, 0);
        }
        within(&policy.max_amounts, content.amount, at.index)?;
        match &content.on_behalf_of {
            Some(unit) if !self.is_within_any(self.units.known(unit)?, &policy.applicant_units) => {
                refuse(Rule::NotPermitted, at.index, 1, 0)
            }
            _ => Ok(()),
        }
    }

    /// The person is here, an applicant, and of a unit that may apply.
    pub(crate) fn may_apply(&self, person: usize, policy: &(At, Policy)) -> Result<()> {
        let record = &self.persons[person];
        if !record.holds(Role::Applicant) {
            return self.not_permitted(Holder::Person(person));
        }
        if !self.is_within_any(record.current().unit, &policy.1.applicant_units) {
            return refuse(Rule::NotPermitted, policy.0.index, 1, 0);
        }
        Ok(())
    }

    /// The person is here, an approver, and named by the policy or of a unit that it names.
    fn may_approve(&self, person: usize, policy: &Policy) -> bool {
        let record = &self.persons[person];
        record.holds(Role::Approver)
            && (policy.approvers.binary_search(&record.id).is_ok()
                || policy.approver_units.binary_search(&self.units[record.current().unit].unit.id).is_ok())
    }

    /// What approving and refusing have in common: the application is open, and the signer may speak.
    fn to_be_judged(&self, context: &Context, id: &StatementId) -> Result<(usize, usize)> {
        let application = self.applications.known(id)?;
        let record = &self.applications[application];
        let Holder::Person(person) = context.signer else { return self.not_permitted(context.signer) };
        if person == record.applicant {
            return refuse(Rule::ApplicantExcluded, record.at.index, 0, 1);
        }
        let (at, policy) = self.policies[self.seals[record.seal].current().policy].current();
        if !self.may_approve(person, policy) {
            return refuse(Rule::NotPermitted, at.index, 1, 0);
        }
        self.not_refused(record)?;
        if record.used >= record.application.impressions {
            let (limit, actual) = (u64::from(record.application.impressions), u64::from(record.used));
            return refuse(Rule::InvalidTransition, record.at.index, limit, actual);
        }
        Ok((application, person))
    }

    pub(crate) fn not_refused(&self, record: &ApplicationRecord) -> Result<()> {
        match record.refused {
            Some((at, ..)) => refuse(Rule::ApplicationRefused, at.index, 0, 1),
            None => Ok(()),
        }
    }

    pub(crate) fn approval(&self, context: &Context, content: &Approval) -> Result<Effect> {
        let (application, approver) = self.to_be_judged(context, &content.application)?;
        let record = &self.applications[application];
        self.active_seal(record.seal, record.application.seal_version)?;
        if content.expires <= context.at.time {
            return refuse(Rule::LimitExceeded, NONE, content.expires, context.at.time);
        }
        // A person's approval that no longer counts may be given anew.
        let replaces = record.approvals.iter().position(|approval| approval.approver == approver);
        if let Some(place) = replaces
            && self.is_alive(&record.approvals[place], context.at.time)
        {
            return refuse(Rule::Duplicate, record.approvals[place].at.index, 1, 2);
        }
        if replaces.is_none() && record.approvals.len() >= MAX_APPROVALS {
            let (limit, actual) = (MAX_APPROVALS as u64, record.approvals.len() as u64 + 1);
            return refuse(Rule::LimitExceeded, record.at.index, limit, actual);
        }
        let approval =
            ApprovalRecord { id: context.id, approver, key: context.key, expires: content.expires, at: context.at };
        Ok(Effect::Approval { application, replaces, approval })
    }

    pub(crate) fn refusal(&self, context: &Context, content: Refusal) -> Result<Effect> {
        let (application, by) = self.to_be_judged(context, &content.application)?;
        Ok(Effect::Refusal { application, by, refusal: content })
    }

    /// Not expired, and signed with a key that nobody has revoked since.
    fn is_alive(&self, approval: &ApprovalRecord, time: u64) -> bool {
        time < approval.expires && self.keys[approval.key as usize].revoked.is_none()
    }

    /// The approvals that count at this time, in ledger order, or the refusal that says what is missing.
    ///
    /// An approval counts when it is alive, its approver still may approve, and he is not one of those who apply for
    /// or use the seal. With `listed`, only those approvals are taken, and each of them must count.
    pub(crate) fn quorum(
        &self,
        record: &ApplicationRecord,
        users: &[usize],
        time: u64,
        listed: Option<&[StatementId]>,
    ) -> Result<Vec<usize>> {
        let (at, policy) = self.policies[self.seals[record.seal].current().policy].current();
        let counts = |approval: &ApprovalRecord| {
            self.is_alive(approval, time)
                && approval.approver != record.applicant
                && !users.contains(&approval.approver)
                && self.may_approve(approval.approver, policy)
                && listed.is_none_or(|listed| listed.contains(&approval.id))
        };
        let found: Vec<usize> = (0..record.approvals.len()).filter(|&place| counts(&record.approvals[place])).collect();
        if let Some(listed) = listed
            && !found.iter().map(|&place| &record.approvals[place].id).eq(listed)
        {
            return refuse(Rule::ApprovalRequired, record.at.index, listed.len() as u64, found.len() as u64);
        }
        let short =
            |limit: u32, actual: usize| refuse(Rule::ApprovalRequired, at.index, u64::from(limit), actual as u64);
        if found.len() < policy.quorum as usize {
            return short(policy.quorum, found.len());
        }
        let unit_of = |&place: &usize| self.persons[record.approvals[place].approver].current().unit;
        let mut units: Vec<usize> = found.iter().map(unit_of).collect();
        units.sort_unstable();
        units.dedup();
        if units.len() < policy.distinct_units as usize {
            return short(policy.distinct_units, units.len());
        }
        for required in &policy.required_units {
            if !units.contains(&self.units.known(required)?) {
                return short(1, 0);
            }
        }
        Ok(found)
    }
}
