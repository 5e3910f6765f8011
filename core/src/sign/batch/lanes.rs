//! Verification of a batch by the vector engine: the signatures of a key together, keys that occur often with a table,
//! all others together without.

use super::{KeyRef, Roster};
use crate::cpu;
use crate::curve::{Affine, P256, Sm2};
use crate::sign::engine::{Engine, Item, Laned, Table};
use crate::sign::verifying::Point;
use crate::sign::{Signature, VerifyingKey};

/// From so many signatures of one key on, a table pays for itself.
const TABLE_FROM: usize = 32;
/// Tables that are there at a time: 16 MiB, whatever the number of keys.
const MAX_TABLES: usize = 64;
/// Signatures by keys with tables that a thread takes at a time.
const KNOWN_GRAIN: usize = 1024;
/// The same without tables: the more, the better one inversion is shared.
const UNKNOWN_GRAIN: usize = 2048;
/// Below so many signatures lanes gain nothing.
const KNOWN_FROM: usize = 4;
const UNKNOWN_FROM: usize = 16;

/// What all the steps read.
#[derive(Clone, Copy)]
struct Batch<'a> {
    engine: Engine,
    roster: &'a Roster<'a>,
    digests: &'a [[u8; 32]],
    signatures: &'a [Signature],
    threads: usize,
}

/// The verdict on each signature.
pub(super) fn verify(
    engine: Engine,
    roster: &Roster<'_>,
    digests: &[[u8; 32]],
    signatures: &[Signature],
    threads: usize,
) -> Vec<bool> {
    let batch = Batch { engine, roster, digests, signatures, threads };
    let (order, starts) = roster.sorted(signatures.len());
    let items = |position: usize| &order[starts[position]..][..roster.counts[position]];
    let mut valid = vec![false; signatures.len()];
    batch.verify_curve::<Sm2>(items, sm2_point, &mut valid);
    batch.verify_curve::<P256>(items, p256_point, &mut valid);
    valid
}

fn sm2_point(key: &VerifyingKey) -> Option<&Affine<Sm2>> {
    match &key.0 {
        Point::Sm2(point) => Some(point),
        Point::P256(_) => None,
    }
}

fn p256_point(key: &VerifyingKey) -> Option<&Affine<P256>> {
    match &key.0 {
        Point::P256(point) => Some(point),
        Point::Sm2(_) => None,
    }
}

impl<'a> Batch<'a> {
    fn item(&self, index: u32) -> Item<'a> {
        Item { digest: &self.digests[index as usize], signature: &self.signatures[index as usize] }
    }

    /// The signatures by the keys of one curve.
    fn verify_curve<'o, C: Laned>(
        self,
        items: impl Fn(usize) -> &'o [u32],
        point: impl Fn(&VerifyingKey) -> Option<&Affine<C>> + Sync,
        valid: &mut [bool],
    ) {
        let roster = self.roster;
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for (position, key) in roster.keys.iter().enumerate() {
            if point(key.verifying_key()).is_none() {
                continue;
            }
            let has_table = matches!(key, KeyRef::Prepared(key) if key.lanes_table().is_some());
            if has_table || roster.counts[position] >= TABLE_FROM {
                known.push(position);
            } else {
                unknown.extend_from_slice(items(position));
            }
        }
        for positions in known.chunks(MAX_TABLES) {
            self.verify_known::<C>(positions, &items, &point, valid);
        }
        self.verify_unknown::<C>(&unknown, &point, valid);
    }

    /// The signatures by these keys, with a table for each.
    fn verify_known<'o, C: Laned>(
        self,
        positions: &[usize],
        items: impl Fn(usize) -> &'o [u32],
        point: impl Fn(&VerifyingKey) -> Option<&Affine<C>> + Sync,
        valid: &mut [bool],
    ) {
        let key = |index: usize| self.roster.keys[positions[index]];
        let mut made: Vec<Option<Table>> = positions.iter().map(|_| None).collect();
        cpu::fill_chunks(&mut made, self.threads, 1, |start, chunk| {
            for (offset, made) in chunk.iter_mut().enumerate() {
                let key = key(start + offset);
                if !matches!(key, KeyRef::Prepared(key) if key.lanes_table().is_some()) {
                    *made = point(key.verifying_key()).map(|point| self.engine.key_table(point));
                }
            }
        });
        let tables: Vec<&Table> = (0..positions.len())
            .filter_map(|index| match key(index) {
                KeyRef::Prepared(key) if key.lanes_table().is_some() => key.lanes_table(),
                _ => made[index].as_ref(),
            })
            .collect();
        // The items of one key after those of another, each with the number of its table.
        let order: Vec<(u32, u32)> = positions
            .iter()
            .enumerate()
            .flat_map(|(index, &position)| items(position).iter().map(move |&item| (item, index as u32)))
            .collect();
        if order.len() < KNOWN_FROM {
            return self.verify_scalar(order.iter().map(|&(item, _)| item), valid);
        }
        let mut verdicts = vec![false; order.len()];
        cpu::fill_chunks(&mut verdicts, self.threads, KNOWN_GRAIN, |start, chunk| {
            self.engine.verify_known::<C>(
                |index| self.item(order[start + index].0),
                |index| tables[order[start + index].1 as usize],
                chunk,
            );
        });
        for (&(item, _), verdict) in order.iter().zip(verdicts) {
            valid[item as usize] = verdict;
        }
    }

    /// The signatures by keys that have no table.
    fn verify_unknown<C: Laned>(
        self,
        order: &[u32],
        point: impl Fn(&VerifyingKey) -> Option<&Affine<C>> + Sync,
        valid: &mut [bool],
    ) {
        if order.len() < UNKNOWN_FROM {
            return self.verify_scalar(order.iter().copied(), valid);
        }
        let points: Vec<&Affine<C>> = order
            .iter()
            .filter_map(|&item| point(self.roster.keys[self.roster.position(item as usize)].verifying_key()))
            .collect();
        let share = order.len().div_ceil(cpu::threads(self.threads));
        let mut verdicts = vec![false; order.len()];
        cpu::fill_chunks(&mut verdicts, self.threads, share.clamp(UNKNOWN_FROM, UNKNOWN_GRAIN), |start, chunk| {
            self.engine.verify_unknown::<C>(
                |index| self.item(order[start + index]),
                |index| points[start + index],
                chunk,
            );
        });
        for (&item, verdict) in order.iter().zip(verdicts) {
            valid[item as usize] = verdict;
        }
    }

    /// A few signatures, one after the other.
    fn verify_scalar(self, order: impl Iterator<Item = u32>, valid: &mut [bool]) {
        for item in order {
            let index = item as usize;
            let key = self.roster.keys[self.roster.position(index)];
            valid[index] = key.verify_digest(&self.digests[index], &self.signatures[index]).is_ok();
        }
    }
}
