//! Two fingerprints side by side: the rotation that fits best, then the likeness of the least alike parts.
//!
//! The whole map of two seals of one maker is alike: ring, star and half of the name agree. So the verdict rests
//! on the windows, each about a character large, that agree least.

use super::find::Shape;
use super::fingerprint::Fingerprint;
use super::normalise::{COLUMNS, RINGS};

/// From this similarity on, two imprints show the same design.
pub const SAME_AT_LEAST: f64 = 0.66;

/// Below this similarity the designs differ; between the two bounds the verdict is [`Verdict::Insufficient`].
pub const DIFFERENT_BELOW: f64 = 0.56;

/// What a comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The imprints show the same design. A careful copy of the seal shows it too.
    Same,
    /// The designs differ.
    Different,
    /// Too little of the questioned imprint is clear enough to tell.
    Insufficient,
}

/// The outcome of [`compare`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The verdict at the thresholds [`SAME_AT_LEAST`] and [`DIFFERENT_BELOW`].
    pub verdict: Verdict,
    /// The likeness of the least alike parts, 0 (none) to 1 (identical).
    pub similarity: f64,
    /// By how many degrees the questioned imprint is turned against the registered one, counter-clockwise as
    /// seen on the page, 0 to 360, in steps of 0.7.
    pub angle: f64,
    /// How many windows were compared.
    pub windows: u32,
    /// How many windows with ink in the registered imprint are empty in the questioned one.
    pub missing: u32,
}

/// A band of rings with the width of its windows in columns: about a character, at its distance from the middle.
struct Band {
    from: usize,
    to: usize,
    width: usize,
}

const BANDS: [Band; 3] = [
    Band { from: 0, to: RINGS / 3, width: 104 },
    Band { from: RINGS / 3, to: RINGS * 2 / 3, width: 46 },
    Band { from: RINGS * 2 / 3, to: RINGS, width: 29 },
];

/// A window counts if this share of it (of 256) is inked in one of the imprints.
const MIN_INK: i64 = 20;

/// The least alike windows whose mean is the similarity.
const LEAST_ALIKE: usize = 6;

/// With fewer windows than this there is too little to compare.
const MIN_WINDOWS: usize = 16;

/// Compare a questioned imprint with a registered one.
///
/// The order matters: ink that the questioned imprint lacks is weak evidence (stamps miss ink), ink that the
/// registered one lacks is strong evidence. A registered fingerprint is best made from the drawing.
///
/// # Source
/// Own method: cyclic correlation of the polar maps for the rotation; then, for windows of a character's size
/// that may shift by one cell, the normalised correlation. The thresholds and the error rates measured on
/// synthetic scans are in the chapter of the module.
///
/// # Examples
/// ```
/// use sealcore::imprint::{Fingerprint, Image, Verdict, compare};
/// # let mut pixels = vec![255; 200 * 200 * 3];
/// # for y in -100..100 { for x in -100..100i32 {
/// #     let d = ((x * x + y * y) as f64).sqrt();
/// #     let bar = (20.0..80.0).contains(&d) && (x * 7 + y * 3).rem_euclid(40) < 17 + (y / 8) % 7;
/// #     if bar || (90.0..96.0).contains(&d) {
/// #         let at = ((y + 100) * 200 + x + 100) as usize * 3;
/// #         pixels[at..at + 3].copy_from_slice(&[220, 20, 30]);
/// #     }
/// # } }
/// # let picture = Image::from_pixels(200, 200, 3, None, pixels)?;
/// let fingerprint = Fingerprint::of(&picture)?;
/// let comparison = compare(&fingerprint, &fingerprint);
/// assert_eq!(comparison.verdict, Verdict::Same);
/// assert_eq!((comparison.similarity, comparison.angle), (1.0, 0.0));
/// # Ok::<(), sealcore::Error>(())
/// ```
pub fn compare(registered: &Fingerprint, questioned: &Fingerprint) -> Comparison {
    let (x, y) = (registered.cells(), questioned.cells());
    let shift = best_shift(&x, &y);
    let windows = windows(&x, &y, shift);
    let similarity = least_alike(windows.iter().map(|w| w.likeness));
    // Where the stamp left nothing there is nothing to differ, nor at the edge of that.
    let printed = least_alike(windows.iter().filter(|w| !w.missing && !w.beside).map(|w| w.likeness));
    let missing = windows.iter().filter(|w| w.missing).count();
    let verdict = if !same_form(registered, questioned) {
        Verdict::Different
    } else if windows.len() - missing < MIN_WINDOWS {
        Verdict::Insufficient
    } else if printed < DIFFERENT_BELOW {
        Verdict::Different
    } else if similarity < SAME_AT_LEAST {
        Verdict::Insufficient
    } else {
        Verdict::Same
    };
    Comparison {
        verdict,
        similarity,
        angle: ((COLUMNS - shift) % COLUMNS) as f64 * 360.0 / COLUMNS as f64,
        windows: windows.len() as u32,
        missing: missing as u32,
    }
}

/// The mean of the few lowest values, within 0 to 1.
fn least_alike(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.truncate(LEAST_ALIKE);
    (values.iter().sum::<f64>() / values.len().max(1) as f64).clamp(0.0, 1.0)
}

/// Whether the borders are of one form: a scan may stretch by a few hundredths.
fn same_form(a: &Fingerprint, b: &Fingerprint) -> bool {
    let near = a.ratio().abs_diff(b.ratio()) < 65_535 / 12;
    // A scanner's stretch makes an oval of a circle, never a square.
    near && (a.shape() == Shape::Square) == (b.shape() == Shape::Square)
}

/// The shift of the second map's columns that fits best: coarse over all pairs of columns, then exact.
fn best_shift(x: &[u8], y: &[u8]) -> usize {
    let (p, q) = (centred(x, 2), centred(y, 2));
    let half = COLUMNS / 2;
    let coarse = (0..half).max_by_key(|&shift| (correlation(&p, &q, half, shift), half - shift)).unwrap_or(0);
    let (p, q) = (centred(x, 1), centred(y, 1));
    (0..7)
        .map(|step| (2 * coarse + COLUMNS + step - 3) % COLUMNS)
        .max_by_key(|&shift| (correlation(&p, &q, COLUMNS, shift), COLUMNS - shift))
        .unwrap_or(0)
}

/// The map with `merged` columns added up, less each ring's mean. Values within +-1536.
fn centred(map: &[u8], merged: usize) -> Vec<i16> {
    let columns = (COLUMNS / merged) as i16;
    let mut out = Vec::with_capacity(map.len() / merged);
    for ring in map.chunks_exact(COLUMNS) {
        let mean = ring.iter().map(|&c| i16::from(c)).sum::<i16>() * 16 / columns;
        out.extend(ring.chunks_exact(merged).map(|cells| cells.iter().map(|&c| i16::from(c)).sum::<i16>() * 16 - mean));
    }
    out
}

/// The correlation at a shift; outer rings, where a column is longer, count more.
fn correlation(p: &[i16], q: &[i16], columns: usize, shift: usize) -> i64 {
    let product = |a: &[i16], b: &[i16]| a.iter().zip(b).map(|(&m, &n)| i32::from(m) * i32::from(n)).sum::<i32>();
    let rings = p.chunks_exact(columns).zip(q.chunks_exact(columns)).enumerate();
    rings
        .map(|(ring, (a, b))| {
            let (head, tail) = a.split_at(columns - shift);
            i64::from(product(head, &b[shift..]) + product(tail, &b[..shift])) * (ring as i64 + 6)
        })
        .sum()
}

/// Sums over the cells of a column of a band, or of a window.
#[derive(Clone, Copy, Default)]
struct Sums {
    a: i64,
    b: i64,
    aa: i64,
    bb: i64,
    ab: i64,
}

impl Sums {
    fn add(&mut self, other: &Sums, sign: i64) {
        self.a += sign * other.a;
        self.b += sign * other.b;
        self.aa += sign * other.aa;
        self.bb += sign * other.bb;
        self.ab += sign * other.ab;
    }

    /// The correlation coefficient of `n` pairs of cells; 0 if one side is even.
    fn correlation(&self, n: i64) -> f64 {
        let (va, vb) = (n * self.aa - self.a * self.a, n * self.bb - self.b * self.b);
        if va > 0 && vb > 0 { (n * self.ab - self.a * self.b) as f64 / ((va * vb) as f64).sqrt() } else { 0.0 }
    }
}

/// A window with ink in one of the maps.
struct Window {
    /// The best correlation within a shift of one cell, -1 to 1.
    likeness: f64,
    /// The registered map has ink here and the questioned one next to none.
    missing: bool,
    /// It overlaps a window that is missing.
    beside: bool,
}

/// Windows begin at every quarter of their width: this many neighbours on each side overlap.
const OVERLAPS: usize = 3;

fn windows(x: &[u8], y: &[u8], shift: usize) -> Vec<Window> {
    let mut windows = Vec::new();
    for band in &BANDS {
        let starts: Vec<usize> = (0..COLUMNS).step_by(band.width / 4).collect();
        let mut best = vec![-1.0f64; starts.len()];
        let mut ink = vec![(0, 0); starts.len()];
        for across in [0, -1, 1] {
            for along in [0, COLUMNS - 1, 1] {
                let (columns, rings) = column_sums(x, y, band, across, (shift + along) % COLUMNS);
                let cells = (rings * band.width) as i64;
                let mut window = Sums::default();
                columns[..band.width].iter().for_each(|sums| window.add(sums, 1));
                let mut at = 0;
                for (which, &start) in starts.iter().enumerate() {
                    while at < start {
                        window.add(&columns[at], -1);
                        window.add(&columns[(at + band.width) % COLUMNS], 1);
                        at += 1;
                    }
                    best[which] = best[which].max(window.correlation(cells));
                    if across == 0 && along == 0 {
                        ink[which] = (window.a * 256 / (3 * cells), window.b * 256 / (3 * cells));
                    }
                }
            }
        }
        let missing: Vec<bool> = ink.iter().map(|&(a, b)| a >= MIN_INK && b * 5 < a).collect();
        let count = missing.len();
        windows.extend(best.into_iter().zip(ink).enumerate().filter(|&(_, (_, (a, b)))| a.max(b) >= MIN_INK).map(
            |(which, (likeness, _))| {
                let beside =
                    (1..=OVERLAPS).any(|d| missing[(which + d) % count] || missing[(which + count - d) % count]);
                Window { likeness, missing: missing[which], beside }
            },
        ));
    }
    windows
}

/// For each column of a band: the sums over its rings, the second map shifted; and how many rings overlap.
fn column_sums(x: &[u8], y: &[u8], band: &Band, across: isize, shift: usize) -> (Vec<Sums>, usize) {
    let mut columns = vec![Sums::default(); COLUMNS];
    let mut rings = 0;
    for ring in band.from..band.to {
        let Some(other) = ring.checked_add_signed(across).filter(|&other| other < RINGS) else { continue };
        rings += 1;
        let (a, b) = (&x[ring * COLUMNS..][..COLUMNS], &y[other * COLUMNS..][..COLUMNS]);
        for (sums, (&a, &b)) in columns.iter_mut().zip(a.iter().zip(b[shift..].iter().chain(&b[..shift]))) {
            let (a, b) = (i64::from(a), i64::from(b));
            sums.add(&Sums { a, b, aa: a * a, bb: b * b, ab: a * b }, 1);
        }
    }
    (columns, rings)
}
