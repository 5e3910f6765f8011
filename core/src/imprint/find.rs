//! The dominant imprint of a picture: connected ink on coarse grids, then a border fitted to its outermost ink.

use super::fit::{self, Border, Point};
use super::image::Image;
use super::ink::{INKED, Ink, Scorer};
use super::trigonometry::{DIRECTIONS, UNIT_BITS, cos_sin};
use crate::{Error, Result};

/// The form of a seal's border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A circle.
    Round,
    /// An ellipse.
    Oval,
    /// A square or a rectangle.
    Square,
}

/// An imprint on a picture. Lengths are in pixels, x to the right and y down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Imprint {
    /// The form of the border.
    pub shape: Shape,
    /// The colour of the ink.
    pub ink: Ink,
    /// The middle, in 1/16 pixel.
    pub centre: (i64, i64),
    /// From the middle to the border along the longer axis, in 1/16 pixel.
    pub u: (i64, i64),
    /// From the middle to the border at right angles to `u`, in 1/16 pixel.
    pub v: (i64, i64),
    /// The share of the border that carries ink, of 255.
    pub support: u8,
    /// The share of the area inside the border that carries ink, of 255.
    pub coverage: u8,
    /// The resolution of the picture, if the file states it.
    pub pixels_per_metre: Option<u32>,
}

impl Imprint {
    /// The lengths of the two axes in millimetres, if the picture's resolution is known.
    pub fn size_mm(&self) -> Option<(f64, f64)> {
        let scale = 2.0 * 1000.0 / 16.0 / f64::from(self.pixels_per_metre?);
        Some((length(self.u) * scale, length(self.v) * scale))
    }
}

fn length((x, y): (i64, i64)) -> f64 {
    ((x * x + y * y) as f64).sqrt()
}

/// The least support that makes ink a border.
const MIN_SUPPORT: f64 = 0.45;

/// The least coverage, of 255: a lone circle is no seal.
const MIN_COVERAGE: u8 = 5;

/// The least diameter of an imprint in pixels: below it characters are unreadable.
const MIN_DIAMETER: u32 = 48;

/// Rays from the middle outwards that look for the border.
const RAYS: usize = 256;

/// Candidates that are examined on each grid.
const CANDIDATES: usize = 6;

/// Find the dominant imprint of a picture.
///
/// Red ink is looked for first, then blue, then, on pictures with a transparent ground, any ink. The dominant
/// imprint is the one whose border encloses most ink.
///
/// # Errors
/// `NoImprint`: no closed border of at least 48 pixels carries enough ink.
///
/// # Examples
/// ```
/// use sealcore::{Error, imprint};
/// let blank = imprint::Image::from_pixels(100, 100, 1, None, vec![255; 10_000])?;
/// assert!(matches!(imprint::find(&blank), Err(Error::NoImprint { .. })));
/// # Ok::<(), Error>(())
/// ```
pub fn find(image: &Image) -> Result<Imprint> {
    find_with(&Scorer::new(image))
}

pub(super) fn find_with(scorer: &Scorer<'_>) -> Result<Imprint> {
    if scorer.image.width().min(scorer.image.height()) < MIN_DIAMETER {
        return Err(Error::NoImprint { reason: "the picture is smaller than an imprint of 48 pixels" });
    }
    let coloured = Grid::of(scorer);
    for (grid, ink) in coloured.into_iter().zip([Ink::Red, Ink::Blue]) {
        if let Some(imprint) = dominant(scorer, grid, ink) {
            return Ok(imprint);
        }
    }
    if scorer.image.has_transparency()
        && let Some(imprint) = dominant(scorer, Grid::drawn(scorer), Ink::Drawn)
    {
        return Ok(imprint);
    }
    Err(Error::NoImprint { reason: "no round, oval or square border in red or blue ink was found" })
}

/// How many pixels of each cell of the picture are inked.
struct Grid {
    cell: u32,
    width: usize,
    height: usize,
    counts: Vec<u32>,
}

impl Grid {
    fn empty(image: &Image) -> Self {
        let cell = image.width().max(image.height()) / 512 + 1;
        let (width, height) = (image.width().div_ceil(cell) as usize, image.height().div_ceil(cell) as usize);
        Grid { cell, width, height, counts: vec![0; width * height] }
    }

    /// The red and the blue grid, in one pass.
    fn of(scorer: &Scorer<'_>) -> [Grid; 2] {
        let (mut red, mut blue) = (Grid::empty(scorer.image), Grid::empty(scorer.image));
        let cell = red.cell as usize;
        for y in 0..scorer.image.height() {
            let line = (y / red.cell) as usize * red.width;
            for (x, pixel) in scorer.image.row(y, 1).enumerate() {
                // A pixel is red only where red is the brightest channel, and blue only where blue is.
                if scorer.of(pixel, Ink::Red) >= INKED {
                    red.counts[line + x / cell] += 1;
                } else if scorer.of(pixel, Ink::Blue) >= INKED {
                    blue.counts[line + x / cell] += 1;
                }
            }
        }
        [red, blue]
    }

    fn drawn(scorer: &Scorer<'_>) -> Grid {
        let mut grid = Grid::empty(scorer.image);
        let cell = grid.cell as usize;
        for y in 0..scorer.image.height() {
            let line = (y / grid.cell) as usize * grid.width;
            for (x, pixel) in scorer.image.row(y, 1).enumerate() {
                grid.counts[line + x / cell] += u32::from(scorer.of(pixel, Ink::Drawn) >= INKED);
            }
        }
        grid
    }

    /// The grid of twice the cell.
    fn halved(&self) -> Grid {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let mut counts = vec![0; width * height];
        for y in 0..self.height {
            for x in 0..self.width {
                counts[y / 2 * width + x / 2] += self.counts[y * self.width + x];
            }
        }
        Grid { cell: self.cell * 2, width, height, counts }
    }

    /// Connected cells with ink (neighbours of neighbours count), as boxes with the ink in them.
    fn boxes(&self) -> Vec<Box> {
        let enough = (self.cell * self.cell / 7).max(1);
        let (w, h) = (self.width, self.height);
        let inked: Vec<bool> = self.counts.iter().map(|&count| count >= enough).collect();
        let mut seen = vec![false; w * h];
        let mut boxes = Vec::new();
        let mut pending = Vec::new();
        for start in 0..w * h {
            if !inked[start] || seen[start] {
                continue;
            }
            let mut found = Box { left: w, top: h, right: 0, bottom: 0, ink: 0 };
            seen[start] = true;
            pending.push(start);
            while let Some(at) = pending.pop() {
                let (x, y) = (at % w, at / w);
                found.left = found.left.min(x);
                found.right = found.right.max(x + 1);
                found.top = found.top.min(y);
                found.bottom = found.bottom.max(y + 1);
                for ny in y.saturating_sub(2)..(y + 3).min(h) {
                    for nx in x.saturating_sub(2)..(x + 3).min(w) {
                        let next = ny * w + nx;
                        if inked[next] && !seen[next] {
                            seen[next] = true;
                            pending.push(next);
                        }
                    }
                }
            }
            let (a, b) = (found.right - found.left, found.bottom - found.top);
            if (a.min(b) as u32) * self.cell >= MIN_DIAMETER * 3 / 4 && 5 * a.min(b) >= 2 * a.max(b) {
                boxes.push(found);
            }
        }
        for found in &mut boxes {
            for y in found.top..found.bottom {
                let line = &self.counts[y * w..][found.left..found.right];
                found.ink += line.iter().map(|&count| u64::from(count)).sum::<u64>();
            }
        }
        boxes.sort_by_key(|found| std::cmp::Reverse(found.ink));
        boxes.truncate(CANDIDATES);
        boxes
    }
}

/// A box of cells; right and bottom are outside.
struct Box {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
    ink: u64,
}

fn dominant(scorer: &Scorer<'_>, grid: Grid, ink: Ink) -> Option<Imprint> {
    let mut best: Option<(f64, Imprint)> = None;
    let mut grid = grid;
    // Coarser grids close the gaps of a broken ring; finer ones keep neighbours apart.
    for level in 0..3 {
        if level > 0 {
            grid = grid.halved();
        }
        for found in grid.boxes() {
            let scale = f64::from(grid.cell);
            let corner = (found.left as f64 * scale, found.top as f64 * scale);
            let size = ((found.right - found.left) as f64 * scale, (found.bottom - found.top) as f64 * scale);
            // No border in this box can enclose more ink than the box holds.
            if best.is_some_and(|(most, _)| found.ink as f64 <= most) {
                continue;
            }
            let Some((shape, border)) = border(scorer, ink, corner, size) else { continue };
            let imprint = measured(scorer, ink, shape, &border);
            let (a, b) = (length(imprint.u) / 16.0, length(imprint.v) / 16.0);
            // The ink that the border encloses, discounted where the border itself is missing.
            let weight = 3.0 * a * b * f64::from(imprint.coverage) / 255.0 * border.support;
            if a.min(b) * 2.0 >= f64::from(MIN_DIAMETER)
                && imprint.coverage >= MIN_COVERAGE
                && best.is_none_or(|(most, _)| weight > most)
            {
                best = Some((weight, imprint));
            }
        }
    }
    best.map(|(_, imprint)| imprint)
}

/// The outermost ink on every ray from `middle`, between two distances that depend on the direction.
fn outermost(scorer: &Scorer<'_>, ink: Ink, middle: Point, reach: impl Fn(f64, f64) -> (f64, f64)) -> Vec<Point> {
    let unit = (1u64 << UNIT_BITS) as f64;
    let mut points = Vec::with_capacity(RAYS);
    for ray in 0..RAYS {
        let (c, s) = cos_sin(ray * (DIRECTIONS / RAYS));
        let (c, s) = (c as f64 / unit, s as f64 / unit);
        let (near, far) = reach(c, s);
        let run = (far / 100.0).clamp(2.0, 8.0) as usize;
        let inked = |distance: f64| {
            let (x, y) = (middle.0 + c * distance, middle.1 + s * distance);
            scorer.at(x as i64, y as i64, ink) >= INKED
        };
        let mut distance = far;
        while distance > near {
            // Specks are no border: most of the next few pixels inwards must be inked as well.
            if inked(distance) && (1..=run).filter(|&k| inked(distance - k as f64)).count() * 3 >= run * 2 {
                points.push((middle.0 + c * distance, middle.1 + s * distance));
                break;
            }
            distance -= 1.0;
        }
    }
    points
}

/// The border of the ink in a box, if there is one.
fn border(scorer: &Scorer<'_>, ink: Ink, corner: Point, size: Point) -> Option<(Shape, Border)> {
    let middle = (corner.0 + size.0 / 2.0, corner.1 + size.1 / 2.0);
    let margin = 3.0;
    let points = outermost(scorer, ink, middle, |c, s| {
        // As far as the box reaches in this direction.
        let horizontal = if c.abs() > 1e-6 { (size.0 / 2.0 + margin) / c.abs() } else { f64::MAX };
        let vertical = if s.abs() > 1e-6 { (size.1 / 2.0 + margin) / s.abs() } else { f64::MAX };
        (4.0, horizontal.min(vertical))
    });
    let scale = size.0.max(size.1) / 2.0;
    let tried = [(Shape::Round, fit::circle(&points, middle, scale)), (Shape::Oval, None), (Shape::Square, None)];
    let [(_, round), ..] = tried;
    if let Some(round) = round
        && round.support * points.len() as f64 / RAYS as f64 >= MIN_SUPPORT
    {
        let refined = refined_circle(scorer, ink, &round)?;
        if refined.support >= 0.6 {
            return Some((Shape::Round, refined));
        }
    }
    let rays = points.len() as f64 / RAYS as f64;
    [(Shape::Oval, fit::ellipse(&points, middle, scale)), (Shape::Square, fit::rectangle(&points))]
        .into_iter()
        .filter_map(|(shape, border)| border.map(|b| (shape, Border { support: b.support * rays, ..b })))
        .chain(round.and_then(|r| refined_circle(scorer, ink, &r)).map(|r| (Shape::Round, r)))
        .filter(|(_, border)| border.support >= MIN_SUPPORT)
        .max_by(|a, b| a.1.support.total_cmp(&b.1.support))
}

/// The circle again, from rays that start at its own middle and look at its neighbourhood only.
fn refined_circle(scorer: &Scorer<'_>, ink: Ink, rough: &Border) -> Option<Border> {
    let mut circle = *rough;
    for _ in 0..2 {
        let radius = circle.u.0;
        let points = outermost(scorer, ink, circle.centre, |_, _| (0.88 * radius, 1.05 * radius + 3.0));
        let rays = points.len() as f64 / RAYS as f64;
        circle = fit::circle(&points, circle.centre, radius)?;
        circle.support *= rays;
    }
    Some(circle)
}

/// The imprint in sixteenths of a pixel, with its coverage.
fn measured(scorer: &Scorer<'_>, ink: Ink, shape: Shape, border: &Border) -> Imprint {
    let fixed = |p: Point| ((p.0 * 16.0).round() as i64, (p.1 * 16.0).round() as i64);
    let mut imprint = Imprint {
        shape,
        ink,
        centre: fixed(border.centre),
        u: fixed(border.u),
        v: fixed(border.v),
        support: (border.support * 255.0).min(255.0) as u8,
        coverage: 0,
        pixels_per_metre: scorer.image.pixels_per_metre(),
    };
    let (mut inked, mut total) = (0u64, 0u64);
    for ring in 1..=40 {
        for step in 0..2 * ring {
            let (x, y) =
                super::normalise::place(&imprint, ring * 1600, (step * DIRECTIONS as i64 / (2 * ring)) as usize);
            inked += u64::from(scorer.at(x, y, ink) >= INKED);
            total += 1;
        }
    }
    imprint.coverage = (inked * 255 / total) as u8;
    imprint
}
