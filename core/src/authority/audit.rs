//! The audit: the same transition function over a whole ledger. What the rules refuse becomes a finding, and the
//! replay goes on.

use super::archive::Archive;
use super::name::{Name, StatementId};
use super::records::At;
use super::state::{Event, Read, State};
use super::statement::{Content, Statement};
use crate::ledger::{EntryType, statement_id};
use crate::{Error, Result, Rule};
use std::collections::HashMap;

/// The most findings that are kept; further ones are only counted.
pub const MAX_FINDINGS: usize = 10_000;

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// The rules refuse it, or it is no statement. It had no effect on the rest of the replay.
    Refused(Error),
    /// A use that the gate took and that nobody ended.
    UseUnfinished,
}

/// One finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The index of the entry.
    pub index: u64,
    /// What is wrong.
    pub violation: Violation,
    /// The index of an earlier refused entry that this one needs: this finding follows from that one.
    pub cause: Option<u64>,
}

/// What a refused entry would have brought into the state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Missing {
    Statement(StatementId),
    Named(&'static str, Name),
    Key([u8; 65]),
    /// A use number of this grant.
    Use(StatementId),
}

/// A replay under way.
#[derive(Debug)]
pub struct Audit {
    state: State,
    /// Where the records go that the state does not hold; `None`: it holds all.
    archive: Option<Archive>,
    entries: u64,
    findings: Vec<Finding>,
    total: u64,
    missing: HashMap<Missing, u64>,
}

/// What an audit found.
#[derive(Clone, Debug)]
pub struct AuditReport {
    /// How many entries were replayed, the genesis included.
    pub entries: u64,
    /// The findings in the order of the ledger, those about unfinished uses last; at most [`MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// How many findings there are in all.
    pub total: u64,
    /// The state at the end: every use with its applicant, approvers, grants and result. `None` after
    /// [`Audit::bounded`].
    pub state: Option<State>,
}

impl Audit {
    /// Begins with the body of entry 0. The state is held in memory and grows with every application, grant and use.
    ///
    /// # Errors
    /// As [`State::new`]: without a genesis there is nothing to audit.
    pub fn new(genesis: &[u8]) -> Result<Self> {
        let state = State::new(genesis)?;
        Ok(Audit { state, archive: None, entries: 1, findings: Vec::new(), total: 0, missing: HashMap::new() })
    }

    /// [`Audit::new`] for a ledger of any size: the applications, grants and uses that were needed last are held in
    /// memory, in about `memory` bytes (twice that while some leave), the others in temporary files without names, in
    /// the system's folder for them: about 600 bytes for each time that a record leaves changed. Where that folder is
    /// itself in memory, name another one (TMPDIR). The findings are the same. Units, persons, keys, policies and
    /// seals are always held.
    ///
    /// # Errors
    /// As [`Audit::new`].
    pub fn bounded(genesis: &[u8], memory: usize) -> Result<Self> {
        let mut audit = Audit::new(genesis)?;
        // Three tables of two generations each.
        audit.state.hold_recent(memory / 6);
        audit.archive = Some(Archive::default());
        Ok(audit)
    }

    /// Replays the next entry. An index that is not the next one is a finding of its own; the replay goes on from it.
    ///
    /// # Errors
    /// [`Error::AuditIo`] when a temporary file cannot be made, written or read: then the audit is at its end. What is
    /// wrong with an entry is a finding.
    pub fn feed(&mut self, event: &Event<'_>) -> Result<()> {
        self.feed_read(event, Read::of(self.state.hash, event))
    }

    pub(super) fn feed_read(&mut self, event: &Event<'_>, read: Option<Read>) -> Result<()> {
        self.entries += 1;
        if Some(event.index) != self.state.last.index.checked_add(1) {
            let reason = "the index does not follow that of the entry before";
            self.found(event.index, Violation::Refused(Error::InvalidArgument { field: "entry.index", reason }), None);
            // From here on the indexes count from this entry; 0 stays 1, the genesis is no entry to replay.
            self.state.last.index = event.index.max(1) - 1;
        }
        let event = Event { index: self.state.last.index.saturating_add(1), ..*event };
        if let (Some(archive), Some(Read { id, statement: Ok(statement) })) = (&mut self.archive, &read) {
            archive.bring(&mut self.state, id, &statement.content)?;
        }
        if let Err(error) = self.state.apply_read(&event, read) {
            self.refused(&event, error);
        }
        self.archive.as_mut().map_or(Ok(()), |archive| archive.settle(&mut self.state))
    }

    /// Ends the replay: a use without an end is a finding.
    ///
    /// # Errors
    /// As [`Audit::feed`].
    pub fn finish(mut self) -> Result<AuditReport> {
        let open: Vec<At> = match &mut self.archive {
            _ if self.state.open == 0 => Vec::new(),
            Some(archive) => archive.open_uses(&self.state, MAX_FINDINGS)?,
            None => self.state.open_uses().take(MAX_FINDINGS).map(|usage| usage.at).collect(),
        };
        let unlisted = self.state.open - open.len() as u64;
        for at in open {
            self.found(at.index, Violation::UseUnfinished, None);
        }
        Ok(AuditReport {
            entries: self.entries,
            findings: self.findings,
            total: self.total + unlisted,
            state: self.archive.is_none().then_some(self.state),
        })
    }

    fn found(&mut self, index: u64, violation: Violation, cause: Option<u64>) {
        self.total += 1;
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding { index, violation, cause });
        }
    }

    fn refused(&mut self, event: &Event<'_>, error: Error) {
        let key = self.state.pass(event);
        let (mut brings, mut needs) = (Vec::new(), Vec::new());
        brings.extend(key.map(Missing::Key));
        if event.kind == EntryType::Statement
            && let Ok(statement) = Statement::decode(event.body)
        {
            let id = StatementId(statement_id(self.state.hash, event.body));
            brought_and_needed(&statement.content, id, &mut brings, &mut needs);
        }
        let relevant = |missing: &&Missing| match error {
            Error::Refused { rule: Rule::UseOutOfOrder, .. } => matches!(missing, Missing::Use(_)),
            Error::Refused { rule: Rule::UnknownReference | Rule::ApprovalRequired, .. } => {
                !matches!(missing, Missing::Use(_))
            }
            _ => false,
        };
        let cause = needs.iter().filter(relevant).find_map(|missing| self.missing.get(missing)).copied();
        for missing in brings {
            if self.missing.len() < 4 * MAX_FINDINGS {
                self.missing.entry(missing).or_insert(event.index);
            }
        }
        self.found(event.index, Violation::Refused(error), cause);
    }
}

/// What a statement would bring into the state, and what it needs from it.
fn brought_and_needed(content: &Content, id: StatementId, brings: &mut Vec<Missing>, needs: &mut Vec<Missing>) {
    let named = |kind, name: &Name| Missing::Named(kind, name.clone());
    match content {
        Content::Unit(unit) => {
            brings.push(named("unit", &unit.id));
            needs.extend(unit.parent.iter().map(|parent| named("unit", parent)));
        }
        Content::Person(person) => {
            brings.push(named("person", &person.id));
            needs.push(named("unit", &person.unit));
        }
        Content::PersonLeft(left) => needs.push(named("person", &left.person)),
        Content::PersonKey(key) => needs.extend([named("person", &key.person), Missing::Key(key.key)]),
        Content::Policy(policy) => {
            brings.push(named("policy", &policy.id));
            needs.extend(policy.approvers.iter().map(|person| named("person", person)));
            let units = policy.approver_units.iter().chain(&policy.required_units).chain(&policy.applicant_units);
            needs.extend(units.map(|unit| named("unit", unit)));
        }
        Content::Seal(seal) => {
            brings.push(named("seal", &seal.id));
            needs.extend([named("unit", &seal.unit), named("policy", &seal.policy)]);
        }
        Content::SealState(state) => needs.push(named("seal", &state.seal)),
        Content::Application(application) => {
            brings.push(Missing::Statement(id));
            needs.push(named("seal", &application.seal));
            needs.extend(application.on_behalf_of.iter().map(|unit| named("unit", unit)));
        }
        Content::Approval(approval) => {
            brings.push(Missing::Statement(id));
            needs.push(Missing::Statement(approval.application));
        }
        Content::Refusal(refusal) => needs.push(Missing::Statement(refusal.application)),
        Content::Grant(grant) => {
            brings.push(Missing::Statement(id));
            needs.extend(grant.application.iter().chain(&grant.parent).map(|&id| Missing::Statement(id)));
            needs.extend([named("person", &grant.grantee), named("seal", &grant.seal)]);
        }
        Content::GrantRevoke(revoke) => needs.push(Missing::Statement(revoke.grant)),
        Content::SealUse(usage) => {
            brings.extend([Missing::Statement(id), Missing::Use(usage.grant)]);
            let statements = [usage.application, usage.grant].into_iter().chain(usage.approvals.iter().copied());
            needs.extend(statements.map(Missing::Statement));
            needs.push(Missing::Use(usage.grant));
        }
        Content::UseDelivered(end) => needs.push(Missing::Statement(end.usage)),
        Content::UseFailed(end) => needs.push(Missing::Statement(end.usage)),
    }
}
