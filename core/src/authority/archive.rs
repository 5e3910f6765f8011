//! The records that an audit of a large ledger does not hold in memory: a table on the disk, found by kind and id.
//!
//! Two temporary files without names, gone with the process. One holds the records, each version behind the one before
//! it; the other says where: slots of hash and place, tried one after the other from the one that the hash begins with,
//! at most half of them taken. The hash is keyed at random: who writes statements cannot choose where they go.

use super::name::StatementId;
use super::records::{ApplicationRecord, At, GrantRecord, UseRecord};
use super::row::{Feed, Kept, Reader};
use super::state::State;
use super::statement::Content;
use super::table::Keyed;
use crate::{Error, Result};
use core::hash::BuildHasher;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

/// The table that a record belongs to; the first byte of its row.
const APPLICATION: u8 = 0;
const GRANT: u8 = 1;
const USE: u8 = 2;

/// Kind, id, and the length of the record in 4 bytes.
const HEAD: usize = 1 + 32 + 4;
/// Hash and place, 8 bytes each; place 0 is an empty slot, others count from 1.
const SLOT: usize = 16;
/// Bytes of the index that are held, and the slots in them.
const PAGE: usize = 4096;
const SLOTS: u64 = (PAGE / SLOT) as u64;
/// Bits that remember which hashes are there: 8 MiB.
const MET: usize = 1 << 26;
/// Slots of a new table.
const FIRST: u64 = 1 << 16;
/// How much larger the next table is.
const LARGER: u64 = 4;

fn failed(operation: &'static str) -> impl Fn(io::Error) -> Error {
    move |error| Error::AuditIo { operation, os_code: error.raw_os_error().unwrap_or(0) }
}

/// What has left the memory.
#[derive(Debug, Default)]
pub(super) struct Archive(Option<Store>);

impl Archive {
    /// Brings what judging this statement may ask for: the record of this id, should there be one already, and those that
    /// it names, grants with the grants above them.
    pub(super) fn bring(&mut self, state: &mut State, id: &StatementId, content: &Content) -> Result<()> {
        match content {
            Content::Application(_) => self.bring_one(state, APPLICATION, id),
            Content::Approval(approval) => self.bring_one(state, APPLICATION, &approval.application),
            Content::Refusal(refusal) => self.bring_one(state, APPLICATION, &refusal.application),
            Content::Grant(grant) => {
                self.bring_one(state, GRANT, id)?;
                grant.application.iter().try_for_each(|id| self.bring_one(state, APPLICATION, id))?;
                self.bring_chain(state, grant.parent)
            }
            Content::GrantRevoke(revoke) => self.bring_chain(state, Some(revoke.grant)),
            Content::SealUse(usage) => {
                self.bring_one(state, USE, id)?;
                self.bring_one(state, APPLICATION, &usage.application)?;
                self.bring_chain(state, Some(usage.grant))
            }
            Content::UseDelivered(end) => self.bring_one(state, USE, &end.usage),
            Content::UseFailed(end) => self.bring_one(state, USE, &end.usage),
            _ => Ok(()),
        }
    }

    fn bring_chain(&mut self, state: &mut State, mut next: Option<StatementId>) -> Result<()> {
        while let Some(id) = next {
            self.bring_one(state, GRANT, &id)?;
            next = state.grants.place(&id).and_then(|place| state.grants[place].grant.parent);
        }
        Ok(())
    }

    /// An id is looked for among records of its kind only, as the rules do: in a ledger that turns out to be altered, two
    /// statements of different kinds may claim one.
    fn bring_one(&mut self, state: &mut State, kind: u8, id: &StatementId) -> Result<()> {
        let here = match kind {
            APPLICATION => state.applications.touch(id),
            GRANT => state.grants.touch(id),
            _ => state.uses.touch(id),
        };
        if here {
            return Ok(());
        }
        let Some(row) = self.0.as_mut().map(|store| store.get(kind, id)).transpose()?.flatten() else {
            return Ok(());
        };
        let mut row = Reader(&row);
        let place = row.count()?;
        match kind {
            APPLICATION => state.applications.bring(place, ApplicationRecord::read(&mut row)?),
            GRANT => state.grants.bring(place, GrantRecord::read(&mut row)?),
            _ => state.uses.bring(place, UseRecord::read(&mut row)?),
        }
        Ok(())
    }

    /// Takes what the state holds too much of.
    pub(super) fn settle(&mut self, state: &mut State) -> Result<()> {
        let mut leaving = Leaving::default();
        state.applications.settle(|place, record| leaving.add(APPLICATION, place, record))?;
        state.grants.settle(|place, record| leaving.add(GRANT, place, record))?;
        state.uses.settle(|place, record| leaving.add(USE, place, record))?;
        if leaving.ids.is_empty() {
            return Ok(());
        }
        let store = match &mut self.0 {
            Some(store) => store,
            none => none.insert(Store::new()?),
        };
        store.put(leaving)
    }

    /// The uses without an end, at most so many, in the order of the ledger.
    pub(super) fn open_uses(&mut self, state: &State, most: usize) -> Result<Vec<At>> {
        let mut first: BinaryHeap<(usize, At)> = BinaryHeap::new();
        // Whether a use at this place is among the first that have been seen.
        let wanted = |first: &BinaryHeap<(usize, At)>, place| {
            first.len() < most || first.peek().is_some_and(|(last, _)| place < *last)
        };
        let take = |first: &mut BinaryHeap<(usize, At)>, place, at| {
            first.push((place, at));
            if first.len() > most {
                first.pop();
            }
        };
        for (place, usage) in state.uses.here() {
            if usage.end.is_none() && wanted(&first, place) {
                take(&mut first, place, usage.at);
            }
        }
        if let Some(store) = &mut self.0 {
            store.each(USE, |store, id, row, place_of_row| {
                let mut row = Reader(row);
                let (place, usage) = (row.count()?, UseRecord::read(&mut row)?);
                // A version that counts: neither in memory nor followed by another.
                if usage.end.is_none()
                    && wanted(&first, place)
                    && state.uses.place(id).is_none()
                    && store.place(USE, id)? == Some(place_of_row)
                {
                    take(&mut first, place, usage.at);
                }
                Ok(())
            })?;
        }
        Ok(first.into_sorted_vec().into_iter().map(|(_, at)| at).collect())
    }
}

/// Records on their way out.
#[derive(Default)]
struct Leaving {
    /// Each with its kind and where its row begins.
    ids: Vec<(u8, StatementId, usize)>,
    rows: Vec<u8>,
}

impl Leaving {
    fn add<R: Kept>(&mut self, kind: u8, place: usize, record: &R) -> Result<()> {
        let start = self.rows.len();
        self.ids.push((kind, record.id(), start));
        self.rows.push(kind);
        self.rows.extend_from_slice(&record.id().0);
        self.rows.extend_from_slice(&[0; 4]);
        let mut feed = Feed(core::mem::take(&mut self.rows));
        record.write(place, &mut feed)?;
        self.rows = feed.0;
        let length = (self.rows.len() - start - HEAD) as u32;
        self.rows[start + HEAD - 4..start + HEAD].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }
}

/// The records, and where each is.
#[derive(Debug)]
struct Store {
    rows: File,
    end: u64,
    index: Index,
    met: Met,
    keyed: Keyed,
}

/// The head of a row: kind, id, and the length of what follows.
fn head(bytes: &[u8; HEAD]) -> (u8, StatementId, usize) {
    let [kind, id @ .., a, b, c, d] = bytes;
    (*kind, StatementId(*id), u32::from_be_bytes([*a, *b, *c, *d]) as usize)
}

fn read_at(mut file: &File, place: u64, out: &mut [u8]) -> Result<()> {
    let read = file.seek(SeekFrom::Start(place)).and_then(|_| file.read_exact(out));
    read.map_err(failed("read a temporary file"))
}

fn write_at(mut file: &File, place: u64, bytes: &[u8]) -> Result<()> {
    let written = file.seek(SeekFrom::Start(place)).and_then(|_| file.write_all(bytes));
    written.map_err(failed("write a temporary file"))
}

fn word(slot: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&slot[at..at + 8]);
    u64::from_le_bytes(bytes)
}

impl Store {
    fn new() -> Result<Self> {
        let rows = tempfile::tempfile().map_err(failed("make a temporary file"))?;
        let (index, keyed) = (Index::new(FIRST)?, Keyed::default());
        Ok(Store { rows, end: 0, index, met: Met::default(), keyed })
    }

    fn hash(&self, kind: u8, id: &StatementId) -> u64 {
        self.keyed.hash_one(id).rotate_left(u32::from(kind))
    }

    /// The slot of this record, or the one that it would take, and where its row begins: that of its newest version.
    fn find(&mut self, kind: u8, id: &StatementId, hash: u64) -> Result<(u64, Option<u64>)> {
        let rows = &self.rows;
        self.index.probe(hash, |other, place| {
            if place == 0 {
                return Ok(Some(None));
            }
            if other != hash {
                return Ok(None);
            }
            let mut bytes = [0; HEAD];
            read_at(rows, place - 1, &mut bytes)?;
            let (of, found, _) = head(&bytes);
            Ok(((of, found) == (kind, *id)).then_some(Some(place - 1)))
        })
    }

    /// Where the row of this record begins: its newest version.
    fn place(&mut self, kind: u8, id: &StatementId) -> Result<Option<u64>> {
        let hash = self.hash(kind, id);
        // Most ids are asked for to see that they are new: no file is read for them.
        if self.met.may_have(hash) { Ok(self.find(kind, id, hash)?.1) } else { Ok(None) }
    }

    fn get(&mut self, kind: u8, id: &StatementId) -> Result<Option<Vec<u8>>> {
        let Some(place) = self.place(kind, id)? else { return Ok(None) };
        let mut bytes = [0; HEAD];
        read_at(&self.rows, place, &mut bytes)?;
        let mut row = vec![0; head(&bytes).2];
        read_at(&self.rows, place + HEAD as u64, &mut row)?;
        Ok(Some(row))
    }

    fn put(&mut self, leaving: Leaving) -> Result<()> {
        write_at(&self.rows, self.end, &leaving.rows)?;
        let hash = |(kind, id, start)| (self.hash(kind, &id), kind, id, start);
        let mut new: Vec<(u64, u8, StatementId, usize)> = leaving.ids.into_iter().map(hash).collect();
        // In the order of their slots every page of the index is read and written once.
        new.sort_unstable_by_key(|(hash, ..)| *hash);
        for (hash, kind, id, start) in new {
            self.index.make_room()?;
            let slot = self.find(kind, &id, hash)?.0;
            self.index.set(slot, hash, self.end + start as u64 + 1)?;
            self.met.add(hash);
        }
        self.end += leaving.rows.len() as u64;
        Ok(())
    }

    /// Every row of this kind with its id and where it begins, versions that have been followed by others too.
    fn each(
        &mut self,
        kind: u8,
        mut take: impl FnMut(&mut Self, &StatementId, &[u8], u64) -> Result<()>,
    ) -> Result<()> {
        let file = self.rows.try_clone().map_err(failed("read a temporary file"))?;
        let mut rows = BufReader::with_capacity(1 << 18, From { file: &file, place: 0 });
        let (mut place, mut bytes, mut row) = (0, [0; HEAD], Vec::new());
        while place < self.end {
            rows.read_exact(&mut bytes).map_err(failed("read a temporary file"))?;
            let (of, id, length) = head(&bytes);
            row.resize(length, 0);
            rows.read_exact(&mut row).map_err(failed("read a temporary file"))?;
            if of == kind {
                take(self, &id, &row, place)?;
            }
            place += (HEAD + length) as u64;
        }
        Ok(())
    }
}

/// Slots in a file, of which one page is held.
#[derive(Debug)]
struct Index {
    file: File,
    /// How many there are, a power of two, and how many are taken.
    slots: u64,
    taken: u64,
    page: Box<[u8; PAGE]>,
    number: u64,
    changed: bool,
}

impl Index {
    fn new(slots: u64) -> Result<Self> {
        let file = tempfile::tempfile().map_err(failed("make a temporary file"))?;
        file.set_len(slots * SLOT as u64).map_err(failed("make a temporary file"))?;
        Ok(Index { file, slots, taken: 0, page: Box::new([0; PAGE]), number: 0, changed: false })
    }

    /// A slot: hash and place.
    fn slot(&mut self, slot: u64) -> Result<&mut [u8]> {
        let (number, at) = (slot / SLOTS, (slot % SLOTS) as usize * SLOT);
        if number != self.number {
            if self.changed {
                write_at(&self.file, self.number * PAGE as u64, &*self.page)?;
            }
            // Should this fail, no slot of the page is believed: the audit is at its end.
            read_at(&self.file, number * PAGE as u64, &mut *self.page)?;
            (self.number, self.changed) = (number, false);
        }
        Ok(&mut self.page[at..at + SLOT])
    }

    /// Goes over the slots from the one where this hash begins, until `look` is content with one: the number of that
    /// slot and what `look` said. `look` is given hash and place; an empty slot, which is the last one, has place 0.
    fn probe<T>(&mut self, hash: u64, mut look: impl FnMut(u64, u64) -> Result<Option<T>>) -> Result<(u64, T)> {
        let mut number = hash >> (64 - self.slots.trailing_zeros());
        loop {
            let slot = self.slot(number)?;
            if let Some(said) = look(word(slot, 0), word(slot, 8))? {
                return Ok((number, said));
            }
            number = (number + 1) % self.slots;
        }
    }

    fn set(&mut self, number: u64, hash: u64, place: u64) -> Result<()> {
        let slot = self.slot(number)?;
        let new = word(slot, 8) == 0;
        slot[..8].copy_from_slice(&hash.to_le_bytes());
        slot[8..].copy_from_slice(&place.to_le_bytes());
        self.taken += u64::from(new);
        self.changed = true;
        Ok(())
    }

    /// For one more.
    fn make_room(&mut self) -> Result<()> {
        if 2 * (self.taken + 1) <= self.slots {
            return Ok(());
        }
        let mut larger = Index::new(self.slots * LARGER)?;
        for number in 0..self.slots {
            let slot = self.slot(number)?;
            let (hash, place) = (word(slot, 0), word(slot, 8));
            if place != 0 {
                let (free, ()) = larger.probe(hash, |_, place| Ok((place == 0).then_some(())))?;
                larger.set(free, hash, place)?;
            }
        }
        *self = larger;
        Ok(())
    }
}

/// Which hashes may be in the index: four bits each in a table that does not grow. With a million records one new id in
/// thousands is looked for in vain, with ten million one in twenty, with a hundred million nearly all are.
#[derive(Debug)]
struct Met(Vec<u64>);

impl Default for Met {
    fn default() -> Self {
        Met(vec![0; MET / 64])
    }
}

impl Met {
    /// The word of this hash and its bits there.
    fn bits(hash: u64) -> (usize, u64) {
        let bits = (0..4).fold(0, |bits, part| bits | 1 << (hash >> (6 * part) & 63));
        ((hash >> 24) as usize % (MET / 64), bits)
    }

    fn add(&mut self, hash: u64) {
        let (word, bits) = Met::bits(hash);
        self.0[word] |= bits;
    }

    fn may_have(&self, hash: u64) -> bool {
        let (word, bits) = Met::bits(hash);
        self.0[word] & bits == bits
    }
}

/// A file from some place on, whoever else moves its position.
struct From<'f> {
    file: &'f File,
    place: u64,
}

impl Read for From<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.file.seek(SeekFrom::Start(self.place))?;
        let count = self.file.read(out)?;
        self.place += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> StatementId {
        let mut id = [7; 32];
        id[..8].copy_from_slice(&number.to_le_bytes());
        StatementId(id)
    }

    fn put(store: &mut Store, rows: impl Iterator<Item = (u64, Vec<u8>)>) {
        let mut leaving = Leaving::default();
        for (number, row) in rows {
            leaving.ids.push((USE, id(number), leaving.rows.len()));
            leaving.rows.push(USE);
            leaving.rows.extend_from_slice(&id(number).0);
            leaving.rows.extend_from_slice(&(row.len() as u32).to_be_bytes());
            leaving.rows.extend_from_slice(&row);
        }
        store.put(leaving).expect("room");
    }

    #[test]
    fn the_newest_version_of_each_is_found_while_the_table_grows() {
        let count = 3 * FIRST;
        let row = |number: u64, version: u64| vec![version as u8; (number % 70 + version) as usize];
        let mut store = Store::new().expect("temporary files");
        for first in (0..count).step_by(10_000) {
            put(&mut store, (first..count.min(first + 10_000)).map(|number| (number, row(number, 1))));
            // Some of those that are there already, once more.
            put(&mut store, (0..first).step_by(997).map(|number| (number, row(number, 2))));
        }
        assert_eq!(store.index.taken, count);
        assert!(store.index.slots > LARGER * FIRST, "it has grown twice");
        let last = (count - 1) / 10_000 * 10_000;
        for number in (0..count).step_by(13).chain((0..count).step_by(997)) {
            let version = if number % 997 == 0 && number < last { 2 } else { 1 };
            assert_eq!(store.get(USE, &id(number)).expect("reads"), Some(row(number, version)), "{number}");
            assert_eq!(store.get(GRANT, &id(number)).expect("reads"), None, "{number} of another kind");
        }
        for number in (count..2 * count).step_by(101) {
            assert_eq!(store.get(USE, &id(number)).expect("reads"), None);
        }
        let (mut rows, mut newest) = (0, 0);
        let counted = store.each(USE, |store, id, _, place| {
            rows += 1;
            newest += u64::from(store.place(USE, id)? == Some(place));
            Ok(())
        });
        counted.expect("reads");
        assert!(rows > newest && newest == count);
    }
}
