//! Ink over an imprint that is print or another imprint's: hidden, so that it is no evidence, and counted, so that what it
//! obscures is not said to match.

use super::elements::NONE;
use super::measure::Laid;
use super::plane::Plane;
use super::registered::Design;

/// Ink further than this from registered ink may be a thin stroke of print, or another imprint's, in mm.
const HANG_MM: f32 = 0.12;

impl Laid {
    /// Hides ink that the registered seal has not where another imprint lies over this one: nobody knows whose it is.
    ///
    /// # Inputs
    /// `over`: whether a place of the frame is within another imprint.
    pub(super) fn hide_foreign(&mut self, design: &Design, per_mm: f32, over: impl Fn(usize, usize) -> bool) {
        let side = design.plane.width;
        for at in 0..side * side {
            if self.is_stray(design, at, per_mm) && over(at % side, at / side) {
                self.hide(design, at);
            }
        }
    }

    /// Hides, on a grey picture, ink that the registered seal has not and that hangs together with print: thin strokes
    /// of print are no darker than a seal.
    pub(super) fn hide_thin_print(&mut self, design: &Design, per_mm: f32) {
        const FAR_MM: f32 = 1.5;
        let side = design.plane.width;
        let mut front: Vec<usize> = (0..side * side).filter(|&at| self.is_hidden(at)).collect();
        for _ in 0..(FAR_MM * per_mm) as usize {
            let mut next = Vec::new();
            for at in front {
                let (x, y) = (at % side, at / side);
                for (x, y) in (y.saturating_sub(1)..(y + 2).min(side))
                    .flat_map(|y| (x.saturating_sub(1)..(x + 2).min(side)).map(move |x| (x, y)))
                {
                    let to = y * side + x;
                    if !self.is_hidden(to) && self.is_stray(design, to, per_mm) {
                        self.hide(design, to);
                        next.push(to);
                    }
                }
            }
            front = next;
        }
    }

    fn is_hidden(&self, at: usize) -> bool {
        self.hidden.as_ref().is_some_and(|hidden| hidden.values[at] > 0.25)
    }

    /// Whether there is ink that the registered seal has not.
    fn is_stray(&self, design: &Design, at: usize, per_mm: f32) -> bool {
        self.ink.values[at] >= 0.2 && design.distance[at] > HANG_MM * per_mm
    }

    /// Hides other ink, and counts it by the part that it obscures.
    fn hide(&mut self, design: &Design, at: usize) {
        let side = design.plane.width;
        self.hidden.get_or_insert_with(|| Plane::new(side, side)).values[at] = 1.0;
        self.foreign.resize(design.parts.len() + 1, 0.0);
        let label = design.labels[at];
        self.foreign[if label == NONE { design.parts.len() } else { usize::from(label) }] += 1.0;
    }
}
