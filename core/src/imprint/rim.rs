//! An imprint's border again, to a fraction of a pixel, on the unmixed ink: a place that is off by a fiftieth of the
//! radius costs a fingerprint a tenth of its bits.
//!
//! Most of a stamped border may be missing, and where it is the outermost ink is lettering. So the border is first what
//! most of the edges agree on (random samples of three, in a fixed order), then least squares over those edges.

use super::density::Density;
use super::find::{Imprint, Shape};
use super::plane::solve;
use super::trigonometry::{DIRECTIONS, UNIT_BITS, cos_sin};

const RAYS: usize = 256;

/// The rays are read between these shares of the way to the border, in steps.
const FAR: f64 = 1.08;
const STEP: f64 = 0.002;
const STEPS: u32 = 84;

/// How far from the border that is asked about edges still belong to it, ever closer.
const BOUNDS: [f64; 3] = [0.012, 0.008, 0.008];

/// An edge: the terms of the border's equation, and how far the edge is beyond the border as it was given.
type Edge<const N: usize> = ([f64; N], f64);

/// The imprint with its border where the outermost ink is; as it was given, where too little of the border is there.
pub(super) fn settled(density: &Density, imprint: &Imprint) -> Imprint {
    let edges = outermost(density, imprint);
    let moved = if imprint.shape == Shape::Square { frame(&edges) } else { ellipse(&edges) };
    let Some([x, y, uu, uv, vu, vv]) = moved else { return *imprint };
    let fixed = |v: f64| (v + 0.5).floor() as i64;
    let (u, v) = (imprint.u, imprint.v);
    let mixed = |a: f64, b: f64, start: (i64, i64)| {
        let along = |start: i64, u: i64, v: i64| fixed(start as f64 + a * u as f64 + b * v as f64);
        (along(start.0, u.0, v.0), along(start.1, u.1, v.1))
    };
    Imprint { centre: mixed(x, y, imprint.centre), u: mixed(uu, uv, u), v: mixed(vu, vv, v), ..*imprint }
}

/// Along each ray, where the outermost ink begins: the ray's cosine and sine, and the share of the way to the border
/// (of a square: to the circle within).
fn outermost(density: &Density, imprint: &Imprint) -> Vec<(f64, f64, f64)> {
    let unit = (1u64 << UNIT_BITS) as f64;
    let x = imprint.centre.0 as f64 / 16.0 - density.left as f64;
    let y = imprint.centre.1 as f64 / 16.0 - density.top as f64;
    let solid = u32::from(density.level) * 256;
    let mut edges = Vec::with_capacity(RAYS);
    let mut line = Vec::with_capacity(STEPS as usize);
    for ray in 0..RAYS {
        let (c, s) = cos_sin(ray * (DIRECTIONS / RAYS));
        let (c, s) = (c as f64 / unit, s as f64 / unit);
        let along = |u: i64, v: i64| (u as f64 * c + v as f64 * s) / 16.0;
        let (dx, dy) = (along(imprint.u.0, imprint.v.0), along(imprint.u.1, imprint.v.1));
        let stretch = if imprint.shape == Shape::Square { 1.0 / c.abs().max(s.abs()) } else { 1.0 };
        line.clear();
        line.extend((0..STEPS).map_while(|step| {
            let radius = stretch * (FAR - STEP * f64::from(step));
            density.between(x + dx * radius, y + dy * radius)
        }));
        // Pressure varies: ink on a ray is half of its own strongest.
        let strongest = line.iter().copied().max().unwrap_or(0);
        let half = (strongest / 2).clamp(solid / 5, solid / 2);
        let Some(at) = line.iter().position(|&ink| ink >= half) else { continue };
        // Ink from the first sample on is not the border's edge.
        if at > 0 {
            let share = f64::from(half - line[at - 1]) / f64::from((line[at] - line[at - 1]).max(1));
            edges.push((c, s, stretch * (FAR - STEP * (at as f64 - 1.0 + share))));
        }
    }
    edges
}

/// A circle of the frame of the axes that became an ellipse: 1 + r + x cos + y sin + e cos 2t + f sin 2t.
fn ellipse(edges: &[(f64, f64, f64)]) -> Option<[f64; 6]> {
    let rough: Vec<Edge<3>> = edges.iter().map(|&(c, s, radius)| ([1.0, c, s], radius - 1.0)).collect();
    let [r, x, y] = agreed(&rough)?;
    let all: Vec<Edge<5>> =
        edges.iter().map(|&(c, s, radius)| ([1.0, c, s, c * c - s * s, 2.0 * c * s], radius - 1.0)).collect();
    let [r, x, y, e, f] = refined(&all, [r, x, y, 0.0, 0.0])?;
    Some([x, y, r + e, f, f, r - e])
}

/// The sides of a square frame: each pair has a middle, a distance and a slope of its own.
fn frame(edges: &[(f64, f64, f64)]) -> Option<[f64; 6]> {
    // Near the corners it is not sure which side an edge belongs to.
    let pair = |upright: bool| -> Option<[f64; 3]> {
        let on: Vec<Edge<3>> = edges
            .iter()
            .map(|&(c, s, radius)| if upright { (c * radius, s * radius) } else { (s * radius, c * radius) })
            .filter(|(across, along)| along.abs() < 0.85 && across.abs() > 0.85)
            .map(|(across, along)| ([1.0, across.signum(), along], across - across.signum()))
            .collect();
        refined(&on, agreed(&on)?)
    };
    let ([x, wide, lean], [y, high, rise]) = (pair(true)?, pair(false)?);
    Some([x, y, wide, rise, lean, high])
}

/// What most edges agree on, of the equations through three of them.
fn agreed(edges: &[Edge<3>]) -> Option<[f64; 3]> {
    const TRIALS: usize = 160;
    let n = edges.len();
    if n < 24 {
        return None;
    }
    let mut state = 1u64;
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % bound as u64) as usize
    };
    let mut best = (0, None);
    for _ in 0..TRIALS {
        // A third of the way around from each other, more or less.
        let first = below(n);
        let sample = [0, n / 3, 2 * n / 3].map(|apart| &edges[(first + apart + below(n / 4)) % n]);
        let Some(p) = least_squares(sample.into_iter()) else { continue };
        if p.iter().any(|v| v.abs() > 0.1) {
            continue;
        }
        let count = edges.iter().filter(|edge| off(edge, &p).abs() < BOUNDS[0]).count();
        if count > best.0 {
            best = (count, Some(p));
        }
    }
    // Fewer may agree by chance.
    best.1.filter(|_| best.0 >= n / 4)
}

fn off<const N: usize>((row, edge): &Edge<N>, p: &[f64; N]) -> f64 {
    edge - row.iter().zip(p).map(|(a, b)| a * b).sum::<f64>()
}

fn refined<const N: usize>(edges: &[Edge<N>], mut p: [f64; N]) -> Option<[f64; N]> {
    for bound in BOUNDS {
        p = least_squares(edges.iter().filter(|edge| off(edge, &p).abs() < bound))?;
    }
    Some(p)
}

fn least_squares<'a, const N: usize>(edges: impl Iterator<Item = &'a Edge<N>>) -> Option<[f64; N]> {
    let (mut a, mut b) = ([[0.0; N]; N], [0.0; N]);
    for (row, edge) in edges {
        for i in 0..N {
            b[i] += row[i] * edge;
            for j in 0..N {
                a[i][j] += row[i] * row[j];
            }
        }
    }
    solve(a, b)
}
