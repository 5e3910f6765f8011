//! A page reduced to planes of ink: red, blue and dark density on a coarse grid, with the paper of each
//! neighbourhood taken off.

use super::density::{DENSITY, UNIT};
use super::image::Image;

/// The longer side of the finest grid is at most this many cells.
const CELLS: usize = 1100;

/// The paper is measured in tiles of so many cells.
const TILE: usize = 32;

/// Optical density on a grid, of [`super::density::UNIT`].
#[derive(Clone)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) values: Vec<i16>,
}

impl Plane {
    /// The grid of twice the cell.
    pub(super) fn halved(&self) -> Plane {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut values = Vec::with_capacity(width * height);
        for y in 0..height {
            let upper = &self.values[2 * y * self.width..][..2 * width];
            let lower = &self.values[(2 * y + 1) * self.width..][..2 * width];
            for (a, b) in upper.chunks_exact(2).zip(lower.chunks_exact(2)) {
                values.push(a[0].wrapping_add(a[1]).wrapping_add(b[0]).wrapping_add(b[1]).wrapping_add(2) >> 2);
            }
        }
        Plane { width, height, values }
    }
}

/// A page on its finest grid.
pub(super) struct Page {
    /// Pixels a cell, along each side.
    pub(super) scale: usize,
    width: usize,
    height: usize,
    cells: Vec<[u8; 3]>,
    papers: Papers,
}

/// Print is darker than this where seal ink, scanned in grey, is not: three quarters of the light are gone.
pub(super) const PRINT: i16 = (UNIT * 6 / 10) as i16;

impl Page {
    /// Reduce a picture. `None` if it is narrower than a cell.
    pub(super) fn of(image: &Image) -> Option<Page> {
        let longer = image.width().max(image.height()) as usize;
        let scale = longer.div_ceil(CELLS);
        let (width, height) = (image.width() as usize / scale, image.height() as usize / scale);
        if width == 0 || height == 0 {
            return None;
        }
        let cells = shrink(image, scale, width, height);
        let papers = Papers::of(&cells, width, height);
        Some(Page { scale, width, height, cells, papers })
    }

    /// The red and the blue ink.
    pub(super) fn coloured(&self) -> [Plane; 2] {
        // Yellow loses blue alone and green loses red and blue: seal ink loses both of the others.
        let both = |a: i16, b: i16| {
            let least = a.min(b);
            (a.wrapping_add(b) >> 1).min(least.wrapping_add(least >> 2))
        };
        let mut red = vec![0; self.cells.len()];
        let mut blue = vec![0; self.cells.len()];
        self.each(|at, [r, g, b]| {
            red[at] = both(g, b).wrapping_sub(r).max(0);
            blue[at] = both(r, g).wrapping_sub(b).max(0);
        });
        [red, blue].map(|values| Plane { width: self.width, height: self.height, values })
    }

    /// Any dark ink.
    pub(super) fn dark(&self) -> Plane {
        let mut values = vec![0; self.cells.len()];
        self.each(|at, [r, g, b]| values[at] = r.wrapping_add(g).wrapping_add(g).wrapping_add(b) >> 2);
        Plane { width: self.width, height: self.height, values }
    }

    /// Dark ink that is no black print: nothing where print is near. The picture is read again, for the darkest
    /// pixel of every cell.
    pub(super) fn between(&self, image: &Image) -> Plane {
        let mut plane = self.dark();
        let mut darkest = vec![255u8; self.cells.len()];
        for y in 0..self.height * self.scale {
            let line = &mut darkest[y / self.scale * self.width..][..self.width];
            for (x, [r, g, b]) in image.row(y as u32).take(self.width * self.scale).enumerate() {
                let cell = &mut line[x / self.scale];
                *cell = (*cell).min(r.max(g).max(b));
            }
        }
        let mut print = vec![false; self.cells.len()];
        let mut line = vec![[0i16; 3]; self.width];
        for y in 0..self.height {
            self.papers.row(y, &mut line);
            for (x, paper) in line.iter().enumerate() {
                let at = y * self.width + x;
                print[at] = DENSITY[usize::from(darkest[at])].wrapping_sub(paper[1]) >= PRINT;
            }
        }
        for y in 0..self.height {
            for x in 0..self.width {
                let at = y * self.width + x;
                let beside = (x > 0 && print[at - 1]) || (x + 1 < self.width && print[at + 1]);
                let above = (y > 0 && print[at - self.width]) || (y + 1 < self.height && print[at + self.width]);
                if print[at] || beside || above {
                    plane.values[at] = 0;
                }
            }
        }
        plane
    }

    /// Every cell's density above its paper's, channel by channel; in 0..=1380.
    fn each(&self, mut act: impl FnMut(usize, [i16; 3])) {
        let mut line = vec![[0i16; 3]; self.width];
        for y in 0..self.height {
            self.papers.row(y, &mut line);
            let start = y * self.width;
            for (x, (cell, paper)) in self.cells[start..][..self.width].iter().zip(&line).enumerate() {
                let above = |value: u8, paper: i16| DENSITY[usize::from(value)].wrapping_sub(paper).max(0);
                act(start + x, [above(cell[0], paper[0]), above(cell[1], paper[1]), above(cell[2], paper[2])]);
            }
        }
    }
}

/// Whether there is hardly any colour on a page: its ink is looked for by darkness.
pub(super) fn colourless(coloured: &[Plane; 2]) -> bool {
    let inked: usize = coloured.iter().map(|plane| plane.values.iter().filter(|&&v| v >= 60).count()).sum();
    inked * 500 <= coloured[0].values.len()
}

/// The mean colour of every cell on white paper.
fn shrink(image: &Image, scale: usize, width: usize, height: usize) -> Vec<[u8; 3]> {
    let channels = usize::from(image.channels());
    let line = image.width() as usize * channels;
    let used = width * scale * channels;
    let mut cells = Vec::with_capacity(width * height);
    let mut sums = vec![0u16; used];
    // Sums are below 2^17 and the share of one is at most 2^14: the products stay below 2^31.
    let area = (scale * scale) as u32;
    let share = ((1 << 14) + area / 2) / area;
    let mean = |sum: u32| (sum.wrapping_mul(share).wrapping_add(1 << 13) >> 14).min(255) as u8;
    let mut white = vec![0u8; if channels == 4 { used / 4 * 3 } else { 0 }];
    for y in 0..height {
        sums.fill(0);
        for row in 0..scale {
            let pixels = &image.pixels()[(y * scale + row) * line..][..used];
            if channels == 4 {
                for (to, from) in white.chunks_exact_mut(3).zip(pixels.chunks_exact(4)) {
                    to.copy_from_slice(&super::image::on_white(from));
                }
                add(&mut sums, &white);
            } else {
                add(&mut sums, pixels);
            }
        }
        match channels {
            1 => cells.extend(sums.chunks_exact(scale).map(|cell| {
                let sum = cell.iter().fold(0u32, |sum, &v| sum.wrapping_add(u32::from(v)));
                [mean(sum); 3]
            })),
            _ => cells.extend(sums[..width * scale * 3].chunks_exact(3 * scale).map(|cell| {
                let mut sum = [0u32; 3];
                for pixel in cell.chunks_exact(3) {
                    for c in 0..3 {
                        sum[c] = sum[c].wrapping_add(u32::from(pixel[c]));
                    }
                }
                sum.map(mean)
            })),
        }
    }
    cells
}

fn add(sums: &mut [u16], pixels: &[u8]) {
    for (sum, &value) in sums.iter_mut().zip(pixels) {
        // At most 19 rows of 255.
        *sum = sum.wrapping_add(u16::from(value));
    }
}

/// The paper's density in every tile, channel by channel.
struct Papers {
    columns: usize,
    rows: usize,
    densities: Vec<[i16; 3]>,
    /// For every column of cells the tiles beside it.
    along: Vec<(usize, usize, i32)>,
}

impl Papers {
    fn of(cells: &[[u8; 3]], width: usize, height: usize) -> Papers {
        let (columns, rows) = (width.div_ceil(TILE), height.div_ceil(TILE));
        let mut colours = Vec::with_capacity(columns * rows);
        for row in 0..rows {
            for column in 0..columns {
                let mut histogram = [[0u16; 256]; 3];
                let mut total = 0;
                for y in (row * TILE..((row + 1) * TILE).min(height)).step_by(2) {
                    for cell in cells[y * width + column * TILE..y * width + ((column + 1) * TILE).min(width)].iter() {
                        for c in 0..3 {
                            histogram[c][usize::from(cell[c])] += 1;
                        }
                        total += 1u32;
                    }
                }
                colours.push(histogram.map(|counts| {
                    let mut above = 0;
                    let value = (0..256).rev().find(|&v| {
                        above += u32::from(counts[v]);
                        above * 6 >= total
                    });
                    value.unwrap_or(255) as u8
                }));
            }
        }
        // A tile that ink fills takes the paper of a neighbour that is a little brighter; one that is far darker
        // than its neighbours is no paper at all, such as the table under a sheet.
        let luma = |[r, g, b]: [u8; 3]| u32::from(r) + 2 * u32::from(g) + u32::from(b);
        let mut densities = Vec::with_capacity(colours.len());
        for row in 0..rows {
            for column in 0..columns {
                let own = colours[row * columns + column];
                let mut best = own;
                for y in row.saturating_sub(1)..(row + 2).min(rows) {
                    for x in column.saturating_sub(1)..(column + 2).min(columns) {
                        let other = colours[y * columns + x];
                        if luma(other) > luma(best) && luma(other) * 2 <= luma(own) * 3 {
                            best = other;
                        }
                    }
                }
                densities.push(best.map(|v| DENSITY[usize::from(v.max(32))]));
            }
        }
        let along = (0..width).map(|x| between(x, columns)).collect();
        Papers { columns, rows, densities, along }
    }

    /// The paper along a row of cells, between the middles of the tiles.
    fn row(&self, y: usize, line: &mut [[i16; 3]]) {
        let (upper, lower, down) = between(y, self.rows);
        // Densities in 0..=1380, shares in 0..=64: the products stay below 2^17.
        let blend = |a: [i16; 3], b: [i16; 3], share: i32| {
            let one = |a: i16, b: i16| {
                let (a, b) = (i32::from(a), i32::from(b));
                (a.wrapping_mul(2 * TILE as i32 - share).wrapping_add(b.wrapping_mul(share)) >> (TILE.ilog2() + 1))
                    as i16
            };
            [one(a[0], b[0]), one(a[1], b[1]), one(a[2], b[2])]
        };
        let mixed: Vec<[i16; 3]> = (0..self.columns)
            .map(|x| blend(self.densities[upper * self.columns + x], self.densities[lower * self.columns + x], down))
            .collect();
        for (paper, &(left, right, share)) in line.iter_mut().zip(&self.along) {
            *paper = blend(mixed[left], mixed[right], share);
        }
    }
}

/// The tiles before and after a cell, and how far it is between their middles, in halves of a cell.
fn between(cell: usize, tiles: usize) -> (usize, usize, i32) {
    let halves = 2 * cell as i64 + 1 - TILE as i64;
    let tile = halves.div_euclid(2 * TILE as i64);
    let last = tiles as i64 - 1;
    (tile.clamp(0, last) as usize, (tile + 1).clamp(0, last) as usize, halves.rem_euclid(2 * TILE as i64) as i32)
}
