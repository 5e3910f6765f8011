//! The parts of a seal's design: its border, its star, each character. Found by the ink that hangs together.

use super::find::Shape;

/// The border of a seal in its frame: upright, in pixels of the frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outline {
    pub(super) shape: Shape,
    /// The frame's middle is the seal's middle.
    pub(super) centre: f32,
    /// Half of the width and of the height.
    pub(super) half: (f32, f32),
}

impl Outline {
    /// How far inside the outline a pixel lies; negative outside.
    pub(super) fn depth(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x - self.centre, y - self.centre);
        if self.shape == Shape::Square {
            return (self.half.0 - dx.abs()).min(self.half.1 - dy.abs());
        }
        let share = ((dx / self.half.0).powi(2) + (dy / self.half.1).powi(2)).sqrt();
        if share < 1e-3 { self.half.0.min(self.half.1) } else { (1.0 / share - 1.0) * (dx * dx + dy * dy).sqrt() }
    }
}

/// What a part of the design is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartKind {
    /// The ring or frame.
    Border,
    /// What stands in the middle of a round or oval seal.
    Star,
    /// A character, or another piece of the design.
    Character,
}

/// A part of a registered design.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) kind: PartKind,
    /// The middle and half of the size, in pixels of the frame.
    pub(super) centre: (f32, f32),
    pub(super) half: (f32, f32),
    /// Inked pixels.
    pub(super) area: u32,
}

/// No part.
pub(super) const NONE: u8 = 255;

/// The most parts of one design; the smallest join their neighbours.
const MOST: usize = 120;

/// A piece of connected ink, or several joined.
#[derive(Clone, Copy)]
struct Piece {
    box_: [f32; 4],
    area: u32,
}

impl Piece {
    fn joined(&self, other: &Piece) -> Piece {
        let [a, b] = [self.box_, other.box_];
        Piece { box_: [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])], area: self.area + other.area }
    }

    fn extent(&self) -> f32 {
        (self.box_[2] - self.box_[0]).max(self.box_[3] - self.box_[1])
    }

    fn gap(&self, other: &Piece) -> f32 {
        let apart = |low: usize, high: usize| {
            (self.box_[low] - other.box_[high]).max(other.box_[low] - self.box_[high]).max(0.0)
        };
        apart(0, 2).hypot(apart(1, 3))
    }
}

/// The parts of a mask, the border first, and each pixel's part ([`NONE`] on paper).
pub(super) fn parts(mask: &[bool], side: usize, outline: &Outline, per_mm: f32) -> (Vec<Part>, Vec<u8>) {
    let border = border_width(mask, side, outline);
    let (mut roots, pieces) = pieces(mask, side, |x, y| outline.depth(x, y) < border);
    let (joined, pieces) = join(&pieces, per_mm);
    for root in roots.iter_mut().filter(|root| **root != u32::MAX && **root != 0) {
        *root = joined[*root as usize - 1];
    }
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    order.sort_by_key(|&k| std::cmp::Reverse(pieces[k].area));
    order.truncate(MOST);
    let centre = (outline.centre, outline.centre);
    let middle = |b: &[f32; 4]| ((b[0] + b[2]) / 2.0, (b[1] + b[3]) / 2.0);
    let kind = |piece: &Piece| {
        let (x, y) = middle(&piece.box_);
        let reach = outline.half.0.min(outline.half.1);
        let central = (x - centre.0).hypot(y - centre.1) < 0.2 * reach;
        let large = piece.extent() > 0.4 * reach && piece.extent() < 1.3 * reach;
        if outline.shape != Shape::Square && central && large { PartKind::Star } else { PartKind::Character }
    };
    let mut list = Vec::new();
    let mut number = vec![NONE; pieces.len()];
    order.sort_by(|&a, &b| place(&pieces[a], outline).total_cmp(&place(&pieces[b], outline)));
    let border_area = roots.iter().filter(|&&root| root == 0).count() as u32;
    if border_area > 0 {
        list.push(Part { kind: PartKind::Border, centre, half: outline.half, area: border_area });
    }
    for k in order {
        number[k] = list.len() as u8;
        let piece = &pieces[k];
        let b = &piece.box_;
        let half = ((b[2] - b[0]) / 2.0 + 0.5, (b[3] - b[1]) / 2.0 + 0.5);
        list.push(Part { kind: kind(piece), centre: middle(b), half, area: piece.area });
    }
    let labels = roots
        .iter()
        .map(|&root| match root {
            u32::MAX => NONE,
            0 if border_area > 0 => 0,
            0 => NONE,
            piece => number[piece as usize - 1],
        })
        .collect();
    (list, labels)
}

/// The order of reading: around a round seal clockwise from below, on a square one by columns from the right.
fn place(piece: &Piece, outline: &Outline) -> f32 {
    let (x, y) = ((piece.box_[0] + piece.box_[2]) / 2.0, (piece.box_[1] + piece.box_[3]) / 2.0);
    let (dx, dy) = (x - outline.centre, y - outline.centre);
    if outline.shape == Shape::Square {
        let column = ((outline.half.0 - dx) / (outline.half.0 * 2.0) * 3.0).floor();
        return column * 1e4 + y;
    }
    let radius = (dx / outline.half.0).hypot(dy / outline.half.1);
    if radius < 0.55 { 100.0 + y * 0.01 + x * 1e-4 } else { (-dx).atan2(dy).rem_euclid(std::f32::consts::TAU) }
}

/// How deep the border reaches: to where, after a line of ink all around, half of it ends. 0 without a border.
fn border_width(mask: &[bool], side: usize, outline: &Outline) -> f32 {
    let deepest = (outline.half.0.min(outline.half.1) * 0.3) as usize * 2 + 8;
    let mut bins = vec![(0u32, 0u32); deepest];
    for (y, row) in mask.chunks_exact(side).enumerate() {
        for (x, &ink) in row.iter().enumerate() {
            let depth = outline.depth(x as f32, y as f32) * 2.0 + 8.0;
            if depth >= 0.0 && (depth as usize) < deepest {
                let bin = &mut bins[depth as usize];
                bin.0 += 1;
                bin.1 += u32::from(ink);
            }
        }
    }
    let share = |bin: &(u32, u32)| f64::from(bin.1) / f64::from(bin.0.max(1));
    let Some(start) = bins.iter().position(|bin| share(bin) > 0.6) else { return 0.0 };
    let Some(length) = bins[start..].iter().position(|bin| share(bin) < 0.55) else { return 0.0 };
    ((start + length) as f32 - 8.0) / 2.0 + 1.0
}

/// Connected ink: for each pixel 0 (border), its piece + 1, or `u32::MAX` (paper); and the pieces.
fn pieces(mask: &[bool], side: usize, border: impl Fn(f32, f32) -> bool) -> (Vec<u32>, Vec<Piece>) {
    let mut roots = vec![u32::MAX; mask.len()];
    for (at, root) in roots.iter_mut().enumerate() {
        if mask[at] && border((at % side) as f32, (at / side) as f32) {
            *root = 0;
        }
    }
    let mut pieces: Vec<Piece> = Vec::new();
    let mut pending = Vec::new();
    for first in 0..mask.len() {
        if !mask[first] || roots[first] != u32::MAX {
            continue;
        }
        let name = pieces.len() as u32 + 1;
        let mut piece = Piece { box_: [f32::MAX, f32::MAX, 0.0, 0.0], area: 0 };
        roots[first] = name;
        pending.push(first);
        while let Some(at) = pending.pop() {
            let (x, y) = (at % side, at / side);
            let (fx, fy) = (x as f32, y as f32);
            let b = piece.box_;
            piece.box_ = [b[0].min(fx), b[1].min(fy), b[2].max(fx), b[3].max(fy)];
            piece.area += 1;
            for ny in y.saturating_sub(1)..(y + 2).min(side) {
                for nx in x.saturating_sub(1)..(x + 2).min(side) {
                    let next = ny * side + nx;
                    if mask[next] && roots[next] == u32::MAX {
                        roots[next] = name;
                        pending.push(next);
                    }
                }
            }
        }
        pieces.push(piece);
    }
    (roots, pieces)
}

/// Strokes joined to characters: the nearest first, as long as the whole is not larger than a character.
///
/// Returns each old piece's new number + 1, and the new pieces.
fn join(pieces: &[Piece], per_mm: f32) -> (Vec<u32>, Vec<Piece>) {
    let mut owner: Vec<usize> = (0..pieces.len()).collect();
    let mut current: Vec<Option<Piece>> = pieces.iter().copied().map(Some).collect();
    let size = character_size(pieces, per_mm);
    let near = 0.9 * per_mm;
    let dust = (0.25 * per_mm * per_mm) as u32;
    let mut couples: Vec<(f32, usize, usize)> = Vec::new();
    for a in 0..pieces.len() {
        for b in a + 1..pieces.len() {
            let gap = pieces[a].gap(&pieces[b]);
            if gap <= near {
                couples.push((gap, a, b));
            }
        }
    }
    couples.sort_by(|a, b| a.0.total_cmp(&b.0));
    let root = |owner: &[usize], mut k: usize| {
        while owner[k] != k {
            k = owner[k];
        }
        k
    };
    // Twice: what joined first may make room for what was refused.
    for (_, a, b) in couples {
        let (a, b) = (root(&owner, a), root(&owner, b));
        if a == b {
            continue;
        }
        let (Some(p), Some(q)) = (current[a], current[b]) else { continue };
        let whole = p.joined(&q);
        if whole.extent() <= size || p.area.min(q.area) < dust && whole.extent() <= 2.0 * size {
            owner[b] = a;
            current[a] = Some(whole);
            current[b] = None;
        }
    }
    let mut number = vec![0; pieces.len()];
    let mut list = Vec::new();
    for (k, piece) in current.iter().enumerate() {
        if let Some(piece) = piece {
            list.push(*piece);
            number[k] = list.len() as u32;
        }
    }
    ((0..pieces.len()).map(|k| number[root(&owner, k)]).collect(), list)
}

/// The extent of a character: what three quarters of the ink's pieces do not exceed, with room for a slant.
fn character_size(pieces: &[Piece], per_mm: f32) -> f32 {
    let mut sizes: Vec<(f32, u32)> =
        pieces.iter().filter(|p| p.extent() < 9.0 * per_mm).map(|p| (p.extent(), p.area)).collect();
    sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: u32 = sizes.iter().map(|s| s.1).sum();
    let mut sum = 0;
    let typical = sizes.iter().find(|s| {
        sum += s.1;
        sum * 4 >= total * 3
    });
    (typical.map_or(0.0, |s| s.0) * 1.25).clamp(1.8 * per_mm, 7.0 * per_mm)
}
