//! Synthetic ledgers of statements: a company that seals one document after the other, every use applied for, approved by
//! two, granted, taken and delivered; for benchmarks and tests of scale. Keys are known to everybody.

use std::collections::BTreeMap;
use std::path::Path;

use super::name::{Digests, MAX_TIME, Name, StatementId};
use super::statement::{
    Application, Approval, Content, Grant, Life, Person, PersonKey, Policy, Role, Roles, Seal, SealForm, SealKind,
    SealState, SealUse, Statement, Unit, UseDelivered,
};
use crate::hash::sha256;
use crate::ledger::{
    EntryType, FOUNDER_KEY, KeyChange, LEDGER_KEY, Ledger, NewEntry, Synthetic, message_of, statement_id,
};
use crate::sign::{SigningKey, sign_many};
use crate::{Error, Result};

/// Statements of one use: application, two approvals, grant, use, delivery.
const OF_A_USE: u64 = 6;
/// Uses that are signed together: lanes need many.
const TOGETHER: u64 = 1 << 12;
/// Rows of the key table: the first that is a person's, who manages; who grants; two who approve; then who apply.
const BOSS: u32 = FOUNDER_KEY + 1;
const APPLICANTS: u32 = BOSS + 4;

/// What is being made.
struct Office {
    shape: Synthetic,
    ledger: [u8; 32],
}

/// A body that waits for its signature: the row of who signs, what it is.
struct Unsigned {
    row: u32,
    kind: EntryType,
    body: Vec<u8>,
    id: StatementId,
}

fn name(text: &str) -> Result<Name> {
    Name::new("synthetic", text)
}

impl Office {
    fn person(&self, row: u32) -> Result<Name> {
        match row {
            LEDGER_KEY => name(Name::GATE),
            FOUNDER_KEY => name(Name::FOUNDER),
            _ => name(&format!("person-{row}")),
        }
    }

    fn say(&self, row: u32, content: impl Into<Content>) -> Result<Unsigned> {
        let statement = Statement { by: self.person(row)?, ledger: self.ledger, seen: None, content: content.into() };
        let body = statement.encode()?;
        Ok(Unsigned { row, kind: EntryType::Statement, id: StatementId(statement_id(self.shape.hash, &body)), body })
    }

    /// The company: units, people and their keys, a policy, a seal.
    fn company(&self) -> Result<Vec<Unsigned>> {
        let hq = name("hq")?;
        let mut out = Vec::new();
        let unit = Unit { id: hq.clone(), parent: None, name: [1; 32], region: None };
        out.push(self.say(FOUNDER_KEY, unit)?);
        for row in BOSS..BOSS + self.shape.keys {
            let role = match row {
                BOSS => Role::Manager,
                _ if row == BOSS + 1 => Role::Authoriser,
                _ if row < APPLICANTS => Role::Approver,
                _ => Role::Applicant,
            };
            let (id, unit, roles) = (self.person(row)?, hq.clone(), Roles::of(&[role]));
            out.push(self.say(FOUNDER_KEY, Person { id: id.clone(), revision: 1, unit, name: [2; 32], roles })?);
            let key = self.shape.key(row)?.verifying_key();
            let body = KeyChange::Add { key, label: None }.encode(&self.ledger)?;
            let add = StatementId(statement_id(self.shape.hash, &body));
            out.push(Unsigned { row: FOUNDER_KEY, kind: EntryType::KeyAdd, body, id: add });
            let given = PersonKey { person: id, key: key.to_sec1(), valid_from: None, valid_to: None };
            out.push(self.say(FOUNDER_KEY, given)?);
        }
        let mut approvers = vec![self.person(BOSS + 2)?, self.person(BOSS + 3)?];
        approvers.sort();
        let policy = Policy {
            id: name("two-of-two")?,
            revision: 1,
            quorum: 2,
            approvers,
            approver_units: Vec::new(),
            distinct_units: 1,
            required_units: Vec::new(),
            applicant_units: vec![hq.clone()],
            classes: Vec::new(),
            max_amounts: Vec::new(),
        };
        let seal = Seal {
            id: name("company-seal")?,
            version: 1,
            unit: hq,
            kind: SealKind::Company,
            form: SealForm::Electronic,
            policy: policy.id.clone(),
            width_um: 42_000,
            height_um: 42_000,
            certificate: Some([3; 32]),
            imprint: None,
            filing_number: None,
        };
        let active = SealState {
            seal: seal.id.clone(),
            version: 1,
            step: 1,
            state: Life::Active,
            reason: name("synthetic")?,
            note: None,
        };
        out.extend([self.say(BOSS, policy)?, self.say(BOSS, seal)?, self.say(BOSS, active)?]);
        Ok(out)
    }

    /// One use, from the application to the delivery.
    fn usage(&self, number: u64, out: &mut Vec<Unsigned>) -> Result<()> {
        let row = APPLICANTS + (number % u64::from(self.shape.keys - (APPLICANTS - BOSS))) as u32;
        let document = Digests::of(&sha256(&[self.shape.seed.to_be_bytes(), number.to_be_bytes()].concat()));
        let (seal, class) = (name("company-seal")?, name("contract")?);
        let application = self.say(
            row,
            Application {
                seal: seal.clone(),
                seal_version: 1,
                purpose: [4; 32],
                documents: vec![document],
                document_class: class.clone(),
                impressions: 1,
                amount: None,
                counterparty: None,
                positions: Vec::new(),
                on_behalf_of: None,
            },
        )?;
        let approval = Approval { application: application.id, expires: MAX_TIME };
        let approvals = [self.say(BOSS + 2, approval.clone())?, self.say(BOSS + 3, approval)?];
        let grant = self.say(
            BOSS + 1,
            Grant {
                grantee: self.person(row)?,
                seal: seal.clone(),
                seal_version: 1,
                max_uses: 1,
                valid_from: 0,
                valid_to: MAX_TIME,
                depth_left: 0,
                application: Some(application.id),
                parent: None,
                documents: vec![document],
                classes: Vec::new(),
                max_amounts: Vec::new(),
            },
        )?;
        let usage = self.say(
            LEDGER_KEY,
            SealUse {
                application: application.id,
                grant: grant.id,
                approvals: approvals.iter().map(|approval| approval.id).collect(),
                user: self.person(row)?,
                seal,
                seal_version: 1,
                document,
                number: 1,
                of: 1,
                position: None,
            },
        )?;
        let level = name("pades-b-b")?;
        let delivered = self.say(LEDGER_KEY, UseDelivered { usage: usage.id, document, level })?;
        out.push(application);
        out.extend(approvals);
        out.extend([grant, usage, delivered]);
        Ok(())
    }

    /// Signs, each key its own.
    fn sign(&self, unsigned: Vec<Unsigned>, keys: &[SigningKey]) -> Result<Vec<NewEntry>> {
        let mut mine: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        unsigned.iter().enumerate().for_each(|(at, one)| mine.entry(one.row).or_default().push(at));
        let messages: Vec<[u8; 48]> = unsigned.iter().map(|one| message_of(&one.id.0)).collect();
        let mut signatures = vec![[0; 64]; unsigned.len()];
        for (row, places) in mine {
            let key = keys.get(row as usize).ok_or(Error::Internal { reason: "a synthetic key" })?;
            let messages: Vec<&[u8]> = places.iter().map(|at| messages[*at].as_slice()).collect();
            for (at, signature) in places.iter().zip(sign_many(key, &messages, None, 0)?) {
                signatures[*at] = signature.to_bytes();
            }
        }
        let entry = |(one, signature): (Unsigned, [u8; 64])| NewEntry {
            kind: one.kind,
            key_idx: one.row,
            body: one.body,
            signature,
        };
        Ok(unsigned.into_iter().zip(signatures).map(entry).collect())
    }
}

/// Makes a synthetic ledger of statements in a new or empty directory: at least `entries` of them, in whole uses.
///
/// # Inputs
/// `shape` as for [`crate::ledger::generate`]; its `keys` are people, at least five, and `length` is not looked at.
/// `progress(done, total)`: statements. Its error ends the work.
///
/// # Errors
/// As [`crate::ledger::generate`].
pub fn generate(path: &Path, shape: &Synthetic, progress: &mut dyn FnMut(u64, u64) -> Result<()>) -> Result<()> {
    if shape.keys <= APPLICANTS - BOSS {
        return Err(Error::InvalidArgument {
            field: "keys",
            reason: "must be at least 5: four offices and an applicant",
        });
    }
    let ledger: Ledger = shape.begin(path)?;
    let office = Office { shape: *shape, ledger: *ledger.id() };
    let keys = (0..BOSS + shape.keys).map(|number| shape.key(number)).collect::<Result<Vec<_>>>()?;
    // Later entries name rows that come into force here: one after the other.
    for one in office.company()? {
        ledger.append_own(office.sign(vec![one], &keys)?)?;
    }
    let uses = shape.entries.div_ceil(OF_A_USE);
    for first in (0..uses).step_by(TOGETHER as usize) {
        let mut unsigned = Vec::new();
        for number in first..uses.min(first + TOGETHER) {
            office.usage(number, &mut unsigned)?;
        }
        let mut signed = office.sign(unsigned, &keys)?.into_iter();
        loop {
            let batch: Vec<NewEntry> = signed.by_ref().take(shape.batch).collect();
            if batch.is_empty() {
                break;
            }
            ledger.append_own(batch)?;
        }
        progress(uses.min(first + TOGETHER) * OF_A_USE, uses * OF_A_USE)?;
    }
    ledger.sync_now()
}
