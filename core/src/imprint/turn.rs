//! How an imprint is turned against another: the cyclic correlation of their spectra.

use super::fingerprint::Fingerprint;
use super::fourier::{self, LENGTH};
use super::polar::{HIGHEST, MODES};

/// A rotation under which two imprints agree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Turn {
    /// Clockwise as seen on the page from the longer axis, of the questioned imprint, in radians.
    pub(super) radians: f64,
    /// The correlation, -1 to 1.
    pub(super) score: f64,
}

/// The best rotations, best first, at least 6 degrees apart.
///
/// # Source
/// The correlation theorem on the polar form: one transform for all 512 rotations.
pub(super) fn turns(registered: &Fingerprint, questioned: &Fingerprint, wanted: usize) -> Vec<Turn> {
    let correlation = correlation(registered.spectrum(), questioned.spectrum());
    let mut found: Vec<Turn> = Vec::with_capacity(wanted);
    let mut free = [true; LENGTH];
    for _ in 0..wanted {
        let best = (0..LENGTH).filter(|&k| free[k]).max_by(|&a, &b| correlation[a].total_cmp(&correlation[b]));
        let Some(best) = best else { break };
        let (before, at, after) =
            (correlation[(best + LENGTH - 1) % LENGTH], correlation[best], correlation[(best + 1) % LENGTH]);
        let bend = before - 2.0 * at + after;
        let between = if bend < -1e-9 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 };
        let radians = (best as f64 + between) / LENGTH as f64 * std::f64::consts::TAU;
        found.push(Turn { radians, score: at });
        for near in 0..19 {
            free[(best + LENGTH + near - 9) % LENGTH] = false;
        }
    }
    found
}

fn correlation(a: &[u8], b: &[u8]) -> [f64; LENGTH] {
    let (mut re, mut im) = ([0.0; LENGTH], [0.0; LENGTH]);
    let value = |byte: u8| i32::from(byte as i8);
    let (mut power_a, mut power_b) = (0, 0);
    let mut cross = [(0, 0); HIGHEST];
    for (x, y) in a.chunks_exact(2 * HIGHEST).zip(b.chunks_exact(2 * HIGHEST)).take(MODES) {
        for ((c, x), y) in cross.iter_mut().zip(x.chunks_exact(2)).zip(y.chunks_exact(2)) {
            let ((p, q), (r, s)) = ((value(x[0]), value(x[1])), (value(y[0]), value(y[1])));
            power_a += p * p + q * q;
            power_b += r * r + s * s;
            // The product of x and conj y, so that the transform is the sum over exp(+i k t).
            c.0 += p * r + q * s;
            c.1 += q * r - p * s;
        }
    }
    for (k, c) in cross.iter().enumerate() {
        (re[k + 1], im[k + 1]) = (f64::from(c.0), f64::from(c.1));
    }
    fourier::transform(&mut re, &mut im);
    let scale = 1.0 / (f64::from(power_a) * f64::from(power_b)).sqrt().max(1.0);
    re.map(|v| v * scale)
}
