//! Verification of many signatures by keys that have tables. Variable time: everything is public.

use super::digits::{Digits, MAX_WINDOWS, number, windows};
use super::field::{Loose, Operand, mul, square};
use super::invert::invert_mod_n;
use super::lanes::{V, add, broadcast, load, or, prefetch, set, store, transpose, zero};
use super::order;
use super::prime::Prime;
use super::table::{Entry, Table, point_from_words};
use super::tree::{Level, Point, Scratch, levels, sum, tangent};

/// A signature to verify: 32-byte digest, r || s, both big-endian.
#[derive(Clone, Copy)]
pub(crate) struct Claim<'a> {
    pub(crate) digest: &'a [u8; 32],
    pub(crate) signature: &'a [u8; 64],
}

/// Eight claims as numbers: the sum u·G + v·Q must have an x that is `target` mod n.
pub(super) struct Equation {
    pub(super) u: Loose,
    pub(super) v: Loose,
    pub(super) target: Loose,
    /// The lanes whose r and s are in range (SM2: and r + s is not 0 mod n).
    pub(super) valid: u8,
    /// The lanes in which u is 0 mod n; there `u` is 1, and does not count.
    pub(super) no_u: u8,
}

/// r, s and e of eight claims.
struct Numbers {
    r: Loose,
    s: Loose,
    e: Loose,
    valid: u8,
}

/// Groups of eight that one batch takes at most; even.
pub(super) const GROUPS: usize = 16;

#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn numbers<'a, P: Prime>(claim: &impl Fn(usize) -> Claim<'a>) -> Numbers {
    let (mut signatures, mut digests) = ([zero(); 8], [zero(); 8]);
    for lane in 0..8 {
        let Claim { digest, signature } = claim(lane);
        let mut words = [0; 8];
        for (word, bytes) in words.iter_mut().zip(signature.as_chunks::<8>().0) {
            *word = u64::from_be_bytes(*bytes);
        }
        signatures[lane] = load(&words);
        let mut words = [0; 8];
        for (word, bytes) in words.iter_mut().zip(digest.as_chunks::<8>().0) {
            *word = u64::from_be_bytes(*bytes);
        }
        digests[lane] = load(&words);
    }
    let w: [V; 8] = transpose(&signatures);
    let d: [V; 8] = transpose(&digests);
    let r = number([w[3], w[2], w[1], w[0]]);
    let s = number([w[7], w[6], w[5], w[4]]);
    let e = number([d[3], d[2], d[1], d[0]]);
    let n = order::modulus::<P>();
    let valid = r.less_mask(&n) & s.less_mask(&n) & !r.zero_mask() & !s.zero_mask();
    let one = Loose([set(1), zero(), zero(), zero(), zero()]);
    // What is out of range does not count any more; a one keeps the others from harm.
    Numbers { r: Loose::select(valid, &r, &one), s: Loose::select(valid, &s, &one), e, valid }
}

/// The equations of `groups` times eight claims. ECDSA: u = e/s, v = r/s, target = r. SM2: u = s, v = r + s,
/// target = r - e.
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn equations<'a, P: Prime>(groups: usize, claim: impl Fn(usize) -> Claim<'a>) -> Vec<Equation> {
    let all = (0..groups).map(|group| numbers::<P>(&|lane| claim(8 * group + lane)));
    let n = order::modulus::<P>();
    let one = Loose([set(1), zero(), zero(), zero(), zero()]);
    if P::SM2 {
        return all
            .map(|Numbers { r, s, e, mut valid }| {
                let t = r.add(&s).carry().digits().subtract_if_not_less(&n);
                let zero = t.zero_mask();
                valid &= !zero;
                let v = Loose::select(zero, &one, &t);
                // e < 2^256 < 2n: r - e + 2n is in 0 .. 3n.
                let target = order::canonical::<P>(&r.sub(&e).add(&n).add(&n).carry());
                Equation { u: s, v, target, valid, no_u: 0 }
            })
            .collect();
    }
    // One inversion for all: the product of the s, and back.
    let all: Vec<Numbers> = all.collect();
    let mut product = Operand(broadcast(&P::N_ONE));
    let prefixes: Vec<(Operand, Operand)> = all
        .iter()
        .map(|numbers| {
            let s = order::to_montgomery::<P>(&Operand(numbers.s.0));
            let before = product;
            product = order::mul::<P>(&product, &s);
            (before, s)
        })
        .collect();
    let mut running = invert_mod_n::<P>(&product);
    let mut equations: Vec<Equation> = all
        .iter()
        .zip(&prefixes)
        .rev()
        .map(|(&Numbers { r, e, valid, .. }, (before, s))| {
            let inverse = order::mul::<P>(&running, before);
            running = order::mul::<P>(&running, s);
            let u = order::canonical::<P>(&order::mul::<P>(&inverse, &Operand(e.0)));
            let v = order::canonical::<P>(&order::mul::<P>(&inverse, &Operand(r.0)));
            let no_u = u.zero_mask();
            Equation { u: Loose::select(no_u, &one, &u), v, target: r, valid, no_u }
        })
        .collect();
    equations.reverse();
    equations
}

/// The lanes in which a + b is a point whose x is `target` mod n; b alone in the lanes of `no_a`. Without an
/// inversion: (y_b - y_a)² = (target + x_a + x_b)·(x_b - x_a)².
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn sum_has_x<P: Prime>(a: &Point, b: &Point, target: &Loose, no_a: u8) -> u8 {
    let (run, rise) = (b.x.sub(&a.x), b.y.sub(&a.y));
    let same_x = run.canonical::<P>().zero_mask() & !no_a;
    let mut run = run.plus_4p::<P>();
    let mut rise = rise.plus_4p::<P>();
    let mut summed = a.x.add(&b.x);
    let mut refused = 0;
    if same_x != 0 {
        // The tangent where the points are equal; infinity, which has no x, where they are opposite.
        let equal = same_x & rise.canonical::<P>().zero_mask();
        refused = same_x & !equal;
        run = Loose::select(equal, &a.y.add(&a.y).plus_4p::<P>(), &run);
        rise = Loose::select(equal, &tangent::<P>(&a.x), &rise);
    }
    if no_a != 0 {
        // (x_b - target)·1 = 0.
        let none = Loose([zero(); 5]);
        rise = Loose::select(no_a, &none, &rise);
        run = Loose::select(no_a, &Loose(broadcast(&P::ONE)), &run);
        summed = Loose::select(no_a, &b.x.negate_if(0xff), &summed);
    }
    let square_run = square::<P>(&run.carry()).carry();
    let square_rise = square::<P>(&rise.carry());
    let r2 = Operand(broadcast(&P::R2));
    let check = |target: &Loose| {
        let x = mul::<P>(&Operand(target.0), &r2);
        // target - x_b instead of target + x_a + x_b where there is no a.
        let left = mul::<P>(&x.add(&summed).plus_4p::<P>().carry(), &square_run);
        left.sub(&square_rise).canonical::<P>().zero_mask()
    };
    let mut found = check(target);
    // n < p < 2n: x may also be target + n, when that is less than p.
    let room = target.less_mask(&Loose(broadcast(&P::GAP)));
    if room != 0 {
        found |= room & check(&target.add(&order::modulus::<P>()).carry().digits());
    }
    found & !refused
}

/// Work space of a batch, used again by the next.
pub(super) struct Batch {
    pub(super) points: Vec<Point>,
    pub(super) scratch: Scratch,
    pub(super) levels: Vec<Level>,
    width: usize,
}

impl Batch {
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn new(parts: &[usize], groups: usize) -> Self {
        let width: usize = parts.iter().sum();
        let none = Loose([zero(); 5]);
        let levels = levels(parts);
        let additions = levels.iter().map(|level| level.pairs.len()).max().unwrap_or(0);
        Self {
            points: vec![Point { x: none, y: none }; groups * width],
            scratch: Scratch::new(groups * additions),
            levels,
            width,
        }
    }
}

/// Windows between the request of an entry and its use.
const AHEAD: usize = 4;

/// The points of the digits of eight scalars, each from its own table, to every `step`th of `points`; all tables have
/// the width of the digits.
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn look_up(digits: &Digits, tables: [&[Entry]; 8], width: usize, points: &mut [Point], step: usize) {
    let mut indices = [[0; 8]; MAX_WINDOWS];
    let mut signs = [0; MAX_WINDOWS];
    let count = windows(width);
    let mut base = zero();
    for (window, (indices, sign)) in indices.iter_mut().zip(&mut signs).enumerate().take(count) {
        let (index, negative) = digits.digit(window);
        store(indices, or(index, base));
        *sign = negative;
        base = add(base, set(1 << (width - 1)));
    }
    let entry = |window: usize, lane: usize| &tables[lane][indices[window][lane] as usize];
    for window in 0..AHEAD.min(count) {
        for lane in 0..8 {
            prefetch(&entry(window, lane).0);
        }
    }
    for (window, point) in points.iter_mut().step_by(step).enumerate().take(count) {
        if window + AHEAD < count {
            for lane in 0..8 {
                prefetch(&entry(window + AHEAD, lane).0);
            }
        }
        let rows = [
            load(&entry(window, 0).0),
            load(&entry(window, 1).0),
            load(&entry(window, 2).0),
            load(&entry(window, 3).0),
            load(&entry(window, 4).0),
            load(&entry(window, 5).0),
            load(&entry(window, 6).0),
            load(&entry(window, 7).0),
        ];
        *point = point_from_words(&transpose(&rows), signs[window]);
    }
}

/// Verifies `out.len()` claims by keys with tables of one width; `claim` and `key` tell the claim and the table at
/// an index.
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn verify<'a, P: Prime>(
    g: &Table,
    claim: impl Fn(usize) -> Claim<'a>,
    key: impl Fn(usize) -> &'a Table,
    out: &mut [bool],
) {
    let Some(last) = out.len().checked_sub(1) else { return };
    let (g_windows, q_width) = (windows(g.width()), key(0).width());
    let groups = (last + 1).div_ceil(16).saturating_mul(2).min(GROUPS);
    let mut batch = Batch::new(&[g_windows, windows(q_width)], groups);
    for (number, out) in out.chunks_mut(8 * GROUPS).enumerate() {
        let start = 8 * GROUPS * number;
        // Lanes beyond the end repeat the last claim.
        let groups = out.len().div_ceil(16) * 2;
        let equations = equations::<P>(groups, |index| claim((start + index).min(last)));
        let points = &mut batch.points[..groups * batch.width];
        let (for_g, for_q) = points.split_at_mut(groups * g_windows);
        for (group, equation) in equations.iter().enumerate() {
            let tables = core::array::from_fn(|lane| key((start + 8 * group + lane).min(last)).entries());
            look_up(
                &Digits::new::<P>(&equation.u, g.width()),
                [g.entries(); 8],
                g.width(),
                &mut for_g[group..],
                groups,
            );
            look_up(&Digits::new::<P>(&equation.v, q_width), tables, q_width, &mut for_q[group..], groups);
        }
        sum::<P>(points, groups, &batch.levels, &mut batch.scratch);
        for (group, equation) in equations.iter().enumerate() {
            let (a, b) = (&batch.points[group], &batch.points[groups * g_windows + group]);
            let found = sum_has_x::<P>(a, b, &equation.target, equation.no_u);
            let found = found & equation.valid;
            for (lane, valid) in out.iter_mut().skip(8 * group).take(8).enumerate() {
                *valid = found >> lane & 1 == 1;
            }
        }
    }
}
