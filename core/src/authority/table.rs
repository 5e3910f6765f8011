//! The tables of the state: records in the order of the ledger, found by key. Those of statements that no organisation
//! bounds (applications, grants, uses) can hold a part only: what was not needed for long goes to an archive.

use super::name::StatementId;
use super::state::unknown;
use crate::Result;
use core::hash::{BuildHasher, Hash, Hasher};
use core::mem;
use core::ops::Index;
use std::collections::HashMap;
use std::hash::RandomState;

/// Records that are all here.
#[derive(Clone, Debug)]
pub(super) struct Table<K, R> {
    pub(super) rows: Vec<R>,
    places: HashMap<K, usize>,
}

impl<K, R> Default for Table<K, R> {
    fn default() -> Self {
        Table { rows: Vec::new(), places: HashMap::new() }
    }
}

impl<K: Eq + Hash, R> Table<K, R> {
    pub(super) fn place(&self, key: &K) -> Option<usize> {
        self.places.get(key).copied()
    }

    pub(super) fn known(&self, key: &K) -> Result<usize> {
        self.place(key).map_or_else(unknown, Ok)
    }

    pub(super) fn rows(&self) -> &[R] {
        &self.rows
    }

    pub(super) fn push(&mut self, key: K, row: R) -> usize {
        self.places.insert(key, self.rows.len());
        self.rows.push(row);
        self.rows.len() - 1
    }
}

impl<K, R> Index<usize> for Table<K, R> {
    type Output = R;

    fn index(&self, place: usize) -> &R {
        &self.rows[place]
    }
}

/// Hashes the keys of [`Records`], which are hashes themselves, or counted: a folded product with a random number. Who
/// writes statements can choose a part of an id, and not where it goes.
#[derive(Clone, Debug)]
pub(super) struct Keyed(u64);

impl Default for Keyed {
    fn default() -> Self {
        Keyed(RandomState::new().hash_one(0_u64))
    }
}

impl BuildHasher for Keyed {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded { key: self.0, hash: 0 }
    }
}

/// See [`Keyed`].
#[derive(Debug)]
pub(super) struct Folded {
    key: u64,
    hash: u64,
}

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        // Of an id its first eight bytes: that others have the same takes 2^32 tries for two, and harms nothing.
        if let Some(first) = bytes.first_chunk() {
            self.write_u64(u64::from_le_bytes(*first));
        }
    }

    fn write_u64(&mut self, word: u64) {
        // By an odd number, so that no bit is lost.
        let product = u128::from(word ^ self.key) * u128::from(self.key.rotate_left(32) | 1);
        self.hash ^= (product >> 64) as u64 ^ product as u64;
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn finish(&self) -> u64 {
        self.hash
    }
}

/// A record of a statement.
pub(super) trait Record {
    fn id(&self) -> StatementId;

    /// About how many bytes of memory it takes, its place in a table included.
    fn weight(&self) -> usize;
}

/// Records of statements. Those that are not here have to be brought before they are asked for.
#[derive(Clone, Debug)]
pub(super) struct Records<R> {
    rows: Rows<R>,
    /// Of what is here.
    places: HashMap<StatementId, usize, Keyed>,
}

#[derive(Clone, Debug)]
enum Rows<R> {
    All(Vec<R>),
    Recent(Recent<R>),
}

/// Two generations: what is needed is young, and when the young weigh too much, the old ones leave and the young are old.
#[derive(Clone, Debug)]
struct Recent<R> {
    young: HashMap<usize, Row<R>, Keyed>,
    old: HashMap<usize, Row<R>, Keyed>,
    /// Records in all, those that have left included.
    count: usize,
    weight: usize,
    most: usize,
}

#[derive(Clone, Debug)]
struct Row<R> {
    record: Box<R>,
    /// Whether no archive holds it as it is.
    changed: bool,
}

/// What a record may grow by between two looks at its weight: an approval.
const GROWTH: usize = 128;

impl<R> Default for Records<R> {
    fn default() -> Self {
        Records { rows: Rows::All(Vec::new()), places: HashMap::default() }
    }
}

impl<R: Record> Records<R> {
    /// Those used last, in twice so many bytes.
    pub(super) fn recent(most: usize) -> Self {
        let recent = Recent { young: HashMap::default(), old: HashMap::default(), count: 0, weight: 0, most };
        Records { rows: Rows::Recent(recent), places: HashMap::default() }
    }

    pub(super) fn place(&self, id: &StatementId) -> Option<usize> {
        self.places.get(id).copied()
    }

    pub(super) fn known(&self, id: &StatementId) -> Result<usize> {
        self.place(id).map_or_else(unknown, Ok)
    }

    /// All of them, in order; `None` when only a part is here.
    pub(super) fn all(&self) -> Option<&[R]> {
        match &self.rows {
            Rows::All(rows) => Some(rows),
            Rows::Recent(_) => None,
        }
    }

    /// Those that are here.
    pub(super) fn here(&self) -> Box<dyn Iterator<Item = (usize, &R)> + '_> {
        match &self.rows {
            Rows::All(rows) => Box::new(rows.iter().enumerate()),
            Rows::Recent(recent) => {
                Box::new(recent.young.iter().chain(&recent.old).map(|(&place, row)| (place, &*row.record)))
            }
        }
    }

    pub(super) fn push(&mut self, record: R) -> usize {
        let id = record.id();
        let place = match &mut self.rows {
            Rows::All(rows) => {
                rows.push(record);
                rows.len() - 1
            }
            Rows::Recent(recent) => {
                recent.count += 1;
                recent.insert(recent.count - 1, Row { record: Box::new(record), changed: true });
                recent.count - 1
            }
        };
        self.places.insert(id, place);
        place
    }

    pub(super) fn get_mut(&mut self, place: usize) -> &mut R {
        match &mut self.rows {
            Rows::All(rows) => &mut rows[place],
            Rows::Recent(recent) => {
                let row = match recent.young.get_mut(&place) {
                    Some(row) => row,
                    None => recent.old.get_mut(&place).expect(BROUGHT),
                };
                row.changed = true;
                &mut row.record
            }
        }
    }

    /// Whether it is here; then it stays for longer.
    pub(super) fn touch(&mut self, id: &StatementId) -> bool {
        let Some(&place) = self.places.get(id) else { return false };
        if let Rows::Recent(recent) = &mut self.rows {
            recent.weight += GROWTH;
            if let Some(row) = recent.old.remove(&place) {
                recent.insert(place, row);
            }
        }
        true
    }

    /// Takes back what has left.
    pub(super) fn bring(&mut self, place: usize, record: R) {
        if let Rows::Recent(recent) = &mut self.rows {
            self.places.insert(record.id(), place);
            recent.insert(place, Row { record: Box::new(record), changed: false });
        }
    }

    /// Lets go of what was not needed for long, once there is too much; what the archive does not hold goes to `keep`.
    pub(super) fn settle(&mut self, mut keep: impl FnMut(usize, &R) -> Result<()>) -> Result<()> {
        let Rows::Recent(recent) = &mut self.rows else { return Ok(()) };
        if recent.weight <= recent.most {
            return Ok(());
        }
        for (&place, row) in recent.old.iter().filter(|(_, row)| row.changed) {
            keep(place, &row.record)?;
        }
        for row in recent.old.values() {
            self.places.remove(&row.record.id());
        }
        recent.old = mem::take(&mut recent.young);
        recent.weight = 0;
        Ok(())
    }
}

impl<R: Record> Recent<R> {
    fn insert(&mut self, place: usize, row: Row<R>) {
        self.weight += row.record.weight();
        self.young.insert(place, row);
    }
}

const BROUGHT: &str = "a record is brought before it is asked for";

impl<R> Index<usize> for Records<R> {
    type Output = R;

    fn index(&self, place: usize) -> &R {
        match &self.rows {
            Rows::All(rows) => &rows[place],
            Rows::Recent(recent) => &recent.young.get(&place).or_else(|| recent.old.get(&place)).expect(BROUGHT).record,
        }
    }
}
