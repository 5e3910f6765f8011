//! The outlines of the strokes: where the registered ink ends, and where the questioned ink ends beside it.

use super::elements::NONE;
use super::plane::Plane;

/// A place on the outline of a registered stroke.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    /// In pixels of the frame.
    pub(super) x: f32,
    pub(super) y: f32,
    /// From the ink to the paper, of length 1.
    pub(super) normal: (f32, f32),
    pub(super) part: u8,
}

/// The most edges of a design that are looked at.
const MOST: usize = 8_000;

/// Of many edges an even choice, and for how many places each one of it stands.
pub(super) fn thinned(edges: &[Edge]) -> (Vec<Edge>, f32) {
    let step = edges.len().div_ceil(MOST).max(1);
    (edges.iter().step_by(step).copied().collect(), step as f32)
}

/// The outlines of a plane at half its ink, place by place.
pub(super) fn edges(plane: &Plane, labels: &[u8]) -> Vec<Edge> {
    let (width, v) = (plane.width, &plane.values);
    let mut found = Vec::new();
    for (y, changes) in changes(plane).enumerate().take(plane.height - 2).skip(2) {
        // Most places change nothing: eight at a time are passed over.
        let (eights, rest) = changes[2..width - 2].as_chunks::<8>();
        let whole = eights.len() * 8;
        let eights = eights.iter().enumerate().filter(|(_, eight)| **eight != [0; 8]);
        let places = eights.flat_map(|(k, eight)| eight.iter().enumerate().map(move |(j, change)| (k * 8 + j, change)));
        let places = places.chain(rest.iter().enumerate().map(|(j, change)| (whole + j, change)));
        for (x, &change) in places.map(|(x, change)| (x + 2, change)).filter(|(_, change)| **change != 0) {
            let at = y * width + x;
            for (step, changed) in [(1, RIGHT), (width, BELOW)] {
                if change & changed == 0 {
                    continue;
                }
                let (a, b) = (v[at], v[at + step]);
                let share = (0.5 - a) / (b - a);
                let blend = |f: &dyn Fn(usize) -> f32| f(at) + (f(at + step) - f(at)) * share;
                let gx = blend(&|p| {
                    v[p + 1] - v[p - 1]
                        + 0.5 * (v[p + 1 + width] - v[p - 1 + width] + v[p + 1 - width] - v[p - 1 - width])
                });
                let gy = blend(&|p| {
                    v[p + width] - v[p - width]
                        + 0.5 * (v[p + width + 1] - v[p - width + 1] + v[p + width - 1] - v[p - width - 1])
                });
                let length = gx.hypot(gy);
                let part = if labels[at] == NONE { labels[at + step] } else { labels[at] };
                if length < 1e-3 || part == NONE {
                    continue;
                }
                let (dx, dy) = if step == 1 { (share, 0.0) } else { (0.0, share) };
                let normal = (-gx / length, -gy / length);
                found.push(Edge { x: x as f32 + dx, y: y as f32 + dy, normal, part });
            }
        }
    }
    found
}

const RIGHT: u8 = 1;
const BELOW: u8 = 2;

/// Row by row, whether ink begins or ends between each pixel and the one at its right, and the one below it.
fn changes(plane: &Plane) -> impl Iterator<Item = Vec<u8>> {
    let inked = |row: &[f32]| row.iter().map(|v| u8::from(*v >= 0.5)).collect::<Vec<u8>>();
    let mut rows = plane.values.chunks_exact(plane.width).map(inked);
    let mut row = rows.next();
    std::iter::from_fn(move || {
        let (this, below) = (row.take()?, rows.next());
        let mut changes: Vec<u8> = this.windows(2).map(|pair| (pair[0] ^ pair[1]) * RIGHT).chain([0]).collect();
        if let Some(below) = &below {
            changes.iter_mut().zip(this.iter().zip(below)).for_each(|(change, (a, b))| *change |= (a ^ b) * BELOW);
        }
        row = below;
        Some(changes)
    })
}

/// What the questioned plane shows beside an edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Beside {
    /// Ink ends so many pixels further out than registered (negative: further in).
    Edge(f32),
    /// No ink where the stroke should be.
    Missing,
    /// Ink over all the neighbourhood.
    Flooded,
    /// Hidden: nobody can know.
    Hidden,
}

/// How far to look along a normal, in pixels of the frame.
#[derive(Clone, Copy)]
pub(super) struct Look {
    /// To either side.
    pub(super) reach: f32,
    /// Outwards, where the ink goes on all the way.
    pub(super) follow: f32,
    pub(super) step: f32,
}

/// Looks along the normal of an edge, moved by `shift`, for the end of the ink nearest to it.
///
/// # Inputs
/// `plane`: the questioned ink, 1 for its solid strokes.
pub(super) fn beside(plane: &Plane, hidden: Option<&Plane>, edge: &Edge, shift: (f32, f32), look: Look) -> Beside {
    let (x, y) = (edge.x + shift.0, edge.y + shift.1);
    if hidden.is_some_and(|hidden| hidden.at(x, y) > 0.25) {
        return Beside::Hidden;
    }
    let Look { reach, follow, step } = look;
    let ink = |t: f32| plane.at(x + edge.normal.0 * t, y + edge.normal.1 * t);
    let middle = ink(0.0);
    let mut outer = (0.0, middle);
    let mut inner = (0.0, middle);
    let end = |outer: (f32, f32), far: f32| {
        (outer.1 >= 0.5 && far < 0.5).then(|| outer.0 + step * (outer.1 - 0.5) / (outer.1 - far))
    };
    let steps = (reach / step) as usize;
    for k in 1..=steps {
        let t = k as f32 * step;
        let (far, near) = (ink(t), ink(-t));
        let out = end(outer, far);
        let inn = (inner.1 < 0.5 && near >= 0.5).then(|| inner.0 - step * (0.5 - inner.1) / (near - inner.1));
        match (out, inn) {
            (Some(a), Some(b)) => return Beside::Edge(if a < -b { a } else { b }),
            (Some(t), None) | (None, Some(t)) => return Beside::Edge(t),
            (None, None) => {}
        }
        outer = (t, far);
        inner = (-t, near);
    }
    if middle < 0.5 {
        return Beside::Missing;
    }
    for k in steps + 1..=(follow / step) as usize {
        let t = k as f32 * step;
        let far = ink(t);
        if let Some(t) = end(outer, far) {
            return Beside::Edge(t);
        }
        outer = (t, far);
    }
    Beside::Flooded
}
