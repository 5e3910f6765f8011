//! Verification by the scalar code: keys with tables several signatures at a time, whose additions share their inversions.

use super::KeyRef;
use crate::curve::{Combination, Curve, P256, PublicTable, Scalar, Sm2, combine_many_vartime};
use crate::sign::prepared::ScalarTable;
use crate::sign::{Signature, ecdsa, sm2};

/// Below so many signatures an inversion is not shared by enough.
const TOGETHER_FROM: usize = 3;

/// A signature by a key with a table, and where its verdict goes.
struct Item<'a, 'v, C: Curve> {
    key: KeyRef<'a>,
    table: &'a PublicTable<C>,
    digest: &'a [u8; 32],
    signature: &'a Signature,
    valid: &'v mut bool,
}

/// Signatures that are verified together, those of a curve at a time.
#[derive(Default)]
pub(super) struct Group<'a, 'v> {
    sm2: Vec<Item<'a, 'v, Sm2>>,
    p256: Vec<Item<'a, 'v, P256>>,
}

impl<'a, 'v> Group<'a, 'v> {
    /// Takes a signature; one by a key without a table is verified at once.
    pub(super) fn push(
        &mut self,
        key: KeyRef<'a>,
        digest: &'a [u8; 32],
        signature: &'a Signature,
        valid: &'v mut bool,
    ) {
        let table = match key {
            KeyRef::Prepared(prepared) => prepared.scalar_table(),
            KeyRef::Plain(_) => None,
        };
        match table {
            Some(ScalarTable::Sm2(table)) => self.sm2.push(Item { key, table, digest, signature, valid }),
            Some(ScalarTable::P256(table)) => self.p256.push(Item { key, table, digest, signature, valid }),
            None => *valid = key.verify_digest(digest, signature).is_ok(),
        }
    }

    /// Writes the verdicts.
    pub(super) fn verify(self) {
        verify(self.sm2, |items| items.iter().map(|it| sm2::claim(it.digest, it.signature)).collect());
        verify(self.p256, |items| ecdsa::claims(items.iter().map(|it| (it.digest, it.signature))));
    }
}

/// What is to hold of a signature: a·G + b·Q has x, mod n; or `None`, where it is invalid as it stands.
type Claim<C> = Option<[Scalar<C>; 3]>;

fn verify<C: Curve>(mut items: Vec<Item<'_, '_, C>>, claims: impl Fn(&[Item<'_, '_, C>]) -> Vec<Claim<C>>) {
    if items.len() < TOGETHER_FROM {
        items.iter_mut().for_each(|it| *it.valid = it.key.verify_digest(it.digest, it.signature).is_ok());
        return;
    }
    let claims = claims(&items);
    let pairs = || items.iter().zip(&claims).filter_map(|(it, claim)| claim.map(|claim| (it, claim)));
    let combinations: Vec<_> = pairs().map(|(it, [a, b, _])| Combination { a, b, table: it.table }).collect();
    let mut sums = combine_many_vartime(&combinations).into_iter();
    for (it, claim) in items.iter_mut().zip(&claims) {
        *it.valid = claim.is_some_and(|[_, _, x]| sums.next().is_some_and(|sum| sum.has_x_mod_n_vartime(x)));
    }
}
