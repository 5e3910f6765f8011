//! Rough circles on a grid: the edges of ink vote for the centres that they face.
//!
//! A circle of 10 to 22 cells is looked for on each of a page's grids, each half as fine as the one before, so every
//! size is found with the same effort. Touching and overlapping rings, broken ones and text across them do not
//! matter: each edge votes by itself.

use super::fit;
use super::page::Plane;

/// The radii that are looked for on one grid, in cells.
const LEAST: usize = 10;
const MOST: usize = 22;

/// Bins of the radius, halves of a cell, up to the largest circle and a little more.
const BINS: usize = 2 * (MOST + 3);

/// Directions from a centre that are counted, one bit each.
const DIRECTIONS: u32 = 64;

/// Centres that are examined on one grid.
const CENTRES: usize = 64;

/// Votes without which a centre is not examined.
const VOTES: u16 = 22;

/// A place where ink begins, in cells, and the direction towards the ink.
#[derive(Clone, Copy)]
struct Edge {
    x: f32,
    y: f32,
    nx: f32,
    ny: f32,
}

/// The distances from a centre that are looked at, in cells: the band of the last bin ends half a cell further out than the
/// directions are counted.
const NEAR: f32 = LEAST as f32 - 2.0;
const FAR: f32 = MOST as f32 + 2.5;

/// An edge that faces a centre: its place, and where that is from the centre.
struct Facing {
    place: (f32, f32),
    x: f32,
    y: f32,
    square: f32,
    distance: f32,
}

/// The edges of a plane, row by row.
pub(super) struct Edges {
    width: usize,
    height: usize,
    list: Vec<Edge>,
    rows: Vec<usize>,
}

/// A circle of some edges, in cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circle {
    pub(super) centre: (f64, f64),
    pub(super) radius: f64,
    /// The share of the directions in which there is an edge.
    pub(super) covered: f64,
}

impl Edges {
    /// The edges of a plane that stand out from its noise.
    pub(super) fn of(plane: &Plane) -> Edges {
        let (w, h) = (plane.width, plane.height);
        let mut edges = Edges { width: w, height: h, list: Vec::new(), rows: vec![0; h + 1] };
        if w < 3 || h < 3 {
            return edges;
        }
        let least = threshold(plane);
        // Most of a page is bare: only blocks of a row are looked at in which a slope can be steep enough.
        let blocks = w.div_ceil(BLOCK);
        let mut most = vec![0i16; blocks * h];
        for (line, most) in plane.values.chunks_exact(w).zip(most.chunks_exact_mut(blocks)) {
            for (cells, most) in line.chunks(BLOCK).zip(most) {
                *most = cells.iter().copied().fold(0, i16::max);
            }
        }
        let bare = (least / 4) as i16;
        for y in 1..h - 1 {
            let rows = [y - 1, y, y + 1].map(|y| &plane.values[y * w..][..w]);
            for block in 0..blocks {
                let near = (y - 1..=y + 1).any(|row| {
                    most[row * blocks + block.saturating_sub(1)..row * blocks + (block + 2).min(blocks)]
                        .iter()
                        .any(|&v| v >= bare)
                });
                if !near {
                    continue;
                }
                let from = (block * BLOCK).max(1);
                let to = ((block + 1) * BLOCK).min(w - 1);
                let mut slopes = [(0i16, 0i16); BLOCK];
                let (a, b, c) = (&rows[0][from - 1..=to], &rows[1][from - 1..=to], &rows[2][from - 1..=to]);
                sobel(a, b, c, &mut slopes);
                for (k, &(gx, gy)) in slopes[..to - from].iter().enumerate() {
                    let (gx, gy) = (i32::from(gx), i32::from(gy));
                    let square = gx * gx + gy * gy;
                    if square >= least * least {
                        let length = (square as f32).sqrt();
                        let (nx, ny) = (gx as f32 / length, gy as f32 / length);
                        edges.list.push(Edge { x: (from + k) as f32 + 0.5, y: y as f32 + 0.5, nx, ny });
                    }
                }
            }
            edges.rows[y + 1] = edges.list.len();
        }
        edges.rows[h] = edges.list.len();
        edges
    }

    /// Whether there are too few edges for any circle.
    pub(super) fn few(&self) -> bool {
        self.list.len() < 20
    }

    /// The same edges on a plane that is drawn out along x or y: ellipses of that ratio become circles.
    pub(super) fn stretched(&self, along_x: f32, along_y: f32) -> Edges {
        let width = (self.width as f32 * along_x) as usize + 1;
        let height = (self.height as f32 * along_y) as usize + 1;
        let mut rows = vec![0; height + 1];
        let list: Vec<Edge> = self
            .list
            .iter()
            .map(|e| {
                let (nx, ny) = (e.nx / along_x, e.ny / along_y);
                let length = (nx * nx + ny * ny).sqrt();
                Edge { x: e.x * along_x, y: e.y * along_y, nx: nx / length, ny: ny / length }
            })
            .collect();
        for e in &list {
            rows[e.y as usize + 1] += 1;
        }
        for y in 0..height {
            rows[y + 1] += rows[y];
        }
        Edges { width, height, list, rows }
    }

    /// The circles that stand on enough edges all around, most complete first.
    pub(super) fn circles(&self, covered: f64) -> Vec<Circle> {
        let mut circles: Vec<Circle> = Vec::new();
        for centre in self.centres() {
            let Some(circle) = self.circle(centre).filter(|c| c.covered >= covered) else { continue };
            let near = |other: &Circle| {
                let (x, y) = (circle.centre.0 - other.centre.0, circle.centre.1 - other.centre.1);
                x * x + y * y < 6.25 && (circle.radius - other.radius).abs() < 2.0
            };
            match circles.iter_mut().find(|other| near(other)) {
                Some(other) if other.covered < circle.covered => *other = circle,
                Some(_) => {}
                None => circles.push(circle),
            }
        }
        circles.sort_by(|a, b| b.covered.total_cmp(&a.covered));
        circles
    }

    /// Where most edges face.
    fn centres(&self) -> Vec<(f64, f64)> {
        let (w, h) = (self.width, self.height);
        let mut votes = vec![0u16; w * h];
        for e in &self.list {
            let (mut x, mut y) = (e.x + e.nx * LEAST as f32, e.y + e.ny * LEAST as f32);
            for _ in LEAST..=MOST {
                if x >= 0.0 && y >= 0.0 && (x as usize) < w && (y as usize) < h {
                    let at = y as usize * w + x as usize;
                    votes[at] = votes[at].saturating_add(1);
                }
                x += e.nx;
                y += e.ny;
            }
        }
        let sums = boxed(&votes, w, h);
        let mut peaks = Vec::new();
        for y in 2..h.saturating_sub(2) {
            for x in 2..w.saturating_sub(2) {
                let (at, sum) = (y * w + x, sums[y * w + x]);
                if sum < VOTES {
                    continue;
                }
                let highest = (y - 2..=y + 2).all(|other| {
                    sums[other * w + x - 2..=other * w + x + 2]
                        .iter()
                        .enumerate()
                        .all(|(k, &value)| value < sum || (value == sum && other * w + x - 2 + k >= at))
                });
                if highest {
                    peaks.push((sum, at));
                }
            }
        }
        peaks.sort_unstable_by_key(|&(sum, at)| (std::cmp::Reverse(sum), at));
        peaks.truncate(CENTRES);
        peaks.into_iter().map(|(_, at)| ((at % w) as f64 + 0.5, (at / w) as f64 + 0.5)).collect()
    }

    /// The edges that face a centre from between the distances that [`Edges::circle`] looks at.
    fn facing(&self, (cx, cy): (f64, f64), facing: &mut Vec<Facing>) {
        facing.clear();
        let (cx, cy) = (cx as f32, cy as f32);
        let top = (cy - FAR).max(0.0) as usize;
        let bottom = ((cy + FAR).max(0.0) as usize + 1).min(self.height);
        for y in top.min(bottom)..bottom {
            let row = &self.list[self.rows[y]..self.rows[y + 1]];
            // Rows run from left to right.
            let start = row.partition_point(|e| e.x < cx - FAR);
            for e in &row[start..] {
                if e.x > cx + FAR {
                    break;
                }
                let (x, y) = (e.x - cx, e.y - cy);
                let square = x * x + y * y;
                if !(NEAR * NEAR..=FAR * FAR).contains(&square) {
                    continue;
                }
                let distance = square.sqrt();
                if -(x * e.nx + y * e.ny) >= 0.93 * distance {
                    facing.push(Facing { place: (e.x, e.y), x, y, square, distance });
                }
            }
        }
    }

    /// The most complete circle around a centre, moved to where its edges want it.
    fn circle(&self, start: (f64, f64)) -> Option<Circle> {
        let mut circle = Circle { centre: start, radius: 0.0, covered: 0.0 };
        let (mut facing, mut points) = (Vec::new(), Vec::new());
        for round in 0..3 {
            let mut masks = [0u64; BINS + 1];
            self.facing(circle.centre, &mut facing);
            let most = MOST as f32 + 2.0;
            for e in facing.iter().filter(|e| e.square <= most * most) {
                masks[(e.distance * 2.0) as usize] |= 1 << direction(e.x, e.y);
            }
            // The bins from half a cell inside to a cell outside.
            let band = |k: usize| masks[k - 1] | masks[k] | masks[k + 1];
            let covered = |k: usize| band(k).count_ones();
            let bins = 2 * LEAST - 2..2 * MOST + 3;
            let most = bins.clone().map(covered).max()?;
            // Lettering and inner rings lie inside the border: the outermost of the good radii is the border.
            let k = bins.rev().find(|&k| covered(k) * 20 >= most * 17)?;
            let (mut sum, mut count) = (0.0, 0);
            points.clear();
            let (near, far) = ((k as f32 - 2.0) / 2.0, (k as f32 + 3.0) / 2.0);
            for e in facing.iter().filter(|e| (near * near..=far * far).contains(&e.square)) {
                points.push((f64::from(e.place.0), f64::from(e.place.1)));
                sum += f64::from(e.distance);
                count += 1;
            }
            if count < 8 {
                return None;
            }
            circle.radius = sum / f64::from(count);
            circle.covered = f64::from(covered(k)) / f64::from(DIRECTIONS);
            if round < 2
                && let Some((centre, radius)) = fit::circle_through(&points, circle.centre, circle.radius)
            {
                let (x, y) = (centre.0 - circle.centre.0, centre.1 - circle.centre.1);
                if x * x + y * y > 9.0 || (radius - circle.radius).abs() > 4.0 {
                    continue;
                }
                circle.centre = centre;
            }
        }
        Some(circle)
    }
}

/// Sums over squares of three by three.
fn boxed(votes: &[u16], w: usize, h: usize) -> Vec<u16> {
    let mut rows = vec![0u16; w * h];
    for (to, from) in rows.chunks_exact_mut(w).zip(votes.chunks_exact(w)) {
        for (sum, three) in to[1..].iter_mut().zip(from.windows(3)) {
            *sum = three[0].saturating_add(three[1]).saturating_add(three[2]);
        }
    }
    let mut sums = vec![0u16; w * h];
    for y in 1..h.saturating_sub(1) {
        for x in 0..w {
            let at = y * w + x;
            sums[at] = rows[at - w].saturating_add(rows[at]).saturating_add(rows[at + w]);
        }
    }
    sums
}

/// Cells of a row that are looked at together.
const BLOCK: usize = 32;

/// The slopes of a row from it and its neighbours, each from a cell before the first to a cell behind the last.
/// Bounds: densities in 0..=1380, slopes in +-5520.
fn sobel(a: &[i16], b: &[i16], c: &[i16], slopes: &mut [(i16, i16); BLOCK]) {
    for (((a, b), c), slope) in a.windows(3).zip(b.windows(3)).zip(c.windows(3)).zip(slopes) {
        let across = |row: &[i16]| row[2].wrapping_sub(row[0]);
        let along = |row: &[i16]| row[0].wrapping_add(row[1]).wrapping_add(row[1]).wrapping_add(row[2]);
        slope.0 = across(a).wrapping_add(across(b)).wrapping_add(across(b)).wrapping_add(across(c));
        slope.1 = along(c).wrapping_sub(along(a));
    }
}

/// Edges steeper than this stand out: some times the usual slope, and never the noise of a good scan.
fn threshold(plane: &Plane) -> i32 {
    let w = plane.width;
    let mut histogram = [0usize; 512];
    let mut total = 0;
    for y in (1..plane.height - 1).step_by(7) {
        for x in (1..w - 1).step_by(3) {
            let at = |dx: usize, dy: usize| i32::from(plane.values[(y + dy - 1) * w + x + dx - 1]);
            let gx = at(2, 0) + 2 * at(2, 1) + at(2, 2) - at(0, 0) - 2 * at(0, 1) - at(0, 2);
            let gy = at(0, 2) + 2 * at(1, 2) + at(2, 2) - at(0, 0) - 2 * at(1, 0) - at(2, 0);
            histogram[((gx.abs() + gy.abs()) / 8).min(511) as usize] += 1;
            total += 1;
        }
    }
    let mut below = 0;
    let median = histogram.iter().position(|&count| {
        below += count;
        below * 2 >= total
    });
    (median.unwrap_or(0) as i32 * 8 * 3).max(130)
}

/// One of 64 directions; equal to the bit on every machine, not quite equally wide.
fn direction(x: f32, y: f32) -> u32 {
    let along = x / (x.abs() + y.abs());
    let turn = if y >= 0.0 { 1.0 - along } else { 3.0 + along };
    ((turn * (DIRECTIONS / 4) as f32) as u32).min(DIRECTIONS - 1)
}
