//! The ink of one imprint, unmixed from its paper and from black print over or under it.
//!
//! Light that passes several inks loses the same share in each, so their optical densities add: with the paper
//! taken off, red ink is what green and blue lost beyond red, and black print is what all channels lost. Integers
//! only, from a table of logarithms that is computed by integer arithmetic: the same bytes on every machine.

use super::find::Imprint;
use super::image::Image;
use super::ink::Ink;

/// An optical density of 1.0 (a tenth of the light comes back) in the tables.
pub(super) const UNIT: i32 = 1024;

/// Added to every value before the logarithm: stray light, which keeps the noise of black pixels small.
const STRAY: u32 = 12;

/// Black print of this density hides whether there is ink under it.
const HIDES: i32 = UNIT * 3 / 10;

/// -1024 log10((v + STRAY) / (255 + STRAY)), rounded.
pub(super) static DENSITY: [i16; 256] = {
    let mut table = [0; 256];
    let top = log2(255 + STRAY);
    let mut v = 0;
    while v < 256 {
        // log10(2) = 0.301029995664, times 2^32.
        let difference = (top - log2(v + STRAY)) as i128 * 1_292_913_986 * UNIT as i128;
        table[v as usize] = ((difference + (1 << 63)) >> 64) as i16;
        v += 1;
    }
    table
};

/// log2(v) times 2^32, by repeated squaring.
const fn log2(v: u32) -> i64 {
    let whole = v.ilog2();
    let mut x = (v as u128) << (62 - whole);
    let mut log = (whole as i64) << 32;
    let mut bit = 31;
    while bit >= 0 {
        x = (x * x) >> 62;
        if x >> 63 == 1 {
            x >>= 1;
            log += 1 << bit;
        }
        bit -= 1;
    }
    log
}

/// Optical densities against one paper.
pub(super) struct Unmixer<'a> {
    image: &'a Image,
    ink: Ink,
    /// The density of every value of every channel above the paper's.
    above: [[i16; 256]; 3],
    pub(super) paper: [u8; 3],
    /// On grey pictures: darker is print.
    pub(super) print: i32,
    /// How much of the ink's density shows in the channel that it lets pass, of 256.
    share: i32,
    /// 256 over what is left without that share, of 256.
    whole: i32,
}

impl<'a> Unmixer<'a> {
    /// The paper around an imprint: `area` is left, top, right, bottom in pixels.
    pub(super) fn new(image: &'a Image, ink: Ink, area: [i64; 4]) -> Self {
        Self::measured(image, ink, area, 32).0
    }

    fn measured(image: &'a Image, ink: Ink, area: [i64; 4], grid: i64) -> (Self, Vec<[u8; 3]>) {
        let (width, height) = (i64::from(image.width()), i64::from(image.height()));
        let [left, right] = [area[0], area[2]].map(|x| x.clamp(0, width) as u32);
        let [top, bottom] = [area[1], area[3]].map(|y| y.clamp(0, height) as u32);
        let step = ((right.saturating_sub(left)).max(bottom.saturating_sub(top)) / grid as u32 + 1) as usize;
        let mut samples = Vec::new();
        for y in (top..bottom).step_by(step) {
            samples.extend((left..right).step_by(step).map(|x| image.pixel(x, y)));
        }
        let mut unmixer =
            Unmixer { image, ink, above: [[0; 256]; 3], paper: paper(&samples), print: i32::MAX, share: 0, whole: 256 };
        for (channel, above) in unmixer.above.iter_mut().enumerate() {
            let ground = DENSITY[usize::from(unmixer.paper[channel])];
            for (above, &density) in above.iter_mut().zip(&DENSITY) {
                *above = (density - ground).max(0);
            }
        }
        (unmixer, samples)
    }

    /// The same, with the ink's own share measured on the same pixels.
    fn exact(image: &'a Image, ink: Ink, area: [i64; 4]) -> Self {
        let (mut unmixer, samples) = Self::measured(image, ink, area, 64);
        if matches!(ink, Ink::Red | Ink::Blue) {
            unmixer.share = unmixer.own_share(&samples);
            unmixer.whole = (65_536 + (256 - unmixer.share) / 2) / (256 - unmixer.share);
        }
        unmixer
    }

    /// The ink's density in the channel that it lets pass over that in the others: the lower quartile over pixels
    /// with much ink, where black print is rare.
    fn own_share(&self, samples: &[[u8; 3]]) -> i32 {
        let mut pairs: Vec<(i32, i32)> = samples
            .iter()
            .map(|&pixel| self.passed_and_stopped(pixel))
            .filter(|&(passed, stopped)| stopped - passed >= UNIT / 12)
            .collect();
        if pairs.len() < 16 {
            return 0;
        }
        pairs.sort_unstable_by_key(|&(passed, stopped)| passed - stopped);
        pairs.truncate(pairs.len() / 2);
        let mut shares: Vec<i32> = pairs.iter().map(|&(passed, stopped)| passed * 256 / stopped).collect();
        shares.sort_unstable();
        shares[shares.len() / 4].clamp(0, 128)
    }

    /// The density in the channel that the ink lets pass, and the mean of the other two.
    fn passed_and_stopped(&self, [r, g, b]: [u8; 3]) -> (i32, i32) {
        let [r, g, b] = [(0, r), (1, g), (2, b)].map(|(channel, v)| i32::from(self.above[channel][usize::from(v)]));
        match self.ink {
            Ink::Blue => (b, r.wrapping_add(g) >> 1),
            Ink::Red | Ink::Grey | Ink::Drawn => (r, g.wrapping_add(b) >> 1),
        }
    }

    /// The density of the ink and of black print, of [`UNIT`].
    #[inline]
    pub(super) fn unmixed(&self, pixel: [u8; 3]) -> (i32, i32) {
        match self.ink {
            Ink::Red | Ink::Blue => {
                let (passed, stopped) = self.passed_and_stopped(pixel);
                // Densities are below 2^11 and the factors at most 2^9 and 2^8.
                let ink = stopped.wrapping_sub(passed).max(0).wrapping_mul(self.whole) >> 8;
                (ink, passed.wrapping_sub(ink.wrapping_mul(self.share) >> 8).max(0))
            }
            Ink::Grey | Ink::Drawn => {
                let [r, g, b] = [0, 1, 2].map(|c| i32::from(self.above[c][usize::from(pixel[c])]));
                let dark = r.max(g).max(b);
                if dark >= self.print { (0, dark) } else { (dark, 0) }
            }
        }
    }

    /// Whether a place is beyond the picture.
    fn outside(&self, x: i64, y: i64) -> bool {
        x < 0 || y < 0 || x >= i64::from(self.image.width()) || y >= i64::from(self.image.height())
    }

    /// Whether a place lies beyond a drawing: nothing is drawn there. What lies beyond a scan is not known.
    pub(super) fn beyond_drawing(&self, x: i64, y: i64) -> bool {
        self.image.channels() == 4 && self.outside(x, y)
    }

    /// The ink at a place; `None` outside the picture and where black print hides it.
    pub(super) fn at(&self, x: i64, y: i64) -> Option<i32> {
        if self.outside(x, y) {
            return None;
        }
        let (ink, black) = self.unmixed(self.image.pixel(x as u32, y as u32));
        (black < HIDES || ink >= HIDES).then_some(ink)
    }
}

/// The paper's colour: what a tenth of the samples exceeds, channel by channel. A dark picture has none to measure
/// against.
fn paper(samples: &[[u8; 3]]) -> [u8; 3] {
    let mut histogram = [[0usize; 256]; 3];
    for pixel in samples {
        for (counts, &value) in histogram.iter_mut().zip(pixel) {
            counts[usize::from(value)] += 1;
        }
    }
    histogram.map(|counts| {
        let mut above = 0;
        let value = (0..256).rev().find(|&v| {
            above += counts[v];
            above * 10 >= samples.len()
        });
        value.unwrap_or(255).max(64) as u8
    })
}

/// The ink around one imprint, row by row from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Density {
    /// The page's column of the first column.
    pub left: i64,
    /// The page's row of the first row.
    pub top: i64,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// The optical density of the ink; 128 is 1.0, a tenth of the light; at most 255, 0 outside the picture.
    pub ink: Vec<u8>,
    /// 255 where black print hides whether there is ink, and outside the picture; else 0.
    pub ignore: Vec<u8>,
    /// The paper's colour around the imprint.
    pub paper: [u8; 3],
    /// The density of solid strokes: exceeded by a quarter of the inked pixels; at least 1.
    pub level: u8,
}

impl Density {
    /// Ignores what lies within `reach` pixels of print as well: its blurred edges are as grey as ink.
    pub(super) fn ignore_fringes(&mut self, reach: f64) {
        // Finer than any scanner's the edges are no longer the lens's, and the work would grow with the square.
        const MOST: f64 = 8.0;
        let (width, reach) = (self.width, reach.min(MOST));
        let print = self.ignore.clone();
        for (y, line) in print.chunks_exact(width).enumerate() {
            let mut from = 0;
            for run in line.chunk_by(|a, b| (*a != 0) == (*b != 0)) {
                let to = from + run.len();
                if run[0] != 0 {
                    for down in -(reach as isize)..=reach as isize {
                        let Some(row) = y.checked_add_signed(down).filter(|&row| row < self.height) else { continue };
                        let beside = (reach * reach - (down * down) as f64).sqrt() as usize;
                        let columns = from.saturating_sub(beside)..(to + beside).min(width);
                        self.ignore[row * width..][columns].fill(255);
                    }
                }
                from = to;
            }
        }
    }

    /// The ink at a place of the page; `None` outside and where it cannot be known.
    pub fn at(&self, x: i64, y: i64) -> Option<u8> {
        let (x, y) = (x - self.left, y - self.top);
        if x < 0 || y < 0 || x >= self.width as i64 || y >= self.height as i64 {
            return None;
        }
        let at = y as usize * self.width + x as usize;
        (self.ignore[at] == 0).then(|| self.ink[at])
    }

    /// The ink between four pixels of the plane, times 256; `None` where it is hidden, 0 beyond the plane.
    #[inline]
    pub(super) fn between(&self, x: f64, y: f64) -> Option<u32> {
        if x < 0.0 || y < 0.0 {
            return Some(0);
        }
        let (column, row) = (x as usize, y as usize);
        if column + 1 >= self.width || row + 1 >= self.height {
            return Some(0);
        }
        let at = row * self.width + column;
        if self.ignore[at] != 0 {
            return None;
        }
        let (fx, fy) = (((x - column as f64) * 16.0) as u32, ((y - row as f64) * 16.0) as u32);
        let line = |at: usize| {
            let [a, b] = [self.ink[at], self.ink[at + 1]].map(u32::from);
            a.wrapping_mul(16 - fx).wrapping_add(b.wrapping_mul(fx))
        };
        Some(line(at).wrapping_mul(16 - fy).wrapping_add(line(at + self.width).wrapping_mul(fy)))
    }
}

/// The ink of an imprint, unmixed from its paper and from black print.
///
/// # Inputs
/// The imprint that [`super::find`] found on this picture, or one made by hand. The plane covers its bounds and an
/// eighth of its longer axis around them.
///
/// # Timing
/// In proportion to the area of the plane; nothing beyond it is read.
///
/// # Source
/// Lambert and Beer: densities of inks over each other add. On grey pictures and drawings the density of the
/// darkest channel is the ink, and what is far darker than the imprint's strokes is ignored as print over it.
pub fn density(image: &Image, imprint: &Imprint) -> Density {
    let area = imprint.widened();
    let mut unmixer = Unmixer::exact(image, imprint.ink, area);
    if imprint.ink == Ink::Grey {
        unmixer.print = print(image, &unmixer, imprint);
    }
    let [left, top, right, bottom] = area;
    let (width, height) = ((right - left) as usize, (bottom - top) as usize);
    let mut plane = Density {
        left,
        top,
        width,
        height,
        ink: vec![0; width * height],
        ignore: vec![255; width * height],
        paper: unmixer.paper,
        level: 1,
    };
    let channels = usize::from(image.channels());
    let read = |pixel: [u8; 3]| {
        let (seal, black) = unmixer.unmixed(pixel);
        let hidden = if black >= HIDES && seal < HIDES { 255 } else { 0 };
        ((seal.wrapping_add(4) >> 3).min(255) as u8, hidden)
    };
    let white = read([255; 3]);
    let (from, to) = (left.clamp(0, i64::from(image.width())), right.clamp(0, i64::from(image.width())));
    for y in top.max(0)..bottom.min(i64::from(image.height())) {
        let start = (y - top) as usize * width + (from - left) as usize;
        let line = &image.pixels()[(y as usize * image.width() as usize + from as usize) * channels..];
        let wanted = (to - from).max(0) as usize;
        let cells = plane.ink[start..].iter_mut().zip(&mut plane.ignore[start..]).take(wanted);
        // Most of a drawing is white.
        if unmixer.paper == [255; 3] {
            let drawn = |pixel: [u8; 3]| if pixel == [255; 3] { white } else { read(pixel) };
            every(line, channels, cells, drawn);
        } else {
            every(line, channels, cells, read);
        }
    }
    plane.level = level(&plane.ink);
    plane
}

/// What is read of every pixel of a line.
fn every<'c>(
    line: &[u8],
    channels: usize,
    cells: impl Iterator<Item = (&'c mut u8, &'c mut u8)>,
    read: impl Fn([u8; 3]) -> (u8, u8),
) {
    let act = |pixel: [u8; 3], (ink, ignore): (&mut u8, &mut u8)| (*ink, *ignore) = read(pixel);
    match channels {
        3 => line.as_chunks::<3>().0.iter().zip(cells).for_each(|(&pixel, cell)| act(pixel, cell)),
        _ => line.chunks_exact(channels).zip(cells).for_each(|(pixel, cell)| act(super::image::on_white(pixel), cell)),
    }
}

/// From which density on a pixel of a grey picture is print: far above the border's strokes.
fn print(image: &Image, unmixer: &Unmixer<'_>, imprint: &Imprint) -> i32 {
    let mut strokes = Vec::new();
    for step in 0..256 {
        for share in 94..=101 {
            let (x, y) = imprint.place(share, step * 4);
            if !unmixer.outside(x, y) {
                let (ink, _) = unmixer.unmixed(image.pixel(x as u32, y as u32));
                strokes.extend((ink >= UNIT / 10).then_some(ink));
            }
        }
    }
    // Lines of print cross the border in few places: half of the inked ones are the seal's alone.
    strokes.sort_unstable();
    let level = strokes.get(strokes.len() / 2).copied().unwrap_or(UNIT);
    (level * 8 / 5).max(UNIT / 4)
}

/// The density that a quarter of the inked pixels exceed.
fn level(ink: &[u8]) -> u8 {
    let mut histogram = [0usize; 256];
    let (chunks, rest) = ink.as_chunks::<16>();
    // Most of a plane is paper.
    for &value in chunks.iter().filter(|chunk| **chunk != [0; 16]).flatten().chain(rest) {
        histogram[usize::from(value)] += 1;
    }
    let inked: usize = histogram[13..].iter().sum();
    let mut above = 0;
    let level = (13..256).rev().find(|&v| {
        above += histogram[v];
        above * 4 >= inked.max(1)
    });
    level.unwrap_or(1) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_right_to_the_last_unit() {
        for (v, &density) in DENSITY.iter().enumerate() {
            let exact = -1024.0 * ((v as f64 + 12.0) / 267.0).log10();
            assert!((f64::from(density) - exact).abs() < 0.51, "{v}: {density} for {exact}");
        }
    }
}
