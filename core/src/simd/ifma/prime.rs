//! The field prime and the group order of a curve, in radix 2^52.

/// What the programs of this room need to know of a curve. Everything follows from p and n at compile time.
pub(crate) trait Prime: Copy + Send + Sync + 'static {
    /// Whether this is SM2; else it is P-256.
    const SM2: bool;
    /// p in four 64-bit words.
    const P_WORDS: [u64; 4];
    /// n in four 64-bit words.
    const N_WORDS: [u64; 4];
    /// p.
    const P: [u64; 5] = limbs(Self::P_WORDS);
    /// n.
    const N: [u64; 5] = limbs(Self::N_WORDS);
    /// R mod p, the one of the Montgomery domain.
    const ONE: [u64; 5] = limbs(power_of_two(260, Self::P_WORDS));
    /// R² mod p.
    const R2: [u64; 5] = limbs(power_of_two(520, Self::P_WORDS));
    /// R³ mod p.
    const R3: [u64; 5] = limbs(power_of_two(780, Self::P_WORDS));
    /// R mod n.
    const N_ONE: [u64; 5] = limbs(power_of_two(260, Self::N_WORDS));
    /// R² mod n.
    const N_R2: [u64; 5] = limbs(power_of_two(520, Self::N_WORDS));
    /// R³ mod n.
    const N_R3: [u64; 5] = limbs(power_of_two(780, Self::N_WORDS));
    /// -n^-1 mod 2^52.
    const N_INVERSE: u64 = negated_inverse(Self::N_WORDS[0]);
    /// p - n.
    const GAP: [u64; 5] = limbs(difference(Self::P_WORDS, Self::N_WORDS));

    /// x^-1 mod p, and 0 for 0; x < p. Constant time.
    fn invert_mod_p(x: [u64; 4]) -> [u64; 4];
    /// x^-1 mod n, and 0 for 0; x < n. Constant time.
    fn invert_mod_n(x: [u64; 4]) -> [u64; 4];
}

/// Four 64-bit words as five 52-bit limbs.
pub(super) const fn limbs(w: [u64; 4]) -> [u64; 5] {
    const MASK: u64 = (1 << 52) - 1;
    [
        w[0] & MASK,
        ((w[0] >> 52) | (w[1] << 12)) & MASK,
        ((w[1] >> 40) | (w[2] << 24)) & MASK,
        ((w[2] >> 28) | (w[3] << 36)) & MASK,
        w[3] >> 16,
    ]
}

/// 2^exponent mod m, for m > 2^255.
const fn power_of_two(exponent: u32, m: [u64; 4]) -> [u64; 4] {
    let mut r = [1u64, 0, 0, 0];
    let mut i = 0;
    while i < exponent {
        let carry = r[3] >> 63;
        let double = [r[0] << 1, (r[1] << 1) | (r[0] >> 63), (r[2] << 1) | (r[1] >> 63), (r[3] << 1) | (r[2] >> 63)];
        let (reduced, borrow) = subtract(double, m);
        r = if carry == 1 || borrow == 0 { reduced } else { double };
        i += 1;
    }
    r
}

/// a - b mod 2^256 and the borrow.
const fn subtract(a: [u64; 4], b: [u64; 4]) -> ([u64; 4], u128) {
    let mut difference = [0u64; 4];
    let mut borrow = 0u128;
    let mut k = 0;
    while k < 4 {
        let word = (a[k] as u128).wrapping_sub(b[k] as u128).wrapping_sub(borrow);
        difference[k] = word as u64;
        borrow = word >> 127;
        k += 1;
    }
    (difference, borrow)
}

/// a - b mod 2^256.
pub(super) const fn difference(a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
    subtract(a, b).0
}

/// -m^-1 mod 2^52 for odd m, by Newton's iteration.
const fn negated_inverse(m: u64) -> u64 {
    let mut inverse = 1u64;
    let mut i = 0;
    while i < 6 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(m.wrapping_mul(inverse)));
        i += 1;
    }
    inverse.wrapping_neg() & ((1 << 52) - 1)
}
