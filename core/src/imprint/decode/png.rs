//! PNG, by the png crate.

use super::invalid;
use crate::Result;
use crate::imprint::image::{Image, MAX_PIXELS};
use std::io::Cursor;

pub(super) const MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";

pub(super) fn decode(file: &[u8]) -> Result<Image> {
    let damaged = |error: png::DecodingError| match error {
        png::DecodingError::LimitsExceeded => invalid("the PNG file needs more memory than is allowed"),
        png::DecodingError::IoError(_) => invalid("the PNG file ends too early"),
        _ => invalid("the PNG file is damaged"),
    };
    // What the decoder may keep beside the picture: text, profile, palette.
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), png::Limits { bytes: 16 << 20 });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let header = decoder.read_header_info().map_err(damaged)?;
    Image::check_bounds(header.width, header.height)?;
    let mut reader = decoder.read_info().map_err(damaged)?;
    let (width, height) = (reader.info().width, reader.info().height);
    let pixels_per_metre = reader.info().pixel_dims.and_then(|dims| match dims.unit {
        png::Unit::Meter if dims.xppu == dims.yppu => Some(dims.xppu),
        _ => None,
    });
    let size = reader.output_buffer_size().ok_or(invalid("the PNG file is too large"))?;
    if size as u64 > MAX_PIXELS * 4 {
        return Err(invalid("the PNG file is too large"));
    }
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(damaged)?;
    reader.finish().map_err(damaged)?;
    if (frame.width, frame.height) != (width, height) {
        return Err(invalid("the PNG file's first frame is smaller than the picture"));
    }
    pixels.truncate(frame.buffer_size());
    let (channels, pixels) = match frame.color_type {
        png::ColorType::Grayscale => (1, pixels),
        png::ColorType::Rgb => (3, pixels),
        png::ColorType::Rgba => (4, pixels),
        png::ColorType::GrayscaleAlpha => (4, pixels.chunks_exact(2).flat_map(|p| [p[0], p[0], p[0], p[1]]).collect()),
        png::ColorType::Indexed => return Err(invalid("the PNG file's palette cannot be expanded")),
    };
    Image::from_pixels(width, height, channels, pixels_per_metre, pixels)
}
