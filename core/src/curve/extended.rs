//! Points with two denominators, for sums of many entries of a table: an addition saves a squaring.

use super::{Affine, Choice, Curve, Fe, Jacobian, Residue};
use zeroize::Zeroize;

/// A point (X/ZZ, Y/ZZZ) with ZZ³ = ZZZ²; infinity has ZZ = ZZZ = 0.
#[derive(Clone, Copy)]
pub(super) struct Extended<C: Curve> {
    x: Fe<C>,
    y: Fe<C>,
    zz: Fe<C>,
    zzz: Fe<C>,
}

impl<C: Curve> Extended<C> {
    /// 2·self. Formula dbl-2008-s-1, 7M + 4S.
    fn double(&self) -> Self {
        let u = self.y.double();
        let v = u.square();
        let w = u.mul(v);
        let s = self.x.mul(v);
        let slope = self.x.sub(self.zz).mul(self.x.add(self.zz));
        let m = slope.double().add(slope);
        let x = m.square().sub(s.double());
        Extended { x, y: m.mul(s.sub(x)).sub(w.mul(self.y)), zz: v.mul(self.zz), zzz: w.mul(self.zzz) }
    }

    /// self + other for self ≠ infinity and self ≠ ±other; formula madd-2008-s, 8M + 2S. Also the denominator, zero in
    /// the cases that are excluded, and the numerator.
    #[inline(always)]
    fn add_affine_generic(&self, other: &Affine<C>) -> (Self, Fe<C>, Fe<C>) {
        let h = other.x.mul(self.zz).sub(self.x);
        let r = other.y.mul(self.zzz).sub(self.y);
        let hh = h.square();
        let hhh = hh.mul(h);
        let v = self.x.mul(hh);
        let x = r.square().sub(hhh).sub(v.double());
        let y = r.mul(v.sub(x)).sub(self.y.mul(hhh));
        (Extended { x, y, zz: self.zz.mul(hh), zzz: self.zzz.mul(hhh) }, h, r)
    }

    /// self + other for self ≠ infinity and self ≠ ±other. Constant time.
    #[inline]
    pub(super) fn add_affine_incomplete(&self, other: &Affine<C>) -> Self {
        self.add_affine_generic(other).0
    }

    /// Whether this is the neutral element; sums of equal or opposite points by the incomplete formula are, too.
    pub(super) fn is_infinity(&self) -> Choice {
        self.zz.is_zero()
    }

    /// self + other, any two points. Variable time.
    #[inline]
    pub(super) fn add_affine_vartime(&self, other: &Affine<C>) -> Self {
        if self.zz.is_zero_vartime() {
            return (*other).into();
        }
        let (sum, h, r) = self.add_affine_generic(other);
        if h.is_zero_vartime() && r.is_zero_vartime() { self.double() } else { sum }
    }
}

impl<C: Curve> From<Affine<C>> for Extended<C> {
    fn from(point: Affine<C>) -> Self {
        Extended { x: point.x, y: point.y, zz: Residue::ONE, zzz: Residue::ONE }
    }
}

impl<C: Curve> From<Jacobian<C>> for Extended<C> {
    fn from(point: Jacobian<C>) -> Self {
        let zz = point.z.square();
        Extended { x: point.x, y: point.y, zz, zzz: zz.mul(point.z) }
    }
}

impl<C: Curve> From<Extended<C>> for Jacobian<C> {
    /// With Z = ZZZ.
    fn from(point: Extended<C>) -> Self {
        Jacobian { x: point.x.mul(point.zz.square()), y: point.y.mul(point.zzz.square()), z: point.zzz }
    }
}

impl<C: Curve> Zeroize for Extended<C> {
    fn zeroize(&mut self) {
        self.x.zeroize();
        self.y.zeroize();
        self.zz.zeroize();
        self.zzz.zeroize();
    }
}
