//! The SHA-256 compression function (FIPS 180-4, 6.2.2), scalar.

use crate::consts::SHA256_K;

/// Absorbs `blocks` into `state`. Constant time.
pub(super) fn compress(state: &mut [u32; 8], blocks: &[[u8; 64]]) {
    for block in blocks {
        let mut w = [0u32; 16];
        for (word, bytes) in w.iter_mut().zip(block.as_chunks::<4>().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        let mut s = *state;
        sixteen_rounds(&mut s, &w, 0);
        for first in [16, 32, 48] {
            for i in 0..16 {
                let (w1, w14) = (w[(i + 1) % 16], w[(i + 14) % 16]);
                let s0 = w1.rotate_right(7) ^ w1.rotate_right(18) ^ (w1 >> 3);
                let s1 = w14.rotate_right(17) ^ w14.rotate_right(19) ^ (w14 >> 10);
                w[i] = w[i].wrapping_add(s0).wrapping_add(w[(i + 9) % 16]).wrapping_add(s1);
            }
            sixteen_rounds(&mut s, &w, first);
        }
        for (word, new) in state.iter_mut().zip(s) {
            *word = word.wrapping_add(new);
        }
    }
}

/// Rounds `first` to `first + 15`.
#[inline(always)]
fn sixteen_rounds(s: &mut [u32; 8], w: &[u32; 16], first: usize) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *s;
    let constant = |i: usize| SHA256_K[first + i].wrapping_add(w[i]);
    // The roles move through the words: after eight rounds each is back in its own.
    for i in [0, 8] {
        round(a, b, c, &mut d, e, f, g, &mut h, constant(i));
        round(h, a, b, &mut c, d, e, f, &mut g, constant(i + 1));
        round(g, h, a, &mut b, c, d, e, &mut f, constant(i + 2));
        round(f, g, h, &mut a, b, c, d, &mut e, constant(i + 3));
        round(e, f, g, &mut h, a, b, c, &mut d, constant(i + 4));
        round(d, e, f, &mut g, h, a, b, &mut c, constant(i + 5));
        round(c, d, e, &mut f, g, h, a, &mut b, constant(i + 6));
        round(b, c, d, &mut e, f, g, h, &mut a, constant(i + 7));
    }
    *s = [a, b, c, d, e, f, g, h];
}

/// One round: d becomes the new e, h the new a. `kw` is the round constant plus the message word.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the eight words of the state by their names in the standard")]
fn round(a: u32, b: u32, c: u32, d: &mut u32, e: u32, f: u32, g: u32, h: &mut u32, kw: u32) {
    let sum1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
    let choose = g ^ (e & (f ^ g));
    let t1 = h.wrapping_add(kw).wrapping_add(choose).wrapping_add(sum1);
    let sum0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
    let majority = (a & b) ^ (c & (a ^ b));
    *d = d.wrapping_add(t1);
    *h = t1.wrapping_add(sum0).wrapping_add(majority);
}
