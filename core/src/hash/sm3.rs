//! The SM3 compression function (GB/T 32905-2016, 5.3), scalar.

use crate::consts::{SM3_T_HIGH, SM3_T_LOW};

/// T_j rotated by j, for every round.
const T: [u32; 64] = {
    let mut t = [0u32; 64];
    let mut j = 0;
    while j < 64 {
        let constant = if j < 16 { SM3_T_LOW } else { SM3_T_HIGH };
        t[j] = constant.rotate_left(j as u32 % 32);
        j += 1;
    }
    t
};

/// Absorbs `blocks` into `state`. Constant time.
pub(super) fn compress(state: &mut [u32; 8], blocks: &[[u8; 64]]) {
    for block in blocks {
        let mut w = [0u32; 68];
        for (word, bytes) in w.iter_mut().zip(block.as_chunks::<4>().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        for j in 16..68 {
            let x = w[j - 16] ^ w[j - 9] ^ w[j - 3].rotate_left(15);
            let p1 = x ^ x.rotate_left(15) ^ x.rotate_left(23);
            w[j] = p1 ^ w[j - 13].rotate_left(7) ^ w[j - 6];
        }
        let mut s = *state;
        for j in (0..16).step_by(4) {
            four_rounds(&mut s, &w, j, |x, y, z| x ^ y ^ z, |x, y, z| x ^ y ^ z);
        }
        for j in (16..64).step_by(4) {
            four_rounds(&mut s, &w, j, |x, y, z| (x & y) | (z & (x | y)), |x, y, z| z ^ (x & (y ^ z)));
        }
        for (word, new) in state.iter_mut().zip(s) {
            *word ^= new;
        }
    }
}

/// Rounds `first` to `first + 3`. The roles A..D and E..H move through `s` instead of the words.
#[inline(always)]
fn four_rounds(
    s: &mut [u32; 8],
    w: &[u32; 68],
    first: usize,
    ff: impl Fn(u32, u32, u32) -> u32,
    gg: impl Fn(u32, u32, u32) -> u32,
) {
    for i in 0..4 {
        let at = |role: usize| (role + 4 - i) & 3;
        let j = first + i;
        let (a, b, c) = (s[at(0)], s[at(1)], s[at(2)]);
        let (e, f, g) = (s[4 + at(0)], s[4 + at(1)], s[4 + at(2)]);
        let a12 = a.rotate_left(12);
        let ss1 = a12.wrapping_add(e).wrapping_add(T[j]).rotate_left(7);
        let ss2 = ss1 ^ a12;
        let (d, h) = (s[at(3)], s[4 + at(3)]);
        let tt1 = ff(a, b, c).wrapping_add(d).wrapping_add(ss2).wrapping_add(w[j] ^ w[j + 4]);
        let tt2 = gg(e, f, g).wrapping_add(h).wrapping_add(ss1).wrapping_add(w[j]);
        s[at(1)] = b.rotate_left(9);
        s[4 + at(1)] = f.rotate_left(19);
        s[at(3)] = tt1;
        s[4 + at(3)] = tt2 ^ tt2.rotate_left(9) ^ tt2.rotate_left(17);
    }
}
