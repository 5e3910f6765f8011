//! The SM3 compression function (GB/T 32905-2016, 5.3), scalar.

use crate::consts::SM3_T;

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

/// Rounds `first` to `first + 3`, after which every role is back in its own word.
#[inline(always)]
fn four_rounds(
    s: &mut [u32; 8],
    w: &[u32; 68],
    first: usize,
    ff: impl Fn(u32, u32, u32) -> u32,
    gg: impl Fn(u32, u32, u32) -> u32,
) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *s;
    // One round: b and f are rotated, d becomes the new a, h the new e.
    let round = |j: usize, a: u32, b: &mut u32, c: u32, d: &mut u32, e: u32, f: &mut u32, g: u32, h: &mut u32| {
        let a12 = a.rotate_left(12);
        let ss1 = a12.wrapping_add(e.wrapping_add(SM3_T[j])).rotate_left(7);
        let tt1 = ff(a, *b, c).wrapping_add(d.wrapping_add(w[j] ^ w[j + 4])).wrapping_add(ss1 ^ a12);
        let tt2 = gg(e, *f, g).wrapping_add(h.wrapping_add(w[j])).wrapping_add(ss1);
        *b = b.rotate_left(9);
        *d = tt1;
        *f = f.rotate_left(19);
        *h = tt2 ^ tt2.rotate_left(9) ^ tt2.rotate_left(17);
    };
    round(first, a, &mut b, c, &mut d, e, &mut f, g, &mut h);
    round(first + 1, d, &mut a, b, &mut c, h, &mut e, f, &mut g);
    round(first + 2, c, &mut d, a, &mut b, g, &mut h, e, &mut f);
    round(first + 3, b, &mut c, d, &mut a, f, &mut g, h, &mut e);
    *s = [a, b, c, d, e, f, g, h];
}
