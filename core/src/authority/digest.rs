//! The digest of a state: two replays that agree on everything have the same one.

use super::records::{At, Holder, UseEnd};
use super::state::State;
use super::statement::Content;
use crate::Result;
use crate::hash::Hasher;
use crate::ledger::cbor::Value;

/// The domain, and the version of what is fed below.
const DOMAIN: &[u8] = b"sealcore authority state v1";

/// Numbers as 8 bytes big-endian, bytes after their length, lists after their count: nothing can run into another.
struct Feed(Hasher);

impl Feed {
    fn number(&mut self, number: u64) {
        self.0.update(&number.to_be_bytes());
    }

    fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }

    fn at(&mut self, at: At) {
        self.number(at.index);
        self.number(at.time);
    }

    fn some<T>(&mut self, value: Option<T>, feed: impl FnOnce(&mut Self, T)) {
        self.number(u64::from(value.is_some()));
        if let Some(value) = value {
            feed(self, value);
        }
    }

    fn holder(&mut self, holder: Holder) {
        let (kind, place) = match holder {
            Holder::Nobody => (0, 0),
            Holder::Gate => (1, 0),
            Holder::Founder => (2, 0),
            Holder::Person(place) => (3, place),
        };
        self.number(kind);
        self.count(place);
    }

    fn content(&mut self, content: impl Into<Content>) -> Result<()> {
        let content = content.into();
        self.bytes(content.kind().as_bytes());
        self.bytes(&Value::Map(content.to_map()).encode()?);
        Ok(())
    }
}

impl State {
    /// The digest of everything that the state remembers, with the ledger's hash function. Takes time in proportion
    /// to the state.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn digest(&self) -> Result<[u8; 32]> {
        let mut feed = Feed(self.hash.hasher());
        feed.bytes(DOMAIN);
        feed.bytes(&self.ledger);
        feed.at(self.last);
        self.feed_people(&mut feed)?;
        self.feed_seals(&mut feed)?;
        self.feed_uses(&mut feed)?;
        Ok(feed.0.finalize())
    }

    fn feed_people(&self, feed: &mut Feed) -> Result<()> {
        feed.count(self.keys().len());
        for key in self.keys() {
            feed.bytes(key.key.algorithm().name().as_bytes());
            feed.bytes(&key.key.to_sec1());
            feed.holder(key.added_by);
            feed.holder(key.holder);
            feed.number(key.valid_from);
            feed.number(key.valid_to);
            feed.at(key.added);
            feed.some(key.given, Feed::at);
            feed.some(key.revoked, Feed::at);
        }
        feed.count(self.units().len());
        for unit in self.units() {
            feed.content(unit.unit.clone())?;
            feed.at(unit.at);
        }
        feed.count(self.persons().len());
        for person in self.persons() {
            feed.bytes(person.id.as_str().as_bytes());
            feed.count(person.revisions.len());
            for revision in &person.revisions {
                feed.at(revision.at);
                feed.count(revision.unit);
                feed.bytes(&revision.name);
                let roles: Vec<&str> = revision.roles.iter().map(|role| role.name()).collect();
                feed.bytes(roles.join(" ").as_bytes());
            }
            feed.count(person.keys.len());
            person.keys.iter().for_each(|&row| feed.number(u64::from(row)));
            feed.some(person.left, Feed::at);
        }
        Ok(())
    }

    fn feed_seals(&self, feed: &mut Feed) -> Result<()> {
        feed.count(self.policies().len());
        for policy in self.policies() {
            feed.count(policy.revisions.len());
            for (at, revision) in &policy.revisions {
                feed.at(*at);
                feed.content(revision.clone())?;
            }
        }
        feed.count(self.seals().len());
        for seal in self.seals() {
            feed.count(seal.versions.len());
            for version in &seal.versions {
                feed.at(version.at);
                feed.content(version.seal.clone())?;
                feed.count(version.steps.len());
                for (at, state) in &version.steps {
                    feed.at(*at);
                    feed.bytes(state.name().as_bytes());
                }
            }
        }
        Ok(())
    }

    fn feed_uses(&self, feed: &mut Feed) -> Result<()> {
        feed.count(self.applications().len());
        for record in self.applications() {
            feed.bytes(&record.id.0);
            feed.count(record.applicant);
            feed.content(record.application.clone())?;
            feed.number(u64::from(record.used));
            feed.at(record.at);
            feed.count(record.approvals.len());
            for approval in &record.approvals {
                feed.bytes(&approval.id.0);
                feed.count(approval.approver);
                feed.number(u64::from(approval.key));
                feed.number(approval.expires);
                feed.at(approval.at);
            }
            feed.number(u64::from(record.refused.is_some()));
            if let Some((at, by, refusal)) = &record.refused {
                feed.at(*at);
                feed.count(*by);
                feed.content(refusal.clone())?;
            }
        }
        feed.count(self.grants().len());
        for record in self.grants() {
            feed.bytes(&record.id.0);
            feed.count(record.grantor);
            feed.number(u64::from(record.key));
            feed.content(record.grant.clone())?;
            feed.number(u64::from(record.used));
            feed.some(record.revoked, Feed::at);
            feed.at(record.at);
        }
        feed.count(self.uses().len());
        for record in self.uses() {
            feed.bytes(&record.id.0);
            feed.content(record.usage.clone())?;
            feed.count(record.approvers.len());
            record.approvers.iter().for_each(|&place| feed.count(place));
            feed.at(record.at);
            feed.number(u64::from(record.end.is_some()));
            if let Some((at, end)) = &record.end {
                feed.at(*at);
                match end {
                    UseEnd::Delivered(delivered) => feed.content(delivered.clone())?,
                    UseEnd::Failed(failed) => feed.content(failed.clone())?,
                }
            }
        }
        Ok(())
    }
}
