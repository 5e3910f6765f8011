//! Seal imprints: decode a picture, find every imprint on it, know the seal among millions whatever the rotation, and
//! tell the registered design from a look-alike.
//!
//! The stages are the files: [`Image`] (decode and bounds), [`density()`] (the ink, unmixed from paper and black print),
//! [`find()`] (round, oval and square borders), [`Fingerprint`] and [`Index`] (search), [`register()`] and [`compare()`].
//! Every number that ends in a fingerprint is computed with integers, or with the five operations that IEEE 754
//! defines to the bit, so the same pixels give the same bytes on every machine.
//!
//! It does *not* tell two seals that were cut from the same artwork: the best verdict is "matches the registered
//! design". The measured error rates and the limits are in `core/docs/imprint.md`.
#![doc = include_str!("../docs/imprint.md")]

mod alarm;
mod align;
mod border;
mod circles;
mod compare;
mod decode;
mod density;
mod edges;
mod elements;
mod find;
mod fingerprint;
mod fit;
mod fourier;
mod hidden;
mod image;
mod index;
mod ink;
mod judge;
mod measure;
mod outward;
mod overlay;
mod page;
mod parts;
mod plane;
mod play;
mod png;
mod polar;
mod rates;
mod register;
mod registered;
mod rim;
mod scan;
mod screen;
mod shares;
mod stray;
mod trigonometry;
mod turn;
mod verdict;

pub use alarm::Alarm;
pub use compare::{Comparison, PartComparison, compare};
pub use density::{Density, density};
pub use elements::PartKind;
pub use find::{Imprint, Shape, find, find_at};
pub use fingerprint::{CODE_LENGTH, FINGERPRINT_LENGTH, Fingerprint};
pub use image::{Image, MAX_PIXELS, MAX_SIDE};
pub use index::{Hit, Index, MAX_HITS, MAX_NAME};
pub use ink::Ink;
pub use overlay::{ARROW_SCALE, Overlay, cutout};
pub use rates::{ERROR_RATES, ErrorRate, Mistake, RATES_DATE, RATES_SET, Source};
pub use register::register;
pub use registered::Registered;
pub use verdict::{Evidence, Measure, THRESHOLDS, Threshold, Verdict};
