//! The gate: what must hold before the key of a seal signs, and how a use begins and ends.
//!
//! The caller holds one writer lock around: [`State::authorise`] at time t, append the token's body to the ledger with
//! time t (durable), [`State::apply`] that entry, let the seal's key sign, append and apply `UseDelivered` or
//! `UseFailed`. `apply` judges the use once more, so of two tokens for the last use of a grant only one can be taken.

use super::name::{Digests, Name, Position, StatementId};
use super::records::{Holder, UseEnd, UseRecord};
use super::state::{Context, Effect, State, refuse};
use super::statement::{Content, SealUse, Seen, Statement};
use crate::ledger::{LEDGER_KEY, statement_id};
use crate::{Result, Rule};

/// What somebody asks of the gate.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The approved application.
    pub application: StatementId,
    /// The grant under which the seal is used.
    pub grant: StatementId,
    /// Who uses it: the grantee.
    pub user: &'a Name,
    /// The digests of the bytes to be sealed, hashed now.
    pub document: Digests,
    /// Where the imprint goes; needed when the application names places.
    pub position: Option<Position>,
}

/// The gate's consent to one use. Only [`State::authorise`] makes it; it becomes a use when its body is in the ledger
/// and applied.
#[derive(Clone, Debug)]
pub struct UseToken {
    body: Vec<u8>,
    id: StatementId,
    time: u64,
    usage: SealUse,
}

impl UseToken {
    /// The body of the entry to append, signed with the ledger's own key (row 0).
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The id of the use.
    pub fn id(&self) -> StatementId {
        self.id
    }

    /// The time for which the gate consented: the time of the entry.
    pub fn time(&self) -> u64 {
        self.time
    }

    /// What the body says.
    pub fn usage(&self) -> &SealUse {
        &self.usage
    }
}

/// What the gate found for a request.
struct Permit {
    application: usize,
    grant: usize,
    approvals: Vec<usize>,
    number: u32,
    of: u32,
}

impl State {
    /// Says whether this use is allowed now, and under which number.
    ///
    /// # Inputs
    /// `now`: µs since 1970 UTC, not before the entry applied last. `seen`: the last checkpoint, to be witnessed.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] naming the rule, the statement that decides, its limit and the actual value.
    pub fn authorise(&self, request: &Request<'_>, now: u64, seen: Option<Seen>) -> Result<UseToken> {
        if now < self.last.time {
            return refuse(Rule::TimeReversed, self.last.index, self.last.time, now);
        }
        let gate = self.signer(LEDGER_KEY, now)?;
        let permit = self.permit(request, now, None)?;
        let application = &self.applications[permit.application];
        let usage = SealUse {
            application: request.application,
            grant: request.grant,
            approvals: permit.approvals.iter().map(|&place| application.approvals[place].id).collect(),
            user: request.user.clone(),
            seal: application.application.seal.clone(),
            seal_version: application.application.seal_version,
            document: request.document,
            number: permit.number,
            of: permit.of,
            position: request.position,
        };
        let by = Name::new("statement.by", self.holder_name(gate))?;
        let statement = Statement { by, ledger: self.ledger, seen, content: Content::SealUse(usage.clone()) };
        let body = statement.encode()?;
        let id = StatementId(statement_id(self.hash, &body));
        Ok(UseToken { body, id, time: now, usage })
    }

    /// Everything that must hold for a use at this time.
    fn permit(&self, request: &Request<'_>, time: u64, listed: Option<&[StatementId]>) -> Result<Permit> {
        let application = self.applications.known(&request.application)?;
        let grant = self.grants.known(&request.grant)?;
        let asked = &self.applications[application];
        let granted = &self.grants[grant];
        self.not_refused(asked)?;

        // The chain: every link alive, begun, with a use left. That each link is narrower than the one above was
        // decided when it was granted, and grants never change: the limits of the last one are the limits of all.
        let chain = self.chain(grant);
        for &place in &chain {
            self.live_link(place, time)?;
            let link = &self.grants[place];
            if time < link.grant.valid_from {
                return refuse(Rule::GrantExpired, link.at.index, link.grant.valid_from, time);
            }
            if link.used >= link.grant.max_uses {
                let (limit, actual) = (u64::from(link.grant.max_uses), u64::from(link.used) + 1);
                return refuse(Rule::GrantExhausted, link.at.index, limit, actual);
            }
        }

        // The person.
        let user = self.persons.known(request.user)?;
        if user != granted.grantee {
            return refuse(Rule::NotPermitted, granted.at.index, 1, 0);
        }
        let users: Vec<usize> = chain.iter().map(|&place| self.grants[place].grantee).collect();
        if !users.contains(&asked.applicant) || granted.application.is_some_and(|bound| bound != application) {
            return refuse(Rule::NotPermitted, granted.at.index, 1, 0);
        }

        // The seal and its policy as it is now.
        let (wanted, given) = (&asked.application, &granted.grant);
        if wanted.seal != given.seal || wanted.seal_version != given.seal_version {
            let (limit, actual) = (u64::from(given.seal_version), u64::from(wanted.seal_version));
            return refuse(Rule::SealNotActive, asked.at.index, limit, actual);
        }
        let seal = self.active_seal(asked.seal, wanted.seal_version)?;
        let policy = self.policies[seal.policy].current();
        self.within_policy(policy, wanted, asked.applicant)?;
        self.may_apply(user, policy)?;

        // The document.
        if wanted.documents.binary_search(&request.document).is_err() {
            return refuse(Rule::DocumentMismatch, asked.at.index, wanted.documents.len() as u64, 0);
        }
        if !given.documents.is_empty() && given.documents.binary_search(&request.document).is_err() {
            return refuse(Rule::DocumentMismatch, granted.at.index, given.documents.len() as u64, 0);
        }
        if !given.classes.is_empty() && given.classes.binary_search(&wanted.document_class).is_err() {
            return refuse(Rule::LimitExceeded, granted.at.index, given.classes.len() as u64, 0);
        }
        super::rules::within(&given.max_amounts, wanted.amount, granted.at.index)?;
        if asked.used >= wanted.impressions {
            let (limit, actual) = (u64::from(wanted.impressions), u64::from(asked.used) + 1);
            return refuse(Rule::LimitExceeded, asked.at.index, limit, actual);
        }
        let placed = request.position.is_some_and(|position| wanted.positions.binary_search(&position).is_ok());
        if !wanted.positions.is_empty() && !placed {
            return refuse(Rule::LimitExceeded, asked.at.index, wanted.positions.len() as u64, 0);
        }

        let approvals = self.quorum(asked, &users, time, listed)?;
        Ok(Permit { application, grant, approvals, number: granted.used + 1, of: given.max_uses })
    }

    /// A use in the ledger: by the gate, and exactly what the gate would allow at that time.
    pub(super) fn seal_use(&self, context: &Context, content: SealUse) -> Result<Effect> {
        self.by_gate(context)?;
        if let Some(place) = self.uses.place(&context.id) {
            return refuse(Rule::Duplicate, self.uses[place].at.index, 1, 2);
        }
        let request = Request {
            application: content.application,
            grant: content.grant,
            user: &content.user,
            document: content.document,
            position: content.position,
        };
        let permit = self.permit(&request, context.at.time, Some(&content.approvals))?;
        let application = &self.applications[permit.application];
        let grant = &self.grants[permit.grant];
        if content.number != permit.number {
            let (limit, actual) = (u64::from(permit.number), u64::from(content.number));
            return refuse(Rule::UseOutOfOrder, grant.at.index, limit, actual);
        }
        if content.of != permit.of {
            return refuse(Rule::UseOutOfOrder, grant.at.index, u64::from(permit.of), u64::from(content.of));
        }
        if content.seal != grant.grant.seal || content.seal_version != grant.grant.seal_version {
            let (limit, actual) = (u64::from(grant.grant.seal_version), u64::from(content.seal_version));
            return refuse(Rule::SealNotActive, grant.at.index, limit, actual);
        }
        let approvers = permit.approvals.iter().map(|&place| application.approvals[place].approver).collect();
        Ok(Effect::Use(Box::new(UseRecord {
            id: context.id,
            application: permit.application,
            grant: permit.grant,
            approvers,
            usage: content,
            end: None,
            at: context.at,
        })))
    }

    /// A use ends once.
    pub(super) fn use_end(&self, context: &Context, usage: StatementId, end: UseEnd) -> Result<Effect> {
        self.by_gate(context)?;
        let usage = self.uses.known(&usage)?;
        match &self.uses[usage].end {
            Some((at, _)) => refuse(Rule::InvalidTransition, at.index, 1, 2),
            None => Ok(Effect::UseEnd { usage, end: Box::new(end) }),
        }
    }

    fn by_gate(&self, context: &Context) -> Result<()> {
        match context.signer {
            Holder::Gate => Ok(()),
            _ => self.not_permitted(context.signer),
        }
    }
}
