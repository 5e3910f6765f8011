//! How the parts lie against each other: what rubber and paper do to neighbours alike, and what only another cut does.

use super::elements::PartKind;
use super::measure::Fit;
use super::registered::Design;

/// Parts with less ink than this have hardly a place of their own, in mm2.
pub(super) const LEAST_MM2: f32 = 1.5;

/// The play of rubber and paper along an axis, rms in mm; so far from a place it is still alike, in mm; and what a part's
/// place is unsure by, besides the scatter of its outlines, in mm. Genuine imprints: 42 to 68 um rms along both axes.
const PLAY_MM: f64 = 0.03;
const ALIKE_MM: f64 = 5.0;
const UNSURE_MM: f64 = 0.02;

/// As many parts as are held against each other: the inverse below takes their third power of time.
const MOST: usize = 60;

/// The play of the parts against each other: all of it, and what the others do not foretell, rms in mm; and the number
/// of parts that it rests on.
///
/// An imprint is elastic as a whole, so neighbouring parts move together; a character cut anew moves alone.
///
/// # Source
/// Prediction of each from all others by their covariance (kriging), left out one by one: Dubrule, Mathematical Geology
/// 15(6) 1983.
pub(super) fn play(design: &Design, fits: &[Fit], per_mm: f32) -> Option<(f32, f32, usize)> {
    const LEAST: usize = 4;
    let parts: Vec<((f32, f32), &Fit)> = design
        .parts
        .iter()
        .zip(fits)
        .filter(|(part, fit)| {
            part.kind != PartKind::Border && fit.judged && part.area as f32 > LEAST_MM2 * per_mm * per_mm
        })
        .map(|(part, fit)| (part.centre, fit))
        .take(MOST)
        .collect();
    let n = parts.len();
    if n < LEAST {
        return None;
    }
    let mut covariance = vec![0.0; n * n];
    for (i, (a, fit)) in parts.iter().enumerate() {
        for (j, (b, _)) in parts.iter().enumerate() {
            let distance = f64::from((a.0 - b.0).hypot(a.1 - b.1) / per_mm) / ALIKE_MM;
            covariance[i * n + j] = PLAY_MM * PLAY_MM * (-distance * distance).exp();
        }
        // The noise is that of both axes.
        covariance[i * n + i] += f64::from(fit.noise).powi(2) / 2.0 + UNSURE_MM * UNSURE_MM;
    }
    let precision = inverse(covariance, n);
    let (mut squares, mut weights, mut all) = (0.0, 0.0, 0.0);
    for (row, (k, (_, fit))) in precision.chunks_exact(n).zip(parts.iter().enumerate()) {
        let (mut x, mut y) = (0.0, 0.0);
        for (weight, (_, other)) in row.iter().zip(&parts) {
            x += weight * f64::from(other.shift.0);
            y += weight * f64::from(other.shift.1);
        }
        // What the others do not foretell is this over the own precision, and as sure as that.
        squares += (x * x + y * y) / row[k];
        weights += row[k];
        all += f64::from(fit.displacement()).powi(2);
    }
    Some(((all / n as f64).sqrt() as f32, (squares / weights).sqrt() as f32, n))
}

/// The inverse of a symmetric positive definite matrix, row by row in one list: Gauss and Jordan.
fn inverse(mut a: Vec<f64>, n: usize) -> Vec<f64> {
    for k in 0..n {
        let pivot = std::mem::replace(&mut a[k * n + k], 1.0);
        let row: Vec<f64> = a[k * n..][..n].iter().map(|v| v / pivot).collect();
        for (i, other) in a.chunks_exact_mut(n).enumerate() {
            if i == k {
                other.copy_from_slice(&row);
            } else {
                let factor = std::mem::replace(&mut other[k], 0.0);
                other.iter_mut().zip(&row).for_each(|(v, r)| *v -= factor * r);
            }
        }
    }
    a
}

/// The scatter of edges about the parts' fits, the mean of all judged parts, in mm; and how many they are.
pub(super) fn scatter(fits: &[Fit]) -> (f32, usize) {
    let judged: Vec<f32> = fits.iter().filter(|fit| fit.judged).map(|fit| fit.scatter).collect();
    (judged.iter().sum::<f32>() / judged.len().max(1) as f32, judged.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inverse_undoes_its_matrix() {
        let a = vec![4.0, 1.0, 0.5, 1.0, 3.0, -1.0, 0.5, -1.0, 2.0];
        let b = inverse(a.clone(), 3);
        for i in 0..3 {
            for j in 0..3 {
                let product: f64 = (0..3).map(|k| a[i * 3 + k] * b[k * 3 + j]).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-12, "{i} {j}: {product}");
            }
        }
    }
}
