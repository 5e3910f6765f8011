//! Signs that an imprint was not stamped: ink that is perfectly even, dots of a printer, texture that another imprint
//! has too. They do not touch the verdict, which judges the shape: a printed copy has the right one.

use super::measure::Laid;
use super::plane::Plane;
use super::registered::Design;

/// A sign that the imprint was not stamped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alarm {
    /// The ink is perfectly even: drawn by a program, or printed.
    Flat,
    /// The ink consists of regular dots: printed.
    Halftone,
}

/// The texture of stamped ink varies by at least this share of it; rendered drawings stay below a hundredth.
const EVEN: f32 = 0.022;

/// From this second peak of the texture's autocorrelation on there is a pattern: grain has none.
const PERIODIC: f32 = 0.25;

/// From this correlation of textures on, one imprint repeats the other.
pub(super) const REPEATED: f64 = 0.88;

/// Places of solid ink that a texture needs.
const LEAST: usize = 1_500;

/// The fine texture of ink: what a wider blur does not explain.
fn texture(pressed: &Plane, per_mm: f32) -> Plane {
    let smooth = pressed.blurred(0.35 * per_mm);
    let mut fine = pressed.clone();
    fine.values.iter_mut().zip(&smooth.values).for_each(|(v, s)| *v -= s);
    fine
}

/// Places well inside the registered strokes, where the questioned imprint has ink and nothing hides it.
fn inside(design: &Design, laid: &Laid, per_mm: f32) -> Vec<usize> {
    let wide = design.plane.blurred(0.12 * per_mm);
    let seen = |at: usize| laid.hidden.as_ref().is_none_or(|hidden| hidden.values[at] < 0.05);
    (0..wide.values.len()).filter(|&at| wide.values[at] > 0.985 && laid.ink.values[at] > 0.5 && seen(at)).collect()
}

/// The signs on one imprint.
pub(super) fn alarms(design: &Design, laid: &Laid, per_mm: f32) -> Vec<Alarm> {
    let places = inside(design, laid, per_mm);
    if places.len() < LEAST {
        return Vec::new();
    }
    let fine = texture(&laid.pressed, per_mm);
    let mean = places.iter().map(|&at| laid.pressed.values[at]).sum::<f32>() / places.len() as f32;
    let power = places.iter().map(|&at| fine.values[at].powi(2)).sum::<f32>() / places.len() as f32;
    if power.sqrt() < EVEN * mean {
        return vec![Alarm::Flat];
    }
    let side = fine.width;
    let lags = (0.6 * per_mm) as usize;
    let peak = |step: usize| {
        let correlation: Vec<f32> = (0..=lags)
            .map(|lag| {
                let pairs = places.iter().filter(|&&at| at + lag * step < fine.values.len());
                let (mut sum, mut n) = (0.0, 0.0f32);
                for &at in pairs {
                    sum += fine.values[at] * fine.values[at + lag * step];
                    n += 1.0;
                }
                sum / n.max(1.0) / power
            })
            .collect();
        // The highest point behind the first valley.
        let valley = (1..lags).find(|&k| correlation[k + 1] > correlation[k]).unwrap_or(lags);
        correlation[valley..].iter().copied().fold(0.0, f32::max)
    };
    let periodic = [1, side, side + 1, side - 1].into_iter().filter(|&step| peak(step) > PERIODIC).count();
    if periodic >= 2 { vec![Alarm::Halftone] } else { Vec::new() }
}

/// The correlation of two imprints' textures where both have ink.
pub(super) fn repeats(design: &Design, a: &Laid, b: &Laid, per_mm: f32) -> f64 {
    let places: Vec<usize> = inside(design, a, per_mm).into_iter().filter(|&at| b.ink.values[at] > 0.3).collect();
    if places.len() < LEAST {
        return 0.0;
    }
    let (x, y) = (texture(&a.pressed, per_mm), texture(&b.pressed, per_mm));
    let (mut xy, mut xx, mut yy) = (0.0f64, 1e-12, 1e-12);
    for at in places {
        let (p, q) = (f64::from(x.values[at]), f64::from(y.values[at]));
        xy += p * q;
        xx += p * p;
        yy += q * q;
    }
    xy / (xx * yy).sqrt()
}
