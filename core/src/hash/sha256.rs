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
        rounds(&mut s, &w, 0);
        for step in 1..4 {
            for i in 0..16 {
                let (w1, w14) = (w[(i + 1) & 15], w[(i + 14) & 15]);
                let s0 = w1.rotate_right(7) ^ w1.rotate_right(18) ^ (w1 >> 3);
                let s1 = w14.rotate_right(17) ^ w14.rotate_right(19) ^ (w14 >> 10);
                w[i] = w[i].wrapping_add(s0).wrapping_add(w[(i + 9) & 15]).wrapping_add(s1);
            }
            rounds(&mut s, &w, 16 * step);
        }
        for (word, new) in state.iter_mut().zip(s) {
            *word = word.wrapping_add(new);
        }
    }
}

/// Sixteen rounds from round `first` on. The roles a..h move through `s` instead of the words.
#[inline(always)]
fn rounds(s: &mut [u32; 8], w: &[u32; 16], first: usize) {
    for i in 0..16 {
        let at = |role: usize| (role + 16 - i) & 7;
        let (a, b, c) = (s[at(0)], s[at(1)], s[at(2)]);
        let (e, f, g) = (s[at(4)], s[at(5)], s[at(6)]);
        let sum1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choose = g ^ (e & (f ^ g));
        let t1 = s[at(7)].wrapping_add(sum1).wrapping_add(choose).wrapping_add(SHA256_K[first + i]).wrapping_add(w[i]);
        let sum0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let majority = (a & b) | (c & (a | b));
        s[at(3)] = s[at(3)].wrapping_add(t1);
        s[at(7)] = t1.wrapping_add(sum0).wrapping_add(majority);
    }
}
