//! BMP, by zune-bmp.

use super::invalid;
use crate::Result;
use crate::imprint::image::{Image, MAX_SIDE};
use zune_bmp::BmpDecoder;
use zune_bmp::zune_core::bytestream::ZCursor;
use zune_bmp::zune_core::colorspace::ColorSpace;
use zune_bmp::zune_core::options::DecoderOptions;

pub(super) const MAGIC: &[u8] = b"BM";

pub(super) fn decode(file: &[u8]) -> Result<Image> {
    super::guarded(|| decode_file(file), "the BMP file is damaged in a way that the decoder cannot read")
}

fn decode_file(file: &[u8]) -> Result<Image> {
    let damaged = |_| invalid("the BMP file is damaged, ends too early or is of an unsupported kind");
    let options = DecoderOptions::new_safe()
        .set_max_width(MAX_SIDE as usize)
        .set_max_height(MAX_SIDE as usize)
        .set_strict_mode(true);
    let mut decoder = BmpDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers().map_err(damaged)?;
    let (width, height) = decoder.dimensions().ok_or(invalid("the BMP file has no picture"))?;
    let (width, height) = (width as u32, height as u32);
    Image::check_bounds(width, height)?;
    let space = decoder.colorspace().ok_or(invalid("the BMP file has no colours"))?;
    let pixels = decoder.decode().map_err(damaged)?;
    let (channels, pixels) = match space {
        ColorSpace::Luma => (1, pixels),
        ColorSpace::RGB => (3, pixels),
        // The fourth byte is padding in most files; a picture that is transparent all over is none.
        ColorSpace::RGBA if pixels.chunks_exact(4).any(|p| p[3] != 0) => (4, pixels),
        ColorSpace::RGBA => (3, pixels.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect()),
        _ => return Err(invalid("the BMP file's kind of pixels is not supported: save it as RGB")),
    };
    Image::from_pixels(width, height, channels, pixels_per_metre(file), pixels)
}

/// biXPelsPerMeter and biYPelsPerMeter of the BITMAPINFOHEADER and its successors.
fn pixels_per_metre(file: &[u8]) -> Option<u32> {
    let number = |at: usize| Some(u32::from_le_bytes(file.get(at..at + 4)?.try_into().ok()?));
    let (header, x, y) = (number(14)?, number(38)?, number(42)?);
    (header >= 40 && x == y && (1..=4_000_000).contains(&x)).then_some(x)
}
