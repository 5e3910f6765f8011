//! The polar form of an imprint and its spectra: whatever its place, size and rotation.
//!
//! A rotation of the imprint becomes a cyclic shift of the columns, and so a factor of modulus one of each
//! frequency. Everything here is integers, or the operations that IEEE 754 defines to the bit.

use super::density::Density;
use super::find::{Imprint, Shape};
use super::fourier::{self, LENGTH};
use super::plane::solve;
use super::trigonometry::{DIRECTIONS, UNIT_BITS, cos_sin};

/// Rings of the polar form, from the star outwards; the border itself is left out, it looks alike on all seals.
pub(super) const RINGS: usize = 40;

/// The radius of the innermost ring's inner edge and of the outermost ring's outer edge; the border is at 1.
const INNER: f64 = 0.10;
const OUTER: f64 = 0.94;

/// Directions in which each ring is read.
const COLUMNS: usize = LENGTH;

/// Samples of each cell: along the radius and along the ring.
const ACROSS: usize = 3;
const ALONG: usize = DIRECTIONS / COLUMNS;

/// The highest frequency (waves a turn) that is kept.
pub(super) const HIGHEST: usize = 96;

/// The spectra of the rings, whitened: each ring has mean 0 and variance 1.
pub(super) struct Spectra(Vec<[(f64, f64); HIGHEST + 1]>);

impl Spectra {
    /// The sum of some rings' spectra.
    pub(super) fn band(&self, first: usize, rings: usize) -> [(f64, f64); HIGHEST + 1] {
        let mut sum = [(0.0, 0.0); HIGHEST + 1];
        for ring in &self.0[first..first + rings] {
            for (s, r) in sum.iter_mut().zip(ring) {
                s.0 += r.0;
                s.1 += r.1;
            }
        }
        sum
    }
}

/// The spectra of the rings of an imprint.
pub(super) fn spectra(density: &Density, imprint: &Imprint) -> Spectra {
    let cells = levelled(&raw(density, &settled(density, imprint)));
    let mut spectra = Vec::with_capacity(RINGS);
    // Two rings at once: the real and the imaginary part of one transform.
    for rings in cells.chunks_exact(2 * COLUMNS) {
        let (mut re, mut im) = ([0.0; COLUMNS], [0.0; COLUMNS]);
        whitened(&mut re, &rings[..COLUMNS]);
        whitened(&mut im, &rings[COLUMNS..]);
        fourier::transform(&mut re, &mut im);
        let mirrored = |k: usize| (COLUMNS - k) % COLUMNS;
        spectra.push(std::array::from_fn(|k| (re[k] + re[mirrored(k)], im[k] - im[mirrored(k)])));
        spectra.push(std::array::from_fn(|k| (im[k] + im[mirrored(k)], re[mirrored(k)] - re[k])));
    }
    Spectra(spectra)
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

/// The imprint with its border where the outermost ink is: a place that is off by a fiftieth of the radius already
/// costs the code a tenth of its bits.
///
/// Along each of 256 rays the outer edge of the ink is at `1 + r + x cos + y sin + e cos 2t` of the given border:
/// linear least squares, thrice, with ever narrower bounds. Square borders stay as they were given.
fn settled(density: &Density, imprint: &Imprint) -> Imprint {
    const RAYS: usize = 256;
    if imprint.shape == Shape::Square {
        return *imprint;
    }
    let unit = (1u64 << UNIT_BITS) as f64;
    let x = imprint.centre.0 as f64 / 16.0 - density.left as f64;
    let y = imprint.centre.1 as f64 / 16.0 - density.top as f64;
    let half = u32::from(density.level) * 128;
    let mut edges: Vec<([f64; 4], f64)> = Vec::with_capacity(RAYS);
    for ray in 0..RAYS {
        let (c, s) = cos_sin(ray * (DIRECTIONS / RAYS));
        let (twice, _) = cos_sin(2 * ray * (DIRECTIONS / RAYS));
        let (c, s) = (c as f64 / unit, s as f64 / unit);
        let along = |u: i64, v: i64| (u as f64 * c + v as f64 * s) / 16.0;
        let (dx, dy) = (along(imprint.u.0, imprint.v.0), along(imprint.u.1, imprint.v.1));
        let mut outside = 0;
        for step in 0..80 {
            let radius = 1.08 - 0.002 * f64::from(step);
            let Some(ink) = sample(density, x + dx * radius, y + dy * radius) else { break };
            if ink >= half {
                // Ink from the first sample on is not the border's edge.
                if step > 0 {
                    let share = f64::from(half - outside) / f64::from((ink - outside).max(1));
                    edges.push(([1.0, c, s, twice as f64 / unit], radius + 0.002 * (1.0 - share) - 1.0));
                }
                break;
            }
            outside = ink;
        }
    }
    let mut p = [0.0; 4];
    for bound in [0.08, 0.02, 0.01] {
        let (mut a, mut b, mut n) = ([[0.0; 4]; 4], [0.0; 4], 0);
        for (row, edge) in &edges {
            let error = edge - (row[0] * p[0] + row[1] * p[1] + row[2] * p[2] + row[3] * p[3]);
            if error.abs() < bound {
                n += 1;
                for i in 0..4 {
                    b[i] += row[i] * edge;
                    for j in 0..4 {
                        a[i][j] += row[i] * row[j];
                    }
                }
            }
        }
        // Too little of the border is there to tell.
        if n < RAYS / 3 {
            return *imprint;
        }
        match solve(a, b) {
            Some(solved) => p = solved,
            None => return *imprint,
        }
    }
    let fixed = |v: f64| (v + 0.5).floor() as i64;
    let (u, v) = (imprint.u, imprint.v);
    let moved = |centre: i64, u: i64, v: i64| fixed(centre as f64 + p[1] * u as f64 + p[2] * v as f64);
    let grown = |axis: (i64, i64), by: f64| (fixed(axis.0 as f64 * (1.0 + by)), fixed(axis.1 as f64 * (1.0 + by)));
    Imprint {
        centre: (moved(imprint.centre.0, u.0, v.0), moved(imprint.centre.1, u.1, v.1)),
        u: grown(u, p[0] + p[3]),
        v: grown(v, p[0] - p[3]),
        ..*imprint
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
                    if let Some(ink) = sample(density, x + direction.0 * radius, y + direction.1 * radius) {
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

/// The ink between four pixels, times 256; `None` where it is hidden, 0 beyond the plane.
fn sample(density: &Density, x: f64, y: f64) -> Option<u32> {
    if x < 0.0 || y < 0.0 {
        return Some(0);
    }
    let (column, row) = (x as usize, y as usize);
    if column + 1 >= density.width || row + 1 >= density.height {
        return Some(0);
    }
    let at = row * density.width + column;
    if density.ignore[at] != 0 {
        return None;
    }
    let (fx, fy) = (((x - column as f64) * 16.0) as u32, ((y - row as f64) * 16.0) as u32);
    let ink = |at: usize| u32::from(density.ink[at]);
    let upper = ink(at) * (16 - fx) + ink(at + 1) * fx;
    let lower = ink(at + density.width) * (16 - fx) + ink(at + density.width + 1) * fx;
    Some(upper * (16 - fy) + lower * fy)
}

/// The neighbourhoods in which ink is measured against its own strength: pressure varies over an imprint.
const ZONE_RINGS: usize = 10;
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
