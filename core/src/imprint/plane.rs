//! Planes of ink and the maps between them: blurring, halving, sampling at fractions of a pixel.

/// A plane of values, rows from the top. A pixel's middle is at whole coordinates.
#[derive(Clone)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) values: Vec<f32>,
}

impl Plane {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Plane { width, height, values: vec![0.0; width * height] }
    }

    /// The value between four pixels; nothing outside.
    #[inline(always)]
    pub(super) fn at(&self, x: f32, y: f32) -> f32 {
        // What is below 0, and what is no number, becomes 0 or less; what is too large, the largest.
        let (column, row) = (x as i32, y as i32);
        let inside = x >= 0.0 && y >= 0.0 && column < self.width as i32 - 1 && row < self.height as i32 - 1;
        if !inside {
            return 0.0;
        }
        let (fx, fy) = (x - column as f32, y - row as f32);
        // Both are inside, so nothing wraps.
        let at = (row as usize).wrapping_mul(self.width).wrapping_add(column as usize);
        let Some([a, b]) = self.values.get(at..at.wrapping_add(2)) else { return 0.0 };
        let below = at.wrapping_add(self.width);
        let Some([c, d]) = self.values.get(below..below.wrapping_add(2)) else { return 0.0 };
        let (upper, lower) = (a + (b - a) * fx, c + (d - c) * fx);
        upper + (lower - upper) * fy
    }

    /// The value of the nearest pixel; nothing outside.
    #[inline(always)]
    fn nearest(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (x + 0.5, y + 0.5);
        let (column, row) = (x as i32, y as i32);
        let inside = x >= 0.0 && y >= 0.0 && column < self.width as i32 && row < self.height as i32;
        let at = (row as usize).wrapping_mul(self.width).wrapping_add(column as usize);
        if inside { self.values.get(at).copied().unwrap_or(0.0) } else { 0.0 }
    }

    /// Half as wide and high: means of four pixels. Pixel (x, y) of the result lies at (2x + 0.5, 2y + 0.5).
    pub(super) fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut values = Vec::with_capacity(width * height);
        for rows in self.values.chunks_exact(2 * self.width).take(height) {
            let (upper, lower) = rows.split_at(self.width);
            let pairs = upper.chunks_exact(2).zip(lower.chunks_exact(2)).take(width);
            values.extend(pairs.map(|(a, b)| (a[0] + a[1] + b[0] + b[1]) * 0.25));
        }
        Plane { width, height, values }
    }

    /// Convolved with a Gaussian; beyond the edge there is nothing.
    pub(super) fn blurred(&self, sigma: f32) -> Self {
        let reach = (sigma * 2.5).ceil() as usize;
        let kernel: Vec<f32> = (0..=reach).map(|k| (-0.5 * (k as f32 / sigma).powi(2)).exp()).collect();
        let total = kernel[0] + 2.0 * kernel[1..].iter().sum::<f32>();
        let kernel: Vec<f32> = kernel.iter().map(|k| k / total).collect();
        let mut across = Plane::new(self.width, self.height);
        let mut padded = vec![0.0; self.width + 2 * reach];
        for (row, out) in self.values.chunks_exact(self.width).zip(across.values.chunks_exact_mut(self.width)) {
            padded[reach..reach + self.width].copy_from_slice(row);
            weighted(out, &padded[reach..], kernel[0]);
            for (k, &weight) in kernel.iter().enumerate().skip(1) {
                added(out, &padded[reach - k..], weight);
                added(out, &padded[reach + k..], weight);
            }
        }
        let mut result = Plane::new(self.width, self.height);
        for (y, out) in result.values.chunks_exact_mut(self.width).enumerate() {
            let row = |y: usize| &across.values[y * self.width..(y + 1) * self.width];
            weighted(out, row(y), kernel[0]);
            for (k, &weight) in kernel.iter().enumerate().skip(1) {
                if y >= k {
                    added(out, row(y - k), weight);
                }
                if y + k < self.height {
                    added(out, row(y + k), weight);
                }
            }
        }
        result
    }
}

fn weighted(out: &mut [f32], row: &[f32], weight: f32) {
    for (o, &v) in out.iter_mut().zip(row) {
        *o = v * weight;
    }
}

fn added(out: &mut [f32], row: &[f32], weight: f32) {
    for (o, &v) in out.iter_mut().zip(row) {
        *o += v * weight;
    }
}

/// A plane to plane map: a homography, row by row, the last entry 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Map(pub(super) [f64; 9]);

impl Map {
    pub(super) fn affine(a: f64, b: f64, x: f64, c: f64, d: f64, y: f64) -> Self {
        Map([a, b, x, c, d, y, 0.0, 0.0, 1.0])
    }

    pub(super) fn scale(s: f64, offset: f64) -> Self {
        Self::affine(s, 0.0, offset, 0.0, s, offset)
    }

    pub(super) fn apply(&self, x: f64, y: f64) -> (f64, f64) {
        let m = &self.0;
        let w = 1.0 / (m[6] * x + m[7] * y + m[8]);
        ((m[0] * x + m[1] * y + m[2]) * w, (m[3] * x + m[4] * y + m[5]) * w)
    }

    /// First `inner`, then this.
    pub(super) fn after(&self, inner: &Map) -> Map {
        let (a, b) = (&self.0, &inner.0);
        let mut m = [0.0; 9];
        for row in 0..3 {
            for column in 0..3 {
                m[3 * row + column] = (0..3).map(|k| a[3 * row + k] * b[3 * k + column]).sum();
            }
        }
        Map(m.map(|v| v / m[8]))
    }

    /// The map back; None where it flattens the plane.
    pub(super) fn inverse(&self) -> Option<Map> {
        let [a, b, c, d, e, f, g, h, i] = self.0;
        let m = [
            e * i - f * h,
            c * h - b * i,
            b * f - c * e,
            f * g - d * i,
            a * i - c * g,
            c * d - a * f,
            d * h - e * g,
            b * g - a * h,
            a * e - b * d,
        ];
        let determinant = a * m[0] + b * m[3] + c * m[6];
        (determinant.abs() > 1e-9 && m[8].abs() > 1e-12).then(|| Map(m.map(|v| v / m[8])))
    }

    /// The derivative at a place: d(x', y') / d(x, y), row by row.
    pub(super) fn slope(&self, x: f64, y: f64) -> [f64; 4] {
        let m = &self.0;
        let w = 1.0 / (m[6] * x + m[7] * y + m[8]);
        let (u, v) = self.apply(x, y);
        [(m[0] - m[6] * u) * w, (m[1] - m[7] * u) * w, (m[3] - m[6] * v) * w, (m[4] - m[7] * v) * w]
    }
}

/// Solves a symmetric positive system of up to 9 unknowns in place (Cholesky); None if it is singular.
pub(super) fn solve<const N: usize>(mut a: [[f64; N]; N], mut b: [f64; N]) -> Option<[f64; N]> {
    for j in 0..N {
        for k in 0..j {
            let above = a[j][k];
            for row in a.iter_mut().skip(j) {
                row[j] -= row[k] * above;
            }
        }
        if a[j][j] < 1e-12 {
            return None;
        }
        let root = a[j][j].sqrt();
        for row in a.iter_mut().skip(j) {
            row[j] /= root;
        }
    }
    for i in 0..N {
        for k in 0..i {
            b[i] -= a[i][k] * b[k];
        }
        b[i] /= a[i][i];
    }
    for i in (0..N).rev() {
        for k in i + 1..N {
            b[i] -= a[k][i] * b[k];
        }
        b[i] /= a[i][i];
    }
    Some(b)
}

impl Plane {
    /// The plane as seen through a map from a square of `side` pixels.
    pub(super) fn warped(&self, map: &Map, side: usize) -> Plane {
        warped(map, side, |x, y| self.at(x, y))
    }

    /// The same for a mask: of each place the nearest pixel.
    pub(super) fn warped_mask(&self, map: &Map, side: usize) -> Plane {
        warped(map, side, |x, y| self.nearest(x, y))
    }
}

/// What a sampler gives at the places to which a map takes the pixels of a square.
///
/// Along a row the map is a straight line on the plane (a tilt changes only its pace): places are interpolated between
/// exact ones, 16 pixels apart.
#[inline(always)]
fn warped(map: &Map, side: usize, sample: impl Fn(f32, f32) -> f32) -> Plane {
    const RUN: usize = 16;
    let mut values = Vec::with_capacity(side * side);
    for y in 0..side {
        let mut from = map.apply(0.0, y as f64);
        for left in (0..side).step_by(RUN) {
            let to = map.apply((left + RUN) as f64, y as f64);
            let (x, y) = (from.0 as f32, from.1 as f32);
            let step = ((to.0 - from.0) as f32 / RUN as f32, (to.1 - from.1) as f32 / RUN as f32);
            let run = RUN.min(side - left);
            values.extend((0..run).map(|k| sample(x + step.0 * k as f32, y + step.1 * k as f32)));
            from = to;
        }
    }
    Plane { width: side, height: side, values }
}
