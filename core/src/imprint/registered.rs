//! A registered seal: its design in a frame of its own millimetres, from a drawing or from imprints.

use super::align::{Level, levels};
use super::density::{Density, density};
use super::edges::{Edge, edges, thinned};
use super::elements::{NONE, Outline, Part, parts};
use super::find::{Imprint, Shape};
use super::fingerprint::{FINGERPRINT_LENGTH, Fingerprint};
use super::image::Image;
use super::ink::Ink;
use super::plane::{Map, Plane};
use super::scan::Scan;
use super::stray::Directions;
use crate::{Error, Result};
use std::sync::OnceLock;

/// The longest side of a frame in pixels, and the paper around the seal in it.
const LONGEST: f64 = 512.0;
const MARGIN: f64 = 24.0;

/// The finest frame, in pixels a millimetre (508 dpi): small seals need no more.
const FINEST: f64 = 20.0;

/// Registered ink within this distance of a place makes ink there no evidence, in mm.
///
/// Genuine imprints are elastic by 42 to 68 um rms and gain up to about 0.1 mm of stroke.
pub(super) const TOLERANCE_MM: f32 = 0.2;

const MAGIC: [u8; 8] = *b"SEALREG\x01";

/// A seal as the registry knows it: what [`super::compare`] holds an imprint against.
#[derive(Clone)]
pub struct Registered {
    pub(super) fingerprint: Fingerprint,
    pub(super) frame: Frame,
    /// How many imprints it is the mean of; 1 for a drawing.
    pub(super) imprints: u16,
    /// The seal's own elastic spread, rms in mm; 0 if unknown.
    pub(super) spread_mm: f32,
    pub(super) design: OnceLock<std::sync::Arc<Design>>,
}

/// The ink of a seal, upright, in its own millimetres.
#[derive(Clone)]
pub(super) struct Frame {
    pub(super) side: usize,
    /// Pixels a millimetre.
    pub(super) per_mm: f64,
    /// From the middle to the border along the imprint's axes, in pixels: those of the fingerprint.
    pub(super) axes: [(f64, f64); 2],
    pub(super) ink: Vec<u8>,
}

/// What a comparison needs of a design, derived from its frame.
pub(super) struct Design {
    pub(super) plane: Plane,
    pub(super) levels: Vec<Level>,
    pub(super) outline: Outline,
    pub(super) parts: Vec<Part>,
    /// The part of each pixel of ink, and of the paper beside it.
    pub(super) labels: Vec<u8>,
    /// How far each place is from registered ink, in pixels.
    pub(super) distance: Vec<f32>,
    pub(super) edges: Vec<Edge>,
    /// For how many places of the outlines each edge stands.
    pub(super) thinned: f32,
    pub(super) directions: Directions,
    depths: OnceLock<Vec<f32>>,
}

impl Frame {
    /// An empty frame for a seal of this size, and the map from it to the picture.
    pub(super) fn of(imprint: &Imprint, pixels_per_mm: f64) -> (Frame, Map) {
        let (u, v) = (real(imprint.u), real(imprint.v));
        // Upright as on the picture: turned by less than half a right angle.
        let quarter = std::f64::consts::FRAC_PI_2;
        let turn = match imprint.shape {
            Shape::Round => 0.0,
            Shape::Oval | Shape::Square => {
                let angle = u.1.atan2(u.0);
                angle - (angle / quarter).round() * quarter
            }
        };
        let (c, s) = (turn.cos(), turn.sin());
        let upright = |(x, y): (f64, f64)| (c * x + s * y, c * y - s * x);
        let (u, v) = (upright(u), upright(v));
        let half = match imprint.shape {
            Shape::Square => ((u.0.abs() + v.0.abs()), (u.1.abs() + v.1.abs())),
            Shape::Round | Shape::Oval => (u.0.hypot(v.0), u.1.hypot(v.1)),
        };
        let longest = 2.0 * half.0.max(half.1) / pixels_per_mm;
        let per_mm = ((LONGEST - 2.0 * MARGIN) / longest).min(FINEST);
        let side = ((longest * per_mm + 2.0 * MARGIN) / 8.0).ceil() as usize * 8;
        let scale = per_mm / pixels_per_mm;
        let centre = (side as f64 - 1.0) / 2.0;
        let (k, x, y) = (1.0 / scale, imprint.centre.0 as f64 / 16.0, imprint.centre.1 as f64 / 16.0);
        let map =
            Map::affine(c * k, -s * k, x, s * k, c * k, y).after(&Map::affine(1.0, 0.0, -centre, 0.0, 1.0, -centre));
        let axes = [(u.0 * scale, u.1 * scale), (v.0 * scale, v.1 * scale)];
        (Frame { side, per_mm, axes, ink: Vec::new() }, map)
    }

    pub(super) fn outline(&self, shape: Shape) -> Outline {
        let [u, v] = self.axes;
        let half = match shape {
            Shape::Square => ((u.0.abs() + v.0.abs()), (u.1.abs() + v.1.abs())),
            Shape::Round | Shape::Oval => (u.0.hypot(v.0), u.1.hypot(v.1)),
        };
        Outline { shape, centre: self.centre() as f32, half: (half.0 as f32, half.1 as f32) }
    }

    pub(super) fn centre(&self) -> f64 {
        (self.side as f64 - 1.0) / 2.0
    }

    pub(super) fn plane(&self) -> Plane {
        let values = self.ink.iter().map(|&v| f32::from(v) / 255.0).collect();
        Plane { width: self.side, height: self.side, values }
    }

    /// The frame as a picture with one imprint, for its fingerprint.
    fn as_density(&self, shape: Shape) -> (Density, Imprint) {
        let density = self.ink.iter().map(|&v| v / 2).collect();
        let ignore = vec![0; self.ink.len()];
        let sixteenths = |(x, y): (f64, f64)| ((x * 16.0).round() as i64, (y * 16.0).round() as i64);
        let c = (self.centre() * 16.0) as i64;
        let (u, v) = (sixteenths(self.axes[0]), sixteenths(self.axes[1]));
        let (ink, centre, pixels_per_metre) = (Ink::Drawn, (c, c), Some((self.per_mm * 1000.0).round() as u32));
        let imprint = Imprint { shape, ink, centre, u, v, coverage: 0, confidence: 255, pixels_per_metre };
        let side = self.side;
        (
            Density { left: 0, top: 0, width: side, height: side, ink: density, ignore, paper: [255; 3], level: 127 },
            imprint,
        )
    }
}

fn real((x, y): (i64, i64)) -> (f64, f64) {
    (x as f64 / 16.0, y as f64 / 16.0)
}

impl Registered {
    /// Register a seal from its drawing, or from one clear imprint.
    ///
    /// # Inputs
    /// A picture whose resolution is known: the design is kept in millimetres.
    ///
    /// # Errors
    /// `InvalidArgument`: the resolution is unknown, or the seal is smaller than 4 mm or larger than 120 mm.
    pub fn from_picture(image: &Image, imprint: &Imprint) -> Result<Self> {
        let density = density(image, imprint);
        let per_mm = pixels_per_mm(image, imprint)?;
        let (mut frame, map) = Frame::of(imprint, per_mm);
        let scan = Scan::new(&density, per_mm / frame.per_mm);
        let plane = scan.ink.warped(&scan.of_picture().after(&map), frame.side);
        frame.ink = levelled(&plane, 1.0).values.iter().map(|v| (v * 255.0 + 0.5) as u8).collect();
        let fingerprint = Fingerprint::measured(&density, imprint);
        Ok(Registered { fingerprint, frame, imprints: 1, spread_mm: 0.0, design: OnceLock::new() })
    }

    /// The same seal with another ink plane: the mean of several imprints.
    pub(super) fn with_mean(&self, mean: &Plane, imprints: u16, spread_mm: f32) -> Self {
        let mut frame = self.frame.clone();
        frame.ink = mean.values.iter().map(|v| (v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8).collect();
        let (density, imprint) = frame.as_density(self.shape());
        let fingerprint = Fingerprint::measured(&density, &imprint);
        Registered { fingerprint, frame, imprints, spread_mm, design: OnceLock::new() }
    }

    /// The design as a picture: red on white, a PNG file.
    pub fn to_png(&self) -> Vec<u8> {
        let pixel = |&ink: &u8| [255 - ink / 6, 255 - ink, 255 - ink];
        let pixels: Vec<u8> = self.frame.ink.iter().flat_map(pixel).collect();
        super::png::rgb(self.frame.side, self.frame.side, &pixels)
    }

    /// The fingerprint of the design.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// The form of the border.
    pub fn shape(&self) -> Shape {
        self.fingerprint.shape()
    }

    /// Width and height, border to border, in millimetres.
    pub fn size_mm(&self) -> (f64, f64) {
        let half = self.frame.outline(self.shape()).half;
        (2.0 * f64::from(half.0) / self.frame.per_mm, 2.0 * f64::from(half.1) / self.frame.per_mm)
    }

    /// Of how many imprints it is the mean; 1 for a drawing.
    pub fn imprints(&self) -> u16 {
        self.imprints
    }

    /// The seal's own elastic spread between its imprints, rms in millimetres; None if fewer than three are known.
    pub fn spread_mm(&self) -> Option<f64> {
        (self.imprints >= 3).then(|| f64::from(self.spread_mm))
    }

    pub(super) fn design(&self) -> &std::sync::Arc<Design> {
        self.design.get_or_init(|| std::sync::Arc::new(Design::of(&self.frame, self.shape())))
    }

    /// The bytes to store.
    ///
    /// Magic `SEALREG`, version 1; side (u16), pixels a millimetre, the two axes in pixels (five f64), imprints
    /// (u16), spread (f32), all big-endian; the fingerprint; the frame as a grey PNG.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend((self.frame.side as u16).to_be_bytes());
        let [u, v] = self.frame.axes;
        [self.frame.per_mm, u.0, u.1, v.0, v.1].iter().for_each(|f| bytes.extend(f.to_be_bytes()));
        bytes.extend(self.imprints.to_be_bytes());
        bytes.extend(self.spread_mm.to_be_bytes());
        bytes.extend(self.fingerprint.as_bytes());
        bytes.extend(super::png::grey(self.frame.side, self.frame.side, &self.frame.ink));
        bytes
    }

    /// A stored seal.
    ///
    /// # Errors
    /// `InvalidEncoding`: another format or version, a number outside its domain, a damaged frame.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        const HEAD: usize = 8 + 2 + 40 + 2 + 4;
        let refuse = |offset, reason| Error::InvalidEncoding { field: "registered seal", offset, reason };
        if bytes.len() < HEAD + FINGERPRINT_LENGTH || bytes[..8] != MAGIC {
            return Err(refuse(0, "not a registered seal of this version: register the seal again"));
        }
        let number = |k: usize| f64::from_be_bytes(std::array::from_fn(|i| bytes[10 + 8 * k + i]));
        let side = usize::from(u16::from_be_bytes([bytes[8], bytes[9]]));
        let numbers: [f64; 5] = std::array::from_fn(number);
        let [per_mm, ux, uy, vx, vy] = numbers;
        if !(16..=520).contains(&side) || side % 8 != 0 {
            return Err(refuse(8, "the side of the frame is outside 16 to 520 pixels"));
        }
        let bound = side as f64;
        let small = |v: f64| v.is_finite() && v.abs() <= bound;
        let square = (ux * vy - uy * vx).abs();
        let sound = per_mm > 1.0 && per_mm <= FINEST && [ux, uy, vx, vy].into_iter().all(small) && square >= 64.0;
        if !sound {
            return Err(refuse(10, "the scale or the axes are outside their domain"));
        }
        let imprints = u16::from_be_bytes([bytes[50], bytes[51]]);
        let spread_mm = f32::from_be_bytes(std::array::from_fn(|i| bytes[52 + i]));
        if imprints == 0 || !(0.0..10.0).contains(&spread_mm) {
            return Err(refuse(50, "the number of imprints or their spread is outside its domain"));
        }
        let fingerprint = Fingerprint::from_bytes(&bytes[HEAD..HEAD + FINGERPRINT_LENGTH])?;
        let picture = Image::decode(&bytes[HEAD + FINGERPRINT_LENGTH..])
            .map_err(|_| refuse(HEAD + FINGERPRINT_LENGTH, "the frame is damaged"))?;
        if picture.channels() != 1 || picture.width() as usize != side || picture.height() as usize != side {
            return Err(refuse(HEAD + FINGERPRINT_LENGTH, "the frame is not a grey square of the stated side"));
        }
        let frame = Frame { side, per_mm, axes: [(ux, uy), (vx, vy)], ink: picture.pixels().to_vec() };
        Ok(Registered { fingerprint, frame, imprints, spread_mm, design: OnceLock::new() })
    }
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (w, h) = self.size_mm();
        write!(f, "Registered({:?}, {w:.1} x {h:.1} mm, {} imprints)", self.shape(), self.imprints)
    }
}

fn pixels_per_mm(image: &Image, imprint: &Imprint) -> Result<f64> {
    let reason = "the resolution is unknown: give dpi, or a file that states it";
    let per_metre = imprint.pixels_per_metre.or(image.pixels_per_metre());
    let per_mm = f64::from(per_metre.ok_or(Error::InvalidArgument { field: "dpi", reason })?) / 1000.0;
    let length = |(x, y): (i64, i64)| (x as f64).hypot(y as f64) / 8.0 / per_mm;
    let (long, short) = (length(imprint.u).max(length(imprint.v)), length(imprint.u).min(length(imprint.v)));
    if short < 4.0 || long > 120.0 {
        let reason = "at this resolution the seal is smaller than 4 mm or larger than 120 mm: give the right dpi";
        return Err(Error::InvalidArgument { field: "dpi", reason });
    }
    Ok(per_mm)
}

/// Each place against the strong ink around it, 0 to 1: pressure varies over an imprint.
///
/// `floor`: the weakest neighbourhood's ink that still counts as strong, of the plane's strongest.
pub(super) fn levelled(plane: &Plane, floor: f32) -> Plane {
    const ZONES: usize = 12;
    let side = plane.width;
    let zone = side.div_ceil(ZONES);
    let strong = |values: &mut Vec<f32>| -> Option<f32> {
        // The third quartile of what is ink at all.
        let k = values.len() * 3 / 4;
        (!values.is_empty()).then(|| *values.select_nth_unstable_by(k, f32::total_cmp).1)
    };
    // Every other pixel of every other row tells a quartile as well.
    let sampled = |zx: usize, zy: usize, size: usize, least: f32| -> Vec<f32> {
        let rows = plane.values.chunks_exact(side).skip(zy).take(size).step_by(2);
        rows.flat_map(|row| row.iter().skip(zx).take(size).step_by(2).copied().filter(|&v| v > least)).collect()
    };
    let Some(overall) = strong(&mut sampled(0, 0, side, 0.25)) else { return plane.clone() };
    let mut levels = [overall; ZONES * ZONES];
    for (k, level) in levels.iter_mut().enumerate() {
        let mut values = sampled(k % ZONES * zone, k / ZONES * zone, zone, 0.2 * overall);
        if values.len() * 160 > zone * zone
            && let Some(v) = strong(&mut values)
        {
            *level = v.clamp(floor * overall, 1.2 * overall);
        }
    }
    // Between the middles of the zones the level changes evenly.
    let mut out = plane.clone();
    let last = ZONES as f32 - 1.001;
    let place = |k: usize| ((k as f32 + 0.5) / zone as f32 - 0.5).clamp(0.0, last);
    let across: Vec<f32> = (0..side).map(|x| place(x).fract()).collect();
    let zones: Vec<usize> = (0..side).map(|x| place(x) as usize).collect();
    for (y, row) in out.values.chunks_exact_mut(side).enumerate() {
        let (fy, zy) = (place(y).fract(), place(y) as usize);
        let line: [f32; ZONES] = std::array::from_fn(|k| {
            let (upper, lower) = (levels[zy * ZONES + k], levels[(zy + 1) * ZONES + k]);
            upper * (1.0 - fy) + lower * fy
        });
        let mut x = 0;
        for run in zones.chunk_by(|a, b| a == b) {
            let (left, right) = (line[run[0]], line[run[0] + 1]);
            let cells = row[x..][..run.len()].iter_mut().zip(&across[x..]);
            cells.for_each(|(v, fx)| *v = (*v / (left * (1.0 - fx) + right * fx)).min(1.0));
            x += run.len();
        }
    }
    out
}

impl Design {
    fn of(frame: &Frame, shape: Shape) -> Self {
        let plane = frame.plane();
        let smooth = plane.blurred(0.7);
        let mask: Vec<bool> = smooth.values.iter().map(|&v| v >= 0.5).collect();
        let outline = frame.outline(shape);
        let per_mm = frame.per_mm as f32;
        let (parts, ink) = parts(&mask, frame.side, &outline, per_mm);
        let labels = spread(&ink, frame.side, (0.6 * per_mm) as usize);
        let distance = distances(frame.side, mask.iter().map(|&ink| !ink));
        let outlines = edges(&smooth, &ink);
        // All of them: at the corners of strokes few places tell the direction.
        let directions = Directions::of(&outlines, frame.side, per_mm);
        let (edges, thinned) = thinned(&outlines);
        Design {
            levels: levels(&plane),
            plane,
            outline,
            parts,
            labels,
            distance,
            edges,
            thinned,
            directions,
            depths: OnceLock::new(),
        }
    }

    /// How far a place is from registered ink, in pixels.
    pub(super) fn distance_at(&self, x: f32, y: f32) -> f32 {
        let place = |v: f32| (v.round().max(0.0) as usize).min(self.plane.width - 1);
        self.distance[place(y) * self.plane.width + place(x)]
    }

    /// How deep in registered ink each place lies, in pixels; 0 on paper. Only textures ask for it.
    pub(super) fn depths(&self) -> &[f32] {
        self.depths.get_or_init(|| {
            let depths = distances(self.plane.width, self.plane.values.iter().map(|&v| v >= 0.5));
            // From the middle of a pixel to the edge of the stroke.
            depths.into_iter().map(|v| (v - 0.5).max(0.0)).collect()
        })
    }
}

/// How far each marked place is from the nearest one that is not, in pixels, by two passes: right to about 5%.
fn distances(side: usize, marked: impl Iterator<Item = bool>) -> Vec<f32> {
    const ASLANT: f32 = std::f32::consts::SQRT_2;
    let far = 2.0 * side as f32;
    let mut out: Vec<f32> = marked.map(|marked| if marked { far } else { 0.0 }).collect();
    let mut visit = |at: usize, neighbours: [(usize, f32); 4]| {
        let nearest = neighbours.iter().map(|&(other, step)| out[other] + step).fold(far, f32::min);
        out[at] = out[at].min(nearest);
    };
    // The rim of a frame is paper, far from everything.
    for y in 1..side - 1 {
        for x in 1..side - 1 {
            let at = y * side + x;
            visit(at, [(at - 1, 1.0), (at - side, 1.0), (at - side - 1, ASLANT), (at - side + 1, ASLANT)]);
        }
    }
    for y in (1..side - 1).rev() {
        for x in (1..side - 1).rev() {
            let at = y * side + x;
            visit(at, [(at + 1, 1.0), (at + side, 1.0), (at + side + 1, ASLANT), (at + side - 1, ASLANT)]);
        }
    }
    out
}

/// Labels carried over to the paper beside them.
fn spread(labels: &[u8], side: usize, steps: usize) -> Vec<u8> {
    let mut out = labels.to_vec();
    let mut front: Vec<usize> = (0..labels.len()).filter(|&at| labels[at] != NONE).collect();
    for _ in 0..steps {
        let mut next = Vec::new();
        for &at in &front {
            let (x, y) = (at % side, at / side);
            let neighbours = [
                (x > 0, at.wrapping_sub(1)),
                (x + 1 < side, at + 1),
                (y > 0, at.wrapping_sub(side)),
                (y + 1 < side, at + side),
            ];
            for (inside, other) in neighbours {
                if inside && out[other] == NONE {
                    out[other] = out[at];
                    next.push(other);
                }
            }
        }
        front = next;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_change_evenly_from_zone_to_zone() {
        let side = 240;
        let mut plane = Plane::new(side, side);
        let ramp = |x: usize| 0.5 + 0.4 * x as f32 / side as f32;
        plane.values.iter_mut().enumerate().for_each(|(k, v)| *v = ramp(k % side));
        let level = levelled(&plane, 0.1);
        // From the middle of the first zone to that of the last, along the pressure.
        let row = &level.values[100 * side..][10..230];
        assert!(row.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 0.005), "{row:?}");
        assert!(row.iter().all(|v| (0.95..1.0).contains(v)), "{row:?}");
    }
}
