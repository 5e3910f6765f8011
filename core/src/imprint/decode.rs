//! Picture files to pixels, with the bounds checked before memory is taken.
//!
//! The decoders are pure Rust and give the same pixels on every machine; fingerprints rest on that. A resolution of
//! 72 or 96 dots an inch is what software writes when it does not know: it counts as unknown.

mod bmp;
mod jpeg;
mod png;
mod tiff;

use super::image::Image;
use crate::{Error, Result};

fn invalid(reason: &'static str) -> Error {
    Error::InvalidImage { reason }
}

/// The first page of a file.
pub(super) fn decode(file: &[u8]) -> Result<Image> {
    decode_page(file, 0)
}

/// A page of a file; every file but a TIFF file has one.
pub(super) fn decode_page(file: &[u8], page: u32) -> Result<Image> {
    if tiff::MAGICS.iter().any(|magic| file.starts_with(magic)) {
        return tiff::decode(file, page).map(stated);
    }
    let image = if file.starts_with(png::MAGIC) {
        png::decode(file)
    } else if file.starts_with(jpeg::MAGIC) {
        jpeg::decode(file)
    } else if file.starts_with(bmp::MAGIC) {
        bmp::decode(file)
    } else {
        Err(invalid("neither a PNG nor a JPEG, BMP or TIFF file"))
    }?;
    if page > 0 { Err(invalid("the file has no such page")) } else { Ok(stated(image)) }
}

/// How many pages a file has.
pub(super) fn count_pages(file: &[u8]) -> Result<u32> {
    if tiff::MAGICS.iter().any(|magic| file.starts_with(magic)) { tiff::count(file) } else { Ok(1) }
}

/// The picture without a resolution that nobody measured.
fn stated(image: Image) -> Image {
    match image.pixels_per_metre() {
        // 72 and 96 dots an inch.
        Some(2_830..=2_840 | 3_775..=3_785) => image.with_resolution(0),
        _ => image,
    }
}

/// Runs a decoder whose record shows panics on crafted files, each repaired in turn. Should another be there, the
/// caller still gets a typed error; nothing outside the closure can be left half-changed.
fn guarded<T>(decode: impl FnOnce() -> Result<T>, reason: &'static str) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode)).unwrap_or(Err(invalid(reason)))
}
