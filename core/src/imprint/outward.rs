//! How far the edges of a border lie outwards, and against those of the characters beside it: its width.

use super::edges::Beside;
use super::elements::PartKind;
use super::measure::{Fit, Global, LEAST_EDGES, LEAST_SHARE, moved};
use super::play::LEAST_MM2;
use super::registered::Design;

/// So far along the imprint pressure is alike, in mm.
const PRESSURE_MM: f32 = 6.0;

/// A stretch of the border.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stretch {
    /// Its middle, in pixels of the frame.
    pub(super) place: (f32, f32),
    /// How much further out than registered its edges lie on the mean, in mm.
    pub(super) gain: f32,
}

/// How far the edges of a border lie outwards, from the middle offset of its outer and of its inner side: that of a
/// wider border is too far off for the fit of small changes.
pub(super) fn border_fit(
    mut fit: Fit,
    design: &Design,
    list: &[usize],
    first: &[Beside],
    global: &Global,
    per_mm: f32,
) -> Fit {
    let centre = design.outline.centre;
    let mut sides = [Vec::new(), Vec::new()];
    for &k in list {
        let (edge, Beside::Edge(d)) = (&design.edges[k], first[k]) else { continue };
        let (nx, ny) = edge.normal;
        let shift = moved(global, design, edge.x, edge.y);
        let outer = nx * (edge.x - centre) + ny * (edge.y - centre) > 0.0;
        sides[usize::from(outer)].push(d - nx * shift.0 - ny * shift.1);
    }
    if sides.iter().all(|side| side.len() >= LEAST_EDGES) {
        fit.outward = sides.iter_mut().map(|side| middle(side)).sum::<f32>() / 2.0 / per_mm;
        fit.sized = true;
    }
    fit
}

/// The border by its stretches: as far as the middle edges of both its sides lie outwards, there its ink has spread.
pub(super) fn stretches(
    design: &Design,
    list: &[usize],
    first: &[Beside],
    global: &Global,
    per_mm: f32,
) -> Vec<Stretch> {
    const STRETCHES: usize = 24;
    const LEAST: usize = 8;
    let centre = design.outline.centre;
    let half = design.outline.half;
    // By side: the offsets, and how many edges are not hidden; and the sum of their places.
    let mut found = vec![([Vec::new(), Vec::new()], [0usize; 2], (0.0, 0.0)); STRETCHES];
    for &k in list.iter().filter(|&&k| first[k] != Beside::Hidden) {
        let edge = &design.edges[k];
        let (x, y) = (edge.x - centre, edge.y - centre);
        let turn = (y / half.1).atan2(x / half.0) / std::f32::consts::TAU;
        let (offsets, open, sum) = &mut found[(turn.rem_euclid(1.0) * STRETCHES as f32) as usize % STRETCHES];
        let (nx, ny) = edge.normal;
        let side = usize::from(nx * x + ny * y > 0.0);
        open[side] += 1;
        *sum = (sum.0 + edge.x, sum.1 + edge.y);
        if let Beside::Edge(d) = first[k] {
            let shift = moved(global, design, edge.x, edge.y);
            offsets[side].push(d - nx * shift.0 - ny * shift.1);
        }
    }
    let seen = |(offsets, open): (&Vec<f32>, &usize)| {
        offsets.len() >= LEAST && offsets.len() as f32 >= LEAST_SHARE * *open as f32
    };
    let stretch = |(mut sides, open, sum): ([Vec<f32>; 2], [usize; 2], (f32, f32))| {
        sides.iter().zip(&open).all(seen).then(|| {
            let n = (open[0] + open[1]) as f32;
            let gain = sides.iter_mut().map(|side| middle(side)).sum::<f32>() / 2.0 / per_mm;
            Stretch { place: (sum.0 / n, sum.1 / n), gain }
        })
    };
    found.into_iter().filter_map(stretch).collect()
}

/// How much further out the edges of the border lie than those of the characters beside it, in mm: pressure changes over
/// an imprint, so each character is held against the border near it.
pub(super) fn border_outward(design: &Design, fits: &[Fit], border: &[Stretch], per_mm: f32) -> Option<f32> {
    let (mut sum, mut total) = (0.0, 0.0);
    for (part, fit) in design.parts.iter().zip(fits) {
        if part.kind != PartKind::Character || !fit.judged || part.area as f32 <= LEAST_MM2 * per_mm * per_mm {
            continue;
        }
        let (mut gain, mut weights) = (0.0, 0.0);
        for stretch in border {
            let (dx, dy) = (part.centre.0 - stretch.place.0, part.centre.1 - stretch.place.1);
            let weight = (-(dx * dx + dy * dy) / (PRESSURE_MM * per_mm).powi(2)).exp();
            gain += weight * stretch.gain;
            weights += weight;
        }
        // Characters in the middle are far from the border and hardly count.
        if weights > 1e-6 {
            sum += (gain / weights - fit.outward) * weights.min(1.0);
            total += weights.min(1.0);
        }
    }
    (total >= 1.0).then(|| sum / total)
}

/// The median; of an even number the larger of the two.
fn middle(values: &mut [f32]) -> f32 {
    let half = values.len() / 2;
    *values.select_nth_unstable_by(half, f32::total_cmp).1
}
