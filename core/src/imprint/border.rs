//! The border of an imprint: where rays from its middle meet the outermost ink, on a grid first and at full resolution
//! where that looks like one.

use super::density::{UNIT, Unmixer};
use super::find::Shape;
use super::fit::{self, Border, Point};
use super::page::Plane;
use super::trigonometry::{DIRECTIONS, UNIT_BITS, cos_sin};

/// Rays from the middle outwards.
const RAYS: usize = 128;

/// What a ray reads where the ink is not known, and beyond a drawing.
const HIDDEN: i32 = -1;
const OUTSIDE: i32 = -2;

/// What rays read: a page, or a grid of it.
pub(super) trait Ground {
    /// Samples a unit of length.
    const FINENESS: f64;
    /// The ink at a place, [`HIDDEN`] or [`OUTSIDE`].
    fn ink(&self, x: f64, y: f64) -> i32;
}

impl Ground for Unmixer<'_> {
    const FINENESS: f64 = 1.0;

    #[inline]
    fn ink(&self, x: f64, y: f64) -> i32 {
        let (x, y) = (x.floor() as i64, y.floor() as i64);
        self.at(x, y).unwrap_or(if self.beyond_drawing(x, y) { OUTSIDE } else { HIDDEN })
    }
}

/// The finest grid of a page; lengths are in cells.
pub(super) struct Grid<'a> {
    pub(super) plane: &'a Plane,
    /// Beyond it there is nothing, for it is a drawing.
    pub(super) drawn: bool,
}

impl Ground for Grid<'_> {
    const FINENESS: f64 = 2.0;

    #[inline]
    fn ink(&self, x: f64, y: f64) -> i32 {
        if x >= 0.0 && y >= 0.0 {
            let (x, y) = (x as usize, y as usize);
            if x < self.plane.width && y < self.plane.height {
                return i32::from(self.plane.values[y * self.plane.width + x]);
            }
        }
        if self.drawn { OUTSIDE } else { HIDDEN }
    }
}

/// Ink weaker than this is noise.
const FAINT: i32 = UNIT * 4 / 100;

/// How well a border stands on the page; shares are of 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    pub(super) shape: Shape,
    pub(super) border: Border,
    /// The share of the visible rays that meet ink where the border is.
    pub(super) arc: f64,
    /// The share of those where the ink ends again soon: a stroke, not the edge of an area.
    pub(super) stroke: f64,
    /// The inked share just outside.
    pub(super) outside: f64,
    /// The inked share inside.
    pub(super) inside: f64,
    /// The least arc of the four quarters.
    pub(super) quarter: f64,
}

impl Judged {
    /// An ellipse that is hardly drawn out is the circle of a scan that stretches a little, or of a photograph.
    pub(super) fn named(mut self) -> Judged {
        let (a, b) = (length(self.border.u), length(self.border.v));
        if self.shape == Shape::Oval && b >= 0.92 * a {
            let radius = (a * b).sqrt();
            self.shape = Shape::Round;
            self.border = Border { u: (radius, 0.0), v: (0.0, radius), ..self.border };
        }
        self
    }
}

/// The upright box around a border: left, top, right, bottom.
pub(super) fn corners(judged: &Judged) -> [f64; 4] {
    let Border { centre: (x, y), u, v } = judged.border;
    let (w, h) = match judged.shape {
        Shape::Square => (u.0.abs() + v.0.abs(), u.1.abs() + v.1.abs()),
        Shape::Round | Shape::Oval => (length((u.0, v.0)), length((u.1, v.1))),
    };
    [x - w, y - h, x + w, y + h]
}

/// The direction of a ray, and how far the border reaches in it: on a square further towards the corners.
fn ray(shape: Shape, step: usize) -> Point {
    let unit = (1u64 << UNIT_BITS) as f64;
    let (c, s) = cos_sin(step);
    let (c, s) = (c as f64 / unit, s as f64 / unit);
    match shape {
        Shape::Square => {
            let reach = c.abs().max(s.abs());
            (c / reach, s / reach)
        }
        Shape::Round | Shape::Oval => (c, s),
    }
}

fn length((x, y): Point) -> f64 {
    (x * x + y * y).sqrt()
}

/// The pixel at a share of the way from the middle to the border.
fn place(border: &Border, (c, s): Point, share: f64) -> Point {
    let along = |u: f64, v: f64| share * (c * u + s * v);
    (border.centre.0 + along(border.u.0, border.v.0), border.centre.1 + along(border.u.1, border.v.1))
}

/// The `k`-th of 16 places around a border.
pub(super) fn around(shape: Shape, border: &Border, k: usize) -> Point {
    place(border, ray(shape, k * (DIRECTIONS / 16)), 1.0)
}

/// Ink along a ray at equal steps from `far` to `near` (shares of the way to the border).
fn samples<G: Ground>(
    ground: &G,
    border: &Border,
    direction: Point,
    far: f64,
    step: f64,
    count: usize,
) -> impl Iterator<Item = i32> {
    let (x, y) = place(border, direction, far);
    let (nx, ny) = place(border, direction, far - step);
    let (dx, dy) = (nx - x, ny - y);
    (0..count).map(move |k| ground.ink(x + dx * k as f64, y + dy * k as f64))
}

/// A band around the border, read along every ray.
struct Band {
    far: f64,
    step: f64,
    count: usize,
    /// `RAYS` rows of `count` values; negative where nothing can be known.
    ink: Vec<i32>,
    /// Ink on the whole is at least so strong.
    threshold: i32,
    /// Ink on each ray: pressure varies around a border.
    thresholds: Vec<i32>,
}

impl Band {
    fn read<G: Ground>(ground: &G, shape: Shape, border: &Border, near: f64, far: f64) -> Band {
        let step = Self::step::<G>(border);
        let count = ((far - near) / step) as usize + 1;
        let mut ink = Vec::with_capacity(RAYS * count);
        for k in 0..RAYS {
            let direction = ray(shape, k * (DIRECTIONS / RAYS));
            ink.extend(samples(ground, border, direction, far, step, count));
        }
        // The border's own strength: on most rays the strongest ink near it.
        let strongest: Vec<i32> = ink.chunks_exact(count).map(|row| row.iter().copied().max().unwrap_or(-1)).collect();
        let mut sorted: Vec<i32> = strongest.iter().copied().filter(|&v| v >= 0).collect();
        sorted.sort_unstable();
        let level = sorted.get(sorted.len() * 6 / 10).copied().unwrap_or(0);
        let threshold = (level * 2 / 5).max(FAINT);
        let least = (level / 10).max(FAINT).min(threshold);
        let thresholds = strongest.iter().map(|&v| (v * 2 / 5).clamp(least, threshold)).collect();
        Band { far, step, count, ink, threshold, thresholds }
    }

    /// From a sample to the next, as a share of the way to the border.
    fn step<G: Ground>(border: &Border) -> f64 {
        let long = length(border.u).max(length(border.v));
        (1.0 / G::FINENESS).max(long / 160.0) / long
    }

    /// Where ink begins on a ray, seen from outside, as shares of the way to the border.
    fn crossings(&self, k: usize) -> impl Iterator<Item = (usize, f64)> {
        let row = &self.ink[k * self.count..][..self.count];
        let threshold = self.thresholds[k];
        let inked = move |v: i32| v >= threshold;
        row.windows(3).enumerate().filter_map(move |(at, w)| {
            // A drawing may fill its picture.
            let paper = w[0] == OUTSIDE || (w[0] >= 0 && !inked(w[0]));
            let begins = paper && inked(w[1]) && (inked(w[2]) || w[2] < 0);
            // Between the two samples, where the threshold is met.
            let part = f64::from(threshold - w[0].max(0)) / f64::from((w[1] - w[0].max(0)).max(1));
            begins.then(|| (at + 1, self.far - (at as f64 + part) * self.step))
        })
    }

    /// The outermost ink of a ray.
    fn outermost(&self, k: usize) -> Option<f64> {
        self.crossings(k).next().map(|(_, share)| share)
    }

    /// Where ink begins nearest to the border, within a tolerance.
    fn nearest(&self, k: usize, tolerance: f64) -> Option<(usize, f64)> {
        self.crossings(k)
            .filter(|(_, share)| (share - 1.0).abs() <= tolerance)
            .min_by(|a, b| (a.1 - 1.0).abs().total_cmp(&(b.1 - 1.0).abs()))
    }
}

/// The outermost ink on rays from the middle of a box, in pixels.
pub(super) fn outermost<G: Ground>(ground: &G, middle: Point, size: Point) -> Vec<Point> {
    let half = (size.0 / 2.0 + 3.0, size.1 / 2.0 + 3.0);
    let frame = Border { centre: middle, u: (half.0, 0.0), v: (0.0, half.1) };
    let band = Band::read(ground, Shape::Square, &frame, 0.1, 1.0);
    (0..RAYS)
        .filter_map(|k| {
            band.outermost(k).map(|share| place(&frame, ray(Shape::Square, k * (DIRECTIONS / RAYS)), share))
        })
        .collect()
}

/// Moves a rough border to where its ink is, ever less far, and judges it there. `None` if there is no border.
pub(super) fn settled<G: Ground>(ground: &G, shape: Shape, rough: &Border, slacks: &[f64]) -> Option<Judged> {
    let mut border = *rough;
    // A line, or nothing at all, has no border to settle: bands around it would be endless.
    let (long, short) = (length(rough.u).max(length(rough.v)), length(rough.u).min(length(rough.v)));
    if !(short >= 2.0 && long <= 100_000.0) {
        return None;
    }
    for tolerance in slacks {
        // Of a large border a step is several pixels, and the band holds some steps on either side.
        let least = (1.5 / length(border.u).min(length(border.v))).max(2.0 * Band::step::<G>(&border));
        let tolerance = tolerance.max(least);
        let band = Band::read(ground, shape, &border, 1.0 - 1.5 * tolerance, 1.0 + 1.5 * tolerance);
        let points: Vec<Point> = (0..RAYS)
            .filter_map(|k| {
                let (_, share) = band.nearest(k, tolerance)?;
                Some(place(&border, ray(shape, k * (DIRECTIONS / RAYS)), share))
            })
            .collect();
        if points.len() * 4 < RAYS {
            return None;
        }
        let scale = length(border.u);
        border = match shape {
            Shape::Round => {
                let (centre, radius) = fit::circle_through(&points, border.centre, scale)?;
                Border { centre, u: (radius, 0.0), v: (0.0, radius) }
            }
            Shape::Oval => fit::ellipse_through(&points, border.centre, scale)?,
            Shape::Square => fit::rectangle_near(&points, &border)?,
        };
        let (a, b) = (length(border.u), length(border.v));
        let (c, d) = (length(rough.u), length(rough.v));
        if !(0.7 * c..1.4 * c).contains(&a) || !(0.6 * d..1.5 * d).contains(&b) || b < 4.0 {
            return None;
        }
    }
    Some(judged(ground, shape, border))
}

/// How well a border stands on the page.
fn judged<G: Ground>(ground: &G, shape: Shape, border: Border) -> Judged {
    let short = length(border.u).min(length(border.v));
    let tolerance = (1.6 / short).max(0.018);
    let far = 1.0 + (5.0 / short).max(0.09);
    let band = Band::read(ground, shape, &border, 0.68, far);
    let (mut visible, mut met, mut strokes) = ([0; 4], [0; 4], 0);
    let (mut outside, mut read) = (0, 0);
    for k in 0..RAYS {
        let row = &band.ink[k * band.count..][..band.count];
        let at = ((far - 1.0) / band.step) as usize;
        let margin = (tolerance / band.step) as usize + 1;
        let near = &row[at.saturating_sub(margin)..(at + margin).min(band.count)];
        if near.iter().filter(|&&v| v < 0).count() * 4 > near.len() * 3 {
            continue;
        }
        let quarter = k * 4 / RAYS;
        visible[quarter] += 1;
        for &v in &row[..at.saturating_sub(margin)] {
            read += u32::from(v >= 0);
            outside += u32::from(v >= band.threshold);
        }
        let Some((begin, _)) = band.nearest(k, tolerance) else { continue };
        met[quarter] += 1;
        // Strokes of a seal's border are thinner than a sixth of the way to its middle.
        let thick = ((0.17 / band.step) as usize).max(4);
        let inwards = &row[begin..(begin + thick).min(band.count)];
        strokes += i32::from(inwards.iter().any(|&v| v >= 0 && v < band.thresholds[k]));
    }
    let share = |a: i32, b: i32| f64::from(a) / f64::from(b.max(1));
    let all = |counts: [i32; 4]| counts.iter().sum::<i32>();
    let quarter = (0..4).map(|q| share(met[q], visible[q].max(8))).fold(1.0, f64::min);
    Judged {
        shape,
        border,
        arc: share(all(met), all(visible).max(RAYS as i32 / 3)),
        stroke: share(strokes, all(met)),
        outside: f64::from(outside) / f64::from(read.max(1)),
        inside: inside(ground, shape, &border, band.threshold),
        quarter,
    }
}

/// The inked share of the area well inside the border.
fn inside<G: Ground>(ground: &G, shape: Shape, border: &Border, threshold: i32) -> f64 {
    let (mut inked, mut total) = (0, 0);
    for ring in 1..=20 {
        for step in 0..3 * ring {
            let direction = ray(shape, step * DIRECTIONS / (3 * ring));
            let (x, y) = place(border, direction, ring as f64 * 0.043);
            let ink = ground.ink(x, y);
            inked += u32::from(ink >= threshold);
            total += u32::from(ink >= 0);
        }
    }
    f64::from(inked) / f64::from(total.max(1))
}
