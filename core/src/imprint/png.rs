//! Pictures written as PNG.

fn encode(width: usize, height: usize, colour: png::ColorType, pixels: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    // Writing to memory fails only for sides of 0 or a wrong number of bytes: the callers' planes have neither.
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(pixels));
    debug_assert!(written.is_ok());
    file
}

/// A grey picture.
pub(super) fn grey(width: usize, height: usize, pixels: &[u8]) -> Vec<u8> {
    encode(width, height, png::ColorType::Grayscale, pixels)
}

/// A picture of red, green and blue.
pub(super) fn rgb(width: usize, height: usize, pixels: &[u8]) -> Vec<u8> {
    encode(width, height, png::ColorType::Rgb, pixels)
}
