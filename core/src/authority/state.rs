//! The state: what the statements up to some entry of the ledger allow. One transition function serves the gate
//! (before an entry is appended) and the audit (after).

use super::name::{MAX_TIME, Name, StatementId};
use super::records::{
    ApplicationRecord, ApprovalRecord, At, GrantRecord, Holder, KeyRecord, Membership, PersonRecord, PolicyRecord,
    SealRecord, SealVersion, UnitRecord, UseEnd, UseRecord,
};
use super::statement::{Content, Life, Policy, Refusal, Statement};
use super::table::{Records, Table};
use crate::hash::HashAlgorithm;
use crate::ledger::{EntryType, FOUNDER_KEY, Genesis, KeyChange, LEDGER_KEY, statement_id};
use crate::{Error, Result, Rule};
use std::collections::BTreeSet;

/// The `statement` of a refusal that no statement decides.
pub(super) const NONE: u64 = u64::MAX;

pub(super) fn refuse<T>(rule: Rule, statement: u64, limit: u64, actual: u64) -> Result<T> {
    Err(Error::Refused { rule, statement, limit, actual })
}

pub(super) fn unknown<T>() -> Result<T> {
    refuse(Rule::UnknownReference, NONE, 1, 0)
}

/// An entry of the ledger as authority sees it. The ledger has checked that the key of row `key_idx` signed the body.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// The type of the entry.
    pub kind: EntryType,
    /// Its index.
    pub index: u64,
    /// Its time, µs since 1970 UTC.
    pub time: u64,
    /// The row of the key that signed the body.
    pub key_idx: u32,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> From<crate::ledger::Entry<'a>> for Event<'a> {
    fn from(entry: crate::ledger::Entry<'a>) -> Self {
        Event {
            kind: entry.kind(),
            index: entry.index(),
            time: entry.time(),
            key_idx: entry.key_idx(),
            body: entry.body(),
        }
    }
}

/// The state after some prefix of the ledger.
#[derive(Clone, Debug)]
pub struct State {
    pub(super) hash: HashAlgorithm,
    pub(super) ledger: [u8; 32],
    pub(super) last: At,
    pub(super) keys: Table<[u8; 65], KeyRecord>,
    pub(super) units: Table<Name, UnitRecord>,
    pub(super) persons: Table<Name, PersonRecord>,
    pub(super) policies: Table<Name, PolicyRecord>,
    pub(super) seals: Table<Name, SealRecord>,
    pub(super) applications: Records<ApplicationRecord>,
    pub(super) grants: Records<GrantRecord>,
    pub(super) uses: Records<UseRecord>,
    /// The places of the uses without an end, when every use is here.
    pub(super) open_uses: BTreeSet<usize>,
    /// How many uses have no end.
    pub(super) open: u64,
}

/// What an entry says, read before its turn.
#[derive(Debug)]
pub(super) struct Read {
    /// The digest of the body, which whoever verifies the ledger compares, before or after.
    pub(super) id: StatementId,
    /// What [`Statement::decode`] makes of the body of a statement.
    pub(super) statement: Result<Statement>,
}

impl Read {
    /// Reads a statement; other entries are read in their turn.
    pub(super) fn of(hash: HashAlgorithm, event: &Event<'_>) -> Option<Self> {
        (event.kind == EntryType::Statement)
            .then(|| Read { id: StatementId(statement_id(hash, event.body)), statement: Statement::decode(event.body) })
    }
}

/// Who signed which statement, and where it would stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    pub(super) at: At,
    pub(super) key: u32,
    pub(super) signer: Holder,
    pub(super) id: StatementId,
}

/// What an accepted entry changes. Made by the rules, which only read the state; taken by `commit`, which cannot fail:
/// so a refused entry leaves the state as it was.
#[derive(Debug)]
pub(crate) enum Effect {
    Nothing,
    KeyAdded(Box<KeyRecord>),
    KeyRevoked(usize),
    KeyRotated { row: usize, record: Box<KeyRecord> },
    KeyGiven { row: usize, person: usize, valid_from: u64, valid_to: u64 },
    Unit(Box<UnitRecord>),
    Person(Box<PersonRecord>),
    Membership { person: usize, membership: Membership },
    Left(usize),
    Policy { place: Option<usize>, policy: Box<Policy> },
    Seal { place: Option<usize>, version: Box<SealVersion> },
    SealStep { seal: usize, state: Life },
    Application(Box<ApplicationRecord>),
    Approval { application: usize, replaces: Option<usize>, approval: ApprovalRecord },
    Refusal { application: usize, by: usize, refusal: Refusal },
    Grant(Box<GrantRecord>),
    GrantRevoked(usize),
    Use(Box<UseRecord>),
    UseEnd { usage: usize, end: Box<UseEnd> },
}

impl State {
    /// The state after entry 0: two keys, nobody yet.
    ///
    /// # Inputs
    /// The body of the ledger's genesis entry.
    ///
    /// # Errors
    /// As [`Genesis::decode`].
    pub fn new(genesis: &[u8]) -> Result<Self> {
        let genesis = Genesis::decode(genesis)?;
        let start = At { index: 0, time: 0 };
        let mut keys = Table::default();
        for (key, holder) in [(genesis.ledger_key(), Holder::Gate), (genesis.founder_key(), Holder::Founder)] {
            let record = KeyRecord {
                key: *key,
                added_by: holder,
                holder,
                valid_from: 0,
                valid_to: u64::MAX,
                added: start,
                given: Some(start),
                revoked: None,
            };
            keys.push(key.to_sec1(), record);
        }
        Ok(State {
            hash: genesis.hash(),
            ledger: genesis.id()?,
            last: start,
            keys,
            units: Table::default(),
            persons: Table::default(),
            policies: Table::default(),
            seals: Table::default(),
            applications: Records::default(),
            grants: Records::default(),
            uses: Records::default(),
            open_uses: BTreeSet::new(),
            open: 0,
        })
    }

    /// Of applications, grants and uses only those used last are held from now on, each in twice so many bytes; what
    /// the next entry needs is brought before it is applied.
    pub(super) fn hold_recent(&mut self, most: usize) {
        self.applications = Records::recent(most);
        self.grants = Records::recent(most);
        self.uses = Records::recent(most);
    }

    /// The hash function of the ledger, and so of its statement ids.
    pub fn hash(&self) -> HashAlgorithm {
        self.hash
    }

    /// The ledger's id: every statement for it names it.
    pub fn ledger(&self) -> &[u8; 32] {
        &self.ledger
    }

    /// The entry applied last.
    pub fn last(&self) -> At {
        self.last
    }

    /// Judges the next entry and takes it. The state is unchanged when the entry is refused.
    ///
    /// # Errors
    /// [`Error::Refused`] naming the rule; the errors of [`Statement::decode`] for a body that is no statement;
    /// [`Error::InvalidArgument`] for an entry out of turn, of another ledger, or of a time beyond the year 9999.
    pub fn apply(&mut self, event: &Event<'_>) -> Result<()> {
        self.apply_read(event, None)
    }

    /// [`State::apply`] for an entry whose statement id is known and whose body has been read.
    pub(super) fn apply_read(&mut self, event: &Event<'_>, read: Option<Read>) -> Result<()> {
        let effect = self.decide(event, read)?;
        let at = At { index: event.index, time: event.time };
        self.commit(at, effect);
        self.last = at;
        Ok(())
    }

    /// Judges the next entry without taking it: the same decision as [`State::apply`].
    ///
    /// # Errors
    /// As [`State::apply`].
    pub fn check(&self, event: &Event<'_>) -> Result<()> {
        self.decide(event, None).map(|_| ())
    }

    /// Lets a refused entry pass: the replay of the audit goes on after it. The ledger's key table grows with every
    /// KEY_ADD, so a refused one leaves a row here, too, dead from the start; its key is returned.
    pub(super) fn pass(&mut self, event: &Event<'_>) -> Option<[u8; 65]> {
        let at = At { index: event.index, time: event.time };
        self.last.index = event.index;
        if !matches!(event.kind, EntryType::KeyAdd | EntryType::KeyRotate) {
            return None;
        }
        let change = KeyChange::decode(event.body, &self.ledger);
        let Ok(KeyChange::Add { key, .. } | KeyChange::Rotate { key, .. }) = change else { return None };
        if self.keys.place(&key.to_sec1()).is_some() {
            return None;
        }
        let record = KeyRecord {
            key,
            added_by: Holder::Nobody,
            holder: Holder::Nobody,
            valid_from: 0,
            valid_to: u64::MAX,
            added: at,
            given: None,
            revoked: Some(at),
        };
        self.keys.push(key.to_sec1(), record);
        Some(key.to_sec1())
    }

    fn decide(&self, event: &Event<'_>, read: Option<Read>) -> Result<Effect> {
        let at = At { index: event.index, time: event.time };
        if Some(at.index) != self.last.index.checked_add(1) {
            let reason = "entries come in ledger order, each once: give the one after the entry applied last";
            return Err(Error::InvalidArgument { field: "entry.index", reason });
        }
        if at.time > MAX_TIME {
            let reason = "a time up to the year 9999, in µs since 1970 UTC, belongs here";
            return Err(Error::InvalidArgument { field: "entry.time", reason });
        }
        if at.time < self.last.time {
            return refuse(Rule::TimeReversed, self.last.index, self.last.time, at.time);
        }
        let signer = self.signer(event.key_idx, at.time)?;
        let (id, statement) = match read {
            Some(Read { id, statement }) => (id, Some(statement)),
            None => (StatementId(statement_id(self.hash, event.body)), None),
        };
        let context = Context { at, key: event.key_idx, signer, id };
        match event.kind {
            EntryType::Genesis => {
                Err(Error::InvalidArgument { field: "entry.type", reason: "the genesis stands at index 0 only" })
            }
            EntryType::Statement => {
                self.decide_statement(&context, statement.unwrap_or_else(|| Statement::decode(event.body))?)
            }
            // The ledger's own marks, which change no authority; SEGMENT entries come from its writer.
            EntryType::Segment | EntryType::Redact | EntryType::Anchor => match context.signer {
                Holder::Gate | Holder::Founder => Ok(Effect::Nothing),
                signer => self.not_permitted(signer),
            },
            EntryType::KeyAdd | EntryType::KeyRevoke | EntryType::KeyRotate => {
                let change = KeyChange::decode(event.body, &self.ledger)?;
                match (event.kind, change) {
                    (EntryType::KeyRotate, KeyChange::Rotate { key_idx, key, .. }) => {
                        self.key_rotate(&context, key_idx, key)
                    }
                    (EntryType::KeyAdd, KeyChange::Add { key, .. }) => self.key_add(&context, key),
                    (EntryType::KeyRevoke, KeyChange::Revoke { key_idx, .. }) => self.key_revoke(&context, key_idx),
                    _ => Err(Error::InvalidArgument { field: "entry.type", reason: "the body is of another type" }),
                }
            }
        }
    }

    fn decide_statement(&self, context: &Context, statement: Statement) -> Result<Effect> {
        if statement.ledger != self.ledger {
            let reason = "the statement was made for another ledger: name this ledger's id and sign it again";
            return Err(Error::InvalidArgument { field: "statement.ledger", reason });
        }
        if statement.by.as_str() != self.holder_name(context.signer) {
            return refuse(Rule::KeyNotValid, self.key_at(context.key), u64::from(context.key), u64::from(context.key));
        }
        if let Some(seen) = statement.seen
            && seen.size > context.at.index
        {
            return refuse(Rule::LimitExceeded, NONE, context.at.index, seen.size);
        }
        match statement.content {
            Content::Unit(content) => self.unit(context, content),
            Content::Person(content) => self.person(context, &content),
            Content::PersonLeft(content) => self.person_left(context, &content),
            Content::PersonKey(content) => self.person_key(context, &content),
            Content::Policy(content) => self.policy(context, content),
            Content::Seal(content) => self.seal(context, content),
            Content::SealState(content) => self.seal_state(context, &content),
            Content::Application(content) => self.application(context, content),
            Content::Approval(content) => self.approval(context, &content),
            Content::Refusal(content) => self.refusal(context, content),
            Content::Grant(content) => self.grant(context, content),
            Content::GrantRevoke(content) => self.grant_revoke(context, &content),
            Content::SealUse(content) => self.seal_use(context, content),
            Content::UseDelivered(content) => self.use_end(context, content.usage, UseEnd::Delivered(content)),
            Content::UseFailed(content) => self.use_end(context, content.usage, UseEnd::Failed(content)),
        }
    }

    /// Who signs with the key of this row at this time.
    pub(super) fn signer(&self, key_idx: u32, time: u64) -> Result<Holder> {
        let Some(row) = self.keys.rows().get(key_idx as usize) else {
            return refuse(Rule::KeyNotValid, NONE, self.keys.rows().len() as u64, u64::from(key_idx));
        };
        let given = row.given.unwrap_or(row.added);
        if let Some(revoked) = row.revoked {
            return refuse(Rule::KeyNotValid, revoked.index, revoked.time, time);
        }
        if time < row.valid_from {
            return refuse(Rule::KeyNotValid, given.index, row.valid_from, time);
        }
        if time >= row.valid_to {
            return refuse(Rule::KeyNotValid, given.index, row.valid_to, time);
        }
        match row.holder {
            Holder::Nobody => refuse(Rule::KeyNotValid, row.added.index, 1, 0),
            Holder::Person(person) => match self.persons[person].left {
                Some(left) => refuse(Rule::NotPermitted, left.index, left.time, time),
                None => Ok(row.holder),
            },
            Holder::Gate | Holder::Founder => Ok(row.holder),
        }
    }

    /// The name that a holder signs with.
    pub fn holder_name(&self, holder: Holder) -> &str {
        match holder {
            Holder::Nobody => "",
            Holder::Gate => Name::GATE,
            Holder::Founder => Name::FOUNDER,
            Holder::Person(person) => self.persons[person].id.as_str(),
        }
    }

    /// The statement that gave this row to its holder.
    fn key_at(&self, key_idx: u32) -> u64 {
        let row = &self.keys[key_idx as usize];
        row.given.unwrap_or(row.added).index
    }

    fn commit(&mut self, at: At, effect: Effect) {
        match effect {
            Effect::KeyAdded(record) => {
                self.keys.push(record.key.to_sec1(), *record);
            }
            Effect::Nothing => {}
            Effect::KeyRevoked(row) => self.keys.rows[row].revoked = Some(at),
            Effect::KeyRotated { row, record } => {
                self.keys.rows[row].revoked = Some(at);
                let holder = record.holder;
                let new = self.keys.push(record.key.to_sec1(), *record);
                if let Holder::Person(person) = holder {
                    self.persons.rows[person].keys.push(new as u32);
                }
            }
            Effect::KeyGiven { row, person, valid_from, valid_to } => {
                let key = &mut self.keys.rows[row];
                (key.holder, key.given) = (Holder::Person(person), Some(at));
                (key.valid_from, key.valid_to) = (valid_from, valid_to);
                self.persons.rows[person].keys.push(row as u32);
            }
            Effect::Unit(record) => {
                self.units.push(record.unit.id.clone(), *record);
            }
            Effect::Person(record) => {
                self.persons.push(record.id.clone(), *record);
            }
            Effect::Membership { person, membership } => self.persons.rows[person].revisions.push(membership),
            Effect::Left(person) => self.persons.rows[person].left = Some(at),
            Effect::Policy { place: Some(place), policy } => {
                self.policies.rows[place].revisions.push((at, *policy));
            }
            Effect::Policy { place: None, policy } => {
                self.policies.push(policy.id.clone(), PolicyRecord { revisions: vec![(at, *policy)] });
            }
            Effect::Seal { place: Some(place), version } => self.seals.rows[place].versions.push(*version),
            Effect::Seal { place: None, version } => {
                self.seals.push(version.seal.id.clone(), SealRecord { versions: vec![*version] });
            }
            Effect::SealStep { seal, state } => {
                let versions = &mut self.seals.rows[seal].versions;
                versions.last_mut().expect("a seal has a first version").steps.push((at, state));
            }
            Effect::Application(record) => {
                self.applications.push(*record);
            }
            Effect::Approval { application, replaces, approval } => {
                let approvals = &mut self.applications.get_mut(application).approvals;
                if let Some(place) = replaces {
                    approvals.remove(place);
                }
                approvals.push(approval);
            }
            Effect::Refusal { application, by, refusal } => {
                self.applications.get_mut(application).refused = Some((at, by, refusal));
            }
            Effect::Grant(record) => {
                self.grants.push(*record);
            }
            Effect::GrantRevoked(grant) => self.grants.get_mut(grant).revoked = Some(at),
            Effect::Use(record) => self.take_use(*record),
            Effect::UseEnd { usage, end } => {
                self.uses.get_mut(usage).end = Some((at, *end));
                self.open_uses.remove(&usage);
                self.open -= 1;
            }
        }
    }

    /// Counts a use at its grant, at every grant above and at the application.
    fn take_use(&mut self, record: UseRecord) {
        let mut link = Some(record.grant);
        while let Some(place) = link {
            let grant = self.grants.get_mut(place);
            grant.used += 1;
            link = grant.parent;
        }
        self.applications.get_mut(record.application).used += 1;
        let place = self.uses.push(record);
        self.open += 1;
        if self.uses.all().is_some() {
            self.open_uses.insert(place);
        }
    }
}

const _: () = assert!(LEDGER_KEY == 0 && FOUNDER_KEY == 1);
