//! HMAC_DRBG of RFC 6979 in G groups of sixteen lanes: fifteen compressions, hedged or not.

use super::compress::{W, absorb, load, set, stored};
use super::{GROUP, Seed};
use crate::simd::Function;
use core::arch::x86_64::_mm512_xor_si512;
use core::hint::black_box;
use zeroize::Zeroize;

/// The states after the key block, for the inner and the outer hash.
struct Keyed<const G: usize> {
    function: Function,
    inner: [W<G>; 8],
    outer: [W<G>; 8],
}

/// 0x00 or 0x01, d, the digest, the hedge, and the padding: what HMAC reads behind V, as words.
const WORDS: usize = 24;
/// Blocks of V and these words.
const BLOCKS: usize = 2;
/// Index of the word that begins with the separator, in a message that begins with V.
const SEPARATOR: usize = 8;

#[inline]
#[target_feature(enable = "avx512f")]
fn same<const G: usize>(word: u32) -> W<G> {
    [set(word); G]
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor<const G: usize>(a: W<G>, b: W<G>) -> W<G> {
    let mut out = a;
    for (out, b) in out.iter_mut().zip(b) {
        *out = _mm512_xor_si512(*out, b);
    }
    out
}

/// Absorbs blocks. Constant time.
#[inline]
#[target_feature(enable = "avx512f")]
fn absorb_all<const G: usize>(function: Function, state: &mut [W<G>; 8], blocks: &[[W<G>; 16]]) {
    for block in blocks {
        absorb(function, state, block, [!0; G]);
    }
}

/// The block that ends a message of 64 + 32 bytes, whose last 32 these words are.
#[inline]
#[target_feature(enable = "avx512f")]
fn last_block<const G: usize>(words: &[W<G>; 8]) -> [W<G>; 16] {
    let mut block = [same(0); 16];
    block[..8].copy_from_slice(words);
    block[8] = same(0x8000_0000);
    block[15] = same((64 + 32) * 8);
    block
}

impl<const G: usize> Keyed<G> {
    /// HMAC keyed with 32 bytes.
    #[target_feature(enable = "avx512f")]
    fn new(function: Function, key: &[W<G>; 8]) -> Self {
        let initial = function.initial().map(|word| same(word));
        let mut keyed = Keyed { function, inner: initial, outer: initial };
        for (state, pad) in [(&mut keyed.inner, 0x3636_3636), (&mut keyed.outer, 0x5c5c_5c5c)] {
            let mut block = [same(pad); 16];
            for (word, key) in block.iter_mut().zip(key) {
                *word = xor(*word, *key);
            }
            absorb_all(function, state, &[block]);
        }
        keyed
    }

    /// The tag when `inner` is the state of the inner hash at the end of the message.
    #[target_feature(enable = "avx512f")]
    fn finish(&self, inner: &[W<G>; 8]) -> [W<G>; 8] {
        let mut outer = self.outer;
        absorb_all(self.function, &mut outer, &[last_block(inner)]);
        outer
    }

    /// HMAC of V.
    #[target_feature(enable = "avx512f")]
    fn step(&self, value: &[W<G>; 8]) -> [W<G>; 8] {
        let mut inner = self.inner;
        absorb_all(self.function, &mut inner, &[last_block(value)]);
        self.finish(&inner)
    }
}

/// One message after another, word by word: word i of all messages lies together.
struct Data<const G: usize> {
    words: [[[u32; GROUP]; G]; WORDS],
}

impl<const G: usize> Data<G> {
    /// Separator 0x00, d, digest, hedge and padding of each.
    fn new(d: &[u8; 32], digests: &[[u8; 32]], hedges: Option<&[[u8; 16]]>) -> Self {
        let mut data = Data { words: [[[0; GROUP]; G]; WORDS] };
        let mut bytes = [0; 4 * WORDS];
        for lane in 0..GROUP * G {
            // Lanes beyond the end repeat the last message.
            let index = lane.min(digests.len() - 1);
            bytes[1..33].copy_from_slice(d);
            bytes[33..65].copy_from_slice(&digests[index]);
            let end = match hedges {
                Some(hedges) => {
                    bytes[65..81].copy_from_slice(&hedges[index]);
                    81
                }
                None => 65,
            };
            bytes[end] = 0x80;
            // The key block, V and these bytes.
            bytes[4 * WORDS - 8..].copy_from_slice(&((64 + 32 + end as u64) * 8).to_be_bytes());
            for (word, bytes) in data.words.iter_mut().zip(bytes.as_chunks::<4>().0) {
                word[lane / GROUP][lane % GROUP] = u32::from_be_bytes(*bytes);
            }
        }
        bytes.zeroize();
        data
    }

    /// Block `index` of V and the words.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn block(&self, value: &[W<G>; 8], index: usize) -> [W<G>; 16] {
        let mut block = [same(0); 16];
        for (i, slot) in block.iter_mut().enumerate() {
            *slot = match (16 * index + i).checked_sub(SEPARATOR) {
                None => value[i],
                Some(word) => self.words[word].each_ref().map(|words| load(words)),
            };
        }
        block
    }
}

/// Bound: 1 to 16 G digests, as many as `out`, and as many hedges or none.
#[target_feature(enable = "avx512f")]
pub(super) fn nonces<const G: usize>(
    seed: Seed<'_>,
    digests: &[[u8; 32]],
    hedges: Option<&[[u8; 16]]>,
    out: &mut [[u64; 4]],
) {
    let function = seed.function;
    let mut data = Data::<G>::new(seed.d, digests, hedges);
    let mut value = [same(0x0101_0101); 8];
    // Steps b to d: the first block is in the seed.
    let [inner, outer] = seed.states.map(|state| state.map(|word| same(word)));
    let mut first = Keyed { function, inner, outer };
    for index in 1..BLOCKS {
        let block = data.block(&value, index);
        absorb_all(function, &mut first.inner, &[block]);
    }
    let mut hmac = Keyed::new(function, &first.finish(&first.inner));
    // Steps e to g.
    value = hmac.step(&value);
    let mut inner = hmac.inner;
    for index in 0..BLOCKS {
        let mut block = data.block(&value, index);
        if index == 0 {
            block[SEPARATOR] = xor(block[SEPARATOR], same(0x0100_0000));
        }
        absorb_all(function, &mut inner, &[block]);
    }
    hmac = Keyed::new(function, &hmac.finish(&inner));
    value = hmac.step(&value);
    // Step h.2.
    let tags = hmac.step(&value);
    for group in 0..G {
        let words = tags.map(|tag| stored(tag[group]));
        for (lane, k) in out.iter_mut().skip(GROUP * group).take(GROUP).enumerate() {
            for (i, limb) in k.iter_mut().enumerate() {
                *limb = u64::from(words[6 - 2 * i][lane]) << 32 | u64::from(words[7 - 2 * i][lane]);
            }
        }
    }
    data.words.as_flattened_mut().as_flattened_mut().zeroize();
    value = [same(0); 8];
    black_box(&value);
}
