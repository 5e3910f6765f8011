//! The fingerprint: a code for searching that rotation does not change, and the map that comparison aligns.

use super::find::{Imprint, Shape, find_with};
use super::image::Image;
use super::ink::Scorer;
use super::normalise::{COLUMNS, RINGS, polar};
use super::trigonometry::{DIRECTIONS, cos_sin};
use crate::{Error, Result};

/// The length of a fingerprint in bytes.
pub const FINGERPRINT_LENGTH: usize = MAP_AT + MAP_LENGTH;

/// The layout of this module; another layout gets another number.
const VERSION: u8 = 1;
const CODE_AT: usize = 8;
const CODE_LENGTH: usize = 128;
const MAP_AT: usize = CODE_AT + CODE_LENGTH;
/// Two bits a cell.
const MAP_LENGTH: usize = RINGS * COLUMNS / 4;

/// The code reads four bands of nine rings, without the star, which many seals share.
const BANDS: usize = 4;
const BAND_RINGS: usize = 9;
const FIRST_RING: usize = RINGS - BANDS * BAND_RINGS;
/// Frequencies (waves a turn) from which the code takes its pairs.
const LOWEST: usize = 8;
const HIGHEST: usize = 80;
const PAIRS: usize = CODE_LENGTH * 8 / BANDS / 2;

/// What an imprint looks like, apart from where it stands, how large it is and how it is turned.
///
/// The bytes: version 1; shape (0 round, 1 oval, 2 square); support and coverage of the border (of 255); the
/// ratio of the axes (of 65535, big-endian); two zeros; 128 bytes of code; 7,680 bytes of map, four cells of two
/// bits a byte, the first in the lowest bits, ring by ring from the middle, 512 columns clockwise.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    bytes: Box<[u8]>,
}

impl Fingerprint {
    /// The fingerprint of the dominant imprint of a picture.
    ///
    /// # Errors
    /// `NoImprint`: there is none.
    ///
    /// # Source
    /// The code: signs of the bispectrum of ring profiles (rotation multiplies every triple product by 1).
    pub fn of(image: &Image) -> Result<Self> {
        let scorer = Scorer::new(image);
        let imprint = find_with(&scorer)?;
        Ok(Self::measured(&scorer, &imprint))
    }

    /// The fingerprint of an imprint that [`super::find`] found on this picture.
    pub fn of_imprint(image: &Image, imprint: &Imprint) -> Self {
        Self::measured(&Scorer::new(image), imprint)
    }

    fn measured(scorer: &Scorer<'_>, imprint: &Imprint) -> Self {
        let cells: Vec<u8> = polar(scorer, imprint).iter().map(|&c| ((u16::from(c) * 3 + 127) / 255) as u8).collect();
        let mut bytes = vec![0; FINGERPRINT_LENGTH].into_boxed_slice();
        bytes[0] = VERSION;
        bytes[1] = imprint.shape as u8;
        bytes[2] = imprint.support;
        bytes[3] = imprint.coverage;
        bytes[4..6].copy_from_slice(&ratio(imprint.u, imprint.v).to_be_bytes());
        bytes[CODE_AT..MAP_AT].copy_from_slice(&code(&cells));
        for (byte, cell) in bytes[MAP_AT..].iter_mut().zip(cells.chunks_exact(4)) {
            *byte = cell[0] | cell[1] << 2 | cell[2] << 4 | cell[3] << 6;
        }
        Fingerprint { bytes }
    }

    /// A stored fingerprint.
    ///
    /// # Errors
    /// `InvalidLength` (other than [`FINGERPRINT_LENGTH`]); `InvalidEncoding`: another version, an unknown shape,
    /// reserved bytes that are not zero, a code that does not belong to the map.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if bytes.len() != FINGERPRINT_LENGTH {
            let (expected, actual) = (FINGERPRINT_LENGTH, bytes.len());
            return Err(Error::InvalidLength { field: "fingerprint", expected, actual });
        }
        let refuse = |offset, reason| Err(Error::InvalidEncoding { field: "fingerprint", offset, reason });
        if bytes[0] != VERSION {
            return refuse(0, "unknown version: made by a newer sealcore, or no fingerprint");
        }
        if bytes[1] > Shape::Square as u8 {
            return refuse(1, "unknown shape");
        }
        if bytes[6] != 0 || bytes[7] != 0 {
            return refuse(6, "reserved bytes are not zero");
        }
        let fingerprint = Fingerprint { bytes: bytes.into() };
        if code(&fingerprint.cells()) != bytes[CODE_AT..MAP_AT] {
            return refuse(CODE_AT, "the code does not belong to the map: a byte was changed");
        }
        Ok(fingerprint)
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

    /// The share of the border that carried ink, of 255.
    pub fn support(&self) -> u8 {
        self.bytes[2]
    }

    /// The share of the area inside the border that carried ink, of 255.
    pub fn coverage(&self) -> u8 {
        self.bytes[3]
    }

    /// The shorter axis over the longer, of 65535.
    pub(super) fn ratio(&self) -> u16 {
        u16::from_be_bytes([self.bytes[4], self.bytes[5]])
    }

    /// The 1,024 bits for searching: independent of the rotation.
    pub fn code(&self) -> &[u8] {
        &self.bytes[CODE_AT..MAP_AT]
    }

    /// In how many of the 1,024 bits of the code two fingerprints differ: about 512 for different seals.
    pub fn code_distance(&self, other: &Fingerprint) -> u32 {
        self.code().iter().zip(other.code()).map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    /// The map, a cell a byte, 0 to 3.
    pub(super) fn cells(&self) -> Vec<u8> {
        self.bytes[MAP_AT..].iter().flat_map(|&b| [b & 3, b >> 2 & 3, b >> 4 & 3, b >> 6]).collect()
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fingerprint({:?}, support {}, coverage {}, code ", self.shape(), self.support(), self.coverage())?;
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

/// Signs of F(j) F(k) conj F(j + k) for each band's profile and pair of frequencies.
///
/// A rotation by t multiplies F(k) by exp(i k t), so the product stays. Bounds: a profile in +-2^20, F in +-2^29
/// after the shift, a product in +-2^90.
fn code(cells: &[u8]) -> [u8; CODE_LENGTH] {
    let mut code = [0; CODE_LENGTH];
    let mut bit = 0;
    for band in 0..BANDS {
        let first = FIRST_RING + band * BAND_RINGS;
        let mut profile = [0i64; COLUMNS];
        for ring in cells.chunks_exact(COLUMNS).skip(first).take(BAND_RINGS) {
            for (sum, &cell) in profile.iter_mut().zip(ring) {
                *sum += i64::from(cell);
            }
        }
        let spectrum: Vec<(i128, i128)> = (0..=HIGHEST)
            .map(|k| {
                let (mut re, mut im) = (0, 0);
                for (column, &value) in profile.iter().enumerate() {
                    let (c, s) = cos_sin(column * k * (DIRECTIONS / COLUMNS));
                    re += value * c;
                    im += value * s;
                }
                (i128::from(re >> 16), i128::from(im >> 16))
            })
            .collect();
        for (j, k) in pairs() {
            let ((a, b), (c, d), (e, f)) = (spectrum[j], spectrum[k], spectrum[j + k]);
            let (re, im) = (a * c - b * d, a * d + b * c);
            for sign in [re * e + im * f, im * e - re * f] {
                code[bit / 8] |= u8::from(sign > 0) << (bit % 8);
                bit += 1;
            }
        }
    }
    code
}

/// The pairs of frequencies with the lowest sums.
fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (2 * LOWEST..=HIGHEST).flat_map(|sum| (LOWEST..=sum / 2).map(move |j| (j, sum - j))).take(PAIRS)
}
