//! Outlines that the registered seal has not: what tells another character where the tolerance hides its ink.
//!
//! In a dense character no place is far from a stroke, so ink of another character is hardly ever extra. Its outlines
//! are: they cross the paper between the registered strokes in other directions.

use super::edges::{Edge, edges, thinned};
use super::measure::{Fit, Laid};
use super::registered::Design;
use std::f32::consts::TAU;

/// How far from a registered outline of about the same direction an outline still belongs to it, in mm.
const REACH_MM: f32 = 0.2;

/// The angle between two outlines' normals up to which they are of one direction, in sixteenths of a turn.
const ALIKE: i32 = 3;

/// The directions of the registered outlines within reach of each place: a bit for each sixteenth of a turn that is
/// alike to one of them.
pub(super) struct Directions {
    side: usize,
    near: Vec<u16>,
}

/// The sixteenth of a turn of a normal.
fn sixteenth(normal: (f32, f32)) -> u32 {
    (normal.1.atan2(normal.0) / TAU * 16.0).round().rem_euclid(16.0) as u32
}

impl Directions {
    pub(super) fn of(edges: &[Edge], side: usize, per_mm: f32) -> Self {
        // A place is looked up by its pixel: half a pixel of room.
        let radius = REACH_MM * per_mm + 0.5;
        let reach = radius.ceil() as isize;
        let mut near = vec![0u16; side * side];
        for edge in edges {
            let own = sixteenth(edge.normal);
            let bits = (-ALIKE..=ALIKE).fold(0, |bits, off| bits | 1 << (own as i32 + off).rem_euclid(16));
            let (cx, cy) = (edge.x.round() as isize, edge.y.round() as isize);
            for y in (cy - reach).max(0)..=(cy + reach).min(side as isize - 1) {
                for x in (cx - reach).max(0)..=(cx + reach).min(side as isize - 1) {
                    let (dx, dy) = (x as f32 - edge.x, y as f32 - edge.y);
                    if dx * dx + dy * dy <= radius * radius {
                        near[y as usize * side + x as usize] |= bits;
                    }
                }
            }
        }
        Directions { side, near }
    }

    /// Whether an outline of about this direction is near.
    fn hold(&self, x: f32, y: f32, normal: (f32, f32)) -> bool {
        let place = |v: f32| (v.round().max(0.0) as usize).min(self.side - 1);
        self.near[place(y) * self.side + place(x)] >> sixteenth(normal) & 1 == 1
    }
}

/// For each part the length of stray outlines beside it, of its own outlines' length.
pub(super) fn stray(design: &Design, laid: &Laid, fits: &[Fit], per_mm: f32) -> Vec<f32> {
    let (questioned, places) = thinned(&edges(&laid.ink, &design.labels));
    let mut counts = vec![0.0f32; design.parts.len()];
    for edge in &questioned {
        let (x, y, part) = (edge.x, edge.y, usize::from(edge.part));
        // Within registered ink, or as far from it as ink has spread, it is where ink was lost.
        let fit = &fits[part];
        let spread = fit.spread * per_mm;
        let lost = design.plane.at(x, y) > 0.5 || design.distance_at(x, y) < spread;
        if lost || laid.hidden.as_ref().is_some_and(|hidden| hidden.at(x, y) > 0.02) {
            continue;
        }
        // The part's own shift is judged elsewhere, and its ink may have spread.
        let shift = if fit.judged { (fit.shift.0 * per_mm, fit.shift.1 * per_mm) } else { (0.0, 0.0) };
        let (x, y) = (x - shift.0 - edge.normal.0 * spread, y - shift.1 - edge.normal.1 * spread);
        if !design.directions.hold(x, y, edge.normal) {
            counts[part] += places;
        }
    }
    let mut lengths = vec![0.0f32; design.parts.len()];
    design.edges.iter().for_each(|edge| lengths[usize::from(edge.part)] += design.thinned);
    counts.iter().zip(&lengths).map(|(count, length)| if *length > 0.0 { count / length } else { 0.0 }).collect()
}
