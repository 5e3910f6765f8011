//! Pictures for the imprint room: seals drawn by arithmetic (no typeface), PNG files written chunk by chunk.

use std::f64::consts::TAU;

/// The form of a drawn border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Round,
    Oval,
    Square,
}

/// A seal whose "characters" are random blocks of strokes: what distinguishes seals, without a typeface.
#[derive(Clone, Debug)]
pub struct Drawing {
    pub form: Form,
    /// One number a character on the arc.
    pub characters: Vec<u64>,
    /// The characters of the line under the star; none: no line.
    pub purpose: Vec<u64>,
    pub colour: [u8; 3],
    /// How the star is turned, in turns clockwise.
    pub star_turn: f64,
    /// The width of a round border, of the radius.
    pub border: f64,
}

impl Drawing {
    /// A round red seal with ten characters and a line of five.
    pub fn seal(seed: u64) -> Self {
        let part = |k: u64| mixed(seed.wrapping_mul(1_000_003).wrapping_add(k));
        Drawing {
            form: Form::Round,
            characters: (0..10).map(part).collect(),
            purpose: (100..105).map(part).collect(),
            colour: [214, 20, 30],
            star_turn: 0.0,
            border: 0.06,
        }
    }

    /// The same seal with other characters at these places.
    pub fn with_changed(&self, places: &[usize]) -> Self {
        let mut other = self.clone();
        for &place in places {
            other.characters[place] = mixed(other.characters[place]);
        }
        other
    }

    /// Whether there is ink at a point; the border is at distance 1, y down.
    fn inked(&self, x: f64, y: f64) -> bool {
        let (x, y) = if self.form == Form::Oval { (x, y / 0.75) } else { (x, y) };
        let distance = (x * x + y * y).sqrt();
        match self.form {
            Form::Square => {
                let edge = x.abs().max(y.abs());
                if edge > 1.0 {
                    return false;
                }
                if edge > 0.92 {
                    return true;
                }
            }
            Form::Round | Form::Oval => {
                if distance > 1.0 {
                    return false;
                }
                if distance > 1.0 - self.border {
                    return true;
                }
            }
        }
        // A star in the middle.
        let turn = (x.atan2(-y) / TAU - self.star_turn).rem_euclid(0.2) - 0.1;
        if distance < 0.34 - 2.1 * turn.abs() {
            return true;
        }
        // Characters on the arc over 236 degrees, their heads outwards.
        if (0.68..0.89).contains(&distance) {
            let degrees = x.atan2(-y) / TAU * 360.0;
            let step = 236.0 / self.characters.len() as f64;
            let place = (degrees + 118.0) / step;
            if (0.0..self.characters.len() as f64).contains(&place) {
                let (index, across) = (place as usize, place.fract());
                let cell = (across - 0.12) / 0.76;
                return (0.0..1.0).contains(&cell) && stroke(self.characters[index], cell, (0.89 - distance) / 0.21);
            }
        }
        // The line under the star.
        if (0.40..0.58).contains(&y) && !self.purpose.is_empty() {
            let place = (x + 0.45) / 0.9 * self.purpose.len() as f64;
            if (0.0..self.purpose.len() as f64).contains(&place) {
                let cell = (place.fract() - 0.08) / 0.84;
                return (0.0..1.0).contains(&cell) && stroke(self.purpose[place as usize], cell, (y - 0.40) / 0.18);
            }
        }
        false
    }

    /// RGB pixels on white: a square picture of `side`, the middle at `centre`, turned counter-clockwise.
    pub fn render(&self, side: u32, centre: (f64, f64), radius: f64, degrees: f64) -> Vec<u8> {
        let (s, c) = degrees.to_radians().sin_cos();
        let mut pixels = Vec::with_capacity(side as usize * side as usize * 3);
        for row in 0..side {
            for column in 0..side {
                let mut hits = 0;
                for k in 0..9 {
                    let x = (f64::from(column) + f64::from(k % 3) / 3.0 + 1.0 / 6.0 - centre.0) / radius;
                    let y = (f64::from(row) + f64::from(k / 3) / 3.0 + 1.0 / 6.0 - centre.1) / radius;
                    hits += u32::from(self.inked(x * c - y * s, x * s + y * c));
                }
                for channel in self.colour {
                    pixels.push(((u32::from(channel) * hits + 255 * (9 - hits)) / 9) as u8);
                }
            }
        }
        pixels
    }
}

/// Strokes of a character on a grid of 5 x 5, at a point of its unit square.
fn stroke(character: u64, x: f64, y: f64) -> bool {
    let (column, row) = ((x * 5.0) as u32, (y * 5.0) as u32);
    let bit = row.min(4) * 5 + column.min(4);
    character >> (bit + 8) & 1 == 1
}

/// A number without pattern (SplitMix64).
pub fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A PNG chunk with its length and checksum.
pub fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut body = kind.to_vec();
    body.extend_from_slice(data);
    let mut out = (data.len() as u32).to_be_bytes().to_vec();
    out.extend_from_slice(&body);
    out.extend_from_slice(&crc32(&body).to_be_bytes());
    out
}

/// A PNG file with this header and these raw scan lines (filter bytes included), stored uncompressed.
pub fn png(width: u32, height: u32, depth: u8, colour: u8, before_data: &[Vec<u8>], lines: &[u8]) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend_from_slice(&width.to_be_bytes());
    header.extend_from_slice(&height.to_be_bytes());
    header.extend_from_slice(&[depth, colour, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.extend(chunk(b"IHDR", &header));
    for extra in before_data {
        file.extend_from_slice(extra);
    }
    file.extend(chunk(b"IDAT", &stored(lines)));
    file.extend(chunk(b"IEND", &[]));
    file
}

/// Scan lines with filter 0 before each.
pub fn lines(bytes_a_line: usize, pixels: &[u8]) -> Vec<u8> {
    pixels.chunks(bytes_a_line).flat_map(|line| std::iter::once(0).chain(line.iter().copied())).collect()
}

/// A zlib stream of stored blocks.
pub fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks: Vec<&[u8]> = if data.is_empty() { vec![&[]] } else { data.chunks(65_535).collect() };
    for (index, block) in blocks.iter().enumerate() {
        out.push(u8::from(index + 1 == blocks.len()));
        out.extend_from_slice(&(block.len() as u16).to_le_bytes());
        out.extend_from_slice(&(!(block.len() as u16)).to_le_bytes());
        out.extend_from_slice(block);
    }
    let (mut a, mut b) = (1u32, 0u32);
    for &byte in data {
        a = (a + u32::from(byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    out.extend_from_slice(&(b << 16 | a).to_be_bytes());
    out
}

fn crc32(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in data {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ (0xEDB8_8320 * (crc & 1));
        }
    }
    !crc
}
