//! The SHA-256 compression function (FIPS 180-4, 6.2.2), scalar.

use crate::consts::SHA256_K;

/// Absorbs `blocks` into `state`. Constant time.
pub(super) fn compress(state: &mut [u32; 8], blocks: &[[u8; 64]]) {
    for block in blocks {
        absorb(state, block);
    }
}

/// Straight-line code, for the same reason as that of SM3.
#[allow(unused_assignments, reason = "the last round leaves a word that no other reads")]
fn absorb(state: &mut [u32; 8], block: &[u8; 64]) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    // b and c of a round are a and b of the one before.
    let mut bc = b ^ c;
    let mut w = [0u32; 16];
    for (word, bytes) in w.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    // One round: d becomes the new e, h the new a. W_j takes the place of W_(j - 16).
    macro_rules! round {
        ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $j:expr) => {
            if $j >= 16 {
                let (w1, w14) = (w[($j + 1) & 15], w[($j + 14) & 15]);
                let s0 = w1.rotate_right(7) ^ w1.rotate_right(18) ^ (w1 >> 3);
                let s1 = w14.rotate_right(17) ^ w14.rotate_right(19) ^ (w14 >> 10);
                w[$j & 15] = w[$j & 15].wrapping_add(s0).wrapping_add(w[($j + 9) & 15]).wrapping_add(s1);
            }
            // Rotations within rotations: of each sum two copies of a word fewer.
            let sum1 = ($e ^ ($e ^ $e.rotate_right(14)).rotate_right(5)).rotate_right(6);
            let choose = $g ^ ($e & ($f ^ $g));
            let t1 = $h.wrapping_add(w[$j & 15].wrapping_add(SHA256_K[$j])).wrapping_add(choose).wrapping_add(sum1);
            let sum0 = ($a ^ ($a ^ $a.rotate_right(9)).rotate_right(11)).rotate_right(2);
            let ab = $a ^ $b;
            let majority = $b ^ (ab & bc);
            bc = ab;
            $d = $d.wrapping_add(t1);
            $h = t1.wrapping_add(sum0).wrapping_add(majority);
        };
    }
    // After eight rounds every role is back in its own word.
    macro_rules! rounds {
        ($($j:literal)+) => {$(
            round!(a b c d e f g h, $j);
            round!(h a b c d e f g, $j + 1);
            round!(g h a b c d e f, $j + 2);
            round!(f g h a b c d e, $j + 3);
            round!(e f g h a b c d, $j + 4);
            round!(d e f g h a b c, $j + 5);
            round!(c d e f g h a b, $j + 6);
            round!(b c d e f g h a, $j + 7);
        )+};
    }
    rounds!(0 8 16 24 32 40 48 56);
    for (word, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(new);
    }
}
