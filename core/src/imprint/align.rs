//! The questioned imprint laid over the registered one: from a rough place to a small fraction of a pixel.

use super::plane::{Map, Plane, solve};
use super::scan::Scan;

/// Halvings of the registered frame on which the alignment runs.
pub(super) const LEVELS: usize = 3;

/// Most points of one level that an iteration reads.
const MOST_POINTS: usize = 4_000;

/// A place of the registered plane where its ink changes.
#[derive(Clone, Copy)]
struct Point {
    x: f32,
    y: f32,
    value: f32,
    slope: (f32, f32),
}

/// One resolution of the registered plane, prepared.
pub(super) struct Level {
    side: f64,
    points: Vec<Point>,
    /// A grid of places with the ink there, for the likeness.
    grid: Vec<(f32, f32, f32)>,
}

/// The frame at a half, a quarter and an eighth.
pub(super) fn levels(frame: &Plane) -> Vec<Level> {
    let mut plane = frame.clone();
    (0..LEVELS)
        .map(|_| {
            plane = plane.halved();
            level(&plane.blurred(1.0))
        })
        .collect()
}

fn level(plane: &Plane) -> Level {
    let mut points = Vec::new();
    let width = plane.width;
    for y in 1..plane.height - 1 {
        for x in 1..width - 1 {
            let at = y * width + x;
            let v = &plane.values;
            let slope = ((v[at + 1] - v[at - 1]) * 0.5, (v[at + width] - v[at - width]) * 0.5);
            if slope.0 * slope.0 + slope.1 * slope.1 > 0.0025 {
                points.push(Point { x: x as f32, y: y as f32, value: v[at], slope });
            }
        }
    }
    let step = points.len().div_ceil(MOST_POINTS).max(1);
    let points = points.into_iter().step_by(step).collect();
    let stride = (plane.width / 64).max(1);
    let mut grid = Vec::new();
    for y in (0..plane.height).step_by(stride) {
        for x in (0..width).step_by(stride) {
            grid.push((x as f32, y as f32, plane.values[y * width + x]));
        }
    }
    Level { side: width as f64, points, grid }
}

/// The map from the frame's pixels to those of its `level`-th halving.
pub(super) fn to_level(level: usize) -> Map {
    let factor = f64::from(1u32 << level);
    Map::scale(1.0 / factor, 0.5 / factor - 0.5)
}

/// The likeness of the level and the scan under a map of the level's pixels: the normalised correlation.
pub(super) fn likeness(level: &Level, scan: &Plane, map: &Map) -> f64 {
    let (mut n, mut sq, mut sr, mut qq, mut rr, mut qr) = (0.0f64, 0.0, 0.0, 0.0, 0.0, 0.0);
    let m = map.0.map(|v| v as f32);
    for &(x, y, r) in &level.grid {
        let w = 1.0 / (m[6] * x + m[7] * y + m[8]);
        let (u, v) = ((m[0] * x + m[1] * y + m[2]) * w, (m[3] * x + m[4] * y + m[5]) * w);
        let (q, r) = (f64::from(scan.at(u, v)), f64::from(r));
        n += 1.0;
        sq += q;
        sr += r;
        qq += q * q;
        rr += r * r;
        qr += q * r;
    }
    let (vq, vr) = (qq - sq * sq / n, rr - sr * sr / n);
    if vq <= 1e-9 || vr <= 1e-9 { 0.0 } else { (qr - sq * sr / n) / (vq * vr).sqrt() }
}

/// What the steps of [`refine`] may change.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Freedom {
    Affine,
    /// With the tilt of a photo.
    Projective,
}

/// Steps of Gauss-Newton towards the best map of the level's pixels to the scan's.
///
/// # Source
/// Baker and Matthews, the inverse compositional algorithm; iteratively weighted, because ink that is missing or
/// extra must not pull.
pub(super) fn refine(level: &Level, scan: &Plane, mut map: Map, freedom: Freedom, steps: usize) -> Map {
    let half = level.side / 2.0;
    let mut ink: Vec<(f32, f32)> = Vec::with_capacity(level.points.len());
    for _ in 0..steps {
        ink.clear();
        let m = map.0.map(|v| v as f32);
        ink.extend(level.points.iter().map(|p| {
            let w = 1.0 / (m[6] * p.x + m[7] * p.y + m[8]);
            let (u, v) = ((m[0] * p.x + m[1] * p.y + m[2]) * w, (m[3] * p.x + m[4] * p.y + m[5]) * w);
            (scan.at(u, v), p.value)
        }));
        let (wide, b) = match freedom {
            Freedom::Affine => normal::<6>(level, &ink),
            Freedom::Projective => normal::<8>(level, &ink),
        };
        let Some(p) = solve(wide, b) else { return map };
        // The step undone, in coordinates of -1 to 1.
        let p = p.map(|v| v / half);
        let undone = Map([1.0 - p[1], -p[2], -p[0], -p[4], 1.0 - p[5], -p[3], p[6], p[7], 1.0]);
        let into = Map::scale(1.0 / half, -1.0);
        let back = Map::scale(half, half);
        map = map.after(&back.after(&undone.after(&into)));
        let moved = p.iter().map(|v| v.abs()).sum::<f64>() * half;
        if moved < 0.01 {
            break;
        }
    }
    map
}

/// The normal equations of a step with the first N of the eight unknowns; the others are held at nothing.
fn normal<const N: usize>(level: &Level, ink: &[(f32, f32)]) -> ([[f64; 8]; 8], [f64; 8]) {
    let half = level.side as f32 / 2.0;
    let (gain, base) = brightness(ink);
    let mut a = [[0.0f32; N]; N];
    let mut b = [0.0f32; N];
    for (p, &(q, r)) in level.points.iter().zip(ink) {
        let error = (q - base) / gain - r;
        // Missing ink is common, so it weighs half.
        let weight = if error < 0.0 { 0.5 } else { 1.0 } / (1.0 + error * error * 12.0);
        let (x, y) = ((p.x - half) / half, (p.y - half) / half);
        let (gx, gy) = p.slope;
        let tilt = gx * x + gy * y;
        let all = [gx, gx * x, gx * y, gy, gy * x, gy * y, tilt * x, tilt * y];
        let row: [f32; N] = std::array::from_fn(|k| all[k]);
        for i in 0..N {
            let w = row[i] * weight;
            b[i] += w * error;
            for j in 0..N {
                a[i][j] += w * row[j];
            }
        }
    }
    let total = (0..N).map(|i| a[i][i]).fold(0.0, f32::max);
    let mut wide = [[0.0; 8]; 8];
    let mut right = [0.0; 8];
    for i in 0..8 {
        for j in 0..N.min(i + 1) {
            wide[i][j] = if i < N { f64::from(a[i][j]) } else { 0.0 };
        }
        right[i] = if i < N { f64::from(b[i]) } else { 0.0 };
        wide[i][i] += f64::from(total) * if i < N { 1e-4 } else { 1.0 } + 1e-9;
    }
    (wide, right)
}

/// How the scan's ink follows the registered ink: (gain, base), by least squares.
fn brightness(ink: &[(f32, f32)]) -> (f32, f32) {
    let n = ink.len().max(1) as f32;
    let (mut sq, mut sr, mut rr, mut qr) = (0.0, 0.0, 0.0, 0.0);
    for &(q, r) in ink {
        sq += q;
        sr += r;
        rr += r * r;
        qr += q * r;
    }
    let spread = rr - sr * sr / n;
    let gain = if spread > 1e-6 { (qr - sq * sr / n) / spread } else { 1.0 };
    let gain = gain.clamp(0.3, 1.5);
    (gain, ((sq - gain * sr) / n).clamp(0.0, 0.4))
}

/// Whether a map keeps shapes roughly: no strong shear or flattening.
fn plausible(map: &Map) -> bool {
    let [a, b, c, d] = [map.0[0], map.0[1], map.0[3], map.0[4]];
    let area = a * d - b * c;
    area > 0.0 && (a * a + b * b + c * c + d * d) < 2.3 * area
}

/// From a rough map of the frame to the scan to an exact one, through all levels; the likeness on the finest.
pub(super) fn align(levels: &[Level], scan: &Scan, rough: &[Map]) -> Option<(Map, f64)> {
    let at = |map: &Map, level: usize| {
        // The scan's halving whose pixels are about as large as the level's.
        let halving = scan.halving(map, level);
        let lift = to_level(halving).after(map);
        to_level(level).inverse().map(|up| (halving, lift.after(&up)))
    };
    let back = |inner: &Map, halving: usize, level: usize| {
        to_level(halving).inverse().map(|up| up.after(inner).after(&to_level(level)))
    };
    let pass = |map: &Map, level: usize, freedom: Freedom, steps: usize| {
        let (halving, inner) = at(map, level)?;
        let plane = scan.plane(halving);
        let inner = refine(&levels[level - 1], plane, inner, freedom, steps);
        Some((back(&inner, halving, level)?, likeness(&levels[level - 1], plane, &inner)))
    };
    // The coarsest level chooses among the rough places, the next among the better ones.
    let keep = |maps: &mut Vec<(Map, f64)>, most: usize| {
        maps.sort_by(|a, b| b.1.total_cmp(&a.1));
        maps.truncate(most);
    };
    let mut maps: Vec<(Map, f64)> =
        rough.iter().filter_map(|map| pass(map, 3, Freedom::Affine, 6)).filter(|(map, _)| plausible(map)).collect();
    let kept = maps.len().div_ceil(4).max(3);
    keep(&mut maps, kept);
    let mut maps: Vec<(Map, f64)> = maps.iter().filter_map(|(map, _)| pass(map, 2, Freedom::Affine, 6)).collect();
    keep(&mut maps, 1);
    let (map, _) = pass(&maps.first()?.0, 1, Freedom::Affine, 3)?;
    pass(&map, 1, Freedom::Projective, 3)
}
