//! Records as bytes: what the digest of a state is taken of, and what the archive of an audit keeps.

use super::name::StatementId;
use super::records::{ApplicationRecord, ApprovalRecord, At, GrantRecord, Holder, UseEnd, UseRecord};
use super::statement::Content;
use super::table::Record;
use crate::hash::Hasher;
use crate::ledger::cbor::Value;
use crate::{Error, Result};

/// Where bytes go.
pub(super) trait Sink {
    fn take(&mut self, bytes: &[u8]);
}

impl Sink for Hasher {
    fn take(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

impl Sink for Vec<u8> {
    fn take(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Numbers as 8 bytes big-endian, bytes after their length, lists after their count: nothing can run into another.
pub(super) struct Feed<S>(pub(super) S);

impl<S: Sink> Feed<S> {
    pub(super) fn number(&mut self, number: u64) {
        self.0.take(&number.to_be_bytes());
    }

    pub(super) fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.take(bytes);
    }

    pub(super) fn at(&mut self, at: At) {
        self.number(at.index);
        self.number(at.time);
    }

    pub(super) fn some<T>(&mut self, value: Option<T>, feed: impl FnOnce(&mut Self, T)) {
        self.number(u64::from(value.is_some()));
        if let Some(value) = value {
            feed(self, value);
        }
    }

    pub(super) fn holder(&mut self, holder: Holder) {
        let (kind, place) = match holder {
            Holder::Nobody => (0, 0),
            Holder::Gate => (1, 0),
            Holder::Founder => (2, 0),
            Holder::Person(place) => (3, place),
        };
        self.number(kind);
        self.count(place);
    }

    pub(super) fn content(&mut self, content: impl Into<Content>) -> Result<()> {
        let content = content.into();
        self.bytes(content.kind().as_bytes());
        self.bytes(&Value::Map(content.to_map()).encode()?);
        Ok(())
    }

    pub(super) fn application(&mut self, record: &ApplicationRecord) -> Result<()> {
        self.bytes(&record.id.0);
        self.count(record.applicant);
        self.content(record.application.clone())?;
        self.number(u64::from(record.used));
        self.at(record.at);
        self.count(record.approvals.len());
        for approval in &record.approvals {
            self.bytes(&approval.id.0);
            self.count(approval.approver);
            self.number(u64::from(approval.key));
            self.number(approval.expires);
            self.at(approval.at);
        }
        self.number(u64::from(record.refused.is_some()));
        if let Some((at, by, refusal)) = &record.refused {
            self.at(*at);
            self.count(*by);
            self.content(refusal.clone())?;
        }
        Ok(())
    }

    pub(super) fn grant(&mut self, record: &GrantRecord) -> Result<()> {
        self.bytes(&record.id.0);
        self.count(record.grantor);
        self.number(u64::from(record.key));
        self.content(record.grant.clone())?;
        self.number(u64::from(record.used));
        self.some(record.revoked, Feed::at);
        self.at(record.at);
        Ok(())
    }

    pub(super) fn usage(&mut self, record: &UseRecord) -> Result<()> {
        self.bytes(&record.id.0);
        self.content(record.usage.clone())?;
        self.count(record.approvers.len());
        record.approvers.iter().for_each(|&place| self.count(place));
        self.at(record.at);
        self.number(u64::from(record.end.is_some()));
        if let Some((at, end)) = &record.end {
            self.at(*at);
            match end {
                UseEnd::Delivered(delivered) => self.content(delivered.clone())?,
                UseEnd::Failed(failed) => self.content(failed.clone())?,
            }
        }
        Ok(())
    }
}

/// A record that an archive keeps. Its bytes begin with its place; what the digest leaves out, because it follows from the
/// tables, comes next.
pub(super) trait Kept: Record + Sized {
    fn write(&self, place: usize, out: &mut Feed<Vec<u8>>) -> Result<()>;

    /// What [`Kept::write`] wrote after the place.
    fn read(row: &mut Reader<'_>) -> Result<Self>;
}

const DAMAGED: Error = Error::Internal { reason: "a record came back from the archive of an audit as another" };

/// Reads what a [`Feed`] wrote.
pub(super) struct Reader<'b>(pub(super) &'b [u8]);

impl<'b> Reader<'b> {
    pub(super) fn number(&mut self) -> Result<u64> {
        let (number, rest) = self.0.split_first_chunk().ok_or(DAMAGED)?;
        self.0 = rest;
        Ok(u64::from_be_bytes(*number))
    }

    pub(super) fn count(&mut self) -> Result<usize> {
        usize::try_from(self.number()?).map_err(|_| DAMAGED)
    }

    fn small(&mut self) -> Result<u32> {
        u32::try_from(self.number()?).map_err(|_| DAMAGED)
    }

    fn bytes(&mut self) -> Result<&'b [u8]> {
        let length = self.count()?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(DAMAGED)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn id(&mut self) -> Result<StatementId> {
        self.bytes()?.try_into().map(StatementId).map_err(|_| DAMAGED)
    }

    fn at(&mut self) -> Result<At> {
        Ok(At { index: self.number()?, time: self.number()? })
    }

    fn some<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        if self.number()? == 0 { Ok(None) } else { read(self).map(Some) }
    }

    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        (0..self.count()?).map(|_| read(self)).collect()
    }

    fn content(&mut self) -> Result<Content> {
        let kind = core::str::from_utf8(self.bytes()?).map_err(|_| DAMAGED)?;
        Content::from_map(kind, &Value::decode(self.bytes()?)?)
    }
}

/// What a string takes beside its place in its owner.
const TEXT: usize = 32;

impl Record for ApplicationRecord {
    fn id(&self) -> StatementId {
        self.id
    }

    fn weight(&self) -> usize {
        let application = &self.application;
        size_of::<Self>()
            + size_of_val(&*application.documents)
            + size_of_val(&*application.positions)
            + size_of_val(&*self.approvals)
            + 6 * TEXT
    }
}

impl Kept for ApplicationRecord {
    fn write(&self, place: usize, out: &mut Feed<Vec<u8>>) -> Result<()> {
        out.count(place);
        out.count(self.seal);
        out.application(self)
    }

    fn read(row: &mut Reader<'_>) -> Result<Self> {
        let seal = row.count()?;
        let (id, applicant) = (row.id()?, row.count()?);
        let Content::Application(application) = row.content()? else { return Err(DAMAGED) };
        let (used, at) = (row.small()?, row.at()?);
        let approvals = row.list(|row| {
            Ok(ApprovalRecord {
                id: row.id()?,
                approver: row.count()?,
                key: row.small()?,
                expires: row.number()?,
                at: row.at()?,
            })
        })?;
        let refused = row.some(|row| {
            let (at, by) = (row.at()?, row.count()?);
            let Content::Refusal(refusal) = row.content()? else { return Err(DAMAGED) };
            Ok((at, by, refusal))
        })?;
        Ok(ApplicationRecord { id, applicant, seal, application, approvals, refused, used, at })
    }
}

impl Record for GrantRecord {
    fn id(&self) -> StatementId {
        self.id
    }

    fn weight(&self) -> usize {
        let grant = &self.grant;
        size_of::<Self>()
            + size_of_val(&*grant.documents)
            + grant.classes.len() * 2 * TEXT
            + size_of_val(&*grant.max_amounts)
            + 6 * TEXT
    }
}

impl Kept for GrantRecord {
    fn write(&self, place: usize, out: &mut Feed<Vec<u8>>) -> Result<()> {
        for number in [place, self.grantee, self.seal] {
            out.count(number);
        }
        out.some(self.application, Feed::count);
        out.some(self.parent, Feed::count);
        out.grant(self)
    }

    fn read(row: &mut Reader<'_>) -> Result<Self> {
        let (grantee, seal) = (row.count()?, row.count()?);
        let (application, parent) = (row.some(Reader::count)?, row.some(Reader::count)?);
        let (id, grantor, key) = (row.id()?, row.count()?, row.small()?);
        let Content::Grant(grant) = row.content()? else { return Err(DAMAGED) };
        let (used, revoked, at) = (row.small()?, row.some(Reader::at)?, row.at()?);
        Ok(GrantRecord { id, grantor, key, grantee, seal, application, parent, grant, used, revoked, at })
    }
}

impl Record for UseRecord {
    fn id(&self) -> StatementId {
        self.id
    }

    fn weight(&self) -> usize {
        let approvals = size_of_val(&*self.approvers) + size_of_val(&*self.usage.approvals);
        size_of::<Self>() + approvals + size_of::<(At, UseEnd)>() + 6 * TEXT
    }
}

impl Kept for UseRecord {
    fn write(&self, place: usize, out: &mut Feed<Vec<u8>>) -> Result<()> {
        for number in [place, self.application, self.grant] {
            out.count(number);
        }
        out.usage(self)
    }

    fn read(row: &mut Reader<'_>) -> Result<Self> {
        let (application, grant) = (row.count()?, row.count()?);
        let id = row.id()?;
        let Content::SealUse(usage) = row.content()? else { return Err(DAMAGED) };
        let (approvers, at) = (row.list(Reader::count)?, row.at()?);
        let end = row.some(|row| match (row.at()?, row.content()?) {
            (at, Content::UseDelivered(delivered)) => Ok((at, UseEnd::Delivered(delivered))),
            (at, Content::UseFailed(failed)) => Ok((at, UseEnd::Failed(failed))),
            _ => Err(DAMAGED),
        })?;
        Ok(UseRecord { id, application, grant, approvers, usage, end, at })
    }
}
