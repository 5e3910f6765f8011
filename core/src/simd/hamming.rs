//! Distances of codes: differing bits of one code against many.

/// Words of a code.
pub(crate) const WORDS: usize = 16;

/// The differing bits, of those in `mask`, of `query` and each code of `codes`, [`WORDS`] words a code. Sums of at most
/// 1,024.
///
/// Chosen once a call by what the processor has; the plain program is the oracle.
pub(crate) fn distances(codes: &[u64], query: &[u64; WORDS], mask: &[u64; WORDS], out: &mut [u16]) {
    assert_eq!(codes.len(), out.len() * WORDS);
    #[cfg(target_arch = "x86_64")]
    if let Some(proof) = crate::cpu::HasPopcount::detect() {
        return counted(proof, codes, query, mask, out);
    }
    plain(codes, query, mask, out);
}

#[inline(always)]
fn plain(codes: &[u64], query: &[u64; WORDS], mask: &[u64; WORDS], out: &mut [u16]) {
    for (code, out) in codes.chunks_exact(WORDS).zip(out) {
        *out = code.iter().zip(query).zip(mask).map(|((a, b), mask)| ((a ^ b) & mask).count_ones()).sum::<u32>() as u16;
    }
}

#[cfg(target_arch = "x86_64")]
fn counted(_: crate::cpu::HasPopcount, codes: &[u64], query: &[u64; WORDS], mask: &[u64; WORDS], out: &mut [u16]) {
    #[target_feature(enable = "popcnt,avx2")]
    fn with_instruction(codes: &[u64], query: &[u64; WORDS], mask: &[u64; WORDS], out: &mut [u16]) {
        plain(codes, query, mask, out);
    }
    // SAFETY: the token proves that the processor has the instructions.
    unsafe { with_instruction(codes, query, mask, out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_programs_count_the_same() {
        let mixed = |k: u64| (k ^ 0x1234_5678_9abc_def0).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        for n in [0, 1, 2, 7, 64] {
            let codes: Vec<u64> = (0..(n * WORDS) as u64).map(mixed).collect();
            let query: [u64; WORDS] = std::array::from_fn(|k| mixed(k as u64 + 7_000));
            let mask: [u64; WORDS] = std::array::from_fn(|k| mixed(k as u64 + 9_000));
            let (mut a, mut b) = (vec![0; n], vec![0; n]);
            distances(&codes, &query, &mask, &mut a);
            plain(&codes, &query, &mask, &mut b);
            assert_eq!(a, b);
        }
        let mut out = [7];
        distances(&[u64::MAX; WORDS], &[0; WORDS], &[u64::MAX; WORDS], &mut out);
        assert_eq!(out, [1024]);
        distances(&[u64::MAX; WORDS], &[0; WORDS], &[1; WORDS], &mut out);
        assert_eq!(out, [16]);
    }
}
