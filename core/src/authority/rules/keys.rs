//! Keys: who may add one, give one to a person, and end one.

use super::MAX_KEYS;
use crate::authority::records::{Holder, KeyRecord};
use crate::authority::state::{Context, Effect, NONE, State, refuse};
use crate::authority::statement::PersonKey;
use crate::sign::VerifyingKey;
use crate::{Result, Rule};

impl State {
    /// A row without holder can do nothing, so anybody here may add one; a key stands in the table once.
    pub(crate) fn key_add(&self, context: &Context, key: VerifyingKey) -> Result<Effect> {
        if context.signer == Holder::Gate {
            return self.not_permitted(context.signer);
        }
        if let Some(row) = self.keys.place(&key.to_sec1()) {
            return refuse(Rule::Duplicate, self.keys[row].added.index, 1, 2);
        }
        Ok(Effect::KeyAdded(Box::new(KeyRecord {
            key,
            added_by: context.signer,
            holder: Holder::Nobody,
            valid_from: 0,
            valid_to: u64::MAX,
            added: context.at,
            given: None,
            revoked: None,
        })))
    }

    /// The holder himself, who manages him, and the founder may end a key; a row without holder also who added it.
    pub(crate) fn key_revoke(&self, context: &Context, key_idx: u32) -> Result<Effect> {
        let row = key_idx as usize;
        let Some(record) = self.keys.rows().get(row) else {
            return refuse(Rule::UnknownReference, NONE, self.keys.rows().len() as u64, u64::from(key_idx));
        };
        if let Some(revoked) = record.revoked {
            return refuse(Rule::InvalidTransition, revoked.index, 1, 2);
        }
        let signer = context.signer;
        match record.holder {
            // Without its own key the ledger could not end the uses that are open.
            Holder::Gate => self.not_permitted(signer)?,
            _ if signer == record.holder || signer == Holder::Founder => {}
            Holder::Person(person) => {
                let current = self.persons[person].current();
                self.keeps_person(signer, current.unit, current.roles)?;
            }
            Holder::Nobody if signer == record.added_by => {}
            Holder::Nobody | Holder::Founder => self.not_permitted(signer)?,
        }
        Ok(Effect::KeyRevoked(row))
    }

    /// The holder himself may put a new key in the place of the one that he signs with.
    pub(crate) fn key_rotate(&self, context: &Context, key_idx: u32, key: VerifyingKey) -> Result<Effect> {
        if context.signer == Holder::Gate || key_idx != context.key {
            return self.not_permitted(context.signer);
        }
        if let Some(row) = self.keys.place(&key.to_sec1()) {
            return refuse(Rule::Duplicate, self.keys[row].added.index, 1, 2);
        }
        if let Holder::Person(person) = context.signer
            && self.persons[person].keys.len() >= MAX_KEYS
        {
            let record = &self.persons[person];
            let count = record.keys.len() as u64 + 1;
            return refuse(Rule::LimitExceeded, record.current().at.index, MAX_KEYS as u64, count);
        }
        let row = key_idx as usize;
        Ok(Effect::KeyRotated {
            row,
            record: Box::new(KeyRecord {
                key,
                added_by: context.signer,
                holder: context.signer,
                valid_from: context.at.time,
                valid_to: self.keys[row].valid_to,
                added: context.at,
                given: Some(context.at),
                revoked: None,
            }),
        })
    }

    /// The first key comes from who manages the person, a further one from the person himself; a manager may step in
    /// only when no key is left that could still sign, so that he cannot act beside the person unnoticed.
    pub(crate) fn person_key(&self, context: &Context, content: &PersonKey) -> Result<Effect> {
        let time = context.at.time;
        let person = self.persons.known(&content.person)?;
        let record = &self.persons[person];
        if let Some(left) = record.left {
            return refuse(Rule::InvalidTransition, left.index, left.time, time);
        }
        if context.signer != Holder::Person(person) {
            let current = record.current();
            self.keeps_person(context.signer, current.unit, current.roles)?;
            let usable = record.keys.iter().map(|&row| &self.keys[row as usize]).find(|key| key.is_usable(time));
            if let Some(key) = usable {
                return refuse(Rule::NotPermitted, key.given.unwrap_or(key.added).index, 0, 1);
            }
        }
        if record.keys.len() >= MAX_KEYS {
            return refuse(
                Rule::LimitExceeded,
                record.current().at.index,
                MAX_KEYS as u64,
                record.keys.len() as u64 + 1,
            );
        }
        let row = self.keys.known(&content.key)?;
        let key = &self.keys[row];
        if let Some(revoked) = key.revoked {
            return refuse(Rule::KeyNotValid, revoked.index, revoked.time, time);
        }
        if key.holder != Holder::Nobody {
            return refuse(Rule::Duplicate, key.given.unwrap_or(key.added).index, 1, 2);
        }
        let valid_to = content.valid_to.unwrap_or(u64::MAX);
        if valid_to <= time {
            return refuse(Rule::LimitExceeded, NONE, valid_to, time);
        }
        Ok(Effect::KeyGiven { row, person, valid_from: content.valid_from.unwrap_or(time), valid_to })
    }
}
