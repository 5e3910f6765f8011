//! The screen of a printer: regular dots in the ink, a lattice that stands out of its spectrum as narrow peaks.
//!
//! Stamped ink has grain and pores without a period. It does not see stochastic screens (ink jets), nor a screen finer
//! than two pixels of the scan.

use super::density::Density;
use std::f32::consts::TAU;

/// The side of the windows whose spectra are averaged, in pixels, and the most windows.
const SIDE: usize = 64;
const MOST: usize = 48;

/// Frequencies along one axis of a real window's spectrum.
const HALF: usize = SIDE / 2;

/// A window counts from this share of solid ink on.
const LEAST_SHARE: f32 = 0.2;

/// Windows without which nothing is said.
const LEAST_WINDOWS: usize = 6;

/// How far the peaks of a screen stand out of the spectrum around them, two a quarter turn apart.
const PEAK: f32 = 15.0;

/// Cycles in a window below which it is strokes and pores that repeat.
const LOWEST: i32 = 9;

/// Frequencies nearer to an axis than this are left out: the blocks of JPEG and the rows of a scanner.
const AXIS: i32 = 2;

/// Whether the ink of an imprint is a lattice of dots.
pub(super) fn screened(density: &Density) -> bool {
    let windows = windows(density);
    windows.len() >= LEAST_WINDOWS && lattice(&spectrum(density, &windows)) >= PEAK
}

/// How strongly the ink of an imprint is a lattice: the lower of two peaks a quarter turn apart, of the best such pair.
fn lattice(power: &Spectrum) -> f32 {
    let reach = HALF as i32 - 1;
    let mut best = 0.0f32;
    for y in AXIS..=reach {
        for x in (-reach..=reach).filter(|x| x.abs() >= AXIS && x * x + y * y >= LOWEST * LOWEST) {
            let one = power.peak(x, y);
            if one > best {
                best = best.max(one.min(power.peak(-y, x)));
            }
        }
    }
    best
}

/// The corners of the windows with the most solid ink.
fn windows(density: &Density) -> Vec<(usize, usize)> {
    let least = density.level / 2;
    let mut found = Vec::new();
    for top in (0..density.height.saturating_sub(SIDE)).step_by(SIDE / 2) {
        for left in (0..density.width.saturating_sub(SIDE)).step_by(SIDE / 2) {
            let rows = (top..top + SIDE).map(|y| &density.ink[y * density.width + left..][..SIDE]);
            let inked: usize = rows.map(|row| row.iter().filter(|v| **v >= least).count()).sum();
            if inked as f32 >= LEAST_SHARE * (SIDE * SIDE) as f32 {
                found.push((inked, left, top));
            }
        }
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().take(MOST).map(|(_, left, top)| (left, top)).collect()
}

/// Power by frequency: rows 0 to `HALF` down, columns of the whole circle across.
struct Spectrum(Vec<f32>);

impl Spectrum {
    fn at(&self, x: i32, y: i32) -> f32 {
        // A real picture's spectrum is the same at the opposite frequency.
        let (x, y) = if y < 0 { (-x, -y) } else { (x, y) };
        self.0[y as usize * SIDE + x.rem_euclid(SIDE as i32) as usize]
    }

    /// The power at and beside a frequency, over the middle power around it.
    fn peak(&self, x: i32, y: i32) -> f32 {
        const NEAR: i32 = 5;
        const FAR: i32 = 9;
        let mut around = Vec::with_capacity(256);
        for dy in -FAR..=FAR {
            for dx in -FAR..=FAR {
                let (u, v) = (x + dx, y + dy);
                let ring = (NEAR * NEAR..=FAR * FAR).contains(&(dx * dx + dy * dy));
                let known = u.abs() < HALF as i32 && v.abs() < HALF as i32 && u.abs() >= AXIS && v.abs() >= AXIS;
                if ring && known && u * u + v * v >= LOWEST * LOWEST / 2 {
                    around.push(self.at(u, v));
                }
            }
        }
        if around.len() < 24 {
            return 0.0;
        }
        let middle = around.len() / 2;
        self.at(x, y) / around.select_nth_unstable_by(middle, f32::total_cmp).1.max(1e-12)
    }
}

/// The mean power of the texture in the windows, each counted alike.
fn spectrum(density: &Density, windows: &[(usize, usize)]) -> Spectrum {
    let wave: Vec<(f32, f32)> = (0..SIDE).map(|k| (k as f32 / SIDE as f32 * TAU).sin_cos()).collect();
    let taper: Vec<f32> = (0..SIDE).map(|k| 0.5 - 0.5 * ((k as f32 + 0.5) / SIDE as f32 * TAU).cos()).collect();
    let mut mean = vec![0.0f32; (HALF + 1) * SIDE];
    for &(left, top) in windows {
        let texture = texture(density, left, top);
        // Columns first, for the upper half of the frequencies; then rows.
        let mut columns = vec![(0.0f32, 0.0f32); (HALF + 1) * SIDE];
        for (frequency, line) in columns.chunks_exact_mut(SIDE).enumerate() {
            for y in 0..SIDE {
                let (s, c) = wave[frequency * y % SIDE];
                let (s, c) = (s * taper[y], c * taper[y]);
                for (out, &v) in line.iter_mut().zip(&texture[y * SIDE..(y + 1) * SIDE]) {
                    *out = (out.0 + c * v, out.1 - s * v);
                }
            }
        }
        let mut power = vec![0.0f32; (HALF + 1) * SIDE];
        for (line, out) in columns.chunks_exact(SIDE).zip(power.chunks_exact_mut(SIDE)) {
            let (mut re, mut im) = ([0.0f32; SIDE], [0.0f32; SIDE]);
            for (x, &(a, b)) in line.iter().enumerate() {
                let (a, b) = (a * taper[x], b * taper[x]);
                for (k, (re, im)) in re.iter_mut().zip(&mut im).enumerate() {
                    let (s, c) = wave[k * x % SIDE];
                    *re += a * c + b * s;
                    *im += b * c - a * s;
                }
            }
            out.iter_mut().zip(re.iter().zip(&im)).for_each(|(p, (re, im))| *p = re * re + im * im);
        }
        let total: f32 = power.iter().sum::<f32>().max(1e-9);
        mean.iter_mut().zip(&power).for_each(|(m, p)| *m += p / total);
    }
    Spectrum(mean)
}

/// The texture of a window: the ink of its strokes against the ink of the stroke around each place.
fn texture(density: &Density, left: usize, top: usize) -> [f32; SIDE * SIDE] {
    const REACH: usize = 4;
    let least = f32::from(density.level) * 0.3;
    let mut out = [0.0; SIDE * SIDE];
    let row = |y: usize| &density.ink[(top + y) * density.width + left..][..SIDE];
    let ignored = |x: usize, y: usize| density.ignore[(top + y) * density.width + left + x] != 0;
    // Sums over squares, from sums over rows.
    let mut sums = [0u32; (SIDE + 1) * (SIDE + 1)];
    for y in 0..SIDE {
        let mut line = 0;
        for x in 0..SIDE {
            line += u32::from(row(y)[x]);
            sums[(y + 1) * (SIDE + 1) + x + 1] = sums[y * (SIDE + 1) + x + 1] + line;
        }
    }
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (x0, x1) = (x.saturating_sub(REACH), (x + REACH + 1).min(SIDE));
            let (y0, y1) = (y.saturating_sub(REACH), (y + REACH + 1).min(SIDE));
            let corner = |x: usize, y: usize| sums[y * (SIDE + 1) + x];
            let sum = corner(x1, y1) + corner(x0, y0) - corner(x0, y1) - corner(x1, y0);
            let mean = sum as f32 / ((x1 - x0) * (y1 - y0)) as f32;
            // Only where all the neighbourhood is stroke: its edges have a spectrum of their own.
            let solid = mean >= 2.2 * least;
            if solid && !ignored(x, y) {
                out[y * SIDE + x] = f32::from(row(y)[x]) - mean;
            }
        }
    }
    out
}
