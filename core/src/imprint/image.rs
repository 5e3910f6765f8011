//! A picture in memory, within bounds.

use crate::{Error, Result};

/// The longest side of a picture, in pixels.
pub const MAX_SIDE: u32 = 20_000;

/// The most pixels of a picture: an A4 page at 600 dpi has 35 million.
pub const MAX_PIXELS: u64 = 40_000_000;

/// A picture of 8 bits a channel: grey, RGB or RGBA (alpha not premultiplied), rows from the top.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    width: u32,
    height: u32,
    channels: u8,
    pixels_per_metre: Option<u32>,
    pixels: Vec<u8>,
}

impl Image {
    /// A picture from its pixels.
    ///
    /// # Inputs
    /// `channels` 1 (grey), 3 (RGB) or 4 (RGBA); `pixels` row by row, interleaved, `width * height * channels`
    /// bytes; `pixels_per_metre` the resolution if it is known.
    ///
    /// # Errors
    /// `InvalidImage`: no pixels, too many (beyond [`MAX_SIDE`] or [`MAX_PIXELS`]), or not as many bytes as the
    /// sides say.
    ///
    /// # Examples
    /// ```
    /// let grey = sealcore::imprint::Image::from_pixels(2, 1, 1, None, vec![0, 255])?;
    /// assert_eq!(grey.pixel(1, 0), [255, 255, 255]);
    /// # Ok::<(), sealcore::Error>(())
    /// ```
    pub fn from_pixels(
        width: u32,
        height: u32,
        channels: u8,
        pixels_per_metre: Option<u32>,
        pixels: Vec<u8>,
    ) -> Result<Self> {
        Self::check_bounds(width, height)?;
        if !matches!(channels, 1 | 3 | 4) {
            return Err(Error::InvalidImage { reason: "a pixel has 1 (grey), 3 (RGB) or 4 (RGBA) channels" });
        }
        if pixels.len() as u64 != u64::from(width) * u64::from(height) * u64::from(channels) {
            return Err(Error::InvalidImage { reason: "the number of bytes is not width x height x channels" });
        }
        Ok(Image { width, height, channels, pixels_per_metre: pixels_per_metre.filter(|&p| p > 0), pixels })
    }

    /// Whether a picture of these sides is within the bounds; for callers that have yet to make the pixels.
    ///
    /// # Errors
    /// `InvalidImage`: no pixels, or beyond [`MAX_SIDE`] or [`MAX_PIXELS`].
    pub fn check_bounds(width: u32, height: u32) -> Result<()> {
        if width == 0 || height == 0 {
            return Err(Error::InvalidImage { reason: "a side is 0 pixels long" });
        }
        if width > MAX_SIDE || height > MAX_SIDE {
            return Err(Error::InvalidImage { reason: "a side is longer than 20,000 pixels" });
        }
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(Error::InvalidImage { reason: "the picture has more than 40 million pixels" });
        }
        Ok(())
    }

    /// Decode a PNG, JPEG, BMP or TIFF file; of a TIFF file with several pages the first.
    ///
    /// # Inputs
    /// The whole file. PNG of every colour type and depth (16 bits are reduced to 8); JPEG baseline and
    /// progressive, grey, YCbCr, RGB, CMYK and YCCK; BMP; TIFF of 1 to 16 bits, grey, RGB or CMYK, uncompressed,
    /// PackBits, LZW, Deflate or fax (group 4). Orientation tags are not applied: fingerprints do not depend on
    /// the rotation. A stated resolution of 72 or 96 dots an inch counts as unknown; where it is unknown, a picture
    /// with the sides of an A4, A3, letter or legal sheet at 100, 150, 200, 240, 300, 400 or 600 dots an inch (to
    /// 0.7%) is taken to be that sheet.
    ///
    /// # Errors
    /// `InvalidImage`: another format, damaged or cut short, beyond [`MAX_SIDE`] or [`MAX_PIXELS`]. The bounds
    /// are checked on the header, before memory is taken.
    pub fn decode(file: &[u8]) -> Result<Self> {
        super::decode::decode(file)
    }

    /// Decode a page of a file, counted from 0.
    ///
    /// # Errors
    /// `InvalidImage`: as [`Image::decode`], or the file has no such page.
    pub fn decode_page(file: &[u8], page: u32) -> Result<Self> {
        super::decode::decode_page(file, page)
    }

    /// How many pages a file has: 1, or more for a TIFF file. Files of other formats are found out when decoded.
    ///
    /// # Errors
    /// `InvalidImage`: a TIFF file whose directory is damaged or lists more than 2,000 pages.
    pub fn count_pages(file: &[u8]) -> Result<u32> {
        super::decode::count_pages(file)
    }

    /// The same picture with its resolution given: what the file states, if anything, is not the truth.
    pub fn with_resolution(self, pixels_per_metre: u32) -> Self {
        Image { pixels_per_metre: Some(pixels_per_metre).filter(|&p| p > 0), ..self }
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Bytes a pixel: 1 grey, 3 RGB, 4 RGBA.
    pub fn channels(&self) -> u8 {
        self.channels
    }

    /// The resolution: given, stated by the file, or that of the sheet whose sides the picture has.
    pub fn pixels_per_metre(&self) -> Option<u32> {
        self.pixels_per_metre
    }

    /// The pixels row by row, interleaved.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// A pixel as it looks on white paper: red, green, blue.
    ///
    /// # Panics
    /// Outside the picture.
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        assert!(x < self.width && y < self.height, "pixel outside the picture");
        let at = (y as usize * self.width as usize + x as usize) * usize::from(self.channels);
        on_white(&self.pixels[at..at + usize::from(self.channels)])
    }

    /// A row as it looks on white paper.
    pub(super) fn row(&self, y: u32) -> impl Iterator<Item = [u8; 3]> {
        let channels = usize::from(self.channels);
        let line = self.width as usize * channels;
        self.pixels[y as usize * line..][..line].chunks_exact(channels).map(on_white)
    }

    /// Whether some pixel is not opaque: a drawing, not a scan.
    pub(super) fn has_transparency(&self) -> bool {
        self.channels == 4 && self.pixels.chunks_exact(4).any(|p| p[3] != 255)
    }
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({} x {}, {} channels)", self.width, self.height, self.channels)
    }
}

pub(super) fn on_white(pixel: &[u8]) -> [u8; 3] {
    match *pixel {
        [r, g, b] | [r, g, b, 255] => [r, g, b],
        [grey] => [grey; 3],
        [r, g, b, a] => {
            let blend = |v: u8| ((u32::from(v) * u32::from(a) + 255 * (255 - u32::from(a)) + 127) / 255) as u8;
            [blend(r), blend(g), blend(b)]
        }
        _ => [255; 3],
    }
}
