//! Sines of the angles of the polar grid, the same on every machine.

/// Directions of a full turn; a power of two.
pub(super) const DIRECTIONS: usize = 1024;

/// The scale of the table: 1.0 is `1 << UNIT_BITS`.
pub(super) const UNIT_BITS: u32 = 30;

/// cos and sin of 2 pi / 1024, times 2^62.
const STEP: (i64, i64) = (4_611_599_204_741_358_747, 28_296_773_447_188_932);

static TABLE: [(i64, i64); DIRECTIONS] = table();

/// One eighth of the circle by repeated rotation, the rest by symmetry.
const fn table() -> [(i64, i64); DIRECTIONS] {
    let mut table = [(0, 0); DIRECTIONS];
    let mut cos: i64 = 1 << 62;
    let mut sin: i64 = 0;
    let mut k = 0;
    while k <= DIRECTIONS / 8 {
        let half = 1 << (61 - UNIT_BITS);
        let c = (cos + half) >> (62 - UNIT_BITS);
        let s = (sin + half) >> (62 - UNIT_BITS);
        let quarter = DIRECTIONS / 4;
        table[k] = (c, s);
        table[quarter - k] = (s, c);
        table[quarter + k] = (-s, c);
        table[2 * quarter - k] = (-c, s);
        table[2 * quarter + k] = (-c, -s);
        table[3 * quarter - k] = (-s, -c);
        table[3 * quarter + k] = (s, -c);
        if k > 0 {
            table[4 * quarter - k] = (c, -s);
        }
        let next = (cos as i128 * STEP.0 as i128 - sin as i128 * STEP.1 as i128) >> 62;
        sin = ((sin as i128 * STEP.0 as i128 + cos as i128 * STEP.1 as i128) >> 62) as i64;
        cos = next as i64;
        k += 1;
    }
    table
}

/// cos and sin of `step` 1024ths of a turn, times 2^30; `step` is taken modulo a turn.
pub(super) fn cos_sin(step: usize) -> (i64, i64) {
    TABLE[step % DIRECTIONS]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_right_to_the_last_bit() {
        for (step, &(cos, sin)) in TABLE.iter().enumerate() {
            let angle = step as f64 / DIRECTIONS as f64 * std::f64::consts::TAU;
            let unit = (1i64 << UNIT_BITS) as f64;
            assert!((cos as f64 - angle.cos() * unit).abs() < 0.51, "cos of step {step}");
            assert!((sin as f64 - angle.sin() * unit).abs() < 0.51, "sin of step {step}");
        }
    }
}
