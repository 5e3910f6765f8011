//! Inversion modulo an odd prime by division steps, in constant time.
//!
//! Source: D. J. Bernstein, B.-Y. Yang, "Fast constant-time gcd computation and modular inversion" (CHES 2019), in the
//! form that starts with delta = 1/2, for which 590 steps suffice below 2^256 (P. Wuille, `safegcd_implementation.md`
//! of libsecp256k1). A division step turns (f, g), f odd, into (g, (g - f) / 2), (f, (g + f) / 2) or (f, g / 2); ten
//! times 59 of them run on the low words alone and give a matrix, which is then applied to the full numbers.
//! Invariants: f = y·d / scale and g = y·e / scale, mod m; in the end g is 0 and f is gcd(y, m) or its opposite.

use super::limbs::Limbs;
use crate::simd::opaque;
use zeroize::Zeroize;

const ROUNDS: usize = 10;
const STEPS: usize = 59;
/// 62 bits of a limb.
const LOW: u64 = (1 << 62) - 1;

/// Bound: limbs in 0..2^62, but for the highest, which has the sign.
#[derive(Clone, Copy, Zeroize)]
struct Signed([i64; 5]);

/// 2^62 times the effect of the steps of a round: f becomes (u·f + v·g) / 2^62, g becomes (q·f + r·g) / 2^62.
/// Bound: |u| + |v| <= 2^62, |q| + |r| <= 2^62.
struct Matrix {
    u: i64,
    v: i64,
    q: i64,
    r: i64,
}

/// What is to be inverted: `scale` / y mod m, and 0 for y = 0. Bound: y, scale < m; m an odd prime, 2^255 < m < 2^256;
/// `negated_inverse` is -m^-1 mod 2^64.
pub(super) struct Quotient {
    pub(super) y: Limbs,
    pub(super) scale: Limbs,
    pub(super) m: Limbs,
    pub(super) negated_inverse: u64,
}

/// The quotients, side by side: two take much less than twice the time of one. Bound: out < m.
pub(super) fn invert<const N: usize>(quotients: &[Quotient; N]) -> [Limbs; N] {
    let inverse = quotients.each_ref().map(|quotient| quotient.negated_inverse.wrapping_neg() & LOW);
    let m = quotients.each_ref().map(|quotient| Signed::new(quotient.m));
    let (mut f, mut g) = (m, quotients.each_ref().map(|quotient| Signed::new(quotient.y)));
    let (mut d, mut e) = ([Signed([0; 5]); N], quotients.each_ref().map(|quotient| Signed::new(quotient.scale)));
    // -(delta + 1/2), which makes its sign the question that a step asks.
    let mut zeta = [-1; N];
    for _ in 0..ROUNDS {
        let matrices = divide(&mut zeta, f.map(|f| f.0[0]), g.map(|g| g.0[0]));
        for i in 0..N {
            (d[i], e[i]) = combine_modular(&d[i], &e[i], &matrices[i], &m[i], inverse[i]);
            (f[i], g[i]) = combine_exact(&f[i], &g[i], &matrices[i]);
        }
    }
    // f is 1 or -1, and d its multiple; for y = 0 nothing ever changed d, which is 0.
    let mut results = [[0; 4]; N];
    for i in 0..N {
        results[i] = d[i].canonical(f[i].0[4] >> 63, &m[i]);
    }
    f.zeroize();
    g.zeroize();
    d.zeroize();
    e.zeroize();
    results
}

/// All ones for a negative number. The optimiser does not know that it is a mask.
#[inline(always)]
fn sign(x: i64) -> i64 {
    opaque((x >> 63).cast_unsigned()).cast_signed()
}

/// -x for a mask of all ones, x for 0.
#[inline(always)]
fn negate_if(mask: i64, x: i64) -> i64 {
    (x ^ mask).wrapping_sub(mask)
}

/// The steps of a round on the low words of f and g: 30 and 29, so that two factors fit into a word, and then their
/// product, with the missing 62 - 59 doublings.
#[inline(always)]
fn divide<const N: usize>(zeta: &mut [i64; N], mut f: [i64; N], mut g: [i64; N]) -> [Matrix; N] {
    let first = steps::<30, N>(zeta, &mut f, &mut g);
    let mut matrices = steps::<{ STEPS - 30 }, N>(zeta, &mut f, &mut g);
    for (second, first) in matrices.iter_mut().zip(&first) {
        let product = |a: i64, x: i64, b: i64, y: i64| {
            a.wrapping_mul(x).wrapping_add(b.wrapping_mul(y)).wrapping_shl(62 - STEPS as u32)
        };
        *second = Matrix {
            u: product(second.u, first.u, second.v, first.q),
            v: product(second.u, first.v, second.v, first.r),
            q: product(second.q, first.u, second.r, first.q),
            r: product(second.q, first.v, second.r, first.r),
        };
    }
    matrices
}

/// COUNT steps on the low words of f and g. Bound: COUNT <= 30; out |factor| <= 2^COUNT.
#[inline(always)]
fn steps<const COUNT: usize, const N: usize>(zeta: &mut [i64; N], f: &mut [i64; N], g: &mut [i64; N]) -> [Matrix; N] {
    // u in the low half, v in the high half of a word; q and r likewise.
    let (mut uv, mut qr) = ([1i64; N], [1i64 << 32; N]);
    for _ in 0..COUNT {
        for i in 0..N {
            let negative = sign(zeta[i]);
            let odd = opaque((g[i] & 1).cast_unsigned().wrapping_neg()).cast_signed();
            // g becomes g ± f where it is odd.
            g[i] = g[i].wrapping_add(negate_if(negative, f[i]) & odd);
            qr[i] = qr[i].wrapping_add(negate_if(negative, uv[i]) & odd);
            // delta changes its sign, and f becomes the old g, where both are true.
            let swap = negative & odd;
            zeta[i] = (zeta[i] ^ swap).wrapping_sub(1);
            f[i] = f[i].wrapping_add(g[i] & swap);
            uv[i] = uv[i].wrapping_add(qr[i] & swap);
            g[i] >>= 1;
            uv[i] = uv[i].wrapping_shl(1);
        }
    }
    core::array::from_fn(|i| {
        let ((u, v), (q, r)) = (unpack(uv[i]), unpack(qr[i]));
        Matrix { u, v, q, r }
    })
}

/// Both halves of a packed word. Bound: halves of absolute value up to 2^30.
#[inline(always)]
fn unpack(word: i64) -> (i64, i64) {
    let low = i64::from(word as i32);
    (low, word.wrapping_sub(low) >> 32)
}

/// a·x + b·y + carry. Bound: |a| + |b| <= 2^62, |x|, |y| < 2^63, |carry| < 2^125: far from the bounds of the type.
#[inline(always)]
fn linear(a: i64, x: i64, b: i64, y: i64, carry: i128) -> i128 {
    i128::from(a)
        .wrapping_mul(i128::from(x))
        .wrapping_add(i128::from(b).wrapping_mul(i128::from(y)))
        .wrapping_add(carry)
}

#[inline(always)]
fn low(x: i128) -> i64 {
    (x as u64 & LOW).cast_signed()
}

/// The matrix times (f, g), over 2^62: exact. Bound: f and g in -2^256 .. 2^256.
#[inline(always)]
fn combine_exact(f: &Signed, g: &Signed, t: &Matrix) -> (Signed, Signed) {
    let (f, g) = (&f.0, &g.0);
    let mut next = ([0; 5], [0; 5]);
    let mut carry_f = linear(t.u, f[0], t.v, g[0], 0) >> 62;
    let mut carry_g = linear(t.q, f[0], t.r, g[0], 0) >> 62;
    for i in 1..5 {
        carry_f = linear(t.u, f[i], t.v, g[i], carry_f);
        carry_g = linear(t.q, f[i], t.r, g[i], carry_g);
        (next.0[i - 1], next.1[i - 1]) = (low(carry_f), low(carry_g));
        carry_f >>= 62;
        carry_g >>= 62;
    }
    (next.0[4], next.1[4]) = (carry_f as i64, carry_g as i64);
    (Signed(next.0), Signed(next.1))
}

/// The matrix times (d, e), over 2^62 mod m. Bound: d and e in -2m .. m, before and after.
#[inline(always)]
fn combine_modular(d: &Signed, e: &Signed, t: &Matrix, m: &Signed, inverse: u64) -> (Signed, Signed) {
    let (d, e, m) = (&d.0, &e.0, &m.0);
    let mut next = ([0; 5], [0; 5]);
    // m is added to what is negative, so that the sum is in -m .. m; and then as often as makes it divisible by 2^62.
    let (sign_d, sign_e) = (sign(d[4]), sign(e[4]));
    let times_d = (t.u & sign_d).wrapping_add(t.v & sign_e);
    let times_e = (t.q & sign_d).wrapping_add(t.r & sign_e);
    let mut carry_d = linear(t.u, d[0], t.v, e[0], 0);
    let mut carry_e = linear(t.q, d[0], t.r, e[0], 0);
    let times = |carry: i128, times: i64| {
        let excess = inverse.wrapping_mul(carry as u64).wrapping_add(times.cast_unsigned()) & LOW;
        times.wrapping_sub(excess.cast_signed())
    };
    let (times_d, times_e) = (times(carry_d, times_d), times(carry_e, times_e));
    carry_d = linear(times_d, m[0], 0, 0, carry_d) >> 62;
    carry_e = linear(times_e, m[0], 0, 0, carry_e) >> 62;
    for i in 1..5 {
        carry_d = linear(times_d, m[i], 0, 0, linear(t.u, d[i], t.v, e[i], carry_d));
        carry_e = linear(times_e, m[i], 0, 0, linear(t.q, d[i], t.r, e[i], carry_e));
        (next.0[i - 1], next.1[i - 1]) = (low(carry_d), low(carry_e));
        carry_d >>= 62;
        carry_e >>= 62;
    }
    (next.0[4], next.1[4]) = (carry_d as i64, carry_e as i64);
    (Signed(next.0), Signed(next.1))
}

impl Signed {
    /// Bound: in < 2^256.
    #[inline(always)]
    fn new(x: Limbs) -> Self {
        let limb = |word: u64| (word & LOW).cast_signed();
        Signed([
            limb(x[0]),
            limb((x[0] >> 62) | (x[1] << 2)),
            limb((x[1] >> 60) | (x[2] << 4)),
            limb((x[2] >> 58) | (x[3] << 6)),
            limb(x[3] >> 56),
        ])
    }

    /// self + (m & mask), carried. Bound: limbs of absolute value below 2^62.
    #[inline(always)]
    fn add_masked(self, m: &Self, mask: i64) -> Self {
        let mut sum = self.0;
        let mut carry = 0;
        for (limb, m) in sum.iter_mut().zip(m.0) {
            let total = limb.wrapping_add(m & mask).wrapping_add(carry);
            *limb = total & LOW.cast_signed();
            carry = total >> 62;
        }
        // The highest limb keeps its sign.
        sum[4] = sum[4].wrapping_add(carry.wrapping_shl(62));
        Signed(sum)
    }

    /// self, or its opposite for a mask of all ones, mod m. Bound: -2m < self < m; out < m.
    #[inline(always)]
    fn canonical(self, opposite: i64, m: &Self) -> Limbs {
        let opposite = sign(opposite);
        let once = self.add_masked(m, sign(self.0[4]));
        let negated = Signed(once.0.map(|limb| negate_if(opposite, limb))).add_masked(m, 0);
        let Signed(x) = negated.add_masked(m, sign(negated.0[4]));
        let x = x.map(i64::cast_unsigned);
        [x[0] | (x[1] << 62), (x[1] >> 2) | (x[2] << 60), (x[2] >> 4) | (x[3] << 58), (x[3] >> 6) | (x[4] << 56)]
    }
}
