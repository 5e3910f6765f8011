//! The polar normal form: the ink of an imprint on rings around its middle, whatever its place and size.
//!
//! A rotation of the imprint becomes a cyclic shift of the columns. All arithmetic is in integers.

use super::find::{Imprint, Shape};
use super::ink::{INKED, Scorer};
use super::trigonometry::{DIRECTIONS, UNIT_BITS, cos_sin};

/// Rings of the normal form, from the star outwards; the border itself is left out, it looks alike on all seals.
pub(super) const RINGS: usize = 60;

/// Columns of the normal form: the directions in which each ring is read.
pub(super) const COLUMNS: usize = 512;

/// The radius of the innermost ring's inner edge and of the outermost ring's outer edge; the border is at 65536.
const INNER: i64 = 5_243;
const OUTER: i64 = 60_293;

/// Samples of each cell: along the radius and along the ring.
const ACROSS: i64 = 3;
const ALONG: i64 = (DIRECTIONS / COLUMNS) as i64;

/// The pixel at a radius (of 65536) in a direction (of 1024, clockwise as seen from the longer axis).
pub(super) fn place(imprint: &Imprint, radius: i64, step: usize) -> (i64, i64) {
    let (c, s) = cos_sin(step);
    // On a square the rings are squares: further out towards the corners.
    let (c, s) = match imprint.shape {
        Shape::Square => {
            let reach = c.abs().max(s.abs());
            ((c << UNIT_BITS) / reach, (s << UNIT_BITS) / reach)
        }
        Shape::Round | Shape::Oval => (c, s),
    };
    let along = |u: i64, v: i64| ((u * c + v * s) >> (UNIT_BITS - 8)) * radius;
    let pixel = |centre: i64, offset: i64| (centre + (offset >> 24)) >> 4;
    (pixel(imprint.centre.0, along(imprint.u.0, imprint.v.0)), pixel(imprint.centre.1, along(imprint.u.1, imprint.v.1)))
}

/// The neighbourhoods in which ink is measured against its own strength: pressure varies over an imprint.
const ZONE_RINGS: usize = 10;
const ZONE_COLUMNS: usize = 32;
const ZONES: (usize, usize) = (RINGS / ZONE_RINGS, COLUMNS / ZONE_COLUMNS);

/// The ink of every cell, 0 to 255, ring by ring from the middle.
pub(super) fn polar(scorer: &Scorer<'_>, imprint: &Imprint) -> Vec<u8> {
    let cells = raw(scorer, imprint);
    let zones = strengths(&cells);
    let mut coverage = Vec::with_capacity(cells.len());
    for ring in 0..RINGS {
        // Between the middles of the zones their strengths blend.
        let (upper, lower, down) = neighbours(ring, ZONE_RINGS);
        let (upper, lower) = (upper.clamp(0, ZONES.0 as i64 - 1) as usize, lower.clamp(0, ZONES.0 as i64 - 1) as usize);
        for column in 0..COLUMNS {
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
            let score = i64::from(cells[ring * COLUMNS + column]);
            coverage.push(((score - low) * 255 / (high - low)).clamp(0, 255) as u8);
        }
    }
    coverage
}

/// The zones before and after a place, and how far it is between their middles, in halves.
fn neighbours(place: usize, size: usize) -> (i64, i64, i64) {
    let halves = 2 * place as i64 + 1 - size as i64;
    let zone = halves.div_euclid(2 * size as i64);
    (zone, zone + 1, halves.rem_euclid(2 * size as i64))
}

/// The ink of strong strokes in each zone: the mean of its strongest tenth, but never so weak that paper counts.
fn strengths(cells: &[u8]) -> Vec<i64> {
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
    let mut inked = 0;
    for &cell in cells {
        overall[usize::from(cell)] += 1;
        inked += i64::from(cell >= INKED);
    }
    let floor = (strongest(&overall, inked) / 3).max(i64::from(INKED));
    let mut zones = Vec::with_capacity(ZONES.0 * ZONES.1);
    for row in 0..ZONES.0 {
        for column in 0..ZONES.1 {
            let mut histogram = [0i64; 256];
            for ring in row * ZONE_RINGS..(row + 1) * ZONE_RINGS {
                for &cell in &cells[ring * COLUMNS + column * ZONE_COLUMNS..][..ZONE_COLUMNS] {
                    histogram[usize::from(cell)] += 1;
                }
            }
            zones.push(strongest(&histogram, (ZONE_RINGS * ZONE_COLUMNS / 10) as i64).max(floor));
        }
    }
    zones
}

/// The mean score of every cell.
fn raw(scorer: &Scorer<'_>, imprint: &Imprint) -> Vec<u8> {
    let mut cells = Vec::with_capacity(RINGS * COLUMNS);
    for ring in 0..RINGS as i64 {
        for column in 0..COLUMNS as i64 {
            let mut sum = 0;
            for part in 0..ACROSS {
                let radius = INNER + (OUTER - INNER) * (2 * (ring * ACROSS + part) + 1) / (2 * ACROSS * RINGS as i64);
                for step in 0..ALONG {
                    let (x, y) = place(imprint, radius, (column * ALONG + step) as usize);
                    sum += i64::from(scorer.at(x, y, imprint.ink));
                }
            }
            cells.push((sum / (ACROSS * ALONG)) as u8);
        }
    }
    cells
}
