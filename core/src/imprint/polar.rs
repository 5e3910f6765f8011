//! The polar form of an imprint and its spectra: whatever its place, size and rotation.
//!
//! A rotation of the imprint becomes a cyclic shift of the columns, and so a factor of modulus one of each
//! frequency. Everything here is integers, or the operations that IEEE 754 defines to the bit.

use super::density::Density;
use super::find::Imprint;
use super::fourier::{self, LENGTH};
use super::rim::settled;
use super::trigonometry::{DIRECTIONS, UNIT_BITS, cos_sin};

/// Rings of the polar form: where the lettering stands. The star is left out, which many seals share, and so is the
/// border itself, which looks alike on all of them.
const RINGS: usize = 24;

/// The radius of the innermost ring's inner edge and of the outermost ring's outer edge; the border is at 1.
const INNER: f64 = 0.436;
const OUTER: f64 = 0.94;

/// Profiles along the radius: cosines of 0 to 5 half waves over the rings. What many characters look like differs
/// between them independently, which is not so of neighbouring rings.
pub(super) const MODES: usize = 6;

/// Directions in which each ring is read.
const COLUMNS: usize = LENGTH;

/// Samples of each cell: along the radius and along the ring.
const ACROSS: usize = 3;
const ALONG: usize = DIRECTIONS / COLUMNS;

/// The highest frequency (waves a turn) that is kept.
pub(super) const HIGHEST: usize = 96;

/// The spectrum of one mode, from frequency 0.
pub(super) type Spectrum = [(f64, f64); HIGHEST + 1];

/// The spectra of the modes. Each ring has mean 0 and variance 1 before.
pub(super) fn spectra(density: &Density, imprint: &Imprint) -> [Spectrum; MODES] {
    let cells = levelled(&raw(density, &settled(density, imprint)));
    let mut modes = [[0.0; COLUMNS]; MODES];
    let mut whole = [0.0; COLUMNS];
    for (ring, cells) in cells.chunks_exact(COLUMNS).enumerate() {
        whitened(&mut whole, cells);
        for (mode, sum) in modes.iter_mut().enumerate() {
            let weight = profile(mode, ring);
            sum.iter_mut().zip(&whole).for_each(|(s, &v)| *s += weight * v);
        }
    }
    let mut spectra = [[(0.0, 0.0); HIGHEST + 1]; MODES];
    // Two modes at once: the real and the imaginary part of one transform.
    for (pair, out) in modes.chunks_exact_mut(2).zip(spectra.chunks_exact_mut(2)) {
        let [re, im] = pair else { continue };
        fourier::transform(re, im);
        let mirrored = |k: usize| (COLUMNS - k) % COLUMNS;
        out[0] = std::array::from_fn(|k| (re[k] + re[mirrored(k)], im[k] - im[mirrored(k)]));
        out[1] = std::array::from_fn(|k| (im[k] + im[mirrored(k)], re[mirrored(k)] - re[k]));
    }
    spectra
}

/// The cosine of a mode on a ring, of length 1 over the rings but for a common factor.
fn profile(mode: usize, ring: usize) -> f64 {
    const ROOT_2: f64 = std::f64::consts::SQRT_2;
    // Half a wave is half a turn of the table.
    let step = (DIRECTIONS * mode * (2 * ring + 1) + 2 * RINGS) / (4 * RINGS);
    let cosine = cos_sin(step).0 as f64 / (1u64 << UNIT_BITS) as f64;
    if mode == 0 { 1.0 } else { ROOT_2 * cosine }
}

/// Less its mean, over its deviation; a ring without a pattern stays nothing.
fn whitened(out: &mut [f64; COLUMNS], ring: &[u8]) {
    let sum: u64 = ring.iter().map(|&c| u64::from(c)).sum();
    let squares: u64 = ring.iter().map(|&c| u64::from(c) * u64::from(c)).sum();
    let spread = (COLUMNS as u64 * squares - sum * sum) as f64;
    let mean = sum as f64 / COLUMNS as f64;
    // A deviation below 8 of 255 is noise.
    let deviation = spread.sqrt() / COLUMNS as f64;
    let scale = 1.0 / deviation.max(8.0);
    for (o, &cell) in out.iter_mut().zip(ring) {
        *o = (f64::from(cell) - mean) * scale;
    }
}

/// The mean ink of every cell, 0 to 255, ring by ring from the middle; `None` where black print hides it.
fn raw(density: &Density, imprint: &Imprint) -> Vec<Option<u8>> {
    let unit = (1u64 << UNIT_BITS) as f64;
    let directions: Vec<(f64, f64)> = (0..DIRECTIONS)
        .map(|step| {
            let (c, s) = cos_sin(step);
            let along = |u: i64, v: i64| (u as f64 * c as f64 + v as f64 * s as f64) / (unit * 16.0);
            (along(imprint.u.0, imprint.v.0), along(imprint.u.1, imprint.v.1))
        })
        .collect();
    let x = imprint.centre.0 as f64 / 16.0 - density.left as f64;
    let y = imprint.centre.1 as f64 / 16.0 - density.top as f64;
    let mut cells = Vec::with_capacity(RINGS * COLUMNS);
    for ring in 0..RINGS {
        let radii: [f64; ACROSS] = std::array::from_fn(|part| {
            let place = (2 * (ring * ACROSS + part) + 1) as f64 / (2 * ACROSS * RINGS) as f64;
            INNER + (OUTER - INNER) * place
        });
        for column in directions.chunks_exact(ALONG) {
            let (mut sum, mut weight) = (0u32, 0u32);
            for radius in radii {
                for direction in column {
                    if let Some(ink) = density.between(x + direction.0 * radius, y + direction.1 * radius) {
                        sum += ink;
                        weight += 256;
                    }
                }
            }
            cells.push((weight > 0).then(|| (sum / weight.max(1)) as u8));
        }
    }
    cells
}

/// The neighbourhoods in which ink is measured against its own strength: pressure varies over an imprint.
const ZONE_RINGS: usize = 8;
const ZONE_COLUMNS: usize = 32;
const ZONES: (usize, usize) = (RINGS / ZONE_RINGS, COLUMNS / ZONE_COLUMNS);

/// Each cell between the paper (0) and its neighbourhood's strong ink (255); hidden cells are their ring's mean.
fn levelled(cells: &[Option<u8>]) -> Vec<u8> {
    let zones = strengths(cells);
    let mut levelled = Vec::with_capacity(cells.len());
    for (ring, line) in cells.chunks_exact(COLUMNS).enumerate() {
        // Between the middles of the zones their strengths blend.
        let (upper, lower, down) = neighbours(ring, ZONE_RINGS);
        let (upper, lower) = (upper.clamp(0, ZONES.0 as i64 - 1) as usize, lower.clamp(0, ZONES.0 as i64 - 1) as usize);
        let (mut sum, mut seen) = (0u32, 0u32);
        let scores: Vec<Option<u8>> = line
            .iter()
            .enumerate()
            .map(|(column, cell)| {
                let ink = i64::from((*cell)?);
                let (left, right, along) = neighbours(column, ZONE_COLUMNS);
                let wrap = |zone: i64| zone.rem_euclid(ZONES.1 as i64) as usize;
                let (left, right) = (wrap(left), wrap(right));
                let blend = |row: usize| {
                    let line = &zones[row * ZONES.1..];
                    line[left] * (2 * ZONE_COLUMNS as i64 - along) + line[right] * along
                };
                let strength = (blend(upper) * (2 * ZONE_RINGS as i64 - down) + blend(lower) * down)
                    / (4 * (ZONE_COLUMNS * ZONE_RINGS) as i64);
                let (low, high) = (strength / 5, strength * 7 / 10);
                let score = ((ink - low) * 255 / (high - low).max(1)).clamp(0, 255) as u8;
                sum += u32::from(score);
                seen += 1;
                Some(score)
            })
            .collect();
        let mean = (sum / seen.max(1)) as u8;
        levelled.extend(scores.into_iter().map(|score| score.unwrap_or(mean)));
    }
    levelled
}

/// The zones before and after a place, and how far it is between their middles, in halves.
fn neighbours(place: usize, size: usize) -> (i64, i64, i64) {
    let halves = 2 * place as i64 + 1 - size as i64;
    let zone = halves.div_euclid(2 * size as i64);
    (zone, zone + 1, halves.rem_euclid(2 * size as i64))
}

/// The ink of strong strokes in each zone: the mean of its strongest tenth, but never so weak that paper counts.
fn strengths(cells: &[Option<u8>]) -> Vec<i64> {
    let strongest = |histogram: &[i64; 256], mut wanted: i64| {
        let (all, mut sum) = (wanted.max(1), 0);
        for value in (0..256).rev() {
            let taken = wanted.min(histogram[value as usize]);
            sum += taken * value;
            wanted -= taken;
        }
        sum / all
    };
    let mut overall = [0i64; 256];
    for cell in cells.iter().flatten() {
        overall[usize::from(*cell)] += 1;
    }
    let floor = (strongest(&overall, (cells.len() / 10) as i64) / 3).max(8);
    let mut zones = Vec::with_capacity(ZONES.0 * ZONES.1);
    for row in 0..ZONES.0 {
        for column in 0..ZONES.1 {
            let mut histogram = [0i64; 256];
            for ring in row * ZONE_RINGS..(row + 1) * ZONE_RINGS {
                for cell in cells[ring * COLUMNS + column * ZONE_COLUMNS..][..ZONE_COLUMNS].iter().flatten() {
                    histogram[usize::from(*cell)] += 1;
                }
            }
            zones.push(strongest(&histogram, (ZONE_RINGS * ZONE_COLUMNS / 10) as i64).max(floor));
        }
    }
    zones
}
