//! The fingerprint: a code for searching that rotation does not change, and the spectrum that candidates are
//! re-ranked and turned by.

use super::density::{Density, density};
use super::find::{Imprint, Shape};
use super::image::Image;
use super::polar::{HIGHEST, RINGS, Spectra, spectra};
use crate::{Error, Result};

/// The length of a fingerprint in bytes.
pub const FINGERPRINT_LENGTH: usize = SPECTRUM_AT + SPECTRUM_LENGTH;

/// The layout of this module; another layout gets another number.
const VERSION: u8 = 2;
const CODE_AT: usize = 8;
/// The length of the code in bytes: 1,024 bits of the bispectrum, then 1,024 bits across rings.
pub const CODE_LENGTH: usize = 256;
const SPECTRUM_AT: usize = CODE_AT + CODE_LENGTH;
/// Bands of the spectrum, and rings in each.
pub(super) const BANDS: usize = 10;
const BAND_RINGS: usize = RINGS / BANDS;
const SPECTRUM_LENGTH: usize = BANDS * HIGHEST * 2;

/// The code reads four bands of seven rings, without the star, which many seals share.
const CODE_BANDS: usize = 4;
const CODE_RINGS: usize = 7;
const CODE_FIRST: usize = RINGS - CODE_BANDS * CODE_RINGS;
/// The frequencies (waves a turn) from which the bispectrum takes its pairs, and their number in each band.
const LOWEST: usize = 6;
const PAIRS: usize = CODE_LENGTH * 8 / 2 / CODE_BANDS / 2;
/// The lowest frequency across rings.
const ACROSS_LOWEST: usize = 4;

/// What an imprint looks like, apart from where it stands, how large it is and how it is turned.
///
/// The bytes: version 2; shape (0 round, 1 oval, 2 square); coverage (of 255); zero; the ratio of the axes (of
/// 65535, big-endian); two zeros; 256 bytes of code, the first bit the lowest; 1,920 bytes of spectrum: ten bands
/// of rings from the middle, frequencies 1 to 96 of each, real and imaginary part as signed bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    bytes: Box<[u8]>,
}

impl Fingerprint {
    /// The fingerprint of an imprint that [`super::find`] found on this picture, or that a caller placed.
    ///
    /// # Source
    /// The code: signs of the bispectrum of ring profiles (a rotation multiplies every triple product by 1) and of
    /// the cross-spectra between rings (likewise).
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
        bytes[CODE_AT..SPECTRUM_AT].copy_from_slice(&code(&spectra));
        quantise(&spectra, &mut bytes[SPECTRUM_AT..]);
        Fingerprint { bytes }
    }

    /// A stored fingerprint.
    ///
    /// # Errors
    /// `InvalidLength` (other than [`FINGERPRINT_LENGTH`]); `InvalidEncoding`: another version, an unknown shape,
    /// reserved bytes that are not zero.
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
        if let Some(offset) = [3, 6, 7].into_iter().find(|&at| bytes[at] != 0) {
            return refuse(offset, "reserved bytes are not zero");
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

    /// The 2,048 bits for searching: independent of the rotation.
    pub fn code(&self) -> &[u8] {
        &self.bytes[CODE_AT..SPECTRUM_AT]
    }

    /// In how many of the 2,048 bits of the code two fingerprints differ: about 1,024 for different seals.
    pub fn code_distance(&self, other: &Fingerprint) -> u32 {
        self.code().iter().zip(other.code()).map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    /// The spectrum: [`BANDS`] x [`HIGHEST`] pairs of real and imaginary part.
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

fn square((x, y): (i64, i64)) -> u128 {
    (i128::from(x) * i128::from(x) + i128::from(y) * i128::from(y)) as u128
}

/// The bits: for each band Re and Im of F(j) F(k) conj F(j + k), then for each pair of bands those of
/// F(k) conj G(k).
fn code(spectra: &Spectra) -> [u8; CODE_LENGTH] {
    let bands: [_; CODE_BANDS] = std::array::from_fn(|band| spectra.band(CODE_FIRST + band * CODE_RINGS, CODE_RINGS));
    let mut code = [0; CODE_LENGTH];
    let mut at = 0;
    let mut push = |(re, im): (f64, f64)| {
        for sign in [re, im] {
            code[at / 8] |= u8::from(sign > 0.0) << (at % 8);
            at += 1;
        }
    };
    for band in &bands {
        for (j, k) in pairs() {
            push(times(times(band[j], band[k]), conjugate(band[j + k])));
        }
    }
    let couples = || (0..CODE_BANDS).flat_map(|a| (a + 1..CODE_BANDS).map(move |b| (a, b)));
    let across = (ACROSS_LOWEST..=HIGHEST).flat_map(|k| couples().map(move |(a, b)| (a, b, k)));
    for (a, b, k) in across.take(CODE_LENGTH * 8 / 2 / 2) {
        push(times(bands[a][k], conjugate(bands[b][k])));
    }
    code
}

fn times(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

fn conjugate(a: (f64, f64)) -> (f64, f64) {
    (a.0, -a.1)
}

/// The pairs of frequencies with the lowest sums.
fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (2 * LOWEST..=HIGHEST).flat_map(|sum| (LOWEST..=sum / 2).map(move |j| (j, sum - j))).take(PAIRS)
}

/// Each band's spectrum against its own strongest frequency.
fn quantise(spectra: &Spectra, out: &mut [u8]) {
    for (band, out) in out.chunks_exact_mut(2 * HIGHEST).enumerate() {
        let sum = spectra.band(band * BAND_RINGS, BAND_RINGS);
        let strongest = sum[1..].iter().map(|f| f.0.abs().max(f.1.abs())).fold(1.0, f64::max);
        for (f, out) in sum[1..].iter().zip(out.chunks_exact_mut(2)) {
            // Rounded half up; within +-127.
            let byte = |v: f64| (v * 127.0 / strongest + 0.5).floor() as i8 as u8;
            (out[0], out[1]) = (byte(f.0), byte(f.1));
        }
    }
}
