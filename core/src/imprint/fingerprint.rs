//! The fingerprint: a code for searching that rotation does not change, and the spectrum that candidates are
//! re-ranked and turned by.

use super::density::{Density, density};
use super::find::{Imprint, Shape};
use super::image::Image;
use super::polar::{HIGHEST, MODES, Spectrum, spectra};
use super::trigonometry::{DIRECTIONS, cos_sin};
use crate::{Error, Result};

/// The length of a fingerprint in bytes.
pub const FINGERPRINT_LENGTH: usize = SPECTRUM_AT + SPECTRUM_LENGTH;

/// The layout of this module; another layout gets another number.
const VERSION: u8 = 3;
const CODE_AT: usize = 8;
/// The length of the code in bytes: 2,048 bits, of which an index scans the first half.
pub const CODE_LENGTH: usize = 256;
const SPECTRUM_AT: usize = CODE_AT + CODE_LENGTH;
const SPECTRUM_LENGTH: usize = MODES * HIGHEST * 2;

/// The frequencies (waves a turn) from which the code's halves begin: even ones and odd ones.
const LOWEST: [usize; 2] = [12, 13];

/// Frequencies below the first are what all seals share, and those below the second in part.
const SHARED: usize = 6;
const OWN: usize = 32;

/// What an imprint looks like, apart from where it stands, how large it is and how it is turned.
///
/// The bytes: version 3; shape (0 round, 1 oval, 2 square); coverage (of 255); zero; the ratio of the axes (of
/// 65535, big-endian); how the longer axis is turned clockwise on the page (of 65536 a turn, big-endian); 256 bytes of code, the first bit the lowest; 1,152 bytes of spectrum: six modes along
/// the radius, frequencies 1 to 96 of each, real and imaginary part as signed bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    bytes: Box<[u8]>,
}

impl Fingerprint {
    /// The fingerprint of an imprint that [`super::find`] found on this picture, or that a caller placed.
    ///
    /// # Source
    /// The code: signs of the cross-spectra F(k) conj G(k) between the modes of the polar form. A rotation multiplies
    /// both by the same number of modulus 1, so their product by 1.
    pub fn of(image: &Image, imprint: &Imprint) -> Self {
        Self::measured(&density(image, imprint), imprint)
    }

    pub(super) fn measured(density: &Density, imprint: &Imprint) -> Self {
        let spectra = spectra(density, imprint);
        let mut bytes = vec![0; FINGERPRINT_LENGTH].into_boxed_slice();
        bytes[0] = VERSION;
        bytes[1] = imprint.shape as u8;
        bytes[2] = imprint.coverage;
        bytes[4..6].copy_from_slice(&ratio(imprint.u, imprint.v).to_be_bytes());
        bytes[6..8].copy_from_slice(&turned(imprint.u).to_be_bytes());
        quantise(&spectra, &mut bytes[SPECTRUM_AT..]);
        for (at, product) in products(&bytes[SPECTRUM_AT..]).into_iter().enumerate() {
            bytes[CODE_AT + at / 8] |= u8::from(product > 0) << (at % 8);
        }
        Fingerprint { bytes }
    }

    /// A stored fingerprint.
    ///
    /// # Errors
    /// `InvalidLength` (other than [`FINGERPRINT_LENGTH`]); `InvalidEncoding`: another version, an unknown shape,
    /// a reserved byte that is not zero.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if bytes.len() != FINGERPRINT_LENGTH {
            let (expected, actual) = (FINGERPRINT_LENGTH, bytes.len());
            return Err(Error::InvalidLength { field: "fingerprint", expected, actual });
        }
        let refuse = |offset, reason| Err(Error::InvalidEncoding { field: "fingerprint", offset, reason });
        if bytes[0] != VERSION {
            return refuse(0, "unknown version: make the fingerprint again with this sealcore");
        }
        if bytes[1] > Shape::Square as u8 {
            return refuse(1, "unknown shape");
        }
        if bytes[3] != 0 {
            return refuse(3, "the reserved byte is not zero");
        }
        Ok(Fingerprint { bytes: bytes.into() })
    }

    /// The bytes to store, [`FINGERPRINT_LENGTH`] of them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The form of the border.
    pub fn shape(&self) -> Shape {
        match self.bytes[1] {
            0 => Shape::Round,
            1 => Shape::Oval,
            _ => Shape::Square,
        }
    }

    /// The share of the area inside the border that carried ink, of 255.
    pub fn coverage(&self) -> u8 {
        self.bytes[2]
    }

    /// How the longer axis is turned clockwise on the page, in radians.
    pub(super) fn turned(&self) -> f64 {
        f64::from(u16::from_be_bytes([self.bytes[6], self.bytes[7]])) / 65_536.0 * std::f64::consts::TAU
    }

    /// The 2,048 bits for searching: independent of the rotation.
    pub fn code(&self) -> &[u8] {
        &self.bytes[CODE_AT..SPECTRUM_AT]
    }

    /// In how many of the 2,048 bits of the code two fingerprints differ: about 1,024 for different seals.
    pub fn code_distance(&self, other: &Fingerprint) -> u32 {
        self.code().iter().zip(other.code()).map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    /// The half of the code's bits that are sure: what is nearly nothing has its sign by chance. Of the questioned
    /// imprint, so a seal in an index needs no mask.
    pub(super) fn sure(&self) -> [u8; CODE_LENGTH] {
        let strengths = products(self.spectrum()).map(i32::abs);
        let mut sorted = strengths;
        let middle = *sorted.select_nth_unstable(CODE_LENGTH * 4).1;
        let mut mask = [0; CODE_LENGTH];
        for (at, &strength) in strengths.iter().enumerate() {
            mask[at / 8] |= u8::from(strength >= middle) << (at % 8);
        }
        mask
    }

    /// The spectrum: [`MODES`] x [`HIGHEST`] pairs of real and imaginary part.
    pub(super) fn spectrum(&self) -> &[u8] {
        &self.bytes[SPECTRUM_AT..]
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fingerprint({:?}, coverage {}, code ", self.shape(), self.coverage())?;
        self.code()[..8].iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("..)")
    }
}

/// The shorter over the longer axis, of 65535, rounded down.
fn ratio(u: (i64, i64), v: (i64, i64)) -> u16 {
    let (a, b) = (square(u), square(v));
    let (long, short) = (a.max(b).max(1), a.min(b));
    (short * 65_535 * 65_535 / long).isqrt() as u16
}

/// The direction of a vector, clockwise from the right, of 65536 a turn; the library's arc tangent may differ by machine.
fn turned(v: (i64, i64)) -> u16 {
    // Lengths are below 2^20, directions at most 2^30.
    let cross = |step: usize| {
        let (c, s) = cos_sin(step);
        (c * v.1 - s * v.0, c * v.0 + s * v.1)
    };
    for step in 0..DIRECTIONS {
        let ((before, ahead), (after, _)) = (cross(step), cross(step + 1));
        if ahead > 0 && before >= 0 && after < 0 {
            let part = (before * 64 + (before - after) / 2) / (before - after);
            return ((step as i64 * 64 + part) & 0xffff) as u16;
        }
    }
    0
}

fn square((x, y): (i64, i64)) -> u128 {
    (i128::from(x) * i128::from(x) + i128::from(y) * i128::from(y)) as u128
}

/// Real and imaginary parts of F(k) conj G(k) for each pair of modes: even k first, then odd k.
fn products(spectrum: &[u8]) -> [i32; CODE_LENGTH * 8] {
    let value = |mode: usize, k: usize| {
        let at = 2 * (mode * HIGHEST + k - 1);
        [spectrum[at], spectrum[at + 1]].map(|byte| i32::from(byte as i8))
    };
    let couples = || (0..MODES).flat_map(|a| (a + 1..MODES).map(move |b| (a, b)));
    let mut products = [0; CODE_LENGTH * 8];
    for (half, lowest) in products.chunks_exact_mut(CODE_LENGTH * 4).zip(LOWEST) {
        let places = (lowest..=HIGHEST).step_by(2).flat_map(|k| couples().map(move |(a, b)| (a, b, k)));
        for (pair, (a, b, k)) in half.chunks_exact_mut(2).zip(places) {
            let ([p, q], [r, s]) = (value(a, k), value(b, k));
            (pair[0], pair[1]) = (p * r + q * s, q * r - p * s);
        }
    }
    products
}

/// The spectra with less of what all seals share, against the strongest frequency of all.
fn quantise(spectra: &[Spectrum; MODES], out: &mut [u8]) {
    let weight = |k: usize| if k < SHARED { 0.0 } else { k.min(OWN) as f64 / OWN as f64 };
    let mut strongest = 1.0f64;
    for spectrum in spectra {
        for (k, f) in spectrum.iter().enumerate() {
            strongest = strongest.max(weight(k) * f.0.abs().max(f.1.abs()));
        }
    }
    for (spectrum, out) in spectra.iter().zip(out.chunks_exact_mut(2 * HIGHEST)) {
        for (k, (f, out)) in spectrum[1..].iter().zip(out.chunks_exact_mut(2)).enumerate() {
            // Rounded half up; within +-127.
            let byte = |v: f64| (v * weight(k + 1) * 127.0 / strongest + 0.5).floor() as i8 as u8;
            (out[0], out[1]) = (byte(f.0), byte(f.1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_exact() {
        for step in 0..720 {
            let angle = f64::from(step) / 720.0 * std::f64::consts::TAU;
            let v = ((angle.cos() * 9_000.0).round() as i64, (angle.sin() * 9_000.0).round() as i64);
            let exact = (v.1 as f64).atan2(v.0 as f64) / std::f64::consts::TAU * 65_536.0;
            let apart = (f64::from(turned(v)) - exact).rem_euclid(65_536.0);
            assert!(apart.min(65_536.0 - apart) < 0.6, "{step}: {} for {exact}", turned(v));
        }
        assert_eq!(turned((0, 0)), 0);
    }
}
