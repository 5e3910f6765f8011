//! Extra and missing ink: shares of areas, by part and in all.

use super::elements::{NONE, Part, PartKind};
use super::measure::{Fit, Laid};
use super::registered::{Design, TOLERANCE_MM};

/// Ink of which a share means something, in mm2.
const LEAST_MM2: f32 = 1.5;

/// A character of which less than this share is there has not been seen: blots and faint places leave more of it.
pub(super) const HOLLOW: f32 = 0.35;

/// Shares of ink, by part and in all.
pub(super) struct Shares {
    pub(super) extra: Vec<f32>,
    pub(super) present: Vec<f32>,
    pub(super) extra_all: f32,
    pub(super) extra_text: f32,
    pub(super) present_all: f32,
    pub(super) clear: Vec<f32>,
    pub(super) clear_all: f32,
    pub(super) amount: f32,
    /// By part, and last beside no part: further than this from registered ink, ink is extra; in pixels.
    pub(super) tolerance: Vec<f32>,
}

/// Pixels of one run: registered ink, what of it is hidden and what of it is there; found ink, and what of it is extra.
#[derive(Default)]
struct Counts {
    drawn: u32,
    unclear: u32,
    there: u32,
    ink: u32,
    extra: u32,
}

impl Counts {
    /// Without a branch, and nothing wraps: processors count several at a time.
    #[inline(always)]
    fn add(&mut self, registered: f32, hidden: f32, found: f32, far: bool) {
        let (registered, hidden) = (registered >= 0.5, hidden > 0.25);
        let add = |sum: &mut u32, is: bool| *sum = sum.wrapping_add(is.into());
        add(&mut self.drawn, registered);
        add(&mut self.unclear, registered & hidden);
        add(&mut self.there, registered & !hidden & (found >= 0.4));
        add(&mut self.ink, !hidden & (found >= 0.5));
        add(&mut self.extra, !hidden & (found >= 0.5) & far);
    }
}

/// Extra and present ink, by part and in all; and the amount of ink.
pub(super) fn shares(design: &Design, laid: &Laid, fits: &[Fit], per_mm: f32) -> Shares {
    let side = design.plane.width;
    let n = design.parts.len();
    let (mut ink, mut extra, mut due, mut there) =
        (vec![0.0f32; n + 1], vec![0.0f32; n + 1], vec![0.0f32; n + 1], vec![0.0f32; n + 1]);
    // Registered ink, and how much of it is hidden, or obscured by as much other ink beside it.
    let (mut drawn, mut unclear) = (vec![0.0f32; n + 1], vec![0.0f32; n + 1]);
    unclear.iter_mut().zip(&laid.foreign).for_each(|(unclear, foreign)| *unclear = *foreign);
    // Where a part's ink has spread, so far is the tolerance; beside no part, as the whole.
    let tolerance: Vec<f32> =
        fits.iter().map(|fit| fit.spread).chain([0.0]).map(|spread| (TOLERANCE_MM + spread) * per_mm).collect();
    // Beyond the border other things may stand.
    let outside = -0.4 * per_mm;
    let nothing = vec![0.0; side];
    for (y, labels) in design.labels.chunks_exact(side).enumerate() {
        let mut x = 0;
        for run in labels.chunk_by(|a, b| a == b) {
            let label = run[0];
            let (at, part) = (y * side + x..y * side + x + run.len(), if label == NONE { n } else { label.into() });
            let hidden = laid.hidden.as_ref().map_or(&nothing[..run.len()], |hidden| &hidden.values[at.clone()]);
            let (registered, found) = (&design.plane.values[at.clone()], &laid.ink.values[at.clone()]);
            let near = &design.distance[at];
            let mut all = Counts::default();
            for (((&registered, &hidden), &found), &near) in registered.iter().zip(hidden).zip(found).zip(near) {
                all.add(registered, hidden, found, near > tolerance[part]);
            }
            if label == NONE && all.ink > 0 {
                let cells = found.iter().zip(hidden).zip(near).enumerate();
                (all.ink, all.extra) = (0, 0);
                for (k, ((&found, &hidden), &near)) in cells {
                    if found >= 0.5 && hidden <= 0.25 && design.outline.depth((x + k) as f32, y as f32) > outside {
                        all.ink += 1;
                        all.extra += u32::from(near > tolerance[part]);
                    }
                }
            }
            drawn[part] += all.drawn as f32;
            unclear[part] += all.unclear as f32;
            due[part] += (all.drawn - all.unclear) as f32;
            there[part] += all.there as f32;
            ink[part] += all.ink as f32;
            extra[part] += all.extra as f32;
            x += run.len();
        }
    }
    let share = |a: f32, b: f32| if b > 0.0 { a / b } else { 0.0 };
    let sum = |v: &[f32]| v.iter().sum::<f32>();
    let text = |v: &[f32]| -> f32 {
        let parts = design.parts.iter().zip(v);
        parts.filter(|(part, _)| part.kind == PartKind::Character).map(|(_, v)| v).sum()
    };
    let clear: Vec<f32> = (0..n).map(|k| share((drawn[k] - unclear[k]).max(0.0), drawn[k])).collect();
    let inner = (0..n).filter(|&k| design.parts[k].kind != PartKind::Border);
    let (seen, all) = inner.fold((0.0, 0.0), |(seen, all), k| (seen + clear[k] * drawn[k], all + drawn[k]));
    let of_part = |a: &[f32], b: &[f32]| (0..n).map(|k| share(a[k], b[k])).collect::<Vec<f32>>();
    let beside = (0..n).map(|k| {
        let group = company(design, k, per_mm);
        if group.iter().map(|&k| due[k]).sum::<f32>() < LEAST_MM2 * per_mm * per_mm {
            return 0.0;
        }
        share(group.iter().map(|&k| extra[k]).sum(), group.iter().map(|&k| due[k]).sum())
    });
    Shares {
        extra: beside.collect(),
        present: of_part(&there, &due),
        extra_all: share(sum(&extra), sum(&ink)),
        extra_text: share(text(&extra), text(&ink)),
        present_all: share(sum(&there), sum(&due)),
        clear_all: if all > 0.0 { seen / all } else { 1.0 },
        clear,
        amount: share(sum(&ink), sum(&due)),
        tolerance,
    }
}

/// A part with those whose ink is judged together with it: small ones, such as digits, have too little each.
fn company(design: &Design, part: usize, per_mm: f32) -> Vec<usize> {
    const SMALL_MM2: f32 = 1.5;
    const NEAR_MM: f32 = 4.0;
    let small = |k: usize| (design.parts[k].area as f32) < SMALL_MM2 * per_mm * per_mm;
    let centre = |k: usize| design.parts[k].centre;
    if !small(part) {
        return vec![part];
    }
    let (x, y) = centre(part);
    let near = |&k: &usize| small(k) && (centre(k).0 - x).hypot(centre(k).1 - y) <= NEAR_MM * per_mm;
    (0..design.parts.len()).filter(near).collect()
}

/// How many parts are gone as no loss of ink takes them: those amid parts that are there, and a line of them where
/// nothing fades.
///
/// A stamp loses ink by regions, so a part that is gone lies at the edge of what is gone, or amid it; and where a
/// region ends, parts are half there, and the border with them.
pub(super) fn absent(design: &Design, present: &[f32], per_mm: f32) -> f32 {
    const NEAR_MM: f32 = 9.0;
    const LEAST_AREA_MM2: f32 = 1.5;
    let parts = &design.parts;
    let gone = |k: &usize| {
        let part = &parts[*k];
        part.kind != PartKind::Border && part.area as f32 > LEAST_AREA_MM2 * per_mm * per_mm && present[*k] < 0.2
    };
    let surrounded = |k: &usize| {
        let (mut x, mut y, mut weight, mut there) = (0.0, 0.0, 0.0, 0.0);
        for (j, other) in parts.iter().enumerate().filter(|(j, p)| p.kind != PartKind::Border && present[*j] >= 0.2) {
            let (dx, dy) = (other.centre.0 - parts[*k].centre.0, other.centre.1 - parts[*k].centre.1);
            let distance = dx.hypot(dy).max(1.0);
            if distance < NEAR_MM * per_mm {
                x += dx / distance;
                y += dy / distance;
                weight += 1.0;
                there += present[j];
            }
        }
        weight >= 3.0 && there > 0.7 * weight && x.hypot(y) < 0.6 * weight
    };
    let amid = (0..parts.len()).filter(gone).filter(surrounded).count();
    amid.max(line_gone(design, present, per_mm)) as f32
}

/// How many characters are gone without a trace of fading: the border stands, and every other part is whole.
fn line_gone(design: &Design, present: &[f32], per_mm: f32) -> usize {
    const LEAST: usize = 3;
    const LEAST_AREA_MM2: f32 = 1.5;
    let shares = |border: bool| {
        let parts = design.parts.iter().zip(present).filter(move |(part, _)| (part.kind == PartKind::Border) == border);
        parts.filter(|(part, _)| part.area as f32 > LEAST_AREA_MM2 * per_mm * per_mm).map(|(_, share)| *share)
    };
    let gone = shares(false).filter(|share| *share < 0.2).count();
    let sharp = shares(false).all(|share| !(0.2..0.7).contains(&share)) && shares(true).all(|share| share >= 0.85);
    if sharp && gone >= LEAST && 2 * gone < shares(false).count() { gone } else { 0 }
}

/// A character of a line of which there is no trace, such as the purpose of a seal: the company's other seals differ in
/// just that. What cannot be seen is not said to match.
///
/// # Inputs
/// `seen`: the share of each part's ink that is there, or the share that is clear if that is less.
pub(super) fn lost_line(design: &Design, seen: &[f32], per_mm: f32) -> Option<usize> {
    const LEAST: usize = 3;
    const TRACE: f32 = 0.15;
    let parts = &design.parts;
    let size = |part: &Part| part.half.0.max(part.half.1) * 2.0;
    // Digits of a code are small and thin: of those a whole line fades.
    let mut left: Vec<usize> = (0..parts.len()).filter(|&k| is_character(&parts[k], per_mm)).collect();
    let gap = |a: &Part, b: &Part| {
        let beside = (a.centre.0 - b.centre.0).abs() - a.half.0 - b.half.0;
        let above = (a.centre.1 - b.centre.1).abs() - a.half.1 - b.half.1;
        beside.max(0.0).hypot(above.max(0.0))
    };
    while let Some(first) = left.pop() {
        let mut line = vec![first];
        let mut next = 0;
        while next < line.len() {
            let own = &parts[line[next]];
            let (near, far): (Vec<usize>, Vec<usize>) =
                left.iter().partition(|&&k| gap(own, &parts[k]) < 0.75 * size(own).max(size(&parts[k])));
            line.extend(near);
            left = far;
            next += 1;
        }
        if line.len() >= LEAST && line.iter().all(|&k| seen[k] < TRACE) {
            return Some(first);
        }
    }
    None
}

/// Whether a part is a character with enough ink that its loss means something.
fn is_character(part: &Part, per_mm: f32) -> bool {
    const LEAST_AREA_MM2: f32 = 1.5;
    part.kind == PartKind::Character && part.area as f32 > LEAST_AREA_MM2 * per_mm * per_mm
}

/// The first of at least two characters of which print or another imprint hides much, and of the rest little is there;
/// and the share that is seen. Ink that was excused beside them may be that of other characters.
pub(super) fn obscured(design: &Design, present: &[f32], clear: &[f32], per_mm: f32) -> Option<(usize, f32)> {
    const MUCH: f32 = 0.6;
    const LITTLE: f32 = 0.5;
    let mut found = (0..design.parts.len())
        .filter(|&k| is_character(&design.parts[k], per_mm) && clear[k] < MUCH && present[k] < LITTLE);
    let first = found.next()?;
    found.next().map(|_| (first, present[first] * clear[first]))
}

/// The character that is least there, hardly a third, on an imprint that is whole elsewhere. Another character of fewer
/// strokes leaves no extra ink and no outline: what cannot be seen is not said to match.
///
/// # Inputs
/// `seen`: the share of each part's ink that is there, or the share that is clear if that is less.
pub(super) fn hollow(design: &Design, seen: &[f32], per_mm: f32) -> Option<usize> {
    let parts = design.parts.iter().zip(seen).enumerate();
    let mut shares: Vec<(usize, f32)> =
        parts.filter(|(_, (part, _))| is_character(part, per_mm)).map(|(k, (_, share))| (k, *share)).collect();
    shares.sort_by(|a, b| a.1.total_cmp(&b.1));
    // Of a few large characters one loses half its ink by itself; of many that are whole none does.
    if shares.len() < 6 {
        return None;
    }
    let (next, middle) = (shares[1].1, shares[shares.len() / 2].1);
    shares.first().filter(|(_, share)| *share < HOLLOW && next >= 0.65 && middle >= 0.85).map(|(k, _)| *k)
}
