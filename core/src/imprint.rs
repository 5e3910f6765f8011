//! Seal imprints, step one: decode a picture, find its dominant imprint, make a fingerprint that does not
//! depend on the imprint's rotation, position or scale, and compare two fingerprints.
//!
//! The stages are the files: [`Image`] (decode and bounds), the ink (red or blue against the paper), [`find`]
//! (round, oval and square borders), the polar normal form, [`Fingerprint`] and [`compare`]. Every number that
//! ends in a fingerprint is computed with integers, or with the five operations that IEEE 754 defines to the
//! bit, so the same pixels give the same bytes on every machine.
//!
//! It does *not* tell a re-engraved copy from the genuine seal: "same" means the same design. The measured
//! error rates and the limits are in `core/docs/imprint.md`.
#![doc = include_str!("../docs/imprint.md")]

mod compare;
mod decode;
mod find;
mod fingerprint;
mod fit;
mod image;
mod ink;
mod normalise;
mod trigonometry;

pub use compare::{Comparison, DIFFERENT_BELOW, SAME_AT_LEAST, Verdict, compare};
pub use find::{Imprint, Shape, find};
pub use fingerprint::{FINGERPRINT_LENGTH, Fingerprint};
pub use image::{Image, MAX_PIXELS, MAX_SIDE};
pub use ink::Ink;
