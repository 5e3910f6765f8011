//! JPEG, by zune-jpeg without its vector code: the same pixels on every machine.

use super::invalid;
use crate::Result;
use crate::imprint::image::{Image, MAX_SIDE};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

pub(super) const MAGIC: &[u8] = b"\xff\xd8\xff";

/// A progressive file may repeat its scans; each costs as much as the whole picture.
const MAX_SCANS: usize = 64;

pub(super) fn decode(file: &[u8]) -> Result<Image> {
    // The decoder fills in what is missing of a file that was cut off: an imprint made of grey would be judged.
    if !file.windows(2).rev().any(|marker| marker == [0xff, 0xd9]) {
        return Err(invalid("the JPEG file ends too early"));
    }
    super::guarded(|| decode_file(file), "the JPEG file is damaged in a way that the decoder cannot read")
}

fn decode_file(file: &[u8]) -> Result<Image> {
    let damaged = |_| invalid("the JPEG file is damaged, ends too early or uses an unsupported process");
    let options = DecoderOptions::new_safe()
        .set_max_width(MAX_SIDE as usize)
        .set_max_height(MAX_SIDE as usize)
        .set_strict_mode(true)
        .jpeg_set_max_scans(MAX_SCANS);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers().map_err(damaged)?;
    let info = decoder.info().ok_or(invalid("the JPEG file has no frame"))?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    Image::check_bounds(width, height)?;
    let (channels, space) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (1, ColorSpace::Luma),
        _ => (3, ColorSpace::RGB),
    };
    decoder.set_options(options.jpeg_set_out_colorspace(space));
    let pixels = decoder.decode().map_err(damaged)?;
    Image::from_pixels(width, height, channels, jfif_pixels_per_metre(file), pixels)
}

/// The resolution of a JFIF file (JFIF 1.02, APP0 right after SOI): unit 1 is dots an inch, 2 dots a centimetre.
/// The decoder does not hand it out.
fn jfif_pixels_per_metre(file: &[u8]) -> Option<u32> {
    let header = file.get(..18)?;
    if header[2..4] != [0xff, 0xe0] || &header[6..11] != b"JFIF\0" || header[14..16] != header[16..18] {
        return None;
    }
    let density = u32::from(u16::from_be_bytes([header[14], header[15]]));
    match header[13] {
        1 if density > 0 => Some((density * 10_000 + 127) / 254),
        2 if density > 0 => Some(density * 100),
        _ => None,
    }
}
