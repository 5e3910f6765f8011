//! The overlay: a picture in which a person sees at once what agrees and what does not.

use super::compare::Comparison;
use super::find::Imprint;
use super::image::{Image, on_white};
use super::plane::Plane;
use super::verdict::{Measure, Verdict};

type Colour = [u8; 3];

const PAPER: Colour = [255, 255, 255];
const SAME: Colour = [128, 128, 128];
/// Ink beside registered ink within the tolerance: what pressure does.
const GAIN: Colour = [205, 205, 205];
const EXTRA: Colour = [225, 20, 30];
const MISSING: Colour = [40, 90, 230];
const HIDDEN: Colour = [255, 243, 196];
const RING: Colour = [245, 140, 0];
const ARROW: Colour = [0, 120, 60];

/// Arrows are drawn so many times longer than the displacement that they show.
pub const ARROW_SCALE: f64 = 8.0;

/// Displacements below this are the play of every imprint and get no arrow, in mm.
const LEAST_ARROW_MM: f32 = 0.06;

/// The most parts that are ringed.
const MOST_RINGS: usize = 4;

/// The overlay of a comparison: rows from the top, red, green, blue.
pub struct Overlay {
    /// Pixels of each side.
    pub side: usize,
    /// `side * side * 3` bytes.
    pub pixels: Vec<u8>,
}

impl Overlay {
    /// The overlay as a PNG file.
    pub fn to_png(&self) -> Vec<u8> {
        super::png::rgb(self.side, self.side, &self.pixels)
    }

    fn set(&mut self, x: i64, y: i64, colour: Colour) {
        if (0..self.side as i64).contains(&x) && (0..self.side as i64).contains(&y) {
            let at = (y as usize * self.side + x as usize) * 3;
            self.pixels[at..at + 3].copy_from_slice(&colour);
        }
    }

    /// A round dot.
    fn dot(&mut self, x: f32, y: f32, radius: f32, colour: Colour) {
        let reach = radius.ceil() as i64;
        for dy in -reach..=reach {
            for dx in -reach..=reach {
                if ((dx * dx + dy * dy) as f32) <= radius * radius {
                    self.set(x.round() as i64 + dx, y.round() as i64 + dy, colour);
                }
            }
        }
    }

    fn line(&mut self, from: (f32, f32), to: (f32, f32), radius: f32, colour: Colour) {
        let steps = (to.0 - from.0).hypot(to.1 - from.1).ceil().max(1.0) as usize;
        for k in 0..=steps {
            let t = k as f32 / steps as f32;
            self.dot(from.0 + (to.0 - from.0) * t, from.1 + (to.1 - from.1) * t, radius, colour);
        }
    }

    fn arrow(&mut self, from: (f32, f32), to: (f32, f32), colour: Colour) {
        self.line(from, to, 1.5, colour);
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy).max(1.0);
        let (ux, uy) = (dx / length, dy / length);
        let head = (length * 0.5).min(12.0);
        for side in [-1.0, 1.0] {
            let back = (to.0 - head * (ux + 0.6 * side * uy), to.1 - head * (uy - 0.6 * side * ux));
            self.line(to, back, 1.5, colour);
        }
    }

    fn ellipse(&mut self, centre: (f32, f32), half: (f32, f32), colour: Colour) {
        let steps = 720;
        for k in 0..steps {
            let (s, c) = (k as f32 / steps as f32 * std::f32::consts::TAU).sin_cos();
            self.dot(centre.0 + half.0 * c, centre.1 + half.1 * s, 2.5, colour);
        }
    }
}

/// An imprint with what stands an eighth of its size around it, as a PNG file: what a report shows of a page.
pub fn cutout(image: &Image, imprint: &Imprint) -> Vec<u8> {
    let [x0, y0, x1, y1] = imprint.bounds();
    let margin = (x1 - x0).max(y1 - y0) / 8;
    let clamped = |from: i64, to: i64, most: u32| {
        let (from, to) = ((from - margin).clamp(0, i64::from(most) - 1), (to + margin).clamp(1, i64::from(most)));
        (from as u32, to.max(from + 1) as u32)
    };
    let (left, right) = clamped(x0, x1, image.width());
    let (top, bottom) = clamped(y0, y1, image.height());
    let channels = usize::from(image.channels());
    let mut pixels = Vec::with_capacity(((right - left) * (bottom - top)) as usize * 3);
    for y in top..bottom {
        let start = (y as usize * image.width() as usize + left as usize) * channels;
        let row = &image.pixels()[start..start + (right - left) as usize * channels];
        pixels.extend(row.chunks_exact(channels).flat_map(on_white));
    }
    super::png::rgb((right - left) as usize, (bottom - top) as usize, &pixels)
}

impl Comparison {
    /// The overlay: grey the same, light grey within the tolerance, red extra, blue missing, yellow hidden by print or
    /// another imprint; the worst parts ringed in orange, green arrows for local displacements, eight times as long.
    ///
    /// The picture is in the frame of the registered seal, at least 720 pixels on a side.
    pub fn overlay(&self) -> Overlay {
        let frame = self.design.plane.width;
        let zoom = 720usize.div_ceil(frame).max(2);
        let side = frame * zoom;
        let mut picture = Overlay { side, pixels: vec![255; side * side * 3] };
        self.paint(&mut picture, zoom);
        if self.verdict != Verdict::Insufficient {
            self.mark(&mut picture, zoom as f32);
        }
        picture
    }

    /// Whether a place is so near to registered ink that ink there is no evidence.
    fn is_within(&self, at: usize) -> bool {
        let label = usize::from(self.design.labels[at]);
        let tolerance = self.tolerance.get(label).or(self.tolerance.last()).copied().unwrap_or(0.0);
        self.design.distance[at] <= tolerance
    }

    fn paint(&self, picture: &mut Overlay, zoom: usize) {
        let (frame, outline) = (self.design.plane.width, &self.design.outline);
        let step = 1.0 / zoom as f32;
        let value = |plane: &Plane, x: f32, y: f32| plane.at(x.max(0.0), y.max(0.0));
        for y in 0..picture.side {
            for x in 0..picture.side {
                let (fx, fy) = ((x as f32 + 0.5) * step - 0.5, (y as f32 + 0.5) * step - 0.5);
                let at = (y / zoom) * frame + x / zoom;
                let registered = value(&self.design.plane, fx, fy) >= 0.5;
                let inked = value(&self.laid.ink, fx, fy) >= 0.5;
                // Around the seal print hides nothing that matters.
                let hidden = outline.depth(fx, fy) > 0.0
                    && self.laid.hidden.as_ref().is_some_and(|plane| value(plane, fx, fy) > 0.25);
                let colour = match (registered, inked) {
                    _ if hidden => HIDDEN,
                    (true, true) => SAME,
                    (true, false) => MISSING,
                    (false, true) if self.is_within(at) => GAIN,
                    (false, true) => EXTRA,
                    (false, false) => PAPER,
                };
                picture.set(x as i64, y as i64, colour);
            }
        }
    }

    fn mark(&self, picture: &mut Overlay, zoom: f32) {
        let place = |(x, y): (f32, f32)| ((x + 0.5) * zoom, (y + 0.5) * zoom);
        let per_mm = self.per_mm as f32 * zoom;
        for block in self.blocks.iter().filter(|block| block.displacement() >= LEAST_ARROW_MM) {
            let from = place(block.centre);
            let scale = ARROW_SCALE as f32 * per_mm;
            picture.arrow(from, (from.0 + block.shift.0 * scale, from.1 + block.shift.1 * scale), ARROW);
        }
        let mut ringed = Vec::new();
        for evidence in
            self.evidence.iter().filter(|e| e.ratio >= 1.0 && !matches!(e.measure, Measure::Coverage | Measure::Clear))
        {
            if let Some(part) = evidence.part
                && !ringed.contains(&part)
                && ringed.len() < MOST_RINGS
            {
                ringed.push(part);
            }
        }
        for part in ringed {
            let part = &self.design.parts[part];
            let margin = 1.25 * zoom;
            let half = (part.half.0 * margin + 8.0, part.half.1 * margin + 8.0);
            picture.ellipse(place(part.centre), half, RING);
        }
    }
}
