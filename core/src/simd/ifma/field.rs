//! Arithmetic mod p in eight lanes: radix 2^52, five limbs, Montgomery with R = 2^260.
//!
//! Two forms. A [`Loose`] element has signed 64-bit limbs and stands for their sum; sums and differences are taken
//! limb by limb. An [`Operand`] is what the multiplier reads: the low 52 bits of each limb, whatever stands above.
//! `core/docs/ifma.md` derives the bounds.

use super::lanes::{
    V, add, and, broadcast, high, low, or, set, shift_left, shift_right, shift_right_signed, sub, zero,
};
use super::prime::Prime;
use core::arch::x86_64::{
    _mm512_cmpeq_epi64_mask, _mm512_cmplt_epi64_mask, _mm512_mask_blend_epi64, _mm512_mask_sub_epi64,
    _mm512_shrdi_epi64,
};

/// The low 52 bits.
pub(super) const MASK: u64 = (1 << 52) - 1;

/// Bound: signed limbs, |limb| < 2^62; the value is their sum with weights 2^(52 i).
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Loose(pub(super) [V; 5]);

/// Bound: the low 52 bits of each limb are a digit, what stands above is ignored; 0 <= value < 2^260.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Operand(pub(super) [V; 5]);

/// One row of the product: t[i..] += a[i]·b, for each of the interleaved products.
macro_rules! product_row {
    ($i:literal, $(($t:ident, $a:expr, $b:expr)),+) => {
        $($t[$i] = low($t[$i], $a[$i], $b[0]);)+
        $($t[$i + 1] = high($t[$i + 1], $a[$i], $b[0]);)+
        $($t[$i + 1] = low($t[$i + 1], $a[$i], $b[1]);)+
        $($t[$i + 2] = high($t[$i + 2], $a[$i], $b[1]);)+
        $($t[$i + 2] = low($t[$i + 2], $a[$i], $b[2]);)+
        $($t[$i + 3] = high($t[$i + 3], $a[$i], $b[2]);)+
        $($t[$i + 3] = low($t[$i + 3], $a[$i], $b[3]);)+
        $($t[$i + 4] = high($t[$i + 4], $a[$i], $b[3]);)+
        $($t[$i + 4] = low($t[$i + 4], $a[$i], $b[4]);)+
        $($t[$i + 5] = high($t[$i + 5], $a[$i], $b[4]);)+
    };
}
pub(super) use product_row;

/// t += a[i]·a[j], for each of the interleaved squares.
macro_rules! product_term {
    ($i:literal, $j:literal, $(($t:ident, $a:expr)),+) => {
        $($t[$i + $j] = low($t[$i + $j], $a[$i], $a[$j]);)+
        $($t[$i + $j + 1] = high($t[$i + $j + 1], $a[$i], $a[$j]);)+
    };
}

/// One step of the reduction. Bound: |t[k]| < 2^57; makes t[i] a multiple of 2^52 by adding q·p and carries it.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn reduce_step<P: Prime>(t: &mut [V; 10], negative: &mut [V; 7], i: usize) {
    if P::SM2 {
        // (p + 1) / 2^52 = (2^48 - 2^16)·2^156 - (2^44 - 2^12).
        if i > 0 {
            t[i] = sub(t[i], negative[i]);
        }
        let q = t[i];
        negative[i + 1] = low(negative[i + 1], q, set((1 << 44) - (1 << 12)));
        negative[i + 2] = high(zero(), q, set((1 << 44) - (1 << 12)));
        t[i + 1] = add(t[i + 1], shift_right_signed::<52>(q));
        t[i + 4] = low(t[i + 4], q, set((1 << 48) - (1 << 16)));
        t[i + 5] = high(t[i + 5], q, set((1 << 48) - (1 << 16)));
    } else {
        // (p + 1) / 2^52 = (2^48 - 2^16)·2^156 + 2^36·2^104 + 2^44.
        let q = t[i];
        t[i + 1] = low(t[i + 1], q, set(1 << 44));
        t[i + 1] = add(t[i + 1], shift_right_signed::<52>(q));
        t[i + 2] = high(t[i + 2], q, set(1 << 44));
        t[i + 3] = low(t[i + 3], q, set(1 << 36));
        t[i + 4] = high(t[i + 4], q, set(1 << 36));
        t[i + 4] = low(t[i + 4], q, set((1 << 48) - (1 << 16)));
        t[i + 5] = high(t[i + 5], q, set((1 << 48) - (1 << 16)));
    }
}

/// The upper half after five steps. Bound: out |limb| < 2^56.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn upper<P: Prime>(t: &[V; 10], negative: &[V; 7]) -> Loose {
    if P::SM2 {
        Loose([sub(t[5], negative[5]), sub(t[6], negative[6]), t[7], t[8], t[9]])
    } else {
        Loose([t[5], t[6], t[7], t[8], t[9]])
    }
}

/// a·b/R. Bound: 0 <= value < a·b/16p + p, so a·b <= 16 p² gives less than 2p; |limb| < 2^56.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn mul<P: Prime>(a: &Operand, b: &Operand) -> Loose {
    let (mut t, mut n) = ([zero(); 10], [zero(); 7]);
    product_row!(0, (t, a.0, b.0));
    reduce_step::<P>(&mut t, &mut n, 0);
    product_row!(1, (t, a.0, b.0));
    reduce_step::<P>(&mut t, &mut n, 1);
    product_row!(2, (t, a.0, b.0));
    reduce_step::<P>(&mut t, &mut n, 2);
    product_row!(3, (t, a.0, b.0));
    reduce_step::<P>(&mut t, &mut n, 3);
    product_row!(4, (t, a.0, b.0));
    reduce_step::<P>(&mut t, &mut n, 4);
    upper::<P>(&t, &n)
}

/// Two products, interleaved. Bound: as [`mul`].
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn mul_pair<P: Prime>(a: [&Operand; 2], b: [&Operand; 2]) -> [Loose; 2] {
    let (mut t, mut n) = ([zero(); 10], [zero(); 7]);
    let (mut u, mut m) = ([zero(); 10], [zero(); 7]);
    product_row!(0, (t, a[0].0, b[0].0), (u, a[1].0, b[1].0));
    reduce_step::<P>(&mut t, &mut n, 0);
    reduce_step::<P>(&mut u, &mut m, 0);
    product_row!(1, (t, a[0].0, b[0].0), (u, a[1].0, b[1].0));
    reduce_step::<P>(&mut t, &mut n, 1);
    reduce_step::<P>(&mut u, &mut m, 1);
    product_row!(2, (t, a[0].0, b[0].0), (u, a[1].0, b[1].0));
    reduce_step::<P>(&mut t, &mut n, 2);
    reduce_step::<P>(&mut u, &mut m, 2);
    product_row!(3, (t, a[0].0, b[0].0), (u, a[1].0, b[1].0));
    reduce_step::<P>(&mut t, &mut n, 3);
    reduce_step::<P>(&mut u, &mut m, 3);
    product_row!(4, (t, a[0].0, b[0].0), (u, a[1].0, b[1].0));
    reduce_step::<P>(&mut t, &mut n, 4);
    reduce_step::<P>(&mut u, &mut m, 4);
    [upper::<P>(&t, &n), upper::<P>(&u, &m)]
}

/// The columns of a square, before reduction.
macro_rules! square_columns {
    ($(($t:ident, $a:expr)),+) => {
        product_term!(0, 1, $(($t, $a)),+);
        product_term!(0, 2, $(($t, $a)),+);
        product_term!(0, 3, $(($t, $a)),+);
        product_term!(1, 2, $(($t, $a)),+);
        product_term!(0, 4, $(($t, $a)),+);
        product_term!(1, 3, $(($t, $a)),+);
        product_term!(1, 4, $(($t, $a)),+);
        product_term!(2, 3, $(($t, $a)),+);
        product_term!(2, 4, $(($t, $a)),+);
        product_term!(3, 4, $(($t, $a)),+);
        $($t[1] = add($t[1], $t[1]);)+
        $($t[2] = add($t[2], $t[2]);)+
        $($t[3] = add($t[3], $t[3]);)+
        $($t[4] = add($t[4], $t[4]);)+
        $($t[5] = add($t[5], $t[5]);)+
        $($t[6] = add($t[6], $t[6]);)+
        $($t[7] = add($t[7], $t[7]);)+
        $($t[8] = add($t[8], $t[8]);)+
        product_term!(0, 0, $(($t, $a)),+);
        product_term!(1, 1, $(($t, $a)),+);
        product_term!(2, 2, $(($t, $a)),+);
        product_term!(3, 3, $(($t, $a)),+);
        product_term!(4, 4, $(($t, $a)),+);
    };
}

/// a²/R. Bound: as [`mul`].
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn square<P: Prime>(a: &Operand) -> Loose {
    let (mut t, mut n) = ([zero(); 10], [zero(); 7]);
    square_columns!((t, a.0));
    reduce_step::<P>(&mut t, &mut n, 0);
    reduce_step::<P>(&mut t, &mut n, 1);
    reduce_step::<P>(&mut t, &mut n, 2);
    reduce_step::<P>(&mut t, &mut n, 3);
    reduce_step::<P>(&mut t, &mut n, 4);
    upper::<P>(&t, &n)
}

/// Two squares, interleaved. Bound: as [`square`].
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn square_pair<P: Prime>(a: [&Operand; 2]) -> [Loose; 2] {
    let (mut t, mut n) = ([zero(); 10], [zero(); 7]);
    let (mut u, mut m) = ([zero(); 10], [zero(); 7]);
    square_columns!((t, a[0].0), (u, a[1].0));
    reduce_step::<P>(&mut t, &mut n, 0);
    reduce_step::<P>(&mut u, &mut m, 0);
    reduce_step::<P>(&mut t, &mut n, 1);
    reduce_step::<P>(&mut u, &mut m, 1);
    reduce_step::<P>(&mut t, &mut n, 2);
    reduce_step::<P>(&mut u, &mut m, 2);
    reduce_step::<P>(&mut t, &mut n, 3);
    reduce_step::<P>(&mut u, &mut m, 3);
    reduce_step::<P>(&mut t, &mut n, 4);
    reduce_step::<P>(&mut u, &mut m, 4);
    [upper::<P>(&t, &n), upper::<P>(&u, &m)]
}

impl Loose {
    /// Limb by limb. Bound: the sum of the bounds.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn add(&self, other: &Self) -> Self {
        let (a, b) = (&self.0, &other.0);
        Loose([add(a[0], b[0]), add(a[1], b[1]), add(a[2], b[2]), add(a[3], b[3]), add(a[4], b[4])])
    }

    /// Limb by limb. Bound: the sum of the bounds.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn sub(&self, other: &Self) -> Self {
        let (a, b) = (&self.0, &other.0);
        Loose([sub(a[0], b[0]), sub(a[1], b[1]), sub(a[2], b[2]), sub(a[3], b[3]), sub(a[4], b[4])])
    }

    /// self + 4p. Bound: value in -4p.. to 0...
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn plus_4p<P: Prime>(&self) -> Self {
        let a = &self.0;
        let l0 = add(a[0], set(4_u64.wrapping_neg()));
        let l4 = add(a[4], set((1 << 50) - (1 << 18)));
        if P::SM2 {
            Loose([l0, add(a[1], set(((1_u64 << 46) - (1 << 14)).wrapping_neg())), a[2], a[3], l4])
        } else {
            Loose([l0, add(a[1], set(1 << 46)), a[2], add(a[3], set(1 << 38)), l4])
        }
    }

    /// Carries. Bound: 0 <= value < 2^260.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn carry(&self) -> Operand {
        let a = &self.0;
        let l1 = add(a[1], shift_right_signed::<52>(a[0]));
        let l2 = add(a[2], shift_right_signed::<52>(l1));
        let l3 = add(a[3], shift_right_signed::<52>(l2));
        let l4 = add(a[4], shift_right_signed::<52>(l3));
        Operand([a[0], l1, l2, l3, l4])
    }

    /// Subtracts floor(top / 2^48)·p. Bound: |value| < 2^10 p; out -2^235 < value < p + 2^235.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn fold<P: Prime>(&self) -> Self {
        let a = &self.0;
        let t = shift_right_signed::<48>(a[4]);
        let l0 = add(a[0], t);
        let l4 = add(and(a[4], set((1 << 48) - 1)), shift_left::<16>(t));
        if P::SM2 {
            let l1 = sub(add(a[1], shift_left::<44>(t)), shift_left::<12>(t));
            Loose([l0, l1, a[2], a[3], l4])
        } else {
            let l1 = sub(a[1], shift_left::<44>(t));
            let l3 = sub(a[3], shift_left::<36>(t));
            Loose([l0, l1, a[2], l3, l4])
        }
    }

    /// The same value with |limb| < 2^53, by one step of carrying in all limbs at once.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn tidy(&self) -> Self {
        let (a, m) = (&self.0, set(MASK));
        Loose([
            and(a[0], m),
            add(and(a[1], m), shift_right_signed::<52>(a[0])),
            add(and(a[2], m), shift_right_signed::<52>(a[1])),
            add(and(a[3], m), shift_right_signed::<52>(a[2])),
            add(a[4], shift_right_signed::<52>(a[3])),
        ])
    }

    /// The digits of the residue below p. Bound: |value| < 2^10 p; out digits < 2^52, value < p.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn canonical<P: Prime>(&self) -> Self {
        // After the fold -2^235 < value < p + 2^235; after adding p it is below 3p.
        let p = Loose(broadcast(&P::P));
        self.fold::<P>().add(&p).carry().digits().subtract_if_not_less(&p).subtract_if_not_less(&p)
    }

    /// self - m where self >= m. Bound: digits, self < 2^259; out digits.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn subtract_if_not_less(&self, m: &Self) -> Self {
        let difference = self.sub(m).carry();
        let less = _mm512_cmplt_epi64_mask(difference.0[4], zero());
        Self::select(less, self, &difference.digits())
    }

    /// The lanes in which self < m. Bound: digits.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn less_mask(&self, m: &Self) -> u8 {
        _mm512_cmplt_epi64_mask(self.sub(m).carry().0[4], zero())
    }

    /// The lanes that are zero in every limb. Bound: digits.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn zero_mask(&self) -> u8 {
        let l = &self.0;
        let any = or(or(or(l[0], l[1]), or(l[2], l[3])), l[4]);
        _mm512_cmpeq_epi64_mask(any, zero())
    }

    /// `yes` in the lanes of the mask, else `no`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn select(mask: u8, yes: &Self, no: &Self) -> Self {
        let mut out = *no;
        for i in 0..5 {
            out.0[i] = _mm512_mask_blend_epi64(mask, no.0[i], yes.0[i]);
        }
        out
    }

    /// -self in the lanes of the mask.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn negate_if(&self, mask: u8) -> Self {
        let mut out = *self;
        for i in 0..5 {
            out.0[i] = _mm512_mask_sub_epi64(self.0[i], mask, zero(), self.0[i]);
        }
        out
    }
}

impl Operand {
    /// The same value as digits below 2^52.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn digits(&self) -> Loose {
        let (a, m) = (&self.0, set(MASK));
        Loose([and(a[0], m), and(a[1], m), and(a[2], m), and(a[3], m), and(a[4], m)])
    }

    /// From four 64-bit words a lane.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn from_words(w: &[V; 4]) -> Self {
        Operand([
            w[0],
            _mm512_shrdi_epi64::<52>(w[0], w[1]),
            _mm512_shrdi_epi64::<40>(w[1], w[2]),
            _mm512_shrdi_epi64::<28>(w[2], w[3]),
            shift_right::<16>(w[3]),
        ])
    }
}

impl Loose {
    /// Four 64-bit words a lane. Bound: digits below 2^52, value < 2^256.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn to_words(self) -> [V; 4] {
        let l = &self.0;
        [
            or(l[0], shift_left::<52>(l[1])),
            or(shift_right::<12>(l[1]), shift_left::<40>(l[2])),
            or(shift_right::<24>(l[2]), shift_left::<28>(l[3])),
            or(shift_right::<36>(l[3]), shift_left::<16>(l[4])),
        ]
    }
}
