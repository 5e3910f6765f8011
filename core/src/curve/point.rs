//! Points and their addition.

use super::limbs::subtract;
use super::{Choice, Curve, Fe, Residue};
use zeroize::Zeroize;

/// A point other than infinity: (x, y).
#[derive(Clone, Copy, Debug)]
pub struct Affine<C: Curve> {
    /// x mod p.
    pub x: Fe<C>,
    /// y mod p.
    pub y: Fe<C>,
}

/// A point (X/Z², Y/Z³); infinity has Z = 0.
#[derive(Clone, Copy, Debug)]
pub struct Jacobian<C: Curve> {
    pub(super) x: Fe<C>,
    pub(super) y: Fe<C>,
    pub(super) z: Fe<C>,
}

impl<C: Curve> PartialEq for Affine<C> {
    fn eq(&self, other: &Self) -> bool {
        self.x.equals_vartime(other.x) && self.y.equals_vartime(other.y)
    }
}

impl<C: Curve> Eq for Affine<C> {}

impl<C: Curve> Affine<C> {
    /// The point of these coordinates, which must be on the curve.
    pub(super) const fn new_unchecked(x: Fe<C>, y: Fe<C>) -> Self {
        Affine { x, y }
    }

    /// The point of these coordinates, big-endian; `None` off the curve or for a coordinate >= p. Variable time.
    pub fn from_bytes_vartime(x: &[u8; 32], y: &[u8; 32]) -> Option<Self> {
        let (x, x_in_range) = Fe::<C>::from_bytes(x);
        let (y, y_in_range) = Fe::<C>::from_bytes(y);
        let on_curve = y.square().equals_vartime(right_side::<C>(x));
        (x_in_range.reveal() && y_in_range.reveal() && on_curve).then_some(Affine { x, y })
    }

    /// The point with this x and this parity of y; `None` when there is none or x >= p. Variable time.
    pub fn decompress_vartime(x: &[u8; 32], odd: bool) -> Option<Self> {
        let (x, in_range) = Fe::<C>::from_bytes(x);
        let square = right_side::<C>(x);
        // p = 3 mod 4: a root of a square is its power (p + 1) / 4. y = 0 does not occur (n is odd).
        let y = square.power(&const { quarter::<C>() });
        if !in_range.reveal() || !y.square().equals_vartime(square) {
            return None;
        }
        let y = if (y.to_canonical()[0] & 1 == 1) == odd { y } else { y.negate() };
        Some(Affine { x, y })
    }

    /// x and y, least word first. Domain: integers.
    pub fn to_words(&self) -> [u64; 8] {
        let mut words = [0; 8];
        words[..4].copy_from_slice(&self.x.to_canonical());
        words[4..].copy_from_slice(&self.y.to_canonical());
        words
    }

    /// -self.
    #[inline(always)]
    pub fn negate(self) -> Self {
        Affine { x: self.x, y: self.y.negate() }
    }
}

/// x³ - 3x + b.
fn right_side<C: Curve>(x: Fe<C>) -> Fe<C> {
    x.square().mul(x).sub(x.double().add(x)).add(C::B)
}

/// (p + 1) / 4.
const fn quarter<C: Curve>() -> [u64; 4] {
    let p = <C::P as super::Modulus>::M;
    assert!(p[0] == u64::MAX, "p + 1 carries exactly once");
    let p = [0, p[1].wrapping_add(1), p[2], p[3]];
    assert!(p[1] != 0, "and no further");
    [p[0] >> 2 | p[1] << 62, p[1] >> 2 | p[2] << 62, p[2] >> 2 | p[3] << 62, p[3] >> 2]
}

impl<C: Curve> Jacobian<C> {
    /// The neutral element.
    pub const INFINITY: Self = Jacobian { x: Residue::ONE, y: Residue::ONE, z: Residue::ZERO };

    /// 2·self; complete: no point of the curve has y = 0, and Z = 0 stays. 4M + 4S.
    #[inline]
    pub fn double(&self) -> Self {
        let y2 = self.y.double();
        let delta = self.z.square();
        let gamma4 = y2.square();
        let beta4 = self.x.mul(gamma4);
        let slope = self.x.sub(delta).mul(self.x.add(delta));
        let alpha = slope.double().add(slope);
        let x = alpha.square().sub(beta4.double());
        let y = alpha.mul(beta4.sub(x)).sub(gamma4.square().halve());
        Jacobian { x, y, z: y2.mul(self.z) }
    }

    /// self + other, any two points; 12M + 4S. Variable time.
    pub fn add_vartime(&self, other: &Self) -> Self {
        if self.is_infinity_vartime() {
            return *other;
        }
        if other.is_infinity_vartime() {
            return *self;
        }
        let z1z1 = self.z.square();
        let z2z2 = other.z.square();
        let u1 = self.x.mul(z2z2);
        let s1 = self.y.mul(z2z2.mul(other.z));
        let h = other.x.mul(z1z1).sub(u1);
        let r = other.y.mul(z1z1.mul(self.z)).sub(s1);
        if h.is_zero_vartime() {
            return if r.is_zero_vartime() { self.double() } else { Self::INFINITY };
        }
        let hh = h.square();
        let hhh = hh.mul(h);
        let v = u1.mul(hh);
        let x = r.square().sub(hhh).sub(v.double());
        let y = r.mul(v.sub(x)).sub(s1.mul(hhh));
        Jacobian { x, y, z: self.z.mul(other.z).mul(h) }
    }

    /// From X, Y and Z as integers less than p.
    pub fn from_integers([x, y, z]: [[u64; 4]; 3]) -> Self {
        Jacobian { x: Residue::from_canonical(x), y: Residue::from_canonical(y), z: Residue::from_canonical(z) }
    }

    /// -self.
    pub fn negate(&self) -> Self {
        Jacobian { x: self.x, y: self.y.negate(), z: self.z }
    }

    /// `yes` or `no`.
    pub(super) fn select(choice: Choice, yes: &Self, no: &Self) -> Self {
        Jacobian {
            x: Residue::select(choice, yes.x, no.x),
            y: Residue::select(choice, yes.y, no.y),
            z: Residue::select(choice, yes.z, no.z),
        }
    }

    /// Whether this is the neutral element. Variable time.
    pub fn is_infinity_vartime(&self) -> bool {
        self.z.is_zero_vartime()
    }

    /// The affine form of a point other than infinity (which gives (0, 0)). Constant time.
    pub fn to_affine(&self) -> Affine<C> {
        let inverse = self.z.invert();
        let square = inverse.square();
        Affine { x: self.x.mul(square), y: self.y.mul(square.mul(inverse)) }
    }

    /// The affine x of a point other than infinity. Constant time.
    pub fn affine_x(&self) -> Fe<C> {
        self.x.mul(self.z.invert().square())
    }

    /// The affine x of a point other than infinity, and k^-1, faster than one after the other. Constant time.
    pub fn affine_x_and_inverse(&self, k: &Residue<C::N>) -> (Fe<C>, Residue<C::N>) {
        let (inverse, of_k) = self.z.invert_with(*k);
        (self.x.mul(inverse.square()), of_k)
    }

    /// Whether the affine x mod n is `residue`, without an inversion; false for infinity. Variable time.
    pub fn has_x_mod_n_vartime(&self, residue: Residue<C::N>) -> bool {
        if self.is_infinity_vartime() {
            return false;
        }
        let zz = self.z.square();
        let candidate = Fe::<C>::from_canonical(residue.to_canonical());
        if candidate.mul(zz).equals_vartime(self.x) {
            return true;
        }
        // n < p < 2n: x may also be residue + n, when that is less than p.
        let (room, _) = subtract(<C::P as super::Modulus>::M, <C::N as super::Modulus>::M);
        let (_, fits) = subtract(residue.to_canonical(), room);
        fits == 1 && candidate.add(Fe::<C>::from_canonical(<C::N as super::Modulus>::M)).mul(zz).equals_vartime(self.x)
    }

    /// The affine forms of points of which none is infinity, with one inversion.
    pub(super) fn many_to_affine(points: &[Self]) -> Vec<Affine<C>> {
        let denominators: Vec<Fe<C>> = points.iter().map(|point| point.z).collect();
        let affine = |(point, inverse): (&Self, Fe<C>)| {
            let square = inverse.square();
            Affine { x: point.x.mul(square), y: point.y.mul(square.mul(inverse)) }
        };
        points.iter().zip(Fe::<C>::invert_many(&denominators)).map(affine).collect()
    }
}

impl<C: Curve> From<Affine<C>> for Jacobian<C> {
    fn from(point: Affine<C>) -> Self {
        Jacobian { x: point.x, y: point.y, z: Residue::ONE }
    }
}

impl<C: Curve> Zeroize for Affine<C> {
    fn zeroize(&mut self) {
        self.x.zeroize();
        self.y.zeroize();
    }
}

impl<C: Curve> Zeroize for Jacobian<C> {
    fn zeroize(&mut self) {
        self.x.zeroize();
        self.y.zeroize();
        self.z.zeroize();
    }
}
