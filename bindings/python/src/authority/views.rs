//! The records of the state as values: places become names, absent things are left out.

use sealcore::authority::{
    ApplicationRecord, At, Content, GrantRecord, KeyRecord, Name, PersonRecord, PolicyRecord, SealRecord, State,
    StatementId, UnitRecord, UseEnd, UseRecord,
};
use sealcore::ledger::cbor::{Map, Value};
use sealcore::{Error, Result};

/// The value of a field.
fn int(number: impl TryInto<i64>) -> Value {
    Value::Int(number.try_into().unwrap_or(i64::MAX))
}

fn id(id: &StatementId) -> Value {
    id.0.as_slice().into()
}

fn person(state: &State, place: usize) -> Value {
    state.persons()[place].id.as_str().into()
}

fn put_at(map: &mut Map, at: At) {
    map.insert("index", int(at.index));
    map.insert("time", int(at.time));
}

fn put_some<T>(map: &mut Map, key: &str, value: Option<T>, to_value: impl FnOnce(T) -> Value) {
    if let Some(value) = value {
        map.insert(key, to_value(value));
    }
}

/// The fields of a statement's content, and where it stands.
fn content(content: impl Into<Content>, at: At) -> Map {
    let mut map = content.into().to_map();
    put_at(&mut map, at);
    map
}

fn unit(_: &State, record: &UnitRecord) -> Map {
    content(record.unit.clone(), record.at)
}

fn person_map(state: &State, record: &PersonRecord) -> Map {
    let current = record.current();
    let mut map = Map::new();
    map.insert("id", record.id.as_str().into());
    map.insert("unit", state.units()[current.unit].unit.id.as_str().into());
    map.insert("name", current.name.as_slice().into());
    map.insert("roles", Value::Array(current.roles.iter().map(|role| role.name().into()).collect()));
    map.insert("revision", int(record.revisions.len()));
    map.insert("keys", Value::Array(record.keys.iter().map(|&row| int(row)).collect()));
    put_some(&mut map, "left", record.left, |at| int(at.time));
    put_at(&mut map, current.at);
    map
}

fn key(state: &State, record: &KeyRecord) -> Map {
    let mut map = Map::new();
    let holder = state.holder_name(record.holder);
    put_some(&mut map, "holder", (!holder.is_empty()).then_some(holder), Value::from);
    map.insert("algorithm", record.key.algorithm().name().into());
    map.insert("point", record.key.to_sec1().as_slice().into());
    map.insert("valid_from", int(record.valid_from));
    put_some(&mut map, "valid_to", (record.valid_to != u64::MAX).then_some(record.valid_to), int);
    put_some(&mut map, "revoked", record.revoked, |at| int(at.time));
    put_at(&mut map, record.added);
    map
}

fn policy(_: &State, record: &PolicyRecord) -> Map {
    let (at, policy) = record.current();
    content(policy.clone(), *at)
}

fn seal(_: &State, record: &SealRecord) -> Map {
    let current = record.current();
    let mut map = content(current.seal.clone(), current.at);
    map.insert("state", current.state().name().into());
    map.insert("step", int(current.steps.len()));
    map.insert("state_index", int(current.state_at().index));
    map
}

fn application(state: &State, record: &ApplicationRecord) -> Map {
    let mut map = content(record.application.clone(), record.at);
    map.insert("id", id(&record.id));
    map.insert("applicant", person(state, record.applicant));
    map.insert("used", int(record.used));
    let approvals = record.approvals.iter().map(|approval| {
        let mut map = Map::new();
        map.insert("id", id(&approval.id));
        map.insert("approver", person(state, approval.approver));
        map.insert("key_idx", int(approval.key));
        map.insert("expires", int(approval.expires));
        put_at(&mut map, approval.at);
        Value::Map(map)
    });
    map.insert("approvals", Value::Array(approvals.collect()));
    if let Some((at, by, refusal)) = &record.refused {
        let mut refused = Map::new();
        refused.insert("approver", person(state, *by));
        refused.insert("reason", refusal.reason.as_str().into());
        put_some(&mut refused, "note", refusal.note, |note| note.as_slice().into());
        put_at(&mut refused, *at);
        map.insert("refused", Value::Map(refused));
    }
    map
}

fn grant(state: &State, record: &GrantRecord) -> Map {
    let mut map = content(record.grant.clone(), record.at);
    map.insert("id", id(&record.id));
    map.insert("grantor", person(state, record.grantor));
    map.insert("key_idx", int(record.key));
    map.insert("used", int(record.used));
    put_some(&mut map, "revoked", record.revoked, |at| int(at.time));
    map
}

fn usage(state: &State, record: &UseRecord) -> Map {
    let mut map = content(record.usage.clone(), record.at);
    map.insert("id", id(&record.id));
    map.insert("applicant", person(state, state.applications()[record.application].applicant));
    map.insert("approvers", Value::Array(record.approvers.iter().map(|&place| person(state, place)).collect()));
    let result = match &record.end {
        None => "open",
        Some((at, end)) => {
            map.insert("end_index", int(at.index));
            map.insert("end_time", int(at.time));
            match end {
                UseEnd::Delivered(delivered) => {
                    let fields = Content::from(delivered.clone()).to_map();
                    put_some(&mut map, "delivered", fields.get("document").cloned(), |value| value);
                    map.insert("level", delivered.level.as_str().into());
                    "delivered"
                }
                UseEnd::Failed(failed) => {
                    map.insert("reason", failed.reason.as_str().into());
                    put_some(&mut map, "note", failed.note, |note| note.as_slice().into());
                    "failed"
                }
            }
        }
    };
    map.insert("result", result.into());
    map
}

const NO_TABLE: Error = Error::Internal { reason: "a table that the state does not have" };

/// Every record of a table, in ledger order.
pub(super) fn table(state: &State, table: &str) -> Result<Vec<Value>> {
    fn all<'s, R: 's>(
        state: &State,
        records: impl IntoIterator<Item = &'s R>,
        view: impl Fn(&State, &R) -> Map,
    ) -> Vec<Value> {
        records.into_iter().map(|record| Value::Map(view(state, record))).collect()
    }
    Ok(match table {
        "units" => all(state, state.units(), unit),
        "persons" => all(state, state.persons(), person_map),
        "keys" => {
            let rows = (0..).zip(all(state, state.keys(), key));
            rows.map(|(row, value)| with_row(row, value)).collect()
        }
        "policies" => all(state, state.policies(), policy),
        "seals" => all(state, state.seals(), seal),
        "applications" => all(state, state.applications(), application),
        "grants" => all(state, state.grants(), grant),
        "uses" => all(state, state.uses(), usage),
        "open_uses" => all(state, state.open_uses(), usage),
        _ => return Err(NO_TABLE),
    })
}

fn with_row(row: i64, value: Value) -> Value {
    match value {
        Value::Map(mut map) => {
            map.insert("row", Value::Int(row));
            Value::Map(map)
        }
        other => other,
    }
}

/// The record of a unit, person, policy or seal.
pub(super) fn named(state: &State, table: &str, name: &Name) -> Result<Value> {
    Ok(Value::Map(match table {
        "units" => unit(state, state.unit_record(name)?),
        "persons" => person_map(state, state.person_record(name)?),
        "policies" => policy(state, state.policy_record(name)?),
        "seals" => seal(state, state.seal_record(name)?),
        _ => return Err(NO_TABLE),
    }))
}

/// The record of an application, a grant or a use.
pub(super) fn identified(state: &State, table: &str, name: &StatementId) -> Result<Value> {
    Ok(Value::Map(match table {
        "applications" => application(state, state.application_record(name)?),
        "grants" => grant(state, state.grant_record(name)?),
        "uses" => usage(state, state.use_record(name)?),
        _ => return Err(NO_TABLE),
    }))
}

/// What was in force at a time.
pub(super) fn holdings(state: &State, time: u64) -> Value {
    let holdings = state.held_at(time);
    let persons = holdings.persons.iter().map(|(person, membership)| {
        Value::map([
            ("person", person.id.as_str().into()),
            ("unit", state.units()[membership.unit].unit.id.as_str().into()),
            ("roles", Value::Array(membership.roles.iter().map(|role| role.name().into()).collect())),
            ("index", int(membership.at.index)),
        ])
    });
    let seals = holdings.seals.iter().map(|(version, life)| {
        Value::map([
            ("seal", version.seal.id.as_str().into()),
            ("version", int(version.seal.version)),
            ("state", life.name().into()),
        ])
    });
    let grants = holdings.grants.iter().map(|(record, used)| {
        Value::map([
            ("grant", id(&record.id)),
            ("grantor", person(state, record.grantor)),
            ("grantee", person(state, record.grantee)),
            ("seal", record.grant.seal.as_str().into()),
            ("used", int(*used)),
            ("max_uses", int(record.grant.max_uses)),
        ])
    });
    Value::map([
        ("persons", Value::Array(persons.collect())),
        ("seals", Value::Array(seals.collect())),
        ("grants", Value::Array(grants.collect())),
    ])
}
