//! Many signatures by one key. Constant time in the key, the nonces and the digests.

use super::comb::Comb;
use super::digits::Digits;
use super::field::{Loose, Operand, mul};
use super::invert::invert_mod_n;
use super::lanes::{V, broadcast, load, set, stored, zero};
use super::order;
use super::prime::{Prime, limbs};
use super::tree::{Level, Point, Scratch, levels, sum};
use core::hint::black_box;

/// Groups of eight that one batch takes at most; even.
const GROUPS: usize = 16;

/// The secret of a signing key, as words, least first: d for ECDSA, (1 + d)^-1 for SM2.
#[derive(Clone, Copy)]
pub(crate) struct Secret<'a>(pub(crate) &'a [u64; 4]);

/// Work space of the batches of a call; cleared at the end.
pub(super) struct Batch {
    points: Vec<Point>,
    scratch: Scratch,
    levels: Vec<Level>,
}

impl Batch {
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn new(windows: usize, groups: usize) -> Self {
        let none = Loose([zero(); 5]);
        Batch {
            points: vec![Point { x: none, y: none }; groups * windows],
            scratch: Scratch::new(groups * windows.div_ceil(2)),
            levels: levels(&[windows]),
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    fn clear(&mut self) {
        let none = Loose([zero(); 5]);
        self.points.fill(Point { x: none, y: none });
        black_box(&self.points);
        self.scratch.clear();
    }
}

/// Eight numbers, one a lane. Bound: out digits.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn from_lanes(value: impl Fn(usize) -> [u64; 4]) -> Loose {
    let mut words = [[0; 8]; 4];
    for lane in 0..8 {
        let value = value(lane);
        for (word, value) in words.iter_mut().zip(value) {
            word[lane] = value;
        }
    }
    Operand::from_words(&[load(&words[0]), load(&words[1]), load(&words[2]), load(&words[3])]).digits()
}

/// Signs `digests[i]` (big-endian words turned, least first) with the nonce `k[i]`. Where a nonce gives no signature
/// (it is zero or not below n, or r or s would be zero) the word before r and s is 0, else 1. Constant time.
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn sign<P: Prime>(
    comb: &Comb,
    secret: Secret<'_>,
    digests: &[[u64; 4]],
    nonces: &[[u64; 4]],
    mut write: impl FnMut(usize, u64, [[u64; 4]; 2]),
) {
    let Some(last) = digests.len().checked_sub(1) else { return };
    let windows = comb.windows();
    let most = digests.len().div_ceil(16).saturating_mul(2).min(GROUPS);
    let mut batch = Batch::new(windows, most);
    let n = order::modulus::<P>();
    let one = Loose([set(1), zero(), zero(), zero(), zero()]);
    let plain_one = Operand(broadcast(&[1, 0, 0, 0, 0]));
    let secret = order::to_montgomery::<P>(&Operand(broadcast(&limbs(*secret.0))));
    let mut start = 0;
    while start <= last {
        let groups = ((last + 1 - start).div_ceil(16) * 2).min(most);
        let points = &mut batch.points[..groups * windows];
        let mut scalars = Vec::with_capacity(groups);
        for group in 0..groups {
            let k = from_lanes(|lane| nonces[(start + 8 * group + lane).min(last)]);
            let usable = k.less_mask(&n) & !k.zero_mask();
            let k = Loose::select(usable, &k, &one);
            let digits = Digits::new::<P>(&k, comb.width());
            for window in 0..windows {
                points[window * groups + group] = comb.point(&digits, window);
            }
            scalars.push((k, usable));
        }
        sum::<P>(points, groups, &batch.levels, &mut batch.scratch);
        let inverses = if P::SM2 { Vec::new() } else { invert_all::<P>(&scalars) };
        for (group, (k, usable)) in scalars.iter().enumerate() {
            let e = from_lanes(|lane| digests[(start + 8 * group + lane).min(last)]);
            let x = mul::<P>(&points[group].x.add(&Loose(broadcast(&P::P))).carry(), &plain_one).canonical::<P>();
            let mut valid = *usable;
            let (r, s) = if P::SM2 {
                // s = (1 + d)^-1 (k + r) - r.
                let r = order::canonical::<P>(&e.add(&x).carry());
                let sum = order::canonical::<P>(&r.add(k).carry());
                valid &= !sum.zero_mask();
                let product = order::canonical::<P>(&order::mul::<P>(&secret, &Operand(sum.0)));
                (r, order::canonical::<P>(&product.sub(&r).add(&n).carry()))
            } else {
                // s = k^-1 (e + r·d).
                let r = order::canonical::<P>(&Operand(x.0));
                let product = order::mul::<P>(&secret, &Operand(r.0)).digits();
                let sum = product.add(&e).carry();
                (r, order::canonical::<P>(&order::mul::<P>(&inverses[group], &sum)))
            };
            valid &= !r.zero_mask() & !s.zero_mask();
            let (r, s) = (r.to_words().map(|v: V| stored(v)), s.to_words().map(|v: V| stored(v)));
            for lane in 0..8.min(last + 1 - (start + 8 * group).min(last + 1)) {
                let number = |words: &[[u64; 8]; 4]| words.map(|word| word[lane]);
                write(start + 8 * group + lane, u64::from(valid >> lane & 1), [number(&r), number(&s)]);
            }
        }
        scalars.fill((one, 0));
        black_box(&scalars);
        start += 8 * groups;
    }
    batch.clear();
}

/// k^-1·R mod n of each, with one inversion. Constant time.
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn invert_all<P: Prime>(scalars: &[(Loose, u8)]) -> Vec<Operand> {
    let mut product = Operand(broadcast(&P::N_ONE));
    let mut inverses = Vec::with_capacity(scalars.len());
    let mut numbers = Vec::with_capacity(scalars.len());
    for (k, _) in scalars {
        let k = order::to_montgomery::<P>(&Operand(k.0));
        inverses.push(product);
        product = order::mul::<P>(&product, &k);
        numbers.push(k);
    }
    let mut running = invert_mod_n::<P>(&product);
    for (inverse, k) in inverses.iter_mut().zip(&numbers).rev() {
        *inverse = order::mul::<P>(&running, inverse);
        running = order::mul::<P>(&running, k);
    }
    numbers.fill(product);
    black_box(&numbers);
    inverses
}
