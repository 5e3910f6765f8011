//! Points in Jacobian coordinates, one a lane, for sums that are too short to share an inversion. Constant time.

use super::field::{Loose, Operand, mul, mul_pair, square, square_pair};
use super::invert::partner;
use super::lanes::broadcast;
use super::prime::Prime;
use super::tree::Point;

/// Eight points (X/Z², Y/Z³). Domain: Montgomery. Bound: x and y as `fold` leaves them; z < 2p.
#[derive(Clone, Copy)]
pub(super) struct Jacobian {
    pub(super) x: Loose,
    pub(super) y: Loose,
    pub(super) z: Operand,
}

/// What two points with a common Z have: (U1, S1), Z, and the differences H = U2 - U1 and R = S2 - S1.
struct Pair {
    u1: Loose,
    s1: Loose,
    h: Operand,
    r: Operand,
    /// The Z of the sum.
    z: Operand,
}

impl Pair {
    /// The sum, where H is not zero; else Z is zero. Bounds in multiples of p: H, R < 6.1, their squares < 3.4,
    /// H³ < 2.4, V < 1.5.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    fn sum<P: Prime>(&self) -> Jacobian {
        let p = Loose(broadcast(&P::P));
        let [hh, rr] = square_pair::<P>([&self.h, &self.r]);
        let hh = hh.carry();
        let [hhh, v] = mul_pair::<P>([&self.h, &self.u1.add(&p).carry()], [&hh, &hh]);
        let x = rr.sub(&hhh).sub(&v).sub(&v).fold::<P>();
        let run = v.sub(&x).plus_4p::<P>().carry();
        let [rise, drop] = mul_pair::<P>([&self.r, &self.s1.add(&p).carry()], [&run, &hhh.carry()]);
        Jacobian { x, y: rise.sub(&drop).fold::<P>(), z: self.z }
    }
}

impl Jacobian {
    /// The same points.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn new<P: Prime>(point: &Point) -> Self {
        Jacobian { x: point.x, y: point.y, z: Operand(broadcast(&P::ONE)) }
    }

    /// self + other, where they are neither equal nor opposite; else Z is zero. 8M + 3S. Bound: other from a table.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn add_affine<P: Prime>(&self, other: &Point) -> Self {
        let zz = square::<P>(&self.z).carry();
        let [u2, zzz] = mul_pair::<P>([&other.x.carry(), &self.z], [&zz, &zz]);
        let h = u2.sub(&self.x).plus_4p::<P>().carry();
        let [s2, z] = mul_pair::<P>([&other.y.plus_4p::<P>().carry(), &self.z], [&zzz.carry(), &h]);
        let r = s2.sub(&self.y).plus_4p::<P>().carry();
        Pair { u1: self.x, s1: self.y, h, r, z: z.carry() }.sum::<P>()
    }

    /// Every lane's point and that of the lane at this distance, brought to a common Z. 5M + 1S.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    fn pair<P: Prime, const DISTANCE: usize>(&self) -> Pair {
        let p = Loose(broadcast(&P::P));
        let zz = square::<P>(&self.z).carry();
        let other_zz = Operand(partner::<DISTANCE>(&zz.0));
        let [u1, zzz] = mul_pair::<P>([&self.x.add(&p).carry(), &self.z], [&other_zz, &zz]);
        let other_zzz = Operand(partner::<DISTANCE>(&zzz.carry().0));
        let other_z = Operand(partner::<DISTANCE>(&self.z.0));
        let [s1, z] = mul_pair::<P>([&self.y.add(&p).carry(), &self.z], [&other_zzz, &other_z]);
        let h = Loose(partner::<DISTANCE>(&u1.0)).sub(&u1).plus_4p::<P>().carry();
        let r = Loose(partner::<DISTANCE>(&s1.0)).sub(&s1).plus_4p::<P>().carry();
        let z = mul::<P>(&z.carry(), &h).carry();
        Pair { u1, s1, h, r, z }
    }

    /// 2·self. 4M + 4S.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    fn double<P: Prime>(&self) -> Self {
        let p = Loose(broadcast(&P::P));
        let (x, y) = (self.x.add(&p), self.y.add(&p).carry());
        let [delta, gamma] = square_pair::<P>([&self.z, &y]);
        let gamma = gamma.carry();
        let (less, more) = (x.sub(&delta).plus_4p::<P>().carry(), x.add(&delta).carry());
        let [slope, beta] = mul_pair::<P>([&less, &x.carry()], [&more, &gamma]);
        let alpha = slope.add(&slope).add(&slope).carry();
        let [square, gamma2] = square_pair::<P>([&alpha, &gamma]);
        let beta4 = beta.add(&beta).add(&beta).add(&beta);
        let x = square.sub(&beta4).sub(&beta4).fold::<P>();
        let run = beta4.sub(&x).plus_4p::<P>().carry();
        let [rise, z] = mul_pair::<P>([&alpha, &y], [&run, &self.z]);
        let gamma4 = gamma2.add(&gamma2).add(&gamma2).add(&gamma2);
        let y = rise.sub(&gamma4).sub(&gamma4).fold::<P>();
        Jacobian { x, y, z: z.add(&z).fold::<P>().add(&p).carry() }
    }

    /// The sum of the points of all lanes, in every lane. Equal summands are allowed in the last addition; where others
    /// are equal, or any are opposite, Z is zero.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
    pub(super) fn sum_of_lanes<P: Prime>(&self) -> Self {
        let fours = self.pair::<P, 1>().sum::<P>().pair::<P, 2>().sum::<P>();
        let pair = fours.pair::<P, 4>();
        let (sum, double) = (pair.sum::<P>(), fours.double::<P>());
        let zero = pair.h.digits().canonical::<P>().zero_mask() & pair.r.digits().canonical::<P>().zero_mask();
        Jacobian {
            x: Loose::select(zero, &double.x, &sum.x),
            y: Loose::select(zero, &double.y, &sum.y),
            z: Operand(Loose::select(zero, &Loose(double.z.0), &Loose(sum.z.0)).0),
        }
    }
}
