//! What differs between a registered design and a questioned imprint laid over it: in millimetres, part by part.

use super::edges::{Beside, Look, beside};
use super::elements::PartKind;
use super::outward::{Stretch, border_fit, stretches};
use super::plane::{Plane, solve};
use super::registered::Design;
use super::shares::{Shares, shares};
use super::stray::stray;

/// How far beside a registered outline the questioned one is looked for, in mm.
const REACH_MM: f32 = 0.5;

/// How far outwards the ink of a border is followed, in mm: a border half as wide again ends 0.75 mm further in.
const BORDER_REACH_MM: f32 = 1.0;

/// More spread of ink than this is another stroke, in mm.
const MOST_SPREAD_MM: f32 = 0.15;

/// The distance of samples along a normal, in mm.
const STEP_MM: f32 = 0.05;

/// The side of the blocks of the local displacement, in mm.
const BLOCK_MM: f32 = 2.4;

/// Edges that a part or a block needs to be judged, and the share of its edges.
pub(super) const LEAST_EDGES: usize = 24;
pub(super) const LEAST_SHARE: f32 = 0.4;

/// The questioned imprint in the registered frame.
pub(super) struct Laid {
    /// Its ink, 1 for solid strokes.
    pub(super) ink: Plane,
    /// The same as it was pressed: uneven.
    pub(super) pressed: Plane,
    /// Where print or another imprint hides it, 1 for hidden.
    pub(super) hidden: Option<Plane>,
    /// Ink of print or of other imprints beside each part, in pixels; last, beside no part. Empty where there is none.
    pub(super) foreign: Vec<f32>,
}

/// How a part of the questioned imprint lies against the registered one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Fit {
    /// In mm, to the right and down.
    pub(super) shift: (f32, f32),
    /// Radians, clockwise.
    pub(super) turn: f32,
    /// Growth, 0 for none.
    pub(super) growth: f32,
    /// How much further the ink reaches at every edge, in mm.
    pub(super) gain: f32,
    /// How much further out the edges lie on the mean, gain and growth together, in mm: growth of a star moves all
    /// its edges alike, as gain does.
    pub(super) outward: f32,
    /// Scatter of the edges about the fit, rms in mm.
    pub(super) scatter: f32,
    /// What the scatter alone makes of the shift, in mm.
    pub(super) noise: f32,
    /// Edges that were seen, of those not hidden.
    pub(super) seen: f32,
    /// Whether enough was seen to judge.
    pub(super) judged: bool,
    /// Whether enough was seen to tell how wide its strokes are.
    pub(super) sized: bool,
    /// How far ink has spread beyond its edges, or the whole's where it is not judged, in mm: what hard pressure does.
    pub(super) spread: f32,
}

/// A block of the local displacement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Block {
    /// Pixels of the frame.
    pub(super) centre: (f32, f32),
    /// In mm.
    pub(super) shift: (f32, f32),
    /// What the scatter of its edges alone makes of the shift, in mm.
    pub(super) noise: f32,
    pub(super) weight: f32,
}

impl Block {
    /// The length of the shift without what is noise, in mm.
    pub(super) fn displacement(&self) -> f32 {
        (self.shift.0.powi(2) + self.shift.1.powi(2) - self.noise.powi(2)).max(0.0).sqrt()
    }
}

/// The variance of a shift that edges with these weighted squares of errors fix; `least`: how well they fix the worse
/// direction. Neighbouring edges err together: four count as one.
fn variance(squares: f64, total: f64, least: f64) -> f64 {
    let scatter = squares / total.max(1e-6);
    4.0 * scatter / total.max(1.0) * (1.0 / (1.0 - least).max(0.1) + 1.0 / least.max(0.05))
}

/// All that was measured.
pub(super) struct Measured {
    pub(super) fits: Vec<Fit>,
    /// The share of each part's neighbourhood's ink that is extra, and of its ink that is there.
    pub(super) extra: Vec<f32>,
    pub(super) present: Vec<f32>,
    /// Outlines beside each part that the registered seal has not, of its own outlines' length.
    pub(super) stray: Vec<f32>,
    pub(super) blocks: Vec<Block>,
    /// Of the border; none where there is none.
    pub(super) border: Vec<Stretch>,
    pub(super) extra_all: f32,
    /// The extra ink of the characters, of theirs.
    pub(super) extra_text: f32,
    pub(super) present_all: f32,
    /// The share of each part's ink, and of that of all characters and stars, that nothing hides.
    pub(super) clear: Vec<f32>,
    pub(super) clear_all: f32,
    /// The questioned ink over the registered ink, areas.
    pub(super) amount: f32,
    /// How far from registered ink each part's ink may reach, in pixels; last, beside no part.
    pub(super) tolerance: Vec<f32>,
    pub(super) gain: f32,
    pub(super) rms: f32,
    pub(super) p90: f32,
}

pub(super) fn measure(design: &Design, laid: &Laid, per_mm: f32) -> Measured {
    let first: Vec<Beside> = design
        .edges
        .iter()
        .map(|edge| {
            let border = design.parts[usize::from(edge.part)].kind == PartKind::Border;
            let look = Look {
                reach: REACH_MM * per_mm,
                follow: if border { BORDER_REACH_MM } else { REACH_MM } * per_mm,
                step: STEP_MM * per_mm,
            };
            beside(&laid.ink, laid.hidden.as_ref(), edge, (0.0, 0.0), look)
        })
        .collect();
    let global = global_fit(design, &first, per_mm);
    // Again from where the whole lies: the strokes beside are then further than the stroke itself.
    let part_of: Vec<Vec<usize>> = {
        let mut lists = vec![Vec::new(); design.parts.len()];
        design.edges.iter().enumerate().for_each(|(k, edge)| lists[usize::from(edge.part)].push(k));
        lists
    };
    let fits: Vec<Fit> = part_of
        .iter()
        .enumerate()
        .map(|(part, list)| {
            let fit = part_fit(design, laid, part, list, &first, &global, per_mm);
            let border = design.parts[part].kind == PartKind::Border;
            if border { border_fit(fit, design, list, &first, &global, per_mm) } else { fit }
        })
        .collect();
    let Shares { extra, present, extra_all, extra_text, present_all, clear, clear_all, amount, tolerance } =
        shares(design, laid, &fits, per_mm);
    let blocks = blocks(design, &first, &global, per_mm);
    let (rms, p90) = spread(&blocks);
    let stray = stray(design, laid, &fits, per_mm);
    let border = match design.parts.first() {
        Some(part) if part.kind == PartKind::Border => stretches(design, &part_of[0], &first, &global, per_mm),
        _ => Vec::new(),
    };
    Measured {
        fits,
        extra,
        present,
        stray,
        blocks,
        border,
        extra_all,
        extra_text,
        present_all,
        clear,
        clear_all,
        amount,
        tolerance,
        gain: global[6] / per_mm,
        rms,
        p90,
    }
}

/// The affine map and the gain that all edges agree on: pixels; shift, then by x, then by y, for x and for y; gain.
pub(super) type Global = [f32; 7];

fn global_fit(design: &Design, seen: &[Beside], per_mm: f32) -> Global {
    let centre = design.outline.centre;
    let half = design.outline.half.0.max(design.outline.half.1);
    let mut p: Global = [0.0; 7];
    let mut bound = 0.3 * per_mm;
    for _ in 0..4 {
        let (mut a, mut b) = ([[0.0f64; 7]; 7], [0.0f64; 7]);
        let mut total = 0.0;
        for (edge, beside) in design.edges.iter().zip(seen) {
            let Beside::Edge(d) = *beside else { continue };
            let (x, y) = ((edge.x - centre) / half, (edge.y - centre) / half);
            let (nx, ny) = edge.normal;
            let row = [nx, nx * x, nx * y, ny, ny * x, ny * y, 1.0];
            let error = d - row.iter().zip(&p).map(|(r, p)| r * p).sum::<f32>();
            let share = error / bound;
            if share.abs() >= 1.0 {
                continue;
            }
            let weight = f64::from((1.0 - share * share).powi(2));
            total += weight;
            for i in 0..7 {
                b[i] += weight * f64::from(row[i] * d);
                for j in 0..=i {
                    a[i][j] += weight * f64::from(row[i] * row[j]);
                }
            }
        }
        for (i, row) in a.iter_mut().enumerate() {
            row[i] += total * 1e-3 + 1e-6;
        }
        let Some(solved) = solve(a, b) else { break };
        p = solved.map(|v| v as f32);
        bound = (bound * 0.75).max(0.12 * per_mm);
    }
    p
}

/// Where the global fit moves a place, without the gain.
pub(super) fn moved(global: &Global, design: &Design, x: f32, y: f32) -> (f32, f32) {
    let half = design.outline.half.0.max(design.outline.half.1);
    let (x, y) = ((x - design.outline.centre) / half, (y - design.outline.centre) / half);
    (global[0] + global[1] * x + global[2] * y, global[3] + global[4] * x + global[5] * y)
}

/// The similarity and gain of one part's edges beyond the global fit.
fn part_fit(
    design: &Design,
    laid: &Laid,
    part: usize,
    list: &[usize],
    first: &[Beside],
    global: &Global,
    per_mm: f32,
) -> Fit {
    let centre = design.parts[part].centre;
    let radius = {
        let squares: f32 =
            list.iter().map(|&k| (design.edges[k].x - centre.0).powi(2) + (design.edges[k].y - centre.1).powi(2)).sum();
        (squares / list.len().max(1) as f32).sqrt().max(1.0)
    };
    // Shift x, shift y, turn and growth times the radius, gain; pixels.
    let mut p = [0.0f32; 5];
    p[4] = global[6];
    let mut fit = Fit::default();
    let mut lean = 0.0;
    for round in 0..3 {
        let mut rows: Vec<([f32; 5], f32)> = Vec::with_capacity(list.len());
        let (mut shown, mut open) = (0usize, 0usize);
        let bound = [0.45, 0.3, 0.22][round] * per_mm;
        for &k in list {
            let edge = &design.edges[k];
            let (rx, ry) = ((edge.x - centre.0) / radius, (edge.y - centre.1) / radius);
            let (nx, ny) = edge.normal;
            let row = [nx, ny, ny * rx - nx * ry, nx * rx + ny * ry, 1.0];
            let shift = moved(global, design, edge.x, edge.y);
            let own = (p[0] - p[2] * ry + p[3] * rx, p[1] + p[2] * rx + p[3] * ry);
            let base = nx * shift.0 + ny * shift.1;
            let found = if round == 0 {
                match first[k] {
                    Beside::Edge(d) => Beside::Edge(d - base),
                    other => other,
                }
            } else {
                let at = (shift.0 + own.0 + nx * p[4], shift.1 + own.1 + ny * p[4]);
                let look = Look { reach: bound, follow: bound, step: STEP_MM * per_mm };
                match beside(&laid.ink, laid.hidden.as_ref(), edge, at, look) {
                    Beside::Edge(d) => Beside::Edge(d + nx * own.0 + ny * own.1 + p[4]),
                    other => other,
                }
            };
            match found {
                Beside::Edge(d) => {
                    let expected: f32 = row.iter().zip(&p).map(|(r, p)| r * p).sum();
                    open += 1;
                    shown += usize::from((d - expected).abs() < bound);
                    rows.push((row, d));
                }
                Beside::Missing | Beside::Flooded => open += 1,
                Beside::Hidden => {}
            }
        }
        fit.seen = shown as f32 / open.max(1) as f32;
        fit.judged = shown >= LEAST_EDGES && fit.seen >= LEAST_SHARE;
        if rows.len() < LEAST_EDGES {
            fit.judged = false;
            break;
        }
        let Some((solved, scatter, noise)) = robust(&rows, &p, bound, global[6], gain_prior(design.parts[part].kind))
        else {
            break;
        };
        p = solved;
        (fit.scatter, fit.noise) = (scatter / per_mm, noise / per_mm);
        lean = rows.iter().map(|(row, _)| row[3]).sum::<f32>() / rows.len() as f32;
    }
    fit.shift = (p[0] / per_mm, p[1] / per_mm);
    (fit.turn, fit.growth, fit.gain) = (p[2] / radius, p[3] / radius, p[4] / per_mm);
    fit.outward = (p[4] + p[3] * lean) / per_mm;
    fit.sized = fit.judged;
    fit.spread = if fit.judged { fit.gain } else { global[6] / per_mm }.clamp(0.0, MOST_SPREAD_MM);
    fit
}

impl Fit {
    /// The length of the shift without what is noise, in mm.
    pub(super) fn displacement(&self) -> f32 {
        (self.shift.0.powi(2) + self.shift.1.powi(2) - self.noise.powi(2)).max(0.0).sqrt()
    }
}

/// How strongly a part's gain is drawn to the whole's; a star's hardly, it is what tells a larger star.
fn gain_prior(kind: PartKind) -> f64 {
    if kind == PartKind::Star { 0.01 } else { 0.1 }
}

/// Weighted least squares with Tukey's weights; shift, turn and growth are drawn to nothing, the gain to the whole's.
fn robust(
    rows: &[([f32; 5], f32)],
    from: &[f32; 5],
    bound: f32,
    gain: f32,
    drawn: f64,
) -> Option<([f32; 5], f32, f32)> {
    let mut p = *from;
    let (mut scatter, mut noise) = (0.0, 0.0);
    for _ in 0..3 {
        let (mut a, mut b) = ([[0.0f64; 5]; 5], [0.0f64; 5]);
        let (mut total, mut squares) = (0.0f64, 0.0f64);
        for (row, d) in rows {
            let error = d - row.iter().zip(&p).map(|(r, p)| r * p).sum::<f32>();
            let share = error / bound;
            if share.abs() >= 1.0 {
                continue;
            }
            let weight = f64::from((1.0 - share * share).powi(2));
            total += weight;
            squares += weight * f64::from(error * error);
            for i in 0..5 {
                b[i] += weight * f64::from(row[i] * d);
                for j in 0..=i {
                    a[i][j] += weight * f64::from(row[i] * row[j]);
                }
            }
        }
        let (half, cross) = ((a[0][0] - a[1][1]) / 2.0, a[1][0]);
        let least = ((a[0][0] + a[1][1]) / 2.0 - half.hypot(cross)) / total.max(1e-6);
        noise = variance(squares, total, least).sqrt() as f32;
        for (i, prior) in [0.01, 0.01, 0.02, 0.02, drawn].into_iter().enumerate() {
            a[i][i] += prior * total + 1e-6;
        }
        b[4] += drawn * total * f64::from(gain);
        p = solve(a, b)?.map(|v| v as f32);
        scatter = (squares / total.max(1e-6)).sqrt() as f32;
    }
    Some((p, scatter, noise))
}

/// The displacement of blocks of the design beyond the global fit.
fn blocks(design: &Design, first: &[Beside], global: &Global, per_mm: f32) -> Vec<Block> {
    let size = BLOCK_MM * per_mm;
    let columns = (design.plane.width as f32 / size).ceil() as usize;
    let mut lists: Vec<Vec<usize>> = vec![Vec::new(); columns * columns];
    for (k, edge) in design.edges.iter().enumerate() {
        lists[(edge.y / size) as usize * columns + (edge.x / size) as usize].push(k);
    }
    let bound = 0.35 * per_mm;
    let mut blocks = Vec::new();
    for list in lists {
        let mut rows: Vec<([f32; 3], f32)> = Vec::new();
        let (mut x, mut y, mut open) = (0.0, 0.0, 0usize);
        for &k in &list {
            let edge = &design.edges[k];
            open += usize::from(first[k] != Beside::Hidden);
            let Beside::Edge(d) = first[k] else { continue };
            let (sx, sy) = moved(global, design, edge.x, edge.y);
            let d = d - edge.normal.0 * sx - edge.normal.1 * sy;
            if (d - global[6]).abs() < bound {
                rows.push(([edge.normal.0, edge.normal.1, 1.0], d));
                x += edge.x;
                y += edge.y;
            }
        }
        let n = rows.len();
        if n < LEAST_EDGES || (n as f32) < LEAST_SHARE * open as f32 {
            continue;
        }
        let mut p = [0.0f32, 0.0, global[6]];
        let (mut least, mut noise) = (0.0, 0.0);
        for _ in 0..3 {
            let (mut a, mut b, mut total) = ([[0.0f64; 3]; 3], [0.0f64; 3], 0.0f64);
            let mut squares = 0.0;
            for (row, d) in &rows {
                let error = d - row.iter().zip(&p).map(|(r, p)| r * p).sum::<f32>();
                let share = error / bound;
                if share.abs() >= 1.0 {
                    continue;
                }
                let weight = f64::from((1.0 - share * share).powi(2));
                total += weight;
                squares += weight * f64::from(error * error);
                for i in 0..3 {
                    b[i] += weight * f64::from(row[i] * d);
                    for j in 0..=i {
                        a[i][j] += weight * f64::from(row[i] * row[j]);
                    }
                }
            }
            // How well the block fixes its worse direction.
            let (half, cross) = ((a[0][0] - a[1][1]) / 2.0, a[1][0]);
            least = ((a[0][0] + a[1][1]) / 2.0 - half.hypot(cross)) / total.max(1e-6);
            noise = variance(squares, total, least) as f32;
            for (i, prior) in [0.02, 0.02, 0.1].into_iter().enumerate() {
                a[i][i] += prior * total + 1e-6;
            }
            b[2] += 0.1 * total * f64::from(global[6]);
            let Some(solved) = solve(a, b) else { break };
            p = solved.map(|v| v as f32);
        }
        let weight = (least * 4.0).min(1.0) as f32;
        if weight > 0.1 {
            let centre = (x / n as f32, y / n as f32);
            let noise = noise.sqrt() / per_mm;
            blocks.push(Block { centre, shift: (p[0] / per_mm, p[1] / per_mm), noise, weight });
        }
    }
    blocks
}

/// The weighted rms and 90th percentile of the blocks' displacements, in mm.
fn spread(blocks: &[Block]) -> (f32, f32) {
    let total: f32 = blocks.iter().map(|b| b.weight).sum();
    if total <= 0.0 {
        return (0.0, 0.0);
    }
    let length = Block::displacement;
    let rms = (blocks.iter().map(|b| b.weight * length(b).powi(2)).sum::<f32>() / total).sqrt();
    let mut sorted: Vec<(f32, f32)> = blocks.iter().map(|b| (length(b), b.weight)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut sum = 0.0;
    let p90 = sorted.iter().find(|(_, w)| {
        sum += w;
        sum >= 0.9 * total
    });
    (rms, p90.map_or(0.0, |b| b.0))
}
