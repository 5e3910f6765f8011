//! Connected ink on a grid: where seals of any shape may be that stand by themselves.

use super::page::Plane;

/// Ink of less than this density does not connect.
const FAINT: i16 = 40;

/// The strength of ink is compared within tiles of so many cells and their neighbours.
const TILE: usize = 8;

/// A box of connected ink, in cells; right and bottom are outside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) right: usize,
    pub(super) bottom: usize,
    pub(super) cells: usize,
}

impl Part {
    /// All the ink of a plane.
    pub(super) fn of_all(plane: &Plane) -> Option<Part> {
        let w = plane.width.max(1);
        let least = (plane.values.iter().copied().max()? / 4).max(FAINT);
        let mut part = Part { left: w, top: plane.height, right: 0, bottom: 0, cells: 0 };
        for (y, line) in plane.values.chunks_exact(w).enumerate() {
            let Some(first) = line.iter().position(|&v| v >= least) else { continue };
            let last = line.iter().rposition(|&v| v >= least).unwrap_or(first);
            part.left = part.left.min(first);
            part.right = part.right.max(last + 1);
            part.top = part.top.min(y);
            part.bottom = y + 1;
            part.cells += 1;
        }
        (part.cells > 0).then_some(part)
    }

    /// The middle in pixels, of cells of so many.
    pub(super) fn middle(&self, cell: f64) -> (f64, f64) {
        ((self.left + self.right) as f64 * cell / 2.0, (self.top + self.bottom) as f64 * cell / 2.0)
    }

    pub(super) fn width(&self) -> usize {
        self.right - self.left
    }

    pub(super) fn height(&self) -> usize {
        self.bottom - self.top
    }
}

/// The connected ink of a plane, whatever its size; a gap of `reach - 1` cells does not part it.
pub(super) fn parts(plane: &Plane, reach: usize) -> Vec<Part> {
    let (w, h) = (plane.width, plane.height);
    let mut inked = strong(plane);
    let mut parts = Vec::new();
    let mut pending = Vec::new();
    for start in 0..w * h {
        if !inked[start] {
            continue;
        }
        let mut part = Part { left: w, top: h, right: 0, bottom: 0, cells: 0 };
        inked[start] = false;
        pending.push(start);
        while let Some(at) = pending.pop() {
            let (x, y) = (at % w, at / w);
            part.left = part.left.min(x);
            part.right = part.right.max(x + 1);
            part.top = part.top.min(y);
            part.bottom = part.bottom.max(y + 1);
            part.cells += 1;
            let (from, to) = (x.saturating_sub(reach), (x + reach + 1).min(w));
            for row in y.saturating_sub(reach)..(y + reach + 1).min(h) {
                for (k, cell) in inked[row * w + from..row * w + to].iter_mut().enumerate() {
                    if *cell {
                        *cell = false;
                        pending.push(row * w + from + k);
                    }
                }
            }
        }
        parts.push(part);
    }
    parts
}

/// The cells with ink: a share of the strongest ink in the neighbourhood.
fn strong(plane: &Plane) -> Vec<bool> {
    let (w, h) = (plane.width, plane.height);
    let (columns, rows) = (w.div_ceil(TILE), h.div_ceil(TILE));
    let mut most = vec![0i16; columns * rows];
    for (y, line) in plane.values.chunks_exact(w.max(1)).enumerate() {
        for (tile, cells) in line.chunks(TILE).enumerate() {
            let highest = cells.iter().copied().max().unwrap_or(0);
            let tile = &mut most[y / TILE * columns + tile];
            *tile = (*tile).max(highest);
        }
    }
    let mut inked = Vec::with_capacity(w * h);
    let mut least = vec![0i16; columns];
    for (y, line) in plane.values.chunks_exact(w.max(1)).enumerate() {
        if y % TILE == 0 {
            let row = y / TILE;
            for (column, least) in least.iter_mut().enumerate() {
                let mut highest = 0;
                for y in row.saturating_sub(1)..(row + 2).min(rows) {
                    for x in column.saturating_sub(1)..(column + 2).min(columns) {
                        highest = highest.max(most[y * columns + x]);
                    }
                }
                *least = (highest / 4).max(FAINT);
            }
        }
        for (cells, &least) in line.chunks(TILE).zip(&least) {
            inked.extend(cells.iter().map(|&v| v >= least));
        }
    }
    inked
}
