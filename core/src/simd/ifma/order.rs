//! Arithmetic mod n in eight lanes, Montgomery with R = 2^260: for the few products that a signature needs.

use super::field::{Loose, Operand, product_row};
use super::lanes::{V, add, broadcast, high, low, set, shift_right, zero};
use super::prime::Prime;

/// One step of the reduction: t[i] becomes a multiple of 2^52 by adding q·n, and is carried. Bound: t[k] < 2^57.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn reduce_step<P: Prime>(t: &mut [V; 10], i: usize) {
    let q = low(zero(), t[i], set(P::N_INVERSE));
    for (j, &limb) in P::N.iter().enumerate() {
        t[i + j] = low(t[i + j], q, set(limb));
        t[i + j + 1] = high(t[i + j + 1], q, set(limb));
    }
    t[i + 1] = add(t[i + 1], shift_right::<52>(t[i]));
}

/// a·b/R mod n. Bound: a·b < 16 n² gives a value < 2n.
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn mul<P: Prime>(a: &Operand, b: &Operand) -> Operand {
    let mut t = [zero(); 10];
    product_row!(0, (t, a.0, b.0));
    reduce_step::<P>(&mut t, 0);
    product_row!(1, (t, a.0, b.0));
    reduce_step::<P>(&mut t, 1);
    product_row!(2, (t, a.0, b.0));
    reduce_step::<P>(&mut t, 2);
    product_row!(3, (t, a.0, b.0));
    reduce_step::<P>(&mut t, 3);
    product_row!(4, (t, a.0, b.0));
    reduce_step::<P>(&mut t, 4);
    Loose([t[5], t[6], t[7], t[8], t[9]]).carry()
}

/// n in every lane.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn modulus<P: Prime>() -> Loose {
    Loose(broadcast(&P::N))
}

/// The residue below n. Bound: value < 3n; out digits.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn canonical<P: Prime>(a: &Operand) -> Loose {
    let n = modulus::<P>();
    a.digits().subtract_if_not_less(&n).subtract_if_not_less(&n)
}

/// a·R. Bound: a < 2^256; out < 2n.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
pub(super) fn to_montgomery<P: Prime>(a: &Operand) -> Operand {
    mul::<P>(a, &Operand(broadcast(&P::N_R2)))
}
