//! How much seal ink a pixel carries: its saturation towards the ink's colour, measured against the paper.
//!
//! The measure is a ratio of channels, so black text over or under the imprint and uneven light cancel out:
//! both darken all channels alike.

use super::image::Image;

/// The colour of an imprint's ink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ink {
    /// Vermilion, the usual seal ink.
    Red,
    /// Blue ink.
    Blue,
    /// Any colour: a drawing on a transparent ground, where darkness is ink.
    Drawn,
}

/// From this score on (of 255) a pixel counts as inked: a quarter of a strong ink's saturation.
pub(super) const INKED: u8 = 52;

/// Below this brightness a pixel is all noise: its ratio is damped.
const DARK: u8 = 56;

/// 2^16 / v, rounded, for the bright channel v.
static RECIPROCAL: [u32; 256] = {
    let mut table = [0; 256];
    let mut v = 0;
    while v < 256 {
        let divisor = if v < DARK as usize { DARK as usize } else { v };
        table[v] = ((65_536 + divisor / 2) / divisor) as u32;
        v += 1;
    }
    table
};

/// Scores pixels of one picture.
pub(super) struct Scorer<'a> {
    pub(super) image: &'a Image,
    /// For each channel: its value relative to the paper's, of 255.
    relative: [[u8; 256]; 3],
}

impl<'a> Scorer<'a> {
    /// Measures the paper: the brightness that a tenth of the pixels exceeds, channel by channel.
    pub(super) fn new(image: &'a Image) -> Self {
        let step = (image.width().max(image.height()) / 1024 + 1) as usize;
        let mut histogram = [[0u32; 256]; 3];
        let mut total = 0;
        for y in (0..image.height()).step_by(step) {
            for pixel in image.row(y, step) {
                for (channel, value) in histogram.iter_mut().zip(pixel) {
                    channel[usize::from(value)] += 1;
                }
                total += 1;
            }
        }
        let relative = histogram.map(|counts| {
            let mut above = 0;
            let paper = (0..256).rev().find(|&v| {
                above += counts[v];
                above * 10 >= total
            });
            // A dark picture has no paper to measure against.
            let paper = paper.unwrap_or(255).max(96);
            std::array::from_fn(|v| ((v * 255 + paper / 2) / paper).min(255) as u8)
        });
        Scorer { image, relative }
    }

    /// The ink of a pixel, 0 to 255: the share of the bright channel's light that the other two lost.
    pub(super) fn of(&self, pixel: [u8; 3], ink: Ink) -> u8 {
        let [r, g, b] = [0, 1, 2].map(|c| self.relative[c][usize::from(pixel[c])]);
        let share = |bright: u8, others: u32| {
            let lost = (2 * u32::from(bright)).saturating_sub(others);
            ((lost * 255 * RECIPROCAL[usize::from(bright)]) >> 17).min(255) as u8
        };
        match ink {
            Ink::Red => share(r, u32::from(g) + u32::from(b)),
            Ink::Blue => share(b, u32::from(r) + u32::from(g)),
            Ink::Drawn => 255 - (u32::from(r) + u32::from(g) + u32::from(b)).div_ceil(3) as u8,
        }
    }

    /// The ink at a place; nothing outside the picture.
    pub(super) fn at(&self, x: i64, y: i64, ink: Ink) -> u8 {
        if (0..i64::from(self.image.width())).contains(&x) && (0..i64::from(self.image.height())).contains(&y) {
            self.of(self.image.pixel(x as u32, y as u32), ink)
        } else {
            0
        }
    }
}
