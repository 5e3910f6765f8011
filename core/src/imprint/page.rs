//! A page reduced to planes of ink: red, blue and dark density on a coarse grid, with the paper of each
//! neighbourhood taken off.

use super::density::{DENSITY, UNIT};
use super::image::Image;

/// The longer side of the finest grid is at most this many cells.
const CELLS: usize = 1100;

/// The paper is measured in tiles of so many cells.
const TILE: usize = 32;

/// The way between the middles of two tiles, in halves of a cell.
const WHOLE: i32 = 2 * TILE as i32;

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
        self.each(|[r, g, b]| [both(g, b).wrapping_sub(r).max(0), both(r, g).wrapping_sub(b).max(0)])
    }

    /// Any dark ink.
    pub(super) fn dark(&self) -> Plane {
        let [plane] = self.each(|[r, g, b]| [r.wrapping_add(g).wrapping_add(g).wrapping_add(b) >> 2]);
        plane
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

    /// Planes made of every cell's density above its paper's, channel by channel, which is in 0..=1380. Of paper
    /// alone, all zeros, `act` makes zeros.
    fn each<const N: usize>(&self, act: impl Fn([i16; 3]) -> [i16; N]) -> [Plane; N] {
        let mut planes: [_; N] = std::array::from_fn(|_| vec![0; self.cells.len()]);
        let mut line = vec![[0i16; 3]; self.width];
        for y in 0..self.height {
            self.papers.row(y, &mut line);
            let start = y * self.width;
            let mut rows = planes.each_mut().map(|values| &mut values[start..][..self.width]);
            for (x, (cell, paper)) in self.cells[start..][..self.width].iter().zip(&line).enumerate() {
                // Most of a drawing is white, which is no denser than any paper.
                if cell[0] & cell[1] & cell[2] == 255 {
                    continue;
                }
                let above = |value: u8, paper: i16| DENSITY[usize::from(value)].wrapping_sub(paper).max(0);
                let above = [above(cell[0], paper[0]), above(cell[1], paper[1]), above(cell[2], paper[2])];
                if above != [0; 3] {
                    rows.iter_mut().zip(act(above)).for_each(|(row, value)| row[x] = value);
                }
            }
        }
        planes.map(|values| Plane { width: self.width, height: self.height, values })
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
    if scale == 1 && channels == 3 {
        return image.pixels().as_chunks::<3>().0.to_vec();
    }
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
        // Densities in 0..=1380, shares in 0..=64: the products stay below 2^17. A share of 0 is all of the first.
        let start = |a: [i16; 3], b: [i16; 3], share: i32| -> [i32; 3] {
            std::array::from_fn(|c| {
                let (a, b) = (i32::from(a[c]), i32::from(b[c]));
                a.wrapping_mul(WHOLE).wrapping_add(b.wrapping_sub(a).wrapping_mul(share))
            })
        };
        let value = |sums: [i32; 3]| sums.map(|sum| (sum >> WHOLE.ilog2()) as i16);
        let (upper, lower, down) = between(y, self.rows);
        let tile = |row: usize, x: usize| self.densities[row * self.columns + x];
        let mixed: Vec<[i16; 3]> =
            (0..self.columns).map(|x| value(start(tile(upper, x), tile(lower, x), down))).collect();
        let mut rest = line;
        let mut x = 0;
        while !rest.is_empty() {
            // The cells up to the middle of the next tile.
            let (left, right, share) = between(x, self.columns);
            let count = ((WHOLE - share) as usize).div_ceil(2).min(rest.len());
            let (run, further) = rest.split_at_mut(count);
            let mut sums = start(mixed[left], mixed[right], share);
            let steps: [i32; 3] = std::array::from_fn(|c| 2 * (i32::from(mixed[right][c]) - i32::from(mixed[left][c])));
            for paper in run {
                *paper = value(sums);
                sums = std::array::from_fn(|c| sums[c].wrapping_add(steps[c]));
            }
            (rest, x) = (further, x + count);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paper_changes_evenly_between_the_middles_of_tiles() {
        for width in [1usize, 15, 16, 17, 32, 47, 48, 49, 200] {
            let columns = width.div_ceil(TILE);
            let densities: Vec<[i16; 3]> =
                (0..2 * columns as i16).map(|k| [(k * 389) % 1381, (k * 7 + 5) % 1381, 1380 - k * 41]).collect();
            let papers = Papers { columns, rows: 2, densities };
            let mut line = vec![[0; 3]; width];
            for y in [0, 15, 16, 40, 63] {
                papers.row(y, &mut line);
                let (upper, lower, down) = between(y, 2);
                for (x, paper) in line.iter().enumerate() {
                    let (left, right, share) = between(x, columns);
                    for (c, &paper) in paper.iter().enumerate() {
                        let mixed = |a: i32, b: i32, share: i32| (a * (WHOLE - share) + b * share) >> 6;
                        let at = |row: usize, tile: usize| i32::from(papers.densities[row * columns + tile][c]);
                        let tile = |tile: usize| mixed(at(upper, tile), at(lower, tile), down);
                        assert_eq!(i32::from(paper), mixed(tile(left), tile(right), share), "{x}, {y} of {width}");
                    }
                }
            }
        }
    }
}
