//! The SM3 compression function (GB/T 32905-2016, 5.3), scalar.

use crate::consts::SM3_T;

/// Absorbs `blocks` into `state`. Constant time.
pub(super) fn compress(state: &mut [u32; 8], blocks: &[[u8; 64]]) {
    for block in blocks {
        absorb(state, block);
    }
}

/// Straight-line code: the window of sixteen message words then lives in registers and fixed places of the stack,
/// a quarter faster than loops over 68 words.
fn absorb(state: &mut [u32; 8], block: &[u8; 64]) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    let mut w = [0u32; 16];
    for (word, bytes) in w.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    // One round: b and f are rotated, d becomes the new a, h the new e. W_(j + 4) takes the place of W_(j - 12).
    macro_rules! round {
        ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $j:expr) => {
            if $j >= 12 {
                let x = w[($j + 4) & 15] ^ w[($j + 11) & 15] ^ w[($j + 1) & 15].rotate_left(15);
                let p1 = x ^ x.rotate_left(15) ^ x.rotate_left(23);
                w[($j + 4) & 15] = p1 ^ w[($j + 7) & 15].rotate_left(7) ^ w[($j + 14) & 15];
            }
            let (ff, gg) = if $j < 16 {
                ($a ^ $b ^ $c, $e ^ $f ^ $g)
            } else {
                (($a & $b) | ($c & ($a | $b)), ($e & $f) | (!$e & $g))
            };
            let a12 = $a.rotate_left(12);
            let ss1 = a12.wrapping_add($e).wrapping_add(SM3_T[$j]).rotate_left(7);
            let tt1 = ff.wrapping_add($d).wrapping_add(w[$j & 15] ^ w[($j + 4) & 15]).wrapping_add(ss1 ^ a12);
            let tt2 = gg.wrapping_add($h).wrapping_add(w[$j & 15]).wrapping_add(ss1);
            $b = $b.rotate_left(9);
            $d = tt1;
            $f = $f.rotate_left(19);
            $h = tt2 ^ tt2.rotate_left(9) ^ tt2.rotate_left(17);
        };
    }
    // After four rounds every role is back in its own word.
    macro_rules! rounds {
        ($($j:literal)+) => {$(
            round!(a b c d e f g h, $j);
            round!(d a b c h e f g, $j + 1);
            round!(c d a b g h e f, $j + 2);
            round!(b c d a f g h e, $j + 3);
        )+};
    }
    rounds!(0 4 8 12 16 20 24 28 32 36 40 44 48 52 56 60);
    for (word, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word ^= new;
    }
}
