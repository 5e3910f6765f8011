//! The ink of the questioned imprint at several resolutions.

use super::align::LEVELS;
use super::density::Density;
use super::plane::{Map, Plane};
use std::cell::OnceCell;

/// The ink plane of a picture's imprint, 1 for solid strokes, and its halvings.
pub(super) struct Scan {
    /// The plane at its own resolution, and where nobody can know (black print over it, beyond the picture).
    pub(super) ink: Plane,
    pub(super) hidden: Option<Plane>,
    /// The halvings, and each of them blurred; made when they are asked for.
    halved: [OnceCell<Plane>; LEVELS],
    blurred: [OnceCell<Plane>; LEVELS + 1],
    /// The picture's pixel at the plane's origin, and picture pixels in one of the plane.
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) pixel: f64,
}

impl Scan {
    /// # Inputs
    /// `coarse`: pixels of the picture in one of the registered frame; a much finer picture is halved first.
    pub(super) fn new(density: &Density, coarse: f64) -> Self {
        let level = 1.0 / f32::from(density.level.max(1));
        let mut ink = Plane::new(density.width, density.height);
        for ((out, &v), &ignored) in ink.values.iter_mut().zip(&density.ink).zip(&density.ignore) {
            *out = if ignored == 0 { (f32::from(v) * level).min(1.25) } else { 0.0 };
        }
        let mut hidden = density.ignore.iter().any(|&v| v != 0).then(|| {
            let values = density.ignore.iter().map(|&v| f32::from(u8::from(v != 0))).collect();
            Plane { width: density.width, height: density.height, values }
        });
        let (mut pixel, mut offset) = (1.0, 0.0);
        let mut coarse = coarse;
        while coarse > 1.6 && ink.width >= 128 {
            ink = ink.halved();
            hidden = hidden.map(|plane| plane.halved());
            offset += 0.5 * pixel;
            pixel *= 2.0;
            coarse /= 2.0;
        }
        let (left, top) = (density.left as f64 + offset, density.top as f64 + offset);
        Scan { ink, hidden, halved: Default::default(), blurred: Default::default(), left, top, pixel }
    }

    /// The plane's place of a picture's pixel.
    pub(super) fn of_picture(&self) -> Map {
        let s = 1.0 / self.pixel;
        Map::affine(s, 0.0, -self.left * s, 0.0, s, -self.top * s)
    }

    /// The halving whose pixels are about as large as those of a level of the frame under `map`.
    pub(super) fn halving(&self, map: &Map, level: usize) -> usize {
        let [a, b, c, d] = [map.0[0], map.0[1], map.0[3], map.0[4]];
        let factor = (a * d - b * c).abs().sqrt().max(1e-3) * f64::from(1u32 << level);
        (factor.log2().round().max(0.0) as usize).min(LEVELS)
    }

    /// A halving, blurred by a pixel of its own.
    pub(super) fn plane(&self, halving: usize) -> &Plane {
        self.blurred[halving].get_or_init(|| self.halved(halving).blurred(1.0))
    }

    fn halved(&self, halving: usize) -> &Plane {
        match halving.checked_sub(1) {
            None => &self.ink,
            Some(finer) => self.halved[finer].get_or_init(|| self.halved(finer).halved()),
        }
    }
}
