//! The distinct keys of a batch.

use super::{KeyRef, Keys};
use crate::cpu;
use crate::sign::{PreparedKey, VerifyingKey};
use std::collections::HashMap;

/// The distinct keys of a batch, and who signed with which.
pub(in crate::sign) struct Roster<'a> {
    /// Distinct keys in the order of their first occurrence.
    pub(super) keys: Vec<KeyRef<'a>>,
    /// Items of each of `keys`.
    pub(super) counts: Vec<usize>,
    /// The position in `keys` of the key of each item; empty when there is one key.
    positions: Vec<u32>,
}

impl<'a> Roster<'a> {
    pub(in crate::sign) fn new(keys: Keys<'a>, items: usize) -> Self {
        match keys {
            Keys::One(key) => Roster { keys: vec![key], counts: vec![items], positions: Vec::new() },
            Keys::Each(keys) => {
                /// A small memory of keys seen at an address, before the keys are compared.
                const RECENT: usize = 256;
                let mut recent: Vec<Option<(&VerifyingKey, usize)>> = vec![None; RECENT];
                let mut roster = Roster { keys: Vec::new(), counts: Vec::new(), positions: Vec::with_capacity(items) };
                let mut seen = HashMap::new();
                for &key in keys {
                    let verifying = key.verifying_key();
                    // Keys lie at least 64 bytes apart.
                    let slot = &mut recent[core::ptr::from_ref(verifying).addr() / 64 % RECENT];
                    let position = match *slot {
                        Some((known, position)) if core::ptr::eq(known, verifying) => position,
                        _ => *seen.entry(verifying).or_insert(roster.keys.len()),
                    };
                    *slot = Some((verifying, position));
                    if position == roster.keys.len() {
                        roster.keys.push(key);
                        roster.counts.push(0);
                    }
                    if matches!(key, KeyRef::Prepared(_)) {
                        roster.keys[position] = key;
                    }
                    roster.counts[position] += 1;
                    roster.positions.push(position as u32);
                }
                roster
            }
        }
    }

    /// The position of the key of an item.
    pub(super) fn position(&self, index: usize) -> usize {
        self.positions.get(index).map_or(0, |&position| position as usize)
    }

    /// The indices of all items, those of a key together, and where those of each key begin.
    pub(super) fn sorted(&self, items: usize) -> (Vec<u32>, Vec<usize>) {
        let mut starts = Vec::with_capacity(self.keys.len());
        let mut start = 0;
        for count in &self.counts {
            starts.push(start);
            start += count;
        }
        let mut next = starts.clone();
        let mut order = vec![0; items];
        for index in 0..items {
            let at = &mut next[self.position(index)];
            order[*at] = index as u32;
            *at += 1;
        }
        (order, starts)
    }

    /// The key at a position, as the scalar code takes it.
    pub(super) fn scalar_key(&self, position: usize) -> KeyRef<'a> {
        match self.keys[position] {
            KeyRef::Prepared(key) if key.lanes_table().is_some() => KeyRef::Plain(key.verifying_key()),
            key => key,
        }
    }

    /// Scalar tables for the keys that occur at least `from` times, for at most `most` of them.
    pub(super) fn prepare(&self, from: usize, most: usize, threads: usize) -> Vec<Option<PreparedKey>> {
        let mut often: Vec<usize> = (0..self.keys.len())
            .filter(|&position| self.counts[position] >= from && matches!(self.scalar_key(position), KeyRef::Plain(_)))
            .collect();
        often.sort_by_key(|&position| core::cmp::Reverse(self.counts[position]));
        often.truncate(most);
        let mut tables: Vec<Option<PreparedKey>> = vec![None; often.len()];
        cpu::fill_chunks(&mut tables, threads, 1, |start, chunk| {
            for (table, &position) in chunk.iter_mut().zip(&often[start..]) {
                *table = Some(PreparedKey::new(*self.keys[position].verifying_key(), None));
            }
        });
        let mut prepared = vec![None; self.keys.len()];
        for (position, table) in often.into_iter().zip(tables) {
            prepared[position] = table;
        }
        prepared
    }
}
