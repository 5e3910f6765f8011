//! A page reduced to planes of ink: red, blue and dark density on a coarse grid, with the paper of each
//! neighbourhood taken off.

use super::density::DENSITY;
use super::image::Image;

/// The longer side of the finest grid is at most this many cells.
const CELLS: usize = 1100;

/// The paper is measured in tiles of so many cells.
const TILE: usize = 32;

/// Optical density on a grid, of [`super::density::UNIT`].
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
                values.push((a[0] + a[1] + b[0] + b[1] + 2) >> 2);
            }
        }
        Plane { width, height, values }
    }
}

/// The planes of a page.
pub(super) struct Page {
    /// Pixels a cell, along each side.
    pub(super) scale: usize,
    pub(super) red: Plane,
    pub(super) blue: Plane,
    pub(super) dark: Plane,
}

impl Page {
    /// Whether there is hardly any colour on the page: its ink is looked for by darkness.
    pub(super) fn is_grey(&self) -> bool {
        let coloured = |plane: &Plane| plane.values.iter().filter(|&&v| v >= 60).count();
        (coloured(&self.red) + coloured(&self.blue)) * 500 <= self.dark.values.len()
    }

    /// Reduce a picture. `None` if it is narrower than a cell.
    pub(super) fn of(image: &Image) -> Option<Page> {
        let longer = image.width().max(image.height()) as usize;
        let scale = longer.div_ceil(CELLS);
        let (width, height) = (image.width() as usize / scale, image.height() as usize / scale);
        if width == 0 || height == 0 {
            return None;
        }
        let shrunk = shrink(image, scale, width, height);
        let papers = Papers::of(&shrunk, width, height);
        let mut red = Vec::with_capacity(width * height);
        let mut blue = Vec::with_capacity(width * height);
        let mut dark = Vec::with_capacity(width * height);
        let mut line = vec![[0i16; 3]; width];
        for y in 0..height {
            papers.row(y, &mut line);
            for (pixel, paper) in shrunk[y * width..][..width].iter().zip(&line) {
                let [r, g, b] = [0, 1, 2].map(|c| (DENSITY[usize::from(pixel[c])] - paper[c]).max(0));
                // Yellow loses blue alone and green loses red and blue: seal ink loses both of the others.
                let both = |a: i16, b: i16| ((a + b) / 2).min(a.min(b) + a.min(b) / 4);
                red.push((both(g, b) - r).max(0));
                blue.push((both(r, g) - b).max(0));
                dark.push(((r + 2 * g + b) / 4).max(0));
            }
        }
        let plane = |values| Plane { width, height, values };
        Some(Page { scale, red: plane(red), blue: plane(blue), dark: plane(dark) })
    }
}

/// The mean colour of every cell on white paper.
fn shrink(image: &Image, scale: usize, width: usize, height: usize) -> Vec<[u8; 3]> {
    let channels = usize::from(image.channels());
    let line = image.width() as usize * channels;
    let used = width * scale * channels;
    let mut cells = Vec::with_capacity(width * height);
    let mut sums = vec![0u16; used];
    let area = (scale * scale) as u32;
    let share = ((1 << 22) + area / 2) / area;
    let mean = |sum: u32| ((u64::from(sum) * u64::from(share) + (1 << 21)) >> 22).min(255) as u8;
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
                let sum = cell.iter().map(|&v| u32::from(v)).sum();
                [mean(sum); 3]
            })),
            _ => cells.extend(sums[..width * scale * 3].chunks_exact(3 * scale).map(|cell| {
                let mut sum = [0u32; 3];
                for pixel in cell.chunks_exact(3) {
                    for c in 0..3 {
                        sum[c] += u32::from(pixel[c]);
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
        *sum += u16::from(value);
    }
}

/// The paper's density in every tile, channel by channel.
struct Papers {
    columns: usize,
    rows: usize,
    densities: Vec<[i16; 3]>,
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
        Papers { columns, rows, densities }
    }

    /// The paper along a row of cells, between the middles of the tiles.
    fn row(&self, y: usize, line: &mut [[i16; 3]]) {
        let (upper, lower, down) = between(y, self.rows);
        let blend = |a: [i16; 3], b: [i16; 3], share: i32| {
            [0, 1, 2].map(|c| {
                ((i32::from(a[c]) * (2 * TILE as i32 - share) + i32::from(b[c]) * share) / (2 * TILE as i32)) as i16
            })
        };
        let mixed: Vec<[i16; 3]> = (0..self.columns)
            .map(|x| blend(self.densities[upper * self.columns + x], self.densities[lower * self.columns + x], down))
            .collect();
        for (x, paper) in line.iter_mut().enumerate() {
            let (left, right, along) = between(x, self.columns);
            *paper = blend(mixed[left], mixed[right], along);
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
