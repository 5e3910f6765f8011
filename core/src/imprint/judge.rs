//! What is an imprint's border, and what is a word, a table, a sign or an emblem.

use super::border::Judged;
use super::find::Shape;
use super::fit::Point;
use super::ink::Ink;
use super::parts::Part;

/// The least length of an imprint's shorter side in pixels: below it characters are unreadable.
const MIN_SIDE: f64 = 32.0;

/// The least shares that a border of an imprint reaches.
struct Limits {
    arc: f64,
    quarter: f64,
    stroke: f64,
}

impl Limits {
    fn of(j: &Judged, ink: Ink) -> Limits {
        // In a narrow frame characters touch the border.
        let stroke = match (j.shape, ink) {
            (Shape::Square, Ink::Grey) => 0.85,
            (Shape::Square, _) if j.arc >= 0.85 && j.quarter >= 0.7 => 0.5,
            _ => 0.6,
        };
        let (arc, quarter) = match (j.shape, ink) {
            // Words in grey print look like small frames.
            (Shape::Square, Ink::Grey) => (0.85, 0.7),
            // The outline of a matrix code has gaps, and half of it is ink.
            (Shape::Square, _) if j.inside > 0.45 => (0.75, 0.1),
            (Shape::Square, _) => (0.6, 0.1),
            (Shape::Oval, _) => (0.62, 0.2),
            (Shape::Round, Ink::Grey) => (0.6, 0.2),
            (Shape::Round, _) => (0.45, 0.0),
        };
        Limits { arc, quarter, stroke }
    }
}

/// How sure it is that a border is an imprint's; `None` if it is not.
pub(super) fn confidence(j: &Judged, ink: Ink) -> Option<f64> {
    let limits = Limits::of(j, ink);
    let stands = j.arc >= limits.arc && j.quarter >= limits.quarter && j.stroke >= limits.stroke;
    let alone = j.outside <= 0.4 && (0.02..0.75).contains(&j.inside);
    let large = norm(j.border.u).min(norm(j.border.v)) * 2.0 >= MIN_SIDE;
    (stands && alone && large).then_some(j.arc * (0.4 + 0.6 * j.stroke) * (1.0 - j.outside))
}

/// Whether a border on the grid is worth a look at full resolution, where black print is not taken for a gap.
pub(super) fn promising(j: &Judged, ink: Ink) -> bool {
    let limits = Limits::of(j, ink);
    let stands = j.arc >= 0.7 * limits.arc && j.quarter >= 0.3 * limits.quarter && j.stroke >= 0.6 * limits.stroke;
    stands && j.outside <= 0.55 && j.inside >= 0.01
}

fn norm((x, y): Point) -> f64 {
    (x * x + y * y).sqrt()
}

/// Whether a box stands in a line of parts of its height, or a column of its width: one beside it, closer than the gaps
/// between characters, and another beside it or beside that one.
pub(super) fn in_line(&[left, top, right, bottom]: &[f64; 4], parts: &[&Part], cell: f64) -> bool {
    let size = (right - left).min(bottom - top);
    let alike = |from: f64, to: f64, a: f64, b: f64| {
        let (own, other) = (to - from, b - a);
        other > 0.55 * own && other < 1.7 * own && (from + to - a - b).abs() < 0.6 * own
    };
    let gap = |from: f64, to: f64, a: f64, b: f64| (a - to).max(from - b) / size;
    let (mut beside, mut behind) = (0, 0);
    for p in parts {
        let [l, t, r, b] = [p.left, p.top, p.right, p.bottom].map(|v| v as f64 * cell);
        let (apart, many) = if alike(top, bottom, t, b) {
            (gap(left, right, l, r), r - l > 1.8 * (b - t))
        } else if alike(left, right, l, r) {
            (gap(top, bottom, t, b), b - t > 1.8 * (r - l))
        } else {
            continue;
        };
        // Several characters may hang together.
        let count = if many { 2 } else { 1 };
        if (-0.2..1.2).contains(&apart) {
            beside += count;
        } else if (1.2..2.8).contains(&apart) {
            behind += count;
        }
    }
    beside >= 1 && beside + behind >= 2
}
