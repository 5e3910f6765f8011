//! A small company to test with: a ledger in memory, its people, and one seal with a policy.

use sealcore::authority::{
    Amount, Application, Approval, Content, Digests, Event, Grant, Life, Name, Person, PersonKey, Policy, Request,
    Role, Roles, Seal, SealForm, SealKind, SealState, State, Statement, StatementId, Unit, UseDelivered, UseToken,
};
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::{EntryType, Genesis, KeyChange, statement_id};
use sealcore::sign::{Algorithm, SigningKey, VerifyingKey};
use sealcore::{Error, Result, Rule};
use std::collections::HashMap;

/// 2025-01-01, µs.
pub(crate) const START: u64 = 1_735_689_600_000_000;
pub(crate) const SECOND: u64 = 1_000_000;
pub(crate) const DAY: u64 = 86_400 * SECOND;

/// An entry that was accepted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) kind: EntryType,
    pub(crate) time: u64,
    pub(crate) key_idx: u32,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn event(index: u64, entry: &Entry) -> Event<'_> {
    Event { kind: entry.kind, index, time: entry.time, key_idx: entry.key_idx, body: &entry.body }
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) state: State,
    /// Every accepted entry from index 0, the genesis.
    pub(crate) log: Vec<Entry>,
    pub(crate) now: u64,
    /// The row with which each person signs.
    pub(crate) rows: HashMap<String, u32>,
    next_key: u64,
}

pub(crate) fn name(text: &str) -> Name {
    Name::new("test", text).expect("a name")
}

pub(crate) fn names(texts: &[&str]) -> Vec<Name> {
    let mut names: Vec<Name> = texts.iter().map(|text| name(text)).collect();
    names.sort();
    names
}

pub(crate) fn document(label: &str) -> Digests {
    Digests::of(label.as_bytes())
}

pub(crate) fn test_key(number: u64) -> VerifyingKey {
    let mut d = [0; 32];
    d[24..].copy_from_slice(&(number + 1).to_be_bytes());
    let algorithm = if number.is_multiple_of(2) { Algorithm::Sm2 } else { Algorithm::P256 };
    SigningKey::from_bytes(algorithm, &d).expect("a small scalar").verifying_key()
}

/// The rule and the deciding statement of a refusal; anything else is a failed test.
#[track_caller]
pub(crate) fn rule<T: core::fmt::Debug>(result: Result<T>) -> Rule {
    match result {
        Err(Error::Refused { rule, .. }) => rule,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[track_caller]
pub(crate) fn refusal<T: core::fmt::Debug>(result: Result<T>) -> (Rule, u64, u64, u64) {
    match result {
        Err(Error::Refused { rule, statement, limit, actual }) => (rule, statement, limit, actual),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

impl World {
    /// An empty ledger: the gate's key and the founder's.
    pub(crate) fn empty(hash: HashAlgorithm) -> World {
        let genesis =
            Genesis::with_nonce("example.com/seals", hash, test_key(0), test_key(1), [7; 16]).expect("genesis");
        let body = genesis.encode().expect("genesis");
        let state = State::new(&body).expect("state");
        let log = vec![Entry { kind: EntryType::Genesis, time: START, key_idx: 0, body }];
        let rows = HashMap::from([("gate".to_owned(), 0), ("founder".to_owned(), 1)]);
        World { state, log, now: START, rows, next_key: 2 }
    }

    /// Headquarters, branch "east" with department "sales", people of every role, and an active seal "company-seal"
    /// under policy "two-of-three": two approvals of three named approvers.
    pub(crate) fn company() -> World {
        let mut world = World::empty(HashAlgorithm::Sha256);
        world.unit("founder", "hq", None);
        world.hire("founder", "boss", "hq", &[Role::Manager]);
        world.unit("boss", "east", Some("hq"));
        world.hire("boss", "eve", "east", &[Role::Manager]);
        world.unit("eve", "sales", Some("east"));
        world.hire("boss", "ann", "hq", &[Role::Approver]);
        world.hire("boss", "bob", "hq", &[Role::Approver]);
        world.hire("eve", "cat", "east", &[Role::Approver, Role::Applicant]);
        world.hire("boss", "olga", "hq", &[Role::Authoriser]);
        world.hire("eve", "liwei", "sales", &[Role::Applicant]);
        world.hire("eve", "mary", "sales", &[Role::Applicant]);
        world.hire("boss", "audrey", "hq", &[Role::Auditor]);
        world.say("boss", policy()).expect("policy");
        world.say("boss", seal(1)).expect("seal");
        world.say("boss", step(1, 1, Life::Active)).expect("active");
        world
    }

    /// The next entry, one second later.
    pub(crate) fn append(&mut self, kind: EntryType, key_idx: u32, body: Vec<u8>) -> Result<u64> {
        self.now += SECOND;
        self.append_now(kind, key_idx, body)
    }

    /// The next entry, at the time it is.
    pub(crate) fn append_now(&mut self, kind: EntryType, key_idx: u32, body: Vec<u8>) -> Result<u64> {
        let entry = Entry { kind, time: self.now, key_idx, body };
        let index = self.log.len() as u64;
        self.state.apply(&event(index, &entry))?;
        self.log.push(entry);
        Ok(index)
    }

    pub(crate) fn body(&self, by: &str, content: impl Into<Content>) -> Vec<u8> {
        let statement = Statement { by: name(by), ledger: *self.state.ledger(), seen: None, content: content.into() };
        statement.encode().expect("a statement that encodes")
    }

    pub(crate) fn say(&mut self, by: &str, content: impl Into<Content>) -> Result<StatementId> {
        let body = self.body(by, content);
        let id = StatementId(statement_id(self.state.hash(), &body));
        self.append(EntryType::Statement, self.rows[by], body)?;
        Ok(id)
    }

    pub(crate) fn unit(&mut self, by: &str, id: &str, parent: Option<&str>) {
        let content = Unit { id: name(id), parent: parent.map(name), name: [1; 32], region: None };
        self.say(by, content).expect("unit");
    }

    /// A new row in the key table.
    pub(crate) fn key_add(&mut self, by: &str) -> Result<VerifyingKey> {
        let key = test_key(self.next_key);
        self.next_key += 1;
        let body = KeyChange::Add { key, label: None }.encode(self.state.ledger()).expect("key change");
        self.append(EntryType::KeyAdd, self.rows[by], body)?;
        Ok(key)
    }

    pub(crate) fn key_revoke(&mut self, by: &str, key_idx: u32) -> Result<u64> {
        let body = KeyChange::Revoke { key_idx, reason: None }.encode(self.state.ledger()).expect("key change");
        self.append(EntryType::KeyRevoke, self.rows[by], body)
    }

    /// Gives a new key to a person; the row is returned and becomes the one with which the person signs.
    pub(crate) fn give_key(&mut self, by: &str, person: &str) -> Result<u32> {
        let key = self.key_add(by)?;
        let row = self.state.keys().len() as u32 - 1;
        let content = PersonKey { person: name(person), key: key.to_sec1(), valid_from: None, valid_to: None };
        self.say(by, content)?;
        self.rows.insert(person.to_owned(), row);
        Ok(row)
    }

    pub(crate) fn person(
        &mut self,
        by: &str,
        id: &str,
        revision: u32,
        unit: &str,
        roles: &[Role],
    ) -> Result<StatementId> {
        let (id, unit, roles) = (name(id), name(unit), Roles::of(roles));
        self.say(by, Person { id, revision, unit, name: [2; 32], roles })
    }

    pub(crate) fn hire(&mut self, by: &str, id: &str, unit: &str, roles: &[Role]) {
        self.person(by, id, 1, unit, roles).expect("person");
        self.give_key(by, id).expect("key");
    }

    pub(crate) fn approve(&mut self, by: &str, application: StatementId) -> Result<StatementId> {
        let expires = self.now + 30 * DAY;
        self.say(by, Approval { application, expires })
    }

    /// An application of "liwei", approved by "ann" and "bob".
    pub(crate) fn approved(&mut self, impressions: u32) -> StatementId {
        let id = self.say("liwei", application(impressions)).expect("application");
        self.approve("ann", id).expect("first approval");
        self.approve("bob", id).expect("second approval");
        id
    }

    /// A grant of "olga" to "liwei" on that application.
    pub(crate) fn granted(&mut self, application: StatementId, max_uses: u32) -> StatementId {
        let content = self.grant_on(application, max_uses);
        self.say("olga", content).expect("grant")
    }

    pub(crate) fn grant_on(&self, application: StatementId, max_uses: u32) -> Grant {
        Grant {
            application: Some(application),
            documents: vec![document("contract")],
            classes: Vec::new(),
            max_uses,
            ..self.standing_grant()
        }
    }

    /// A grant for a class of documents, resting on no application.
    pub(crate) fn standing_grant(&self) -> Grant {
        Grant {
            grantee: name("liwei"),
            seal: name("company-seal"),
            seal_version: 1,
            max_uses: 10,
            valid_from: self.now,
            valid_to: self.now + 7 * DAY,
            depth_left: 0,
            application: None,
            parent: None,
            documents: Vec::new(),
            classes: names(&["contract"]),
            max_amounts: Vec::new(),
        }
    }

    pub(crate) fn authorise(&self, application: StatementId, grant: StatementId) -> Result<UseToken> {
        self.authorise_for(application, grant, "liwei", document("contract"))
    }

    pub(crate) fn authorise_for(
        &self,
        application: StatementId,
        grant: StatementId,
        user: &str,
        document: Digests,
    ) -> Result<UseToken> {
        let request = Request { application, grant, user: &name(user), document, position: None };
        self.state.authorise(&request, self.now, None)
    }

    pub(crate) fn take(&mut self, token: &UseToken) -> Result<StatementId> {
        self.append_now(EntryType::Statement, 0, token.body().to_vec())?;
        Ok(token.id())
    }

    pub(crate) fn deliver(&mut self, usage: StatementId) {
        let content = UseDelivered { usage, document: document("sealed"), level: name("pades-b-b") };
        self.say("gate", content).expect("delivered");
    }

    /// The whole of one use.
    pub(crate) fn use_seal(&mut self, application: StatementId, grant: StatementId) -> StatementId {
        let token = self.authorise(application, grant).expect("authorised");
        let usage = self.take(&token).expect("taken");
        self.deliver(usage);
        usage
    }
}

pub(crate) fn policy() -> Policy {
    Policy {
        id: name("two-of-three"),
        revision: 1,
        quorum: 2,
        approvers: names(&["ann", "bob", "cat"]),
        approver_units: Vec::new(),
        distinct_units: 1,
        required_units: Vec::new(),
        applicant_units: names(&["hq"]),
        classes: Vec::new(),
        max_amounts: Vec::new(),
    }
}

pub(crate) fn seal(version: u32) -> Seal {
    Seal {
        id: name("company-seal"),
        version,
        unit: name("hq"),
        kind: SealKind::Company,
        form: SealForm::Electronic,
        policy: name("two-of-three"),
        width_um: 42_000,
        height_um: 42_000,
        certificate: Some([3; 32]),
        imprint: None,
        filing_number: None,
    }
}

pub(crate) fn step(version: u32, step: u32, state: Life) -> SealState {
    SealState { seal: name("company-seal"), version, step, state, reason: name("test"), note: None }
}

pub(crate) fn application(impressions: u32) -> Application {
    Application {
        seal: name("company-seal"),
        seal_version: 1,
        purpose: [4; 32],
        documents: sorted(vec![document("contract"), document("annex")]),
        document_class: name("contract"),
        impressions,
        amount: Some(amount("CNY", 1_000_000)),
        counterparty: None,
        positions: Vec::new(),
        on_behalf_of: None,
    }
}

pub(crate) fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}

pub(crate) fn amount(currency: &str, minor: u64) -> Amount {
    Amount { currency: currency.as_bytes().try_into().expect("three letters"), minor }
}
