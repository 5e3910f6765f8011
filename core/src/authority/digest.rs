//! The digest of a state: two replays that agree on everything have the same one.

use super::row::Feed;
use super::state::State;
use crate::Result;
use crate::hash::Hasher;

/// The domain, and the version of what is fed below.
const DOMAIN: &[u8] = b"sealcore authority state v1";

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

    fn feed_people(&self, feed: &mut Feed<Hasher>) -> Result<()> {
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

    fn feed_seals(&self, feed: &mut Feed<Hasher>) -> Result<()> {
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

    fn feed_uses(&self, feed: &mut Feed<Hasher>) -> Result<()> {
        feed.count(self.applications().len());
        self.applications().iter().try_for_each(|record| feed.application(record))?;
        feed.count(self.grants().len());
        self.grants().iter().try_for_each(|record| feed.grant(record))?;
        feed.count(self.uses().len());
        self.uses().iter().try_for_each(|record| feed.usage(record))
    }
}
