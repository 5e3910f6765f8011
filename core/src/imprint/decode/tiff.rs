//! TIFF, by the tiff crate: uncompressed, PackBits, LZW, Deflate and fax (group 4); one page or several.
//!
//! JPEG inside TIFF is refused: its decoder would bring the vector code that gives other pixels on other machines.

use super::invalid;
use crate::imprint::image::{Image, MAX_PIXELS};
use crate::{Error, Result};
use std::io::Cursor;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

pub(super) const MAGICS: [&[u8]; 4] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];

/// A file with more pages than this is no scan of a document.
const MAX_PAGES: u32 = 2_000;

type Reader<'a> = Decoder<Cursor<&'a [u8]>>;

fn refused(error: TiffError) -> Error {
    invalid(match error {
        TiffError::LimitsExceeded => "the TIFF file needs more memory than is allowed",
        TiffError::UnsupportedError(_) => {
            "the TIFF file is of a kind that is not supported (palette, JPEG or fax group 3 inside): save it as RGB with LZW compression"
        }
        TiffError::IoError(_) => "the TIFF file ends too early",
        _ => "the TIFF file is damaged",
    })
}

fn open(file: &[u8]) -> Result<Reader<'_>> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = (MAX_PIXELS * 4) as usize;
    limits.intermediate_buffer_size = (MAX_PIXELS * 4) as usize;
    limits.ifd_value_size = 4 << 20;
    Ok(Decoder::new(Cursor::new(file)).map_err(refused)?.with_limits(limits))
}

pub(super) fn count(file: &[u8]) -> Result<u32> {
    super::guarded(
        || {
            let mut decoder = open(file)?;
            let mut pages = 1;
            while decoder.more_images() {
                if pages == MAX_PAGES {
                    return Err(invalid("the TIFF file has more than 2,000 pages"));
                }
                decoder.next_image().map_err(refused)?;
                pages += 1;
            }
            Ok(pages)
        },
        "the TIFF file is damaged in a way that the decoder cannot read",
    )
}

pub(super) fn decode(file: &[u8], page: u32) -> Result<Image> {
    super::guarded(|| decode_file(file, page), "the TIFF file is damaged in a way that the decoder cannot read")
}

fn decode_file(file: &[u8], page: u32) -> Result<Image> {
    let mut decoder = open(file)?;
    for _ in 0..page.min(MAX_PAGES) {
        if !decoder.more_images() {
            return Err(invalid("the file has no such page"));
        }
        decoder.next_image().map_err(refused)?;
    }
    let (width, height) = decoder.dimensions().map_err(refused)?;
    Image::check_bounds(width, height)?;
    let colour = decoder.colortype().map_err(refused)?;
    let resolution = pixels_per_metre(&mut decoder);
    let (samples, channels) = match decoder.read_image().map_err(refused)? {
        DecodingResult::U8(samples) => (samples, colour.num_samples()),
        // The high byte.
        DecodingResult::U16(samples) => (samples.iter().map(|v| (v >> 8) as u8).collect(), colour.num_samples()),
        _ => return Err(invalid("the TIFF file's samples are neither of 8 nor of 16 bits nor black and white")),
    };
    let depth = colour.bit_depth();
    let samples = if depth < 8 { unpacked(&samples, width, channels, depth)? } else { samples };
    let (channels, pixels) = match colour {
        ColorType::Gray(_) => (1, samples),
        ColorType::RGB(_) => (3, samples),
        ColorType::RGBA(_) => (4, samples),
        ColorType::GrayA(_) => (4, samples.chunks_exact(2).flat_map(|p| [p[0], p[0], p[0], p[1]]).collect()),
        ColorType::CMYK(_) => {
            let light = |ink: u8, black: u8| (u32::from(255 - ink) * u32::from(255 - black) / 255) as u8;
            (
                3,
                samples
                    .chunks_exact(4)
                    .flat_map(|p| [light(p[0], p[3]), light(p[1], p[3]), light(p[2], p[3])])
                    .collect(),
            )
        }
        _ => return Err(invalid("the TIFF file's kind of pixels is not supported: save it as RGB")),
    };
    Image::from_pixels(width, height, channels, resolution, pixels)
}

/// Samples of 1, 2 or 4 bits, each row begun in a new byte, as bytes, scaled to 255.
fn unpacked(packed: &[u8], width: u32, channels: u16, depth: u8) -> Result<Vec<u8>> {
    if !matches!(depth, 1 | 2 | 4) {
        return Err(invalid("the TIFF file's samples have an unusual number of bits: save it with 8"));
    }
    let samples = width as usize * usize::from(channels);
    let line = (samples * usize::from(depth)).div_ceil(8);
    let most = (1u8 << depth) - 1;
    let factor = 255 / most;
    let each = 8 / usize::from(depth);
    Ok(packed
        .chunks_exact(line)
        .flat_map(|row| {
            (0..samples).map(move |k| {
                let shift = 8 - depth as usize * (k % each + 1);
                (row[k / each] >> shift & most) * factor
            })
        })
        .collect())
}

/// XResolution and YResolution with ResolutionUnit 2 (inch) or 3 (centimetre).
fn pixels_per_metre(decoder: &mut Reader<'_>) -> Option<u32> {
    let unit = decoder.find_tag_unsigned::<u16>(Tag::ResolutionUnit).ok().flatten().unwrap_or(2);
    // Numerator and denominator.
    let mut ratio = |tag| match decoder.get_tag_u32_vec(tag).ok()?[..] {
        [above, below] if below > 0 => Some(f64::from(above) / f64::from(below)),
        _ => None,
    };
    let (x, y) = (ratio(Tag::XResolution)?, ratio(Tag::YResolution)?);
    let metre = match unit {
        2 => x / 0.0254,
        3 => x * 100.0,
        _ => return None,
    };
    ((x - y).abs() < 0.01 * x && (1.0..4e6).contains(&metre)).then(|| metre.round() as u32)
}
