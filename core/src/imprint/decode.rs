//! Picture files to pixels, with the bounds checked before memory is taken.
//!
//! The decoders are pure Rust and give the same pixels on every machine; fingerprints rest on that. A resolution of
//! 72 or 96 dots an inch is what software writes when it does not know: it counts as unknown. Then a picture with the
//! sides of a usual sheet at a usual resolution of scanners is taken to be one.

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
        return tiff::decode(file, page).map(resolved);
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
    if page > 0 { Err(invalid("the file has no such page")) } else { Ok(resolved(image)) }
}

/// How many pages a file has.
pub(super) fn count_pages(file: &[u8]) -> Result<u32> {
    if tiff::MAGICS.iter().any(|magic| file.starts_with(magic)) { tiff::count(file) } else { Ok(1) }
}

/// The picture without a resolution that nobody measured, but with that of a scanned sheet if its sides are one's.
fn resolved(image: Image) -> Image {
    match image.pixels_per_metre() {
        // 72 and 96 dots an inch.
        None | Some(2_830..=2_840 | 3_775..=3_785) => {
            let guess = sheet(image.width(), image.height());
            image.with_resolution(guess.unwrap_or(0))
        }
        _ => image,
    }
}

/// The sides of sheets in tenths of a millimetre: A4, A3, letter, legal.
const SHEETS: [(u32, u32); 4] = [(2_100, 2_970), (2_970, 4_200), (2_159, 2_794), (2_159, 3_556)];

/// Dots an inch that scanners offer.
const RESOLUTIONS: [u32; 7] = [100, 150, 200, 240, 300, 400, 600];

/// The resolution (pixels a metre) at which a whole sheet has these sides to 0.7%, upright or across.
fn sheet(width: u32, height: u32) -> Option<u32> {
    let (short, long) = (u64::from(width.min(height)), u64::from(width.max(height)));
    let near = |pixels: u64, tenths: u32, dots: u32| {
        let exact = u64::from(tenths) * u64::from(dots);
        (pixels * 254).abs_diff(exact) * 1_000 <= exact * 7
    };
    let fits = |&dots: &u32| SHEETS.iter().any(|&(a, b)| near(short, a, dots) && near(long, b, dots));
    RESOLUTIONS.into_iter().find(fits).map(|dots| (dots * 10_000 + 127) / 254)
}

/// Runs a decoder whose record shows panics on crafted files, each repaired in turn. Should another be there, the
/// caller still gets a typed error; nothing outside the closure can be left half-changed.
fn guarded<T>(decode: impl FnOnce() -> Result<T>, reason: &'static str) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode)).unwrap_or(Err(invalid(reason)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_sheets_have_the_resolution_of_their_scanner() {
        for (sides, dots) in [
            ((2_480, 3_508), Some(300)),
            ((3_508, 2_480), Some(300)),
            ((2_496, 3_504), Some(300)),
            ((1_240, 1_754), Some(150)),
            ((1_654, 2_339), Some(200)),
            ((1_754, 2_480), Some(150)),
            ((2_550, 3_300), Some(300)),
            ((5_100, 6_600), Some(600)),
            // A photograph, a screen, a crop.
            ((3_024, 4_032), None),
            ((1_920, 1_080), None),
            ((2_480, 3_300), None),
            ((595, 842), None),
            ((1, 1), None),
        ] {
            let expected = dots.map(|dots: u32| (f64::from(dots) / 0.0254).round() as u32);
            assert_eq!(sheet(sides.0, sides.1), expected, "{sides:?}");
        }
    }

    #[test]
    fn no_two_sheets_at_two_resolutions_have_the_same_sides() {
        let all = || RESOLUTIONS.into_iter().flat_map(|dots| SHEETS.map(|(a, b)| (dots, a * dots, b * dots)));
        for (dots, a, b) in all() {
            for (other, c, d) in all().filter(|&(other, ..)| other != dots) {
                let apart = |x: u32, y: u32| f64::from(x.abs_diff(y)) / f64::from(x.max(y));
                assert!(apart(a, c).max(apart(b, d)) > 0.015, "{dots} and {other} dots an inch");
            }
        }
    }
}
