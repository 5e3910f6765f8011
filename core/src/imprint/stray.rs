//! Outlines that the registered seal has not: what tells another character where the tolerance hides its ink.
//!
//! In a dense character no place is far from a stroke, so ink of another character is hardly ever extra. Its outlines
//! are: they cross the paper between the registered strokes in other directions.

use super::edges::{Edge, edges};
use super::measure::{Fit, Laid};
use super::registered::Design;

/// How far from a registered outline of about the same direction an outline still belongs to it, in mm.
const REACH_MM: f32 = 0.2;

/// The cosine of the angle between two outlines' normals up to which they are of one direction.
const ALIKE: f32 = 0.5;

/// Registered outlines in cells of the reach's size.
struct Cells<'a> {
    size: f32,
    columns: usize,
    lists: Vec<Vec<&'a Edge>>,
}

impl<'a> Cells<'a> {
    fn of(edges: &'a [Edge], side: usize, size: f32) -> Self {
        let columns = (side as f32 / size) as usize + 2;
        let mut lists = vec![Vec::new(); columns * columns];
        for edge in edges {
            lists[(edge.y / size) as usize * columns + (edge.x / size) as usize].push(edge);
        }
        Cells { size, columns, lists }
    }

    /// Whether an outline of about this direction is near.
    fn holds(&self, x: f32, y: f32, normal: (f32, f32)) -> bool {
        let (cx, cy) = ((x / self.size) as usize, (y / self.size) as usize);
        let near = |edge: &&Edge| {
            let (dx, dy) = (edge.x - x, edge.y - y);
            dx * dx + dy * dy <= self.size * self.size && edge.normal.0 * normal.0 + edge.normal.1 * normal.1 >= ALIKE
        };
        (cy.saturating_sub(1)..=(cy + 1).min(self.columns - 1))
            .flat_map(|y| (cx.saturating_sub(1)..=(cx + 1).min(self.columns - 1)).map(move |x| y * self.columns + x))
            .any(|cell| self.lists[cell].iter().any(near))
    }
}

/// For each part the length of stray outlines beside it, of its own outlines' length.
pub(super) fn stray(design: &Design, laid: &Laid, fits: &[Fit], per_mm: f32) -> Vec<f32> {
    let side = design.plane.width;
    let cells = Cells::of(&design.edges, side, REACH_MM * per_mm);
    let (questioned, thinned) = edges(&laid.ink, &design.labels);
    let mut counts = vec![0.0f32; design.parts.len()];
    for edge in &questioned {
        let (x, y, part) = (edge.x, edge.y, usize::from(edge.part));
        // Within registered ink it is where ink was lost.
        if design.plane.at(x, y) > 0.5 || laid.hidden.as_ref().is_some_and(|hidden| hidden.at(x, y) > 0.02) {
            continue;
        }
        // The part's own shift is judged elsewhere.
        let fit = &fits[part];
        let shift = if fit.judged { (fit.shift.0 * per_mm, fit.shift.1 * per_mm) } else { (0.0, 0.0) };
        let (x, y) = ((x - shift.0).max(0.0), (y - shift.1).max(0.0));
        if !cells.holds(x.min(side as f32 - 1.0), y.min(side as f32 - 1.0), edge.normal) {
            counts[part] += thinned;
        }
    }
    let mut lengths = vec![0.0f32; design.parts.len()];
    design.edges.iter().for_each(|edge| lengths[usize::from(edge.part)] += design.thinned);
    counts.iter().zip(&lengths).map(|(count, length)| if *length > 0.0 { count / length } else { 0.0 }).collect()
}
