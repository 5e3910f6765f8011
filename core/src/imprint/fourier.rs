//! A Fourier transform whose every bit is the same on every machine.
//!
//! The libraries choose vector code by the processor and contract or reorder sums; a fingerprint must not depend on
//! that. This one uses additions, subtractions and multiplications of doubles in one fixed order, which IEEE 754
//! defines to the bit and Rust neither reorders nor fuses, and twiddles out of an integer table.

use super::trigonometry::{DIRECTIONS, UNIT_BITS, cos_sin};

/// The length of every transform.
pub(super) const LENGTH: usize = 512;

/// The spectrum of complex values in place: out(k) = sum of in(t) exp(-2 pi i k t / 512), without scaling.
///
/// # Source
/// Cooley and Tukey, radix two, decimation in time.
pub(super) fn transform(re: &mut [f64; LENGTH], im: &mut [f64; LENGTH]) {
    for k in 0..LENGTH {
        let mirrored = k.reverse_bits() >> (usize::BITS - LENGTH.trailing_zeros());
        if k < mirrored {
            re.swap(k, mirrored);
            im.swap(k, mirrored);
        }
    }
    let (cosines, sines) = twiddles();
    let mut half = 1;
    while half < LENGTH {
        let step = LENGTH / 2 / half;
        for first in (0..LENGTH).step_by(2 * half) {
            let (re_low, re_high) = re[first..first + 2 * half].split_at_mut(half);
            let (im_low, im_high) = im[first..first + 2 * half].split_at_mut(half);
            for k in 0..half {
                let (c, s) = (cosines[k * step], sines[k * step]);
                let (x, y) = (re_high[k] * c + im_high[k] * s, im_high[k] * c - re_high[k] * s);
                (re_high[k], im_high[k]) = (re_low[k] - x, im_low[k] - y);
                (re_low[k], im_low[k]) = (re_low[k] + x, im_low[k] + y);
            }
        }
        half *= 2;
    }
}

/// cos and sin of 2 pi k / 512 for half a turn, exact multiples of 2^-30.
fn twiddles() -> &'static ([f64; LENGTH / 2], [f64; LENGTH / 2]) {
    static TABLE: std::sync::OnceLock<([f64; LENGTH / 2], [f64; LENGTH / 2])> = std::sync::OnceLock::new();
    TABLE.get_or_init(|| {
        let unit = (1i64 << UNIT_BITS) as f64;
        let of = |k: usize| cos_sin(k * (DIRECTIONS / LENGTH));
        (std::array::from_fn(|k| of(k).0 as f64 / unit), std::array::from_fn(|k| of(k).1 as f64 / unit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_is_the_sum_that_defines_it() {
        let mut re: [f64; LENGTH] = std::array::from_fn(|t| ((t * 7919 + 13) % 251) as f64 - 125.0);
        let mut im: [f64; LENGTH] = std::array::from_fn(|t| ((t * 104_729 + 7) % 241) as f64 - 120.0);
        let (x, y) = (re, im);
        transform(&mut re, &mut im);
        for k in [0, 1, 2, 3, 17, 96, 255, 256, 257, 511] {
            let (mut a, mut b) = (0.0, 0.0);
            for t in 0..LENGTH {
                let angle = (k * t % LENGTH) as f64 / LENGTH as f64 * std::f64::consts::TAU;
                a += x[t] * angle.cos() + y[t] * angle.sin();
                b += y[t] * angle.cos() - x[t] * angle.sin();
            }
            assert!((re[k] - a).abs() < 1e-3 && (im[k] - b).abs() < 1e-3, "{k}: {} {a}, {} {b}", re[k], im[k]);
        }
    }
}
