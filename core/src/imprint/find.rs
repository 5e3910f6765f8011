//! Every imprint of a page: rough borders from grids of ink, settled and judged at full resolution.

use super::border::{self, Grid, Judged};
use super::circles::Edges;
use super::density::Unmixer;
use super::fit::{self, Border, Point};
use super::image::Image;
use super::ink::Ink;
use super::judge::{confidence, in_line, promising};
use super::page::{PRINT, Page, Plane, colourless};
use super::parts::{Part, parts};
use super::trigonometry::{UNIT_BITS, cos_sin};
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
    /// The share of the area inside the border that carries ink, of 255.
    pub coverage: u8,
    /// How sure it is that this is an imprint, of 255.
    pub confidence: u8,
    /// The resolution of the picture, if it is known.
    pub pixels_per_metre: Option<u32>,
}

impl Imprint {
    /// An imprint whose place is known: lengths in pixels, `u` from the middle to the border along the longer axis,
    /// `v` across it.
    ///
    /// # Errors
    /// `InvalidArgument`: a number that is not finite or beyond 20,000 pixels, an axis shorter than 4 pixels, axes
    /// that are not at right angles (beyond 3 degrees).
    pub fn new(shape: Shape, ink: Ink, centre: (f64, f64), u: (f64, f64), v: (f64, f64)) -> Result<Self> {
        let bound = f64::from(super::MAX_SIDE);
        let refuse = |field, reason| Err(Error::InvalidArgument { field, reason });
        if ![centre.0, centre.1].iter().all(|x| x.abs() <= bound) {
            return refuse("centre", "numbers of at most 20,000 pixels");
        }
        if ![u.0, u.1, v.0, v.1].iter().all(|x| x.abs() <= bound) {
            return refuse("axes", "numbers of at most 20,000 pixels");
        }
        let (a, b) = (norm(u), norm(v));
        if a < 4.0 || b < 4.0 {
            return refuse("axes", "at least 4 pixels from the middle to the border");
        }
        if (u.0 * v.0 + u.1 * v.1).abs() > 0.05 * a * b {
            return refuse("axes", "two vectors at right angles");
        }
        let fixed = |(x, y): Point| ((x * 16.0).round() as i64, (y * 16.0).round() as i64);
        Ok(Imprint {
            shape,
            ink,
            centre: fixed(centre),
            u: fixed(u),
            v: fixed(v),
            coverage: 0,
            confidence: 255,
            pixels_per_metre: None,
        })
    }

    /// The lengths of the two axes in millimetres, if the picture's resolution is known.
    pub fn size_mm(&self) -> Option<(f64, f64)> {
        let scale = 2.0 * 1000.0 / 16.0 / f64::from(self.pixels_per_metre?);
        Some((length(self.u) * scale, length(self.v) * scale))
    }

    /// The upright box around the border in pixels: left, top, right, bottom, the last two just outside. It may
    /// reach beyond the picture.
    pub fn bounds(&self) -> [i64; 4] {
        let (x, y) = match self.shape {
            Shape::Square => (self.u.0.abs() + self.v.0.abs(), self.u.1.abs() + self.v.1.abs()),
            Shape::Round | Shape::Oval => (length((self.u.0, self.v.0)) as i64, length((self.u.1, self.v.1)) as i64),
        };
        let (cx, cy) = self.centre;
        [(cx - x) >> 4, (cy - y) >> 4, (cx + x + 15) >> 4, (cy + y + 15) >> 4]
    }

    /// Whether this border may reach into another one, and is not that one measured again.
    pub(super) fn is_over(&self, other: &Imprint) -> bool {
        let (own, size) = (length(self.u), length(other.u));
        let apart = length((self.centre.0 - other.centre.0, self.centre.1 - other.centre.1));
        let same = apart < 0.1 * size && (own - size).abs() < 0.1 * size;
        // A square reaches further at its corners.
        !same && apart < 1.5 * (own + size)
    }

    /// Whether a pixel lies within the border, or on it.
    pub(super) fn holds(&self, (x, y): Point) -> bool {
        const ROOM: f64 = 1.04;
        let (dx, dy) = (x - self.centre.0 as f64 / 16.0, y - self.centre.1 as f64 / 16.0);
        let along = |(ax, ay): (i64, i64)| {
            let (ax, ay) = (ax as f64 / 16.0, ay as f64 / 16.0);
            (dx * ax + dy * ay) / (ax * ax + ay * ay).max(1.0)
        };
        let (u, v) = (along(self.u), along(self.v));
        match self.shape {
            Shape::Square => u.abs().max(v.abs()) <= ROOM,
            Shape::Round | Shape::Oval => u.hypot(v) <= ROOM,
        }
    }

    /// The bounds with an eighth of the longer axis around them.
    pub(super) fn widened(&self) -> [i64; 4] {
        let [left, top, right, bottom] = self.bounds();
        let margin = (length(self.u) / 16.0 / 4.0) as i64 + 2;
        [left - margin, top - margin, right + margin, bottom + margin]
    }

    /// The pixel at a share (of 100) of the way to the border in a direction (of 1024 a turn).
    pub(super) fn place(&self, share: i64, step: usize) -> (i64, i64) {
        let (c, s) = cos_sin(step);
        let (c, s) = match self.shape {
            Shape::Square => {
                let reach = c.abs().max(s.abs());
                ((c << UNIT_BITS) / reach, (s << UNIT_BITS) / reach)
            }
            Shape::Round | Shape::Oval => (c, s),
        };
        let pixel = |centre: i64, u: i64, v: i64| (centre + (((u * c + v * s) >> UNIT_BITS) * share) / 100) >> 4;
        (pixel(self.centre.0, self.u.0, self.v.0), pixel(self.centre.1, self.u.1, self.v.1))
    }

    /// How the longer axis is turned against the horizontal, in degrees counter-clockwise, above -90 and at most 90;
    /// 0 for a circle.
    pub fn angle(&self) -> f64 {
        let degrees = (-self.u.1 as f64).atan2(self.u.0 as f64).to_degrees();
        if degrees <= -90.0 {
            degrees + 180.0
        } else if degrees > 90.0 {
            degrees - 180.0
        } else {
            degrees
        }
    }
}

fn length((x, y): (i64, i64)) -> f64 {
    ((x * x + y * y) as f64).sqrt()
}

fn norm((x, y): Point) -> f64 {
    (x * x + y * y).sqrt()
}

/// Imprints that are returned from one page, at most.
const MOST: usize = 400;

/// The most pixels of a picture whose frame may be a seal's.
const WHOLE: u64 = 1_500_000;

/// Rough circles of one grid that are settled.
const CIRCLES: usize = 12;

/// The shorter side of the coarsest grid in cells: less than a seal that fills the picture.
const LEAST_GRID: usize = 18;

/// Find every imprint of a picture, the surest first.
///
/// Red and blue ink is looked for on its own planes, through black print; on pictures with hardly any colour every
/// dark line is looked at, and on a transparent ground whatever is drawn.
///
/// # Examples
/// ```
/// use sealcore::imprint;
/// let blank = imprint::Image::from_pixels(100, 100, 1, None, vec![255; 10_000])?;
/// assert!(imprint::find(&blank).is_empty());
/// # Ok::<(), sealcore::Error>(())
/// ```
pub fn find(image: &Image) -> Vec<Imprint> {
    find_at(image, image.pixels_per_metre())
}

/// [`find`] on a picture whose resolution (pixels a metre) is known better than by its file.
pub fn find_at(image: &Image, pixels_per_metre: Option<u32>) -> Vec<Imprint> {
    let Some(page) = Page::of(image) else { return Vec::new() };
    let mut found = Vec::new();
    let mut grey = true;
    let scale = page.scale as f64;
    if image.channels() > 1 {
        let planes = page.coloured();
        grey = colourless(&planes);
        for (ink, plane) in [Ink::Red, Ink::Blue].into_iter().zip(&planes) {
            Finder { image, ink, ground: plane, scale, print: i32::MAX }.search(&mut found);
        }
    }
    let drawn = image.has_transparency();
    if found.is_empty() && (drawn || grey) {
        let ink = if drawn { Ink::Drawn } else { Ink::Grey };
        if !drawn {
            // Red ink is grey between paper and print; only a copy in black and white has it as dark as print.
            let ground = &page.between(image);
            Finder { image, ink, ground, scale, print: i32::from(PRINT) }.search(&mut found);
        }
        Finder { image, ink, ground: &page.dark(), scale, print: i32::MAX }.search(&mut found);
    }
    let mut imprints: Vec<Imprint> = found.iter().map(|f| f.imprint(pixels_per_metre)).collect();
    imprints.sort_by_key(|i| (std::cmp::Reverse(i.confidence), i.centre.1, i.centre.0));
    imprints.truncate(MOST);
    imprints
}

/// A border that is an imprint's.
#[derive(Clone, Copy)]
struct Found {
    ink: Ink,
    judged: Judged,
    confidence: f64,
}

impl Found {
    fn imprint(&self, pixels_per_metre: Option<u32>) -> Imprint {
        let fixed = |p: Point| ((p.0 * 16.0).round() as i64, (p.1 * 16.0).round() as i64);
        let border = &self.judged.border;
        Imprint {
            shape: self.judged.shape,
            ink: self.ink,
            centre: fixed(border.centre),
            u: fixed(border.u),
            v: fixed(border.v),
            coverage: (self.judged.inside * 255.0).min(255.0) as u8,
            confidence: (self.confidence * 255.0).clamp(1.0, 255.0) as u8,
            pixels_per_metre,
        }
    }

    /// Whether a place lies inside the border, widened by a share.
    fn holds(&self, p: Point, widened: f64) -> bool {
        let border = &self.judged.border;
        let (x, y) = (p.0 - border.centre.0, p.1 - border.centre.1);
        let along = |axis: Point| (x * axis.0 + y * axis.1) / (axis.0 * axis.0 + axis.1 * axis.1) / widened;
        let (a, b) = (along(border.u), along(border.v));
        match self.judged.shape {
            Shape::Square => a.abs() <= 1.0 && b.abs() <= 1.0,
            Shape::Round | Shape::Oval => a * a + b * b <= 1.0,
        }
    }

    fn area(&self) -> f64 {
        norm(self.judged.border.u) * norm(self.judged.border.v)
    }
}

/// Looks for the imprints of one ink.
#[derive(Clone, Copy)]
struct Finder<'a> {
    image: &'a Image,
    ink: Ink,
    /// The finest grid.
    ground: &'a Plane,
    /// Pixels a cell of it.
    scale: f64,
    /// The density of black print on a grey picture.
    print: i32,
}

impl Finder<'_> {
    fn search(&self, found: &mut Vec<Found>) {
        // What was found in another ink may lie anywhere; in grey the same seal is looked for twice.
        let start = if self.ink == Ink::Grey { 0 } else { found.len() };
        if let Some(whole) = self.whole() {
            return self.add(whole, start, found);
        }
        let mut grids = vec![self.ground.clone()];
        while let Some(last) = grids.last()
            && last.width.min(last.height) >= 2 * LEAST_GRID
        {
            let next = last.halved();
            grids.push(next);
        }
        let edges: Vec<Edges> = grids.iter().map(Edges::of).collect();
        // Large ones first: what lies inside them need not be looked at.
        for (index, edges) in edges.iter().enumerate().rev() {
            self.circles(edges, index, (1.0, 1.0), start, found);
        }
        for (index, edges) in edges.iter().enumerate().skip(1).rev() {
            for stretch in [(1.0, 1.4), (1.4, 1.0)] {
                self.circles(edges, index, stretch, start, found);
            }
        }
        // What stands by itself, of any shape, outside of what was found.
        let rings = found[start..].to_vec();
        for (index, grid) in grids.iter_mut().enumerate() {
            let cell = self.cell(index);
            self.explain(grid, cell, &rings);
            let parts = parts(grid, 2);
            let mut new = Vec::new();
            for part in &parts {
                let (w, h) = (part.width(), part.height());
                // Of a frame a side may be hidden; on grey pages most parts are words, and too small.
                let whole = if self.ink == Ink::Grey { 0.8 } else { 0.5 };
                let large = w.min(h) as f64 * cell >= whole * self.least(Shape::Square);
                if large && (14..=60).contains(&w.max(h)) && w.min(h) >= 6 && w.min(h) * 4 >= w.max(h) {
                    self.part(part, cell, 0, &mut new);
                }
            }
            // A character that looks like a frame stands in a line with others that do not.
            let strange: Vec<&Part> =
                parts.iter().filter(|p| !new.iter().any(|f: &Found| f.holds(p.middle(cell), 1.0))).collect();
            for f in new {
                if !in_line(&border::corners(&f.judged), &strange, cell) {
                    self.add(f, start, found);
                }
            }
        }
    }

    /// The imprint whose border holds all the ink: a drawing, or a picture of one imprint.
    fn whole(&self) -> Option<Found> {
        let part = Part::of_all(self.ground)?;
        let mut found = Vec::new();
        self.part(&part, self.scale, 0, &mut found);
        let [found] = found[..] else { return None };
        let corners = border::corners(&found.judged).map(|v| v / self.scale);
        let own = [part.left, part.top, part.right, part.bottom].map(|v| v as f64);
        let slack = 1.5 + 0.01 * part.width().max(part.height()) as f64;
        let all = corners.iter().zip(own).all(|(a, b)| (a - b).abs() <= slack);
        // A frame around a page is no seal.
        let small = u64::from(self.image.width()) * u64::from(self.image.height()) <= WHOLE;
        let sure = found.confidence >= 0.85 && (found.judged.shape != Shape::Square || small);
        (all && sure).then_some(found)
    }

    /// Pixels a cell of a grid.
    fn cell(&self, grid: usize) -> f64 {
        self.scale * f64::from(1u32 << grid)
    }

    /// Circles, or on drawn out edges ellipses, of one grid.
    fn circles(&self, edges: &Edges, grid: usize, stretch: (f32, f32), start: usize, found: &mut Vec<Found>) {
        if edges.few() {
            return;
        }
        let round = stretch == (1.0, 1.0);
        let circles = if round { edges.circles(0.36) } else { edges.stretched(stretch.0, stretch.1).circles(0.5) };
        let shape = if round { Shape::Round } else { Shape::Oval };
        let (sx, sy) = (self.cell(grid) / f64::from(stretch.0), self.cell(grid) / f64::from(stretch.1));
        let mut settled = 0;
        for circle in circles {
            let (a, b) = (circle.radius * sx, circle.radius * sy);
            let (u, v) = if a >= b { ((a, 0.0), (0.0, b)) } else { ((0.0, b), (-a, 0.0)) };
            let rough = Border { centre: (circle.centre.0 * sx, circle.centre.1 * sy), u, v };
            let known = found[start..]
                .iter()
                .any(|f| f.confidence >= 0.7 && (0..16).all(|k| f.holds(border::around(shape, &rough, k), 1.12)));
            if known {
                continue;
            }
            let judged = self.settle(shape, &rough, 1.6 / circle.radius);
            self.keep(judged.map(Judged::named), start, found);
            settled += 1;
            if settled == CIRCLES {
                break;
            }
        }
    }

    /// Settles a rough border on the finest grid, and at full resolution if it looks like one there.
    fn settle(&self, shape: Shape, rough: &Border, slack: f64) -> Option<Judged> {
        let grid = self.grid();
        let coarse = border::settled(&grid, shape, &rough.scaled(1.0 / self.scale), &[slack, slack / 2.0, 0.02])?;
        if !promising(&coarse, self.ink) {
            return None;
        }
        let rough = coarse.border.scaled(self.scale);
        let reach = norm(rough.u).max(norm(rough.v)) * 1.3;
        let (x, y) = rough.centre;
        let area = [x - reach, y - reach, x + reach, y + reach].map(|v| v as i64);
        let mut unmixer = Unmixer::new(self.image, self.ink, area);
        unmixer.print = self.print;
        // A border on the grid is within a cell and a half of where it is.
        let near = 1.5 * self.scale / norm(rough.u).min(norm(rough.v));
        border::settled(&unmixer, shape, &rough, &[near, 0.02, 0.015])
    }

    fn grid(&self) -> Grid<'_> {
        Grid { plane: self.ground, drawn: self.ink == Ink::Drawn }
    }

    /// A part by itself: the border of its outermost ink.
    fn part(&self, part: &Part, cell: f64, start: usize, found: &mut Vec<Found>) {
        let (middle, own) = (part.middle(cell / self.scale), cell / self.scale);
        let size = (part.width() as f64 * own, part.height() as f64 * own);
        let points = border::outermost(&self.grid(), middle, size);
        let scale = size.0.max(size.1) / 2.0;
        let rough = [(Shape::Square, fit::rectangle(&points)), (Shape::Oval, fit::ellipse(&points, middle, scale))];
        let squares =
            rough[0].1.iter().flat_map(squares).map(|border| (Shape::Square, Some(border))).collect::<Vec<_>>();
        for (shape, rough) in rough.into_iter().chain(squares) {
            let judged = rough.and_then(|rough| self.settle(shape, &rough.scaled(self.scale), 0.06));
            self.keep(judged.map(Judged::named), start, found);
        }
    }

    /// Takes the ink of what was found off a grid.
    fn explain(&self, grid: &mut Plane, cell: f64, found: &[Found]) {
        for f in found {
            let reach = norm(f.judged.border.u).max(norm(f.judged.border.v)) * 1.5;
            let (x, y) = f.judged.border.centre;
            let cells = |from: f64, most: usize| ((from / cell).max(0.0) as usize).min(most);
            for row in cells(y - reach, grid.height)..cells(y + reach + cell, grid.height) {
                for column in cells(x - reach, grid.width)..cells(x + reach + cell, grid.width) {
                    if f.holds(((column as f64 + 0.5) * cell, (row as f64 + 0.5) * cell), 1.05) {
                        grid.values[row * grid.width + column] = 0;
                    }
                }
            }
        }
    }

    /// The least length of the shorter side. Words look like small ovals and frames. On grey pages, where all words do, only
    /// larger ones count: a name seal is a fortieth of a page.
    fn least(&self, shape: Shape) -> f64 {
        let page = f64::from(self.image.width().max(self.image.height()));
        match (self.ink, shape) {
            (Ink::Grey, Shape::Oval) => page / 25.0,
            (Ink::Grey, _) => page / 40.0,
            _ => page / 85.0,
        }
    }

    /// Adds a border if it is an imprint's, unless it is known already or part of a larger one.
    fn keep(&self, judged: Option<Judged>, start: usize, found: &mut Vec<Found>) {
        let Some(judged) = judged else { return };
        let Some(confidence) = confidence(&judged, self.ink) else { return };
        let least = self.least(judged.shape);
        let (a, b) = (norm(judged.border.u), norm(judged.border.v));
        if 2.0 * a.min(b) < least || a > 3.4 * b {
            return;
        }
        self.add(Found { ink: self.ink, judged, confidence }, start, found);
    }

    fn add(&self, new: Found, start: usize, found: &mut Vec<Found>) {
        let mut at = start;
        while at < found.len() {
            let old = found[at];
            let (large, small) = if old.area() >= new.area() { (&old, &new) } else { (&new, &old) };
            let border = &small.judged.border;
            let overlap = overlap(border::corners(&large.judged), border::corners(&small.judged));
            let inside = (0..16).filter(|&k| large.holds(border::around(small.judged.shape, border, k), 1.04)).count();
            if inside < 14 && overlap < 0.55 {
                at += 1;
                continue;
            }
            // The same place; else lettering and inner rings of the larger one, or rings that it bundles.
            let keep_old = if small.area() > 0.7 * large.area() {
                old.confidence >= new.confidence
            } else {
                let (x, y) = (large.judged.border.centre, small.judged.border.centre);
                let apart = norm((x.0 - y.0, x.1 - y.1)) / norm(large.judged.border.v);
                // A frame and a stroke of a character make up a smaller frame.
                let frames = large.judged.shape == Shape::Square && small.judged.shape == Shape::Square;
                let enough = if apart < 0.25 || frames { 0.5 } else { 0.8 };
                std::ptr::eq(large, &old) == (large.confidence >= enough * small.confidence)
            };
            if keep_old {
                return;
            }
            found.swap_remove(at);
        }
        found.push(new);
    }
}

/// The squares that share three sides with a rectangle: one of its sides may be that of a seal beside.
fn squares(border: &Border) -> Vec<Border> {
    let (a, b) = (norm(border.u), norm(border.v));
    if a < 1.06 * b || a > 1.7 * b {
        return Vec::new();
    }
    let scaled = |v: Point, length: f64| (v.0 / norm(v) * length, v.1 / norm(v) * length);
    let moved = |by: Point| (border.centre.0 + by.0, border.centre.1 + by.1);
    let mut squares = Vec::new();
    for side in [b, a] {
        let (u, v) = (scaled(border.u, side), scaled(border.v, side));
        // A shorter square moves along the longer axis, a longer one along the shorter axis.
        for apart in [a - b, b - a] {
            let centre = moved(scaled(if side == b { border.u } else { border.v }, apart));
            squares.push(Border { centre, u, v });
        }
    }
    squares
}

/// The common area of two boxes (left, top, right, bottom) over their joint area.
fn overlap(a: [f64; 4], b: [f64; 4]) -> f64 {
    let area = |[left, top, right, bottom]: [f64; 4]| (right - left).max(0.0) * (bottom - top).max(0.0);
    let common = area([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
    common / (area(a) + area(b) - common)
}
