//! A seal registered from several imprints: their mean, and how far they play about it.

use super::align::align;
use super::density::density;
use super::find::Imprint;
use super::fingerprint::Fingerprint;
use super::image::Image;
use super::measure::{Laid, measure};
use super::plane::Plane;
use super::registered::{Registered, levelled};
use crate::{Error, Result};

/// The most imprints of one registration.
const MOST: usize = 64;

/// More extra ink than this, of the whole or of the characters alone, makes no mean: genuine imprints that are clear
/// enough to register have less than a hundredth.
const MOST_EXTRA: f32 = 0.10;

/// Register a seal from its drawing, or from several imprints: their mean, and their own elastic spread.
///
/// # Inputs
/// One drawing, or imprints of one seal on pictures of known resolution, the clearest first if there is one; from
/// three on the spread is known.
///
/// # Errors
/// `InvalidArgument`: none or more than 64 imprints, an unknown resolution, or an imprint of another seal.
pub fn register(imprints: &[(&Image, &Imprint)]) -> Result<Registered> {
    let field = "imprints";
    let [first, ..] = imprints else {
        return Err(Error::InvalidArgument { field, reason: "give a drawing or at least one imprint" });
    };
    if imprints.len() > MOST {
        return Err(Error::InvalidArgument { field, reason: "at most 64 imprints make one registered seal" });
    }
    let mut registered = Registered::from_picture(first.0, first.1)?;
    if imprints.len() == 1 {
        return Ok(registered);
    }
    // Twice: the second time about the mean of all rather than about the first.
    for _ in 0..2 {
        let side = registered.frame.side;
        let mut sum = Plane::new(side, side);
        let mut squares = 0.0;
        for (image, imprint) in imprints {
            let (plane, rms) = laid_over(&registered, image, imprint)?;
            sum.values.iter_mut().zip(&plane.values).for_each(|(s, v)| *s += v);
            squares += f64::from(rms * rms);
        }
        let scale = 1.0 / imprints.len() as f32;
        sum.values.iter_mut().for_each(|v| *v *= scale);
        let spread = (squares / imprints.len() as f64).sqrt() as f32;
        registered = registered.with_mean(&sum, imprints.len() as u16, spread);
    }
    Ok(registered)
}

/// An imprint's ink in the frame of a registered seal, and its displacement there, rms in mm.
fn laid_over(registered: &Registered, image: &Image, imprint: &Imprint) -> Result<(Plane, f32)> {
    let other = Error::InvalidArgument { field: "imprints", reason: "one of the imprints shows another seal" };
    let design = registered.design();
    let density = density(image, imprint);
    let fingerprint = Fingerprint::measured(&density, imprint);
    let (scan, rough) = super::compare::laid_roughly(registered, imprint, &density, &fingerprint);
    let (map, _) = align(&design.levels, &scan, &rough).ok_or(other)?;
    let side = registered.frame.side;
    let ink = levelled(&scan.ink.warped(&map, side), 0.6);
    let hidden = scan.hidden.as_ref().map(|plane| plane.warped_mask(&map, side));
    let laid = Laid { pressed: ink.clone(), ink, hidden, foreign: Vec::new() };
    let measured = measure(design, &laid, registered.frame.per_mm as f32);
    if measured.extra_all.max(measured.extra_text) >= MOST_EXTRA {
        return Err(other);
    }
    Ok((laid.ink, measured.rms))
}
