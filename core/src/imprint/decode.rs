//! PNG and JPEG files to pixels, with the bounds checked before memory is taken.
//!
//! Both decoders are pure Rust. The JPEG decoder runs without its vector code: its scalar code gives the same
//! pixels on every machine, and fingerprints rest on that.

use super::image::{Image, MAX_PIXELS, MAX_SIDE};
use crate::{Error, Result};
use std::io::Cursor;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

const PNG_MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG_MAGIC: &[u8] = b"\xff\xd8\xff";

/// A progressive file may repeat its scans; each costs as much as the whole picture.
const MAX_JPEG_SCANS: usize = 64;

fn invalid(reason: &'static str) -> Error {
    Error::InvalidImage { reason }
}

pub(super) fn decode(file: &[u8]) -> Result<Image> {
    if file.starts_with(PNG_MAGIC) {
        decode_png(file)
    } else if file.starts_with(JPEG_MAGIC) {
        decode_jpeg(file)
    } else {
        Err(invalid("neither a PNG nor a JPEG file"))
    }
}

fn decode_png(file: &[u8]) -> Result<Image> {
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

fn decode_jpeg(file: &[u8]) -> Result<Image> {
    // The decoder fills in what is missing of a file that was cut off: an imprint made of grey would be judged.
    if !file.windows(2).rev().any(|marker| marker == [0xff, 0xd9]) {
        return Err(invalid("the JPEG file ends too early"));
    }
    // The decoder's record shows panics on crafted files, each repaired in turn. Should another be there, the
    // caller still gets a typed error; nothing outside the closure can be left half-changed.
    std::panic::catch_unwind(|| decode_jpeg_file(file))
        .unwrap_or(Err(invalid("the JPEG file is damaged in a way that the decoder cannot read")))
}

fn decode_jpeg_file(file: &[u8]) -> Result<Image> {
    let damaged = |_| invalid("the JPEG file is damaged, ends too early or uses an unsupported process");
    let options = DecoderOptions::new_safe()
        .set_max_width(MAX_SIDE as usize)
        .set_max_height(MAX_SIDE as usize)
        .set_strict_mode(true)
        .jpeg_set_max_scans(MAX_JPEG_SCANS);
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
