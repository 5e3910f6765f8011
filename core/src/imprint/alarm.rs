//! Signs that an imprint was not stamped: ink that is perfectly even, the screen of a printer, texture that another
//! imprint has too. They do not touch the verdict, which judges the shape: a printed copy has the right one.

use super::density::Density;
use super::measure::Laid;
use super::plane::Plane;
use super::registered::Design;
use super::screen::screened;

/// A sign that the imprint was not stamped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alarm {
    /// The ink is perfectly even: drawn by a program, or printed.
    Flat,
    /// The ink consists of regular dots: printed.
    Halftone,
}

/// Stamped ink varies by at least this share of its density over some tenths of a millimetre: pressure and ink are
/// never even. What a program draws stays near a hundredth, scanner, light and JPEG included.
const EVEN: f32 = 0.06;

/// From this correlation of textures on, one imprint repeats the other. Stampings of real name seals reach 0.31 (what is
/// worn off the seal they share), pasted imprints of the model begin at 0.5.
pub(super) const REPEATED: f64 = 0.42;

/// Places of solid ink that a texture needs.
const LEAST: usize = 1_500;

/// So deep within its registered stroke a place has texture of its own, in mm: nearer, its shape decides.
const DEEP_MM: f32 = 0.12;

/// The width of the bins of depth over which the expected ink is averaged, in mm, and their number.
const BIN_MM: f32 = 0.05;
const BINS: usize = 16;

/// The texture of an imprint where its strokes are solid.
struct Texture {
    /// What neither depth nor the neighbourhood explains, a share of the ink; 0 where there is none.
    fine: Plane,
    /// The ink averaged over its neighbourhood's strokes, a share of what is expected at that depth.
    broad: Vec<f32>,
    solid: Vec<bool>,
    count: usize,
}

/// A plane averaged with a Gaussian over the places of a mask alone.
fn averaged(plane: &Plane, mask: &Plane, sigma: f32) -> Plane {
    let mut out = plane.blurred(sigma);
    let weight = mask.blurred(sigma);
    out.values.iter_mut().zip(&weight.values).for_each(|(v, w)| *v /= w.max(1e-3));
    out
}

impl Texture {
    /// The expected ink falls towards the edges of every stroke, in every imprint of one design alike: it is the mean
    /// over all places of about the same depth. What the neighbourhood shares (pressure, a pale star) is taken off too.
    fn of(design: &Design, laid: &Laid, per_mm: f32) -> Self {
        let depths = design.depths();
        let side = design.plane.width;
        let clear = |at: usize| laid.hidden.as_ref().is_none_or(|hidden| hidden.values[at] < 0.05);
        let solid: Vec<bool> = (0..side * side)
            .map(|at| depths[at] >= DEEP_MM * per_mm && laid.ink.values[at] > 0.5 && clear(at))
            .collect();
        let bin = |at: usize| ((depths[at] / (BIN_MM * per_mm)) as usize).min(BINS - 1);
        let mut sums = [(0.0f32, 0.0f32); BINS];
        let places = || solid.iter().enumerate().filter(|(_, solid)| **solid).map(|(at, _)| at);
        for at in places() {
            let sum = &mut sums[bin(at)];
            *sum = (sum.0 + laid.pressed.values[at], sum.1 + 1.0);
        }
        let (mut ink, mut mask) = (Plane::new(side, side), Plane::new(side, side));
        for at in places() {
            let (sum, n) = sums[bin(at)];
            ink.values[at] = laid.pressed.values[at] * n / sum.max(1e-3) - 1.0;
            mask.values[at] = 1.0;
        }
        let broad = averaged(&ink, &mask, 0.12 * per_mm).values;
        let around = averaged(&ink, &mask, 0.45 * per_mm);
        let mut fine = ink;
        for at in places() {
            fine.values[at] -= around.values[at];
        }
        let count = places().count();
        Texture { fine, broad, solid, count }
    }
}

/// The signs on one imprint.
///
/// # Inputs
/// `density`: the imprint at the resolution of its picture, of `pixel_mm` millimetres a pixel; unknown resolutions are
/// those of the registered size.
pub(super) fn alarms(design: &Design, laid: &Laid, density: &Density, per_mm: f32) -> Vec<Alarm> {
    let texture = Texture::of(design, laid, per_mm);
    let mut found = Vec::new();
    if texture.count >= LEAST {
        let mut values: Vec<f32> =
            texture.broad.iter().zip(&texture.solid).filter(|(_, solid)| **solid).map(|(v, _)| *v).collect();
        // A tenth at either end may be print that shows through.
        let mut quantile = |share: f32| {
            let k = (share * (values.len() - 1) as f32) as usize;
            *values.select_nth_unstable_by(k, f32::total_cmp).1
        };
        let spread = (quantile(0.9) - quantile(0.1)) / 2.56;
        if spread < EVEN {
            found.push(Alarm::Flat);
        }
    }
    if screened(density) {
        found.push(Alarm::Halftone);
    }
    found
}

/// The correlation of two imprints' textures where both have ink.
pub(super) fn repeats(design: &Design, a: &Laid, b: &Laid, per_mm: f32) -> f64 {
    let (a, b) = (Texture::of(design, a, per_mm), Texture::of(design, b, per_mm));
    let (mut xy, mut xx, mut yy, mut n) = (0.0f64, 1e-12, 1e-12, 0);
    for (at, _) in a.solid.iter().zip(&b.solid).enumerate().filter(|(_, (a, b))| **a && **b) {
        let (p, q) = (f64::from(a.fine.values[at]), f64::from(b.fine.values[at]));
        xy += p * q;
        xx += p * p;
        yy += q * q;
        n += 1;
    }
    if n < LEAST { 0.0 } else { xy / (xx * yy).sqrt() }
}
